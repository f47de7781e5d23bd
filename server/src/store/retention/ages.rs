//! How long what is over is kept.

use super::Removed;
use countersign_protocol::proof::PROOF_LIFETIME;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long a request proof is remembered at the least. Its nonce ends long before, so a proof is either remembered or
/// too old, also when the writer is slow.
pub const PROOF_REMEMBERED: Duration = PROOF_LIFETIME.saturating_mul(2);
/// The least age of an idempotency key: a relying party that had no answer may ask again until its own day is over.
pub const KEY_LEAST: Duration = DAY;
/// The least age of everything else: longer than a question waits, its approval may be claimed, its prompts count and
/// an event is tried again, so that what is removed can play no part any more.
pub const OVER_LEAST: Duration = DAY.saturating_mul(2);

/// How long each kind of row is kept after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// Challenges, with what each device was asked and what it answered: the receipt can be read so long.
    pub challenges: Duration,
    /// The keys under which a creation and a claim get the same answer again.
    pub idempotency_keys: Duration,
    /// What became of pushes.
    pub pushes: Duration,
    /// Request proofs that were used.
    pub proofs: Duration,
    /// Events that were delivered or died: the dead ones can be told again so long.
    pub events: Duration,
    /// Lines of the journal.
    pub journal: Duration,
    /// The addresses in them, of whoever acted.
    pub addresses: Duration,
    /// Enrolment links that no phone redeemed.
    pub links: Duration,
    /// Devices and code applications that are no longer in use, moves that are over, and accounts that were deleted.
    pub ended: Duration,
}

impl Default for Ages {
    fn default() -> Self {
        Self {
            challenges: DAY * 90,
            idempotency_keys: DAY * 7,
            pushes: DAY * 30,
            proofs: HOUR,
            events: DAY * 30,
            journal: DAY * 365,
            addresses: DAY * 90,
            links: DAY * 30,
            ended: DAY * 365,
        }
    }
}

impl Ages {
    /// The age of one kind.
    pub const fn of(&self, what: Removed) -> Duration {
        match what {
            Removed::Proofs => self.proofs,
            Removed::IdempotencyKeys => self.idempotency_keys,
            Removed::Pushes => self.pushes,
            Removed::Events => self.events,
            Removed::Challenges => self.challenges,
            Removed::Links => self.links,
            Removed::Moves | Removed::Devices | Removed::Applications | Removed::Accounts => self.ended,
            Removed::Journal => self.journal,
            Removed::Addresses => self.addresses,
        }
    }
}
