//! Step 2, push: what was created is sealed and sent, through whichever gateway reaches the device.
//!
//! A push to be sent is a row, so a crash forgets none. [`Gateway`] is the door to a network: five outcomes, and no
//! network can hold up a challenge. Each network, and each Web Push service, has a lane of its own: places, a queue and a
//! circuit breaker, so that one that is down or slow holds up no other.

mod apns;
mod breaker;
pub mod check;
pub mod config;
mod fcm;
mod lanes;
mod retry_after;
mod sender;
mod webpush;

pub use apns::Apns;
pub use fcm::Fcm;
pub use sender::Sender;

use crate::delivery::SetupError;
use crate::service::Service;
use async_trait::async_trait;
use config::PushConfig;
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// What a gateway said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It took the message.
    Sent,
    /// It has known no such device since this moment, if it told which: a registration that is not younger is dropped.
    Gone(Option<Timestamp>),
    /// This message not now. After this long, if it said so; the text is for the operator.
    RetryAfter(Option<Duration>, String),
    /// It cannot be reached, or is not well: no message now. After this long, if it said so; the text is for the operator.
    Down(Option<Duration>, String),
    /// Never in this form; the text is for the operator.
    Failed(String),
}

/// What a message does on the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rings, and shows a question.
    Challenge,
    /// Takes a question away, without a sound.
    Retraction,
}

/// A message for one device.
pub struct Message<'a> {
    /// What to send: an envelope in JSON.
    pub envelope: &'a str,
    /// Whether it rings.
    pub kind: Kind,
    /// How long it is worth delivering.
    pub time_to_live: Duration,
    /// Until when it is worth delivering.
    pub expires_at: Timestamp,
    /// Replaces an earlier message of the same topic: fresh for each challenge and device.
    pub topic: &'a str,
    /// How often it was tried before.
    pub attempts: u32,
}

/// A push network.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Hands over one message.
    async fn send(&self, registration: &PushRegistration, message: Message<'_>) -> Delivery;
}

/// A network that is not configured, for devices that registered while it was; the text says what to set.
struct NotConfigured(&'static str);

#[async_trait]
impl Gateway for NotConfigured {
    async fn send(&self, _: &PushRegistration, _: Message<'_>) -> Delivery {
        Delivery::Failed(self.0.into())
    }
}

/// The doors to every network that is configured.
pub(crate) struct Gateways {
    webpush: Arc<dyn Gateway>,
    apns: Arc<dyn Gateway>,
    fcm: Arc<dyn Gateway>,
}

impl Gateways {
    /// The configured gateways.
    ///
    /// # Errors
    /// [`SetupError::Configuration`].
    pub fn new(config: &PushConfig, service: &Arc<Service>) -> Result<Self, SetupError> {
        Ok(Self {
            webpush: Arc::new(webpush::WebPush::new(&config.webpush, Arc::clone(service))?),
            apns: match Apns::new(&config.apns, Arc::clone(service))? {
                Some(apns) => Arc::new(apns),
                None => Arc::new(NotConfigured(apns::NOT_CONFIGURED)),
            },
            fcm: match &config.fcm {
                Some(config) => Arc::new(Fcm::new(config, Arc::clone(service))?),
                None => Arc::new(NotConfigured(fcm::NOT_CONFIGURED)),
            },
        })
    }

    /// One gateway for every registration.
    fn only(gateway: Arc<dyn Gateway>) -> Self {
        Self { webpush: Arc::clone(&gateway), apns: Arc::clone(&gateway), fcm: gateway }
    }

    fn for_registration(&self, registration: &PushRegistration) -> &dyn Gateway {
        match registration {
            PushRegistration::WebPush(_) => &*self.webpush,
            PushRegistration::Apns(_) => &*self.apns,
            PushRegistration::Fcm { .. } => &*self.fcm,
        }
    }
}
