//! A push network to try a server against by hand: it takes pushes as the real one does, and prints one line for each.

#![expect(clippy::print_stdout, reason = "it is a program, and this is how it speaks")]

use clap::{Parser, Subcommand};
use countersign_tests::apns;

/// Simulates push networks.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    network: Network,
}

#[derive(Subcommand)]
enum Network {
    /// Apple Push Notification service: HTTP/2 over TLS with provider tokens.
    Apns(apns::ByHand),
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let say = |line: String| println!("{line}");
    let run = async {
        match Arguments::parse().network {
            Network::Apns(chosen) => apns::run_by_hand(chosen, say).await,
        }
    };
    tokio::select! {
        () = run => Ok(()),
        // So that the temporary folder is removed.
        stopped = tokio::signal::ctrl_c() => stopped,
    }
}
