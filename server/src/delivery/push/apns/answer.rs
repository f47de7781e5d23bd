//! What Apple answers, and what it means for the push, the registration and the operator.

use crate::delivery::push::Delivery;
use countersign_protocol::device_api::PushFailure;
use countersign_protocol::time::Timestamp;
use serde::Deserialize;
use std::time::Duration;

/// How many characters of a reason that is not known are kept.
const MOST_OF_A_REASON: usize = 64;

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

/// Of what a reason speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The device token: it is over.
    Gone,
    /// The device token: it is of no use with this configuration.
    Unusable(PushFailure, &'static str),
    /// The device token: not now.
    NotNow(&'static str),
    /// All devices, for a while; the text says what to do.
    Service(&'static str),
    /// The message, which this server made wrongly.
    Request,
    /// How this server is configured; the text says what to do.
    Configuration(&'static str),
    /// The provider token is too old.
    TokenExpired,
}

/// What each reason of Apple's means. The source is Apple's "Handling notification responses from APNs", the table of
/// the values of `reason`; the numbers are those that it gives with them. A reason that is not here counts by its
/// status.
const MEANINGS: &[(&[&str], Meaning)] = &[
    // 410. "Unregistered" and "ExpiredToken" come with the moment since when.
    (&["Unregistered", "ExpiredToken"], Meaning::Gone),
    // 400. Apple's own advice: see whether the token is for the environment to which it was sent.
    (&["BadDeviceToken"], Meaning::Unusable(PushFailure::Gone, WRONG_ENVIRONMENT)),
    (&["DeviceTokenNotForTopic"], Meaning::Unusable(PushFailure::WrongProject, WRONG_TOPIC)),
    // 429. "Too many requests were made consecutively to the same device token."
    (&["TooManyRequests"], Meaning::NotNow(" to this device")),
    // 429. Of the key, and so of all devices.
    (&["TooManyProviderTokenUpdates"], Meaning::Service(TOO_MANY_TOKENS)),
    // 400, 500, 503, 503.
    (&["IdleTimeout", "InternalServerError", "ServiceUnavailable", "Shutdown"], Meaning::Service("")),
    // 403.
    (&["ExpiredProviderToken"], Meaning::TokenExpired),
    (
        &["BadTopic", "MissingTopic", "TopicDisallowed"],
        Meaning::Configuration(
            ": topic in [push.apns] must be the bundle identifier of an app that the key may push to",
        ),
    ),
    (
        &["InvalidProviderToken"],
        Meaning::Configuration(": check key_file, key_id and team_id in [push.apns], and this machine's clock"),
    ),
    (
        &["Forbidden"],
        Meaning::Configuration(
            ": the key may not push: see in Apple's developer site whether it is revoked, or not for APNs",
        ),
    ),
    (
        &["UnrelatedKeyIdInToken"],
        Meaning::Configuration(": key_id in [push.apns] is of another team; restart the server once it is right"),
    ),
    (
        &["BadEnvironmentKeyIdInToken"],
        Meaning::Configuration(
            ": the key is for the other environment: make one in Apple's developer site for both, or for this one",
        ),
    ),
    (
        &["BadCertificate", "BadCertificateEnvironment", "MissingProviderToken"],
        Meaning::Configuration(
            ": the provider token did not arrive: see whether something on the way to base_url takes it out",
        ),
    ),
    // 400, 404, 405, 413.
    (
        &[
            "BadCollapseId",
            "BadExpirationDate",
            "BadMessageId",
            "BadPath",
            "BadPriority",
            "DuplicateHeaders",
            "InvalidPushType",
            "MethodNotAllowed",
            "MissingDeviceToken",
            "PayloadEmpty",
            "PayloadTooLarge",
        ],
        Meaning::Request,
    ),
];

const WRONG_ENVIRONMENT: &str = ": when many devices are concerned, their apps name the wrong environment, or base_url \
                                 and sandbox_base_url in [push.apns] lead to the wrong networks";
const WRONG_TOPIC: &str = ": the app on the device is another one than topic in [push.apns] names";
/// What to do when Apple has seen more than one provider token of a key in a short time.
const TOO_MANY_TOKENS: &str =
    ": another token of this key came within 20 minutes; let one server use the key, and restart it less often";

impl Answer<'_> {
    /// Reads the answer.
    pub fn verdict(&self) -> Verdict {
        let Body { reason, timestamp } = serde_json::from_slice(self.body).unwrap_or_default();
        let status = self.status;
        let gone = Delivery::Gone(timestamp.map(Timestamp::from_millis));
        let text = |todo: &str| format!("APNs: {reason} ({status}){todo}");
        if status == 200 {
            return Verdict::Settled(Delivery::Sent);
        }
        let found = MEANINGS.iter().find(|(reasons, _)| reasons.contains(&reason.as_str()));
        Verdict::Settled(match found.map(|(_, meaning)| *meaning) {
            Some(Meaning::Gone) => gone,
            // A wrong topic that the device named is its own mistake, and leaves no doubt.
            Some(Meaning::Unusable(PushFailure::WrongProject, _)) if self.topic_of_device => gone,
            Some(Meaning::Unusable(failure, todo)) => Delivery::Unusable(failure, text(todo)),
            Some(Meaning::NotNow(todo)) => Delivery::RetryAfter(self.retry_after, text(todo)),
            Some(Meaning::Service(todo)) => Delivery::Down(self.retry_after, text(todo)),
            Some(Meaning::Request) => {
                Delivery::Failed(text(": a fault of this server: please report it, with its version"))
            }
            Some(Meaning::Configuration(todo)) => Delivery::Misconfigured(text(todo)),
            Some(Meaning::TokenExpired) => return Verdict::TokenExpired,
            None => unknown(self, &reason, gone),
        })
    }
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
        // Some of them are of a proxy on the way, and none of Apple's: they say nothing of the network.
        408 | 425 | 429 | 507 | 508 | 511 => Delivery::RetryAfter(answer.retry_after, text),
        501 | 505 | 506 | 510 => Delivery::Failed(text),
        401 | 403 => Delivery::Misconfigured(text),
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
        for status in [401, 403] {
            let found = verdict(status, "<html>");
            assert!(matches!(found, Verdict::Settled(Delivery::Misconfigured(_))), "{status}: {found:?}");
        }
        assert!(failure(301, r#"{"reason":5}"#).contains("301 without a reason"));
        let said = failure(400, &format!(r#"{{"reason":"\u001b[31m{}"}}"#, "x".repeat(500)));
        assert!(said.contains("[31mxxx") && !said.contains('\u{1b}') && said.len() < 200, "{said}");
        let found = verdict(429, r#"{"reason":"Tired"}"#);
        let Verdict::Settled(Delivery::RetryAfter(after, text)) = found else { panic!("{found:?}") };
        assert!(after == Some(Duration::from_secs(7)) && text.contains("Tired"), "{text}");
        for status in [507, 511] {
            assert!(matches!(verdict(status, ""), Verdict::Settled(Delivery::RetryAfter(None, _))), "{status}");
        }
        for status in [500, 502, 503, 504, 529] {
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

    #[test]
    fn each_reason_speaks_of_a_request_an_endpoint_the_service_or_this_server() {
        let word = |status: u16, reason: &str| match verdict(status, &format!(r#"{{"reason":"{reason}"}}"#)) {
            Verdict::Settled(Delivery::Gone(None)) => "gone",
            Verdict::Settled(Delivery::Unusable(PushFailure::Gone, text)) if text.contains("environment") => "unusable",
            Verdict::Settled(Delivery::Unusable(PushFailure::WrongProject, text)) if text.contains("topic") => {
                "wrong project"
            }
            Verdict::Settled(Delivery::RetryAfter(..)) => "not now",
            Verdict::Settled(Delivery::Down(..)) => "service",
            Verdict::Settled(Delivery::Failed(text)) if text.contains("please report it") => "request",
            Verdict::Settled(Delivery::Misconfigured(_)) => "configuration",
            Verdict::TokenExpired => "token",
            other @ Verdict::Settled(_) => panic!("{reason}: {other:?}"),
        };
        for (status, reason, meaning) in [
            (400, "BadCollapseId", "request"),
            (400, "BadDeviceToken", "unusable"),
            (400, "BadExpirationDate", "request"),
            (400, "BadMessageId", "request"),
            (400, "BadPriority", "request"),
            (400, "BadTopic", "configuration"),
            (400, "DeviceTokenNotForTopic", "wrong project"),
            (400, "DuplicateHeaders", "request"),
            (400, "IdleTimeout", "service"),
            (400, "InvalidPushType", "request"),
            (400, "MissingDeviceToken", "request"),
            (400, "MissingTopic", "configuration"),
            (400, "PayloadEmpty", "request"),
            (400, "TopicDisallowed", "configuration"),
            (403, "BadCertificate", "configuration"),
            (403, "BadCertificateEnvironment", "configuration"),
            (403, "BadEnvironmentKeyIdInToken", "configuration"),
            (403, "ExpiredProviderToken", "token"),
            (403, "Forbidden", "configuration"),
            (403, "InvalidProviderToken", "configuration"),
            (403, "MissingProviderToken", "configuration"),
            (403, "UnrelatedKeyIdInToken", "configuration"),
            (404, "BadPath", "request"),
            (405, "MethodNotAllowed", "request"),
            (410, "ExpiredToken", "gone"),
            (410, "Unregistered", "gone"),
            (413, "PayloadTooLarge", "request"),
            (429, "TooManyProviderTokenUpdates", "service"),
            (429, "TooManyRequests", "not now"),
            (500, "InternalServerError", "service"),
            (503, "ServiceUnavailable", "service"),
            (503, "Shutdown", "service"),
        ] {
            assert_eq!(word(status, reason), meaning, "{reason}");
        }
        let body = br#"{"reason":"DeviceTokenNotForTopic"}"#;
        let own = Answer { status: 400, retry_after: None, body, topic_of_device: true };
        assert_eq!(own.verdict(), Verdict::Settled(Delivery::Gone(None)), "its own topic is its own mistake");
    }
}
