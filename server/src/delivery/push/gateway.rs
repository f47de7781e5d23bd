//! The door to a push network: five outcomes, and no network can hold up a challenge.

use async_trait::async_trait;
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::time::Timestamp;
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
    /// It cannot be reached, or is not well: no message now. After this long, if it said so; the text is for the
    /// operator.
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
