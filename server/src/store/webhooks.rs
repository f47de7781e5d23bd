//! Webhooks, and the events to be told: lines of the journal on their way to a relying party, queued in the transaction
//! that wrote them, so that a crash between the two cannot lose one.

use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::journal::{ChallengeDetail, Entry};
use super::{LEASE, Store, StoreError};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::moment::rfc3339;
use crate::domain::rows::{ChallengeRow, EventRow, RelyingPartyRow};
use crate::domain::states::EventStage;
use countersign_protocol::key::sha256_text;
use countersign_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::time::Duration;

/// How long an event is tried again that its receiver does not take.
pub const EVENT_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How long after a rotation the earlier secret signs as well, so that a receiver has time to learn the new one.
const SECRET_OVERLAP: Duration = Duration::from_secs(24 * 3600);

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
    pub row_id: EventRow,
    /// Names it; the same at every attempt.
    pub id: String,
    /// The relying party's row.
    pub relying_party: RelyingPartyRow,
    /// The relying party's external handle.
    pub audience: String,
    /// Where it goes.
    pub url: String,
    /// The secrets that sign it, each sealed: the current one, and for a day after a rotation the one before it.
    pub secrets: Vec<Vec<u8>>,
    /// What happened.
    pub fact: Fact,
    /// The challenge to which it happened, as it was then.
    pub challenge: ChallengeEvent,
    /// When it happened.
    pub created_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// An attempt that fails is not repeated after this moment.
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
    pub fact: Fact,
    /// When.
    pub created_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it is not tried any more.
    pub reason: String,
    /// What it says.
    pub challenge: ChallengeEvent,
}

/// Writes down in the journal what happened to a challenge, in the transaction in which it happened, and queues the
/// event for its relying party if that has a webhook. Each fact happens to one challenge at most once.
pub(super) fn tell(
    tx: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    challenge: ChallengeRow,
    fact: Fact,
) -> Result<(), StoreError> {
    let line = Entry::new(now, by, fact).of_challenge(tx, challenge)?;
    if !fact.is_told() {
        return Ok(());
    }
    let sql = "SELECT c.row_id, c.handle, c.relying_party FROM challenge c
               JOIN webhook w ON w.relying_party = c.relying_party JOIN relying_party p ON p.row_id = c.relying_party
               WHERE c.row_id = $1 AND w.disabled_at IS NULL AND p.revoked_at IS NULL";
    let Some(row) = tx.row("challenge", sql, values![challenge])? else { return Ok(()) };
    let (handle, relying_party): (String, RelyingPartyRow) = (row.get("handle")?, row.get("relying_party")?);
    let digest = sha256_text(format!("countersign event v1\n{handle}\n{}", fact.as_str()).as_bytes());
    let sql = "INSERT INTO webhook_event (handle, relying_party, challenge, journal, state, due_at, expires_at)
               VALUES ($1, $2, $3, $4, 'queued', $5, $6) ON CONFLICT (handle) DO NOTHING";
    let handle = format!("evt_{}", &digest[..22]);
    tx.execute(sql, values![handle, relying_party, challenge, line, now, now + EVENT_LIFETIME])?;
    Ok(())
}

/// Tells a receiver nothing more until it is set anew: after a restore nobody knows its address or its secret any more.
/// False when there is none, or nothing is told there anyway.
pub(super) fn switch_off(
    tx: &dyn Transaction,
    now: Timestamp,
    relying_party: RelyingPartyRow,
) -> Result<bool, StoreError> {
    let sql = "UPDATE webhook SET disabled_at = $2 WHERE relying_party = $1 AND disabled_at IS NULL";
    let off = tx.changes_one(sql, values![relying_party, now])?;
    if off {
        kill_queue(tx, relying_party, "the webhook was changed after the backup from which the server was restored")?;
        let entry = Entry::new(now, &Actor::OPERATOR, Fact::WebhookDisabled).because("restored");
        entry.of_relying_party(tx, relying_party)?;
    }
    Ok(off)
}

/// What a line of the journal says of its challenge.
fn read_event(row: &Row) -> Result<ChallengeEvent, StoreError> {
    let detail: String = row.get("detail")?;
    let detail: ChallengeDetail =
        serde_json::from_str(&detail).map_err(|_| row.unreadable("detail", "cannot be read"))?;
    let ChallengeDetail { state, reported, amr } = detail;
    let (id, user_id) = (row.get("challenge_id")?, row.get("account_id")?);
    Ok(ChallengeEvent { id, state, user_id, reported, amr, at: rfc3339(row.get("at")?) })
}

impl Store {
    /// The relying parties for whom something is due that no process is telling.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn due_receivers(&self, now: Timestamp) -> Result<Vec<RelyingPartyRow>, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT relying_party FROM webhook_event
                       WHERE state = 'queued' AND due_at <= $1 AND (leased_until IS NULL OR leased_until <= $1)
                       GROUP BY relying_party ORDER BY min(due_at)";
            tx.rows("webhook_event", sql, values![now])?.iter().map(|row| row.get("relying_party")).collect()
        })
        .await
    }

    /// Takes the event of a relying party that is due first: until its lease ends, no other process tells it, and
    /// neither does this one again. An event is not due while an earlier one of its challenge still waits, so that a
    /// receiver hears of them in their order.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn take_due_event(&self, relying_party: RelyingPartyRow) -> Result<Option<DueEvent>, StoreError> {
        let process = self.process.clone();
        self.write(move |tx, now| {
            let sql = "SELECT e.row_id, e.handle, p.handle AS audience, w.url, w.secret,
                              CASE WHEN w.rotated_at > $3 THEN w.earlier_secret END AS earlier_secret,
                              j.fact, j.detail, j.challenge AS challenge_id, j.account AS account_id, j.at,
                              e.attempts, e.expires_at
                       FROM webhook_event e JOIN webhook w ON w.relying_party = e.relying_party
                       JOIN relying_party p ON p.row_id = e.relying_party JOIN journal j ON j.row_id = e.journal
                       WHERE e.relying_party = $1 AND e.state = 'queued' AND e.due_at <= $2
                         AND (e.leased_until IS NULL OR e.leased_until <= $2)
                         AND NOT EXISTS (SELECT 1 FROM webhook_event earlier WHERE earlier.challenge = e.challenge
                                         AND earlier.state = 'queued' AND earlier.row_id < e.row_id)
                       ORDER BY e.due_at, e.row_id LIMIT 1";
            let Some(row) = tx.row("webhook_event", sql, values![relying_party, now, now - SECRET_OVERLAP])? else {
                return Ok(None);
            };
            let secrets = [Some(row.get::<Vec<u8>>("secret")?), row.get("earlier_secret")?];
            let event = DueEvent {
                row_id: row.get("row_id")?,
                id: row.get("handle")?,
                relying_party,
                audience: row.get("audience")?,
                url: row.get("url")?,
                secrets: secrets.into_iter().flatten().collect(),
                fact: row.get("fact")?,
                challenge: read_event(&row)?,
                created_at: row.get("at")?,
                attempts: row.get("attempts")?,
                expires_at: row.get("expires_at")?,
            };
            let sql = "UPDATE webhook_event SET leased_by = $2, leased_until = $3 WHERE row_id = $1";
            tx.execute(sql, values![event.row_id, &process, now + LEASE])?;
            Ok(Some(event))
        })
        .await
    }

    /// The next moment after `now` at which a queued event falls due or its lease ends; none when there is no such
    /// event.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn next_event_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT min(CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END) AS due_at
                       FROM webhook_event WHERE state = 'queued' AND (due_at > $1 OR leased_until > $1)";
            tx.one_row("webhook_event", sql, values![now])?.get("due_at")
        })
        .await
    }

    /// Writes down what became of an attempt, and ends its lease.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn finish_event(&self, event: DueEvent, outcome: EventOutcome) -> Result<(), StoreError> {
        self.write(move |tx, now| {
            let (stage, reason, due_at) = match outcome {
                EventOutcome::Delivered => (EventStage::Delivered, None, None),
                EventOutcome::RetryAt(due_at, reason) => (EventStage::Queued, Some(reason), Some(due_at)),
                EventOutcome::Dead(reason) => (EventStage::Dead, Some(reason), None),
                EventOutcome::Gone(reason) => {
                    if disable(tx, now, &event, &reason)? {
                        return Ok(());
                    }
                    // The operator has named another receiver meanwhile, which is told instead.
                    (EventStage::Queued, Some(reason), None)
                }
            };
            let sql = "UPDATE webhook_event SET state = $2, reason = $3, due_at = coalesce($4, due_at),
                           attempts = attempts + 1, leased_by = NULL, leased_until = NULL
                       WHERE row_id = $1 AND state = 'queued'";
            tx.execute(sql, values![event.row_id, stage, reason, due_at])?;
            Ok(())
        })
        .await
    }

    /// Sends a relying party's events to this address from now on. True when it had no webhook and `secret` is now the
    /// one that signs; false when it had one, whose secret stays.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn set_webhook(
        &self,
        by: Actor,
        relying_party: RelyingPartyRow,
        url: String,
        secret: Vec<u8>,
    ) -> Result<bool, StoreError> {
        self.write(move |tx, now| {
            Entry::new(now, &by, Fact::WebhookSet).of_relying_party(tx, relying_party)?;
            let sql = "UPDATE webhook SET url = $2, disabled_at = NULL WHERE relying_party = $1";
            if tx.changes_one(sql, values![relying_party, &url])? {
                return Ok(false);
            }
            let sql = "INSERT INTO webhook (relying_party, url, secret, created_at) VALUES ($1, $2, $3, $4)";
            tx.execute(sql, values![relying_party, &url, &secret, now])?;
            Ok(true)
        })
        .await
    }

    /// Gives a webhook a new secret, beside which the earlier one signs for a day; false when there is no webhook.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn rotate_webhook(
        &self,
        by: Actor,
        relying_party: RelyingPartyRow,
        secret: Vec<u8>,
    ) -> Result<bool, StoreError> {
        self.write(move |tx, now| {
            let sql =
                "UPDATE webhook SET earlier_secret = secret, secret = $2, rotated_at = $3 WHERE relying_party = $1";
            let rotated = tx.changes_one(sql, values![relying_party, &secret, now])?;
            if rotated {
                Entry::new(now, &by, Fact::WebhookRotated).of_relying_party(tx, relying_party)?;
            }
            Ok(rotated)
        })
        .await
    }

    /// Removes a webhook; what waits for it is dead. False when there is none.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn remove_webhook(&self, by: Actor, relying_party: RelyingPartyRow) -> Result<bool, StoreError> {
        self.write(move |tx, now| {
            kill_queue(tx, relying_party, "the webhook was removed")?;
            let removed = tx.changes_one("DELETE FROM webhook WHERE relying_party = $1", values![relying_party])?;
            if removed {
                Entry::new(now, &by, Fact::WebhookRemoved).of_relying_party(tx, relying_party)?;
            }
            Ok(removed)
        })
        .await
    }

    /// Every webhook, by its relying party's name.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn webhooks(&self) -> Result<Vec<WebhookRecord>, StoreError> {
        self.read(|tx| {
            let sql = "SELECT p.row_id, p.handle, p.name, w.url, w.disabled_at IS NOT NULL AS disabled,
                              (SELECT count(*) FROM webhook_event
                               WHERE relying_party = p.row_id AND state = 'queued') AS queued,
                              (SELECT count(*) FROM webhook_event
                               WHERE relying_party = p.row_id AND state = 'dead') AS dead
                       FROM webhook w JOIN relying_party p ON p.row_id = w.relying_party ORDER BY p.name, p.handle";
            let read = |row: &Row| {
                Ok(WebhookRecord {
                    relying_party: row.get("handle")?,
                    name: row.get("name")?,
                    url: row.get("url")?,
                    disabled: row.get("disabled")?,
                    queued: row.get("queued")?,
                    dead: row.get("dead")?,
                })
            };
            tx.rows("webhook", sql, values![])?.iter().map(read).collect()
        })
        .await
    }

    /// The dead events of a relying party, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn dead_events(&self, relying_party: RelyingPartyRow) -> Result<Vec<DeadEvent>, StoreError> {
        self.read(move |tx| {
            let sql =
                "SELECT e.row_id, e.handle, j.fact, j.detail, j.challenge AS challenge_id, j.account AS account_id,
                              j.at, e.attempts, coalesce(e.reason, '') AS reason
                       FROM webhook_event e JOIN journal j ON j.row_id = e.journal
                       WHERE e.relying_party = $1 AND e.state = 'dead' ORDER BY e.row_id";
            let read = |row: &Row| {
                Ok(DeadEvent {
                    id: row.get("handle")?,
                    fact: row.get("fact")?,
                    created_at: row.get("at")?,
                    attempts: row.get("attempts")?,
                    reason: row.get("reason")?,
                    challenge: read_event(row)?,
                })
            };
            tx.rows("webhook_event", sql, values![relying_party])?.iter().map(read).collect()
        })
        .await
    }

    /// Queues dead events once more, for another day: one by its id, or all of a relying party. Gives how many were
    /// queued: none whose webhook is removed or disabled.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn replay_events(&self, by: Actor, which: Replayed) -> Result<usize, StoreError> {
        self.write(move |tx, now| {
            let (id, relying_party) = match which {
                Replayed::One(id) => (Some(id), None),
                Replayed::AllOf(relying_party) => (None, Some(relying_party)),
            };
            let sql =
                "UPDATE webhook_event SET state = 'queued', attempts = 0, reason = NULL, due_at = $3, expires_at = $4
                 WHERE state = 'dead' AND (handle = $1 OR relying_party = $2)
                   AND relying_party IN (SELECT relying_party FROM webhook WHERE disabled_at IS NULL)
                 RETURNING row_id, relying_party";
            let replayed = tx.rows("webhook_event", sql, values![id, relying_party, now, now + EVENT_LIFETIME])?;
            let receivers: Result<HashSet<RelyingPartyRow>, StoreError> =
                replayed.iter().map(|event| event.get("relying_party")).collect();
            for receiver in receivers? {
                Entry::new(now, &by, Fact::WebhookReplayed).of_relying_party(tx, receiver)?;
            }
            Ok(replayed.len())
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
    AllOf(RelyingPartyRow),
}

/// Disables the webhook whose receiver said that it is gone, and kills what waits for it; false when the operator has
/// named another receiver meanwhile.
fn disable(tx: &dyn Transaction, now: Timestamp, event: &DueEvent, reason: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE webhook SET disabled_at = $3 WHERE relying_party = $1 AND url = $2 AND disabled_at IS NULL";
    if !tx.changes_one(sql, values![event.relying_party, &event.url, now])? {
        return Ok(false);
    }
    kill_queue(tx, event.relying_party, reason)?;
    tx.execute("UPDATE webhook_event SET attempts = attempts + 1 WHERE row_id = $1", values![event.row_id])?;
    let entry = Entry::new(now, &Actor::SERVER, Fact::WebhookDisabled).because(reason);
    entry.of_relying_party(tx, event.relying_party)?;
    Ok(true)
}

fn kill_queue(tx: &dyn Transaction, relying_party: RelyingPartyRow, reason: &str) -> Result<(), StoreError> {
    let sql = "UPDATE webhook_event SET state = 'dead', reason = $2 || coalesce('; before: ' || reason, ''),
                   leased_by = NULL, leased_until = NULL
               WHERE relying_party = $1 AND state = 'queued'";
    tx.execute(sql, values![relying_party, reason])?;
    Ok(())
}
