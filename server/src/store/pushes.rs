//! Pushes to be sent are rows, written together with their challenge: a crash between the two cannot lose one.

use super::accounts::parse;
use super::registrations::{self, StoredRegistration};
use super::{Store, StoreError};
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::key::sha256_text;
use countersign_protocol::retraction::Reason;
use countersign_protocol::sealing::SealingPublicKey;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

/// A push that is due.
#[derive(Debug, Clone)]
pub struct QueuedPush {
    /// The row.
    pub row_id: i64,
    /// The device's row.
    pub device: i64,
    /// The enrolment it goes to.
    pub enrolment_id: EnrolmentId,
    /// The device's sealing key.
    pub sealing_key: SealingPublicKey,
    /// What it says.
    pub content: Content,
    /// What it replaces where an earlier one still waits for the device: the same for every push about this challenge to
    /// this device, and for no other.
    pub topic: String,
    /// The row of the registration that it goes to.
    pub registration_row: Option<i64>,
    /// Where the device is reached; none when the registration is gone.
    pub registration: Option<StoredRegistration>,
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
    /// That a challenge waits no longer: still to be signed.
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

/// Reads why a challenge waits no longer from its stored state, and the method that settled it.
pub(super) fn reason(state: &str, method: Option<&str>) -> Reason {
    match (state, method) {
        ("cancelled", _) => Reason::Cancelled,
        (_, Some("code")) => Reason::Code,
        _ => Reason::Answered,
    }
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// The gateway took it.
    Sent,
    /// The gateway knows no such device: the registration is dropped, and the phone makes a new one.
    Gone,
    /// It cannot be sent; the text says why, for the operator.
    Failed(String),
    /// Try again at this moment.
    RetryAt(Timestamp, String),
}

/// Queues a push to each place where the device is reached; part of creating a challenge.
pub(super) fn queue(
    connection: &Connection,
    challenge: i64,
    enrolment: i64,
    due_at: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO push (challenge, enrolment, registration, lane, state, due_at, expires_at)
               SELECT ?1, enrolment, row_id, lane, 'queued', ?3, ?4 FROM push_registration
               WHERE enrolment = ?2 AND sealed IS NOT NULL ORDER BY row_id";
    connection.prepare_cached(sql)?.execute((challenge, enrolment, due_at.millis(), expires_at.millis()))?;
    Ok(())
}

/// Queues the pushes of a challenge that rang once more, with what it says by now: one that is on its way says the old.
/// Nothing is queued for a person who has stopped the pushes meanwhile.
pub(super) fn queue_again(connection: &Connection, challenge: i64, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO push (challenge, enrolment, registration, lane, state, due_at, expires_at)
               SELECT c.row_id, e.row_id, r.row_id, r.lane, 'queued', ?2, c.expires_at FROM challenge c
               JOIN account a ON a.row_id = c.account AND a.prompts_stopped_at IS NULL
               JOIN challenge_device d ON d.challenge = c.row_id JOIN enrolment e ON e.row_id = d.enrolment
               JOIN push_registration r ON r.enrolment = e.row_id AND r.sealed IS NOT NULL
               WHERE c.row_id = ?1 AND c.prompt = 'pushed' AND e.state = 'confirmed'";
    connection.prepare_cached(sql)?.execute((challenge, now.millis()))?;
    Ok(())
}

/// Takes a challenge's prompt from every device but the one that answered: what has not left is dropped; a device to which
/// one has left gets a retraction at each place where it is reached.
pub(super) fn retract(
    connection: &Connection,
    now: Timestamp,
    challenge: i64,
    but: Option<i64>,
) -> Result<(), StoreError> {
    let sql = "UPDATE push SET state = 'dropped' WHERE challenge = ?1 AND kind = 'challenge' AND state = 'queued'";
    connection.prepare_cached(sql)?.execute([challenge])?;
    let sql = "INSERT INTO push (challenge, enrolment, registration, lane, kind, state, due_at, expires_at)
               SELECT DISTINCT p.challenge, p.enrolment, g.row_id, g.lane, 'retraction', 'queued', ?2, p.expires_at
               FROM push p JOIN push_registration g ON g.enrolment = p.enrolment AND g.sealed IS NOT NULL
               WHERE p.challenge = ?1 AND p.kind = 'challenge' AND p.state = 'sent' AND p.enrolment IS NOT ?3
                 AND p.expires_at > ?2
                 AND NOT EXISTS (SELECT 1 FROM push r WHERE r.challenge = p.challenge AND r.registration = g.row_id
                                 AND r.kind = 'retraction')";
    connection.prepare_cached(sql)?.execute((challenge, now.millis(), but))?;
    Ok(())
}

/// A challenge that ended while its push was on the way: the retraction follows that push.
fn retract_late(connection: &Connection, now: Timestamp, push: i64) -> Result<(), StoreError> {
    let sql = "SELECT c.row_id, c.settled_by FROM push p JOIN challenge c ON c.row_id = p.challenge
               WHERE p.row_id = ?1 AND p.kind = 'challenge' AND c.state <> 'pending'";
    let over = connection.prepare_cached(sql)?.query_row([push], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((challenge, settled_by)) = over else { return Ok(()) };
    // One that was sent before this push was taken has been replaced by it.
    let sql =
        "UPDATE push SET state = 'queued', due_at = ?2 WHERE challenge = ?1 AND kind = 'retraction' AND state = 'sent'
               AND registration = (SELECT registration FROM push WHERE row_id = ?3)";
    connection.prepare_cached(sql)?.execute((challenge, now.millis(), push))?;
    retract(connection, now, challenge, settled_by)
}

fn read_due(row: &Row<'_>) -> rusqlite::Result<QueuedPush> {
    let enrolment_id: EnrolmentId = parse(&row.get::<_, String>(2)?)?;
    let challenge: String = row.get(9)?;
    let topic = sha256_text(format!("countersign topic v1\n{challenge}\n{enrolment_id}").as_bytes());
    let content = if row.get::<_, String>(8)? == "retraction" {
        Content::Retraction(Retracted {
            challenge_id: parse(&challenge)?,
            account_id: parse(&row.get::<_, String>(10)?)?,
            device: row.get(11)?,
            enrolment_id,
            reason: reason(&row.get::<_, String>(12)?, row.get::<_, Option<String>>(14)?.as_deref()),
        })
    } else {
        Content::Challenge(row.get(4)?)
    };
    let registration = match row.get(5)? {
        Some(sealed) => {
            let registered_at = Timestamp::from_millis(row.get(13)?);
            Some(StoredRegistration { sealed, registered_at, vapid_key: row.get(16)? })
        }
        None => None,
    };
    Ok(QueuedPush {
        row_id: row.get(0)?,
        device: row.get(1)?,
        enrolment_id,
        sealing_key: SealingPublicKey::from_bytes(row.get(3)?),
        content,
        topic,
        registration_row: row.get(15)?,
        registration,
        attempts: row.get(6)?,
        expires_at: Timestamp::from_millis(row.get(7)?),
    })
}

impl Store {
    /// The lanes in which something is due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_lanes(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT DISTINCT lane FROM push WHERE state = 'queued' AND due_at <= ?1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_map([now.millis()], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The pushes of a lane that are due, the most urgent first. Those whose challenge is over are not among them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_pushes(&self, lane: String, now: Timestamp, most: usize) -> Result<Vec<QueuedPush>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.read(move |connection| {
            let sql =
                "SELECT p.row_id, e.row_id, e.handle, e.sealing_key, d.compact, r.sealed, p.attempts, p.expires_at,
                              p.kind, c.handle, a.handle, e.request_key_id, c.state, r.registered_at, c.settled_method,
                              p.registration, k.public_key
                       FROM push p JOIN challenge c ON c.row_id = p.challenge JOIN enrolment e ON e.row_id = p.enrolment
                       JOIN account a ON a.row_id = c.account
                       JOIN challenge_device d ON d.challenge = p.challenge AND d.enrolment = p.enrolment
                       LEFT JOIN push_registration r ON r.row_id = p.registration AND r.enrolment = p.enrolment
                       LEFT JOIN vapid_key k ON k.sequence = r.vapid_key
                       WHERE p.state = 'queued' AND p.lane = ?3 AND p.due_at <= ?1 AND p.expires_at > ?1
                         AND (c.state = 'pending') = (p.kind = 'challenge') AND e.state = 'confirmed'
                         AND (p.kind = 'retraction' OR a.prompts_stopped_at IS NULL)
                       ORDER BY p.due_at LIMIT ?2";
            Ok(connection
                .prepare_cached(sql)?
                .query_map((now.millis(), most, lane), read_due)?
                .collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Why the latest question did not go through to this device, when no place took it where the device is reached.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn push_failure(&self, device: i64) -> Result<Option<String>, StoreError> {
        self.read(move |connection| {
            // The last push to each place: a question that changes is pushed again.
            let sql = "WITH latest AS (
                           SELECT state, reason, max(row_id) FROM push
                           WHERE enrolment = ?1 AND kind = 'challenge' AND registration IS NOT NULL AND challenge =
                               (SELECT challenge FROM push WHERE enrolment = ?1 AND kind = 'challenge' ORDER BY row_id DESC LIMIT 1)
                           GROUP BY registration)
                       SELECT CASE WHEN max(state = 'sent') = 0 THEN max(CASE state WHEN 'failed' THEN reason END) END FROM latest";
            Ok(connection.prepare_cached(sql)?.query_row([device], |row| row.get(0))?)
        })
        .await
    }

    /// When the next queued push is due, if there is one that is not due yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_push_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT min(due_at) FROM push WHERE state = 'queued' AND due_at > ?1";
            let due: Option<i64> = connection.query_row(sql, [now.millis()], |row| row.get(0))?;
            Ok(due.map(Timestamp::from_millis))
        })
        .await
    }

    /// Writes down what became of a push. One that is gone takes with it the registration that it went to, and no other: the
    /// device may have made a new one meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_push(
        &self,
        push: i64,
        registration: Option<i64>,
        outcome: PushOutcome,
    ) -> Result<(), StoreError> {
        self.write(move |connection, now| {
            let (state, reason, due_at) = match &outcome {
                PushOutcome::Sent => ("sent", None, None),
                PushOutcome::Gone => ("gone", None, None),
                PushOutcome::Failed(reason) => ("failed", Some(reason), None),
                PushOutcome::RetryAt(due_at, reason) => ("queued", Some(reason), Some(due_at.millis())),
            };
            connection
                .prepare_cached(
                    "UPDATE push SET state = ?2, reason = ?3, due_at = coalesce(?4, due_at), attempts = attempts + 1
                     WHERE row_id = ?1 AND (?2 <> 'queued' OR state = 'queued')",
                )?
                .execute((push, state, reason, due_at))?;
            if outcome == PushOutcome::Sent {
                retract_late(connection, now, push)?;
            }
            if let (PushOutcome::Gone, Some(registration)) = (&outcome, registration) {
                registrations::mark_gone(connection, now, registration)?;
            }
            Ok(())
        })
        .await
    }

    /// Drops the queued pushes whose challenge is over, so that the queue holds only what may still be sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_stale_pushes(&self) -> Result<(), StoreError> {
        self.write(|connection, now| {
            let sql = "UPDATE push SET state = 'dropped' WHERE state = 'queued' AND (expires_at <= ?1
                       OR (kind = 'challenge' AND (SELECT state FROM challenge WHERE row_id = push.challenge) <> 'pending'))";
            connection.execute(sql, [now.millis()])?;
            Ok(())
        })
        .await
    }
}
