//! What the rows of moves say, for those who work below them: enrolments and challenges.

use super::StoreError;
use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::journal::Entry;
use super::rules::AHEAD;
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::opening_code;
use crate::domain::rows::{AccountRow, DeviceRow, MoveRow};
use countersign_protocol::challenge::Purpose;
use countersign_protocol::enrolment::TICKET_LIFETIME;
use countersign_protocol::handle::{AccountId, EnrolmentId, MoveId};
use countersign_protocol::relying_party_api::{MoveProof, MoveState};
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// How long the second half of a move serves to open its link: as long as the link does.
pub(super) const PROOF_SERVES: Duration = TICKET_LIFETIME;

/// A move as it is kept.
#[derive(Debug, Clone)]
pub struct MoveRecord {
    /// Its row.
    pub row_id: MoveRow,
    /// Names it.
    pub id: MoveId,
    /// The account's row.
    pub account: AccountRow,
    /// The account.
    pub account_id: AccountId,
    /// The row of the phone that is replaced.
    pub old_device: DeviceRow,
    /// The phone that is replaced.
    pub old_device_id: EnrolmentId,
    /// The row of the new phone, once there was an offer.
    pub new_device: Option<DeviceRow>,
    /// The new phone, once there was an offer.
    pub new_device_id: Option<EnrolmentId>,
    /// How far it has come, as it is kept: see [`MoveRecord::is_overdue`].
    pub state: MoveState,
    /// Its second half, and when it came: see [`MoveRecord::fresh_proof`].
    pub proof: Option<(MoveProof, Timestamp)>,
    /// Why.
    pub reason: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it can be made.
    pub valid_from: Timestamp,
    /// Until when.
    pub valid_until: Timestamp,
    /// When it was switched or over.
    pub ended_at: Option<Timestamp>,
    /// Its opening code, if one was given and not used yet: see [`MoveRecord::good_opening_code`].
    pub opening_code: Option<OpeningCodeRecord>,
}

/// An opening code as it is kept.
#[derive(Debug, Clone)]
pub struct OpeningCodeRecord {
    /// Its digits, sealed.
    pub sealed: Vec<u8>,
    /// When it was given.
    pub given_at: Timestamp,
    /// How many wrong ones were typed since.
    pub failures: u32,
}

/// Reads moves. The caller adds the condition.
pub(super) const MOVES: &str =
    "SELECT m.*, a.handle AS account_id, o.handle AS old_device_id, n.handle AS new_device_id
     FROM move m JOIN account a ON a.row_id = m.account JOIN enrolment o ON o.row_id = m.old_device
     LEFT JOIN enrolment n ON n.row_id = m.new_device";

impl MoveRecord {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            row_id: row.get("row_id")?,
            id: row.get("handle")?,
            account: row.get("account")?,
            account_id: row.get("account_id")?,
            old_device: row.get("old_device")?,
            old_device_id: row.get("old_device_id")?,
            new_device: row.get("new_device")?,
            new_device_id: row.get("new_device_id")?,
            state: row.get("state")?,
            proof: row.get::<Option<MoveProof>>("proof")?.zip(row.get("proven_at")?),
            reason: row.get("reason")?,
            created_at: row.get("created_at")?,
            valid_from: row.get("valid_from")?,
            valid_until: row.get("valid_until")?,
            ended_at: row.get("ended_at")?,
            opening_code: OpeningCodeRecord::read(row)?,
        })
    }

    /// True while it goes on.
    pub const fn is_living(&self) -> bool {
        matches!(self.state, MoveState::Armed | MoveState::Offered | MoveState::Rehearsing)
    }

    /// True when its time went by although nobody has ended it.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.is_living() && self.valid_until <= now
    }

    /// Its second half, while it serves: somebody else who is signed in later must not find it there.
    pub fn fresh_proof(&self, now: Timestamp) -> Option<MoveProof> {
        let is_fresh = |at: Timestamp| now < at + PROOF_SERVES && at <= now + AHEAD;
        self.proof.filter(|(_, at)| is_fresh(*at)).map(|(proof, _)| proof)
    }

    /// Its state at this moment: one whose time went by is expired, also where nobody has ended it yet.
    pub fn state_at(&self, now: Timestamp) -> MoveState {
        if self.is_overdue(now) { MoveState::Expired } else { self.state }
    }

    /// Its opening code, while that is good.
    pub fn good_opening_code(&self, now: Timestamp) -> Option<&OpeningCodeRecord> {
        let is_fresh = |at: Timestamp| now < at + opening_code::LIFETIME && at <= now + AHEAD;
        let good = |one: &&OpeningCodeRecord| is_fresh(one.given_at) && one.failures < opening_code::ATTEMPTS;
        self.opening_code.as_ref().filter(good)
    }

    /// True while something can be done about it.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.is_living() && self.valid_from <= now && now < self.valid_until
    }
}

impl OpeningCodeRecord {
    fn read(row: &Row) -> Result<Option<Self>, StoreError> {
        let kept = row.get::<Option<Vec<u8>>>("opening_code")?.zip(row.get("opening_code_given_at")?);
        let failures = row.get("opening_code_failures")?;
        Ok(kept.map(|(sealed, given_at)| Self { sealed, given_at, failures }))
    }
}

/// The move whose latest offer this device has taken.
pub(super) fn of_new_device(tx: &dyn Transaction, device: DeviceRow) -> Result<Option<MoveRecord>, StoreError> {
    let sql = format!("{MOVES} WHERE m.new_device = $1");
    tx.row("move", &sql, values![device])?.as_ref().map(MoveRecord::read).transpose()
}

/// The new phone's digits were typed: from now on it shows that it can answer.
pub(super) fn begin_rehearsal(
    tx: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    moving: &MoveRecord,
) -> Result<(), StoreError> {
    let sql = "UPDATE move SET state = 'rehearsing' WHERE row_id = $1 AND state = 'offered'";
    if tx.changes_one(sql, values![moving.row_id])? {
        Entry::new(now, by, Fact::MoveRehearsing).of_move(tx, moving.row_id)?;
    }
    Ok(())
}

/// A move by its row.
pub(super) fn of_row(tx: &dyn Transaction, moving: MoveRow) -> Result<MoveRecord, StoreError> {
    let sql = format!("{MOVES} WHERE m.row_id = $1");
    MoveRecord::read(&tx.one_row("move", &sql, values![moving])?)
}

/// The state in which a move may not ask its question for this purpose; none when it may.
pub(super) fn not_to_ask(
    tx: &dyn Transaction,
    now: Timestamp,
    moving: MoveRow,
    purpose: Purpose,
) -> Result<Option<MoveState>, StoreError> {
    let found = of_row(tx, moving)?;
    let may_ask = found.is_due(now)
        && match purpose {
            Purpose::Move => found.fresh_proof(now).is_none(),
            Purpose::Rehearsal => found.state == MoveState::Rehearsing,
        };
    Ok((!may_ask).then_some(found.state))
}
