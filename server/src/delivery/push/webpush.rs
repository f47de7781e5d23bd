//! Web Push: RFC 8030 over TLS, messages encrypted after RFC 8291, the server named after RFC 8292 (VAPID).

use super::{Delivery, Gateway, Message, NoAnswer, retry_after};
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
use std::ops::RangeInclusive;
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
        // Where this server does not go, it says no more than that nobody answered.
        if let Err(reason) = self.service.settings.push_guard.check_url(&endpoint) {
            let who = "the push service";
            return Delivery::Unreachable(NoAnswer { who, unconnected: false, detail: reason.into() });
        }
        let body = match subscription.encrypt(message.envelope.as_bytes(), &*self.service.randomness) {
            Ok(body) => body,
            Err(refusal) => return Delivery::Failed(refusal.to_string()),
        };
        let vapid = match self.key_of(subscription).await {
            Ok(vapid) => vapid,
            Err(reason) => return Delivery::Misconfigured(reason),
        };
        let Some(authorization) = self.authorization(&endpoint, &vapid, self.service.now()) else {
            return Delivery::Misconfigured("the VAPID key does not sign".into());
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
            Err(error) => Delivery::Unreachable(NoAnswer::of("the push service", error)),
        }
    }
}

/// Of what an answer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// It is taken.
    Taken,
    /// The message as it is.
    Request(&'static str),
    /// The subscription: it is over.
    Gone,
    /// The subscription: not now.
    NotNow,
    /// All subscriptions of this service.
    Service,
    /// How this server names itself.
    Configuration(&'static str),
}

/// What each status of a push service means. What is not here counts as the first of its class (RFC 9110, section 15).
///
/// The sources: RFC 8030, sections 5 and 7.3 (201, 404, 410), 8.4 (429: "to a push resource", so it is the limit of
/// one subscription), 7.2 (413); RFC 8292, section 4.2 (401, 403); RFC 9110, section 15 (the others); Mozilla's
/// autopush, "Error Codes" (404 and 410 for a subscription that is over, 503 for the service); ntfy, "UnifiedPush"
/// (507: the topic has no subscriber at present, error 50701); Windows Notification Service, "Response codes" (406:
/// too many for this channel); RFC 6585, section 6 (511 is no word of the push service, but of a network in between).
const MEANINGS: &[(RangeInclusive<u16>, Meaning)] = &[
    (200..=299, Meaning::Taken),
    (300..=399, Meaning::Request("the push service leads elsewhere, and no redirect is followed")),
    (400..=400, Meaning::Request("the push service does not understand the message")),
    (401..=401, Meaning::Configuration(NOT_ACCEPTED)),
    (403..=403, Meaning::Configuration(NOT_ACCEPTED)),
    (404..=404, Meaning::Gone),
    (406..=406, Meaning::NotNow),
    (408..=408, Meaning::NotNow),
    (410..=410, Meaning::Gone),
    (413..=413, Meaning::Request("the push service takes only shorter messages than the 4096 bytes of RFC 8030")),
    (425..=425, Meaning::NotNow),
    (429..=429, Meaning::NotNow),
    (400..=499, Meaning::Request("the push service refuses the message")),
    (501..=501, Meaning::Request("the push service does not do what the subscription asks of it")),
    (505..=506, Meaning::Request("the push service does not speak this way")),
    (507..=508, Meaning::NotNow),
    (510..=510, Meaning::Request("the push service does not do what the subscription asks of it")),
    (511..=511, Meaning::NotNow),
    (500..=599, Meaning::Service),
];

const NOT_ACCEPTED: &str = "the push service does not accept this server's VAPID key or its token: the subscription \
                            was made with another key, or this machine's clock is wrong";

/// What a push service's answer comes to.
pub fn read(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Delivery {
    let said = |reason: &str| format!("{reason} ({status})");
    let answered = || format!("the push service answered {status}");
    let found = MEANINGS.iter().find(|(statuses, _)| statuses.contains(&status.as_u16()));
    match found.map_or(Meaning::Request("this is no answer of a push service"), |(_, meaning)| *meaning) {
        Meaning::Taken => Delivery::Sent,
        Meaning::Request(reason) => Delivery::Failed(said(reason)),
        Meaning::Gone => Delivery::Gone(None),
        Meaning::NotNow => Delivery::RetryAfter(retry_after::read(headers, now), answered()),
        Meaning::Service => Delivery::Down(retry_after::read(headers, now), answered()),
        Meaning::Configuration(reason) => Delivery::Misconfigured(said(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderValue, RETRY_AFTER};

    /// What an answer comes to, in a word.
    fn word(status: u16) -> &'static str {
        match read(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), Timestamp::from_seconds(784_111_770)) {
            Delivery::Sent => "taken",
            Delivery::Failed(reason) if reason.contains(&status.to_string()) => "request",
            Delivery::Gone(None) => "gone",
            Delivery::RetryAfter(None, reason) if reason.contains(&status.to_string()) => "not now",
            Delivery::Down(None, reason) if reason.contains(&status.to_string()) => "service",
            Delivery::Misconfigured(reason) if reason.contains("VAPID") => "configuration",
            other => panic!("{status}: {other:?}"),
        }
    }

    #[test]
    fn each_status_speaks_of_a_request_an_endpoint_the_service_or_this_server() {
        for (meaning, statuses) in [
            ("taken", &[200, 201, 202, 204, 299][..]),
            ("request", &[300, 301, 302, 303, 304, 307, 308, 399]),
            ("request", &[400, 402, 405, 407, 409, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 426]),
            ("request", &[428, 431, 451, 499, 501, 505, 506, 510, 600, 999]),
            ("configuration", &[401, 403]),
            ("gone", &[404, 410]),
            ("not now", &[406, 408, 425, 429, 507, 508, 511]),
            ("service", &[500, 502, 503, 504, 509, 520, 521, 522, 523, 524, 525, 526, 529, 530, 598, 599]),
        ] {
            for status in statuses {
                assert_eq!(word(*status), meaning, "{status}");
            }
        }
    }

    #[test]
    fn every_status_has_a_meaning_and_only_a_service_s_own_counts_against_all() {
        for status in 200..=999 {
            let counted = word(status) == "service";
            let few = [501, 505, 506, 507, 508, 510, 511];
            assert_eq!(counted, (500..600).contains(&status) && !few.contains(&status), "{status}");
        }
    }

    #[test]
    fn an_answer_may_say_when_to_come_back() {
        let now = Timestamp::from_seconds(784_111_770);
        for (later, status) in [("7", 429), ("Sun, 06 Nov 1994 08:49:37 GMT", 429), ("7", 507), ("7", 503)] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(later))]);
            let delivery = read(StatusCode::from_u16(status).unwrap(), &headers, now);
            let (Delivery::RetryAfter(after, _) | Delivery::Down(after, _)) = delivery else { panic!("{status}") };
            assert_eq!(after, Some(Duration::from_secs(7)), "{later}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        for (status, words) in [(301, "redirect"), (307, "redirect"), (400, "understand"), (413, "shorter")] {
            let delivery = read(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), Timestamp::from_seconds(7));
            let Delivery::Failed(reason) = delivery else { panic!("{status}: {delivery:?}") };
            assert!(reason.contains(words), "{reason}");
        }
    }
}
