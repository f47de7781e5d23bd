//! What came in, kept once: however often, late or out of order its messages come, one challenge is one prompt.

use super::{Outcome, Store, StoredChallenge};
use crate::error::Error;
use countersign_protocol::Refusal;
use countersign_protocol::challenge::Challenge;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::jws::Unverified;
use countersign_protocol::time::Timestamp;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior};

/// What became of a challenge that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Not known before, or wrongly held to be over: to be shown.
    New,
    /// Known as it is.
    Known,
    /// Known, and now it asks for a number: to be shown anew.
    Changed,
    /// Taken back before it came: not to be shown.
    Retracted,
}

/// What is kept of a challenge that comes in again.
struct Held {
    compact: String,
    outcome: Option<Outcome>,
    answered: bool,
}

impl Store {
    /// Keeps a challenge whose claims are `opened`.
    pub fn keep_challenge(&self, challenge: &StoredChallenge, opened: &Challenge) -> Result<Kept, Error> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let kept = match held(&transaction, challenge.challenge_id)? {
            None => keep_new(&transaction, challenge)?,
            Some(held) => keep_again(&transaction, challenge, opened, &held)?,
        };
        transaction.commit()?;
        Ok(kept)
    }

    /// Takes a prompt away; one that has not come yet will not be shown. No server retracts a challenge from the device
    /// whose answer counted, so an answer that it has not acknowledged never will. A report stays: it counts at any
    /// time.
    pub fn retract_challenge(
        &self,
        id: ChallengeId,
        enrolment_id: EnrolmentId,
        outcome: Outcome,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = "UPDATE challenge SET outcome = ?3, finished_at = ?4
                   WHERE challenge_id = ?1 AND enrolment_id = ?2 AND outcome IS NULL AND answer IS NOT 'report'";
        transaction.execute(sql, (id.to_string(), enrolment_id.to_string(), outcome, at.millis()))?;
        if held(&transaction, id)?.is_none() {
            let sql = "INSERT INTO retraction VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
            transaction.execute(sql, (id.to_string(), enrolment_id.to_string(), outcome, at.millis()))?;
            // No challenge lives longer, so none can come any more for an older one.
            let oldest = at - countersign_protocol::challenge::MAX_LIFETIME * 2;
            transaction.execute("DELETE FROM retraction WHERE came_at < ?1", [oldest.millis()])?;
        }
        Ok(transaction.commit()?)
    }
}

fn held(transaction: &Transaction<'_>, id: ChallengeId) -> Result<Option<Held>, Error> {
    let sql = "SELECT compact, outcome, decision IS NOT NULL FROM challenge WHERE challenge_id = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok(Held { compact: row.get(0)?, outcome: row.get(1)?, answered: row.get(2)? });
    Ok(transaction.query_row(sql, [id.to_string()], read).optional()?)
}

fn keep_new(transaction: &Transaction<'_>, challenge: &StoredChallenge) -> Result<Kept, Error> {
    let id = challenge.challenge_id.to_string();
    let sql = "SELECT 1 FROM retraction WHERE challenge_id = ?1 AND enrolment_id = ?2";
    let retracted = transaction.query_row(sql, [&id, &challenge.enrolment_id.to_string()], |_| Ok(())).optional()?;
    if retracted.is_some() {
        return Ok(Kept::Retracted);
    }
    let sql = "INSERT INTO challenge (challenge_id, enrolment_id, compact, received_at) VALUES (?1, ?2, ?3, ?4)";
    let received_at = challenge.received_at.millis();
    transaction.execute(sql, (id, challenge.enrolment_id.to_string(), &challenge.compact, received_at))?;
    Ok(Kept::New)
}

fn keep_again(
    transaction: &Transaction<'_>,
    challenge: &StoredChallenge,
    opened: &Challenge,
    held: &Held,
) -> Result<Kept, Error> {
    let id = challenge.challenge_id.to_string();
    let mut changed = false;
    if held.compact != challenge.compact {
        let known: Challenge = Unverified::parse::<Challenge>(&held.compact)?.claims_without_verification()?;
        if known.raises(opened) {
            // The earlier form of a question that asks for a number by now: it came late.
            return Ok(Kept::Known);
        }
        if !opened.raises(&known) {
            return Err(Refusal::WrongChallenge.into());
        }
        changed = true;
        // A NO or a report counts in either form; a YES without the number cannot.
        let sql = "UPDATE challenge SET compact = ?2,
                       decision = CASE answer WHEN 'approve' THEN NULL ELSE decision END,
                       answer = CASE answer WHEN 'approve' THEN NULL ELSE answer END
                   WHERE challenge_id = ?1 AND (outcome IS NULL OR outcome = 'expired')";
        transaction.execute(sql, [&id, &challenge.compact])?;
    }
    if held.outcome == Some(Outcome::Expired) && !held.answered {
        // It seemed over while this device had a wrong idea of the time.
        transaction
            .execute("UPDATE challenge SET outcome = NULL, finished_at = NULL WHERE challenge_id = ?1", [&id])?;
        return Ok(Kept::New);
    }
    Ok(if changed && held.outcome.is_none() { Kept::Changed } else { Kept::Known })
}
