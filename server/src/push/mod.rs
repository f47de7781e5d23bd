//! Step 2, push: what was created is sealed and sent, through whichever gateway reaches the device.
//!
//! A push to be sent is a row, so a crash forgets none. [`Gateway`] is the door to a network: four outcomes, and no
//! network can hold up a challenge. All share one bound on what is in flight, so a stalled one can delay the others.

mod fcm;
mod networks;
mod retry_after;
mod sender;
mod webpush;

pub use fcm::Fcm;
pub use sender::{Outbox, Sender};

use crate::app::App;
use crate::problem::Problem;
use async_trait::async_trait;
use countersign_core::at_rest::Location;
use countersign_core::device_api::PushRegistration;
use countersign_core::time::Timestamp;
use std::time::Duration;

/// What a gateway said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It took the message.
    Sent,
    /// It has known no such device since this moment, if it told which: a registration that is not younger is dropped.
    Gone(Option<Timestamp>),
    /// Not now. After this long, if it said so; the text is for the operator.
    RetryAfter(Option<Duration>, String),
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

/// Refuses a registration that could never be used.
///
/// # Errors
/// `malformed`.
pub fn check_registration(app: &App, registration: &PushRegistration) -> Result<(), Problem> {
    match registration {
        PushRegistration::WebPush(subscription) => webpush::check(subscription, app.push_guard),
        PushRegistration::Fcm { token } => fcm::check(token, app.fcm_configured),
    }
}

fn location(row: &str) -> Location<'_> {
    Location { table: "enrolment", row, column: "push_registration" }
}

/// The form in which a registration lies in the database.
///
/// # Errors
/// `internal`.
pub fn seal_registration(app: &App, device: i64, registration: &PushRegistration) -> Result<Vec<u8>, Problem> {
    let plain = serde_json::to_vec(registration).map_err(|_| Problem::Internal)?;
    Ok(app.keys.at_rest.seal(location(&device.to_string()), &plain, &*app.randomness))
}

fn open_registration(app: &App, device: i64, sealed: &[u8]) -> Result<PushRegistration, String> {
    let plain = app.keys.at_rest.open(location(&device.to_string()), sealed).map_err(|error| error.to_string())?;
    serde_json::from_slice(&plain).map_err(|error| error.to_string())
}
