//! What opens a push where there is no app: in the notification service extension of an iPhone, or a process of its
//! own.

use crate::convert;
use crate::error::AuthenticatorError;
use crate::platform::{Clock, KeyVault};
use crate::records::OpenedPush;
use countersign_device::Keyring;
use std::path::Path;
use std::sync::Arc;

/// Opens pushes with the least that this takes: the small file of sealing keys beside an [`Authenticator`]'s store, and
/// nothing of the store itself. It writes nothing and holds no lock, so the app may have the same store open, and a
/// system that suspends the extension finds no file held. It needs no key that signs, so no thief signs with what it
/// reads.
///
/// The app takes the same push in by `receive` when it comes to the front; a pull brings it as well.
///
/// [`Authenticator`]: crate::Authenticator
#[derive(uniffi::Object)]
pub struct PushOpener {
    keyring: Keyring,
    clock: Arc<dyn countersign_protocol::time::Clock>,
}

#[uniffi::export]
impl PushOpener {
    /// Reads the keys of the authenticator in `directory`, with the part of its vault that opens after the first
    /// unlock. It reads one small file, and asks the vault, on the thread that calls. Without accounts it opens
    /// nothing. Make one for each push: the app may have enrolled another account since.
    #[uniffi::constructor]
    pub fn open(directory: &str, vault: Arc<dyn KeyVault>, clock: Arc<dyn Clock>) -> Result<Self, AuthenticatorError> {
        let keyring = Keyring::open(Path::new(directory), &*convert::vault(vault))?;
        Ok(Self { keyring, clock: convert::clock(clock) })
    }

    /// Opens a push, on the thread that calls: its bytes as the server made them, after the push service's own
    /// encryption is taken off. When it is refused there is nothing to tell the person: leave the notification as it
    /// came, without a name.
    #[expect(clippy::needless_pass_by_value, reason = "a slice would be a direct ByteBuffer in Kotlin")]
    pub fn open_push(&self, push: Vec<u8>) -> Result<OpenedPush, AuthenticatorError> {
        Ok(self.keyring.open_push(&push, self.clock.now())?.into())
    }
}
