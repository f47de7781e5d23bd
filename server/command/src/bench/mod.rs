//! `countersign bench`: complete logins over real sockets, against what the cryptography and the disk alone would
//! allow.
//!
//! It judges nothing. The figures of one machine mean little; the ratios tell where the time goes.

mod login;

use crate::failure::Failure;
use clap::Args;
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::SystemClock;
use countersign_server::runtime::config::Config;
use countersign_server::runtime::startup::StartupError;
use countersign_server::runtime::{init, listener, serve};
use login::Lane;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Signatures and verifications in one login: the server signs a challenge and checks a proof and a decision; the
/// device signs both and checks the challenge.
const SIGNATURES: u32 = 3;
/// Verifications in one login.
const VERIFICATIONS: u32 = 3;
/// Durable writes in one login: the challenge, the spent proof, the settlement, the claim.
const WRITES: u32 = 4;
/// How long each part is measured alone.
const ALONE: Duration = Duration::from_secs(1);

/// Measure complete logins on this machine.
#[derive(Debug, Args)]
pub struct Options {
    /// How many logins to measure
    #[arg(long, default_value_t = 5000)]
    logins: usize,
    /// How many people sign in at one time
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// Where the database is made, in a folder that is deleted afterwards [default: the current folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The present of a stopwatch.
#[expect(clippy::disallowed_methods, reason = "a stopwatch is what a benchmark is")]
fn stopwatch() -> Instant {
    Instant::now()
}

/// Runs the benchmark.
///
/// # Errors
/// What to tell the person, with the exit code.
pub async fn run(options: Options) -> Result<(), Failure> {
    if options.logins == 0 || options.concurrency == 0 {
        return Err(StartupError::Configuration("--logins and --concurrency are at least 1".into()).into());
    }
    let parent = options.data.clone().unwrap_or_else(|| PathBuf::from("."));
    let folder = parent.join(format!("countersign-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(&options, &folder).await;
    std::fs::remove_dir_all(&folder)?;
    print(&measured?, options.json)
}

async fn measure(options: &Options, folder: &Path) -> Result<Value, Failure> {
    let mut config = Config::load(None, std::iter::empty())?;
    config.data_dir = folder.join("server");
    let listener = listener::bind(([127, 0, 0, 1], 0).into()).await?;
    init::make(&config, Arc::new(SystemClock), Arc::new(SystemRandomness::new())).await?;
    let running = serve::start(&config, listener, |router| router).await?;
    let url = format!("http://{}", running.address);
    let lanes = login::lanes(&running.service, &url, options.concurrency).await?;
    let before = stopwatch();
    let mut latencies = sign_in(lanes, options.logins).await?;
    let wall = before.elapsed().as_secs_f64();
    running.stop().await;

    latencies.sort_unstable();
    let percentile = |part: usize| latencies[(latencies.len() - 1) * part / 100].as_secs_f64() * 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "a count of logins is far below 2^52")]
    let rate = latencies.len() as f64 / wall;
    let (cryptography, disk) = (cryptography_alone()?, disk_alone(folder)?);
    let round = |value: f64| (value * 100.0).round() / 100.0;
    Ok(json!({
        "logins": latencies.len(),
        "concurrency": options.concurrency,
        "logins_per_second": round(rate),
        "milliseconds": { "p50": round(percentile(50)), "p99": round(percentile(99)) },
        "cryptography_alone_logins_per_second_and_core": round(cryptography),
        "single_commits_alone_logins_per_second": round(disk),
        "ratio_to_cryptography_of_one_core": round(rate / cryptography),
        "ratio_to_single_commits": round(rate / disk),
    }))
}

/// Signs people in side by side until enough have been, and gives how long each took.
async fn sign_in(lanes: Vec<Lane>, logins: usize) -> Result<Vec<Duration>, Failure> {
    let begun = Arc::new(AtomicUsize::new(0));
    let progress = std::io::stderr().is_terminal();
    let mut running = JoinSet::new();
    for mut lane in lanes {
        let begun = Arc::clone(&begun);
        running.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                if number >= logins {
                    return Ok::<_, Failure>(latencies);
                }
                if progress && number.is_multiple_of(500) {
                    // When standard error is gone, nobody misses the progress.
                    let _ = write!(std::io::stderr(), "\r{number} of {logins} logins");
                }
                let before = stopwatch();
                lane.login().await?;
                latencies.push(before.elapsed());
            }
        });
    }
    let mut latencies = Vec::with_capacity(logins);
    while let Some(ended) = running.join_next().await {
        let ended = ended.map_err(|error| StartupError::System(error.to_string()))?;
        latencies.extend(ended?);
    }
    if progress {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    Ok(latencies)
}

/// How many logins a second one core could sign and verify, and do nothing else.
fn cryptography_alone() -> Result<f64, Failure> {
    let broken = |error: countersign_protocol::key::KeyError| StartupError::System(error.to_string());
    let (key, _) = SoftwareKey::generate().map_err(broken)?;
    let message = [7_u8; 1024];
    let (before, mut logins) = (stopwatch(), 0_u32);
    while before.elapsed() < ALONE {
        let mut signature = [0; 64];
        for _ in 0..SIGNATURES {
            signature = key.sign_now(&message).map_err(broken)?;
        }
        for _ in 0..VERIFICATIONS {
            key.public().verify(&message, &signature).map_err(|refusal| StartupError::System(refusal.to_string()))?;
        }
        logins += 1;
    }
    Ok(f64::from(logins) / before.elapsed().as_secs_f64())
}

/// How many logins a second the disk would allow, were each of their writes a commit of its own.
fn disk_alone(folder: &Path) -> Result<f64, Failure> {
    let broken = |error: rusqlite::Error| StartupError::System(error.to_string());
    let connection = rusqlite::Connection::open(folder.join("disk.db")).map_err(broken)?;
    let prepare = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE line (text TEXT)";
    connection.execute_batch(prepare).map_err(broken)?;
    let (before, mut writes) = (stopwatch(), 0_u32);
    while before.elapsed() < ALONE {
        connection.execute("INSERT INTO line VALUES (?1)", ["x".repeat(800)]).map_err(broken)?;
        writes += 1;
    }
    Ok(f64::from(writes) / before.elapsed().as_secs_f64() / f64::from(WRITES))
}

fn print(measured: &Value, as_json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    if as_json {
        writeln!(out, "{measured:#}")?;
        return Ok(());
    }
    writeln!(out, "{} complete, durable logins, {} at a time", measured["logins"], measured["concurrency"])?;
    writeln!(out, "  {} a second", measured["logins_per_second"])?;
    writeln!(
        out,
        "  {} ms in the middle, {} ms for the slowest hundredth",
        measured["milliseconds"]["p50"], measured["milliseconds"]["p99"]
    )?;
    let (cryptography, disk) = (&measured["ratio_to_cryptography_of_one_core"], &measured["ratio_to_single_commits"]);
    writeln!(out, "  {cryptography} of what one core could sign and verify and do nothing else")?;
    writeln!(out, "  {disk} times what the disk would allow, were each write a commit of its own")?;
    Ok(writeln!(out, "Phones, relying parties and the server shared this machine.")?)
}
