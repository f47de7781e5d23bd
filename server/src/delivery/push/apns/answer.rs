//! What Apple answers, and what it means for the push, the registration and the operator.

use crate::delivery::push::Delivery;
use countersign_protocol::time::Timestamp;
use serde::Deserialize;
use std::time::Duration;

/// How many characters of a reason that is not known are kept.
const MOST_OF_A_REASON: usize = 64;

/// What to do when Apple has seen more than one provider token of a key in a short time.
const TOO_MANY_TOKENS: &str =
    ": another token of this key came within 20 minutes; let one server use the key, and restart it less often";

/// What to do after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The push has this outcome.
    Settled(Delivery),
    /// Apple takes the provider token for too old: the push is to be sent again with a fresh one.
    TokenExpired,
}

/// An answer of APNs.
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// `Retry-After`, if there is one.
    pub retry_after: Option<Duration>,
    /// The body: empty, or JSON with a reason.
    pub body: &'a [u8],
    /// True when the device's registration named a topic, which was then used instead of the configured one.
    pub topic_of_device: bool,
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    reason: String,
    /// When Apple last confirmed that the device token is no longer valid, in milliseconds.
    timestamp: Option<i64>,
}

impl Answer<'_> {
    /// Reads the answer.
    pub fn verdict(&self) -> Verdict {
        let Body { reason, timestamp } = serde_json::from_slice(self.body).unwrap_or_default();
        let status = self.status;
        let gone = Delivery::Gone(timestamp.map(Timestamp::from_millis));
        let text = |todo: &str| format!("APNs: {reason} ({status}){todo}");
        let delivery = match reason.as_str() {
            _ if status == 200 => Delivery::Sent,
            "ExpiredProviderToken" => return Verdict::TokenExpired,
            "BadDeviceToken" => {
                tracing::warn!(
                    "APNs does not know a device's token. When many devices are concerned, their apps name the wrong \
                     environment, or base_url and sandbox_base_url in [push.apns] lead to the wrong networks"
                );
                gone
            }
            // A wrong topic that the device named is its own mistake, and it must register again. The configured topic
            // is the same for all devices: if that is wrong, each of them would lose its registration.
            "DeviceTokenNotForTopic" if self.topic_of_device => gone,
            "Unregistered" | "ExpiredToken" => gone,
            "TooManyRequests" => Delivery::RetryAfter(self.retry_after, text(" to this device")),
            "IdleTimeout" | "InternalServerError" | "ServiceUnavailable" | "Shutdown" => {
                Delivery::Down(self.retry_after, text(""))
            }
            "TooManyProviderTokenUpdates" => Delivery::Down(self.retry_after, text(TOO_MANY_TOKENS)),
            known => match advice(known) {
                Some(advice) => Delivery::Failed(text(advice)),
                None => unknown(self, known, gone),
            },
        };
        Verdict::Settled(delivery)
    }
}

/// What to do about a reason that no retry mends.
fn advice(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "DeviceTokenNotForTopic" => ": the app on the device is another one than topic in [push.apns] names",
        "BadTopic" | "MissingTopic" | "TopicDisallowed" => {
            ": topic in [push.apns] must be the bundle identifier of an app that the key may push to"
        }
        "InvalidProviderToken" => ": check key_file, key_id and team_id in [push.apns], and this machine's clock",
        "Forbidden" => ": the key may not push: see in Apple's developer site whether it is revoked, or not for APNs",
        "UnrelatedKeyIdInToken" => ": key_id in [push.apns] is of another team; restart the server once it is right",
        "BadEnvironmentKeyIdInToken" => {
            ": the key is for the other environment: make one in Apple's developer site for both, or for this one"
        }
        "BadCertificate" | "BadCertificateEnvironment" | "MissingProviderToken" => {
            ": the provider token did not arrive: see whether something on the way to base_url takes it out"
        }
        "BadCollapseId" | "BadExpirationDate" | "BadMessageId" | "BadPath" | "BadPriority" | "DuplicateHeaders"
        | "InvalidPushType" | "MethodNotAllowed" | "MissingDeviceToken" | "PayloadEmpty" | "PayloadTooLarge" => {
            ": a fault of this server: please report it, with its version"
        }
        _ => return None,
    })
}

/// An answer whose reason is not known, or that has none: the status decides, and the reason is kept for the operator.
fn unknown(answer: &Answer<'_>, reason: &str, gone: Delivery) -> Delivery {
    let said: String = reason.chars().filter(char::is_ascii_graphic).take(MOST_OF_A_REASON).collect();
    let status = answer.status;
    let text = if said.is_empty() {
        format!("APNs answered {status} without a reason")
    } else {
        format!("APNs: {said} ({status}), a reason that this version does not know")
    };
    match status {
        410 => gone,
        408 | 429 => Delivery::RetryAfter(answer.retry_after, text),
        500..=599 => Delivery::Down(answer.retry_after, text),
        _ => Delivery::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, body: &str) -> Verdict {
        let retry_after = (status == 429).then(|| Duration::from_secs(7));
        Answer { status, retry_after, body: body.as_bytes(), topic_of_device: false }.verdict()
    }

    fn failure(status: u16, body: &str) -> String {
        let Verdict::Settled(Delivery::Failed(text)) = verdict(status, body) else { panic!("{status} {body}") };
        text
    }

    #[test]
    fn a_reason_that_is_not_known_is_kept_and_its_status_decides() {
        assert!(failure(400, r#"{"reason":"BadMoon"}"#).contains("BadMoon (400)"));
        assert!(failure(404, "").contains("404 without a reason"));
        assert!(failure(403, "<html>").contains("403 without a reason"));
        assert!(failure(301, r#"{"reason":5}"#).contains("301 without a reason"));
        let said = failure(400, &format!(r#"{{"reason":"\u001b[31m{}"}}"#, "x".repeat(500)));
        assert!(said.contains("[31mxxx") && !said.contains('\u{1b}') && said.len() < 200, "{said}");
        let found = verdict(429, r#"{"reason":"Tired"}"#);
        let Verdict::Settled(Delivery::RetryAfter(after, text)) = found else { panic!("{found:?}") };
        assert!(after == Some(Duration::from_secs(7)) && text.contains("Tired"), "{text}");
        for status in [500, 502, 503] {
            let found = verdict(status, r#"{"reason":"Tired"}"#);
            let Verdict::Settled(Delivery::Down(None, text)) = found else { panic!("{found:?}") };
            assert!(text.contains("Tired"), "{status}: {text}");
        }
        let gone = |since| Verdict::Settled(Delivery::Gone(since));
        assert_eq!(verdict(410, ""), gone(None));
        assert_eq!(verdict(410, r#"{"reason":"Buried","timestamp":1500}"#), gone(Some(Timestamp::from_millis(1500))));
    }

    #[test]
    fn a_success_is_one_whatever_the_body_says() {
        assert_eq!(verdict(200, ""), Verdict::Settled(Delivery::Sent));
        assert_eq!(verdict(200, r#"{"reason":"BadTopic"}"#), Verdict::Settled(Delivery::Sent));
    }
}
