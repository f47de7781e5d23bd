//! What the network answers.

use serde_json::json;

/// Every reason in Apple's documentation ("Handling notification responses from APNs"), with its status.
pub const REASONS: [(&str, u16); 32] = [
    ("BadCollapseId", 400),
    ("BadDeviceToken", 400),
    ("BadExpirationDate", 400),
    ("BadMessageId", 400),
    ("BadPriority", 400),
    ("BadTopic", 400),
    ("DeviceTokenNotForTopic", 400),
    ("DuplicateHeaders", 400),
    ("IdleTimeout", 400),
    ("InvalidPushType", 400),
    ("MissingDeviceToken", 400),
    ("MissingTopic", 400),
    ("PayloadEmpty", 400),
    ("TopicDisallowed", 400),
    ("BadCertificate", 403),
    ("BadCertificateEnvironment", 403),
    ("BadEnvironmentKeyIdInToken", 403),
    ("ExpiredProviderToken", 403),
    ("Forbidden", 403),
    ("InvalidProviderToken", 403),
    ("MissingProviderToken", 403),
    ("UnrelatedKeyIdInToken", 403),
    ("BadPath", 404),
    ("MethodNotAllowed", 405),
    ("ExpiredToken", 410),
    ("Unregistered", 410),
    ("PayloadTooLarge", 413),
    ("TooManyProviderTokenUpdates", 429),
    ("TooManyRequests", 429),
    ("InternalServerError", 500),
    ("ServiceUnavailable", 503),
    ("Shutdown", 503),
];

/// A refusal as it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The reason.
    pub reason: String,
    /// When the device token was found to serve no longer, in milliseconds since the Unix epoch.
    pub timestamp: Option<i64>,
    /// When to come back: seconds, or whatever a test wants to say.
    pub retry_after: Option<String>,
}

impl Refusal {
    /// One of Apple's reasons.
    pub fn of(reason: &str) -> Self {
        let found = REASONS.iter().find(|(known, _)| *known == reason);
        let (_, status) = found.unwrap_or_else(|| panic!("{reason} is none of Apple's reasons"));
        Self { status: *status, reason: reason.to_owned(), timestamp: None, retry_after: None }
    }

    /// The body.
    pub(super) fn body(&self) -> String {
        match self.timestamp {
            Some(timestamp) => json!({ "reason": self.reason, "timestamp": timestamp }).to_string(),
            None => json!({ "reason": self.reason }).to_string(),
        }
    }
}

/// What becomes of a push that is right.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// 200.
    Accept,
    /// A refusal all the same.
    Refuse(Refusal),
    /// 200, and GOAWAY: no new stream on this connection.
    GoAway,
    /// GOAWAY, and the connection ends without an answer.
    GoAwayUnanswered,
    /// The connection ends without a word.
    Cut,
    /// The stream ends with `RST_STREAM` and `INTERNAL_ERROR`.
    Reset,
    /// The stream ends with `RST_STREAM` and `REFUSED_STREAM`: it was not looked at (RFC 9113, section 8.7).
    RefuseStream,
}

impl Behaviour {
    /// Refuses for one of Apple's reasons.
    pub fn refuse(reason: &str) -> Self {
        Self::Refuse(Refusal::of(reason))
    }
}
