//! A challenge as the server keeps it, and what its stored word means at a moment.

use countersign_protocol::challenge::Purpose;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;
use countersign_server::store::{Row as Columns, StoreError};
use std::time::Duration;

/// How long an approval may be claimed. Written down a second time, so that a change of the server's is noticed.
pub(super) const CLAIM_WINDOW: Duration = Duration::from_secs(60);
/// How far ahead of the present what has begun may lie.
pub(super) const AHEAD: Duration = Duration::from_secs(60);
/// How long a challenge is looked at after each step although its time is over.
const AFTERMATH: Duration = Duration::from_secs(5);

/// A challenge as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub(super) row_id: i64,
    /// Names it.
    pub id: ChallengeId,
    pub(super) relying_party: i64,
    pub(super) account: i64,
    /// What YES does, where it is a question of a move.
    pub purpose: Option<Purpose>,
    /// The stored word.
    pub word: String,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    pub(super) settled_at: Option<Timestamp>,
    /// The device that settled it.
    pub settled_by: Option<i64>,
    pub(super) decision: Option<String>,
    pub(super) claim_key: Option<String>,
    pub(super) claimed_at: Option<Timestamp>,
    /// What the page shows, where a number is asked for.
    pub number: Option<String>,
    /// True when another number was typed.
    pub wrong_number: bool,
    /// How the phones were told.
    pub prompt: String,
    /// True once somebody has said "this was not me".
    pub reported: bool,
    /// When somebody was told that its time is over.
    pub(super) told_over_at: Option<Timestamp>,
    /// Whether a phone was asked.
    pub(super) on_phones: bool,
}

impl Row {
    pub(super) fn read(row: &Columns) -> Result<Self, StoreError> {
        Ok(Self {
            row_id: row.get("row_id")?,
            id: row.get("handle")?,
            relying_party: row.get("relying_party")?,
            account: row.get("account")?,
            purpose: row.get("purpose")?,
            word: row.get("state")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            settled_at: row.get("settled_at")?,
            settled_by: row.get("settled_by")?,
            decision: row.get("decision")?,
            claim_key: row.get("claim_key")?,
            claimed_at: row.get("claimed_at")?,
            number: row.get("number")?,
            wrong_number: row.get("wrong_number")?,
            prompt: row.get("prompt")?,
            reported: row.get::<Option<String>>("report")?.is_some(),
            told_over_at: row.get("told_over_at")?,
            on_phones: row.get("on_phones")?,
        })
    }

    /// What the stored word means at this moment.
    pub fn state(&self, now: Timestamp) -> ChallengeState {
        match self.word.as_str() {
            "pending" if self.expires_at <= now => ChallengeState::Expired,
            "pending" => ChallengeState::Pending,
            "approved" if self.settled_at.is_none_or(|at| at + CLAIM_WINDOW <= now) => ChallengeState::Lapsed,
            "approved" => ChallengeState::Approved,
            "denied" => ChallengeState::Denied,
            "reported" => ChallengeState::Reported,
            "cancelled" => ChallengeState::Cancelled,
            "claimed" => ChallengeState::Claimed,
            _ => ChallengeState::Revoked,
        }
    }

    /// As [`Row::state`], where the clock jumps: what began by a clock that was ahead counts as over, and what was told
    /// as over stays so.
    pub(super) fn state_by_clock(&self, now: Timestamp) -> ChallengeState {
        match self.state(now) {
            ChallengeState::Pending if self.told_over_at.is_some() || self.is_over(now) => ChallengeState::Expired,
            ChallengeState::Approved if self.told_over_at.is_some() || self.is_over(now) => ChallengeState::Lapsed,
            state => state,
        }
    }

    /// True when its time is over by this clock, or begins later than by any clock that is right.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let began = if self.word == "approved" { self.settled_at } else { Some(self.created_at) };
        self.until() <= now || began.is_none_or(|began| began > now + AHEAD)
    }

    /// True when somebody was told that its time is over, by a clock that was ahead of this one.
    pub(super) fn was_told_over_before(&self, now: Timestamp) -> bool {
        self.word == "pending" && self.told_over_at.is_some() && now < self.expires_at
    }

    /// Until when it may change by what somebody does.
    pub(super) fn until(&self) -> Timestamp {
        match (self.word.as_str(), self.settled_at) {
            ("approved", Some(at)) => at + CLAIM_WINDOW,
            _ => self.expires_at,
        }
    }

    /// True while it may change by what somebody does, and shortly after.
    pub(super) fn lives(&self, now: Timestamp) -> bool {
        matches!(self.word.as_str(), "pending" | "approved") && now < self.until() + AFTERMATH
    }

    /// As it was when it was created.
    pub(super) fn unanswered(&self) -> Self {
        Self {
            word: "pending".into(),
            settled_at: None,
            settled_by: None,
            decision: None,
            claim_key: None,
            claimed_at: None,
            number: None,
            wrong_number: false,
            reported: false,
            told_over_at: None,
            on_phones: true,
            ..self.clone()
        }
    }

    pub(super) fn settlement(&self) -> (Option<Timestamp>, Option<i64>, Option<&String>) {
        (self.settled_at, self.settled_by, self.decision.as_ref())
    }
}
