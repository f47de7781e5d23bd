//! One-time codes: each attempt is counted before it is compared, and a code is accepted once.
//!
//! An attempt counts at every authenticator of the account that could accept it, since a guess is a guess at all of them.

use super::accounts::parse;
use super::challenges;
use super::webhooks::{self, Happened};
use super::{Rules, Store, StoreError, changed_one, pushes};
use crate::domain::methods::Methods;
use countersign_protocol::handle::{AuthenticatorId, ChallengeId};
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::time::Duration;

/// How many consecutive failures lock an authenticator (NIST SP 800-63B-4, section 3.2.2).
pub const MAX_FAILURES: u32 = 100;
/// From which consecutive failure on the next attempt must wait.
const FIRST_PAUSE: u32 = 5;
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// A secret as it lies in the database, and what its codes look like.
#[derive(Debug, Clone)]
pub struct StoredCodes {
    /// Names the authenticator, and the place of its sealed secret.
    pub id: AuthenticatorId,
    /// The sealed secret.
    pub secret: Vec<u8>,
    /// The name of the hash.
    pub algorithm: String,
    /// Digits of a code.
    pub digits: u8,
    /// Seconds of a step.
    pub period: u16,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An authenticator at which an attempt was counted.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The row.
    pub row_id: i64,
    /// Its codes.
    pub codes: StoredCodes,
    /// The last step that was accepted.
    pub last_step: Option<u64>,
    /// Consecutive failures, with this attempt.
    pub failures: u32,
}

/// An attempt that was counted, to be compared.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The account's row.
    pub account: i64,
    /// The challenge's row, when the code is to settle one.
    pub challenge: Option<i64>,
    /// Where it was counted; never empty.
    pub counted: Vec<Counted>,
}

/// What became of the wish to try a code.
#[derive(Debug, Clone)]
pub enum Begun {
    /// It is counted: compare.
    Counted(Attempt),
    /// There is nothing that makes codes.
    NoAuthenticator,
    /// Everything that makes codes must rest for this long.
    Throttled(Duration),
    /// Everything that makes codes is locked.
    Locked,
    /// There is no such challenge of this relying party and this account.
    NoChallenge,
    /// The challenge does not take a code.
    NotAllowed,
    /// The challenge is in this state.
    Over(ChallengeState),
}

/// The challenge that a code is to settle.
#[derive(Debug, Clone, Copy)]
pub struct ToSettle {
    /// The challenge.
    pub id: ChallengeId,
    /// Who asks.
    pub relying_party: i64,
}

/// What became of a compared attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// The code is spent, and the challenge settled when there was one.
    Yes,
    /// The code was spent, or its authenticator removed or locked, since it was read.
    No,
    /// The challenge is in this state. The code is not spent, and the attempt does not count.
    Over(ChallengeState),
}

/// Those of an account that a code can be checked with now or later.
const USABLE: &str = "FROM code_authenticator a LEFT JOIN enrolment e ON e.row_id = a.enrolment
    WHERE a.account = ?1 AND a.state = 'confirmed' AND (a.enrolment IS NULL OR e.state = 'confirmed')";

pub(super) fn read_codes(row: &Row<'_>) -> rusqlite::Result<StoredCodes> {
    Ok(StoredCodes {
        id: parse(&row.get::<_, String>("handle")?)?,
        secret: row.get("secret")?,
        algorithm: row.get("algorithm")?,
        digits: row.get("digits")?,
        period: row.get("period")?,
        created_at: Timestamp::from_millis(row.get("created_at")?),
    })
}

/// An authenticator with what decides whether it may be tried.
pub(super) struct Candidate {
    pub counted: Counted,
    pub not_before: Option<Timestamp>,
    pub locked: bool,
}

pub(super) fn read_candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    let failures: u32 = row.get("failures")?;
    let last_step: Option<i64> = row.get("last_step")?;
    let counted = Counted {
        row_id: row.get("row_id")?,
        codes: read_codes(row)?,
        last_step: last_step.map(i64::unsigned_abs),
        failures,
    };
    Ok(Candidate {
        counted,
        not_before: row.get::<_, Option<i64>>("not_before")?.map(Timestamp::from_millis),
        locked: failures >= MAX_FAILURES || row.get::<_, Option<i64>>("locked_at")?.is_some(),
    })
}

/// How long the attempt after so many consecutive failures must wait.
fn pause(failures: u32) -> Option<Duration> {
    let doublings = failures.checked_sub(FIRST_PAUSE)?;
    Some(Duration::from_secs(1_u64.checked_shl(doublings).unwrap_or(u64::MAX)).min(LONGEST_PAUSE))
}

/// Counts an attempt at each of these that may be tried now.
pub(super) fn count(
    connection: &Connection,
    now: Timestamp,
    candidates: Vec<Candidate>,
) -> Result<Result<Vec<Counted>, Begun>, StoreError> {
    if candidates.is_empty() {
        return Ok(Err(Begun::NoAuthenticator));
    }
    let waits = candidates.iter().filter(|one| !one.locked).map(|one| one.not_before.map_or(now, |at| at.max(now)));
    let Some(earliest) = waits.min() else { return Ok(Err(Begun::Locked)) };
    if earliest > now {
        return Ok(Err(Begun::Throttled(now.until(earliest))));
    }
    let may_be_tried = |one: &Candidate| !one.locked && one.not_before.is_none_or(|at| at <= now);
    let mut counted = Vec::new();
    for Candidate { counted: mut one, .. } in candidates.into_iter().filter(may_be_tried) {
        one.failures += 1;
        let not_before = pause(one.failures).map(|pause| (now + pause).millis());
        let sql = "UPDATE code_authenticator SET failures = ?2, not_before = ?3 WHERE row_id = ?1";
        connection.prepare_cached(sql)?.execute((one.row_id, one.failures, not_before))?;
        counted.push(one);
    }
    Ok(Ok(counted))
}

/// Takes back an attempt where it was counted. A back-off that a later attempt has set stays.
pub(super) fn uncount(connection: &Connection, counted: &Counted) -> Result<(), StoreError> {
    let sql = "UPDATE code_authenticator SET failures = max(failures - 1, 0),
                   not_before = CASE WHEN failures = ?2 THEN NULL ELSE not_before END
               WHERE row_id = ?1 AND locked_at IS NULL";
    connection.prepare_cached(sql)?.execute((counted.row_id, counted.failures))?;
    Ok(())
}

/// Spends a code: false when it was spent before, or its authenticator has gone.
pub(super) fn spend(connection: &Connection, rules: &Rules, row_id: i64, step: u64) -> Result<bool, StoreError> {
    let sql = format!(
        "UPDATE code_authenticator SET state = 'confirmed', last_step = :step, failures = 0, not_before = NULL
         WHERE row_id = :id AND {} AND locked_at IS NULL AND state <> 'void'",
        rules.unspent
    );
    let step = i64::try_from(step).unwrap_or(i64::MAX);
    Ok(changed_one(connection.prepare_cached(&sql)?.execute(named_params! { ":id": row_id, ":step": step })?))
}

/// Makes the locked and resting authenticators of an account usable, and forgets their failures; how many had any.
pub(super) fn unlock(connection: &Connection, account: i64) -> Result<usize, StoreError> {
    let sql = "UPDATE code_authenticator SET failures = 0, not_before = NULL, locked_at = NULL
               WHERE account = ?1 AND state <> 'void' AND (failures > 0 OR locked_at IS NOT NULL)";
    Ok(connection.prepare_cached(sql)?.execute([account])?)
}

/// The row of the challenge that a code is to settle, and its methods.
fn challenge_to_settle(
    connection: &Connection,
    account: i64,
    wanted: ToSettle,
) -> Result<Option<(i64, Methods)>, StoreError> {
    let sql = "SELECT row_id, methods FROM challenge WHERE handle = ?1 AND relying_party = ?2 AND account = ?3";
    let read = |row: &Row<'_>| Ok((row.get(0)?, Methods::read(&row.get::<_, String>(1)?)));
    let found = connection.prepare_cached(sql)?.query_row((wanted.id.to_string(), wanted.relying_party, account), read);
    Ok(found.optional()?)
}

impl Store {
    /// The first write of an attempt: counts it, durably and before anything is compared.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_code(&self, account: i64, to_settle: Option<ToSettle>) -> Result<Begun, StoreError> {
        self.write(move |connection, now| {
            let mut challenge = None;
            if let Some(wanted) = to_settle {
                let found = challenge_to_settle(connection, account, wanted)?;
                let Some((row_id, methods)) = found else { return Ok(Begun::NoChallenge) };
                if !methods.code {
                    return Ok(Begun::NotAllowed);
                }
                match state_of(connection, now, row_id)? {
                    ChallengeState::Pending => challenge = Some(row_id),
                    state => return Ok(Begun::Over(state)),
                }
            }
            let sql = format!("SELECT a.* {USABLE} ORDER BY a.row_id");
            let candidates: Vec<Candidate> =
                connection.prepare_cached(&sql)?.query_map([account], read_candidate)?.collect::<Result<_, _>>()?;
            Ok(match count(connection, now, candidates)? {
                Ok(counted) => Begun::Counted(Attempt { account, challenge, counted }),
                Err(refused) => refused,
            })
        })
        .await
    }

    /// The second write of an attempt whose code fits: spends it, and settles the challenge, both or neither.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn accept_code(&self, attempt: Attempt, row_id: i64, step: u64) -> Result<Accepted, StoreError> {
        let rules = self.rules;
        self.write(move |connection, now| {
            let state = attempt.challenge.map(|challenge| state_of(connection, now, challenge)).transpose()?;
            if let Some(state) = state.filter(|state| *state != ChallengeState::Pending) {
                for counted in &attempt.counted {
                    uncount(connection, counted)?;
                }
                return Ok(Accepted::Over(state));
            }
            if !spend(connection, &rules, row_id, step)? {
                return Ok(Accepted::No);
            }
            if let Some(challenge) = attempt.challenge {
                settle(connection, &rules, now, challenge, row_id)?;
            }
            for counted in attempt.counted.iter().filter(|one| one.row_id != row_id) {
                uncount(connection, counted)?;
            }
            Ok(Accepted::Yes)
        })
        .await
    }

    /// Locks what this attempt's failure was the last allowed one for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refuse_code(&self, counted: &[Counted]) -> Result<(), StoreError> {
        let last: Vec<i64> = counted.iter().filter(|one| one.failures >= MAX_FAILURES).map(|one| one.row_id).collect();
        if last.is_empty() {
            return Ok(());
        }
        self.write(move |connection, now| {
            for row_id in last {
                let sql = "UPDATE code_authenticator SET locked_at = ?2
                           WHERE row_id = ?1 AND failures >= ?3 AND locked_at IS NULL";
                connection.execute(sql, (row_id, now.millis(), MAX_FAILURES))?;
            }
            Ok(())
        })
        .await
    }

    /// How many wrong codes in a row the account's authenticators still take; zero when none is usable.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remaining_attempts(&self, account: i64) -> Result<u32, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT min(a.failures) {USABLE} AND a.locked_at IS NULL");
            let fewest: Option<u32> = connection.prepare_cached(&sql)?.query_row([account], |row| row.get(0))?;
            Ok(fewest.map_or(0, |failures| MAX_FAILURES.saturating_sub(failures)))
        })
        .await
    }

    /// True when the account has something that makes codes and is not locked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn takes_codes(&self, account: i64) -> Result<bool, StoreError> {
        self.read(move |connection| takes_codes(connection, account)).await
    }

    /// Makes the locked and resting authenticators of an account usable, and forgets their failures; how many had any.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unlock_account(&self, account: i64) -> Result<usize, StoreError> {
        self.write(move |connection, _| unlock(connection, account)).await
    }
}

/// Settles the challenge that a code was entered for, in the transaction that spends the code, and takes its prompt from
/// every device. When it does not wait any more, the error undoes both.
fn settle(
    connection: &Connection,
    rules: &Rules,
    now: Timestamp,
    challenge: i64,
    authenticator: i64,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE challenge SET state = 'approved', settled_at = :now, settled_method = 'code', settled_code = :code
         WHERE row_id = :challenge AND {}",
        rules.may_settle
    );
    let parameters = named_params! { ":now": now.millis(), ":code": authenticator, ":challenge": challenge };
    if !changed_one(connection.prepare_cached(&sql)?.execute(parameters)?) {
        return Err(StoreError::Unreadable("a challenge is pending and cannot be settled".into()));
    }
    webhooks::emit(connection, now, challenge, Happened::Approved)?;
    pushes::retract(connection, now, challenge, None)
}

fn state_of(connection: &Connection, now: Timestamp, challenge: i64) -> Result<ChallengeState, StoreError> {
    let sql = "SELECT state, expires_at, settled_at FROM challenge WHERE row_id = ?1";
    let read = |row: &Row<'_>| {
        let settled_at: Option<i64> = row.get(2)?;
        let (expires_at, settled_at) = (Timestamp::from_millis(row.get(1)?), settled_at.map(Timestamp::from_millis));
        challenges::read_state(&row.get::<_, String>(0)?, expires_at, settled_at, now)
    };
    Ok(connection.prepare_cached(sql)?.query_row([challenge], read)?)
}

/// With what an account can answer a challenge now: a phone that was asked and is in use, and what makes codes.
pub(super) fn methods_at_hand(connection: &Connection, challenge: i64, account: i64) -> Result<Methods, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM challenge_device d JOIN enrolment e ON e.row_id = d.enrolment
               WHERE d.challenge = ?1 AND e.state = 'confirmed')";
    let push = connection.prepare_cached(sql)?.query_row([challenge], |row| row.get(0))?;
    Ok(Methods { push, code: takes_codes(connection, account)? })
}

fn takes_codes(connection: &Connection, account: i64) -> Result<bool, StoreError> {
    let sql = format!("SELECT EXISTS (SELECT 1 {USABLE} AND a.locked_at IS NULL AND a.failures < ?2)");
    Ok(connection.prepare_cached(&sql)?.query_row((account, MAX_FAILURES), |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_the_fifth_failure_up_to_a_quarter_of_an_hour() {
        let seconds = |failures| pause(failures).map(|pause| pause.as_secs());
        assert_eq!([0, 4].map(seconds), [None, None]);
        assert_eq!([5, 6, 7, 14].map(seconds), [1, 2, 4, 512].map(Some));
        assert_eq!([15, 16, 99, u32::MAX].map(seconds), [900; 4].map(Some));
    }
}
