//! Web Push: RFC 8030 over TLS, messages encrypted after RFC 8291, the server named after RFC 8292 (VAPID).

use super::{Delivery, Gateway, Message};
use crate::app::App;
use crate::config::WebPushConfig;
use crate::outgoing::{self, AddressGuard};
use crate::problem::Problem;
use crate::startup::StartupError;
use async_trait::async_trait;
use countersign_core::device_api::PushRegistration;
use countersign_core::time::Timestamp;
use countersign_core::webpush::Subscription;
use data_encoding::BASE64URL_NOPAD;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long a VAPID token serves; RFC 8292 allows 24 hours.
const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// The longest endpoint, in bytes.
const MAX_ENDPOINT_LENGTH: usize = 2048;

/// Refuses a subscription whose form is wrong. Where its endpoint leads is checked at each connection.
///
/// # Errors
/// `malformed`.
pub(super) fn check(subscription: &Subscription, guard: AddressGuard) -> Result<(), Problem> {
    let wrong = |reason: &str| Problem::Malformed(format!("The push subscription is not usable: {reason}."));
    subscription.check().map_err(|_| wrong("p256dh or auth is not what the Push API gives"))?;
    let url = Url::parse(&subscription.endpoint).map_err(|_| wrong("the endpoint is not an address"))?;
    // As it would be written anew: nothing is trimmed, resolved or hidden in it, and no user name makes a second
    // Authorization header.
    let plain = url.as_str() == subscription.endpoint
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    if !plain || url.port() == Some(0) {
        return Err(wrong("the endpoint is not a plain address"));
    }
    if subscription.endpoint.len() > MAX_ENDPOINT_LENGTH || !matches!(url.scheme(), "https" | "http") {
        return Err(wrong("the endpoint is not an https address of at most 2048 bytes"));
    }
    guard.check_url(&url).map_err(wrong)
}

/// The claims of a VAPID token.
#[derive(Serialize)]
struct Vapid<'a> {
    aud: String,
    exp: i64,
    sub: &'a str,
}

pub(super) struct WebPush {
    app: Arc<App>,
    client: reqwest::Client,
}

impl WebPush {
    pub fn new(config: &WebPushConfig, app: Arc<App>) -> Result<Self, StartupError> {
        let client = outgoing::client(app.push_guard, &config.extra_roots)?;
        Ok(Self { app, client })
    }

    /// `Authorization: vapid t=…, k=…` for the origin of this endpoint (RFC 8292, sections 2 and 3).
    fn authorization(&self, endpoint: &Url, now: Timestamp) -> Option<String> {
        let vapid = &self.app.keys.vapid;
        let claims = Vapid {
            aud: endpoint.origin().ascii_serialization(),
            exp: (now + TOKEN_LIFETIME).seconds(),
            sub: &self.app.public_url,
        };
        let header = BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"ES256"}"#);
        let input = format!("{header}.{}", BASE64URL_NOPAD.encode(&serde_json::to_vec(&claims).ok()?));
        let signature = BASE64URL_NOPAD.encode(&vapid.sign_now(input.as_bytes()).ok()?);
        let key = BASE64URL_NOPAD.encode(vapid.public().as_uncompressed());
        Some(format!("vapid t={input}.{signature}, k={key}"))
    }
}

#[async_trait]
impl Gateway for WebPush {
    async fn send(&self, registration: &PushRegistration, message: Message<'_>) -> Delivery {
        let PushRegistration::WebPush(subscription) = registration else {
            return Delivery::Failed("the registration is no Web Push subscription".into());
        };
        let Ok(endpoint) = Url::parse(&subscription.endpoint) else {
            return Delivery::Failed("the endpoint is not an address".into());
        };
        if let Err(reason) = self.app.push_guard.check_url(&endpoint) {
            return Delivery::Failed(reason.into());
        }
        let body = match subscription.encrypt(message.envelope.as_bytes(), &*self.app.randomness) {
            Ok(body) => body,
            Err(refusal) => return Delivery::Failed(refusal.to_string()),
        };
        let Some(authorization) = self.authorization(&endpoint, self.app.now()) else {
            return Delivery::Failed("the VAPID key does not sign".into());
        };
        let sent = self
            .client
            .post(endpoint)
            .header("authorization", authorization)
            .header("content-encoding", "aes128gcm")
            .header("content-type", "application/octet-stream")
            .header("ttl", message.time_to_live.as_secs().max(1))
            .header("urgency", "high")
            .header("topic", message.topic)
            .body(body)
            .send()
            .await;
        match sent {
            Ok(response) => read(response.status(), response.headers()),
            // Without the address: an endpoint is a capability and does not belong in a log.
            Err(error) => {
                Delivery::Down(None, format!("the push service cannot be reached: {}", outgoing::reason(error)))
            }
        }
    }
}

/// What a push service means (RFC 8030, sections 5 and 7.3).
fn read(status: StatusCode, headers: &HeaderMap) -> Delivery {
    let after = || headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs);
    match status.as_u16() {
        200..=299 => Delivery::Sent,
        404 | 410 => Delivery::Gone(None),
        408 | 429 => Delivery::RetryAfter(after(), format!("the push service answered {status}")),
        500..=599 => Delivery::Down(after(), format!("the push service answered {status}")),
        _ => Delivery::Failed(format!("the push service answered {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_means_what_rfc_8030_says() {
        let mut later = HeaderMap::new();
        later.insert(RETRY_AFTER, reqwest::header::HeaderValue::from_static("7"));
        let read = |status: u16, headers: &HeaderMap| read(StatusCode::from_u16(status).unwrap(), headers);
        let none = HeaderMap::new();
        assert_eq!(read(201, &none), Delivery::Sent);
        assert_eq!(read(404, &none), Delivery::Gone(None));
        assert_eq!(read(410, &none), Delivery::Gone(None));
        assert!(matches!(read(429, &later), Delivery::RetryAfter(Some(after), _) if after == Duration::from_secs(7)));
        assert!(matches!(read(503, &none), Delivery::Down(None, _)));
        assert!(matches!(read(301, &none), Delivery::Failed(_)));
        assert!(matches!(read(413, &none), Delivery::Failed(_)));
    }
}
