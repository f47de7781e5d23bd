//! A push network to try a server against by hand: it takes pushes as the real one does, and prints one line for each.

#![expect(clippy::print_stdout, reason = "it is a program, and this is how it speaks")]

use clap::{Parser, Subcommand};
use countersign_tests::{apns, fcm, push_service};

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
    /// Firebase Cloud Messaging: the HTTP v1 API and its token endpoint, over TLS.
    Fcm(Place),
    /// Web Push: a push service with one subscriber, which decrypts, over plain HTTP.
    Webpush(Place),
}

#[derive(clap::Args)]
struct Place {
    /// The port on this machine; 0: a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let say = |line: String| println!("{line}");
    let run = async {
        match Arguments::parse().network {
            Network::Apns(chosen) => apns::run_by_hand(chosen, say).await,
            Network::Fcm(Place { port }) => fcm::run_by_hand(port, say).await,
            Network::Webpush(Place { port }) => push_service::run_by_hand(port, say).await,
        }
    };
    tokio::select! {
        () = run => Ok(()),
        // So that the temporary folder is removed.
        stopped = tokio::signal::ctrl_c() => stopped,
    }
}
