//! Webhooks, and the events to be told: rows written together with what happened, so that a crash between the two cannot
//! lose one.

use super::challenges;
use super::{Store, StoreError, changed_one};
use crate::domain::methods::amr;
use crate::domain::moment::rfc3339;
use countersign_protocol::key::sha256_text;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long an event that is not taken is tried again.
pub const EVENT_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How long the secret before a rotation signs beside the one after it.
const SECRET_OVERLAP: Duration = Duration::from_secs(24 * 3600);
/// How long events are kept that are delivered or dead.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// What happened to a challenge. Each of these happens to one challenge at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    Approved,
    Denied,
    Reported,
    Cancelled,
    Claimed,
    Revoked,
    /// The question was a tap and asks for its number from now on.
    Numbered,
}

impl Happened {
    /// The word on the wire.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "challenge.approved",
            Self::Denied => "challenge.denied",
            Self::Reported => "challenge.reported",
            Self::Cancelled => "challenge.cancelled",
            Self::Claimed => "challenge.claimed",
            Self::Revoked => "challenge.revoked",
            Self::Numbered => "challenge.numbered",
        }
    }
}

/// What an event says of its challenge: what its relying party could have read at that moment, and no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeEvent {
    /// The challenge.
    pub id: String,
    /// Its state.
    pub state: String,
    /// The user who was asked.
    pub user_id: String,
    /// True once the person has said "this was not me".
    pub reported: bool,
    /// How the person was authenticated (RFC 8176); empty unless approved.
    pub amr: Vec<String>,
    /// When it happened (RFC 3339).
    pub at: String,
}

/// An event that is due.
#[derive(Debug, Clone)]
pub struct DueEvent {
    /// The row.
    pub row_id: i64,
    /// Names it; the same at every attempt.
    pub id: String,
    /// The relying party's row.
    pub relying_party: i64,
    /// The relying party's external handle.
    pub audience: String,
    /// Where it goes.
    pub url: String,
    /// What signs it, sealed: the secret, and for a day the one before it.
    pub secrets: Vec<Vec<u8>>,
    /// What happened.
    pub kind: String,
    /// Of what.
    pub challenge: ChallengeEvent,
    /// When it happened.
    pub created_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// No attempt that fails is followed by one after this.
    pub expires_at: Timestamp,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventOutcome {
    /// The receiver took it.
    Delivered,
    /// Try again at this moment; the text says why.
    RetryAt(Timestamp, String),
    /// It is not tried any more; the text says why.
    Dead(String),
    /// The receiver is gone: its webhook is disabled, and what waits for it is dead.
    Gone(String),
}

/// A webhook as the operator sees it.
#[derive(Debug, Clone)]
pub struct WebhookRecord {
    /// The relying party's external handle.
    pub relying_party: String,
    /// The relying party's name.
    pub name: String,
    /// Where events go.
    pub url: String,
    /// True since the receiver said that it is gone.
    pub disabled: bool,
    /// How many events wait.
    pub queued: u64,
    /// How many events are dead.
    pub dead: u64,
}

/// An event that was not taken.
#[derive(Debug, Clone)]
pub struct DeadEvent {
    /// Names it.
    pub id: String,
    /// What happened.
    pub kind: String,
    /// When.
    pub created_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it is not tried any more.
    pub reason: String,
    /// What it says.
    pub challenge: ChallengeEvent,
}

/// Writes down what happened, in the transaction in which it did; nothing where the relying party has no webhook.
pub(super) fn emit(
    connection: &Connection,
    now: Timestamp,
    challenge: i64,
    happened: Happened,
) -> Result<(), StoreError> {
    let sql = "SELECT c.relying_party, c.handle, a.handle, c.state, c.expires_at, c.settled_at, c.report IS NOT NULL, c.settled_method
               FROM challenge c JOIN webhook w ON w.relying_party = c.relying_party JOIN account a ON a.row_id = c.account
               JOIN relying_party p ON p.row_id = c.relying_party
               WHERE c.row_id = ?1 AND w.disabled_at IS NULL AND p.revoked_at IS NULL";
    let read = |row: &Row<'_>| {
        let (expires_at, settled_at) = (Timestamp::from_millis(row.get(4)?), row.get::<_, Option<i64>>(5)?);
        let state =
            challenges::read_state(&row.get::<_, String>(3)?, expires_at, settled_at.map(Timestamp::from_millis), now)?;
        let by_code = row.get::<_, Option<String>>(7)?.as_deref() == Some("code");
        let event = ChallengeEvent {
            id: row.get(1)?,
            state: state.as_str().into(),
            user_id: row.get(2)?,
            reported: row.get(6)?,
            amr: amr(state, by_code).iter().map(|&word| word.to_owned()).collect(),
            at: rfc3339(now),
        };
        Ok((row.get::<_, i64>(0)?, event))
    };
    let Some((relying_party, event)) = connection.prepare_cached(sql)?.query_row([challenge], read).optional()? else {
        return Ok(());
    };
    let payload = serde_json::to_string(&event).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    let kind = happened.as_str();
    let digest = sha256_text(format!("countersign event v1\n{}\n{kind}", event.id).as_bytes());
    let sql = "INSERT INTO webhook_event (handle, relying_party, challenge, type, payload, created_at, state, due_at, expires_at)
               VALUES (:handle, :relying_party, :challenge, :type, :payload, :now, 'queued', :now, :expires_at)
               ON CONFLICT (handle) DO NOTHING";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":handle": format!("evt_{}", &digest[..22]),
        ":relying_party": relying_party,
        ":challenge": challenge,
        ":type": kind,
        ":payload": payload,
        ":now": now.millis(),
        ":expires_at": (now + EVENT_LIFETIME).millis(),
    })?;
    Ok(())
}

fn read_event(json: &str) -> rusqlite::Result<ChallengeEvent> {
    serde_json::from_str(json).map_err(|_| rusqlite::Error::InvalidQuery)
}

impl Store {
    /// The relying parties for whom something is due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_receivers(&self, now: Timestamp) -> Result<Vec<i64>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT relying_party FROM webhook_event WHERE state = 'queued' AND due_at <= ?1
                       GROUP BY relying_party ORDER BY min(due_at)";
            Ok(connection
                .prepare_cached(sql)?
                .query_map([now.millis()], |row| row.get(0))?
                .collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The event of a relying party that is due first. One whose challenge has an earlier one that still waits is not due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_event(&self, relying_party: i64, now: Timestamp) -> Result<Option<DueEvent>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT e.row_id, e.handle, p.handle, w.url, w.secret,
                              CASE WHEN w.rotated_at > ?3 THEN w.earlier_secret END, e.type, e.payload, e.created_at, e.attempts,
                              e.expires_at
                       FROM webhook_event e JOIN webhook w ON w.relying_party = e.relying_party
                       JOIN relying_party p ON p.row_id = e.relying_party
                       WHERE e.relying_party = ?1 AND e.state = 'queued' AND e.due_at <= ?2
                         AND NOT EXISTS (SELECT 1 FROM webhook_event earlier WHERE earlier.challenge = e.challenge
                                         AND earlier.state = 'queued' AND earlier.row_id < e.row_id)
                       ORDER BY e.due_at, e.row_id LIMIT 1";
            let read = |row: &Row<'_>| {
                let secrets = [Some(row.get::<_, Vec<u8>>(4)?), row.get(5)?];
                Ok(DueEvent {
                    row_id: row.get(0)?,
                    id: row.get(1)?,
                    relying_party,
                    audience: row.get(2)?,
                    url: row.get(3)?,
                    secrets: secrets.into_iter().flatten().collect(),
                    kind: row.get(6)?,
                    challenge: read_event(&row.get::<_, String>(7)?)?,
                    created_at: Timestamp::from_millis(row.get(8)?),
                    attempts: row.get(9)?,
                    expires_at: Timestamp::from_millis(row.get(10)?),
                })
            };
            let parameters = (relying_party, now.millis(), (now - SECRET_OVERLAP).millis());
            Ok(connection.prepare_cached(sql)?.query_row(parameters, read).optional()?)
        })
        .await
    }

    /// When the next event is due, if there is one that is not due yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_event_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT min(due_at) FROM webhook_event WHERE state = 'queued' AND due_at > ?1";
            let due: Option<i64> = connection.prepare_cached(sql)?.query_row([now.millis()], |row| row.get(0))?;
            Ok(due.map(Timestamp::from_millis))
        })
        .await
    }

    /// Writes down what became of an attempt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_event(&self, event: DueEvent, outcome: EventOutcome) -> Result<(), StoreError> {
        self.write(move |connection, now| {
            let (state, reason, due_at) = match outcome {
                EventOutcome::Delivered => ("delivered", None, None),
                EventOutcome::RetryAt(due_at, reason) => ("queued", Some(reason), Some(due_at.millis())),
                EventOutcome::Dead(reason) => ("dead", Some(reason), None),
                EventOutcome::Gone(reason) => {
                    // Only the receiver that was asked: the operator may have named another one meanwhile.
                    let sql = "UPDATE webhook SET disabled_at = ?3 WHERE relying_party = ?1 AND url = ?2 AND disabled_at IS NULL";
                    let parameters = (event.relying_party, &event.url, now.millis());
                    if changed_one(connection.execute(sql, parameters)?) {
                        kill_queue(connection, event.relying_party, &reason)?;
                        let sql = "UPDATE webhook_event SET attempts = attempts + 1 WHERE row_id = ?1";
                        connection.execute(sql, [event.row_id])?;
                        return Ok(());
                    }
                    ("queued", Some(reason), None)
                }
            };
            let sql = "UPDATE webhook_event SET state = ?2, reason = ?3, due_at = coalesce(?4, due_at), attempts = attempts + 1
                       WHERE row_id = ?1 AND state = 'queued'";
            connection.prepare_cached(sql)?.execute((event.row_id, state, reason, due_at))?;
            Ok(())
        })
        .await
    }

    /// Forgets the events that were delivered or died long ago.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_old_events(&self) -> Result<(), StoreError> {
        self.write(|connection, now| {
            let sql = "DELETE FROM webhook_event WHERE state <> 'queued' AND created_at < ?1";
            connection.prepare_cached(sql)?.execute([(now - KEPT).millis()])?;
            Ok(())
        })
        .await
    }

    /// Tells a relying party's events to this address from now on. True when it had no webhook: then the secret is this
    /// one, otherwise it stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_webhook(&self, relying_party: i64, url: String, secret: Vec<u8>) -> Result<bool, StoreError> {
        self.write(move |connection, now| {
            let sql = "UPDATE webhook SET url = ?2, disabled_at = NULL WHERE relying_party = ?1";
            if changed_one(connection.execute(sql, (relying_party, &url))?) {
                return Ok(false);
            }
            let sql = "INSERT INTO webhook (relying_party, url, secret, created_at) VALUES (?1, ?2, ?3, ?4)";
            connection.execute(sql, (relying_party, url, secret, now.millis()))?;
            Ok(true)
        })
        .await
    }

    /// Gives a webhook a new secret, beside which the earlier one signs for a day; false when there is no webhook.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rotate_webhook(&self, relying_party: i64, secret: Vec<u8>) -> Result<bool, StoreError> {
        self.write(move |connection, now| {
            let sql =
                "UPDATE webhook SET earlier_secret = secret, secret = ?2, rotated_at = ?3 WHERE relying_party = ?1";
            Ok(changed_one(connection.execute(sql, (relying_party, secret, now.millis()))?))
        })
        .await
    }

    /// Removes a webhook; what waits for it is dead. False when there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_webhook(&self, relying_party: i64) -> Result<bool, StoreError> {
        self.write(move |connection, _| {
            kill_queue(connection, relying_party, "the webhook was removed")?;
            Ok(changed_one(connection.execute("DELETE FROM webhook WHERE relying_party = ?1", [relying_party])?))
        })
        .await
    }

    /// Every webhook, by its relying party's name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webhooks(&self) -> Result<Vec<WebhookRecord>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT p.handle, p.name, w.url, w.disabled_at IS NOT NULL,
                              (SELECT count(*) FROM webhook_event WHERE relying_party = p.row_id AND state = 'queued'),
                              (SELECT count(*) FROM webhook_event WHERE relying_party = p.row_id AND state = 'dead')
                       FROM webhook w JOIN relying_party p ON p.row_id = w.relying_party ORDER BY p.name, p.handle";
            let read = |row: &Row<'_>| {
                Ok(WebhookRecord {
                    relying_party: row.get(0)?,
                    name: row.get(1)?,
                    url: row.get(2)?,
                    disabled: row.get(3)?,
                    queued: row.get::<_, i64>(4)?.unsigned_abs(),
                    dead: row.get::<_, i64>(5)?.unsigned_abs(),
                })
            };
            Ok(connection.prepare(sql)?.query_map([], read)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The dead events of a relying party, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dead_events(&self, relying_party: i64) -> Result<Vec<DeadEvent>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT handle, type, created_at, attempts, coalesce(reason, ''), payload FROM webhook_event
                       WHERE relying_party = ?1 AND state = 'dead' ORDER BY row_id";
            let read = |row: &Row<'_>| {
                Ok(DeadEvent {
                    id: row.get(0)?,
                    kind: row.get(1)?,
                    created_at: Timestamp::from_millis(row.get(2)?),
                    attempts: row.get(3)?,
                    reason: row.get(4)?,
                    challenge: read_event(&row.get::<_, String>(5)?)?,
                })
            };
            Ok(connection.prepare(sql)?.query_map([relying_party], read)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Queues dead events once more, for another day: one by its id, or all. How many, of relying parties whose webhook is
    /// in use.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay_events(&self, which: Replayed) -> Result<usize, StoreError> {
        self.write(move |connection, now| {
            let (id, relying_party) = match which {
                Replayed::One(id) => (Some(id), None),
                Replayed::AllOf(relying_party) => (None, Some(relying_party)),
            };
            let sql =
                "UPDATE webhook_event SET state = 'queued', attempts = 0, reason = NULL, due_at = ?3, expires_at = ?4
                       WHERE state = 'dead' AND (handle = ?1 OR relying_party = ?2)
                         AND relying_party IN (SELECT relying_party FROM webhook WHERE disabled_at IS NULL)";
            let parameters = (id, relying_party, now.millis(), (now + EVENT_LIFETIME).millis());
            Ok(connection.execute(sql, parameters)?)
        })
        .await
    }
}

/// Which dead events are told once more.
#[derive(Debug, Clone)]
pub enum Replayed {
    /// The one of this id.
    One(String),
    /// Those of the relying party in this row.
    AllOf(i64),
}

fn kill_queue(connection: &Connection, relying_party: i64, reason: &str) -> Result<(), StoreError> {
    let sql = "UPDATE webhook_event SET state = 'dead', reason = ?2 || coalesce('; before: ' || reason, '')
               WHERE relying_party = ?1 AND state = 'queued'";
    connection.execute(sql, (relying_party, reason))?;
    Ok(())
}
