//! One-time codes: each attempt is counted before it is compared, and a code is accepted once.
//!
//! An attempt counts at every authenticator of the account that could accept it, since a guess is a guess at all of
//! them.

use super::code_settlements::{ToSettle, find, settle, state_now};
use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::journal::Entry;
use super::rules::condition;
use super::used_steps::Of;
use super::{Rules, Store, StoreError, backup_codes, challenge_state, used_steps};
use crate::domain::actor::Actor;
use crate::domain::code_steps::{self, Known, Right};
use crate::domain::fact::Fact;
use crate::domain::methods::Methods;
use crate::domain::rows::{AccountRow, AuthenticatorRow, ChallengeRow};
use crate::domain::states::CodeKind;
use countersign_protocol::handle::AuthenticatorId;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;
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
    pub row_id: AuthenticatorRow,
    /// Its codes.
    pub codes: StoredCodes,
    /// What its codes have shown, and which of its steps were used.
    pub known: Known,
    /// Consecutive failures, with this attempt.
    pub failures: u32,
}

impl Counted {
    /// Whose steps they are.
    const fn of(&self) -> Of {
        Of { row_id: self.row_id, id: self.codes.id, period: self.codes.period }
    }
}

/// An attempt that was counted, to be compared.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The account's row.
    pub account: AccountRow,
    /// What kind of code was typed.
    pub kind: CodeKind,
    /// The challenge's row, when the code is to settle one.
    pub challenge: Option<ChallengeRow>,
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

/// What a right code uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// A step of a one-time code.
    Step(Right),
    /// The backup code with this number.
    BackupCode(u8),
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

/// Those of an account that a code of the kind `$2` can be checked with now or later.
const USABLE: &str = "FROM code_authenticator a LEFT JOIN enrolment e ON e.row_id = a.enrolment
    WHERE a.account = $1 AND a.state = 'confirmed' AND a.kind = $2
      AND (a.enrolment IS NULL OR e.state = 'confirmed')";

pub(super) fn read_codes(row: &Row) -> Result<StoredCodes, StoreError> {
    Ok(StoredCodes {
        id: row.get("handle")?,
        secret: row.get("secret")?,
        algorithm: row.get("algorithm")?,
        digits: row.get("digits")?,
        period: row.get("period")?,
        created_at: row.get("created_at")?,
    })
}

/// An authenticator with what decides whether it may be tried.
pub(super) struct Candidate {
    pub counted: Counted,
    pub not_before: Option<Timestamp>,
    pub locked: bool,
}

pub(super) fn read_candidate(row: &Row) -> Result<Candidate, StoreError> {
    let failures: u32 = row.get("failures")?;
    let known = Known { drift: row.get("drift")?, last_step: row.get("last_step")?, used: Vec::new() };
    Ok(Candidate {
        counted: Counted { row_id: row.get("row_id")?, codes: read_codes(row)?, known, failures },
        not_before: row.get("not_before")?,
        locked: failures >= MAX_FAILURES || row.get::<Option<Timestamp>>("locked_at")?.is_some(),
    })
}

/// How long the attempt after so many consecutive failures must wait.
fn pause(failures: u32) -> Option<Duration> {
    let doublings = failures.checked_sub(FIRST_PAUSE)?;
    Some(Duration::from_secs(1_u64.checked_shl(doublings).unwrap_or(u64::MAX)).min(LONGEST_PAUSE))
}

/// Counts an attempt at each of these that may be tried now.
pub(super) fn count(
    transaction: &dyn Transaction,
    now: Timestamp,
    candidates: Vec<Candidate>,
) -> Result<Result<Vec<Counted>, Begun>, StoreError> {
    if candidates.is_empty() {
        return Ok(Err(Begun::NoAuthenticator));
    }
    // A pause that ends further ahead than any is long is of a clock that went back: it would last for hours.
    let lawful =
        |one: Candidate| Candidate { not_before: one.not_before.filter(|at| *at <= now + LONGEST_PAUSE), ..one };
    let candidates: Vec<Candidate> = candidates.into_iter().map(lawful).collect();
    let waits = candidates.iter().filter(|one| !one.locked).map(|one| one.not_before.map_or(now, |at| at.max(now)));
    let Some(earliest) = waits.min() else { return Ok(Err(Begun::Locked)) };
    if earliest > now {
        return Ok(Err(Begun::Throttled(now.until(earliest))));
    }
    let may_be_tried = |one: &Candidate| !one.locked && one.not_before.is_none_or(|at| at <= now);
    let mut counted = Vec::new();
    for Candidate { counted: mut one, .. } in candidates.into_iter().filter(may_be_tried) {
        one.failures += 1;
        let not_before = pause(one.failures).map(|pause| now + pause);
        let sql = "UPDATE code_authenticator SET failures = $2, not_before = $3 WHERE row_id = $1";
        transaction.execute(sql, values![one.row_id, one.failures, not_before])?;
        let of = one.of();
        used_steps::complete(transaction, now, of, &mut one.known)?;
        counted.push(one);
    }
    Ok(Ok(counted))
}

/// Takes back an attempt where it was counted. A back-off that a later attempt has set stays.
pub(super) fn uncount(transaction: &dyn Transaction, counted: &Counted) -> Result<(), StoreError> {
    let sql = "UPDATE code_authenticator SET failures = CASE WHEN failures > 0 THEN failures - 1 ELSE 0 END,
                   not_before = CASE WHEN failures = $2 THEN NULL ELSE not_before END
               WHERE row_id = $1 AND locked_at IS NULL";
    transaction.execute(sql, values![counted.row_id, counted.failures]).map(drop)
}

/// Spends a one-time code: false when it was spent before, or its authenticator has gone.
pub(super) fn spend_step(
    transaction: &dyn Transaction,
    rules: &Rules,
    counted: &Counted,
    right: Right,
) -> Result<bool, StoreError> {
    used_steps::forget_old(transaction, counted.of(), counted.known.last_step, right.step)?;
    let sql = format!(
        "UPDATE code_authenticator
         SET state = 'confirmed', last_step = $2, drift = $3, told_step = NULL, failures = 0, not_before = NULL
         WHERE row_id = $1 AND {} AND locked_at IS NULL AND state <> 'void'",
        condition(rules.unspent, &[("step", 2)])
    );
    let spent = transaction.changes_one(&sql, values![counted.row_id, right.step, right.drift])?;
    if spent {
        used_steps::accept(transaction, counted.row_id, right.step)?;
    }
    Ok(spent)
}

/// Makes the locked and resting authenticators of an account usable, and forgets their failures and what a wrong clock
/// has left ahead of the time; how many had any.
pub(super) fn unlock(
    transaction: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    account: AccountRow,
) -> Result<usize, StoreError> {
    let sql = "SELECT row_id, period, last_step FROM code_authenticator WHERE account = $1 AND state <> 'void'";
    let mut unlocked = 0;
    for row in transaction.rows("code_authenticator", sql, values![account])? {
        let row_id = row.get("row_id")?;
        let sql = "UPDATE code_authenticator SET failures = 0, not_before = NULL, locked_at = NULL
                   WHERE row_id = $1 AND (failures > 0 OR locked_at IS NOT NULL)";
        let had_failures = transaction.changes_one(sql, values![row_id])?;
        let current = code_steps::step_at(now, row.get("period")?);
        let was_ahead = row.get::<Option<u64>>("last_step")?.is_some_and(|last| last > code_steps::furthest(current));
        if was_ahead {
            used_steps::put_back(transaction, row_id, current)?;
        }
        unlocked += usize::from(had_failures || was_ahead);
    }
    if unlocked > 0 {
        Entry::new(now, by, Fact::CodesUnlocked).of_account(transaction, account)?;
    }
    Ok(unlocked)
}

impl Store {
    /// The first write of an attempt with a code of this kind: counts it, durably and before anything is compared.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn begin_code(
        &self,
        account: AccountRow,
        to_settle: Option<ToSettle>,
        kind: CodeKind,
    ) -> Result<Begun, StoreError> {
        self.write(move |transaction, now| {
            let mut challenge = None;
            if let Some(wanted) = to_settle {
                let found = find(transaction, account, wanted)?;
                let Some(row) = found else { return Ok(Begun::NoChallenge) };
                if !Methods::read(&row.get::<String>("methods")?).takes(kind) {
                    return Ok(Begun::NotAllowed);
                }
                let row_id = row.get("row_id")?;
                match challenge_state::state_to_tell(transaction, &row, now, row_id)? {
                    ChallengeState::Pending => challenge = Some(row_id),
                    state => return Ok(Begun::Over(state)),
                }
            }
            let sql = format!("SELECT a.* {USABLE} ORDER BY a.row_id");
            let candidates = transaction.rows("code_authenticator", &sql, values![account, kind])?;
            let candidates = candidates.iter().map(read_candidate).collect::<Result<_, _>>()?;
            Ok(match count(transaction, now, candidates)? {
                Ok(counted) => Begun::Counted(Attempt { account, kind, challenge, counted }),
                Err(refused) => refused,
            })
        })
        .await
    }

    /// The second write of an attempt whose code fits: spends it, and settles the challenge, both or neither.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn accept_code(
        &self,
        by: Actor,
        attempt: Attempt,
        row_id: AuthenticatorRow,
        spent: Spent,
    ) -> Result<Accepted, StoreError> {
        let rules = self.rules;
        self.write(move |transaction, now| {
            let state = attempt.challenge.map(|challenge| state_now(transaction, now, challenge)).transpose()?;
            if let Some(state) = state.filter(|state| *state != ChallengeState::Pending) {
                for counted in &attempt.counted {
                    uncount(transaction, counted)?;
                }
                return Ok(Accepted::Over(state));
            }
            let Some(counted) = attempt.counted.iter().find(|one| one.row_id == row_id) else {
                return Ok(Accepted::No);
            };
            let (was_unspent, fact, number) = match spent {
                Spent::Step(right) => (spend_step(transaction, &rules, counted, right)?, Fact::CodeAccepted, None),
                Spent::BackupCode(number) => {
                    let was_unspent = backup_codes::spend(transaction, &rules, now, row_id, number)?;
                    (was_unspent, Fact::BackupCodeAccepted, Some(number.to_string()))
                }
            };
            if !was_unspent {
                return Ok(Accepted::No);
            }
            let entry = Entry { reason: number.as_deref(), ..Entry::new(now, &by, fact) };
            entry.of_authenticator(transaction, row_id)?;
            if let Some(challenge) = attempt.challenge {
                settle(transaction, &rules, now, &by, challenge, (row_id, attempt.kind))?;
            }
            for counted in attempt.counted.iter().filter(|one| one.row_id != row_id) {
                uncount(transaction, counted)?;
            }
            Ok(Accepted::Yes)
        })
        .await
    }

    /// Takes back an attempt with a code that was accepted before, and writes down that it came again.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn excuse_code(&self, by: Actor, counted: &[Counted]) -> Result<(), StoreError> {
        let counted = counted.to_vec();
        self.write(move |transaction, now| {
            for one in &counted {
                uncount(transaction, one)?;
                let entry = Entry::new(now, &by, Fact::CodeRefused).because("used_before");
                entry.of_authenticator(transaction, one.row_id)?;
            }
            Ok(())
        })
        .await
    }

    /// Writes down that this attempt failed, and locks what its failure was the last allowed one for. `told` are steps
    /// whose code it was, at another time than theirs: they are used up.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn refuse_code(
        &self,
        by: Actor,
        counted: &[Counted],
        told: Vec<(AuthenticatorRow, u64)>,
    ) -> Result<(), StoreError> {
        let counted: Vec<_> = counted.iter().map(|one| (one.row_id, one.failures)).collect();
        self.write(move |transaction, now| {
            for (row_id, failures) in counted {
                let mut entry = Entry::new(now, &by, Fact::CodeRefused);
                for (_, step) in told.iter().filter(|(of, _)| *of == row_id) {
                    used_steps::use_up(transaction, row_id, *step)?;
                    entry = entry.because("clock");
                }
                entry.of_authenticator(transaction, row_id)?;
                if failures >= MAX_FAILURES && lock(transaction, now, row_id)? {
                    Entry::new(now, &by, Fact::CodesLocked).of_authenticator(transaction, row_id)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// How many wrong codes of this kind in a row the account's authenticators still take; zero when none is usable.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn remaining_attempts(&self, account: AccountRow, kind: CodeKind) -> Result<u32, StoreError> {
        self.read(move |transaction| {
            let sql = format!("SELECT min(a.failures) AS fewest {USABLE} AND a.locked_at IS NULL");
            let row = transaction.one_row("code_authenticator", &sql, values![account, kind])?;
            let fewest: Option<u32> = row.get("fewest")?;
            Ok(fewest.map_or(0, |failures| MAX_FAILURES.saturating_sub(failures)))
        })
        .await
    }

    /// The methods of the account that are codes: those of which something is at hand that is not locked.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn code_methods(&self, account: AccountRow) -> Result<Methods, StoreError> {
        self.read(move |transaction| code_methods(transaction, account)).await
    }

    /// Makes the locked and resting authenticators of an account usable, and forgets their failures and what a wrong
    /// clock has left ahead of the time; how many had any.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn unlock_account(&self, by: Actor, account: AccountRow) -> Result<usize, StoreError> {
        self.write(move |transaction, now| unlock(transaction, now, &by, account)).await
    }
}

/// Locks what makes codes; false when too few failures are counted there by now, or it is locked.
fn lock(transaction: &dyn Transaction, now: Timestamp, row_id: AuthenticatorRow) -> Result<bool, StoreError> {
    let sql = "UPDATE code_authenticator SET locked_at = $2
               WHERE row_id = $1 AND failures >= $3 AND locked_at IS NULL";
    transaction.changes_one(sql, values![row_id, now, MAX_FAILURES])
}

/// Locks what makes codes whatever is counted there, as it was before a restore; false when it is locked or over.
pub(super) fn lock_again(
    transaction: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    row_id: AuthenticatorRow,
) -> Result<bool, StoreError> {
    let sql =
        "UPDATE code_authenticator SET locked_at = $2 WHERE row_id = $1 AND locked_at IS NULL AND state <> 'void'";
    let locked = transaction.changes_one(sql, values![row_id, now])?;
    if locked {
        Entry::new(now, by, Fact::CodesLocked).of_authenticator(transaction, row_id)?;
    }
    Ok(locked)
}

/// With what an account can answer a challenge now: a phone that was asked and is in use, and what makes codes.
pub(super) fn methods_at_hand(
    transaction: &dyn Transaction,
    challenge: ChallengeRow,
    account: AccountRow,
) -> Result<Methods, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM challenge_device d JOIN enrolment e ON e.row_id = d.enrolment
               WHERE d.challenge = $1 AND e.state IN ('confirmed', 'proposed')) AS push";
    let push = transaction.one_row("challenge_device", sql, values![challenge])?.get("push")?;
    Ok(Methods { push, ..code_methods(transaction, account)? })
}

fn code_methods(transaction: &dyn Transaction, account: AccountRow) -> Result<Methods, StoreError> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 {USABLE} AND a.locked_at IS NULL AND a.failures < $3) AS code,
                EXISTS (SELECT 1 FROM code_authenticator a JOIN backup_code b ON b.authenticator = a.row_id
                        WHERE a.account = $1 AND a.kind = 'backup_codes' AND a.state = 'confirmed'
                          AND a.locked_at IS NULL AND a.failures < $3 AND b.used_at IS NULL) AS backup_code"
    );
    let row = transaction.one_row("code_authenticator", &sql, values![account, CodeKind::Totp, MAX_FAILURES])?;
    Ok(Methods { push: false, code: row.get("code")?, backup_code: row.get("backup_code")? })
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
