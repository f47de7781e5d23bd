//! Webhooks: a relying party hears what became of its challenges. They inform and never claim: an approval is worth
//! something only to who claims it.
//!
//! An event is a row of the transaction in which it happened (`store/webhooks.rs`). It is told at least once, the
//! events of one challenge in their order, in the form of Standard Webhooks around a signed event (RFC 8417).

pub mod config;
mod event;
mod sender;

pub use event::{CHALLENGE_EVENT, Events, SecurityEvent};
pub use sender::Sender;
