//! A challenge that is about to be created.

use crate::domain::methods::Methods;
use crate::domain::rows::{AccountRow, DeviceRow, MoveRow, RelyingPartyRow};
use countersign_protocol::challenge::Purpose;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::sealing::SealingPublicKey;
use countersign_protocol::time::Timestamp;

/// A device that can be asked.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// The device's row.
    pub row_id: DeviceRow,
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
    /// The thumbprint of its request key.
    pub key_id: String,
    /// Opens what is sealed to it.
    pub sealing_key: SealingPublicKey,
    /// True when it can be pushed to.
    pub has_push: bool,
}

/// A challenge to be created, with what each device is asked.
#[derive(Debug, Clone)]
pub struct NewChallenge {
    /// Names it.
    pub id: ChallengeId,
    /// Who asks.
    pub relying_party: RelyingPartyRow,
    /// Who is asked.
    pub account: AccountRow,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The sequence of the certificate whose key signed it.
    pub certificate: u64,
    /// The relying party's name for this request.
    pub idempotency_key: Option<String>,
    /// The relying party's name for the attempt to sign in that this is for.
    pub attempt: Option<String>,
    /// SHA-256 of the request, to tell a repetition from another request under the same key or of the same attempt.
    pub request_sha256: String,
    /// What the page shows and the person types; none where YES is a tap.
    pub number: Option<String>,
    /// How it may be answered.
    pub methods: Methods,
    /// The move that asks, and what for; none of a sign-in.
    pub of_move: Option<(MoveRow, Purpose)>,
    /// Each device and its signed challenge.
    pub devices: Vec<(Recipient, String)>,
}
