//! Step 2, push: what was created is sealed and sent, through whichever gateway reaches the device.
//!
//! A push to be sent is a row, so a crash forgets none. [`Gateway`] is the door to a network, and no network can hold
//! up a challenge. Each network, and each Web Push service, has a lane of its own: places, a queue and a circuit
//! breaker, so that one that is down or slow holds up no other.

mod apns;
pub mod check;
pub mod config;
mod doubt;
pub(crate) mod fcm;
mod gateway;
mod gateways;
mod retry_after;
mod sender;
mod webpush;

pub use apns::Apns;
pub use fcm::Fcm;
pub use gateway::{Delivery, Gateway, Kind, Message, NoAnswer};
pub use sender::Sender;
// For the simulation, whose push service answers with statuses.
#[doc(hidden)]
pub use webpush::read as web_push_answer;

use gateways::Gateways;
