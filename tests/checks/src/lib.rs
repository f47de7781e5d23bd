//! Runs one case of the vectors in `tests/vectors` through the core: for the suite in Rust, and behind the facade's
//! feature `vectors` for those in other languages.
//!
//! A case that cannot be read is a fault of the vectors and panics; a refusal of the core is an answer.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a vector that cannot be read is a failed test")]

pub mod case;
mod messages;

pub use messages::{CHECKS, run};
