//! What a notification costs on a phone: a process of its own opens the keyring beside an open store, opens a sealed
//! push, and has what to show.

#![expect(clippy::print_stdout, reason = "it is a program, and this is how it speaks")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot go on must stop")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use clap::{Parser, Subcommand};
use countersign_device::vault::DesktopVault;
use countersign_device::{Authenticator, Keyring, Opened, Platform};
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::sealing::{self, SealedTo, SealingKey};
use countersign_protocol::time::{Clock, SystemClock};
use countersign_tests::phone::Phone;
use countersign_tests::push_service::PushService;
use countersign_tests::server::TestServer;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Measures what opens a push in the notification extension of an iPhone and the messaging service of an Android phone.
#[derive(Parser)]
struct Arguments {
    /// How many accounts are on the phone; the push is for the last, so every key is tried.
    #[arg(long, default_value_t = 5)]
    accounts: usize,
    /// How many fresh processes to measure.
    #[arg(long, default_value_t = 100)]
    runs: usize,
    #[command(subcommand)]
    extension: Option<Extension>,
}

#[derive(Subcommand)]
enum Extension {
    /// One process: opens one push and says what that took.
    #[command(hide = true)]
    Open { store: PathBuf, vault: PathBuf, push: PathBuf },
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    match &arguments.extension {
        Some(Extension::Open { store, vault, push }) => open(store, vault, push),
        None => measure(arguments.accounts, arguments.runs).await,
    }
}

/// The most memory that this process ever held, in KB (proc(5), `VmHWM`).
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn open(store: &Path, vault: &Path, push: &Path) {
    let push = std::fs::read(push).unwrap();
    let (before, began) = (peak_memory(), Instant::now());
    let vault = DesktopVault::in_file(vault, &SystemRandomness::new()).unwrap();
    let keyring = Keyring::open(store, &vault).unwrap();
    let opened = keyring.open_push(&push, SystemClock.now()).unwrap();
    let Opened::Challenge { challenge, .. } = opened else { return };
    let took = began.elapsed();
    println!("{} {} {}", took.as_micros(), peak_memory() - before, challenge.relying_party.len());
}

async fn measure(accounts: usize, runs: usize) {
    let server = TestServer::start().await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let mut service = PushService::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (store, vault, push) = (folder.path().join("store"), folder.path().join("vault"), folder.path().join("push"));
    let randomness = Arc::new(SystemRandomness::new());
    let platform = Platform {
        vault: Arc::new(DesktopVault::in_file(&vault, &*randomness).unwrap()),
        randomness,
        ..Phone::new().platform().clone()
    };
    // It stays open, as the app is while its extension runs.
    let app = Authenticator::open(&store, platform).unwrap();
    let mut last = None;
    for account in 0..accounts.max(1) {
        let user = site.user(&format!("user {account}")).await;
        last = Some((Phone::enrol_on(&app, &site, &user).await, user));
    }
    let (account, user) = last.expect("there is an account");
    app.register_push(account, &[service.registration()]).await.unwrap();
    site.ask(&user).await;
    std::fs::write(&push, service.next().await.message).unwrap();

    let mut took: Vec<(u64, u64)> = (0..runs.max(1)).map(|_| run(&store, &vault, &push)).collect();
    took.sort_unstable();
    let most = took.iter().map(|(_, memory)| *memory).max().unwrap_or_default();
    let at = |part: usize| took[(took.len() - 1) * part / 100].0;
    let alone = cryptography(accounts);
    println!(
        "{accounts} accounts, the push is for the last; {} fresh processes, the app has the store open",
        took.len()
    );
    println!("keyring and push opened   p50 {} µs, p99 {} µs", at(50), at(99));
    println!("the cryptography alone    {} µs, ratio {:.1}", alone.as_micros(), ratio(at(50), alone));
    println!("memory, at most           {most} KB more than before");
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn ratio(took: u64, alone: Duration) -> f64 {
    took as f64 / alone.as_micros() as f64
}

fn run(store: &Path, vault: &Path, push: &Path) -> (u64, u64) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.arg("open").args([store, vault, push]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut numbers = said.split_whitespace().map(|number| number.parse::<u64>().unwrap());
    (numbers.next().expect("it says how long it took"), numbers.next().expect("it says what it held"))
}

/// What opening and verifying one message takes with the keys at hand, after as many that do not fit.
fn cryptography(accounts: usize) -> Duration {
    let randomness = SystemRandomness::new();
    let (signing, _) = SoftwareKey::generate().unwrap();
    let server_id = signing.public().thumbprint();
    let to = SealedTo {
        server_id: &server_id,
        enrolment_id: countersign_protocol::handle::EnrolmentId::random(&randomness),
    };
    let keys: Vec<SealingKey> = (0..accounts.max(1)).map(|_| SealingKey::generate(&randomness)).collect();
    let message = "m".repeat(2000);
    let signature = signing.sign_now(message.as_bytes()).unwrap();
    let sealed = sealing::seal(&message, &keys[keys.len() - 1].public(), to, &randomness).unwrap();
    let began = Instant::now();
    let opened = keys.iter().find_map(|key| sealed.open(key, to).ok()).unwrap();
    signing.public().verify(opened.as_bytes(), &signature).unwrap();
    began.elapsed()
}
