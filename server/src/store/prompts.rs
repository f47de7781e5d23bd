//! Which questions may ring, and which ask for a number. Both keep a person from tapping YES only to make the ringing
//! stop.

use super::engine::Transaction;
use super::engine::value::values;
use super::journal::Entry;
use super::new_challenge::NewChallenge;
use super::rules::{AHEAD, PROMPT_WINDOW, Rules, condition};
use super::{Store, StoreError, pushes, webhooks};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::rows::{AccountRow, ChallengeRow, DeviceRow};
use crate::domain::states::Prompt;
use countersign_protocol::handle::{AccountId, ChallengeId};
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// Makes questions ask for a number instead of a tap. It is called in the transaction that creates another question, so
/// that no two questions of one person ever wait side by side as taps.
pub trait Raise: Send + 'static {
    /// A fresh number for one question, for its page to show.
    fn number(&self) -> String;

    /// One device's copy of a question, asking for the number from now on.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], when the stored copy cannot be read as a challenge.
    fn raise(&self, compact: &str) -> Result<String, StoreError>;
}

impl Store {
    /// Lets pushes through again after a report; false when they were not stopped.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn resume_prompts(&self, by: Actor, account: AccountRow) -> Result<bool, StoreError> {
        self.write(move |tx, now| resume(tx, now, &by, account)).await
    }

    /// Lifts the limits of prompts: what an account did not want until now counts no more. The limits themselves stay.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn lift_prompt_limit(&self, by: Actor, account: AccountRow) -> Result<(), StoreError> {
        self.write(move |tx, now| Entry::new(now, &by, Fact::PromptLimitLifted).of_account(tx, account).map(drop)).await
    }
}

/// Lets pushes through again; false when they were not stopped.
pub(super) fn resume(
    tx: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    account: AccountRow,
) -> Result<bool, StoreError> {
    let sql = "UPDATE account SET prompts_stopped_at = NULL WHERE row_id = $1 AND prompts_stopped_at IS NOT NULL";
    let resumed = tx.changes_one(sql, values![account])?;
    if resumed {
        Entry::new(now, by, Fact::PromptsResumed).of_account(tx, account)?;
    }
    Ok(resumed)
}

/// Stops every push to an account but the retractions.
pub(super) fn stop(tx: &dyn Transaction, now: Timestamp, by: &Actor, account: AccountRow) -> Result<(), StoreError> {
    let sql = "UPDATE account SET prompts_stopped_at = $2 WHERE row_id = $1 AND prompts_stopped_at IS NULL";
    if tx.changes_one(sql, values![account, now])? {
        Entry::new(now, by, Fact::PromptsStopped).of_account(tx, account)?;
    }
    let sql = "UPDATE push SET state = 'dropped' WHERE state = 'queued' AND kind = 'challenge'
               AND challenge IN (SELECT row_id FROM challenge WHERE account = $1 AND state = 'pending')";
    tx.execute(sql, values![account])?;
    Ok(())
}

/// How many digits a number has.
pub(super) fn digits(number: &str) -> u32 {
    u32::try_from(number.len()).unwrap_or(u32::MAX)
}

/// When other questions wait for the account, makes each of them, and the one that is to be created, ask for a number
/// if it was to be a tap. Gives the waiting questions that have changed.
pub(super) fn raise_overlapping(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    new: &mut NewChallenge,
    raising: &dyn Raise,
) -> Result<Vec<ChallengeId>, StoreError> {
    if new.devices.is_empty() {
        // Nobody is prompted, so no two prompts are side by side.
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT row_id, handle, digits IS NULL AS is_tap FROM challenge WHERE account = $1 AND {}
         AND EXISTS (SELECT 1 FROM challenge_device d WHERE d.challenge = challenge.row_id)",
        condition(rules.overlaps, &[("now", 2)])
    );
    let waiting = tx.rows("challenge", &sql, values![new.account, now])?;
    if !waiting.is_empty() && new.number.is_none() {
        new.number = Some(raising.number());
        for (_, compact) in &mut new.devices {
            *compact = raising.raise(compact)?;
        }
    }
    let mut raised = Vec::new();
    for row in waiting {
        if row.get("is_tap")? {
            raise(tx, now, by, (row.get("row_id")?, new.certificate), raising)?;
            raised.push(row.get("handle")?);
        }
    }
    Ok(raised)
}

/// Makes a question ask for its number. The certificate is that of the key which signs the changed copies: without it
/// their receipts could not be verified.
fn raise(
    tx: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    (challenge, certificate): (ChallengeRow, u64),
    raising: &dyn Raise,
) -> Result<(), StoreError> {
    let number = raising.number();
    let sql = "UPDATE challenge SET digits = $2, number = $3, earlier_certificate = certificate, certificate = $4
               WHERE row_id = $1";
    tx.execute(sql, values![challenge, digits(&number), &number, certificate])?;
    let sql = "SELECT enrolment, compact FROM challenge_device WHERE challenge = $1";
    for copy in tx.rows("challenge_device", sql, values![challenge])? {
        let (device, compact): (DeviceRow, String) = (copy.get("enrolment")?, copy.get("compact")?);
        let sql = "UPDATE challenge_device SET earlier = compact, compact = $3 WHERE challenge = $1 AND enrolment = $2";
        tx.execute(sql, values![challenge, device, raising.raise(&compact)?])?;
    }
    webhooks::tell(tx, now, by, challenge, Fact::ChallengeNumbered)?;
    pushes::queue_again(tx, challenge, now)
}

/// When as many questions wait for the account as may, how long until the first of those ends that leave no room.
pub(super) fn too_many(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    new: &NewChallenge,
) -> Result<Option<Duration>, StoreError> {
    let sql = format!(
        "SELECT relying_party = $2 AS own, expires_at FROM challenge WHERE account = $1 AND {}",
        condition(rules.overlaps, &[("now", 3)])
    );
    let (mut own, mut all) = (Vec::new(), Vec::new());
    for row in tx.rows("challenge", &sql, values![new.account, new.relying_party, now])? {
        let ends: Timestamp = row.get("expires_at")?;
        all.push(ends);
        if row.get("own")? {
            own.push(ends);
        }
    }
    let full = |waiting: &[Timestamp], most: u32| {
        let first = waiting.iter().min().filter(|_| waiting.len() >= most as usize);
        first.map(|ends| now.until(*ends))
    };
    // Both must have room.
    Ok(full(&own, rules.questions_per_relying_party).max(full(&all, rules.questions_per_person)))
}

/// What the phones may be made to do for a challenge that is about to be created.
pub(super) fn allowed(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    new: &NewChallenge,
) -> Result<Prompt, StoreError> {
    if !new.devices.iter().any(|(recipient, _)| recipient.has_push) {
        return Ok(Prompt::Pulled);
    }
    let sql = "SELECT handle, prompts_stopped_at IS NOT NULL AS stopped FROM account WHERE row_id = $1";
    let account = tx.one_row("account", sql, values![new.account])?;
    if account.get("stopped")? {
        return Ok(Prompt::Stopped);
    }
    let window = now - PROMPT_WINDOW;
    if is_below_limits(tx, rules, now, new, window)? {
        return Ok(Prompt::Pushed);
    }
    // Looked for only past the limit: every other question is spared the journal.
    let account: AccountId = account.get("handle")?;
    let sql = "SELECT at FROM journal WHERE account = $1 AND fact = $2 AND at > $3 AND at <= $4
               ORDER BY row_id DESC LIMIT 1";
    let lifted = tx.row("journal", sql, values![account, Fact::PromptLimitLifted, window, now + AHEAD])?;
    let below = match lifted {
        Some(line) => is_below_limits(tx, rules, now, new, line.get("at")?)?,
        None => false,
    };
    Ok(if below { Prompt::Pushed } else { Prompt::Limited })
}

/// Whether the unwanted prompts after `since` leave room for one more.
fn is_below_limits(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    new: &NewChallenge,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT count(*) AS of_person, count(*) FILTER (WHERE relying_party = $2) AS of_relying_party FROM challenge
         WHERE account = $1 AND created_at > $3 AND created_at <= $4 AND {}",
        condition(rules.unwanted_prompt, &[])
    );
    // One that lies further ahead was asked by a clock that was wrong: it would count for hours.
    let values = values![new.account, new.relying_party, since, now + AHEAD];
    let counted = tx.one_row("challenge", &sql, values)?;
    let (of_person, of_relying_party): (u32, u32) = (counted.get("of_person")?, counted.get("of_relying_party")?);
    Ok(of_person < rules.prompts_per_person && of_relying_party < rules.prompts_per_relying_party)
}
