//! Firebase Cloud Messaging: the HTTP v1 API, data messages to Android.
//!
//! The message is the envelope and nothing else, so Google learns that somebody is asked, whether it rings, and of whom
//! only the app instance. No `collapse_key` is set: Google keeps messages under at most four keys for each app instance
//! and drops any of the others, so a fifth question would be lost, while up to a hundred messages without one all come.
//! The phone itself puts a question and its retraction together, in whichever order they arrive.

mod access_token;
mod answer;
pub(crate) mod service_account;

use self::access_token::AccessTokens;
use self::answer::Answer;
use self::service_account::ServiceAccount;
use super::{Delivery, Gateway, Kind, Message, NoAnswer};
use crate::delivery::SetupError;
use crate::delivery::outgoing;
use crate::delivery::push::config::FcmConfig;
use crate::domain::address_guard::AddressGuard;
use crate::service::Service;
use async_trait::async_trait;
use countersign_protocol::device_api::PushRegistration;
use serde::Serialize;
use std::sync::Arc;
use url::Url;

/// Why nothing is sent to a device that registered while there was a service account.
pub(super) const NOT_CONFIGURED: &str = "FCM is not configured: set service_account in [push.fcm]";

/// The body of a request (Google's `projects.messages.send`).
#[derive(Serialize)]
struct Request<'a> {
    message: DataMessage<'a>,
}

#[derive(Serialize)]
struct DataMessage<'a> {
    token: &'a str,
    data: Data<'a>,
    android: Android,
}

#[derive(Serialize)]
struct Data<'a> {
    envelope: &'a str,
}

#[derive(Serialize)]
struct Android {
    priority: &'static str,
    ttl: String,
}

impl<'a> Request<'a> {
    fn new(token: &'a str, message: &Message<'a>) -> Self {
        let priority = match message.kind {
            Kind::Challenge => "HIGH",
            // Shows nothing; Google demotes apps whose urgent messages show nothing.
            Kind::Retraction => "NORMAL",
        };
        // With 0, a phone that is not connected at this very moment would never hear of it.
        let ttl = format!("{}s", message.time_to_live.as_secs().max(1));
        Self {
            message: DataMessage {
                token,
                data: Data { envelope: message.envelope },
                android: Android { priority, ttl },
            },
        }
    }
}

/// An address of the configuration, if it may be connected to.
fn address(guard: AddressGuard, name: &str, text: &str) -> Result<Url, SetupError> {
    let wrong = |reason: String| SetupError::Configuration(format!("push.fcm: {name}: {text:?}: {reason}"));
    let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    guard.check_url(&url).map_err(|reason| wrong(reason.to_owned()))?;
    Ok(url)
}

/// The gateway to Firebase Cloud Messaging.
pub struct Fcm {
    service: Arc<Service>,
    client: reqwest::Client,
    project: String,
    address: Url,
    tokens: AccessTokens,
}

impl Fcm {
    /// The gateway that `[push.fcm]` describes.
    ///
    /// # Errors
    /// [`SetupError::Configuration`] for a service account that cannot be used, or an address that may not be.
    pub fn new(config: &FcmConfig, service: Arc<Service>) -> Result<Self, SetupError> {
        let account = ServiceAccount::read(&config.service_account)?;
        let guard = AddressGuard { allow_private: config.allow_private };
        let project = account.project_id.clone();
        let send = format!("{}/v1/projects/{project}/messages:send", config.base_url.trim_end_matches('/'));
        let send = address(guard, "base_url", &send)?;
        let token_url = address(guard, "token_url", config.token_url.as_ref().unwrap_or(&account.token_uri))?;
        let client = outgoing::client(guard, &config.extra_roots)?;
        let tokens = AccessTokens::new(Arc::clone(&service), client.clone(), token_url, account);
        Ok(Self { service, client, project, address: send, tokens })
    }

    async fn post(&self, access_token: &str, device: &str, message: &Message<'_>) -> Answer {
        let request = self.client.post(self.address.clone()).bearer_auth(access_token);
        let response = match request.json(&Request::new(device, message)).send().await {
            Ok(response) => response,
            Err(error) => return Answer::Told(Delivery::Unreachable(NoAnswer::of("Firebase", error))),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if response.status().is_success() {
            return Answer::Told(Delivery::Sent);
        }
        // The status says enough where the rest does not come.
        let body = answer::read_body(response).await.unwrap_or_default();
        let asked = answer::Asked {
            project: &self.project,
            device,
            attempts: message.attempts,
            now: self.service.now(),
            randomness: &*self.service.randomness,
        };
        answer::read(status, &headers, &body, &asked)
    }
}

#[async_trait]
impl Gateway for Fcm {
    async fn send(&self, registration: &PushRegistration, message: Message<'_>) -> Delivery {
        let PushRegistration::Fcm { token: device } = registration else {
            return Delivery::Failed("the registration is not one of Firebase Cloud Messaging".into());
        };
        let mut refused = None;
        // An access token may end before its time, when the key was revoked or a clock is wrong: then a fresh one,
        // once.
        for _ in 0..2 {
            let access_token = match self.tokens.get(refused.as_ref()).await {
                Ok(access_token) => access_token,
                Err(delivery) => return delivery,
            };
            match self.post(&access_token, device, &message).await {
                Answer::Told(delivery) => return delivery,
                Answer::TokenRefused => refused = Some(access_token),
            }
        }
        Delivery::Misconfigured(format!(
            "Firebase refuses a fresh access token (401): is the Firebase Cloud Messaging API enabled in the project \
             {}, and is base_url Google's?",
            self.project
        ))
    }
}
