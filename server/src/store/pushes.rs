//! Pushes to be sent are rows, written together with their challenge: a crash between the two cannot lose one.

use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::registrations::{self, StoredRegistration, Trace};
use super::{LEASE, Store, StoreError};
use crate::domain::rows::{ChallengeRow, DeviceRow, PushRow, RegistrationRow};
use crate::domain::states::{ChallengeStage, PushKind, PushStage, SettledMethod};
use countersign_protocol::device_api::PushFailure;
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::key::sha256_text;
use countersign_protocol::retraction::Reason;
use countersign_protocol::sealing::SealingPublicKey;
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// The longest that a place is left alone because its network asked for it: as long as the longest question lives.
pub const LONGEST_REST: Duration = Duration::from_secs(600);

/// A push that is due.
#[derive(Debug, Clone)]
pub struct QueuedPush {
    /// The row.
    pub row_id: PushRow,
    /// The device's row.
    pub device: DeviceRow,
    /// The enrolment it goes to.
    pub enrolment_id: EnrolmentId,
    /// The device's sealing key.
    pub sealing_key: SealingPublicKey,
    /// What it says.
    pub content: Content,
    /// Stands for this challenge on this device: at the push network a newer push replaces an earlier one of the same
    /// topic that still waits, so that the phone is told only the latest.
    pub topic: String,
    /// The row of the registration that it goes to.
    pub registration_row: Option<RegistrationRow>,
    /// Where the device is reached; none when the registration is gone.
    pub registration: Option<StoredRegistration>,
    /// The keyed digest of that place, if it is known.
    pub place: Option<Vec<u8>>,
    /// How many pushes in a row that place did not take at that moment.
    pub failures: u32,
    /// Attempts so far.
    pub attempts: u32,
    /// When its challenge ends.
    pub expires_at: Timestamp,
}

/// What a push says.
#[derive(Debug, Clone)]
pub enum Content {
    /// The signed challenge.
    Challenge(String),
    /// That a challenge waits no longer. It is signed when it is sent, unlike a challenge, which is stored signed.
    Retraction(Retracted),
}

/// A challenge that waits no longer, for one device that was asked.
#[derive(Debug, Clone)]
pub struct Retracted {
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The account.
    pub account_id: AccountId,
    /// The device: the thumbprint of its request key.
    pub device: String,
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
    /// Why.
    pub reason: Reason,
}

/// Why a challenge waits no longer.
pub(super) const fn reason(stage: ChallengeStage, method: Option<SettledMethod>) -> Reason {
    match (stage, method) {
        (ChallengeStage::Cancelled, _) => Reason::Cancelled,
        (_, Some(SettledMethod::Code | SettledMethod::BackupCode)) => Reason::Code,
        _ => Reason::Answered,
    }
}

/// Which of the pushes that are due in a lane to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The most urgent first.
    Any,
    /// First those to places that work and have not failed since, then those to new places, then those to the place
    /// that failed longest ago: whoever looks whether a network is well should not ask where it was not.
    BestFirst,
    /// Only those to places that have not failed since they last worked.
    Unfailed,
}

impl Choice {
    /// A condition on the pushes `p` with their registrations `r`, and their order.
    const fn condition_and_order(self) -> (&'static str, &'static str) {
        match self {
            Self::Any => ("", "p.due_at"),
            Self::BestFirst => ("", "r.failed_at IS NOT NULL, r.worked_at IS NULL, r.failed_at, p.due_at"),
            Self::Unfailed => ("AND r.row_id IS NOT NULL AND r.failed_at IS NULL", "r.worked_at IS NULL, p.due_at"),
        }
    }
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// The gateway took it.
    Sent,
    /// The gateway knows no such device: the registration is dropped, and the phone makes a new one.
    Gone(Untaken),
    /// It cannot be sent.
    Failed(Untaken),
    /// Try again at this moment.
    RetryAt(Timestamp, Untaken),
}

/// Why a push was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untaken {
    /// The word for the device.
    pub failure: PushFailure,
    /// The sentence for the relying party.
    pub reason: String,
    /// What it leaves at the place to which the push went.
    pub trace: Trace,
}

/// Queues a push to each place where the device is reached; part of creating a challenge.
pub(super) fn queue(
    tx: &dyn Transaction,
    challenge: ChallengeRow,
    device: DeviceRow,
    due_at: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    // A place whose network asked to be left alone is left alone, also when that takes longer than the question lives.
    // A moment that is further away than any rest was written before the clock was set back, and counts no more.
    let sql = "INSERT INTO push (challenge, enrolment, registration, lane, state, due_at, expires_at, cause, reason)
               SELECT $1, enrolment, row_id, lane, 'queued',
                      CASE WHEN rests THEN rests_until ELSE $3 END, $4, CASE WHEN rests THEN $5 END,
                      CASE WHEN rests THEN $6 END
               FROM (SELECT *, rests_until > $3 AND rests_until <= $7 AS rests FROM push_registration) r
               WHERE enrolment = $2 AND sealed IS NOT NULL ORDER BY row_id";
    let waits = "the push service asked not to be sent anything for a while";
    tx.execute(sql, values![challenge, device, due_at, expires_at, PushFailure::NotNow, waits, due_at + LONGEST_REST])?;
    Ok(())
}

/// Queues the pushes of a challenge once more after its text has changed, because one that is already on its way says
/// the earlier text. Only a challenge that was pushed before is pushed again, and none to a person who has stopped the
/// pushes meanwhile.
pub(super) fn queue_again(tx: &dyn Transaction, challenge: ChallengeRow, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO push (challenge, enrolment, registration, lane, state, due_at, expires_at)
               SELECT c.row_id, e.row_id, r.row_id, r.lane, 'queued',
                      CASE WHEN r.rests_until > $2 AND r.rests_until <= $3 THEN r.rests_until ELSE $2 END, c.expires_at
               FROM challenge c
               JOIN account a ON a.row_id = c.account AND a.prompts_stopped_at IS NULL
               JOIN challenge_device d ON d.challenge = c.row_id JOIN enrolment e ON e.row_id = d.enrolment
               JOIN push_registration r ON r.enrolment = e.row_id AND r.sealed IS NOT NULL
               WHERE c.row_id = $1 AND c.prompt = 'pushed' AND e.state = 'confirmed'";
    tx.execute(sql, values![challenge, now, now + LONGEST_REST])?;
    Ok(())
}

/// Takes a challenge's prompt back from every device but the one that answered. Pushes that still wait are dropped; a
/// device to which one was sent gets a retraction at each place where it is reached.
pub(super) fn retract(
    tx: &dyn Transaction,
    now: Timestamp,
    challenge: ChallengeRow,
    but: Option<DeviceRow>,
) -> Result<(), StoreError> {
    let sql = "UPDATE push SET state = 'dropped' WHERE challenge = $1 AND kind = 'challenge' AND state = 'queued'";
    tx.execute(sql, values![challenge])?;
    let sql = "INSERT INTO push (challenge, enrolment, registration, lane, kind, state, due_at, expires_at)
               SELECT DISTINCT p.challenge, p.enrolment, g.row_id, g.lane, 'retraction', 'queued', $2, p.expires_at
               FROM push p JOIN push_registration g ON g.enrolment = p.enrolment AND g.sealed IS NOT NULL
               WHERE p.challenge = $1 AND p.kind = 'challenge' AND p.state = 'sent' AND p.enrolment IS DISTINCT FROM $3
                 AND p.expires_at > $2
                 AND NOT EXISTS (SELECT 1 FROM push r WHERE r.challenge = p.challenge AND r.registration = g.row_id
                                 AND r.kind = 'retraction')";
    tx.execute(sql, values![challenge, now, but])?;
    Ok(())
}

/// Queues a retraction when a challenge ended while its push was on the way: without it the phone would go on showing a
/// question that is over.
fn retract_late(tx: &dyn Transaction, now: Timestamp, push: PushRow) -> Result<(), StoreError> {
    let sql = "SELECT c.row_id, c.settled_by FROM push p JOIN challenge c ON c.row_id = p.challenge
               WHERE p.row_id = $1 AND p.kind = 'challenge' AND c.state <> 'pending'";
    let Some(over) = tx.row("challenge", sql, values![push])? else { return Ok(()) };
    let (challenge, settled_by) = (over.get("row_id")?, over.get("settled_by")?);
    // A retraction that was sent before this push arrived may have been replaced by it, as both have the same topic: it
    // is sent again.
    let sql = "UPDATE push SET state = 'queued', due_at = $2
               WHERE challenge = $1 AND kind = 'retraction' AND state = 'sent'
                 AND registration = (SELECT registration FROM push WHERE row_id = $3)";
    tx.execute(sql, values![challenge, now, push])?;
    retract(tx, now, challenge, settled_by)
}

/// Selects pushes, each with all that is needed to send it. The caller adds the condition.
const DUE: &str =
    "SELECT p.row_id, p.enrolment, e.handle AS enrolment_id, e.sealing_key, d.compact, r.sealed, p.attempts,
           p.expires_at, p.kind, c.handle AS challenge_id, a.handle AS account_id, e.request_key_id, c.state,
           r.registered_at, c.settled_method, p.registration, k.public_key, r.place,
           coalesce(r.failures, 0) AS failures
    FROM push p JOIN challenge c ON c.row_id = p.challenge JOIN enrolment e ON e.row_id = p.enrolment
    JOIN account a ON a.row_id = c.account
    JOIN challenge_device d ON d.challenge = p.challenge AND d.enrolment = p.enrolment
    LEFT JOIN push_registration r ON r.row_id = p.registration AND r.enrolment = p.enrolment
    LEFT JOIN vapid_key k ON k.sequence = r.vapid_key";

/// Selects the pushes of the lane `$1` that are due at `$2`, `$3` at most.
fn due(choice: Choice) -> String {
    let (condition, order) = choice.condition_and_order();
    format!(
        "{DUE} WHERE p.state = 'queued' AND p.lane = $1 AND p.due_at <= $2 AND p.expires_at > $2
           AND (p.leased_until IS NULL OR p.leased_until <= $2)
           AND (c.state = 'pending') = (p.kind = 'challenge') AND e.state IN ('confirmed', 'proposed')
           AND (p.kind = 'retraction' OR (a.prompts_stopped_at IS NULL AND c.told_over_at IS NULL)) {condition}
         ORDER BY {order} LIMIT $3"
    )
}

fn read_due(row: &Row) -> Result<QueuedPush, StoreError> {
    let (challenge_id, enrolment_id): (ChallengeId, EnrolmentId) = (row.get("challenge_id")?, row.get("enrolment_id")?);
    let topic = sha256_text(format!("countersign topic v1\n{challenge_id}\n{enrolment_id}").as_bytes());
    let content = match row.get("kind")? {
        PushKind::Challenge => Content::Challenge(row.get("compact")?),
        PushKind::Retraction => Content::Retraction(Retracted {
            challenge_id,
            account_id: row.get("account_id")?,
            device: row.get("request_key_id")?,
            enrolment_id,
            reason: reason(row.get("state")?, row.get("settled_method")?),
        }),
    };
    let registration = match row.get("sealed")? {
        Some(sealed) => {
            let (registered_at, vapid_key) = (row.get("registered_at")?, row.get("public_key")?);
            Some(StoredRegistration { sealed, registered_at, vapid_key })
        }
        None => None,
    };
    Ok(QueuedPush {
        row_id: row.get("row_id")?,
        device: row.get("enrolment")?,
        enrolment_id,
        sealing_key: row.get("sealing_key")?,
        content,
        topic,
        registration_row: row.get("registration")?,
        registration,
        place: row.get("place")?,
        failures: row.get("failures")?,
        attempts: row.get("attempts")?,
        expires_at: row.get("expires_at")?,
    })
}

impl Store {
    /// The lanes in which something is due that no process is sending.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn due_lanes(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT DISTINCT lane FROM push
                       WHERE state = 'queued' AND due_at <= $1 AND (leased_until IS NULL OR leased_until <= $1)";
            tx.rows("push", sql, values![now])?.iter().map(|row| row.get("lane")).collect()
        })
        .await
    }

    /// Whether a push is due in this lane to a place that has not failed since it last worked.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn is_unfailed_push_due(&self, lane: String, now: Timestamp) -> Result<bool, StoreError> {
        self.read(move |tx| Ok(tx.row("push", &due(Choice::Unfailed), values![lane, now, 1_u32])?.is_some())).await
    }

    /// Takes the pushes of a lane that are due, these and so many at most: until their lease ends, no other process
    /// sends them, and neither does this one again. Those whose challenge is over are not among them.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn take_due_pushes(
        &self,
        lane: String,
        most: usize,
        choice: Choice,
    ) -> Result<Vec<QueuedPush>, StoreError> {
        let process = self.process.clone();
        let due = due(choice);
        self.write(move |tx, now| {
            let rows = tx.rows("push", &due, values![lane, now, most])?;
            let due = rows.iter().map(read_due).collect::<Result<Vec<_>, _>>()?;
            for push in &due {
                let sql = "UPDATE push SET leased_by = $2, leased_until = $3 WHERE row_id = $1";
                tx.execute(sql, values![push.row_id, &process, now + LEASE])?;
            }
            Ok(due)
        })
        .await
    }

    /// Why the latest question did not get through to this device; none when it was sent to at least one of the places
    /// where the device is reached, or was not tried yet.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn push_failure(&self, device: DeviceRow) -> Result<Option<PushFailure>, StoreError> {
        self.read(move |tx| {
            // The last push to each place: a question that changes is pushed again. Of several places that failed, one
            // that is over tells more than one that is tried again, and one that the phone repairs by itself the least.
            let sql = "WITH latest AS (
                           SELECT max(row_id) AS row_id FROM push
                           WHERE enrolment = $1 AND kind = 'challenge' AND registration IS NOT NULL
                             AND challenge = (SELECT challenge FROM push WHERE enrolment = $1 AND kind = 'challenge'
                                              ORDER BY row_id DESC LIMIT 1)
                           GROUP BY registration)
                       SELECT CASE WHEN count(*) FILTER (WHERE p.state = 'sent') = 0
                                   THEN coalesce(max(p.cause) FILTER (WHERE p.state = 'failed'),
                                                 max(p.cause) FILTER (WHERE p.state <> 'gone'), max(p.cause)) END
                              AS cause
                       FROM latest l JOIN push p ON p.row_id = l.row_id";
            tx.one_row("push", sql, values![device])?.get("cause")
        })
        .await
    }

    /// The next moment after `now` at which a queued push falls due or its lease ends; none when there is no such push.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn next_push_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |tx| {
            let sql =
                "SELECT min(CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END) AS due_at FROM push
                       WHERE state = 'queued' AND (due_at > $1 OR leased_until > $1)";
            tx.one_row("push", sql, values![now])?.get("due_at")
        })
        .await
    }

    /// Writes down what became of a push, and ends its lease. When the network no longer knows the device, the
    /// registration that the push went to is dropped, and no other: the device may have made a new one meanwhile.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn finish_push(
        &self,
        push: PushRow,
        registration: Option<RegistrationRow>,
        outcome: PushOutcome,
    ) -> Result<(), StoreError> {
        self.write(move |tx, now| {
            let (stage, why, due_at) = match &outcome {
                PushOutcome::Sent => (PushStage::Sent, None, None),
                PushOutcome::Gone(why) => (PushStage::Gone, Some(why), None),
                PushOutcome::Failed(why) => (PushStage::Failed, Some(why), None),
                PushOutcome::RetryAt(due_at, why) => (PushStage::Queued, Some(why), Some(*due_at)),
            };
            let sql = "UPDATE push SET state = $2, reason = $3, due_at = coalesce($4, due_at), attempts = attempts + 1,
                           leased_by = NULL, leased_until = NULL, cause = $5
                       WHERE row_id = $1 AND ($2 <> 'queued' OR state = 'queued')";
            let (reason, cause) = (why.map(|why| &why.reason), why.map(|why| why.failure));
            tx.execute(sql, values![push, stage, reason, due_at, cause])?;
            if outcome == PushOutcome::Sent {
                retract_late(tx, now, push)?;
            }
            match (&outcome, registration) {
                (PushOutcome::Gone(_), Some(registration)) => registrations::mark_gone(tx, now, registration),
                (_, Some(registration)) => registrations::trace(tx, now, registration, why.map(|why| why.trace)),
                (_, None) => Ok(()),
            }
        })
        .await
    }

    /// Ends the queued pushes whose challenge is over, so that the queue holds only what may still be sent: one that
    /// was told as over is never sent, however long it has still to live by a clock that went back. One that was
    /// refused for as long as its challenge lived has failed.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn drop_stale_pushes(&self) -> Result<(), StoreError> {
        self.write(|tx, now| {
            let sql = "UPDATE push SET state = CASE WHEN cause IS NOT NULL AND (expires_at <= $1 OR 'pending' =
                           (SELECT state FROM challenge WHERE row_id = push.challenge)) THEN 'failed' ELSE 'dropped' END
                       WHERE state = 'queued' AND (expires_at <= $1 OR (kind = 'challenge' AND EXISTS
                           (SELECT 1 FROM challenge c WHERE c.row_id = push.challenge
                            AND (c.state <> 'pending' OR c.told_over_at IS NOT NULL))))";
            tx.execute(sql, values![now])?;
            Ok(())
        })
        .await
    }
}
