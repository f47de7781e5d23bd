//! The bodies about one-time codes, and about the applications that make them.

use crate::handle::{AuthenticatorId, ChallengeId, EnrolmentId};
#[cfg(feature = "openapi")]
use crate::schema;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

/// A code that a person typed.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    /// The digits, as they were typed: 6 to 8 of a one-time code, or 12 of a backup code.
    #[cfg_attr(feature = "openapi", schema(min_length = 6))]
    pub code: String,
    /// The challenge that the code is to settle, if any.
    #[serde(default)]
    pub challenge_id: Option<ChallengeId>,
}

/// Whether a code is right.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct CodeAnswer {
    /// True once for each code: it is spent by this answer.
    pub valid: bool,
    /// What kind of code it is, as its length says.
    pub method: CodeMethod,
    /// How many wrong codes of this kind in a row are still taken before everything that makes them is locked.
    pub remaining_attempts: u32,
    /// After a right backup code: how many are left. Tell the person, and make new ones in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(maximum = 9))]
    pub backup_codes_left: Option<u8>,
    /// Why a code is not right that an authenticator of the person has shown; null where nothing is to be said.
    pub reason: Option<CodeReason>,
    /// With the reason `clock`: by how many seconds the authenticator's clock seems to be ahead, negative when it seems
    /// behind; half a minute more or less.
    pub clock_ahead_seconds: Option<i64>,
}

/// What kind of code was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CodeMethod {
    /// A one-time code (RFC 6238).
    Totp,
    /// A backup code.
    BackupCode,
}

/// Ten codes for the day on which there is no phone. They are shown this once: to be printed or written down.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct BackupCodes {
    /// Names the set among the person's authenticators.
    pub id: AuthenticatorId,
    /// Each is good once: twelve digits in groups of four, of which the first is the code's number, from 0 to 9.
    #[cfg_attr(feature = "openapi", schema(min_items = 10, max_items = 10, value_type = Vec<schema::BackupCode>))]
    pub codes: Vec<String>,
    /// When they were made (RFC 3339).
    #[cfg_attr(feature = "openapi", schema(value_type = schema::Time))]
    pub created_at: String,
}

/// Why a code is not right that an authenticator of the person has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CodeReason {
    /// It was used before, or a later one was: wait for the next.
    UsedBefore,
    /// It is the code of another time: the clock of what shows it is off.
    Clock,
}

/// An application to be added.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AuthenticatorRequest {
    /// Its name in the person's list.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: Option<String>,
}

/// Whether what makes codes has shown that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AuthenticatorState {
    /// No code is accepted until the first one has confirmed it.
    Proposed,
    /// In use.
    Confirmed,
}

/// What an application needs to make codes. It is shown this once.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewAuthenticator {
    /// Names it.
    pub id: AuthenticatorId,
    /// `proposed`.
    pub state: AuthenticatorState,
    /// The link that applications read. It is a secret: show it to nobody else.
    pub otpauth: String,
    /// The same secret to be typed: base32 in groups of four.
    pub key: String,
    /// The link as a QR code, in SVG; null when the names are too long for one.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub qr_svg: Option<String>,
    /// The link as a QR code, a PNG in a `data:` address; null when the names are too long for one.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub qr_png: Option<String>,
}

/// What makes codes for a person.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Authenticator {
    /// Names it.
    pub id: AuthenticatorId,
    /// Its name in the person's list.
    pub name: String,
    /// Whether its codes are accepted.
    pub state: AuthenticatorState,
    /// What it is.
    pub kind: AuthenticatorKind,
    /// True when too many wrong codes have locked it.
    pub locked: bool,
    /// The phone's enrolment; null for anything else.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub device: Option<EnrolmentId>,
    /// How many codes are left of a set of backup codes; absent for anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(maximum = 10))]
    pub left: Option<u8>,
}

/// What makes codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Kind))]
#[serde(rename_all = "snake_case")]
pub enum AuthenticatorKind {
    /// A phone that is asked YES or NO too.
    Phone,
    /// Any other OTP application.
    Application,
    /// A set of backup codes.
    BackupCodes,
}

/// What makes codes for a person, oldest first.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Authenticators {
    /// All that are proposed or confirmed.
    pub authenticators: Vec<Authenticator>,
}

/// The first code of an application.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FirstCodeRequest {
    /// The digits, as they were typed.
    #[cfg_attr(feature = "openapi", schema(min_length = 6))]
    pub code: String,
}
