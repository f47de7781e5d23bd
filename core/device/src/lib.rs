//! The Countersign authenticator: the device that is asked, with its steps, its keys, its store and its sentences.
//!
//! There are no sockets here, no ambient clock and no ambient randomness: [`Platform`] brings them. The messages are
//! those of `countersign_protocol`.

mod authenticator;
mod code_files;
mod codes;
mod connection;
mod decide;
mod device_keys;
mod enrol;
mod error;
mod foreign_codes;
mod keyring;
mod platform;
mod receive;
pub mod sentences;
mod store;
pub mod transport;
pub mod vault;

pub use authenticator::{Account, AccountState, Authenticator};
pub use code_files::look_at_file;
pub use enrol::UNNAMED;
pub use error::{Error, StoreError};
pub use foreign_codes::{ForeignCode, OfferedCode, Standing, look, look_at_key};
pub use keyring::{Keyring, Opened};
pub use platform::{Platform, PushRegistrar};
pub use receive::{Past, Prompt, Pulled, Received};
pub use store::Outcome;
