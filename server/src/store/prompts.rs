//! Which questions may ring, and which ask for a number: what keeps a person from tapping YES to make it stop.

use super::accounts::parse;
use super::challenges::NewChallenge;
use super::rules::{PROMPT_WINDOW, Rules};
use super::webhooks::{self, Happened};
use super::{Store, StoreError, pushes};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, Row, named_params};

/// What the phones were made to do when a challenge was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Pushed to.
    Pushed,
    /// Nothing: none of them can be pushed to.
    Pulled,
    /// Nothing: too many prompts within the hour did not end in approval.
    Limited,
    /// Nothing: the person has reported a prompt.
    Stopped,
}

impl Prompt {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Pulled => "pulled",
            Self::Limited => "limited",
            Self::Stopped => "stopped",
        }
    }

    pub(super) fn read(word: &str) -> rusqlite::Result<Self> {
        let all = [Self::Pushed, Self::Pulled, Self::Limited, Self::Stopped];
        all.into_iter().find(|prompt| prompt.as_str() == word).ok_or(rusqlite::Error::InvalidQuery)
    }
}

/// Makes questions ask for numbers. It is called in the transaction of a creation, so that no two questions of one person
/// ever wait side by side as taps.
pub trait Raise: Send + 'static {
    /// A fresh number for one question, for its page to show.
    fn number(&self) -> String;

    /// One device's copy of a question, asking for the number from now on.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`].
    fn raise(&self, compact: &str) -> Result<String, StoreError>;
}

impl Store {
    /// Lets pushes through again after a report; false when they were not stopped.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resume_prompts(&self, account: i64) -> Result<bool, StoreError> {
        self.write(move |connection, _| resume(connection, account)).await
    }
}

/// Lets pushes through again.
pub(super) fn resume(connection: &Connection, account: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE account SET prompts_stopped_at = NULL WHERE row_id = ?1 AND prompts_stopped_at IS NOT NULL";
    Ok(connection.prepare_cached(sql)?.execute([account])? > 0)
}

/// Stops every push to an account but the retractions.
pub(super) fn stop(connection: &Connection, now: Timestamp, account: i64) -> Result<(), StoreError> {
    let sql = "UPDATE account SET prompts_stopped_at = ?2 WHERE row_id = ?1 AND prompts_stopped_at IS NULL";
    connection.execute(sql, (account, now.millis()))?;
    let sql = "UPDATE push SET state = 'dropped' WHERE state = 'queued' AND kind = 'challenge'
               AND challenge IN (SELECT row_id FROM challenge WHERE account = ?1 AND state = 'pending')";
    connection.execute(sql, [account])?;
    Ok(())
}

/// How many digits a number has.
pub(super) fn digits(number: &str) -> u32 {
    u32::try_from(number.len()).unwrap_or(u32::MAX)
}

/// When other questions wait for the account, makes each of them ask for its number that is a tap, and the one that is to be
/// created, too. Gives the questions that have changed.
pub(super) fn raise_overlapping(
    connection: &Connection,
    rules: &Rules,
    now: Timestamp,
    new: &mut NewChallenge,
    raising: &dyn Raise,
) -> Result<Vec<ChallengeId>, StoreError> {
    if new.devices.is_empty() {
        // Nobody is prompted, so no two prompts are side by side.
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT row_id, handle, digits IS NULL FROM challenge WHERE account = :account AND {}
         AND EXISTS (SELECT 1 FROM challenge_device WHERE challenge = challenge.row_id)",
        rules.overlaps
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = named_params! { ":account": new.account, ":now": now.millis() };
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?));
    let waiting = statement.query_map(parameters, read)?.collect::<Result<Vec<_>, _>>()?;
    if !waiting.is_empty() && new.number.is_none() {
        new.number = Some(raising.number());
        for (_, compact) in &mut new.devices {
            *compact = raising.raise(compact)?;
        }
    }
    let mut raised = Vec::new();
    for (row_id, handle, _) in waiting.into_iter().filter(|(_, _, is_tap)| *is_tap) {
        raise(connection, now, (row_id, new.certificate), raising)?;
        raised.push(parse(&handle)?);
    }
    Ok(raised)
}

/// Makes a question ask for its number. The certificate is the one of the key that signs the changed copies: a receipt is
/// verified with it.
fn raise(
    connection: &Connection,
    now: Timestamp,
    (challenge, certificate): (i64, u64),
    raising: &dyn Raise,
) -> Result<(), StoreError> {
    let number = raising.number();
    let sql = "UPDATE challenge SET digits = ?2, number = ?3, earlier_certificate = certificate, certificate = ?4
               WHERE row_id = ?1";
    let certificate = i64::try_from(certificate).unwrap_or(i64::MAX);
    connection.prepare_cached(sql)?.execute((challenge, digits(&number), &number, certificate))?;
    let sql = "SELECT enrolment, compact FROM challenge_device WHERE challenge = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let copies = statement.query_map([challenge], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    for (device, compact) in copies.collect::<Result<Vec<_>, _>>()? {
        let sql = "UPDATE challenge_device SET earlier = compact, compact = ?3 WHERE challenge = ?1 AND enrolment = ?2";
        connection.prepare_cached(sql)?.execute((challenge, device, raising.raise(&compact)?))?;
    }
    webhooks::emit(connection, now, challenge, Happened::Numbered)?;
    pushes::queue_again(connection, challenge, now)
}

/// What the phones may be made to do for a challenge that is about to be created.
pub(super) fn allowed(
    connection: &Connection,
    rules: &Rules,
    now: Timestamp,
    new: &NewChallenge,
) -> Result<Prompt, StoreError> {
    if !new.devices.iter().any(|(recipient, _)| recipient.has_push) {
        return Ok(Prompt::Pulled);
    }
    let sql = "SELECT prompts_stopped_at IS NOT NULL FROM account WHERE row_id = ?1";
    if connection.prepare_cached(sql)?.query_row([new.account], |row| row.get(0))? {
        return Ok(Prompt::Stopped);
    }
    let sql = format!(
        "SELECT count(*), count(*) FILTER (WHERE relying_party = :relying_party) FROM challenge
         WHERE account = :account AND created_at > :since AND {}",
        rules.unwanted_prompt
    );
    let parameters = named_params! {
        ":account": new.account,
        ":relying_party": new.relying_party,
        ":since": (now - PROMPT_WINDOW).millis(),
    };
    let (of_person, of_relying_party): (u32, u32) =
        connection.prepare_cached(&sql)?.query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let below = of_person < rules.prompts_per_person && of_relying_party < rules.prompts_per_relying_party;
    Ok(if below { Prompt::Pushed } else { Prompt::Limited })
}
