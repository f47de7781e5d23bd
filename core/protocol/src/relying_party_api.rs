//! The bodies of a relying party's requests and their answers, the same on both sides of the wire.

mod codes;
mod moves;

pub use codes::{
    Authenticator, AuthenticatorKind, AuthenticatorRequest, AuthenticatorState, Authenticators, BackupCodes,
    CodeAnswer, CodeMethod, CodeReason, CodeRequest, FirstCodeRequest, NewAuthenticator,
};

pub use moves::{
    Move, MoveCodeRequest, MoveProof, MoveRequest, MoveState, Moves, OpeningCodeAnswer, OpeningCodeRequest,
};

use crate::attestation::DeviceAttestation;
use crate::challenge::Detail;
use crate::handle::{AccountId, ChallengeId, EnrolmentId};
use crate::receipt::Receipt;
use crate::revocation::EndReason;
#[cfg(feature = "openapi")]
use crate::schema;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

/// True for what a relying party may call a request or an attempt: 1 to 255 printable ASCII characters, of which the
/// first and the last are no spaces, since HTTP takes those away from a header's ends.
pub fn is_request_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=255).contains(&bytes.len())
        && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        && bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
}

/// The relying party itself, as the server knows it.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct RelyingParty {
    /// Its id: the `aud` of signed events.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Handle))]
    pub id: String,
    /// The name that people see when it asks.
    pub name: String,
    /// The name of its organisation.
    pub organisation: String,
}

/// A person to be known here.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// The name under which the person signs in; the phone shows it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: String,
}

/// A person who is known here.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct User {
    /// Names the account.
    pub id: AccountId,
    /// The name under which the person signs in.
    pub name: String,
}

/// A person, with what is known of them here.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct UserDetails {
    /// Names the account.
    pub id: AccountId,
    /// The name under which the person signs in.
    pub name: String,
    /// When the account was made (RFC 3339).
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Time))]
    pub created_at: String,
    /// True while nothing is pushed to this person, since they have reported a prompt.
    pub prompts_stopped: bool,
}

/// A device of a person, in use or not any more.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct UserDevice {
    /// The enrolment.
    pub id: EnrolmentId,
    /// The name its owner gave it.
    pub name: String,
    /// `proposed`, `confirmed`, or `void` for one that is not in use any more.
    pub state: EnrolmentStage,
    /// Why it is not in use any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<EndReason>,
    /// When it came (RFC 3339).
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Time))]
    pub enrolled_at: String,
    /// When it was last heard of, to the hour (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Time>))]
    pub last_contact_at: Option<String>,
    /// When it ended (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::Time>))]
    pub ended_at: Option<String>,
    /// What its maker says of the place where its approval key lives; absent where nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attestation: Option<DeviceAttestation>,
}

/// The devices of a person.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct UserDevices {
    /// Oldest first; those that have ended are kept for the time that the operator has chosen.
    pub devices: Vec<UserDevice>,
}

/// How far an enrolment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum EnrolmentStage {
    /// The link waits for a device.
    Open,
    /// A device has come; its six digits are to be typed on the signed-in page.
    Proposed,
    /// The device is in use.
    Confirmed,
    /// It is over.
    Void,
}

/// A link with which one device can be enrolled.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewEnrolment {
    /// Names the enrolment.
    pub id: EnrolmentId,
    /// The link, for the phone that shows this page. It is a secret: show it to nobody else.
    pub link: String,
    /// The link as a QR code, in SVG.
    pub qr_svg: String,
    /// The link as a QR code, a PNG in a `data:` address.
    pub qr_png: String,
    /// Until when it serves (RFC 3339).
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Time))]
    pub expires_at: String,
    /// `open`.
    pub state: EnrolmentStage,
}

/// An enrolment on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Enrolment {
    /// Names the enrolment.
    pub id: EnrolmentId,
    /// How far it has come.
    pub state: EnrolmentStage,
    /// Why it is void.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub void_reason: Option<EndReason>,
    /// The name that the device gave itself.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub device_name: Option<String>,
    /// The server's signed word on the device's keys, once there is a device. Pin the approval key in it to verify
    /// receipts without trusting the server.
    #[cfg_attr(feature = "openapi", schema(required = true, value_type = Option<schema::CompactJws>))]
    pub statement: Option<String>,
    /// Until when its next step can be taken (RFC 3339).
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Time))]
    pub expires_at: String,
}

/// The digits that the phone shows.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfirmationRequest {
    /// Six digits, as the person typed them on the signed-in page.
    #[cfg_attr(feature = "openapi", schema(min_length = 6))]
    pub code: String,
}

/// What a relying party asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// The account that is asked.
    pub user_id: AccountId,
    /// What the person must do; default: look and tap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRequest>,
    /// A sentence that the phone shows, for example what is being paid; 120 characters at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 120))]
    pub binding_message: Option<String>,
    /// What exactly is decided, such as amount and recipient, as the phone shows it: 8 at most, each label once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_items = 8))]
    pub details: Option<Vec<Detail>>,
    /// Where the sign-in comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextRequest>,
    /// How it may be answered: a list of `push`, `code` and `backup_code`, or some of them; default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<BTreeSet<Method>>, min_items = 1, max_items = 3))]
    pub methods: Option<Vec<Method>>,
    /// The relying party's own name for this attempt to sign in, of the characters of an `Idempotency-Key`. While the
    /// challenge that it named can still lead to a sign-in, the same request gets it again instead of a second one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::RequestName>))]
    pub attempt: Option<String>,
    /// How long the person has, in seconds: 1 to 600, default 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 600))]
    pub expires_in: Option<u32>,
}

/// What the person must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRequest {
    /// The mode.
    pub mode: PolicyMode,
    /// How many digits the page shows and the person types: 2 or 6, default 6; only with the mode `number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<u8>,
}

#[cfg(feature = "openapi")]
impl ToSchema for PolicyRequest {}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for PolicyRequest {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        schema::policy()
    }
}

/// How a person answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PolicyMode {
    /// Look at the context and tap YES or NO.
    Tap,
    /// Type the number that the page shows to say YES.
    Number,
}

/// Where a sign-in comes from, as the relying party sees it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ContextRequest {
    /// The address of the person's browser.
    #[serde(default)]
    pub ip: Option<String>,
    /// The browser's `User-Agent` header.
    #[serde(default)]
    pub user_agent: Option<String>,
}

/// One way to answer a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The account's phones are asked, and one says YES or NO.
    Push,
    /// The person types a one-time code on the page.
    Code,
    /// The person types a backup code on the page.
    BackupCode,
}

impl Method {
    /// Every method, the strongest first.
    pub const ALL: [Self; 3] = [Self::Push, Self::Code, Self::BackupCode];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Code => "code",
            Self::BackupCode => "backup_code",
        }
    }
}

/// The state of a challenge, as a reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = State))]
#[serde(rename_all = "lowercase")]
pub enum ChallengeState {
    /// Nobody has answered, and there is time left.
    Pending,
    /// The person said yes; the relying party has not taken it yet.
    Approved,
    /// The person said no.
    Denied,
    /// The person said that this was not them.
    Reported,
    /// Nobody answered in time.
    Expired,
    /// The relying party took the question back.
    Cancelled,
    /// The relying party took the approval.
    Claimed,
    /// The relying party did not take the approval in time.
    Lapsed,
    /// The approval was taken back before it was claimed.
    Revoked,
}

impl ChallengeState {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Reported => "reported",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Claimed => "claimed",
            Self::Lapsed => "lapsed",
            Self::Revoked => "revoked",
        }
    }
}

/// How far the pushes of a challenge have come; the best of all devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PushState {
    /// No device can be pushed to: the person opens the app.
    None,
    /// On its way.
    Queued,
    /// A push network took it.
    Sent,
    /// The networks know no such device any more.
    Gone,
    /// It could not be sent.
    Failed,
    /// Nothing was sent: too many prompts within the hour did not end in approval. The app and codes still work.
    Limited,
    /// Nothing is sent: the person has reported a prompt. The app and codes still work.
    Stopped,
}

/// A challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Challenge {
    /// Names it.
    pub id: ChallengeId,
    /// Its state.
    pub state: ChallengeState,
    /// What the person must do to say YES. A question that was a tap asks for a number once another comes beside it.
    pub policy: PolicyRequest,
    /// What the page shows and the person types on the phone; only while it is pending and asks for a number.
    #[cfg_attr(feature = "openapi", schema(required = true, pattern = "^([0-9]{2}|[0-9]{6})$"))]
    pub number: Option<String>,
    /// Opens the question in the app on the same phone; only while it is pending. It never carries the number.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub link: Option<String>,
    /// True once the person has said "this was not me", also after it was claimed.
    pub reported: bool,
    /// When it was asked (RFC 3339).
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Time))]
    pub created_at: String,
    /// When it ends (RFC 3339).
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Time))]
    pub expires_at: String,
    /// How far its pushes have come.
    pub push: PushState,
    /// What a push network said that did not take one, in words for who looks into it; none once one has gone through.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub push_reason: Option<String>,
    /// How it may be answered by what the account has now.
    #[cfg_attr(feature = "openapi", schema(max_items = 3))]
    pub methods: Vec<Method>,
    /// How the person was authenticated (RFC 8176); empty until approved.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<schema::Amr>))]
    pub amr: Vec<String>,
    /// The signed question and answer, once there is one. Keep it: it can be verified without this server.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub receipt: Option<Receipt>,
}
