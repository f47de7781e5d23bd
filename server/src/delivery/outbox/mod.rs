//! The one outbox: what is due is taken from its queue, carried side by side, and written down. Pushes and webhook
//! events go through it.
//!
//! What is on its way is a row that this process has leased, so a crash forgets none and no two processes carry the
//! same. Each [`Queue`] has lanes: what can be down as one has places and a circuit breaker of its own, and holds up no
//! other.

mod breaker;
mod lanes;
mod pace;

pub(super) use breaker::Shown;
pub(super) use lanes::Places;
pub(super) use pace::Pace;

use crate::service::Service;
use crate::store::{Choice, StoreError};
use async_trait::async_trait;
use countersign_protocol::time::Timestamp;
use lanes::{Lanes, Place, Room};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How long to rest when the database does not answer.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// How often a queue is looked at when nothing wakes it: for rows that another process wrote.
const IDLE: Duration = Duration::from_secs(30);

/// Things of one kind that are to be sent.
#[async_trait]
pub(super) trait Queue: Send + Sync + 'static {
    /// One of them, taken out of the queue.
    type Item: Send + 'static;

    /// What they are called in the log.
    const NAME: &'static str;

    /// The lanes in which something is due.
    async fn due_lanes(&self, now: Timestamp) -> Result<Vec<String>, StoreError>;

    /// Takes what is due in a lane: these, and so many at most.
    async fn take(&self, lane: &str, most: usize, choice: Choice) -> Result<Vec<Self::Item>, StoreError>;

    /// Tries to deliver one, writes down what became of it, and says what that shows of its lane.
    async fn carry(&self, item: Self::Item) -> Result<Shown, StoreError>;

    /// When more is due, if that is known.
    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// Drops what waits and is not worth sending any more.
    async fn sweep(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Notified when something was queued.
    fn wake(&self) -> &Notify;
}

/// Sends what a queue holds.
pub(super) struct Outbox<Q: Queue> {
    service: Arc<Service>,
    queue: Arc<Q>,
    lanes: Arc<Lanes>,
}

impl<Q: Queue> Outbox<Q> {
    /// An outbox over a queue.
    pub fn new(service: Arc<Service>, queue: Q, places: Places) -> Self {
        Self { service, queue: Arc::new(queue), lanes: Arc::new(Lanes::new(places)) }
    }

    /// Sends what is due and allowed, one after the other. For a caller that moves the time itself, in the place of
    /// [`Outbox::run`]; a lane that is not well is left alone as there.
    ///
    /// # Errors
    /// [`StoreError`]; what was not written down is sent again.
    pub async fn flush(&self) -> Result<(), StoreError> {
        for lane in self.queue.due_lanes(self.service.now()).await? {
            while let (1.., choice) = self.lanes.room(&lane, self.service.now()).open() {
                let Some(place) = self.lanes.take(&lane) else { break };
                let Some(item) = self.queue.take(&lane, 1, choice).await?.pop() else { break };
                place.report(self.queue.carry(item).await?, self.service.now());
            }
        }
        self.queue.sweep().await
    }

    /// Sends until the server stops. What is on its way then is sent again after the next start.
    pub async fn run(self) {
        let mut swept = self.service.now();
        loop {
            let next = match self.send_due(&mut swept).await {
                Ok(next) => next,
                Err(error) => {
                    if !error.was_told() {
                        tracing::error!(%error, "queued {} cannot be read", Q::NAME);
                    }
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = self.queue.wake().notified() => {}
                () = tokio::time::sleep(next) => {}
                () = self.service.stopping.cancelled() => break,
            }
        }
    }

    /// Starts what is due in each lane that has room, and says how long until there is more. A lane that is full is
    /// looked at again when something of it is done.
    async fn send_due(&self, swept: &mut Timestamp) -> Result<Duration, StoreError> {
        let now = self.service.now();
        let mut next = IDLE;
        for lane in self.queue.due_lanes(now).await? {
            let room = self.lanes.room(&lane, now);
            if let Room::ClosedUntil(until, _) = room {
                next = next.min(now.until(until));
            }
            let (free, choice) = room.open();
            self.start(&lane, free, choice).await?;
        }
        if now >= *swept + IDLE || now < *swept {
            *swept = now;
            self.queue.sweep().await?;
            self.lanes.sweep(now);
        }
        let due = self.queue.next_due(now).await?;
        Ok(due.map_or(next, |due| now.until(due).min(next)))
    }

    /// Takes as much of a lane as there are places for, and starts it.
    async fn start(&self, lane: &str, room: usize, choice: Choice) -> Result<(), StoreError> {
        let places: Vec<Place> = std::iter::from_fn(|| self.lanes.take(lane)).take(room).collect();
        if places.is_empty() {
            return Ok(());
        }
        let items = self.queue.take(lane, places.len(), choice).await?;
        for (item, place) in items.into_iter().zip(places) {
            let (queue, service) = (Arc::clone(&self.queue), Arc::clone(&self.service));
            tokio::spawn(async move {
                match queue.carry(item).await {
                    Ok(shown) => place.report(shown, service.now()),
                    // It stays leased, so it is not sent again at once, and again.
                    Err(error) => tracing::error!(%error, "what became of one of the {} was not kept", Q::NAME),
                }
                drop(place);
                queue.wake().notify_one();
            });
        }
        Ok(())
    }
}
