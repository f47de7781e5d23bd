//! The shared vectors: our implementation agrees with what was published, and with our own worked example.
//!
//! A missing file, an empty list and a file that no test reads are failures: nothing here is ever skipped.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a vector that cannot be read is a failed test")]

mod accepted;
mod example;
mod files;
mod hpke_vectors;
mod one_time_codes;
mod refused;
mod signatures;
mod web_push;
