//! The queue of pushes: takes the rows that are due, seals each and hands it to its gateway, and writes down what
//! became of it.

use super::config::PushConfig;
use super::{Delivery, Gateway, Gateways, Kind, Message};
use crate::delivery::SetupError;
use crate::delivery::outbox::{Outbox, Pace, Places, Queue};
use crate::domain::refused::Refused;
use crate::keys::sealed;
use crate::service::{Service, notices};
use crate::store::{Content, PushOutcome, QueuedPush, Retracted, StoreError};
use async_trait::async_trait;
use countersign_protocol::randomness::Randomness;
use countersign_protocol::sealing::{self, SealedTo};
use countersign_protocol::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How many pushes may be on their way at one time: in one lane, and in all.
const PLACES: Places = Places { lane: 256, all: 1024 };
/// The wait before the first retry when a gateway names none; it doubles with each further one.
const PACE: Pace = Pace::Doubling(Duration::from_millis(500));

/// The pushes that are queued.
struct Pushes {
    service: Arc<Service>,
    gateways: Gateways,
}

#[async_trait]
impl Queue for Pushes {
    type Item = QueuedPush;
    const NAME: &'static str = "pushes";

    async fn due_lanes(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.service.store.due_lanes(now).await
    }

    async fn take(&self, lane: &str, most: usize) -> Result<Vec<QueuedPush>, StoreError> {
        self.service.store.take_due_pushes(lane.to_owned(), most).await
    }

    async fn carry(&self, push: QueuedPush) -> Result<bool, StoreError> {
        carry(&self.service, &self.gateways, push).await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.service.store.next_push_due(now).await
    }

    async fn sweep(&self) -> Result<(), StoreError> {
        self.service.store.drop_stale_pushes().await
    }

    fn wake(&self) -> &Notify {
        &self.service.wake.pushes
    }
}

/// Sends queued pushes. After a crash one may be sent twice, which does no harm: the phone shows a request once,
/// however often it arrives.
pub struct Sender(Outbox<Pushes>);

impl Sender {
    /// A sender over the configured gateways.
    ///
    /// # Errors
    /// [`SetupError`], when a gateway cannot be used as it is configured.
    pub fn new(config: &PushConfig, service: Arc<Service>) -> Result<Self, SetupError> {
        let gateways = Gateways::new(config, &service)?;
        Ok(Self::over(service, gateways))
    }

    /// A sender over one gateway of the caller's.
    pub fn with_gateway(service: Arc<Service>, gateway: Arc<dyn Gateway>) -> Self {
        Self::over(service, Gateways::only(gateway))
    }

    fn over(service: Arc<Service>, gateways: Gateways) -> Self {
        let pushes = Pushes { service: Arc::clone(&service), gateways };
        Self(Outbox::new(service, pushes, PLACES))
    }

    /// Sends what is due, one after the other. For a caller that moves the time itself, in the place of
    /// [`Sender::run`].
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer. A push whose outcome was not written down is sent again.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.0.flush().await
    }

    /// Sends until the server stops.
    pub async fn run(self) {
        self.0.run().await;
    }
}

/// Sends one push and writes down what became of it; false when its network is not well, so that its lane waits.
async fn carry(service: &Service, gateways: &Gateways, push: QueuedPush) -> Result<bool, StoreError> {
    let delivery = send(service, gateways, &push).await;
    let well = !matches!(delivery, Delivery::Down(..));
    let outcome = outcome(delivery, &push, service.now(), &*service.randomness);
    if let PushOutcome::Failed(reason) | PushOutcome::RetryAt(_, reason) = &outcome {
        tracing::warn!(push = %push.row_id, reason, "a push was not delivered");
    }
    service.store.finish_push(push.row_id, push.registration_row, outcome).await?;
    Ok(well)
}

/// Seals the challenge, or its retraction, for one device and hands it to the gateway: step 2 of the protocol.
async fn send(service: &Service, gateways: &Gateways, push: &QueuedPush) -> Delivery {
    let Some(stored) = &push.registration else {
        // An earlier push was told that the network no longer knows the device, and the registration was dropped.
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

/// What to write down. A retry that would come after the challenge's end is a failure.
fn outcome(delivery: Delivery, push: &QueuedPush, now: Timestamp, randomness: &dyn Randomness) -> PushOutcome {
    let registered_at = push.registration.as_ref().map(|registration| registration.registered_at);
    match delivery {
        Delivery::Sent => PushOutcome::Sent,
        Delivery::Gone(since) if since.is_none_or(|since| registered_at.is_none_or(|at| at <= since)) => {
            PushOutcome::Gone
        }
        // The device registered after the network had missed it: that registration is kept.
        Delivery::Gone(_) => PushOutcome::Failed("the network knew no such device before it registered again".into()),
        Delivery::Failed(reason) => PushOutcome::Failed(reason),
        Delivery::RetryAfter(after, reason) | Delivery::Down(after, reason) => {
            // A gateway may ask for a longer wait than ours, and not for a shorter one: a push service can be
            // anybody's, and could otherwise make this server try without pause.
            let pause = PACE.pause(push.attempts, randomness);
            let due_at = now + after.map_or(pause, |after| after.max(pause));
            if due_at < push.expires_at { PushOutcome::RetryAt(due_at, reason) } else { PushOutcome::Failed(reason) }
        }
    }
}
