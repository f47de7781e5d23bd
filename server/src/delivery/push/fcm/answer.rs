//! What Firebase means when it does not take a message (Google's `ErrorCode`, in the `details` of a
//! `google.rpc.Status`).

use crate::delivery::push::{Delivery, retry_after};
use countersign_protocol::device_api::PushFailure;
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

/// An `FcmError`, a `BadRequest` or a `QuotaFailure`; of others, nothing is read.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Detail {
    error_code: Option<String>,
    field_violations: Vec<Violation>,
    violations: Vec<Quota>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Quota {
    subject: String,
    description: String,
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
    Answer::Told(match meaning(code, status, &error) {
        Meaning::Gone => Delivery::Gone(None),
        Meaning::Unusable => Delivery::Unusable(PushFailure::Gone, answered()),
        Meaning::WrongProject => Delivery::Unusable(
            PushFailure::WrongProject,
            format!(
                "the app on the phone belongs to another Firebase project than the service account's, {}: use the key \
                 file of the app's project ({said})",
                asked.project
            ),
        ),
        Meaning::NotNow => Delivery::RetryAfter(after(QUOTA_PAUSE), answered()),
        Meaning::Again => Delivery::RetryAfter(None, answered()),
        Meaning::Quota => Delivery::Down(after(QUOTA_PAUSE), answered()),
        Meaning::Service => Delivery::Down(after(OUTAGE_PAUSE), answered()),
        Meaning::TokenRefused => return Answer::TokenRefused,
        Meaning::ThirdParty => failed(
            "Firebase cannot reach Apple's or the browser's push service for this device: it is not registered from an \
             Android app",
        ),
        Meaning::Forbidden => Delivery::Misconfigured(format!(
            "the service account may not send: enable the Firebase Cloud Messaging API in the project {} and give the \
             account the role 'Firebase Cloud Messaging API Admin' ({said})",
            asked.project
        )),
        Meaning::NoProject => Delivery::Misconfigured(format!(
            "there is no project {} there: check base_url and service_account ({said})",
            asked.project
        )),
        Meaning::Elsewhere => Delivery::Misconfigured(format!(
            "Firebase leads elsewhere, and no redirect is followed: check base_url ({said})"
        )),
        Meaning::Request => failed("Firebase refuses the message"),
    })
}

/// Of what an answer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The registration token: it is over.
    Gone,
    /// The registration token: no app instance of this project has it.
    Unusable,
    /// The registration token: it is of another project.
    WrongProject,
    /// The registration token: too many messages to it for now.
    NotNow,
    /// The request, which may be sent again as it is.
    Again,
    /// All tokens, for a while: the messages of this project are too many.
    Quota,
    /// All tokens, for a while: Firebase is not well.
    Service,
    /// This server: its access token.
    TokenRefused,
    /// The registration token: it leads on to a network for which the project has no credentials.
    ThirdParty,
    /// This server: its account may not send.
    Forbidden,
    /// This server: its project is not there.
    NoProject,
    /// This server: its address leads elsewhere.
    Elsewhere,
    /// The message.
    Request,
}

/// What FCM's own code means, where there is one, and else the status. The sources: Google's "FCM Error Codes" and
/// `ErrorCode` of the reference of `projects.messages.send`, whose second example is the answer to a token that is none
/// (an `FcmError` alone, without the `BadRequest` that names a wrong field); "google.rpc.Code" for answers without a
/// code of FCM's.
fn meaning(code: Option<&str>, status: u16, error: &Status) -> Meaning {
    match (code, status) {
        (Some("UNREGISTERED"), _) => Meaning::Gone,
        (Some("INVALID_ARGUMENT"), _) if error.is_about_the_token() => Meaning::Unusable,
        (Some("SENDER_ID_MISMATCH"), _) => Meaning::WrongProject,
        (Some("THIRD_PARTY_AUTH_ERROR"), _) => Meaning::ThirdParty,
        // "Device message rate exceeded" is the limit of one token, every other quota that of the project.
        (Some("QUOTA_EXCEEDED"), _) | (_, 429) if error.is_about_one_device() => Meaning::NotNow,
        (Some("QUOTA_EXCEEDED"), _) | (_, 429) => Meaning::Quota,
        (Some("UNAVAILABLE" | "INTERNAL"), _) => Meaning::Service,
        // A code of tomorrow, with a status that says nothing of the token.
        (_, 501 | 505 | 506 | 510) => Meaning::Request,
        (_, 408 | 425 | 507 | 508 | 511) => Meaning::Again,
        (_, 500..=599) => Meaning::Service,
        (_, 401) => Meaning::TokenRefused,
        (_, 403) => Meaning::Forbidden,
        // "Requested entity was not found" is the token; a project or a path that is not there is a page in HTML, or
        // a method that was not found.
        (_, 404) if error.is_of_an_entity() => Meaning::Unusable,
        (_, 404) => Meaning::NoProject,
        (_, 300..=399) => Meaning::Elsewhere,
        _ => Meaning::Request,
    }
}

impl Status {
    /// True when what is invalid is the token, and no field of the message that this server made.
    fn is_about_the_token(&self) -> bool {
        let mut violations = self.details.iter().flat_map(|detail| &detail.field_violations).peekable();
        if violations.peek().is_some() {
            return violations.all(|one| one.field == "message.token");
        }
        let message = self.message.to_ascii_lowercase();
        ["registration token", "invalid registration"].iter().any(|words| message.contains(words))
    }

    /// True when the quota that was exceeded is that of one device.
    fn is_about_one_device(&self) -> bool {
        let quotas = self.details.iter().flat_map(|detail| &detail.violations);
        let words = quotas.flat_map(|quota| [&quota.subject, &quota.description]).chain([&self.message]);
        words.map(|words| words.to_ascii_lowercase()).any(|words| words.contains("device"))
    }

    /// True when an entity was looked for and not found.
    fn is_of_an_entity(&self) -> bool {
        self.status == "NOT_FOUND" && self.message.to_ascii_lowercase().contains("entity")
    }
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

    fn told(status: u16, body: &str) -> Answer {
        read(status, &HeaderMap::new(), body.as_bytes(), &asked(0, &Constant(0)))
    }

    /// What an answer comes to, in a word.
    fn word(status: u16, body: &str) -> &'static str {
        match told(status, body) {
            Answer::TokenRefused => "access token",
            Answer::Told(Delivery::Gone(None)) => "gone",
            Answer::Told(Delivery::Unusable(PushFailure::Gone, _)) => "unusable",
            Answer::Told(Delivery::Unusable(PushFailure::WrongProject, _)) => "wrong project",
            Answer::Told(Delivery::RetryAfter(..)) => "not now",
            Answer::Told(Delivery::Down(..)) => "service",
            Answer::Told(Delivery::Failed(_)) => "request",
            Answer::Told(Delivery::Misconfigured(_)) => "configuration",
            other @ Answer::Told(_) => panic!("{status} {body}: {other:?}"),
        }
    }

    /// An `FcmError` with this code, this message, and more details.
    fn error(code: &str, message: &str, more: &str) -> String {
        format!(
            r#"{{"error": {{"status": "X", "message": "{message}", "details": [{{"@type": "x"}}{more},
                {{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "{code}"}}]}}}}"#
        )
    }

    #[test]
    fn each_code_speaks_of_a_request_an_endpoint_the_service_or_this_server() {
        let field = |name: &str| format!(r#", {{"fieldViolations": [{{"field": "{name}"}}]}}"#);
        let quota = |of: &str| format!(r#", {{"violations": [{{"subject": "{of}", "description": "{of} rate"}}]}}"#);
        let none = String::new();
        let invalid_token = "The registration token is not a valid FCM registration token";
        for (meaning, status, code, message, more) in [
            ("gone", 404, "UNREGISTERED", "Requested entity was not found.", &none),
            ("unusable", 400, "INVALID_ARGUMENT", invalid_token, &none),
            ("unusable", 400, "INVALID_ARGUMENT", "Invalid registration token", &field("message.token")),
            ("request", 400, "INVALID_ARGUMENT", "Request contains an invalid argument.", &none),
            ("request", 400, "INVALID_ARGUMENT", invalid_token, &field("message.data[0].value")),
            ("request", 400, "INVALID_ARGUMENT", "Message too big", &field("message")),
            ("wrong project", 403, "SENDER_ID_MISMATCH", "SenderId mismatch", &none),
            ("request", 401, "THIRD_PARTY_AUTH_ERROR", "Auth error from APNS or Web Push Service", &none),
            ("not now", 429, "QUOTA_EXCEEDED", "Quota exceeded.", &quota("device")),
            ("service", 429, "QUOTA_EXCEEDED", "Quota exceeded.", &quota("project")),
            ("service", 429, "QUOTA_EXCEEDED", "Quota exceeded.", &none),
            ("service", 503, "UNAVAILABLE", "The service is currently unavailable.", &none),
            ("service", 500, "INTERNAL", "Internal error encountered.", &none),
            ("request", 400, "UNSPECIFIED_ERROR", "", &none),
            ("request", 418, "A_CODE_OF_TOMORROW", "", &none),
            ("service", 503, "A_CODE_OF_TOMORROW", "", &none),
        ] {
            assert_eq!(word(status, &error(code, message, more)), meaning, "{code} {message} {more}");
        }
    }

    #[test]
    fn an_answer_without_a_code_of_fcm_s_counts_by_its_status() {
        let plain = |status: &str, message: &str| {
            format!(r#"{{"error": {{"code": 1, "status": "{status}", "message": "{message}"}}}}"#)
        };
        for (meaning, status, body) in [
            ("unusable", 404, plain("NOT_FOUND", "Requested entity was not found.")),
            ("configuration", 404, plain("NOT_FOUND", "Method not found.")),
            ("configuration", 404, "<html>Not Found</html>".into()),
            ("access token", 401, plain("UNAUTHENTICATED", "x")),
            ("configuration", 403, plain("PERMISSION_DENIED", "x")),
            ("configuration", 302, String::new()),
            // What a proxy on the way says drops nothing.
            ("request", 410, String::new()),
            ("request", 400, "<html>Bad Request</html>".into()),
            ("request", 400, plain("INVALID_ARGUMENT", "The registration token is not a valid FCM registration token")),
            ("request", 501, String::new()),
            ("request", 505, String::new()),
            ("not now", 408, String::new()),
            ("not now", 507, String::new()),
            ("not now", 511, "<html>Log in</html>".into()),
            ("service", 429, String::new()),
            ("service", 500, String::new()),
            ("service", 502, "<html>".into()),
            ("service", 503, String::new()),
            ("service", 504, String::new()),
            ("service", 529, String::new()),
        ] {
            assert_eq!(word(status, &body), meaning, "{status} {body}");
        }
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
