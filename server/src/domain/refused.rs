//! Why a use case was not carried out: one closed list, whoever asked and through whichever door.

use crate::domain::attestation::Doubt;
use countersign_protocol::Refusal;
use countersign_protocol::key::KeyError;
use countersign_protocol::relying_party_api::{ChallengeState, MoveState};
use std::time::Duration;

/// Every reason for which a use case does not do what it was asked. It holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// A signed message does not agree with what is known.
    Message(Refusal),
    /// The request is not what this call takes; the text says where.
    Malformed(String),
    /// No such thing here, or it belongs to another organisation; the text names the kind of thing.
    NotFound(&'static str),
    /// No API key, or one that is not valid.
    Unauthorised,
    /// The request proof must carry the nonce that comes with this answer.
    NonceRequired,
    /// This request proof was accepted before.
    Replayed,
    /// The device may do this only for itself.
    WrongDevice,
    /// The server sends nothing through this push network.
    GatewayNotConfigured(&'static str),
    /// A device names more places for its pushes than are taken.
    TooManyRegistrations,
    /// A Web Push subscription was made with a key that this server does not hold.
    UnknownWebPushKey,
    /// The device is not in use: not confirmed yet, or revoked.
    DeviceNotInUse,
    /// The account has no device in use.
    NoDevice,
    /// Another request came before under the same key.
    IdempotencyMismatch,
    /// Another answer was first.
    AlreadyAnswered,
    /// The approval was claimed before.
    AlreadyClaimed,
    /// There is no approval to claim in this state.
    NotApproved(ChallengeState),
    /// Its time is over.
    Expired,
    /// The relying party took the question back.
    Cancelled,
    /// The ticket does not exist, is over, or was used.
    InvalidTicket,
    /// Two devices came with one ticket.
    RedeemedTwice,
    /// The device's approval key is not attested, and must be.
    AttestationRequired(Doubt),
    /// The digits are not those of the proposed device; so many attempts are left.
    WrongConfirmationCode(u32),
    /// No device waits for a confirmation.
    NotProposed,
    /// The number is not the one that the page showed; the challenge is denied.
    WrongNumber,
    /// The code is not one of the proposed application; so many attempts are left.
    WrongFirstCode(u32),
    /// The code is one of the proposed application, of another time: its clock seems so many seconds ahead, behind when
    /// negative; so many attempts are left.
    FirstCodeOfAnotherTime {
        /// Seconds ahead.
        seconds_ahead: i64,
        /// Attempts left.
        left: u32,
    },
    /// Another move of the person goes on.
    AlreadyMoving,
    /// The move has no second half yet.
    MoveNotProven,
    /// The move is in this state, or its time has not come.
    MoveNotNow(MoveState),
    /// The application does not wait for its first code.
    ApplicationNotProposed,
    /// Too many wrong codes came; the next one is taken after this pause.
    Throttled(Duration),
    /// As many questions wait for the person as may; the first of them ends after this pause.
    TooManyOpen(Duration),
    /// As many requests of the relying party wait as may.
    TooManyWaits,
    /// The relying party asks faster than people answer; the next question is taken after this pause.
    TooManyCreations(Duration),
    /// As many links of the person are open as may, or the relying party opens them too fast; the next one is opened
    /// after this pause.
    TooManyEnrolments(Duration),
    /// Too much that nobody knows came from this address, this too.
    TooManyFailures(Duration),
    /// Too many wrong codes have locked everything that makes codes for the account.
    Locked,
    /// The challenge does not take a code.
    CodeNotAllowed,
    /// The store does not write or read now.
    StoreUnavailable,
    /// Something broke that should not; the log has it.
    Internal,
}

impl Refused {
    /// After how long the same may be asked again, where waiting is what helps.
    pub const fn pause(&self) -> Option<Duration> {
        match self {
            Self::Throttled(pause)
            | Self::TooManyOpen(pause)
            | Self::TooManyCreations(pause)
            | Self::TooManyEnrolments(pause)
            | Self::TooManyFailures(pause) => Some(*pause),
            Self::TooManyWaits => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// A request that is not what the use case takes; the sentence says where.
    pub fn malformed(sentence: impl Into<String>) -> Self {
        Self::Malformed(sentence.into())
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Message(refusal)
    }
}

impl From<KeyError> for Refused {
    fn from(error: KeyError) -> Self {
        tracing::error!(%error, "a key of the server did not sign");
        Self::Internal
    }
}
