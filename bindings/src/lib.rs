//! The device's side of Countersign for Kotlin and Swift: a thin facade over [`countersign_device::Authenticator`].
//!
//! Nothing is decided here. [`Authenticator`] calls the core, the records and enums are what an app shows,
//! [`platform`] is what an app brings, [`AuthenticatorError`] is what can go wrong, and every translation between these
//! and the core is in `convert.rs`. The core knows nothing of this crate.

mod authenticator;
mod convert;
mod error;
mod foreign_codes;
pub mod platform;
mod push_opener;
mod records;
pub mod sentences;
#[cfg(feature = "vectors")]
mod vectors;
mod worker;

pub use authenticator::Authenticator;
pub use error::{AuthenticatorError, error_code};
pub use foreign_codes::{CodeFile, CodePart, CodeStanding, ForeignCode, FoundCodes, OfferedCode, RefusedCode};
pub use push_opener::PushOpener;
pub use records::{
    Account, AccountState, ApnsEnvironment, Challenge, Detail, Device, EndReason, EnrolmentState, OpenedPush, Outcome,
    Past, Policy, Prompt, Pulled, PushFailure, PushRegistration, PushStatus, Received, SignInContext,
};

uniffi::setup_scaffolding!("countersign");
