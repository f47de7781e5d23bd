//! Files of one-time codes: those of other apps, read, and that of our own, written.
//!
//! What was read is looked at and kept as what a person pasted is ([`Authenticator::preview_codes`],
//! [`Authenticator::add_codes`]).

use crate::authenticator::Authenticator;
use crate::error::Error;
use crate::foreign_codes::{Kept, nothing_but};
use countersign_protocol::code_file;
use countersign_protocol::otpauth::{Found, LinkRefusal};
use zeroize::Zeroizing;

/// What is in a file of another app, or of our own, whatever it is: a refusal is in the list, with its reason, but for
/// those that another password mends. The password is not kept. It may take seconds and a gigabyte of memory: as much
/// as the app that wrote the file asks for.
///
/// # Errors
/// [`Error::PasswordNeeded`] when the file is encrypted and there is no password; [`Error::WrongPassword`] when it does
/// not open with this one.
pub fn look_at_file(file: &[u8], password: Option<&str>) -> Result<Found, Error> {
    match code_file::read(file, password) {
        Err(LinkRefusal::PasswordNeeded) => Err(Error::PasswordNeeded),
        Err(LinkRefusal::WrongPassword) => Err(Error::WrongPassword),
        Err(why) => Ok(nothing_but(why)),
        Ok(found) => Ok(found),
    }
}

impl Authenticator {
    /// The codes of other services in a file that this password opens: `docs/code-export.md`. It holds no account of a
    /// Countersign server, whose keys never leave the device. The password is not kept.
    ///
    /// # Errors
    /// [`Error::ShortPassword`] below 15 characters; otherwise as [`Authenticator::foreign_codes`].
    pub fn export_codes(&self, password: &str) -> Result<String, Error> {
        let codes: Vec<_> = self.kept_codes()?.into_iter().map(|Kept { link, group, .. }| (link, group)).collect();
        code_file::write(&codes, password, &*self.platform.randomness).map_err(|_| Error::ShortPassword)
    }

    /// The same codes as `otpauth` links, one a line, which every app reads and **nothing protects**; without their
    /// groups. Only for a person who asked for just this.
    ///
    /// # Errors
    /// As [`Authenticator::foreign_codes`].
    pub fn export_codes_unencrypted(&self) -> Result<Zeroizing<String>, Error> {
        Ok(code_file::links(self.kept_codes()?.iter().map(|kept| &kept.link)))
    }
}
