//! The bodies of a device's requests and their answers, the same on both sides of the wire.

use crate::apns::AppleDevice;
use crate::handle::{ChallengeId, EnrolmentId};
use crate::problem_code::AnyProblemCode;
#[cfg(feature = "openapi")]
use crate::problem_code::ProblemCode;
use crate::refusal::Refusal;
#[cfg(feature = "openapi")]
use crate::schema;
use crate::sealing::Envelope;
use crate::webpush::Subscription;
use data_encoding::BASE64URL_NOPAD;
use serde::de::value::{Error as WordError, MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// The longest a pull may be parked, in seconds.
pub const MAX_WAIT_SECONDS: u32 = 60;

/// The answer to a redemption.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedemptionAnswer {
    /// The enrolment statement, a compact JWS.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::CompactJws))]
    pub enrolment: String,
    /// The code seed, sealed to the device; absent from a server that has no one-time codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_seed: Option<Envelope>,
}

/// Whether the signed-in page has confirmed the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EnrolmentState {
    /// Waits for the six digits to be typed on the signed-in page. Receives no challenge.
    Proposed,
    /// In use.
    Confirmed,
    /// Ended: never confirmed, taken by another device, or revoked.
    Void,
}

/// The answer to a pull.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PulledChallenges {
    /// The enrolment's state.
    pub state: EnrolmentState,
    /// Sealed as a push is: every challenge that waits for an answer and is not [`Known`] as it is, and a retraction
    /// for each known one that waits no longer.
    #[cfg_attr(feature = "openapi", schema(max_items = 64))]
    pub challenges: Vec<Envelope>,
    /// Whether pushes reach this device; none from an older server, and for a word of a newer one that is not known
    /// here.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    #[serde(default, deserialize_with = "known_status")]
    pub push: Option<PushStatus>,
    /// The server's key for Web Push subscriptions, in base64url; absent while there is nothing to repair.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true, value_type = Option<schema::Point>))]
    pub webpush_public_key: Option<String>,
    /// Why the latest push to this device did not go through, when it did not.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub push_failure: Option<PushFailure>,
    /// The server's signed word that this enrolment is over: a compact JWS.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true, value_type = Option<schema::CompactJws>))]
    pub revocation: Option<String>,
}

/// Whether pushes reach a device, as its server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PushStatus {
    /// There is a registration, and nothing to repair.
    Registered,
    /// A push network no longer knows one of the registrations, so that one was dropped.
    Gone,
    /// A Web Push subscription was made with an earlier key of the server. It still serves, and is to be made anew.
    Outdated,
    /// There never was one.
    None,
}

/// Reads a status as none where its word is not known: it is worth less than the challenges beside it.
fn known_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PushStatus>, D::Error> {
    let word = Option::<String>::deserialize(deserializer)?;
    Ok(word.and_then(|word| PushStatus::deserialize(IntoDeserializer::<WordError>::into_deserializer(word)).ok()))
}

/// Why a push did not get through to a device: all that its server tells the device. It is one word of a closed list,
/// because a device chooses where its server connects: whatever a resolver, a connection or TLS says there would show a
/// stranger the operator's own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PushFailure {
    /// There was no answer: the push service was not found, not connected to, or did not answer in time.
    Unreachable,
    /// The push service answered that it does not take this now. The server tries again while the question lives.
    NotNow,
    /// The push service will never take this message.
    Refused,
    /// The push service does not know this device any more. The registration is to be made anew.
    Gone,
    /// The registration belongs to another project or app than the one for which the server may push.
    WrongProject,
    /// The push service does not let this server push; only its operator can mend that.
    Misconfigured,
    /// A word of a newer server, or the sentence of an older one: it must not cost the pull.
    #[serde(other)]
    Other,
}

impl PushFailure {
    /// The word in a pull.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::NotNow => "not_now",
            Self::Refused => "refused",
            Self::Gone => "gone",
            Self::WrongProject => "wrong_project",
            Self::Misconfigured => "misconfigured",
            Self::Other => "other",
        }
    }
}

/// A challenge that a device holds, so that a pull brings only what is not known: `ID.DIGEST` in the query `known`,
/// whose elements are separated by dots too. All of it is unreserved (RFC 3986, section 2.3): proxies and HTTP
/// libraries rewrite other characters, and then the address is not the one that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The digest of the bytes that are held.
    pub challenge_sha256: String,
}

/// The most challenges that a pull names or brings.
pub const MAX_PULLED: usize = 32;

impl Known {
    /// The list in a query; empty when there is none.
    pub fn list_to_text(known: &[Self]) -> String {
        let each = known.iter().map(|one| format!("{}.{}", one.challenge_id, one.challenge_sha256));
        each.collect::<Vec<_>>().join(".")
    }

    /// Reads the list in a query. Earlier devices put commas between its elements.
    ///
    /// # Errors
    /// `malformed` when it is not such a list, and for more than [`MAX_PULLED`].
    pub fn list_from_text(text: &str) -> Result<Vec<Self>, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("known challenges");
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let read = |one: &[&str]| {
            let [id, digest] = *one else { return Err(WRONG) };
            let bytes = BASE64URL_NOPAD.decode(digest.as_bytes()).map_err(|_| WRONG)?;
            let challenge_id = id.parse().map_err(|_| WRONG)?;
            (bytes.len() == 32).then(|| Self { challenge_id, challenge_sha256: digest.to_owned() }).ok_or(WRONG)
        };
        let elements: Vec<Vec<&str>> = if text.contains(',') {
            text.split(',').map(|element| element.split('.').collect()).collect()
        } else {
            text.split('.').collect::<Vec<_>>().chunks(2).map(<[_]>::to_vec).collect()
        };
        let known = elements.iter().map(|element| read(element)).collect::<Result<Vec<_>, _>>()?;
        if known.len() > MAX_PULLED { Err(WRONG) } else { Ok(known) }
    }
}

/// Where the server reaches this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "gateway", rename_all = "lowercase", deny_unknown_fields)]
pub enum PushRegistration {
    /// Web Push or `UnifiedPush`.
    WebPush(Subscription),
    /// Apple Push Notification service.
    Apns(AppleDevice),
    /// Firebase Cloud Messaging.
    Fcm {
        /// The app instance's registration token. A capability: it must not be logged.
        token: String,
    },
}

/// The most registrations of one device.
pub const MAX_PUSH_REGISTRATIONS: usize = 4;

/// All places where the server reaches this device: one, or a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PushRegistrations {
    /// One.
    One(PushRegistration),
    /// A list of 1 to [`MAX_PUSH_REGISTRATIONS`].
    List(Vec<PushRegistration>),
}

impl PushRegistrations {
    /// Each of them.
    pub const fn as_slice(&self) -> &[PushRegistration] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::List(list) => list.as_slice(),
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for PushRegistration {}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for PushRegistration {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        schema::push_registration()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for PushRegistrations {}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for PushRegistrations {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        schema::push_registrations(MAX_PUSH_REGISTRATIONS)
    }
}

// By hand: what serde derives would say of every fault only that nothing fits.
impl<'de> Deserialize<'de> for PushRegistrations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrList;

        impl<'de> Visitor<'de> for OneOrList {
            type Value = PushRegistrations;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a push registration or a list of them")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                PushRegistration::deserialize(MapAccessDeserializer::new(map)).map(PushRegistrations::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(PushRegistrations::List)
            }
        }

        deserializer.deserialize_any(OneOrList)
    }
}

/// The longest registration token of Firebase Cloud Messaging, in bytes. Google states no bound; those it gives are
/// shorter than 300.
pub const MAX_FCM_TOKEN_LENGTH: usize = 4096;

/// The answer to a decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecisionAnswer {
    /// The challenge's state: `approved` or `denied`; after a report, whatever it is.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::relying_party_api::ChallengeState))]
    pub state: String,
}

/// One of an account's devices.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// The enrolment.
    pub id: EnrolmentId,
    /// The name its owner gave it.
    pub name: String,
    /// Its state.
    pub state: EnrolmentState,
    /// When it was enrolled, in seconds since the Unix epoch.
    pub enrolled_at: i64,
    /// True for the device that asks.
    pub this_device: bool,
}

/// The answer to a request for the account's devices.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Devices {
    /// All that are not void.
    pub devices: Vec<Device>,
}

/// With what the type of each problem document of ours begins; the code follows.
pub const PROBLEM_TYPE_START: &str = "urn:countersign:problem:";

/// A problem document (RFC 9457).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:countersign:problem:` and the code.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^urn:countersign:problem:[a-z_]+$"))]
    pub kind: String,
    /// What kind of problem this is, in a few words.
    pub title: String,
    /// The HTTP status.
    #[cfg_attr(feature = "openapi", schema(minimum = 400, maximum = 599))]
    pub status: u16,
    /// What happened and what to do next, in a sentence.
    pub detail: String,
    /// The stable code to branch on.
    #[cfg_attr(feature = "openapi", schema(value_type = ProblemCode))]
    pub code: AnyProblemCode,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pulled(push: &Value, push_failure: &Value) -> PulledChallenges {
        let pulled = json!({ "state": "confirmed", "challenges": [], "push": push, "push_failure": push_failure });
        serde_json::from_value(pulled).unwrap()
    }

    #[test]
    fn a_word_of_a_newer_server_costs_no_pull() {
        let read = pulled(&json!("moved"), &json!("asleep"));
        assert_eq!((read.push, read.push_failure), (None, Some(PushFailure::Other)));
        let sentence = "the push service cannot be reached: dns error";
        assert_eq!(
            pulled(&json!("gone"), &json!(sentence)).push_failure,
            Some(PushFailure::Other),
            "an older server's"
        );
        let read = pulled(&Value::Null, &Value::Null);
        assert_eq!((read.push, read.push_failure), (None, None));
    }

    #[test]
    fn each_word_is_read_as_it_is_written() {
        for word in ["unreachable", "not_now", "refused", "gone", "wrong_project", "misconfigured"] {
            let failure = pulled(&json!("registered"), &json!(word)).push_failure.unwrap();
            assert_eq!((failure.as_str(), json!(failure)), (word, json!(word)));
            assert_ne!(failure, PushFailure::Other);
        }
        for status in [PushStatus::Registered, PushStatus::Gone, PushStatus::Outdated, PushStatus::None] {
            assert_eq!(pulled(&json!(status), &Value::Null).push, Some(status));
        }
    }
}
