//! The telling of queued events: one at a time to each relying party, side by side to all, until it is taken or a day has
//! passed.

use super::config::WebhookConfig;
use super::event;
use crate::delivery::SetupError;
use crate::delivery::outgoing;
use crate::domain::address_guard::AddressGuard;
use crate::domain::webhook_address;
use crate::service::Service;
use crate::store::{DueEvent, EventOutcome, StoreError};
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::Timestamp;
use reqwest::StatusCode;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most attempts in flight.
const PLACES: usize = 64;
/// The waits before the first retries.
const FIRST_PAUSES: [u64; 5] = [5, 30, 2 * 60, 10 * 60, 30 * 60];
/// The wait before every later one.
const LATER_PAUSE: u64 = 3600;
/// How long to rest when the database does not answer.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// How often the queue is looked at when nothing wakes it: for rows that another process wrote.
const IDLE: Duration = Duration::from_secs(30);

/// Tells queued events.
pub struct Sender {
    attempts: Arc<Attempts>,
    in_flight: Arc<Mutex<HashSet<i64>>>,
    places: Arc<Semaphore>,
}

/// What an attempt needs.
struct Attempts {
    service: Arc<Service>,
    client: reqwest::Client,
    guard: AddressGuard,
}

/// An attempt in flight to a relying party; its place is given back when it is done, whatever became of it.
struct Flight {
    relying_party: i64,
    in_flight: Arc<Mutex<HashSet<i64>>>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Flight {
    fn drop(&mut self) {
        lock(&self.in_flight).remove(&self.relying_party);
    }
}

fn lock(set: &Mutex<HashSet<i64>>) -> MutexGuard<'_, HashSet<i64>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sender {
    /// A sender after this configuration.
    ///
    /// # Errors
    /// [`SetupError::Configuration`].
    pub fn new(config: &WebhookConfig, service: Arc<Service>) -> Result<Self, SetupError> {
        let guard = config.guard();
        let client = outgoing::client(guard, &config.extra_roots)?;
        let attempts = Arc::new(Attempts { service, client, guard });
        Ok(Self { attempts, in_flight: Arc::default(), places: Arc::new(Semaphore::new(PLACES)) })
    }

    /// Tells what is due, one after the other, until nothing is. For a caller that moves the time itself, in the place of
    /// [`Sender::run`].
    ///
    /// # Errors
    /// [`StoreError`]; what was not written down is told again.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let service = &self.attempts.service;
        for relying_party in service.store.due_receivers(service.now()).await? {
            while let Some(event) = service.store.due_event(relying_party, service.now()).await? {
                self.attempts.carry(event).await?;
            }
        }
        service.store.drop_old_events().await
    }

    /// Tells events until the server stops. What is in flight then is told again after the next start.
    pub async fn run(self) {
        let service = Arc::clone(&self.attempts.service);
        let mut swept = service.now();
        loop {
            let next = match self.send_due(&mut swept).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "queued webhook events cannot be read");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = service.wake.events.notified() => {}
                () = tokio::time::sleep(next) => {}
                () = service.stopping.cancelled() => break,
            }
        }
    }

    /// Starts what is due for each relying party to whom nothing is in flight, and says how long until there is more. When
    /// an attempt is done, its relying party is looked at again.
    async fn send_due(&self, swept: &mut Timestamp) -> Result<Duration, StoreError> {
        let service = &self.attempts.service;
        let now = service.now();
        for relying_party in service.store.due_receivers(now).await? {
            if lock(&self.in_flight).contains(&relying_party) {
                continue;
            }
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { break };
            if let Some(event) = service.store.due_event(relying_party, now).await? {
                self.start(event, place);
            }
        }
        if now >= *swept + IDLE {
            *swept = now;
            service.store.drop_old_events().await?;
        }
        let due = service.store.next_event_due(now).await?;
        Ok(due.map_or(IDLE, |due| now.until(due).min(IDLE)))
    }

    fn start(&self, event: DueEvent, place: OwnedSemaphorePermit) {
        let relying_party = event.relying_party;
        lock(&self.in_flight).insert(relying_party);
        let flight = Flight { relying_party, in_flight: Arc::clone(&self.in_flight), _place: place };
        let attempts = Arc::clone(&self.attempts);
        tokio::spawn(async move {
            if let Err(error) = attempts.carry(event).await {
                // The row is still queued: without a pause it would be sent again at once, and again.
                tracing::error!(%error, "the outcome of a webhook was not kept");
                tokio::time::sleep(STORE_PAUSE).await;
            }
            drop(flight);
            attempts.service.wake.events.notify_one();
        });
    }
}

impl Attempts {
    /// One event from its row to the outcome of one attempt.
    async fn carry(&self, event: DueEvent) -> Result<(), StoreError> {
        let outcome = match self.post(&event).await {
            Ok(StatusCode::GONE) => EventOutcome::Gone("the receiver answered 410: it wants no more events".into()),
            Ok(status) if status.is_success() => EventOutcome::Delivered,
            Ok(status) if status.is_redirection() => {
                self.later(&event, format!("the receiver answered {status}: redirects are not followed"))
            }
            Ok(status) => self.later(&event, format!("the receiver answered {status}")),
            Err(reason) => self.later(&event, reason),
        };
        if let EventOutcome::RetryAt(_, reason) | EventOutcome::Dead(reason) | EventOutcome::Gone(reason) = &outcome {
            tracing::warn!(event = event.id, reason, "a webhook was not delivered");
        }
        self.service.store.finish_event(event, outcome).await
    }

    /// Sends an event, and gives the status of the answer. Nothing else of the answer is read.
    async fn post(&self, event: &DueEvent) -> Result<StatusCode, String> {
        // Again: the operator may have changed what is allowed since the address was given.
        let url = webhook_address::check(&event.url, self.guard)?;
        let attempt = event::sign(&self.service, event, self.service.now())?;
        let sent = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("user-agent", concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", attempt.timestamp)
            .header("webhook-signature", attempt.signature)
            .body(attempt.body)
            .send()
            .await;
        // Without the address: it may hold a token of the receiver's.
        sent.map(|answer| answer.status())
            .map_err(|error| format!("the receiver cannot be reached: {}", https_client::reason(error)))
    }

    fn later(&self, event: &DueEvent, reason: String) -> EventOutcome {
        let due_at = self.service.now() + pause(event.attempts, &*self.service.randomness);
        if due_at < event.expires_at { EventOutcome::RetryAt(due_at, reason) } else { EventOutcome::Dead(reason) }
    }
}

/// The pause before the next attempt, of which up to a fifth more is random, so that what failed together does not come back
/// together.
fn pause(attempts: u32, randomness: &dyn Randomness) -> Duration {
    let index = usize::try_from(attempts).unwrap_or(usize::MAX);
    let least = Duration::from_secs(FIRST_PAUSES.get(index).copied().unwrap_or(LATER_PAUSE));
    let [share] = randomness.bytes::<1>();
    least + least / 5 * u32::from(share) / 255
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::randomness::SystemRandomness;

    #[test]
    fn pauses_grow_to_an_hour_and_up_to_a_fifth_of_them_is_random() {
        for (attempts, least) in [(0, 5), (1, 30), (2, 120), (3, 600), (4, 1800), (5, 3600), (u32::MAX, 3600)] {
            for _ in 0..50 {
                let pause = pause(attempts, &SystemRandomness::new()).as_secs_f64();
                assert!((f64::from(least)..=f64::from(least) * 1.2).contains(&pause), "{attempts}: {pause}");
            }
        }
    }
}
