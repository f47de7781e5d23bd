//! What the sender sees of a push network: it is handed a message, and says what came of it and of whom that speaks.

use async_trait::async_trait;
use countersign_protocol::device_api::{PushFailure, PushRegistration};
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// What a gateway said. Each network has one table of what its answers mean: `webpush.rs`, `apns/answer.rs`,
/// `fcm/answer.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It took the message.
    Sent,
    /// **The endpoint is gone**: the network no longer knows the device, since this moment if it named one. The
    /// registration is dropped, unless the device made it after that moment.
    Gone(Option<Timestamp>),
    /// **The endpoint is of no use to this server**, as far as the network knows. A mistake in this server's
    /// configuration would make it say the same of every device, so it is believed of a few and not of all
    /// ([`Doubt`](super::doubt::Doubt)). The word is for the phone, the text for the operator.
    Unusable(PushFailure, String),
    /// **The endpoint, not now**: it does not take this message now. It may later, after this long if it said so; the
    /// text is for the operator. It says nothing of other endpoints.
    RetryAfter(Option<Duration>, String),
    /// **The service** answered that it is not well. It may be later, after this long if it said so; the text is for
    /// the operator.
    Down(Option<Duration>, String),
    /// There was no answer at all.
    Unreachable(NoAnswer),
    /// **The request**: it will never take this message as it is, so no retry helps; the text is for the operator.
    Failed(String),
    /// **This server's configuration**: the network does not let it push, and no retry helps; the text is for the
    /// operator.
    Misconfigured(String),
}

/// A request to which no answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer {
    /// Who did not answer, as it stands at the beginning of a sentence: `Firebase`.
    pub who: &'static str,
    /// True when there was no connection at all, so that no request to this service can arrive. Else the request was
    /// on its way, and another endpoint of the same service may do better.
    pub unconnected: bool,
    /// What the resolver, the connection or TLS says. **For the log alone**: where a device chose the address, it would
    /// show whoever reads it the operator's own network.
    pub detail: String,
}

impl NoAnswer {
    /// What became of a request that was sent to this one.
    pub fn of(who: &'static str, error: reqwest::Error) -> Self {
        Self { who, unconnected: error.is_connect(), detail: https_client::reason(error) }
    }

    /// What the relying party is told.
    pub fn said(&self) -> String {
        format!("{} cannot be reached", self.who)
    }
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
