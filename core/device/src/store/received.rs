//! Keeps the challenges and retractions that a device receives. The same message may come several times, late, and in
//! any order, by push and by pull; the rules here make sure that the person sees each challenge once.

use super::{Outcome, Store, StoredChallenge};
use crate::error::Error;
use countersign_protocol::Refusal;
use countersign_protocol::challenge::Challenge;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::jws::Unverified;
use countersign_protocol::time::Timestamp;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior};

/// What [`Store::keep_challenge`] did with a challenge, and so what the app does about its prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The challenge is new, or it was recorded as expired by mistake: its prompt is to be shown.
    New,
    /// The store holds the challenge already, in this form or a later one: there is nothing to do.
    Known,
    /// The store held the challenge, and this form of it asks for a number: its prompt is to be shown again.
    Changed,
    /// The retraction of this challenge came before the challenge did: no prompt is to be shown.
    Retracted,
}

/// The row of a challenge that the store holds already.
struct Held {
    /// The exact signed bytes that were received.
    compact: String,
    /// How the challenge ended on this device; none while it waits.
    outcome: Option<Outcome>,
    /// True when the person has answered, whether or not the server has heard it.
    answered: bool,
}

impl Store {
    /// Keeps a challenge that was checked before, and says what became of it. `opened` are the claims in
    /// `challenge.compact`.
    ///
    /// # Errors
    /// `wrong_challenge` when the store holds another question under this id, or the same one signed again: an honest
    /// server signs a question anew only to ask for a number. [`Error::Store`] when the store cannot be read or
    /// written.
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

    /// Records that a challenge was retracted, with this outcome. If the challenge has not come yet, the retraction is
    /// kept, so that the challenge is not shown when it comes.
    ///
    /// A server never retracts a challenge from the device whose answer it accepted. So an answer that it has not
    /// acknowledged can no longer count, and the challenge ends here with it. A report is left as it is: a server takes
    /// that at any time.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read or written.
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
            // A retraction is of use only until its challenge can no longer come, which is at most a challenge's
            // lifetime. Twice that leaves room for a clock that is set meanwhile.
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
            // The store holds the form that asks for a number, and this is the form before it, which came late.
            return Ok(Kept::Known);
        }
        if !opened.raises(&known) {
            return Err(Refusal::WrongChallenge.into());
        }
        changed = true;
        // The digest in a signed answer names the form that it answers. The server takes a NO or a report to either
        // form, but a YES must hold the number, so a YES to the earlier form is dropped.
        let sql = "UPDATE challenge SET compact = ?2,
                       decision = CASE answer WHEN 'approve' THEN NULL ELSE decision END,
                       answer = CASE answer WHEN 'approve' THEN NULL ELSE answer END
                   WHERE challenge_id = ?1 AND (outcome IS NULL OR outcome = 'expired')";
        transaction.execute(sql, [&id, &challenge.compact])?;
    }
    if held.outcome == Some(Outcome::Expired) && !held.answered {
        // This device recorded it as expired while its clock or its idea of the server's time was wrong: a server does
        // not send a challenge whose time is over.
        transaction
            .execute("UPDATE challenge SET outcome = NULL, finished_at = NULL WHERE challenge_id = ?1", [&id])?;
        return Ok(Kept::New);
    }
    Ok(if changed && held.outcome.is_none() { Kept::Changed } else { Kept::Known })
}
