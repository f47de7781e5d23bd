//! How fast queued pushes leave the server, and what processor time that takes it. The network's simulator is a process
//! of its own, so that its work is not counted.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made is to stop with the reason")]
#![expect(clippy::print_stdout, reason = "it is a program, and this is how it speaks")]

mod cryptography;
mod network;

use clap::{Parser, ValueEnum};
use countersign_protocol::time::{Clock, SystemClock, Timestamp};
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::server::TestServer;
use network::{Arrivals, Setup};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Measures the sending of pushes
#[derive(Debug, Parser)]
struct Arguments {
    /// The network
    network: Name,
    /// How many pushes are queued at once
    #[arg(long, default_value_t = 10_000)]
    pushes: usize,
    /// Be the network, and keep its files in this folder: how this program starts its simulator
    #[arg(long, hide = true)]
    simulate: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    Apns,
    Fcm,
    Webpush,
}

/// The processor time of this process so far, in microseconds: the 14th and 15th field of `/proc/self/stat`, in ticks
/// of 10 ms.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    ticks.sum::<u64>() * 10_000
}

/// The simulator's process, which says each thing in a line.
struct Simulator {
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Simulator {
    fn start(network: Name, pushes: usize, folder: &Path) -> Self {
        let name = network.to_possible_value().unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([name.get_name(), "--pushes", &pushes.to_string(), "--simulate"])
            .arg(folder)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { lines: BufReader::new(process.stdout.take().unwrap()).lines(), _process: process }
    }

    async fn hear<T: DeserializeOwned>(&mut self) -> T {
        let line = self.lines.next_line().await.unwrap();
        serde_json::from_str(&line.unwrap()).unwrap()
    }
}

/// Queues so many pushes in one transaction, and says when they were committed.
fn queue(database: &rusqlite::Connection, pushes: usize) -> Timestamp {
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
               INSERT INTO push (challenge, enrolment, registration, lane, state, due_at, expires_at)
               SELECT challenge, enrolment, registration, lane, 'queued', due_at, expires_at FROM push, n";
    database.execute(sql, [i64::try_from(pushes).unwrap()]).unwrap();
    SystemClock.now()
}

/// Returns once the server has written down what became of every push.
async fn until_written(database: &rusqlite::Connection) {
    let sql = "SELECT EXISTS (SELECT 1 FROM push WHERE state = 'queued')";
    while database.query_row(sql, (), |row| row.get(0)).unwrap() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::main]
async fn main() {
    let Arguments { network, pushes, simulate } = Arguments::parse();
    if let Some(folder) = simulate {
        return network::simulate(network, pushes, &folder).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut simulator = Simulator::start(network, pushes, folder.path());
    let setup: Setup = simulator.hear().await;
    let registration = serde_json::to_vec(&setup.registration).unwrap();
    let server = TestServer::start_with(Arc::new(SystemClock), move |config| setup.configure(config)).await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;
    assert_eq!(device.send(Method::PUT, "/v1/device/push", &registration).await.status, 204);
    site.post("/v1/challenges", &json!({ "user_id": user, "expires_in": 600 })).await;
    let () = simulator.hear().await;

    let database = rusqlite::Connection::open(server.database()).unwrap();
    database.busy_timeout(Duration::from_secs(60)).unwrap();
    until_written(&database).await;
    let committed = queue(&database, pushes);
    let used = processor_time();
    server.service().wake.pushes.notify_one();
    let arrivals: Arrivals = simulator.hear().await;
    until_written(&database).await;
    report(network, committed, processor_time() - used, &arrivals);
    server.stop().await;
}

/// Says what was measured. `used` is the server's processor time in microseconds.
fn report(network: Name, committed: Timestamp, used: u64, arrivals: &Arrivals) {
    let waited: Vec<i64> = arrivals.at_ms.iter().map(|at| at - committed.millis()).collect();
    let count = u64::try_from(waited.len()).unwrap();
    let share = |percent: usize| waited[(waited.len() * percent / 100).min(waited.len() - 1)];
    let took = waited.last().map_or(1, |last| last.unsigned_abs().max(1));
    let (each, alone) = (used / count, cryptography::of_one_push(network));
    println!("{count} pushes queued at once through {network:?}: {} a second", count * 1000 / took);
    println!("from commit to hand-over: p50 {} ms, p99 {} ms", share(50), share(99));
    println!(
        "the server's processor time: {each} µs a push, {}.{} times that of its cryptography alone ({alone} µs)",
        each / alone,
        each * 10 / alone % 10
    );
    println!("the simulator's processor time: {} µs a push", arrivals.processor_us / count);
}
