//! The sending of queued pushes: takes the rows that are due, hands them to their gateways side by side, and writes down
//! what became of each.

use super::networks::Networks;
use super::{Delivery, Gateway, Kind, Message, open_registration};
use crate::app::App;
use crate::config::PushConfig;
use crate::notices;
use crate::startup::StartupError;
use crate::store::{Content, PushOutcome, QueuedPush, StoreError};
use countersign_core::sealing::{self, SealedTo};
use countersign_core::time::Timestamp;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

/// The most pushes in flight.
const MAX_IN_FLIGHT: usize = 256;
/// The most rows that are read at one time.
const MOST_DUE: u32 = 512;
/// The wait before the first retry when a gateway names none; it doubles.
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// How long to rest when the database does not answer.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// How often the queue is looked at when nothing wakes it: for rows that another process wrote.
const IDLE: Duration = Duration::from_secs(30);

/// Wakes the sender when there is something to send.
#[derive(Default)]
pub struct Outbox(Notify);

impl Outbox {
    /// Something was queued.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// Sends queued pushes.
pub struct Sender {
    app: Arc<App>,
    gateway: Arc<dyn Gateway>,
    places: Arc<Semaphore>,
    in_flight: Arc<Mutex<HashSet<i64>>>,
}

/// A row in flight, and a place among those; given back when the push is done, whatever became of it.
struct Flight {
    row_id: i64,
    in_flight: Arc<Mutex<HashSet<i64>>>,
    _place: tokio::sync::OwnedSemaphorePermit,
}

impl Drop for Flight {
    fn drop(&mut self) {
        lock(&self.in_flight).remove(&self.row_id);
    }
}

fn lock(set: &Mutex<HashSet<i64>>) -> MutexGuard<'_, HashSet<i64>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sender {
    /// A sender over the configured gateways.
    ///
    /// # Errors
    /// [`StartupError::Configuration`].
    pub fn new(config: &PushConfig, app: Arc<App>) -> Result<Self, StartupError> {
        let networks = Arc::new(Networks::new(config, &app)?);
        Ok(Self::with_gateway(app, networks))
    }

    /// A sender over a gateway of the caller's.
    pub fn with_gateway(app: Arc<App>, gateway: Arc<dyn Gateway>) -> Self {
        Self { app, gateway, places: Arc::new(Semaphore::new(MAX_IN_FLIGHT)), in_flight: Arc::default() }
    }

    /// Sends what is due, one after the other, and writes down what became of each. For a caller that moves the time
    /// itself, in the place of [`Sender::run`].
    ///
    /// # Errors
    /// [`StoreError`]; what was not written down is sent again.
    pub async fn flush(&self) -> Result<(), StoreError> {
        for push in self.app.store.due_pushes(self.app.now(), MOST_DUE).await? {
            carry(&self.app, &*self.gateway, push).await?;
        }
        self.app.store.drop_stale_pushes().await
    }

    /// Sends until the server stops. What is in flight then is sent again after the next start; the phone shows a
    /// request once, however often it comes.
    pub async fn run(self) {
        let stopping = self.app.stopping.clone();
        let mut swept = self.app.now();
        loop {
            let next = match self.send_due(&mut swept).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "queued pushes cannot be read");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = self.app.outbox.0.notified() => {}
                () = tokio::time::sleep(next) => {}
                () = stopping.cancelled() => break,
            }
        }
    }

    /// Starts what is due, and says how long until there is more.
    async fn send_due(&self, swept: &mut Timestamp) -> Result<Duration, StoreError> {
        let now = self.app.now();
        for push in self.app.store.due_pushes(now, MOST_DUE).await? {
            if !lock(&self.in_flight).insert(push.row_id) {
                continue;
            }
            let place = tokio::select! {
                place = Arc::clone(&self.places).acquire_owned() => place,
                () = self.app.stopping.cancelled() => break,
            };
            let Ok(place) = place else { break };
            let flight = Flight { row_id: push.row_id, in_flight: Arc::clone(&self.in_flight), _place: place };
            let (app, gateway) = (Arc::clone(&self.app), Arc::clone(&self.gateway));
            tokio::spawn(async move {
                match carry(&app, &*gateway, push).await {
                    Ok(()) => app.outbox.wake(),
                    Err(error) => {
                        // The row is still queued: without a pause it would be sent again at once, and again.
                        tracing::error!(%error, "the outcome of a push was not kept");
                        tokio::time::sleep(STORE_PAUSE).await;
                    }
                }
                drop(flight);
            });
        }
        if now >= *swept + IDLE {
            *swept = now;
            self.app.store.drop_stale_pushes().await?;
        }
        let due = self.app.store.next_push_due(now).await?;
        Ok(due.map_or(IDLE, |due| now.until(due).min(IDLE)))
    }
}

/// One push from its row to its outcome.
async fn carry(app: &App, gateway: &dyn Gateway, push: QueuedPush) -> Result<(), StoreError> {
    let outcome = send(app, gateway, &push).await;
    if let PushOutcome::Failed(reason) | PushOutcome::RetryAt(_, reason) = &outcome {
        tracing::warn!(push = push.row_id, reason, "a push was not delivered");
    }
    app.store.finish_push(push.row_id, push.device, push.registration, outcome).await
}

/// Step 2 for one device: the challenge, or its retraction, is sealed and handed to the gateway.
async fn send(app: &App, gateway: &dyn Gateway, push: &QueuedPush) -> PushOutcome {
    let Some(sealed) = &push.registration else {
        return PushOutcome::Failed("the device has no push registration any more".into());
    };
    let registration = match open_registration(app, push.device, sealed) {
        Ok(registration) => registration,
        Err(reason) => return PushOutcome::Failed(reason),
    };
    let to = SealedTo { server_id: &app.keys.server_id, enrolment_id: push.enrolment_id };
    let compact = match &push.content {
        Content::Challenge(compact) => compact.clone(),
        Content::Retraction(retracted) => match notices::retraction(app, retracted).await {
            Ok(compact) => compact,
            Err(problem) => return PushOutcome::Failed(problem.to_string()),
        },
    };
    let envelope = match sealing::seal(&compact, &push.sealing_key, to, &*app.randomness) {
        Ok(envelope) => envelope.to_json(),
        Err(refusal) => return PushOutcome::Failed(refusal.to_string()),
    };
    let now = app.now();
    let message = Message {
        envelope: &envelope,
        kind: match push.content {
            Content::Challenge(_) => Kind::Challenge,
            Content::Retraction(_) => Kind::Retraction,
        },
        time_to_live: now.until(push.expires_at),
        expires_at: push.expires_at,
        topic: &push.topic[..32],
        attempts: push.attempts,
    };
    outcome(gateway.send(&registration, message).await, push, app.now())
}

/// What to write down; a retry must fit the challenge's life.
fn outcome(delivery: Delivery, push: &QueuedPush, now: Timestamp) -> PushOutcome {
    match delivery {
        Delivery::Sent => PushOutcome::Sent,
        Delivery::Gone(since) if since.is_none_or(|since| push.registered_at <= since) => PushOutcome::Gone,
        Delivery::Gone(_) => PushOutcome::Failed("the network knew no such device before it registered again".into()),
        Delivery::Failed(reason) => PushOutcome::Failed(reason),
        Delivery::RetryAfter(after, reason) => {
            // A stranger's push service must not set a pace faster than ours.
            let backoff = FIRST_RETRY * 2_u32.saturating_pow(push.attempts.min(8));
            let due_at = now + after.map_or(backoff, |after| after.max(backoff));
            if due_at < push.expires_at { PushOutcome::RetryAt(due_at, reason) } else { PushOutcome::Failed(reason) }
        }
    }
}
