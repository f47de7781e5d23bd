//! How a challenge ends: settled by a device's answer, at most once and in time, or reported at any time.

use super::claims::{self, Of};
use super::engine::Transaction;
use super::engine::value::values;
use super::moves::{self, Verdict};
use super::rules::condition;
use super::{Rules, Store, StoreError, challenge_state, codes, devices, prompts, pushes, webhooks};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::rows::{AccountRow, ChallengeRow, DeviceRow};
use crate::domain::states::ChallengeStage;
use countersign_protocol::decision::Answer;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::relying_party_api::{ChallengeState, MoveState};
use countersign_protocol::time::Timestamp;
use subtle::ConstantTimeEq;

/// A checked decision, to be settled.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The challenge.
    pub challenge: ChallengeId,
    /// The device that answered.
    pub device: DeviceRow,
    /// Its copy of the challenge, as it was when the decision was checked.
    pub compact: String,
    /// The answer.
    pub answer: Answer,
    /// What the person typed, where a number was asked for.
    pub number: Option<String>,
    /// True when the device says that it verified the person for this answer, and that counts: since its hardware was
    /// found to ask the person each time, or the operator takes its word (`accept_unattested`).
    pub user_verified: bool,
    /// The compact JWS of the answer.
    pub decision: String,
}

/// What became of a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// This answer counts, and the challenge is in this state; also when the same device gave the same answer before.
    Counts(ChallengeState),
    /// The number is not the one that was shown: the challenge is denied.
    WrongNumber,
    /// Another answer was first.
    AlreadyAnswered,
    /// Too late.
    Expired,
    /// The relying party took the question back.
    Cancelled,
    /// The device is no longer in use, or was never asked.
    NotAsked,
    /// The question has changed since the decision was checked.
    Changed,
}

/// What a challenge is at the time of a settlement.
struct Found {
    row_id: ChallengeRow,
    account: AccountRow,
    state: ChallengeState,
    number: Option<String>,
    settled_by: Option<DeviceRow>,
    wrong_number: bool,
}

impl Store {
    /// Writes down a device's answer (step 5 of the protocol) in one guarded UPDATE, so that of two answers at the same
    /// moment only one counts. When the UPDATE changes nothing, the challenge as it was found says why.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn settle(&self, by: Actor, settlement: Settlement) -> Result<Settled, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| {
            let Some(found) = find(tx, now, settlement.challenge)? else { return Ok(Settled::NotAsked) };
            if settlement.answer == Answer::Report {
                return report(tx, &rules, now, &by, &settlement, &found);
            }
            let right = !rules.compares_number || is_right(found.number.as_deref(), settlement.number.as_deref());
            let approves = settlement.answer == Answer::Approve;
            let (stage, fact) = if approves && right {
                (ChallengeStage::Approved, Fact::ChallengeApproved)
            } else {
                (ChallengeStage::Denied, Fact::ChallengeDenied)
            };
            let sql = format!(
                "UPDATE challenge SET state = $1, settled_at = $2, settled_by = $3, decision = $4,
                     settled_method = 'push', wrong_number = $5
                 WHERE row_id = $6 AND {} AND EXISTS
                     (SELECT 1 FROM enrolment e JOIN challenge_device d ON d.enrolment = e.row_id
                      WHERE e.row_id = $3 AND d.challenge = challenge.row_id AND {})",
                condition(rules.may_settle, &[("now", 2)]),
                condition(rules.may_answer, &[("compact", 7), ("approves", 8)])
            );
            let values = values![
                stage,
                now,
                settlement.device,
                &settlement.decision,
                approves && !right,
                found.row_id,
                &settlement.compact,
                approves,
            ];
            if !tx.changes_one(&sql, values)? {
                return why_not_settled(tx, &settlement, &found);
            }
            devices::heard_of(tx, now, settlement.device)?;
            keep_what_was_answered(tx, &found, &settlement)?;
            pushes::retract(tx, now, found.row_id, Some(settlement.device))?;
            webhooks::tell(tx, now, &by, found.row_id, fact)?;
            match (approves, right) {
                (true, false) => Ok(Settled::WrongNumber),
                (true, true) => {
                    let verdict = Verdict::Yes { user_verified: settlement.user_verified };
                    moves::answered(tx, &rules, now, &by, (found.row_id, settlement.device), verdict)?;
                    if settlement.user_verified {
                        prompts::resume(tx, now, &by, found.account)?;
                        codes::unlock(tx, now, &by, found.account)?;
                    }
                    Ok(Settled::Counts(ChallengeState::Approved))
                }
                (false, _) => {
                    moves::answered(tx, &rules, now, &by, (found.row_id, settlement.device), Verdict::No)?;
                    Ok(Settled::Counts(ChallengeState::Denied))
                }
            }
        })
        .await
    }
}

/// True when what was typed is what was shown, or nothing was asked for. Takes the same time however much of it is
/// right.
fn is_right(shown: Option<&str>, typed: Option<&str>) -> bool {
    match (shown, typed) {
        (Some(shown), Some(typed)) => shown.as_bytes().ct_eq(typed.as_bytes()).into(),
        // Where YES is a tap, no number was shown and nothing is compared. A NO comes without a number.
        (None, _) | (_, None) => shown.is_none(),
    }
}

/// When the answer is to the earlier form of the challenge, makes that form the current one again, with its
/// certificate: the receipt must show what the person answered.
fn keep_what_was_answered(tx: &dyn Transaction, found: &Found, settlement: &Settlement) -> Result<(), StoreError> {
    let sql = "UPDATE challenge_device SET compact = earlier, earlier = compact
               WHERE challenge = $1 AND enrolment = $2 AND earlier = $3";
    if tx.changes_one(sql, values![found.row_id, settlement.device, &settlement.compact])? {
        let sql = "UPDATE challenge SET certificate = earlier_certificate WHERE row_id = $1";
        tx.execute(sql, values![found.row_id])?;
    }
    Ok(())
}

fn find(tx: &dyn Transaction, now: Timestamp, id: ChallengeId) -> Result<Option<Found>, StoreError> {
    let sql = "SELECT row_id, account, state, created_at, expires_at, settled_at, told_over_at, number, settled_by,
                      wrong_number
               FROM challenge WHERE handle = $1";
    let Some(row) = tx.row("challenge", sql, values![id])? else { return Ok(None) };
    let row_id = row.get("row_id")?;
    Ok(Some(Found {
        row_id,
        account: row.get("account")?,
        state: challenge_state::state_to_tell(tx, &row, now, row_id)?,
        number: row.get("number")?,
        settled_by: row.get("settled_by")?,
        wrong_number: row.get("wrong_number")?,
    }))
}

/// True when a device is in use and was asked, whichever form of the challenge it has seen.
fn was_asked(tx: &dyn Transaction, found: &Found, settlement: &Settlement) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM enrolment e JOIN challenge_device d ON d.enrolment = e.row_id
                              WHERE e.row_id = $1 AND d.challenge = $2 AND e.state IN ('confirmed', 'proposed'))
                   AS asked";
    tx.one_row("challenge_device", sql, values![settlement.device, found.row_id])?.get("asked")
}

fn why_not_settled(tx: &dyn Transaction, settlement: &Settlement, found: &Found) -> Result<Settled, StoreError> {
    let approved = matches!(
        found.state,
        ChallengeState::Approved | ChallengeState::Claimed | ChallengeState::Lapsed | ChallengeState::Revoked
    );
    let own = found.settled_by == Some(settlement.device);
    Ok(match (found.state, settlement.answer) {
        (ChallengeState::Denied, Answer::Approve) if own && found.wrong_number => Settled::WrongNumber,
        (state, Answer::Approve) if own && approved => Settled::Counts(state),
        (ChallengeState::Denied, Answer::Deny) if own && !found.wrong_number => Settled::Counts(ChallengeState::Denied),
        (ChallengeState::Pending, _) => {
            if was_asked(tx, found, settlement)? {
                Settled::Changed
            } else {
                Settled::NotAsked
            }
        }
        (ChallengeState::Expired, _) => Settled::Expired,
        (ChallengeState::Cancelled, _) => Settled::Cancelled,
        _ => Settled::AlreadyAnswered,
    })
}

/// "This was not me": takes back what nobody has claimed, and stops the pushes to the account. The first report counts;
/// a repetition, also by another device, changes nothing, so that it does not stop again the pushes that were resumed
/// meanwhile.
fn report(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    settlement: &Settlement,
    found: &Found,
) -> Result<Settled, StoreError> {
    if !was_asked(tx, found, settlement)? {
        return Ok(Settled::NotAsked);
    }
    let sql = format!(
        "UPDATE challenge SET report = $1, reported_at = $2, reported_by = $3 WHERE row_id = $4 AND {}",
        condition(rules.may_report, &[])
    );
    let values = values![&settlement.decision, now, settlement.device, found.row_id];
    if !tx.changes_one(&sql, values)? {
        return Ok(Settled::Counts(found.state));
    }
    let sql = format!(
        "UPDATE challenge SET state = 'reported', decision = $1, settled_at = $2, settled_by = $3
         WHERE row_id = $4 AND {}",
        condition(rules.may_settle, &[("now", 2)])
    );
    let ended = tx.changes_one(&sql, values)?;
    let revoked = claims::revoke(tx, rules, now, by, Of::Challenge(found.row_id))?;
    webhooks::tell(tx, now, by, found.row_id, Fact::ChallengeReported)?;
    prompts::stop(tx, now, by, found.account)?;
    // Whoever is signed in as the person is not the person.
    moves::end_of_account(tx, rules, now, by, found.account, MoveState::Reported)?;
    if ended {
        keep_what_was_answered(tx, found, settlement)?;
        pushes::retract(tx, now, found.row_id, Some(settlement.device))?;
    }
    Ok(Settled::Counts(match (ended, revoked) {
        (true, _) => ChallengeState::Reported,
        (_, true) => ChallengeState::Revoked,
        _ => found.state,
    }))
}
