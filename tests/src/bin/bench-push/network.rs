//! The network's side, in a process of its own: says how a server is configured for it, then what it took and when.

use super::{Name, processor_time};
use countersign_protocol::apns::{AppleDevice, Environment};
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::time::{Clock, SystemClock};
use countersign_server::delivery::push::config::{ApnsConfig, FcmConfig};
use countersign_server::runtime::config::Config;
use countersign_tests::apns::{Options, Provider, Simulator};
use countersign_tests::fcm::Fcm;
use countersign_tests::push_service::PushService;
use countersign_tests::tls::Authority;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a server and a device use the network.
#[derive(Serialize, Deserialize)]
pub struct Setup {
    /// What the device registers.
    pub registration: PushRegistration,
    way: Way,
}

#[derive(Serialize, Deserialize)]
enum Way {
    Apns { url: String, key_file: PathBuf, key_id: String, team_id: String, topic: String, root: PathBuf },
    Fcm { url: String, token_url: String, service_account: PathBuf, root: PathBuf },
    WebPush,
}

/// What came.
#[derive(Serialize, Deserialize)]
pub struct Arrivals {
    /// When each push was taken, in milliseconds since the Unix epoch.
    pub at_ms: Vec<i64>,
    /// The processor time that the taking of all of them took this side, in microseconds.
    pub processor_us: u64,
}

impl Setup {
    /// Configures a server for this network.
    pub fn configure(&self, config: &mut Config) {
        match &self.way {
            Way::Apns { url, key_file, key_id, team_id, topic, root } => {
                config.push.apns = ApnsConfig {
                    key_file: Some(key_file.clone()),
                    key_id: Some(key_id.clone()),
                    team_id: Some(team_id.clone()),
                    topic: Some(topic.clone()),
                    base_url: url.clone(),
                    sandbox_base_url: url.clone(),
                    extra_roots: vec![root.clone()],
                    allow_private: true,
                };
            }
            Way::Fcm { url, token_url, service_account, root } => {
                config.push.fcm = Some(FcmConfig {
                    service_account: service_account.clone(),
                    base_url: url.clone(),
                    token_url: Some(token_url.clone()),
                    extra_roots: vec![root.clone()],
                    allow_private: true,
                });
            }
            Way::WebPush => {}
        }
    }
}

/// A network that takes pushes.
enum Network {
    Apns(Simulator),
    Fcm(Fcm),
    WebPush(PushService),
}

impl Network {
    async fn start(name: Name, folder: &Path) -> (Self, Setup) {
        match name {
            Name::Apns => {
                let (provider, authority) = (Arc::new(Provider::new()), Arc::new(Authority::new()));
                let (key_file, root) = (provider.write(folder), authority.write(folder));
                let simulator = Simulator::start(Options::new(Arc::clone(&provider), authority)).await;
                let Provider { key_id, team_id, topics, .. } = &*provider;
                let (url, topic) = (simulator.url.clone(), topics[0].clone());
                let way = Way::Apns { url, key_file, key_id: key_id.clone(), team_id: team_id.clone(), topic, root };
                let device = AppleDevice { token: "0a".repeat(32), environment: Environment::Production, topic: None };
                (Self::Apns(simulator), Setup { registration: PushRegistration::Apns(device), way })
            }
            Name::Fcm => {
                let fcm = Fcm::start(Arc::new(SystemClock)).await;
                let (service_account, root) = fcm.write_files(folder);
                let (url, token_url) = (fcm.url().to_owned(), fcm.token_url());
                let setup =
                    Setup { registration: fcm.registration(), way: Way::Fcm { url, token_url, service_account, root } };
                (Self::Fcm(fcm), setup)
            }
            Name::Webpush => {
                let service = PushService::start().await;
                let setup = Setup { registration: service.registration(), way: Way::WebPush };
                (Self::WebPush(service), setup)
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

/// Is the network: says its setup, that one push has come, and when each of so many more came.
pub async fn simulate(name: Name, pushes: usize, folder: &Path) {
    let (mut network, setup) = Network::start(name, folder).await;
    println!("{}", serde_json::to_string(&setup).unwrap());
    network.next().await;
    println!("null");
    let used = processor_time();
    let mut at_ms = Vec::with_capacity(pushes);
    for _ in 0..pushes {
        network.next().await;
        at_ms.push(SystemClock.now().millis());
    }
    let arrivals = Arrivals { at_ms, processor_us: processor_time() - used };
    println!("{}", serde_json::to_string(&arrivals).unwrap());
    // The last answers are still on their way: the other side ends this process.
    std::future::pending::<()>().await;
}
