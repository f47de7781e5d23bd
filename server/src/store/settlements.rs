//! How a challenge ends: settled by a device's answer, at most once and in time, or reported at any time.

use super::challenges;
use super::webhooks::{self, Happened};
use super::{Rules, Store, StoreError, changed_one, claims, codes, prompts, pushes};
use countersign_protocol::decision::Answer;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use subtle::ConstantTimeEq;

/// A checked decision, to be settled.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The challenge.
    pub challenge: ChallengeId,
    /// The device that answered.
    pub device: i64,
    /// Its copy of the challenge, as it was when the decision was checked.
    pub compact: String,
    /// The answer.
    pub answer: Answer,
    /// What the person typed, where a number was asked for.
    pub number: Option<String>,
    /// True when the person was verified for this answer, and that is believed.
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
    row_id: i64,
    account: i64,
    state: ChallengeState,
    number: Option<String>,
    settled_by: Option<i64>,
    wrong_number: bool,
}

impl Store {
    /// Step 5's write: one guarded UPDATE. When it changes nothing, the rest says why.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settle(&self, settlement: Settlement) -> Result<Settled, StoreError> {
        let rules = self.rules;
        self.write(move |connection, now| {
            let Some(found) = find(connection, now, settlement.challenge)? else { return Ok(Settled::NotAsked) };
            if settlement.answer == Answer::Report {
                return report(connection, &rules, now, &settlement, &found);
            }
            let right = !rules.compares_number || is_right(found.number.as_deref(), settlement.number.as_deref());
            let approves = settlement.answer == Answer::Approve;
            let sql = format!(
                "UPDATE challenge SET state = :state, settled_at = :now, settled_by = :device, decision = :decision,
                     settled_method = 'push', wrong_number = :wrong_number
                 WHERE row_id = :row_id AND {} AND EXISTS
                     (SELECT 1 FROM enrolment e JOIN challenge_device d ON d.enrolment = e.row_id
                      WHERE e.row_id = :device AND d.challenge = challenge.row_id AND {})",
                rules.may_settle, rules.may_answer
            );
            let changed = connection.prepare_cached(&sql)?.execute(named_params! {
                ":state": if approves && right { "approved" } else { "denied" },
                ":now": now.millis(),
                ":device": settlement.device,
                ":decision": settlement.decision,
                ":wrong_number": approves && !right,
                ":row_id": found.row_id,
                ":compact": settlement.compact,
                ":approves": approves,
            })?;
            if !changed_one(changed) {
                return why_not_settled(connection, &settlement, &found);
            }
            keep_what_was_answered(connection, &found, &settlement)?;
            pushes::retract(connection, now, found.row_id, Some(settlement.device))?;
            let happened = if approves && right { Happened::Approved } else { Happened::Denied };
            webhooks::emit(connection, now, found.row_id, happened)?;
            match (approves, right) {
                (true, false) => Ok(Settled::WrongNumber),
                (true, true) => {
                    if settlement.user_verified {
                        prompts::resume(connection, found.account)?;
                        codes::unlock(connection, found.account)?;
                    }
                    Ok(Settled::Counts(ChallengeState::Approved))
                }
                (false, _) => Ok(Settled::Counts(ChallengeState::Denied)),
            }
        })
        .await
    }
}

/// True when what was typed is what was shown, or nothing was asked for. Takes the same time however much of it is right.
fn is_right(shown: Option<&str>, typed: Option<&str>) -> bool {
    match (shown, typed) {
        (Some(shown), Some(typed)) => shown.as_bytes().ct_eq(typed.as_bytes()).into(),
        // A NO types nothing, and where YES is a tap nothing is compared.
        (None, _) | (_, None) => shown.is_none(),
    }
}

/// The form that was answered is the one of the receipt.
fn keep_what_was_answered(connection: &Connection, found: &Found, settlement: &Settlement) -> Result<(), StoreError> {
    let sql = "UPDATE challenge_device SET compact = earlier, earlier = compact
               WHERE challenge = ?1 AND enrolment = ?2 AND earlier = ?3";
    let parameters = (found.row_id, settlement.device, &settlement.compact);
    if changed_one(connection.prepare_cached(sql)?.execute(parameters)?) {
        let sql = "UPDATE challenge SET certificate = earlier_certificate WHERE row_id = ?1";
        connection.execute(sql, [found.row_id])?;
    }
    Ok(())
}

fn find(connection: &Connection, now: Timestamp, id: ChallengeId) -> Result<Option<Found>, StoreError> {
    let sql = "SELECT row_id, account, state, expires_at, settled_at, number, settled_by, wrong_number
               FROM challenge WHERE handle = ?1";
    let read = |row: &Row<'_>| {
        let settled_at: Option<i64> = row.get(4)?;
        let expires_at = Timestamp::from_millis(row.get(3)?);
        Ok(Found {
            row_id: row.get(0)?,
            account: row.get(1)?,
            state: challenges::read_state(
                &row.get::<_, String>(2)?,
                expires_at,
                settled_at.map(Timestamp::from_millis),
                now,
            )?,
            number: row.get(5)?,
            settled_by: row.get(6)?,
            wrong_number: row.get(7)?,
        })
    };
    Ok(connection.prepare_cached(sql)?.query_row([id.to_string()], read).optional()?)
}

/// True when a device is in use and was asked, in whatever form.
fn was_asked(connection: &Connection, found: &Found, settlement: &Settlement) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM enrolment e JOIN challenge_device d ON d.enrolment = e.row_id
                              WHERE e.row_id = ?1 AND d.challenge = ?2 AND e.state = 'confirmed')";
    Ok(connection.prepare_cached(sql)?.query_row((settlement.device, found.row_id), |row| row.get(0))?)
}

fn why_not_settled(connection: &Connection, settlement: &Settlement, found: &Found) -> Result<Settled, StoreError> {
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
            if was_asked(connection, found, settlement)? {
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

/// "This was not me": takes back what nobody has claimed, and stops the pushes to the account. The first report counts; a
/// repetition, also by another device, changes nothing, so that it does not stop again what was lifted meanwhile.
fn report(
    connection: &Connection,
    rules: &Rules,
    now: Timestamp,
    settlement: &Settlement,
    found: &Found,
) -> Result<Settled, StoreError> {
    if !was_asked(connection, found, settlement)? {
        return Ok(Settled::NotAsked);
    }
    let sql = format!(
        "UPDATE challenge SET report = :decision, reported_at = :now, reported_by = :device
         WHERE row_id = :row_id AND {}",
        rules.may_report
    );
    let changed = connection.prepare_cached(&sql)?.execute(named_params! {
        ":decision": settlement.decision,
        ":now": now.millis(),
        ":device": settlement.device,
        ":row_id": found.row_id,
    })?;
    if !changed_one(changed) {
        return Ok(Settled::Counts(found.state));
    }
    let sql = format!(
        "UPDATE challenge SET state = 'reported', settled_at = :now, settled_by = :device, decision = :decision
         WHERE row_id = :row_id AND {}",
        rules.may_settle
    );
    let ended = changed_one(connection.prepare_cached(&sql)?.execute(named_params! {
        ":now": now.millis(),
        ":device": settlement.device,
        ":decision": settlement.decision,
        ":row_id": found.row_id,
    })?);
    let revoked = claims::revoke(connection, rules, now, "row_id = :row", found.row_id)?;
    webhooks::emit(connection, now, found.row_id, Happened::Reported)?;
    prompts::stop(connection, now, found.account)?;
    if ended {
        keep_what_was_answered(connection, found, settlement)?;
        pushes::retract(connection, now, found.row_id, Some(settlement.device))?;
    }
    Ok(Settled::Counts(match (ended, revoked) {
        (true, _) => ChallengeState::Reported,
        (_, true) => ChallengeState::Revoked,
        _ => found.state,
    }))
}
