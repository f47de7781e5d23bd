//! Apple Push Notification service: HTTP/2 over TLS, `POST /3/device/TOKEN`, named by a provider token.
//!
//! Until the app has opened the envelope, iOS shows a fixed question of the app's own that names nobody, because Apple
//! can read it.

mod answer;
mod connections;
mod provider_token;

use super::{Delivery, Gateway, Kind, Message, NoAnswer, retry_after};
use crate::delivery::SetupError;
use crate::delivery::push::config::ApnsConfig;
use crate::domain::address_guard::AddressGuard;
use crate::service::Service;
use answer::{Answer, Verdict};
use async_trait::async_trait;
use connections::{Connections, Place};
use countersign_protocol::apns::{self, AppleDevice, Environment};
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::Timestamp;
use data_encoding::HEXLOWER;
use provider_token::{Bearer, ProviderToken};
use reqwest::Response;
use rustls::RootCertStore;
use std::sync::Arc;
use url::Url;

/// The longest payload that Apple takes, in bytes.
const MAX_PAYLOAD: usize = 4096;
/// What is read of an answer, in bytes: it is a reason and a moment.
const MAX_ANSWER: usize = 4096;
/// What the phone is told before the app has opened the envelope: keys of the app's own sentences, and no name. The
/// app's notification service extension (`mutable-content`) puts what it opened in their place.
const QUESTION: &str = concat!(
    r#"{"alert":{"title-loc-key":"question_is_this_you","loc-key":"question_announcement"},"#,
    r#""sound":"default","interruption-level":"time-sensitive","mutable-content":1}"#
);
/// Wakes the app without a sound.
const RETRACTION: &str = r#"{"content-available":1}"#;
/// Why nothing is sent without a key.
pub(super) const NOT_CONFIGURED: &str =
    "APNs is not configured: set key_file, key_id, team_id and topic in [push.apns]";

/// The gateway to Apple's push networks.
pub struct Apns {
    service: Arc<Service>,
    token: ProviderToken,
    topic: String,
    production: Network,
    sandbox: Network,
}

/// A message as it is sent.
struct Push<'a> {
    address: Url,
    topic: &'a str,
    message: &'a Message<'a>,
    payload: String,
}

/// One of Apple's two networks.
struct Network {
    base_url: Url,
    connections: Connections,
}

impl Network {
    fn new(setting: &str, base_url: &str, guard: AddressGuard, roots: &RootCertStore) -> Result<Self, SetupError> {
        let wrong = |reason: &str| SetupError::Configuration(format!("push.apns.{setting}: {base_url}: {reason}"));
        let url = Url::parse(base_url).map_err(|_| wrong("it is not an address"))?;
        if url.scheme() != "https" || url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it must be https:// and a host, without a path"));
        }
        guard.check_url(&url).map_err(|_| wrong("it leads to a private address; allow_private is for tests"))?;
        Ok(Self { base_url: url, connections: Connections::new(guard, roots)? })
    }
}

impl Apns {
    /// The gateway that `[push.apns]` describes; none when it names no key.
    ///
    /// # Errors
    /// [`SetupError::Configuration`], with what to do, when a setting is missing or wrong or the key cannot be read.
    pub fn new(config: &ApnsConfig, service: Arc<Service>) -> Result<Option<Self>, SetupError> {
        if !config.is_configured() {
            return Ok(None);
        }
        let (Some(key_file), Some(key_id), Some(team_id), Some(topic)) =
            (&config.key_file, &config.key_id, &config.team_id, &config.topic)
        else {
            let reason = "push.apns: key_file, key_id, team_id and topic are needed, all four";
            return Err(SetupError::Configuration(reason.into()));
        };
        let wrong = |setting: &str, reason: &str| SetupError::Configuration(format!("push.apns.{setting}: {reason}"));
        for (setting, id) in [("key_id", key_id), ("team_id", team_id)] {
            if id.len() != 10 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(wrong(setting, "it is 10 letters and digits; Apple's developer site shows it"));
            }
        }
        if !apns::is_topic(topic) {
            return Err(wrong("topic", "it is the app's bundle identifier, such as com.example.app"));
        }
        let guard = AddressGuard { allow_private: config.allow_private };
        let roots = https_client::roots(&config.extra_roots)?;
        Ok(Some(Self {
            service,
            token: ProviderToken::new(provider_token::read_key(key_file)?, key_id.clone(), team_id.clone()),
            topic: topic.clone(),
            production: Network::new("base_url", &config.base_url, guard, &roots)?,
            sandbox: Network::new("sandbox_base_url", &config.sandbox_base_url, guard, &roots)?,
        }))
    }

    fn network(&self, environment: Environment) -> &Network {
        match environment {
            Environment::Production => &self.production,
            Environment::Sandbox => &self.sandbox,
        }
    }

    /// Sends with the present provider token, and once more when Apple held that to be too old.
    async fn deliver(&self, device: &AppleDevice, push: &Push<'_>) -> Delivery {
        let Some(place) = self.network(device.environment).connections.place().await else {
            return Delivery::Down(None, "APNs: there is no connection to send on".into());
        };
        let mut renewed = false;
        loop {
            let Some(bearer) = self.token.current(self.service.now()) else {
                return Delivery::Misconfigured("APNs: the key does not sign".into());
            };
            let response = match self.post(&place, push, &bearer).await {
                Ok(response) => response,
                // This also comes when Apple closed or reset the connection while the push was on it. The next attempt
                // opens another, and a push that arrives twice shows one notification, because its collapse id is the
                // same.
                Err(error) => return Delivery::Unreachable(NoAnswer::of("APNs", error)),
            };
            match read(response, device.topic.is_some(), self.service.now()).await {
                Verdict::Settled(delivery) => return delivery,
                Verdict::TokenExpired if renewed => {
                    return Delivery::Misconfigured(
                        "APNs: ExpiredProviderToken for a fresh one: set this machine's clock".into(),
                    );
                }
                Verdict::TokenExpired => match self.token.expire(&bearer, self.service.now()) {
                    Ok(()) => renewed = true,
                    Err(wait) => {
                        let reason =
                            "APNs: ExpiredProviderToken for a token of less than 20 minutes: set this machine's clock";
                        return Delivery::Down(Some(wait), reason.into());
                    }
                },
            }
        }
    }

    async fn post(&self, place: &Place<'_>, push: &Push<'_>, bearer: &Bearer) -> Result<Response, reqwest::Error> {
        let (kind, priority) = match push.message.kind {
            Kind::Challenge => ("alert", 10),
            Kind::Retraction => ("background", 5),
        };
        place
            .client()
            .post(push.address.clone())
            .header("authorization", &*bearer.authorization)
            .header("apns-id", message_id(&*self.service.randomness))
            .header("apns-topic", push.topic)
            .header("apns-push-type", kind)
            .header("apns-priority", priority)
            .header("apns-expiration", push.message.expires_at.seconds())
            .header("apns-collapse-id", push.message.topic)
            .header("content-type", "application/json")
            .body(push.payload.clone())
            .send()
            .await
    }
}

#[async_trait]
impl Gateway for Apns {
    async fn send(&self, registration: &PushRegistration, message: Message<'_>) -> Delivery {
        let PushRegistration::Apns(device) = registration else {
            return Delivery::Failed("the registration is for another network".into());
        };
        let network = self.network(device.environment);
        // The token was checked when it was registered. It is checked again because here it becomes part of an address.
        let address =
            device.check().ok().and_then(|()| network.base_url.join(&format!("/3/device/{}", device.token)).ok());
        let Some(address) = address else { return Delivery::Failed("the device token is malformed".into()) };
        let payload = payload(&message);
        if payload.len() > MAX_PAYLOAD {
            return Delivery::Failed(format!("the payload has {} bytes, and APNs takes {MAX_PAYLOAD}", payload.len()));
        }
        let topic = device.topic.as_deref().unwrap_or(&self.topic);
        self.deliver(device, &Push { address, topic, message: &message, payload }).await
    }
}

/// The payload: what iOS reads, and the envelope for the service.
fn payload(message: &Message<'_>) -> String {
    let aps = match message.kind {
        Kind::Challenge => QUESTION,
        Kind::Retraction => RETRACTION,
    };
    format!(r#"{{"aps":{aps},"envelope":{}}}"#, message.envelope)
}

/// A fresh UUID (RFC 9562, version 4).
fn message_id(randomness: &dyn Randomness) -> String {
    let mut bytes = randomness.bytes::<16>();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

async fn read(mut response: Response, topic_of_device: bool, now: Timestamp) -> Verdict {
    let status = response.status().as_u16();
    let retry_after = retry_after::read(response.headers(), now);
    let mut body = Vec::new();
    // An answer whose body is cut or too long is judged by its status.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            break;
        }
    }
    Answer { status, retry_after, body: &body, topic_of_device }.verdict()
}
