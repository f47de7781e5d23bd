//! The Countersign protocol, both sides of it: messages, cryptography, one-time codes, the types on the wire, and the
//! closed list of refusals. What a relay needs, or whoever verifies a receipt.
//!
//! Nothing here opens a file, a socket or a database, and nothing reads the clock or makes randomness by itself: both
//! are arguments. PROTOCOL.md in the repository describes the same messages for other languages.

pub mod apns;
pub mod at_rest;
pub mod attestation;
pub mod challenge;
pub mod code_file;
pub mod code_seed;
pub mod decision;
pub mod device_api;
pub mod enrolment;
pub mod handle;
pub mod jws;
pub mod key;
pub mod link;
pub mod one_time_code;
pub mod otpauth;
pub mod problem_code;
pub mod proof;
pub mod randomness;
pub mod receipt;
mod refusal;
pub mod relying_party_api;
pub mod retraction;
pub mod revocation;
#[cfg(feature = "openapi")]
pub mod schema;
pub mod sealing;
pub mod server_identity;
pub mod text;
pub mod time;
pub mod typed;
pub mod webpush;

pub use problem_code::{AnyProblemCode, ProblemCode};
pub use refusal::Refusal;
