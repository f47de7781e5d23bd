//! The sending of queued pushes: takes the rows that are due from each lane that has room, hands them to their gateways
//! side by side, and writes down what became of each.

use super::lanes::{Lanes, Place, Room};
use super::{Delivery, Gateway, Gateways, Kind, Message};
use crate::delivery::SetupError;
use crate::delivery::push::config::PushConfig;
use crate::domain::refused::Refused;
use crate::keys::sealed;
use crate::service::Service;
use crate::service::notices;
use crate::store::{Content, PushOutcome, QueuedPush, Retracted, StoreError};
use countersign_protocol::randomness::Randomness;
use countersign_protocol::sealing::{self, SealedTo};
use countersign_protocol::time::Timestamp;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most rows that [`Sender::flush`] reads at one time.
const MOST_DUE: usize = 512;
/// The wait before the first retry when a gateway names none; it doubles.
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// How long to rest when the database does not answer.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// How often the queue is looked at when nothing wakes it: for rows that another process wrote.
const IDLE: Duration = Duration::from_secs(30);

/// Sends queued pushes.
pub struct Sender {
    service: Arc<Service>,
    gateways: Arc<Gateways>,
    lanes: Arc<Lanes>,
    in_flight: Arc<Mutex<HashSet<i64>>>,
}

/// A row in flight, and its place; given back when the push is done, whatever became of it.
struct Flight {
    row_id: i64,
    in_flight: Arc<Mutex<HashSet<i64>>>,
    place: Place,
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
    /// [`SetupError::Configuration`].
    pub fn new(config: &PushConfig, service: Arc<Service>) -> Result<Self, SetupError> {
        let gateways = Gateways::new(config, &service)?;
        Ok(Self::over(service, gateways))
    }

    /// A sender over one gateway of the caller's.
    pub fn with_gateway(service: Arc<Service>, gateway: Arc<dyn Gateway>) -> Self {
        Self::over(service, Gateways::only(gateway))
    }

    fn over(service: Arc<Service>, gateways: Gateways) -> Self {
        Self { service, gateways: Arc::new(gateways), lanes: Arc::new(Lanes::new()), in_flight: Arc::default() }
    }

    /// Sends what is due, one after the other, and writes down what became of each. For a caller that moves the time
    /// itself, in the place of [`Sender::run`].
    ///
    /// # Errors
    /// [`StoreError`]; what was not written down is sent again.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let now = self.service.now();
        for lane in self.service.store.due_lanes(now).await? {
            for push in self.service.store.due_pushes(lane, now, MOST_DUE).await? {
                carry(&self.service, &self.gateways, push).await?;
            }
        }
        self.service.store.drop_stale_pushes().await
    }

    /// Sends until the server stops. What is in flight then is sent again after the next start; the phone shows a
    /// request once, however often it comes.
    pub async fn run(self) {
        let stopping = self.service.stopping.clone();
        let mut swept = self.service.now();
        loop {
            let next = match self.send_due(&mut swept).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "queued pushes cannot be read");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = self.service.wake.pushes.notified() => {}
                () = tokio::time::sleep(next) => {}
                () = stopping.cancelled() => break,
            }
        }
    }

    /// Starts what is due in each lane that has room, and says how long until there is more. A lane that is full is looked
    /// at again when one of its pushes is done.
    async fn send_due(&self, swept: &mut Timestamp) -> Result<Duration, StoreError> {
        let now = self.service.now();
        let mut next = IDLE;
        for name in self.service.store.due_lanes(now).await? {
            let room = match self.lanes.room(&name, now) {
                Room::For(room) => room,
                Room::ClosedUntil(until) => {
                    next = next.min(now.until(until));
                    continue;
                }
            };
            if room == 0 {
                continue;
            }
            // Those in flight are still rows that are due.
            let most = room + self.lanes.in_flight(&name);
            // Taken before the rows are read: one that is written down and done meanwhile was read as it stood before, and
            // would be sent twice.
            let in_flight = lock(&self.in_flight).clone();
            let due = self.service.store.due_pushes(name.clone(), now, most).await?;
            for push in due.into_iter().filter(|push| !in_flight.contains(&push.row_id)).take(room) {
                let Some(place) = self.lanes.take(&name) else { break };
                self.start(push, place);
            }
        }
        if now >= *swept + IDLE {
            *swept = now;
            self.service.store.drop_stale_pushes().await?;
            self.lanes.sweep(now);
        }
        let due = self.service.store.next_push_due(now).await?;
        Ok(due.map_or(next, |due| now.until(due).min(next)))
    }

    fn start(&self, push: QueuedPush, place: Place) {
        lock(&self.in_flight).insert(push.row_id);
        let flight = Flight { row_id: push.row_id, in_flight: Arc::clone(&self.in_flight), place };
        let (service, gateways) = (Arc::clone(&self.service), Arc::clone(&self.gateways));
        tokio::spawn(async move {
            match carry(&service, &gateways, push).await {
                Ok(well) => flight.place.report(well, service.now()),
                Err(error) => {
                    // The row is still queued: without a pause it would be sent again at once, and again.
                    tracing::error!(%error, "the outcome of a push was not kept");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
            drop(flight);
            service.wake.pushes.notify_one();
        });
    }
}

/// One push from its row to its outcome; false when its network is not well.
async fn carry(service: &Service, gateways: &Gateways, push: QueuedPush) -> Result<bool, StoreError> {
    let delivery = send(service, gateways, &push).await;
    let well = !matches!(delivery, Delivery::Down(..));
    let outcome = outcome(delivery, &push, service.now(), &*service.randomness);
    if let PushOutcome::Failed(reason) | PushOutcome::RetryAt(_, reason) = &outcome {
        tracing::warn!(push = push.row_id, reason, "a push was not delivered");
    }
    service.store.finish_push(push.row_id, push.registration_row, outcome).await?;
    Ok(well)
}

/// Step 2 for one device: the challenge, or its retraction, is sealed and handed to the gateway.
async fn send(service: &Service, gateways: &Gateways, push: &QueuedPush) -> Delivery {
    let Some(stored) = &push.registration else {
        // An earlier push has heard that it is gone.
        return Delivery::Gone(None);
    };
    let registration = match sealed::open_registration(
        &service.keys.at_rest,
        push.device,
        &stored.sealed,
        stored.vapid_key.as_ref(),
    ) {
        Ok(registration) => registration,
        Err(reason) => return Delivery::Failed(reason),
    };
    let to = SealedTo { server_id: &service.keys.server_id, enrolment_id: push.enrolment_id };
    let compact = match &push.content {
        Content::Challenge(compact) => compact.clone(),
        Content::Retraction(retracted) => match sign_retraction(service, retracted).await {
            Ok(compact) => compact,
            Err(_) => return Delivery::Failed("the server's key does not sign; its log has the reason".into()),
        },
    };
    let envelope = match sealing::seal(&compact, &push.sealing_key, to, &*service.randomness) {
        Ok(envelope) => envelope.to_json(),
        Err(refusal) => return Delivery::Failed(refusal.to_string()),
    };
    let now = service.now();
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
    gateways.for_registration(&registration).send(&registration, message).await
}

async fn sign_retraction(service: &Service, retracted: &Retracted) -> Result<String, Refused> {
    notices::retraction(service, &*service.keys.signer(&service.store).await?, retracted)
}

/// What to write down; a retry must fit the challenge's life.
fn outcome(delivery: Delivery, push: &QueuedPush, now: Timestamp, randomness: &dyn Randomness) -> PushOutcome {
    let registered_at = push.registration.as_ref().map(|registration| registration.registered_at);
    match delivery {
        Delivery::Sent => PushOutcome::Sent,
        Delivery::Gone(since) if since.is_none_or(|since| registered_at.is_none_or(|at| at <= since)) => {
            PushOutcome::Gone
        }
        Delivery::Gone(_) => PushOutcome::Failed("the network knew no such device before it registered again".into()),
        Delivery::Failed(reason) => PushOutcome::Failed(reason),
        Delivery::RetryAfter(after, reason) | Delivery::Down(after, reason) => {
            // A stranger's push service must not set a pace faster than ours.
            let pause = backoff(push.attempts, randomness);
            let due_at = now + after.map_or(pause, |after| after.max(pause));
            if due_at < push.expires_at { PushOutcome::RetryAt(due_at, reason) } else { PushOutcome::Failed(reason) }
        }
    }
}

/// The pause before the next attempt: it doubles, and half of it is random, so that what failed together does not come
/// back together.
fn backoff(attempts: u32, randomness: &dyn Randomness) -> Duration {
    let longest = FIRST_RETRY * 2_u32.saturating_pow(attempts.min(8));
    let [share] = randomness.bytes::<1>();
    longest / 2 + longest / 2 * u32::from(share) / 255
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::randomness::SystemRandomness;

    #[test]
    fn pauses_double_and_lie_between_half_and_all_of_it() {
        for (attempts, longest) in [(0, 500), (1, 1000), (8, 128_000), (200, 128_000)] {
            for _ in 0..50 {
                let pause = backoff(attempts, &SystemRandomness::new()).as_millis();
                assert!((longest / 2..=longest).contains(&pause), "{attempts}: {pause}");
            }
        }
    }
}
