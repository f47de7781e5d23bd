//! What Firebase means when it does not take a message (Google's `ErrorCode`, in the `details` of a
//! `google.rpc.Status`).

use crate::delivery::push::{Delivery, retry_after};
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::Timestamp;
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use std::time::Duration;

/// The longest answer that is read, in bytes; Google's are under 2 KB.
const MAX_ANSWER_LENGTH: usize = 64 * 1024;

/// The shortest pause after 429 without `Retry-After`: quotas are counted by the minute.
const QUOTA_PAUSE: Duration = Duration::from_secs(60);
/// The shortest pause after 5xx without `Retry-After`.
const OUTAGE_PAUSE: Duration = Duration::from_secs(10);
/// The most of what Firebase wrote that is kept, in characters.
const MAX_SAID: usize = 200;

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// This.
    Told(Delivery),
    /// Nothing yet: the access token does not serve.
    TokenRefused,
}

/// What was asked, and when.
pub(super) struct Asked<'a> {
    /// The Firebase project.
    pub project: &'a str,
    /// The registration token.
    pub device: &'a str,
    /// How often it was tried before.
    pub attempts: u32,
    /// The present.
    pub now: Timestamp,
    /// Spreads the retries.
    pub randomness: &'a dyn Randomness,
}

impl Asked<'_> {
    /// A pause that doubles with each attempt, and up to half as long again.
    fn pause(&self, least: Duration) -> Duration {
        let doubled = least * 2_u32.saturating_pow(self.attempts.min(8));
        let [share] = self.randomness.bytes::<1>();
        doubled + doubled * u32::from(share) / 512
    }
}

#[derive(Deserialize, Default)]
struct Body {
    error: Status,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    message: String,
    status: String,
    details: Vec<Detail>,
}

/// An `FcmError` or a `BadRequest`; of others, nothing is read.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Detail {
    error_code: Option<String>,
    field_violations: Vec<Violation>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Violation {
    field: String,
}

/// Reads an answer that is no 2xx.
pub(super) fn read(status: u16, headers: &HeaderMap, body: &[u8], asked: &Asked<'_>) -> Answer {
    let Body { error } = serde_json::from_slice(body).unwrap_or_default();
    let code = error.details.iter().find_map(|detail| detail.error_code.as_deref());
    let name = code.unwrap_or(if error.status.is_empty() { "without a code" } else { &error.status });
    let message = error.message.replace(asked.device, "(token)");
    let said = shortened(&format!("{status} {name}: {message}"));
    let failed = |reason: &str| Delivery::Failed(format!("{reason} ({said})"));
    let after = |least: Duration| {
        let named = retry_after::read(headers, asked.now);
        Some(named.unwrap_or_else(|| asked.pause(least)))
    };
    let answered = || format!("Firebase answered {said}");
    let wrong_token =
        || error.details.iter().flat_map(|detail| &detail.field_violations).any(|one| one.field == "message.token");
    Answer::Told(match (code, status) {
        (Some("UNREGISTERED"), _) => Delivery::Gone(None),
        // No device ever had this token, so the phone is to ask for another.
        (Some("INVALID_ARGUMENT"), _) if wrong_token() => Delivery::Gone(None),
        (Some("SENDER_ID_MISMATCH"), _) => failed(&format!(
            "the app on the phone belongs to another Firebase project than the service account's, {}: use the key file \
             of the app's project",
            asked.project
        )),
        (Some("THIRD_PARTY_AUTH_ERROR"), _) => failed(
            "Firebase cannot reach Apple's or the browser's push service for this device: it is not registered from an \
             Android app",
        ),
        (Some("QUOTA_EXCEEDED"), _) | (_, 429) => Delivery::RetryAfter(after(QUOTA_PAUSE), answered()),
        (Some("UNAVAILABLE" | "INTERNAL"), _) | (_, 500..=599) => Delivery::Down(after(OUTAGE_PAUSE), answered()),
        (_, 408) => Delivery::RetryAfter(None, answered()),
        (_, 401) => return Answer::TokenRefused,
        (_, 403) => failed(&format!(
            "the service account may not send: enable the Firebase Cloud Messaging API in the project {} and give the \
             account the role 'Firebase Cloud Messaging API Admin'",
            asked.project
        )),
        (_, 404) => failed(&format!("there is no project {} there: check base_url and service_account", asked.project)),
        (_, 300..=399) => failed("Firebase leads elsewhere, and no redirect is followed: check base_url"),
        _ => failed("Firebase refuses the message"),
    })
}

/// Somebody else's words for the log: one line, not long.
pub(super) fn shortened(text: &str) -> String {
    let line = text.chars().map(|one| if one.is_control() { ' ' } else { one });
    line.take(MAX_SAID).collect::<String>().trim_end_matches([' ', ':']).to_owned()
}

/// The body of an answer, if it all comes and is no longer than it may be.
pub(super) async fn read_body(mut response: Response) -> Option<Vec<u8>> {
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
    use reqwest::header::{HeaderValue, RETRY_AFTER};

    /// Randomness that is always this byte.
    struct Constant(u8);

    impl Randomness for Constant {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn asked(attempts: u32, randomness: &Constant) -> Asked<'_> {
        let now = Timestamp::from_seconds(1_800_000_000);
        Asked { project: "harbour-hosting", device: "token-of-a-phone", attempts, now, randomness }
    }

    fn pause(status: u16, after: Option<&'static str>, attempts: u32, share: u8) -> Duration {
        let headers = after.map(|text| (RETRY_AFTER, HeaderValue::from_static(text)));
        let headers = HeaderMap::from_iter(headers);
        match read(status, &headers, b"", &asked(attempts, &Constant(share))) {
            Answer::Told(Delivery::RetryAfter(Some(pause), _) | Delivery::Down(Some(pause), _)) => pause,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pauses_are_what_google_asks_for_doubled_and_spread() {
        let seconds = Duration::from_secs;
        assert_eq!(pause(429, None, 0, 0), seconds(60));
        assert_eq!(pause(429, Some("7"), 0, 0), seconds(7));
        assert_eq!(pause(503, Some("Fri, 15 Jan 2027 08:00:20 GMT"), 3, 0), seconds(20));
        assert_eq!((0..3).map(|attempts| pause(503, None, attempts, 0)).collect::<Vec<_>>(), [10, 20, 40].map(seconds));
        assert_eq!(pause(500, None, 1, 128), seconds(25), "a quarter more");
        assert!(pause(502, None, 1, 255) < seconds(30));
        assert!(pause(500, None, u32::MAX, 255) < seconds(4000), "it does not overflow");
    }

    #[test]
    fn only_google_s_own_word_drops_a_registration() {
        let told = |status: u16, body: &str| read(status, &HeaderMap::new(), body.as_bytes(), &asked(0, &Constant(0)));
        let error =
            |code: &str| format!(r#"{{"error": {{"details": [{{"@type": "x"}}, {{"errorCode": "{code}"}}]}}}}"#);
        assert_eq!(told(404, &error("UNREGISTERED")), Answer::Told(Delivery::Gone(None)));
        for (status, body) in [
            (404, "<html>Not Found</html>".to_owned()),
            (404, r#"{"error": {"code": 404, "status": "NOT_FOUND", "message": "Method not found."}}"#.into()),
            (410, String::new()),
            (400, error("INVALID_ARGUMENT")),
            (302, String::new()),
            (418, error("A_CODE_OF_TOMORROW")),
        ] {
            assert!(matches!(told(status, &body), Answer::Told(Delivery::Failed(_))), "{status} {body}");
        }
        assert_eq!(told(401, ""), Answer::TokenRefused);
        assert!(matches!(told(401, &error("THIRD_PARTY_AUTH_ERROR")), Answer::Told(Delivery::Failed(_))));
    }

    #[test]
    fn what_is_kept_of_google_s_words_is_short_and_names_no_device() {
        let message = format!("token-of-a-phone is\\nunknown {}", "x".repeat(500));
        let body = format!(r#"{{"error": {{"message": "{message}", "details": [{{"errorCode": "NEW_ONE"}}]}}}}"#);
        let answer = read(400, &HeaderMap::new(), body.as_bytes(), &asked(0, &Constant(0)));
        let Answer::Told(Delivery::Failed(reason)) = answer else { panic!("{answer:?}") };
        assert!(reason.contains("400 NEW_ONE: (token) is unknown xxx"), "{reason}");
        assert!(!reason.contains("token-of-a-phone") && reason.len() < 300, "{reason}");
    }
}
