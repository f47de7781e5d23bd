//! The life of one challenge as a small model: what DESIGN and PROTOCOL.md say, without a database, a network or a key.

use countersign_protocol::relying_party_api::ChallengeState;
use countersign_server::store::{Claimed, Settled};

/// How long an approval may be claimed, in milliseconds.
const CLAIM_WINDOW_MS: u64 = 60_000;

/// One of the two devices that are asked.
pub type Device = usize;

/// What a device says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// YES, with the number that is shown where one is asked for.
    Yes,
    /// YES, with another number where one is asked for.
    Mistyped,
    /// NO.
    No,
    /// "This was not me."
    Report,
}

/// What may be done to a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A device answers.
    Answer {
        /// The device.
        device: Device,
        /// What it says.
        word: Word,
    },
    /// Its relying party takes the approval, under this key.
    Claim(Option<u8>),
    /// Its relying party takes the question back.
    Cancel,
    /// Its relying party reads it.
    Read,
    /// Another relying party claims, takes back and reads.
    Intrude,
    /// A device is removed.
    Remove(Device),
    /// The relying party is retired.
    Retire,
    /// So many milliseconds go by.
    Pass(u64),
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// To a device.
    Settled(Settled),
    /// To a claim.
    Claimed(Claimed),
    /// To a cancellation, or a read.
    State(Option<ChallengeState>),
    /// To the operator, or to nobody.
    Done,
}

/// A challenge's life, with what each state knows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Life {
    Pending,
    Cancelled,
    Denied { by: Device, mistyped: bool },
    Reported,
    Approved { by: Device, at: u64, taken: Taken },
}

/// What became of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Taken {
    NotYet,
    Claimed { key: Option<u8> },
    Revoked,
}

/// One challenge to two devices.
#[derive(Debug, Clone)]
pub struct Model {
    now: u64,
    expires_at: u64,
    life: Life,
    in_use: [bool; 2],
    asks_number: bool,
    reported: bool,
}

impl Model {
    /// A challenge that was just asked, and lives so many milliseconds.
    pub const fn new(lifetime: u64, asks_number: bool) -> Self {
        let life = Life::Pending;
        Self { now: 0, expires_at: lifetime, life, in_use: [true; 2], asks_number, reported: false }
    }

    /// What a reader sees.
    pub const fn state(&self) -> ChallengeState {
        match &self.life {
            Life::Pending if self.now >= self.expires_at => ChallengeState::Expired,
            Life::Pending => ChallengeState::Pending,
            Life::Cancelled => ChallengeState::Cancelled,
            Life::Denied { .. } => ChallengeState::Denied,
            Life::Reported => ChallengeState::Reported,
            Life::Approved { taken: Taken::Claimed { .. }, .. } => ChallengeState::Claimed,
            Life::Approved { taken: Taken::Revoked, .. } => ChallengeState::Revoked,
            Life::Approved { at, .. } if self.now >= *at + CLAIM_WINDOW_MS => ChallengeState::Lapsed,
            Life::Approved { .. } => ChallengeState::Approved,
        }
    }

    /// Does it, and says what is answered.
    pub fn apply(&mut self, operation: &Operation) -> Answered {
        match operation {
            Operation::Answer { device, word } => Answered::Settled(self.settle(*device, *word)),
            Operation::Claim(key) => Answered::Claimed(self.claim(*key)),
            Operation::Cancel => {
                match self.state() {
                    ChallengeState::Pending => self.life = Life::Cancelled,
                    ChallengeState::Approved => self.revoke(),
                    _ => {}
                }
                Answered::State(Some(self.state()))
            }
            Operation::Read => Answered::State(Some(self.state())),
            Operation::Intrude => Answered::State(None),
            Operation::Remove(device) => {
                self.in_use[*device] = false;
                if self.state() == ChallengeState::Approved && self.answer() == Some((*device, Word::Yes)) {
                    self.revoke();
                }
                Answered::Done
            }
            Operation::Retire => {
                if self.state() == ChallengeState::Pending {
                    self.life = Life::Cancelled;
                }
                Answered::Done
            }
            Operation::Pass(milliseconds) => {
                self.now += milliseconds;
                Answered::Done
            }
        }
    }

    /// The answer that counts, where it is one that may be told anew.
    const fn answer(&self) -> Option<(Device, Word)> {
        match self.life {
            Life::Denied { by, mistyped: true } => Some((by, Word::Mistyped)),
            Life::Denied { by, mistyped: false } => Some((by, Word::No)),
            Life::Approved { by, .. } => Some((by, Word::Yes)),
            Life::Pending | Life::Cancelled | Life::Reported => None,
        }
    }

    fn settle(&mut self, device: Device, word: Word) -> Settled {
        match word {
            Word::Report => return self.report(device),
            Word::Mistyped if !self.asks_number => return self.settle(device, Word::Yes),
            _ => {}
        }
        let state = self.state();
        match (self.answer(), word) {
            // A device that has said YES once has said YES, whatever it typed the second time.
            (Some((by, Word::Yes)), Word::Yes | Word::Mistyped) if by == device => return Settled::Counts(state),
            (Some((by, Word::No)), Word::No) if by == device => return Settled::Counts(state),
            (Some((by, Word::Mistyped)), Word::Yes | Word::Mistyped) if by == device => return Settled::WrongNumber,
            _ => {}
        }
        match state {
            ChallengeState::Pending if !self.in_use[device] => Settled::NotAsked,
            ChallengeState::Pending => {
                let (life, settled) = match word {
                    Word::Yes => {
                        let approved = Life::Approved { by: device, at: self.now, taken: Taken::NotYet };
                        (approved, Settled::Counts(ChallengeState::Approved))
                    }
                    Word::Mistyped => (Life::Denied { by: device, mistyped: true }, Settled::WrongNumber),
                    _ => (Life::Denied { by: device, mistyped: false }, Settled::Counts(ChallengeState::Denied)),
                };
                self.life = life;
                settled
            }
            ChallengeState::Expired => Settled::Expired,
            ChallengeState::Cancelled => Settled::Cancelled,
            _ => Settled::AlreadyAnswered,
        }
    }

    fn report(&mut self, device: Device) -> Settled {
        if !self.in_use[device] {
            return Settled::NotAsked;
        }
        if !std::mem::replace(&mut self.reported, true) {
            match self.state() {
                ChallengeState::Pending => self.life = Life::Reported,
                ChallengeState::Approved => self.revoke(),
                _ => {}
            }
        }
        Settled::Counts(self.state())
    }

    fn claim(&mut self, key: Option<u8>) -> Claimed {
        let state = self.state();
        let Life::Approved { taken, .. } = &mut self.life else { return Claimed::NotApproved(state) };
        match (&*taken, state) {
            (Taken::Claimed { key: first }, _) if first.is_some() && *first == key => Claimed::Now,
            (Taken::Claimed { .. }, _) => Claimed::AlreadyClaimed,
            (_, ChallengeState::Approved) => {
                *taken = Taken::Claimed { key };
                Claimed::Now
            }
            _ => Claimed::NotApproved(state),
        }
    }

    fn revoke(&mut self) {
        if let Life::Approved { taken, .. } = &mut self.life {
            *taken = Taken::Revoked;
        }
    }
}
