//! Pushes to be sent are rows, written together with their challenge: a crash between the two cannot lose one.

use super::accounts::parse;
use super::{Store, StoreError};
use countersign_core::handle::EnrolmentId;
use countersign_core::sealing::SealingPublicKey;
use countersign_core::time::Timestamp;
use rusqlite::{Connection, Row};

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
    /// The signed challenge.
    pub compact: String,
    /// Where the device is reached, sealed; none when the registration is gone.
    pub registration: Option<Vec<u8>>,
    /// Attempts so far.
    pub attempts: u32,
    /// When its challenge ends.
    pub expires_at: Timestamp,
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

/// Queues a push; part of creating a challenge.
pub(super) fn queue(
    connection: &Connection,
    challenge: i64,
    enrolment: i64,
    due_at: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO push (challenge, enrolment, state, due_at, expires_at) VALUES (?1, ?2, 'queued', ?3, ?4)";
    connection.prepare_cached(sql)?.execute((challenge, enrolment, due_at.millis(), expires_at.millis()))?;
    Ok(())
}

impl Store {
    /// The pushes that are due, the most urgent first. Those whose challenge is over are not among them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_pushes(&self, now: Timestamp, most: u32) -> Result<Vec<QueuedPush>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT p.row_id, e.row_id, e.handle, e.sealing_key, d.compact, e.push_registration, p.attempts, p.expires_at
                       FROM push p JOIN challenge c ON c.row_id = p.challenge JOIN enrolment e ON e.row_id = p.enrolment
                       JOIN challenge_device d ON d.challenge = p.challenge AND d.enrolment = p.enrolment
                       WHERE p.state = 'queued' AND p.due_at <= ?1 AND p.expires_at > ?1
                         AND c.state = 'pending' AND e.state = 'confirmed'
                       ORDER BY p.due_at LIMIT ?2";
            let read = |row: &Row<'_>| {
                Ok(QueuedPush {
                    row_id: row.get(0)?,
                    device: row.get(1)?,
                    enrolment_id: parse(&row.get::<_, String>(2)?)?,
                    sealing_key: SealingPublicKey::from_bytes(row.get(3)?),
                    compact: row.get(4)?,
                    registration: row.get(5)?,
                    attempts: row.get(6)?,
                    expires_at: Timestamp::from_millis(row.get(7)?),
                })
            };
            Ok(connection.prepare_cached(sql)?.query_map((now.millis(), most), read)?.collect::<Result<_, _>>()?)
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

    /// Writes down what became of a push that went to this registration.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_push(
        &self,
        push: i64,
        device: i64,
        sent_to: Option<Vec<u8>>,
        outcome: PushOutcome,
    ) -> Result<(), StoreError> {
        self.write(move |connection, _| {
            let (state, reason, due_at) = match &outcome {
                PushOutcome::Sent => ("sent", None, None),
                PushOutcome::Gone => ("gone", None, None),
                PushOutcome::Failed(reason) => ("failed", Some(reason), None),
                PushOutcome::RetryAt(due_at, reason) => ("queued", Some(reason), Some(due_at.millis())),
            };
            connection
                .prepare_cached(
                    "UPDATE push SET state = ?2, reason = ?3, due_at = coalesce(?4, due_at), attempts = attempts + 1 WHERE row_id = ?1",
                )?
                .execute((push, state, reason, due_at))?;
            if outcome == PushOutcome::Gone {
                // Only the one that was sent to: the device may have made a new one meanwhile.
                let sql = "UPDATE enrolment SET push_registration = NULL WHERE row_id = ?1 AND push_registration = ?2";
                connection.execute(sql, (device, sent_to))?;
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
                       OR (SELECT state FROM challenge WHERE row_id = push.challenge) <> 'pending')";
            connection.execute(sql, [now.millis()])?;
            Ok(())
        })
        .await
    }
}
