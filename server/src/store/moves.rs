//! Moves: a new phone takes over from the old one. Each transition is one guarded statement and one line of the
//! journal, and the switch is one transaction: before it the old phone answers, and after it the new one.

use super::claims::{self, Of};
use super::engine::Transaction;
use super::engine::value::values;
use super::enrolments::{self, Opening};
use super::journal::Entry;
use super::move_rows::{self, MOVES, MoveRecord};
use super::{Rules, Store, StoreError, accounts, registrations};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::rows::{AccountRow, ChallengeRow, DeviceRow, MoveRow, OrganisationRow, RelyingPartyRow};
use countersign_protocol::challenge::Purpose;
use countersign_protocol::handle::{EnrolmentId, MoveId};
use countersign_protocol::relying_party_api::{MoveProof, MoveState};
use countersign_protocol::revocation::EndReason;
use countersign_protocol::time::Timestamp;

/// A move that is to be made.
#[derive(Debug, Clone)]
pub struct NewMove {
    /// Names it.
    pub id: MoveId,
    /// Who makes it; none for the operator.
    pub relying_party: Option<RelyingPartyRow>,
    /// The account.
    pub account: AccountRow,
    /// The phone that is replaced.
    pub old_device: EnrolmentId,
    /// Why.
    pub reason: String,
    /// From when on.
    pub valid_from: Timestamp,
    /// Until when.
    pub valid_until: Timestamp,
    /// The key of the caller, with which the same move is not made twice.
    pub idempotency_key: Option<String>,
}

/// What became of the wish to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreatedMove {
    /// It is made.
    Yes,
    /// The account has no such phone in use.
    NoDevice,
    /// Another move of the account goes on.
    AlreadyMoving,
    /// It was made before, with the same key: this is it.
    Known(MoveId),
    /// The account was deleted meanwhile.
    NoAccount,
}

/// What became of the wish for a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It is open until then. The one before, if any, is not.
    Opened(Timestamp),
    /// The second half has not come, or too long ago.
    NotProven,
    /// The move is over, or its time has not come.
    NotNow,
    /// As many links of the account are open as may; the first of them ends after this pause.
    TooManyOpen(std::time::Duration),
}

/// How a question of a move was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// YES; whether the phone has verified its owner.
    Yes {
        /// That it has, and is believed.
        user_verified: bool,
    },
    /// NO.
    No,
}

/// The living move of an account, as it stands now: one whose time went by is ended here.
pub(super) fn living(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    account: AccountRow,
) -> Result<Option<MoveRecord>, StoreError> {
    let sql = format!("{MOVES} WHERE m.account = $1 AND m.state IN ('armed', 'offered', 'rehearsing')");
    let Some(row) = tx.row("move", &sql, values![account])? else { return Ok(None) };
    let found = MoveRecord::read(&row)?;
    if found.is_overdue(now) {
        end(tx, rules, now, &Actor::SERVER, &found, MoveState::Expired)?;
        return Ok(None);
    }
    Ok(Some(found))
}

/// A move of this organisation, as it is kept.
fn find(tx: &dyn Transaction, organisation: OrganisationRow, id: MoveId) -> Result<Option<MoveRecord>, StoreError> {
    let sql = format!("{MOVES} WHERE m.handle = $1 AND a.organisation = $2");
    tx.row("move", &sql, values![id, organisation])?.as_ref().map(MoveRecord::read).transpose()
}

/// Ends a move that goes on, with what the new phone had come to and what still waits for an answer.
fn end(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    moving: &MoveRecord,
    state: MoveState,
) -> Result<(), StoreError> {
    let sql = "UPDATE move SET state = $2, ended_at = $3, opening_code = NULL
               WHERE row_id = $1 AND state IN ('armed', 'offered', 'rehearsing')";
    if !tx.changes_one(sql, values![moving.row_id, state, now])? {
        return Ok(());
    }
    Entry::new(now, by, Fact::MoveEnded).because(state.as_str()).of_move(tx, moving.row_id)?;
    claims::cancel(tx, rules, now, by, Of::Move(moving.row_id))?;
    if let Some(device) = moving.new_device {
        enrolments::void(tx, rules, now, by, device, EndReason::Revoked)?;
    }
    Ok(())
}

/// Ends the move of an account, if one goes on.
pub(super) fn end_of_account(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    account: AccountRow,
    state: MoveState,
) -> Result<(), StoreError> {
    living(tx, rules, now, account)?.map_or(Ok(()), |found| end(tx, rules, now, by, &found, state))
}

/// Ends the move that goes on from this device of an account, if one does.
pub(super) fn end_from_device(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    (account, old_device): (AccountRow, DeviceRow),
) -> Result<(), StoreError> {
    match living(tx, rules, now, account)?.filter(|found| found.old_device == old_device) {
        Some(found) => end(tx, rules, now, by, &found, MoveState::Cancelled),
        None => Ok(()),
    }
}

/// Ends every move that goes on: after a restore nobody knows how far it had come.
pub(super) fn end_all(tx: &dyn Transaction, rules: &Rules, now: Timestamp, by: &Actor) -> Result<usize, StoreError> {
    let sql = format!("{MOVES} WHERE 1 = 1 AND m.state IN ('armed', 'offered', 'rehearsing')");
    let rows = tx.rows("move", &sql, values![])?;
    for row in &rows {
        end(tx, rules, now, by, &MoveRecord::read(row)?, MoveState::Cancelled)?;
    }
    Ok(rows.len())
}

/// Keeps the second half of a move; false when it is over, or has one that serves. Also while a phone rehearses, which
/// may be dead by now.
pub(super) fn prove(
    tx: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    moving: MoveRow,
    proof: MoveProof,
    more: Option<&str>,
) -> Result<bool, StoreError> {
    let found = move_rows::of_row(tx, moving)?;
    if !found.is_due(now) || found.fresh_proof(now).is_some() {
        return Ok(false);
    }
    let sql = "UPDATE move SET proof = $2, proven_at = $3, opening_code = NULL WHERE row_id = $1";
    tx.execute(sql, values![moving, proof, now])?;
    let reason = more.map_or_else(|| proof.as_str().to_owned(), |more| format!("{}: {more}", proof.as_str()));
    Entry::new(now, by, Fact::MoveProven).because(&reason).of_move(tx, moving)?;
    Ok(true)
}

/// The switch: the new phone is in use, and the old one is not, all of it or nothing.
fn switch(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    moving: &MoveRecord,
    new_device: DeviceRow,
) -> Result<(), StoreError> {
    let sql = "UPDATE move SET state = 'switched', ended_at = $2
               WHERE row_id = $1 AND state = 'rehearsing' AND valid_until > $2";
    if !tx.changes_one(sql, values![moving.row_id, now])? {
        return end(tx, rules, now, by, moving, MoveState::Expired);
    }
    let sql = "UPDATE enrolment SET state = 'confirmed', confirmed_at = $2 WHERE row_id = $1 AND state = 'proposed'";
    if !tx.changes_one(sql, values![new_device, now])? {
        return Err(StoreError::Unreadable("a phone rehearses that is not proposed".into()));
    }
    Entry::new(now, by, Fact::DeviceConfirmed).of_device(tx, new_device)?;
    registrations::settle_places(tx, now, new_device)?;
    if rules.ends_old {
        enrolments::void(tx, rules, now, by, moving.old_device, EndReason::Moved)?;
    }
    // A page that asked twice has asked for nothing any more.
    claims::cancel(tx, rules, now, by, Of::Move(moving.row_id))?;
    Entry::new(now, by, Fact::MoveSwitched).of_move(tx, moving.row_id).map(drop)
}

/// What this device's answer to a question of a move does, in the transaction that settles the question.
pub(super) fn answered(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    (challenge, device): (ChallengeRow, DeviceRow),
    verdict: Verdict,
) -> Result<(), StoreError> {
    let sql = "SELECT row_id, move, purpose FROM challenge WHERE row_id = $1";
    let asked = tx.one_row("challenge", sql, values![challenge])?;
    let (Some(row_id), Some(purpose)) = (asked.get::<Option<MoveRow>>("move")?, asked.get("purpose")?) else {
        return Ok(());
    };
    let moving = move_rows::of_row(tx, row_id)?;
    match (verdict, purpose) {
        (Verdict::No, _) => end(tx, rules, now, by, &moving, MoveState::Refused),
        (Verdict::Yes { user_verified }, Purpose::Move) => {
            let more = user_verified.then_some("person verified");
            prove(tx, now, by, row_id, MoveProof::OldPhone, more).map(drop)
        }
        // A phone in whose place another was offered meanwhile takes nothing over.
        (Verdict::Yes { .. }, Purpose::Rehearsal) if moving.new_device != Some(device) => Ok(()),
        (Verdict::Yes { .. }, Purpose::Rehearsal) => switch(tx, rules, now, by, &moving, device),
    }
}

impl Store {
    /// Makes a move.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn create_move(&self, by: Actor, new: NewMove) -> Result<CreatedMove, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| {
            if !accounts::is_there(tx, new.account)? {
                return Ok(CreatedMove::NoAccount);
            }
            let sql = "SELECT handle FROM move WHERE account = $1 AND idempotency_key = $2";
            if let Some(made) = tx.row("move", sql, values![new.account, new.idempotency_key.as_ref()])? {
                return Ok(CreatedMove::Known(made.get("handle")?));
            }
            let sql = "SELECT row_id FROM enrolment WHERE handle = $1 AND account = $2 AND state = 'confirmed'";
            let Some(old) = tx.row("enrolment", sql, values![new.old_device, new.account])? else {
                return Ok(CreatedMove::NoDevice);
            };
            let old: DeviceRow = old.get("row_id")?;
            if living(tx, &rules, now, new.account)?.is_some() {
                return Ok(CreatedMove::AlreadyMoving);
            }
            let sql = "INSERT INTO move (handle, relying_party, account, old_device, state, reason, created_at,
                                         valid_from, valid_until, idempotency_key)
                       VALUES ($1, $2, $3, $4, 'armed', $5, $6, $7, $8, $9) RETURNING row_id";
            let NewMove { id, relying_party, account, reason, valid_from, valid_until, idempotency_key, .. } = &new;
            let (relying_party, key) = (*relying_party, idempotency_key.as_ref());
            let values = values![*id, relying_party, *account, old, reason, now, *valid_from, *valid_until, key];
            let row_id = tx.one_row("move", sql, values)?.get("row_id")?;
            Entry::new(now, &by, Fact::MoveCreated).of_move(tx, row_id)?;
            Ok(CreatedMove::Yes)
        })
        .await
    }

    /// A move of this organisation, as it stands at this moment. One whose time went by is ended before that is told.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn moving(
        &self,
        organisation: OrganisationRow,
        id: MoveId,
        now: Timestamp,
    ) -> Result<Option<MoveRecord>, StoreError> {
        match self.read(move |tx| find(tx, organisation, id)).await? {
            Some(found) if found.is_overdue(now) => {
                let rules = self.rules;
                self.write(move |tx, now| {
                    end(tx, &rules, now, &Actor::SERVER, &found, MoveState::Expired)?;
                    find(tx, organisation, id)
                })
                .await
            }
            found => Ok(found),
        }
    }

    /// Every move of an account, as far as it is kept, oldest first.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn moves(&self, account: AccountRow) -> Result<Vec<MoveRecord>, StoreError> {
        self.read(move |tx| {
            let sql = format!("{MOVES} WHERE m.account = $1 ORDER BY m.row_id");
            tx.rows("move", &sql, values![account])?.iter().map(MoveRecord::read).collect()
        })
        .await
    }

    /// Keeps that a code was given in the place of the old phone's YES; false when the move is over, or has its second
    /// half.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn prove_move(&self, by: Actor, moving: MoveRow, proof: MoveProof) -> Result<bool, StoreError> {
        self.write(move |tx, now| prove(tx, now, &by, moving, proof, None)).await
    }

    /// Opens the link of a move that has its second half, and ends the link before.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn offer_move(
        &self,
        by: Actor,
        moving: MoveRecord,
        (id, ticket_sha256, most): (EnrolmentId, [u8; 32], u32),
    ) -> Result<Offered, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| {
            let Some(found) = living(tx, &rules, now, moving.account)?.filter(|found| found.row_id == moving.row_id)
            else {
                return Ok(Offered::NotNow);
            };
            if !found.is_due(now) {
                return Ok(Offered::NotNow);
            }
            if rules.proves && found.fresh_proof(now).is_none() {
                return Ok(Offered::NotProven);
            }
            if let Some(before) = found.new_device {
                claims::cancel(tx, &rules, now, &by, Of::Move(found.row_id))?;
                enrolments::void(tx, &rules, now, &by, before, EndReason::Revoked)?;
            }
            let (device, expires_at) = match enrolments::open(tx, now, &by, found.account, (id, ticket_sha256, most))? {
                (Some(device), Opening::Opened(expires_at)) => (device, expires_at),
                (_, Opening::TooManyOpen(pause)) => return Ok(Offered::TooManyOpen(pause)),
                _ => return Ok(Offered::NotNow),
            };
            let sql = "UPDATE move SET state = 'offered', new_device = $2 WHERE row_id = $1";
            tx.execute(sql, values![found.row_id, device])?;
            Entry::new(now, &by, Fact::MoveOffered).of_move(tx, found.row_id)?;
            Ok(Offered::Opened(expires_at))
        })
        .await
    }

    /// Takes a move back; false when it is over.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn cancel_move(&self, by: Actor, moving: MoveRecord) -> Result<bool, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| {
            let Some(found) = living(tx, &rules, now, moving.account)?.filter(|found| found.row_id == moving.row_id)
            else {
                return Ok(false);
            };
            end(tx, &rules, now, &by, &found, MoveState::Cancelled)?;
            Ok(true)
        })
        .await
    }
}
