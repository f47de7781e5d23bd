//! A push network to try a server against by hand: it takes pushes as the real one does, and prints one line for each.

#![expect(clippy::print_stdout, reason = "it is a program, and this is how it speaks")]

use clap::{Parser, Subcommand};
use countersign_tests::apns::{Behaviour, Options, Provider, REASONS, Simulator};
use countersign_tests::tls::Authority;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Simulates push networks.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    network: Network,
}

#[derive(Subcommand)]
enum Network {
    /// Apple Push Notification service: HTTP/2 over TLS with provider tokens.
    Apns(Apns),
}

#[derive(clap::Args)]
struct Apns {
    /// The port on this machine; 0: a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where to write the certificate authority and the key for pushes. Default: a folder that is removed at the end.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Refuse every push to this device token, for the reason that `--refuse` names.
    #[arg(long, requires = "refuse")]
    device: Option<String>,
    /// One of Apple's reasons.
    #[arg(long, requires = "device", value_parser = REASONS.map(|(reason, _)| reason))]
    refuse: Option<String>,
    /// How many milliseconds each push takes.
    #[arg(long, default_value_t = 0)]
    delay: u64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let temporary = tempfile::tempdir()?;
    match Arguments::parse().network {
        Network::Apns(arguments) => apns(arguments, temporary.path()).await,
    }
}

async fn apns(arguments: Apns, temporary: &Path) -> std::io::Result<()> {
    let folder = arguments.folder.unwrap_or_else(|| temporary.to_owned());
    std::fs::create_dir_all(&folder)?;
    let (provider, authority) = (Arc::new(Provider::new()), Arc::new(Authority::new()));
    let (key_file, root) = (provider.write(&folder), authority.write(&folder));
    let mut options = Options::new(Arc::clone(&provider), authority);
    options.listen = SocketAddr::from(([127, 0, 0, 1], arguments.port));
    options.delay = Duration::from_millis(arguments.delay);
    let mut simulator = Simulator::start(options).await;
    if let (Some(device), Some(reason)) = (arguments.device, arguments.refuse) {
        simulator.answer_device(&device, Behaviour::refuse(&reason));
    }
    println!("Listening on {}", simulator.url);
    println!("Certificate authority: {}", root.display());
    println!("\n[push.apns]\nkey_file = {key_file:?}");
    println!("key_id = {:?}\nteam_id = {:?}\ntopic = {:?}", provider.key_id, provider.team_id, provider.topics[0]);
    println!("base_url = {0:?}\nsandbox_base_url = {0:?}", simulator.url);
    println!("extra_roots = [{root:?}]\nallow_private = true\n");
    loop {
        tokio::select! {
            request = simulator.next_event() => match request {
                Ok(push) => {
                    let status = push.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
                    let kind = push.header("apns-push-type").to_owned();
                    let (device, bytes) = (&push.device, push.payload.len());
                    println!("{status} {kind} {bytes} bytes, connection {}, device {device}", push.connection);
                }
                Err(refusal) => println!("{} {}", refusal.status, refusal.reason),
            },
            stopped = tokio::signal::ctrl_c() => return stopped,
        }
    }
}
