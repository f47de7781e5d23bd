//! The queue of webhook events: one at a time to each relying party, side by side to all, until it is taken or a day
//! has passed.

use super::config::WebhookConfig;
use super::event;
use crate::delivery::outbox::{Outbox, Pace, Places, Queue, Shown};
use crate::delivery::{SetupError, outgoing};
use crate::domain::address_guard::AddressGuard;
use crate::domain::rows::RelyingPartyRow;
use crate::domain::webhook_address;
use crate::service::Service;
use crate::store::{Choice, DueEvent, EventOutcome, StoreError};
use async_trait::async_trait;
use countersign_protocol::time::Timestamp;
use reqwest::StatusCode;
use std::sync::Arc;
use tokio::sync::Notify;

/// How many attempts may be on their way: one to each relying party, so that it hears of its challenges in their order.
const PLACES: Places = Places { lane: 1, all: 64 };
/// The waits before retries: 5 and 30 seconds, 2, 10 and 30 minutes, and then an hour each.
const PACE: Pace = Pace::Steps(&[5, 30, 120, 600, 1800, 3600]);

/// The events that are queued. A lane is a relying party's.
struct Events {
    service: Arc<Service>,
    client: reqwest::Client,
    guard: AddressGuard,
}

#[async_trait]
impl Queue for Events {
    type Item = DueEvent;
    const NAME: &'static str = "webhook events";

    async fn due_lanes(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let receivers = self.service.store.due_receivers(now).await?;
        Ok(receivers.iter().map(ToString::to_string).collect())
    }

    async fn take(&self, lane: &str, _most: usize, _choice: Choice) -> Result<Vec<DueEvent>, StoreError> {
        let Ok(relying_party) = lane.parse().map(RelyingPartyRow::new) else { return Ok(Vec::new()) };
        Ok(self.service.store.take_due_event(relying_party).await?.into_iter().collect())
    }

    async fn carry(&self, event: DueEvent) -> Result<Shown, StoreError> {
        self.attempt(event).await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.service.store.next_event_due(now).await
    }

    fn wake(&self) -> &Notify {
        &self.service.wake.events
    }
}

/// Tells queued events.
pub struct Sender(Outbox<Events>);

impl Sender {
    /// A sender after this configuration.
    ///
    /// # Errors
    /// [`SetupError`], when a certificate authority that is named cannot be read.
    pub fn new(config: &WebhookConfig, service: Arc<Service>) -> Result<Self, SetupError> {
        let guard = config.guard();
        let client = outgoing::client(guard, &config.extra_roots)?;
        let events = Events { service: Arc::clone(&service), client, guard };
        Ok(Self(Outbox::new(service, events, PLACES)))
    }

    /// Tells what is due, one after the other, until nothing is. For a caller that moves the time itself, in the place
    /// of [`Sender::run`].
    ///
    /// # Errors
    /// [`StoreError`]; what was not written down is told again.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.0.flush().await
    }

    /// Tells events until the server stops.
    pub async fn run(self) {
        self.0.run().await;
    }
}

impl Events {
    /// One event from its row to the outcome of one attempt. A lane is one receiver: whatever keeps it from taking an
    /// event speaks of all of its lane, and of no other.
    async fn attempt(&self, event: DueEvent) -> Result<Shown, StoreError> {
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
        let well = !matches!(outcome, EventOutcome::RetryAt(..) | EventOutcome::Dead(_));
        self.service.store.finish_event(event, outcome).await?;
        Ok(if well { Shown::Well } else { Shown::Cut })
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
        let due_at = self.service.now() + PACE.pause(event.attempts, &*self.service.randomness);
        if due_at < event.expires_at { EventOutcome::RetryAt(due_at, reason) } else { EventOutcome::Dead(reason) }
    }
}
