//! The Countersign server: relying parties ask, phones answer, and the answer is durable before anybody hears of it.
//!
//! It is a house with floors. Each module below is one, and uses only itself and those above it in this list; a test
//! reads the imports. The way of one login through it: `service::create` (1), `delivery::push` (2), then on the phone
//! `receive` (3) and `decide` (4) of countersign-device, `service::settle` (5), `service::claim` (6).

pub mod delivery;
pub mod domain;
pub mod doors;
pub mod keys;
pub mod runtime;
pub mod service;
pub mod store;
