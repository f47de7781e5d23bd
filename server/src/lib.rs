//! The Countersign server: relying parties ask, phones answer, and the answer is durable before anybody hears of it.
//!
//! The way of one login through these files: `create` (1), `push` (2), then on the phone `receive` (3) and `decide` (4)
//! of countersign-device, `settle` (5), `claim` (6).

pub mod admin;
pub mod app;
pub mod authenticators;
pub mod authorisation;
mod bench;
pub mod claim;
pub mod codes;
pub mod command_line;
pub mod config;
pub mod create;
mod demo;
pub mod device;
pub mod enrolments;
pub mod failure;
pub mod identity;
pub mod listener;
pub mod master_key;
pub mod methods;
mod nonce;
mod notices;
pub mod outgoing;
mod parameter;
pub mod phone;
pub mod problem;
pub mod push;
mod qr;
pub mod resource;
pub mod routes;
pub mod serve;
pub mod server_keys;
pub mod settle;
pub mod startup;
pub mod store;
mod user_agent;
pub mod vapid_keys;
pub mod waiting;
pub mod webhooks;
