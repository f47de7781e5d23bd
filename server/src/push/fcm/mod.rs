//! Firebase Cloud Messaging: the HTTP v1 API, data messages to Android.
//!
//! The message is the envelope and nothing else, so Google learns that somebody is asked, whether it rings, and of whom
//! only the app instance. No `collapse_key` is set: Google keeps messages under at most four keys for each app instance
//! and drops any of the others, so a fifth question would be lost, while up to a hundred messages without one all come.
//! The phone itself puts a question and its retraction together, in whichever order they arrive.

mod access_token;
mod answer;
mod service_account;

use self::access_token::AccessTokens;
use self::answer::Answer;
use self::service_account::ServiceAccount;
use super::{Delivery, Gateway, Kind, Message};
use crate::app::App;
use crate::config::FcmConfig;
use crate::outgoing::{self, AddressGuard};
use crate::problem::Problem;
use crate::startup::StartupError;
use async_trait::async_trait;
use countersign_protocol::device_api::{MAX_FCM_TOKEN_LENGTH, PushRegistration};
use reqwest::Response;
use serde::Serialize;
use std::sync::Arc;
use url::Url;

/// The longest answer that is read, in bytes; Google's are under 2 KB.
const MAX_ANSWER_LENGTH: usize = 64 * 1024;

/// Why nothing is sent to a device that registered while there was a service account.
pub(super) const NOT_CONFIGURED: &str = "FCM is not configured: set service_account in [push.fcm]";

/// Refuses a registration token that cannot be one, and any where there is nothing to send with.
///
/// # Errors
/// `malformed`, `gateway_not_configured`.
pub(super) fn check(token: &str, configured: bool) -> Result<(), Problem> {
    if !configured {
        return Err(Problem::GatewayNotConfigured("fcm"));
    }
    if token.is_empty() || token.len() > MAX_FCM_TOKEN_LENGTH || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let wrong = "The push registration is not usable: the token is 1 to 4096 characters of printable ASCII, without spaces.";
        return Err(Problem::Malformed(wrong.into()));
    }
    Ok(())
}

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
fn address(guard: AddressGuard, name: &str, text: &str) -> Result<Url, StartupError> {
    let wrong = |reason: String| StartupError::Configuration(format!("push.fcm: {name}: {text:?}: {reason}"));
    let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    guard.check_url(&url).map_err(|reason| wrong(reason.to_owned()))?;
    Ok(url)
}

/// The gateway to Firebase Cloud Messaging.
pub struct Fcm {
    app: Arc<App>,
    client: reqwest::Client,
    project: String,
    address: Url,
    tokens: AccessTokens,
}

impl Fcm {
    /// The gateway that `[push.fcm]` describes.
    ///
    /// # Errors
    /// [`StartupError::Configuration`] for a service account that cannot be used, or an address that may not be.
    pub fn new(config: &FcmConfig, app: Arc<App>) -> Result<Self, StartupError> {
        let account = ServiceAccount::read(&config.service_account)?;
        let guard = AddressGuard { allow_private: config.allow_private };
        let project = account.project_id.clone();
        let send = format!("{}/v1/projects/{project}/messages:send", config.base_url.trim_end_matches('/'));
        let send = address(guard, "base_url", &send)?;
        let token_url = address(guard, "token_url", config.token_url.as_ref().unwrap_or(&account.token_uri))?;
        let client = outgoing::client(guard, &config.extra_roots)?;
        let tokens = AccessTokens::new(Arc::clone(&app), client.clone(), token_url, account);
        Ok(Self { app, client, project, address: send, tokens })
    }

    async fn post(&self, access_token: &str, device: &str, message: &Message<'_>) -> Answer {
        let request = self.client.post(self.address.clone()).bearer_auth(access_token);
        let response = match request.json(&Request::new(device, message)).send().await {
            Ok(response) => response,
            Err(error) => {
                let reason = format!("Firebase cannot be reached: {}", outgoing::reason(error));
                return Answer::Told(Delivery::Down(None, reason));
            }
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if response.status().is_success() {
            return Answer::Told(Delivery::Sent);
        }
        // The status says enough where the rest does not come.
        let body = read_body(response).await.unwrap_or_default();
        let asked = answer::Asked {
            project: &self.project,
            device,
            attempts: message.attempts,
            now: self.app.now(),
            randomness: &*self.app.randomness,
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
        // An access token may end before its time, when the key was revoked or a clock is wrong: then a fresh one, once.
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
        Delivery::Failed(format!(
            "Firebase refuses a fresh access token (401): is the Firebase Cloud Messaging API enabled in the project {}, \
             and is base_url Google's?",
            self.project
        ))
    }
}

/// The body of an answer, if it all comes and is no longer than it may be.
async fn read_body(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_LENGTH {
            return None;
        }
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_printable_and_of_a_bounded_length() {
        let code = |token: &str, configured: bool| check(token, configured).map_err(|problem| problem.code().as_str());
        assert_eq!(code("fM3x-Q:APA91b_T", true), Ok(()));
        assert_eq!(code(&"x".repeat(4096), true), Ok(()));
        for wrong in [String::new(), "x".repeat(4097), "a b".into(), "a\n".into(), "ä".into(), "a\u{7f}".into()] {
            assert_eq!(code(&wrong, true), Err("malformed"), "{wrong:?}");
        }
        assert_eq!(code("fM3x-Q:APA91b_T", false), Err("gateway_not_configured"));
    }
}
