//! Web Push: RFC 8030 over TLS, messages encrypted after RFC 8291, the server named after RFC 8292 (VAPID).

use super::{Delivery, Gateway, Message, retry_after};
use crate::delivery::SetupError;
use crate::delivery::outgoing;
use crate::delivery::push::config::WebPushConfig;
use crate::keys::vapid_keys::public_text;
use crate::service::Service;
use async_trait::async_trait;
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::time::Timestamp;
use countersign_protocol::webpush::Subscription;
use data_encoding::BASE64URL_NOPAD;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long a VAPID token is valid; RFC 8292 allows at most 24 hours.
const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// The claims of a VAPID token.
#[derive(Serialize)]
struct Vapid<'a> {
    aud: String,
    exp: i64,
    sub: &'a str,
}

pub(super) struct WebPush {
    service: Arc<Service>,
    client: reqwest::Client,
}

impl WebPush {
    pub fn new(config: &WebPushConfig, service: Arc<Service>) -> Result<Self, SetupError> {
        let client = outgoing::client(service.settings.push_guard, &config.extra_roots)?;
        Ok(Self { service, client })
    }

    /// The key that a subscription was made with.
    async fn key_of(&self, subscription: &Subscription) -> Result<Arc<SoftwareKey>, String> {
        let Service { keys, store, .. } = &*self.service;
        let public_key = subscription.application_server_key.as_deref().unwrap_or_default();
        let found = keys.vapid.find(store, &keys.at_rest, public_key).await.map_err(|error| error.to_string())?;
        found.ok_or_else(|| "the VAPID key that the subscription was made with is gone".to_owned())
    }

    /// `Authorization: vapid t=…, k=…` for the origin of this endpoint (RFC 8292, sections 2 and 3).
    fn authorization(&self, endpoint: &Url, vapid: &SoftwareKey, now: Timestamp) -> Option<String> {
        let claims = Vapid {
            aud: endpoint.origin().ascii_serialization(),
            exp: (now + TOKEN_LIFETIME).seconds(),
            sub: &self.service.settings.public_url,
        };
        let header = BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"ES256"}"#);
        let input = format!("{header}.{}", BASE64URL_NOPAD.encode(&serde_json::to_vec(&claims).ok()?));
        let signature = BASE64URL_NOPAD.encode(&vapid.sign_now(input.as_bytes()).ok()?);
        let key = public_text(vapid);
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
        if let Err(reason) = self.service.settings.push_guard.check_url(&endpoint) {
            return Delivery::Failed(reason.into());
        }
        let body = match subscription.encrypt(message.envelope.as_bytes(), &*self.service.randomness) {
            Ok(body) => body,
            Err(refusal) => return Delivery::Failed(refusal.to_string()),
        };
        let vapid = match self.key_of(subscription).await {
            Ok(vapid) => vapid,
            Err(reason) => return Delivery::Failed(reason),
        };
        let Some(authorization) = self.authorization(&endpoint, &vapid, self.service.now()) else {
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
            Ok(response) => read(response.status(), response.headers(), self.service.now()),
            // Without the address: an endpoint is a capability and does not belong in a log.
            Err(error) => {
                Delivery::Down(None, format!("the push service cannot be reached: {}", https_client::reason(error)))
            }
        }
    }
}

/// What a push service's answer means (RFC 8030, sections 5 and 7.3; RFC 8292, section 4.2).
pub fn read(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Delivery {
    let failed = |reason: &str| Delivery::Failed(format!("{reason} ({status})"));
    match status.as_u16() {
        200..=299 => Delivery::Sent,
        300..=399 => failed("the push service leads elsewhere, and no redirect is followed"),
        400 => failed("the push service does not understand the message"),
        401 | 403 => failed(
            "the push service does not accept this server's VAPID key or its token: the subscription was made with \
             another key, or this machine's clock is wrong",
        ),
        404 | 410 => Delivery::Gone(None),
        408 | 429 => {
            Delivery::RetryAfter(retry_after::read(headers, now), format!("the push service answered {status}"))
        }
        500..=599 => Delivery::Down(retry_after::read(headers, now), format!("the push service answered {status}")),
        413 => failed("the push service takes only shorter messages than the 4096 bytes of RFC 8030"),
        _ => failed("the push service refuses the message"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderValue, RETRY_AFTER};

    #[test]
    fn each_status_means_what_rfc_8030_says() {
        let header = |text: &'static str| HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
        let now = Timestamp::from_seconds(784_111_770);
        let read = |status: u16, headers: &HeaderMap| read(StatusCode::from_u16(status).unwrap(), headers, now);
        let none = HeaderMap::new();
        assert_eq!(read(201, &none), Delivery::Sent);
        assert_eq!(read(404, &none), Delivery::Gone(None));
        assert_eq!(read(410, &none), Delivery::Gone(None));
        for later in ["7", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            let Delivery::RetryAfter(after, _) = read(429, &header(later)) else { panic!("{later}") };
            assert_eq!(after, Some(Duration::from_secs(7)), "{later}");
        }
        assert!(matches!(read(408, &none), Delivery::RetryAfter(None, _)));
        for status in [500, 503] {
            assert!(matches!(read(status, &none), Delivery::Down(None, _)), "{status}");
        }
        for (status, word) in [
            (301, "redirect"),
            (307, "redirect"),
            (400, "400"),
            (401, "VAPID"),
            (403, "VAPID"),
            (413, "shorter"),
            (418, "418"),
        ] {
            let Delivery::Failed(reason) = read(status, &none) else { panic!("{status}") };
            assert!(reason.contains(word) && reason.contains(&status.to_string()), "{reason}");
        }
    }
}
