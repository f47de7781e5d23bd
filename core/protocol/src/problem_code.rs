//! The stable codes of problem documents: one closed list, the same for the server that writes them and for those who
//! branch on them. PROTOCOL.md has the same list with what to do about each; a test compares the two.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Declares [`ProblemCode`] from its one table of documentation, variant and code.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// Why a request or a message was refused. A code never changes its meaning. A newer server may have more
        /// codes, so a reader goes by the HTTP status where it does not know one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ProblemCode {
            $($(#[$doc])* #[serde(rename = $code)] $variant,)*
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word that stands in a problem document.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }
        }
    };
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for ProblemCode {}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for ProblemCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let words: Vec<&str> = Self::ALL.iter().map(|code| code.as_str()).collect();
        crate::schema::word(&words).description(Some("Why a request was refused. A newer server may have more.")).into()
    }
}

codes! {
    /// The request or the message does not have the form that PROTOCOL.md gives it.
    Malformed = "malformed",
    /// A signed message has a claim or a header that is not known here.
    UnknownClaim = "unknown_claim",
    /// A body, a signed message, a text or the claims are too long.
    TooLarge = "too_large",
    /// A sealed message does not have the one size that all of them have.
    WrongSize = "wrong_size",
    /// The message is signed with another algorithm than ES256.
    WrongAlgorithm = "wrong_algorithm",
    /// The signed message is of another type than belongs here.
    WrongType = "wrong_type",
    /// The key that the message names may not sign this here.
    UnknownKey = "unknown_key",
    /// The signature does not fit the bytes.
    BadSignature = "bad_signature",
    /// No key of this device opens the sealed message.
    CannotOpen = "cannot_open",
    /// The message is for another device, or the device may do this only for itself.
    WrongDevice = "wrong_device",
    /// The message is for another account.
    WrongAccount = "wrong_account",
    /// The message is from another server than the one that was enrolled, or for another.
    WrongServer = "wrong_server",
    /// The message is about another challenge, or about other bytes of it than were sent.
    WrongChallenge = "wrong_challenge",
    /// The server shows a certificate that is older than one that was seen before.
    OldCertificate = "old_certificate",
    /// The message is dated in the future.
    FutureTime = "future_time",
    /// The message is dated too far in the past.
    StaleTime = "stale_time",
    /// The time for it is over.
    Expired = "expired",
    /// The body of the request did not come in time.
    Timeout = "timeout",
    /// There is no such call, or no such thing for this caller.
    NotFound = "not_found",
    /// The path takes another method.
    WrongMethod = "wrong_method",
    /// There is no API key in the request, or it is not valid.
    Unauthorised = "unauthorised",
    /// The request proof must carry the nonce that comes with this answer.
    NonceRequired = "nonce_required",
    /// The server has accepted this very request proof before.
    Replayed = "replayed",
    /// The server sends nothing through this push network.
    GatewayNotConfigured = "gateway_not_configured",
    /// The device names more places for its pushes than a server takes.
    TooManyRegistrations = "too_many_registrations",
    /// The Web Push subscription was made with a key that the server does not hold.
    UnknownWebPushKey = "unknown_webpush_key",
    /// The device is not confirmed yet, or it was removed.
    DeviceNotInUse = "device_not_in_use",
    /// Nothing of the account can answer.
    NoDevice = "no_device",
    /// Another request came before under the same idempotency key.
    IdempotencyMismatch = "idempotency_mismatch",
    /// Another answer to the challenge was first.
    AlreadyAnswered = "already_answered",
    /// The approval was claimed before.
    AlreadyClaimed = "already_claimed",
    /// The challenge is in a state that has no approval to claim.
    NotApproved = "not_approved",
    /// The relying party or the operator took the question back.
    Cancelled = "cancelled",
    /// The enrolment link is unknown, too old or used.
    InvalidTicket = "invalid_ticket",
    /// Two devices used one enrolment link, and neither is enrolled.
    RedeemedTwice = "redeemed_twice",
    /// The server takes only phones whose maker vouches for their key, and this one's does not, or not enough.
    AttestationRequired = "attestation_required",
    /// The digits are not the ones that the other screen shows.
    WrongNumber = "wrong_number",
    /// No device and no application waits for a confirmation.
    NotProposed = "not_proposed",
    /// Another move of the person goes on.
    AlreadyMoving = "already_moving",
    /// The move lacks its second half: the old phone's YES, or a code.
    MoveNotProven = "move_not_proven",
    /// The move is over, or this is not its next step.
    MoveNotNow = "move_not_now",
    /// Wrong codes came too fast; `Retry-After` says when the next one is taken.
    Throttled = "throttled",
    /// As many questions wait for the person as may; `Retry-After` says when the first of them ends.
    TooManyOpen = "too_many_open",
    /// As many requests of the relying party wait as may.
    TooManyWaits = "too_many_waits",
    /// The relying party asks faster than people answer; `Retry-After` says when the next question is taken.
    TooManyCreations = "too_many_creations",
    /// As many enrolment links are open as may, or they are opened too fast; `Retry-After` says when the next one is.
    TooManyEnrolments = "too_many_enrolments",
    /// Too much that nobody knows came from this address; what is valid is taken all the same.
    TooManyFailures = "too_many_failures",
    /// Too many wrong codes have locked everything that makes codes for the account.
    Locked = "locked",
    /// The challenge was created without the method `code`.
    CodeNotAllowed = "code_not_allowed",
    /// The server can neither read nor write now, and has changed nothing.
    Unavailable = "unavailable",
    /// The server failed, and its log has the reason.
    Internal = "internal",
}

/// A word that is none of the codes known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no code of a problem that is known here")]
pub struct UnknownProblemCode;

impl FromStr for ProblemCode {
    type Err = UnknownProblemCode;
    fn from_str(word: &str) -> Result<Self, UnknownProblemCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word).ok_or(UnknownProblemCode)
    }
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The code of a problem document that was received. A newer server may know a code that this program does not: the
/// document is still read, and the word is kept so that it can be shown and logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyProblemCode {
    /// One of the codes that are known here.
    Known(ProblemCode),
    /// Any other word, as it came.
    Unknown(String),
}

impl AnyProblemCode {
    /// The word that stands in the problem document.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(code) => code.as_str(),
            Self::Unknown(word) => word,
        }
    }
}

impl From<ProblemCode> for AnyProblemCode {
    fn from(code: ProblemCode) -> Self {
        Self::Known(code)
    }
}

impl From<String> for AnyProblemCode {
    fn from(word: String) -> Self {
        word.parse().map_or(Self::Unknown(word), Self::Known)
    }
}

impl fmt::Display for AnyProblemCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for AnyProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AnyProblemCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
