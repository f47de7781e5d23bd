//! Files of one-time codes: what other authenticator apps export, and the export of our own.
//!
//! A module a format. What is in a file becomes what is in a link: every entry goes through the same rules
//! ([`crate::otpauth`]), and is taken, or not taken with its reason. What a file asks for is bounded before it is
//! spent: a hostile file is a thief's first try.

mod aegis;
mod cxf;
mod ente;
mod entries;
mod json;
mod own;
mod password;
mod secretstream;
mod two_fas;

pub use own::{MIN_PASSWORD, ShortPassword, links, write};

use crate::otpauth::{self, Found, LinkRefusal};
use json::Loose;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The longest file that is read, in bytes. Apps write the pictures of services into theirs.
pub const MAX_FILE: usize = 16 * 1024 * 1024;
/// The most entries of a file.
const MAX_ENTRIES: usize = 5000;

/// Reads the codes of another service from a file: an export of Aegis, 2FAS, Ente Auth or our own, with the password
/// where it is encrypted; a file in FIDO's Credential Exchange Format; or a text of links, as [`otpauth::read`] does.
///
/// The key of an encrypted file may cost a gigabyte of memory and some seconds, as its app chose. A password that is
/// not needed is not used.
///
/// # Errors
/// A [`LinkRefusal`] when nothing of the file can be read: [`LinkRefusal::PasswordNeeded`] and
/// [`LinkRefusal::WrongPassword`] ask for another try.
pub fn read(file: &[u8], password: Option<&str>) -> Result<Found, LinkRefusal> {
    if file.len() > MAX_FILE {
        return Err(LinkRefusal::LargeFile);
    }
    let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
    let text = std::str::from_utf8(file).map_err(|_| LinkRefusal::UnknownFile)?;
    let found = match text.trim_start().as_bytes().first() {
        Some(b'{') => Form::of(text)?.read(text, password)?,
        Some(b'[') => return Err(LinkRefusal::UnknownFile),
        _ => otpauth::read_file(text)?,
    };
    let entries = found.taken.len() + found.not_taken.len();
    if entries > MAX_ENTRIES { Err(LinkRefusal::LargeFile) } else { Ok(found) }
}

/// Which app wrote a file of JSON.
enum Form {
    Aegis,
    TwoFas,
    Ente,
    Cxf,
    Own,
}

/// The members of the files, by which they are told apart.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    format: Loose<'a>,
    header: Option<IgnoredAny>,
    db: Option<IgnoredAny>,
    services: Option<IgnoredAny>,
    #[serde(rename = "schemaVersion")]
    schema_version: Option<IgnoredAny>,
    #[serde(rename = "kdfParams")]
    kdf_params: Option<IgnoredAny>,
    accounts: Option<IgnoredAny>,
}

impl Form {
    fn of(text: &str) -> Result<Self, LinkRefusal> {
        let members: Members<'_> = json::parse(text)?;
        if members.format.value() == own::FORMAT {
            Ok(Self::Own)
        } else if members.db.is_some() && members.header.is_some() {
            Ok(Self::Aegis)
        } else if members.services.is_some() && members.schema_version.is_some() {
            Ok(Self::TwoFas)
        } else if members.kdf_params.is_some() {
            Ok(Self::Ente)
        } else if members.accounts.is_some() {
            Ok(Self::Cxf)
        } else {
            Err(LinkRefusal::UnknownFile)
        }
    }

    fn read(self, text: &str, password: Option<&str>) -> Result<Found, LinkRefusal> {
        match self {
            Self::Aegis => aegis::read(text, password),
            Self::TwoFas => two_fas::read(text, password),
            Self::Ente => ente::read(text, password),
            Self::Cxf => cxf::read(text),
            Self::Own => own::read(text, password),
        }
    }
}
