//! Who waits for what: pages for a challenge or an enrolment, devices for a challenge, and the senders for something to
//! send.

use super::waiting::Waiting;
use crate::domain::rows::AccountRow;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use tokio::sync::Notify;

/// Everyone who waits.
#[derive(Default)]
pub struct Wake {
    /// Relying parties that wait for a challenge.
    pub challenges: Waiting<ChallengeId>,
    /// Devices that wait for a challenge of their account, by the account's row.
    pub devices: Waiting<AccountRow>,
    /// Pages that wait for an enrolment.
    pub enrolments: Waiting<EnrolmentId>,
    /// The sender of pushes.
    pub pushes: Notify,
    /// The sender of webhook events.
    pub events: Notify,
}

impl Wake {
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
