//! The life of one challenge as a small model: what DESIGN and PROTOCOL.md say, without a database, a network or a key.

use countersign_server::store::{Claimed, Settled, State};

/// How long an approval may be claimed, in milliseconds.
const CLAIM_WINDOW_MS: u64 = 60_000;

/// One of the two devices that are asked.
pub type Device = usize;

/// What may be done to a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A device says YES, or NO.
    Answer {
        /// The device.
        device: Device,
        /// Whether it says YES.
        yes: bool,
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
    State(Option<State>),
    /// To the operator, or to nobody.
    Done,
}

/// A challenge's life, with what each state knows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Life {
    Pending,
    Cancelled,
    Denied { by: Device },
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
}

impl Model {
    /// A challenge that was just asked, and lives so many milliseconds.
    pub const fn new(lifetime: u64) -> Self {
        Self { now: 0, expires_at: lifetime, life: Life::Pending, in_use: [true; 2] }
    }

    /// What a reader sees.
    pub const fn state(&self) -> State {
        match &self.life {
            Life::Pending if self.now >= self.expires_at => State::Expired,
            Life::Pending => State::Pending,
            Life::Cancelled => State::Cancelled,
            Life::Denied { .. } => State::Denied,
            Life::Approved { taken: Taken::Claimed { .. }, .. } => State::Claimed,
            Life::Approved { taken: Taken::Revoked, .. } => State::Revoked,
            Life::Approved { at, .. } if self.now >= *at + CLAIM_WINDOW_MS => State::Lapsed,
            Life::Approved { .. } => State::Approved,
        }
    }

    /// Does it, and says what is answered.
    pub fn apply(&mut self, operation: &Operation) -> Answered {
        match operation {
            Operation::Answer { device, yes } => Answered::Settled(self.settle(*device, *yes)),
            Operation::Claim(key) => Answered::Claimed(self.claim(*key)),
            Operation::Cancel => {
                match self.state() {
                    State::Pending => self.life = Life::Cancelled,
                    State::Approved => self.revoke(),
                    _ => {}
                }
                Answered::State(Some(self.state()))
            }
            Operation::Read => Answered::State(Some(self.state())),
            Operation::Intrude => Answered::State(None),
            Operation::Remove(device) => {
                self.in_use[*device] = false;
                if self.state() == State::Approved && self.answer() == Some((*device, true)) {
                    self.revoke();
                }
                Answered::Done
            }
            Operation::Retire => {
                if self.state() == State::Pending {
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

    const fn answer(&self) -> Option<(Device, bool)> {
        match self.life {
            Life::Denied { by } => Some((by, false)),
            Life::Approved { by, .. } => Some((by, true)),
            Life::Pending | Life::Cancelled => None,
        }
    }

    fn settle(&mut self, device: Device, yes: bool) -> Settled {
        match self.state() {
            _ if self.answer() == Some((device, yes)) => Settled::Counts,
            State::Pending if !self.in_use[device] => Settled::NotAsked,
            State::Pending => {
                let approved = Life::Approved { by: device, at: self.now, taken: Taken::NotYet };
                self.life = if yes { approved } else { Life::Denied { by: device } };
                Settled::Counts
            }
            State::Expired => Settled::Expired,
            State::Cancelled => Settled::Cancelled,
            _ => Settled::AlreadyAnswered,
        }
    }

    fn claim(&mut self, key: Option<u8>) -> Claimed {
        let state = self.state();
        let Life::Approved { taken, .. } = &mut self.life else { return Claimed::NotApproved(state) };
        match (&*taken, state) {
            (Taken::Claimed { key: first }, _) if first.is_some() && *first == key => Claimed::Now,
            (Taken::Claimed { .. }, _) => Claimed::AlreadyClaimed,
            (_, State::Approved) => {
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
