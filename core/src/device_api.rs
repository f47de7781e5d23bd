//! The bodies of a device's requests and their answers, the same on both sides of the wire.

use crate::handle::EnrolmentId;
use crate::sealing::Envelope;
use crate::webpush::Subscription;
use serde::{Deserialize, Serialize};

/// The longest a pull may be parked, in seconds.
pub const MAX_WAIT_SECONDS: u32 = 60;

/// The answer to a redemption.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedemptionAnswer {
    /// The enrolment statement, a compact JWS.
    pub enrolment: String,
    /// The code seed, sealed to the device; absent from a server that has no one-time codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
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
pub struct PulledChallenges {
    /// The enrolment's state.
    pub state: EnrolmentState,
    /// Every challenge that waits for an answer, sealed as a push is.
    pub challenges: Vec<Envelope>,
}

/// Where the server reaches this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "gateway", rename_all = "lowercase", deny_unknown_fields)]
pub enum PushRegistration {
    /// Web Push or `UnifiedPush`.
    WebPush(Subscription),
}

/// The answer to a decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecisionAnswer {
    /// The challenge's state: `approved` or `denied`.
    pub state: String,
}

/// One of an account's devices.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// The enrolment.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
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

/// A problem document (RFC 9457).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:countersign:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind of problem this is, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do next, in a sentence.
    pub detail: String,
    /// The stable code to branch on.
    pub code: String,
}
