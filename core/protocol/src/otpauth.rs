//! Links that carry the secret of one-time codes: `otpauth://totp/Issuer:account?secret=…`, and what stands in their
//! place in the world.
//!
//! Google's "Key Uri Format" is the description that services follow, and stray from. One rule decides what is read of
//! a link that strays: **never a silently wrong code**. What has one meaning is read; what a service leaves out has the
//! value that every app takes; names are cleaned, since nobody can repair a QR code; and what could show a wrong code
//! is refused with a sentence of its own ([`LinkRefusal`]). Where the codes are right and something is still worth
//! knowing, a [`Warning`] says it.

mod batch;
mod beside;
mod decode;
mod entry;
mod found;
mod link;
mod names;
mod parameters;
mod refusal;
mod single;

pub(crate) use beside::Beside;
pub use beside::group_name;
pub(crate) use entry::Entry;
pub(crate) use found::read_file;
pub use found::{Found, read, read_key};
pub use link::{Generator, OtpauthLink};
pub use refusal::{LinkRefusal, NotTaken, Part, Taken, Warning};
