//! The push networks, and what they have brought to each installed app.

use super::Fault;
use crate::apns::{self, Behaviour, Provider, Simulator};
use crate::fcm::Fcm;
use crate::push_service::PushService;
use crate::tls::Authority;
use axum::http::StatusCode;
use countersign_protocol::randomness::{Randomness, SystemRandomness};
use countersign_protocol::time::SystemClock;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

/// All networks.
pub struct Mailboxes {
    apns: Simulator,
    fcm: Fcm,
    /// One service for each subscriber, by the endpoint.
    webpush: BTreeMap<String, PushService>,
    /// What came for a device token while another was waited for.
    came: BTreeMap<String, VecDeque<Vec<u8>>>,
    /// What a server needs to know of them.
    configuration: toml::Table,
}

impl Mailboxes {
    /// Starts the networks; their keys are written into this folder.
    pub async fn open(folder: &Path) -> Self {
        let (provider, authority) = (Arc::new(Provider::new()), Arc::new(Authority::new()));
        let (apns_folder, fcm_folder) = (folder.join("apns"), folder.join("fcm"));
        for folder in [&apns_folder, &fcm_folder] {
            std::fs::create_dir(folder).unwrap();
        }
        let key_file = provider.write(&apns_folder);
        let apns_root = authority.write(&apns_folder);
        let apns = Simulator::start(apns::Options::new(Arc::clone(&provider), authority)).await;
        let fcm = Fcm::start(Arc::new(SystemClock)).await;
        let (service_account, fcm_root) = fcm.write_files(&fcm_folder);
        let configuration = json!({
            "webpush": { "allow_private": true },
            "apns": {
                "key_file": key_file, "key_id": provider.key_id, "team_id": provider.team_id,
                "topic": provider.topics[0], "base_url": apns.url, "sandbox_base_url": apns.url,
                "extra_roots": [apns_root], "allow_private": true,
            },
            "fcm": {
                "service_account": service_account, "base_url": fcm.url(), "extra_roots": [fcm_root],
                "allow_private": true,
            },
        });
        let configuration = serde_json::from_value(configuration).unwrap();
        Self { apns, fcm, webpush: BTreeMap::new(), came: BTreeMap::new(), configuration }
    }

    /// `[push]` of a server's configuration.
    pub fn configuration(&self) -> toml::Table {
        self.configuration.clone()
    }

    /// An app is installed on a phone: what it registers.
    pub async fn install(&mut self, gateway: &str) -> Result<Value, Fault> {
        match gateway {
            "webpush" => {
                let service = PushService::start().await;
                let registration = serde_json::to_value(service.registration()).unwrap();
                self.webpush.insert(registration["endpoint"].as_str().unwrap().to_owned(), service);
                Ok(registration)
            }
            "fcm" => Ok(serde_json::to_value(self.fcm.registration()).unwrap()),
            "apns" => {
                let randomness = SystemRandomness::new();
                let token = HEXLOWER.encode(&(&randomness as &dyn Randomness).bytes::<32>());
                Ok(json!({ "gateway": "apns", "token": token, "environment": "production" }))
            }
            other => Err(format!("there is no push network {other:?}")),
        }
    }

    /// The app is gone, or has another token by now: its network says so.
    pub fn uninstall(&mut self, registration: &Value) -> Result<Value, Fault> {
        let token = address(registration)?;
        match registration["gateway"].as_str() {
            Some("webpush") => self.service(token)?.answer(StatusCode::GONE),
            Some("fcm") => self.fcm.uninstall(token),
            _ => self.apns.answer_device(token, Behaviour::refuse("Unregistered")),
        }
        Ok(json!({}))
    }

    /// The next push that came for this registration: what its app hands to the core.
    pub async fn take(&mut self, registration: &Value) -> Result<Value, Fault> {
        let token = address(registration)?;
        let message = match registration["gateway"].as_str() {
            Some("webpush") => self.service(token)?.next().await.message,
            gateway => loop {
                if let Some(message) = self.came.get_mut(token).and_then(VecDeque::pop_front) {
                    break message;
                }
                let (device, message) = if gateway == Some("fcm") {
                    let taken = self.fcm.next().await;
                    (taken.body["message"]["token"].as_str().unwrap().to_owned(), taken.envelope().to_vec())
                } else {
                    let taken = self.apns.next().await;
                    (taken.device.clone(), taken.envelope())
                };
                self.came.entry(device).or_default().push_back(message);
            },
        };
        Ok(json!({ "message_b64u": BASE64URL_NOPAD.encode(&message) }))
    }

    fn service(&mut self, endpoint: &str) -> Result<&mut PushService, Fault> {
        self.webpush.get_mut(endpoint).ok_or_else(|| format!("nobody subscribed at {endpoint}"))
    }
}

/// What tells one registration from another.
fn address(registration: &Value) -> Result<&str, Fault> {
    let address = registration["endpoint"].as_str().or_else(|| registration["token"].as_str());
    address.ok_or_else(|| format!("{registration} is no registration"))
}
