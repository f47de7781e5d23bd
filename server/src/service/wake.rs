//! Who waits for what: pages for a challenge or an enrolment, devices for a challenge, and the senders for something to
//! send.

use super::waiting::Waiting;
use crate::domain::rows::{AccountRow, JournalRow, RelyingPartyRow};
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Everyone who waits.
#[derive(Default)]
pub struct Wake {
    /// Relying parties that wait for a challenge.
    pub challenges: Waiting<ChallengeId>,
    /// Devices that wait for a challenge of their account, by the account's row.
    pub devices: Waiting<AccountRow>,
    /// Relying parties that wait for anything: woken when their keys may have changed.
    pub relying_parties: Waiting<RelyingPartyRow>,
    /// Pages that wait for an enrolment.
    pub enrolments: Waiting<EnrolmentId>,
    /// The sender of pushes.
    pub pushes: Notify,
    /// The sender of webhook events.
    pub events: Notify,
    /// How often the operator has changed a relying party or its keys while this process ran.
    changes_of_keys: AtomicU64,
    /// The last line of the journal that was heeded; none before the first look.
    heeded: Mutex<Option<JournalRow>>,
}

impl Wake {
    /// A number that is another one after each change of a relying party or its keys. Whoever keeps it from before its
    /// key was looked up knows by it whether that must be done again.
    pub fn changes_of_keys(&self) -> u64 {
        self.changes_of_keys.load(Ordering::SeqCst)
    }

    /// Wakes whatever a relying party waits for: its keys may be revoked.
    pub fn relying_party_changed(&self, relying_party: RelyingPartyRow) {
        // First the number, so that who enters from here on sees it.
        self.changes_of_keys.fetch_add(1, Ordering::SeqCst);
        self.relying_parties.wake(relying_party);
    }

    /// The last line of the journal that was heeded.
    pub(super) fn heeded(&self) -> Option<JournalRow> {
        *self.heeded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal is heeded up to this line.
    pub(super) fn heed_from(&self, line: JournalRow) {
        let mut heeded = self.heeded.lock().unwrap_or_else(PoisonError::into_inner);
        *heeded = (*heeded).max(Some(line));
    }

    /// Wakes everyone whom a change of a challenge concerns: the page that waits, the devices of the account, the
    /// senders.
    pub fn challenge_changed(&self, challenge: ChallengeId, account: AccountRow) {
        self.challenges.wake(challenge);
        self.account_changed(account);
    }

    /// Wakes the devices of an account, and the senders.
    pub fn account_changed(&self, account: AccountRow) {
        self.devices.wake(account);
        self.pushes.notify_one();
        self.events.notify_one();
    }
}
