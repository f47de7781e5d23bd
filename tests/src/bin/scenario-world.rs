//! The world of the scenarios as a program, for suites in other languages: tests/scenarios/README.md has its words.

#![expect(clippy::print_stdout, reason = "it is a program, and this is how it speaks")]

use clap::Parser;
use countersign_tests::world;
use std::path::PathBuf;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// Serves the worlds of scenarios on a free port of this machine, until its standard input ends.
#[derive(Parser)]
struct Arguments {
    /// Where the files of servers and phones are kept, for as long as they are needed.
    #[arg(long)]
    folder: PathBuf,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let Arguments { folder } = Arguments::parse();
    std::fs::create_dir_all(&folder)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("Listening on http://{}", listener.local_addr()?);
    let ends = async {
        // A suite that is killed leaves nothing behind.
        let mut all = Vec::new();
        tokio::io::stdin().read_to_end(&mut all).await.map(drop)
    };
    tokio::select! {
        served = world::serve(listener, folder) => served,
        ended = ends => ended,
    }
}
