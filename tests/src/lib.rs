//! What the whole-system tests stand on: a server in this process or the real binary, relying parties, phones, a device
//! made by hand that can sign anything, and a push service that decrypts.
//!
//! Everything goes over real sockets on loopback.
//!
//! Each thing is proven in one place:
//!
//! - what a phone lives through, in `tests/scenarios`, in every language;
//! - what one changed field does, in `tests/vectors`;
//! - orders, crashes and lost messages, in [`simulation`], which `tests/mutants.rs` holds to account;
//! - the rest in Rust: hostile requests, what only the server sees, and what a simulator of a push network refuses.
//!
//! A test begins with a [`scene::Scene`], or with a [`program::Installation`] where the real binary is what it is
//! about. There are two phones: [`phone::Phone`] is the real core, [`handmade::HandmadeDevice`] can lie.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must stop")]

pub mod apns;
pub mod attestation;
pub mod clock;
pub mod earlier;
pub mod fcm;
pub mod folder;
pub mod gateway;
pub mod handmade;
pub mod http;
pub mod model;
pub mod phone;
pub mod program;
pub mod push_service;
pub mod scene;
pub mod server;
pub mod simulation;
pub mod system_calls;
pub mod tls;
pub mod webdriver;
pub mod webhook_receiver;
pub mod world;
