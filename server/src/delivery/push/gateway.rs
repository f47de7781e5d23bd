//! What the sender sees of a push network: it is handed a message and gives one of five outcomes.

use async_trait::async_trait;
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// What a gateway said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It took the message.
    Sent,
    /// It no longer knows the device, since this moment if it named one. The registration is dropped, unless the device
    /// made it after that moment.
    Gone(Option<Timestamp>),
    /// It does not take this message now. It may later, after this long if it said so; the text is for the operator.
    RetryAfter(Option<Duration>, String),
    /// It cannot be reached, or is not well, and takes no message at all now. It may later, after this long if it said
    /// so; the text is for the operator.
    Down(Option<Duration>, String),
    /// It will never take this message as it is, so no retry helps; the text is for the operator.
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
    /// A message replaces an earlier one of the same topic that still waits at the network. Each challenge has a topic
    /// of its own for each device.
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
