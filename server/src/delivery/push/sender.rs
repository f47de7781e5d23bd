//! The queue of pushes: takes the rows that are due, seals each and hands it to its gateway, and writes down what
//! became of it.

use super::config::PushConfig;
use super::doubt::Doubt;
use super::{Delivery, Gateway, Gateways, Kind, Message};
use crate::delivery::SetupError;
use crate::delivery::outbox::{Outbox, Pace, Places, Queue, Shown};
use crate::domain::measure::Step;
use crate::domain::refused::Refused;
use crate::keys::sealed;
use crate::service::figures::passed;
use crate::service::push_registrations::lane;
use crate::service::{Service, notices};
use crate::store::{Choice, Content, LONGEST_REST, PushOutcome, QueuedPush, Retracted, StoreError, Trace, Untaken};
use async_trait::async_trait;
use countersign_protocol::device_api::{PushFailure, PushRegistration};
use countersign_protocol::sealing::{self, SealedTo};
use countersign_protocol::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How many pushes may be on their way at one time: in one lane, and in all.
const PLACES: Places = Places { lane: 256, all: 1024 };
/// The wait before the first retry when a gateway names none; it doubles with each further one.
const PACE: Pace = Pace::Doubling(Duration::from_millis(500));
/// How far an endpoint that has not taken earlier pushes begins up that scale: at 16 seconds. The first attempt for a
/// new question is made at once all the same, since its phone may be there again.
const MOST_REMEMBERED: u32 = 5;

/// The pushes that are queued.
struct Pushes {
    service: Arc<Service>,
    gateways: Gateways,
    doubt: Doubt,
}

#[async_trait]
impl Queue for Pushes {
    type Item = QueuedPush;
    const NAME: &'static str = "pushes";

    async fn due_lanes(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.service.store.due_lanes(now).await
    }

    async fn take(&self, lane: &str, most: usize, choice: Choice) -> Result<Vec<QueuedPush>, StoreError> {
        let (store, lane) = (&self.service.store, lane.to_owned());
        // A lane that rests is looked at whenever anything else is done: that must not cost a write each time.
        if choice == Choice::Unfailed && !store.is_unfailed_push_due(lane.clone(), self.service.now()).await? {
            return Ok(Vec::new());
        }
        store.take_due_pushes(lane, most, choice).await
    }

    async fn carry(&self, push: QueuedPush) -> Result<Shown, StoreError> {
        self.carry_one(push).await
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
        let pushes = Pushes { service: Arc::clone(&service), gateways, doubt: Doubt::default() };
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

impl Pushes {
    /// Sends one push, and writes down what became of it.
    async fn carry_one(&self, push: QueuedPush) -> Result<Shown, StoreError> {
        let service = &*self.service;
        let registration = match open(service, &push) {
            Some(Ok(registration)) => registration,
            // An earlier push was told that the network no longer knows the device, and the registration was dropped.
            None => return self.finish(push, Delivery::Gone(None), true).await.map(|_| Shown::Nothing),
            Some(Err(reason)) => {
                return self.finish(push, Delivery::Misconfigured(reason), true).await.map(|_| Shown::Nothing);
            }
        };
        let place = sealed::place_digest(&service.keys.place_key, &registration);
        if let (None, Some(row)) = (&push.place, push.registration_row) {
            service.store.name_place(row, place.clone()).await?;
        }
        let begun = service.clock.since_boot();
        let delivery = send(service, &self.gateways, &push, &registration).await;
        if let (Delivery::Sent, Some(passed)) = (&delivery, passed(&*service.clock, begun)) {
            service.figures.step(Step::Push).take(passed);
        }
        let (shown, believed) = (shown(&delivery, &place), self.believes(&delivery, &registration));
        let outcome = self.finish(push, delivery, believed).await?;
        // It is written down: a push whose outcome was lost is sent, and counted, again.
        service.figures.pushes.count([network(&registration), outcome]);
        Ok(shown)
    }

    /// Whether to act on what a network says, where it may be this server's own mistake.
    fn believes(&self, delivery: &Delivery, registration: &PushRegistration) -> bool {
        let network = lane(registration);
        match (delivery, registration) {
            (Delivery::Sent, PushRegistration::Apns(_) | PushRegistration::Fcm { .. }) => self.doubt.taken(&network),
            (Delivery::Unusable(_, reason), _) if !self.doubt.believes(&network, self.service.now()) => {
                tracing::error!(
                    network,
                    reason,
                    "a push network calls the tokens of many devices useless: this server seems to be configured for \
                     another app or environment. Their registrations are kept"
                );
                return false;
            }
            _ => {}
        }
        true
    }

    async fn finish(&self, push: QueuedPush, delivery: Delivery, believed: bool) -> Result<&'static str, StoreError> {
        // Only the log is told what a resolver or TLS says.
        let detail = match &delivery {
            Delivery::Unreachable(none) => format!(": {}", none.detail),
            _ => String::new(),
        };
        let outcome = outcome(&self.service, delivery, &push, believed);
        if let PushOutcome::Failed(why) | PushOutcome::RetryAt(_, why) | PushOutcome::Gone(why) = &outcome {
            let (reason, cause) = (format!("{}{detail}", why.reason), why.failure.as_str());
            tracing::warn!(push = %push.row_id, reason, cause, "a push was not delivered");
        }
        let word = match &outcome {
            PushOutcome::Sent => "sent",
            PushOutcome::Gone(_) => "gone",
            PushOutcome::RetryAt(..) => "retry",
            PushOutcome::Failed(_) => "failed",
        };
        self.service.store.finish_push(push.row_id, push.registration_row, outcome).await?;
        Ok(word)
    }
}

/// The network of a registration, for the figures.
const fn network(registration: &PushRegistration) -> &'static str {
    match registration {
        PushRegistration::WebPush(_) => "webpush",
        PushRegistration::Apns(_) => "apns",
        PushRegistration::Fcm { .. } => "fcm",
    }
}

/// What an outcome shows of the lane.
fn shown(delivery: &Delivery, place: &[u8]) -> Shown {
    // The beginning of a digest names the endpoint as well as all of it.
    let endpoint = place.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    match delivery {
        Delivery::Down(..) => Shown::Unwell(endpoint),
        Delivery::Unreachable(none) if none.unconnected => Shown::Cut,
        Delivery::Unreachable(_) => Shown::Unwell(endpoint),
        _ => Shown::Well,
    }
}

/// The registration that a push goes to; none when it was dropped.
fn open(service: &Service, push: &QueuedPush) -> Option<Result<PushRegistration, String>> {
    let stored = push.registration.as_ref()?;
    Some(sealed::open_registration(&service.keys.at_rest, push.device, &stored.sealed, stored.vapid_key.as_ref()))
}

/// Seals the challenge, or its retraction, for one device and hands it to the gateway: step 2 of the protocol.
async fn send(service: &Service, gateways: &Gateways, push: &QueuedPush, registration: &PushRegistration) -> Delivery {
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
    gateways.for_registration(registration).send(registration, message).await
}

async fn sign_retraction(service: &Service, retracted: &Retracted) -> Result<String, Refused> {
    notices::retraction(service, &*service.keys.signer(&service.store).await?, retracted)
}

/// What to write down. A retry that would come after the challenge's end is a failure.
fn outcome(service: &Service, delivery: Delivery, push: &QueuedPush, believed: bool) -> PushOutcome {
    let now = service.now();
    let registered_at = push.registration.as_ref().map(|registration| registration.registered_at);
    let because = |failure, reason, trace| Untaken { failure, reason, trace };
    let (after, remembered, why) = match delivery {
        Delivery::Sent => return PushOutcome::Sent,
        Delivery::Gone(since) if since.is_none_or(|since| registered_at.is_none_or(|at| at <= since)) => {
            let reason = "the push network does not know this device any more".to_owned();
            return PushOutcome::Gone(because(PushFailure::Gone, reason, Trace::None));
        }
        // The device registered after the network had missed it: that registration is kept.
        Delivery::Gone(_) => {
            let reason = "the network knew no such device before it registered again".to_owned();
            return PushOutcome::Failed(because(PushFailure::Refused, reason, Trace::Failed));
        }
        Delivery::Unusable(failure, reason) if believed => {
            return PushOutcome::Gone(because(failure, reason, Trace::None));
        }
        // The registration is kept, so its phone must not hear that it is gone.
        Delivery::Unusable(failure, reason) => {
            let kept = if failure == PushFailure::Gone { PushFailure::Misconfigured } else { failure };
            return PushOutcome::Failed(because(kept, reason, Trace::Failed));
        }
        Delivery::Failed(reason) => {
            return PushOutcome::Failed(because(PushFailure::Refused, reason, Trace::Failed));
        }
        Delivery::Misconfigured(reason) => {
            return PushOutcome::Failed(because(PushFailure::Misconfigured, reason, Trace::None));
        }
        Delivery::RetryAfter(after, reason) => {
            let rests_until = after.map(|after| now + after.min(LONGEST_REST));
            (
                after,
                push.failures.min(MOST_REMEMBERED),
                because(PushFailure::NotNow, reason, Trace::NotNow(rests_until)),
            )
        }
        Delivery::Down(after, reason) => (after, 0, because(PushFailure::NotNow, reason, Trace::Failed)),
        Delivery::Unreachable(none) => {
            let trace = if none.unconnected { Trace::None } else { Trace::Failed };
            (None, 0, because(PushFailure::Unreachable, none.said(), trace))
        }
    };
    // A gateway may ask for a longer wait than ours, and not for a shorter one: a push service can be anybody's, and
    // could otherwise make this server try without pause.
    let pause = PACE.pause(push.attempts.max(remembered), &*service.randomness);
    let due_at = now + after.map_or(pause, |after| after.max(pause));
    if due_at < push.expires_at { PushOutcome::RetryAt(due_at, why) } else { PushOutcome::Failed(why) }
}
