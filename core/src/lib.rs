//! The Countersign protocol, both sides of it, and the device that answers.
//!
//! There are no sockets here, no ambient clock and no ambient randomness: [`Platform`] brings them. PROTOCOL.md in the
//! repository describes the same messages for other languages.

pub mod apns;
pub mod at_rest;
mod authenticator;
pub mod challenge;
pub mod code_seed;
mod codes;
mod connection;
mod decide;
pub mod decision;
pub mod device_api;
mod device_keys;
mod enrol;
pub mod enrolment;
mod error;
pub mod handle;
pub mod jws;
pub mod key;
mod keyring;
pub mod link;
pub mod one_time_code;
pub mod otpauth;
mod platform;
pub mod private_file;
pub mod proof;
pub mod randomness;
pub mod receipt;
mod receive;
mod refusal;
pub mod retraction;
pub mod revocation;
pub mod sealing;
pub mod sentences;
pub mod server_identity;
mod store;
pub mod text;
pub mod time;
pub mod transport;
pub mod vault;
pub mod webpush;

pub use authenticator::{Account, AccountState, Authenticator};
pub use error::{Error, StoreError};
pub use keyring::{Keyring, Opened};
pub use platform::{Platform, PushRegistrar};
pub use receive::{Past, Prompt, Pulled, Received};
pub use refusal::Refusal;
pub use store::Outcome;
