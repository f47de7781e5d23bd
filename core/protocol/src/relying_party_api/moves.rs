//! The bodies about moves: a new phone takes over from the old one.

use crate::handle::{AccountId, EnrolmentId, MoveId};
#[cfg(feature = "openapi")]
use crate::schema;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

/// The wish to move a person to a new phone.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MoveRequest {
    /// The person.
    pub user_id: AccountId,
    /// The phone that is replaced, by its enrolment.
    pub device_id: EnrolmentId,
    /// Why, for the journal.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub reason: String,
    /// From when on it can be made (RFC 3339); default: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Time>))]
    pub valid_from: Option<String>,
    /// Until when, 30 days after `valid_from` at most (RFC 3339); default: 7 days after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Time>))]
    pub valid_until: Option<String>,
}

/// How far a move has come. In every state but `switched` the old phone goes on as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MoveState {
    /// It waits: for its time, for its second half, or for the person to open the offer.
    Armed,
    /// The link for the new phone was made.
    Offered,
    /// The new phone is there, and shows that it can answer.
    Rehearsing,
    /// The new phone has taken over, and the old one is ended.
    Switched,
    /// The old or the new phone said NO.
    Refused,
    /// Its time went by.
    Expired,
    /// It was taken back.
    Cancelled,
    /// The person said "this was not me".
    Reported,
}

impl MoveState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Armed,
        Self::Offered,
        Self::Rehearsing,
        Self::Switched,
        Self::Refused,
        Self::Expired,
        Self::Cancelled,
        Self::Reported,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Offered => "offered",
            Self::Rehearsing => "rehearsing",
            Self::Switched => "switched",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Reported => "reported",
        }
    }
}

/// By what a person has shown that the move is theirs, beside being signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MoveProof {
    /// The old phone's signed YES.
    OldPhone,
    /// A one-time code.
    Code,
    /// A backup code.
    BackupCode,
    /// An opening code, which the operator gave to the person.
    OpeningCode,
}

impl MoveProof {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OldPhone => "old_phone",
            Self::Code => "code",
            Self::BackupCode => "backup_code",
            Self::OpeningCode => "opening_code",
        }
    }
}

/// A move.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Move {
    /// Names it.
    pub id: MoveId,
    /// The person.
    pub user_id: AccountId,
    /// The phone that is replaced.
    pub device_id: EnrolmentId,
    /// The new phone, once there was an offer: the enrolment of the latest.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub new_device_id: Option<EnrolmentId>,
    /// How far it has come.
    pub state: MoveState,
    /// Its second half, while it serves to open the link: ten minutes. Null otherwise.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub proof: Option<MoveProof>,
    /// Why.
    pub reason: String,
    /// When it was made (RFC 3339).
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Time))]
    pub created_at: String,
    /// From when on it can be made (RFC 3339).
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Time))]
    pub valid_from: String,
    /// Until when (RFC 3339).
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Time))]
    pub valid_until: String,
    /// When the new phone took over, or it ended otherwise (RFC 3339); null while it goes on.
    #[cfg_attr(feature = "openapi", schema(required = true, value_type = Option<schema::Time>))]
    pub ended_at: Option<String>,
}

/// A code in the place of the old phone's YES.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MoveCodeRequest {
    /// The digits of a one-time code or a backup code, as they were typed.
    #[cfg_attr(feature = "openapi", schema(min_length = 6))]
    pub code: String,
}

/// The opening code of a move, as the person typed it.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OpeningCodeRequest {
    /// Its six digits.
    #[cfg_attr(feature = "openapi", schema(min_length = 6))]
    pub code: String,
}

/// Whether an opening code is right.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct OpeningCodeAnswer {
    /// True once: it is used up by this answer.
    pub valid: bool,
    /// How many wrong ones are still taken before this code is good no more. 0 also when none was given, or its hour is
    /// over.
    #[cfg_attr(feature = "openapi", schema(maximum = 5))]
    pub remaining_attempts: u32,
}

/// Moves of an organisation, the newest first.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Moves {
    /// 100 at most.
    pub moves: Vec<Move>,
    /// The last of them, where there are more: ask for those `before` it. Null at the end.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next: Option<MoveId>,
}
