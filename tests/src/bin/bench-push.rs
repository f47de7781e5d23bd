//! How fast queued pushes leave the server, with the network's simulator in the same process.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made is to stop with the reason")]
#![expect(clippy::print_stdout, reason = "it is a program, and this is how it speaks")]

use clap::{Parser, ValueEnum};
use countersign_core::apns::{AppleDevice, Environment};
use countersign_core::device_api::PushRegistration;
use countersign_core::time::{Clock, SystemClock};
use countersign_server::config::{ApnsConfig, Config, FcmConfig};
use countersign_tests::apns::{Options, Provider, Simulator};
use countersign_tests::fcm::Fcm;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::push_service::PushService;
use countersign_tests::server::TestServer;
use countersign_tests::tls::Authority;
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use tempfile::TempDir;

/// Measures the sending of pushes
#[derive(Debug, Parser)]
struct Arguments {
    /// The network
    network: Name,
    /// How many pushes are queued at once
    #[arg(long, default_value_t = 10_000)]
    pushes: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    Apns,
    Fcm,
    Webpush,
}

/// A network that takes pushes.
enum Network {
    Apns(Simulator),
    Fcm(Fcm),
    WebPush(PushService),
}

impl Network {
    async fn start(name: Name, folder: &TempDir) -> (Self, PushRegistration, Box<dyn Fn(&mut Config) + Send + Sync>) {
        match name {
            Name::Apns => {
                let (provider, authority) = (Arc::new(Provider::new()), Arc::new(Authority::new()));
                let (key_file, root) = (provider.write(folder.path()), authority.write(folder.path()));
                let simulator = Simulator::start(Options::new(Arc::clone(&provider), authority)).await;
                let config = ApnsConfig {
                    key_file: Some(key_file),
                    key_id: Some(provider.key_id.clone()),
                    team_id: Some(provider.team_id.clone()),
                    topic: Some(provider.topics[0].clone()),
                    base_url: simulator.url.clone(),
                    sandbox_base_url: simulator.url.clone(),
                    extra_roots: vec![root],
                    allow_private: true,
                };
                let device = AppleDevice { token: "0a".repeat(32), environment: Environment::Production, topic: None };
                let configure = Box::new(move |all: &mut Config| all.push.apns = config.clone());
                (Self::Apns(simulator), PushRegistration::Apns(device), configure)
            }
            Name::Fcm => {
                let fcm = Fcm::start(Arc::new(SystemClock)).await;
                let (service_account, root) = fcm.write_files(folder.path());
                let config = FcmConfig {
                    service_account,
                    base_url: fcm.url().to_owned(),
                    token_url: Some(fcm.token_url()),
                    extra_roots: vec![root],
                    allow_private: true,
                };
                let registration = fcm.registration();
                let configure = Box::new(move |all: &mut Config| all.push.fcm = Some(config.clone()));
                (Self::Fcm(fcm), registration, configure)
            }
            Name::Webpush => {
                let service = PushService::start().await;
                let registration = service.registration();
                (Self::WebPush(service), registration, Box::new(|_: &mut Config| ()))
            }
        }
    }

    async fn next(&mut self) {
        match self {
            Self::Apns(simulator) => drop(simulator.next().await),
            Self::Fcm(fcm) => drop(fcm.next().await),
            Self::WebPush(service) => drop(service.next().await),
        }
    }
}

/// The processor time of this process so far, in milliseconds: the 14th and 15th field of `/proc/self/stat`, in ticks.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    ticks.sum::<u64>() * 10
}

#[tokio::main]
async fn main() {
    let Arguments { network, pushes } = Arguments::parse();
    let folder = tempfile::tempdir().unwrap();
    let (mut taking, registration, configure) = Network::start(network, &folder).await;
    let server = TestServer::start_with(Arc::new(SystemClock), configure).await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;
    let body = serde_json::to_vec(&registration).unwrap();
    assert_eq!(device.send(Method::PUT, "/v1/device/push", &body).await.status, 204);
    site.post("/v1/challenges", &json!({ "user_id": user, "expires_in": 600 })).await;
    taking.next().await;

    let database = rusqlite::Connection::open(server.database()).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
               INSERT INTO push (challenge, enrolment, registration, lane, state, due_at, expires_at)
               SELECT challenge, enrolment, registration, lane, 'queued', due_at, expires_at FROM push, n";
    database.execute(sql, [i64::try_from(pushes).unwrap()]).unwrap();
    let (committed, used) = (SystemClock.now(), processor_time());
    server.app().outbox.wake();
    let mut waited = Vec::with_capacity(pushes);
    for _ in 0..pushes {
        taking.next().await;
        waited.push(committed.until(SystemClock.now()).as_millis());
    }
    let used = processor_time() - used;
    let took = waited.last().copied().unwrap_or(1).max(1);
    let share = |percent: usize| waited[(pushes * percent / 100).min(pushes - 1)];
    let rate = u128::try_from(pushes).unwrap() * 1000 / took;
    let each = used * 1000 / u64::try_from(pushes).unwrap();
    println!(
        "{pushes} pushes queued at once through {network:?}: {rate} a second; from commit to hand-over p50 {} ms, p99 {} ms; \
         {each} µs of processor time a push, both ends",
        share(50),
        share(99)
    );
    server.stop().await;
}
