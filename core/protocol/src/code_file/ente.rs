//! The encrypted export of Ente Auth: JSON around a text of links, one a line, encrypted with libsodium's stream of
//! XChaCha20-Poly1305 under what argon2id makes of a password (Ente, "Auth Encrypted Export format"). The export that
//! is not encrypted is that text alone.

use super::json::{Loose, Object, parse};
use super::password::{Argon2Cost, argon2id, text};
use super::secretstream::{self, HEADER_LENGTH};
use crate::otpauth::{self, Found, LinkRefusal};
use data_encoding::BASE64;
use serde::Deserialize;

/// The version that is known.
const VERSION: u64 = 1;
/// Bytes of a KiB.
const KIB: u64 = 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(borrow, default)]
    version: Loose<'a>,
    #[serde(default)]
    kdf_params: Object<Cost<'a>>,
    #[serde(default)]
    encrypted_data: Loose<'a>,
    #[serde(default)]
    encryption_nonce: Loose<'a>,
}

/// As libsodium counts it: memory in bytes, and passes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cost<'a> {
    #[serde(borrow, default)]
    mem_limit: Loose<'a>,
    #[serde(default)]
    ops_limit: Loose<'a>,
    #[serde(default)]
    salt: Loose<'a>,
}

pub(super) fn read(file: &str, password: Option<&str>) -> Result<Found, LinkRefusal> {
    let File { version, kdf_params, encrypted_data, encryption_nonce } = parse(file)?;
    match version.number() {
        Some(VERSION) => {}
        Some(later) if later > VERSION => return Err(LinkRefusal::NewerFile),
        _ => return Err(LinkRefusal::DamagedFile),
    }
    let cost = kdf_params.0.ok_or(LinkRefusal::DamagedFile)?;
    let (memory, passes) = (cost.mem_limit.number(), cost.ops_limit.number());
    let (memory, passes) = memory.zip(passes).ok_or(LinkRefusal::DamagedFile)?;
    let header: [u8; HEADER_LENGTH] = base64(&encryption_nonce)?.try_into().map_err(|_| LinkRefusal::DamagedFile)?;
    let (sealed, salt) = (base64(&encrypted_data)?, base64(&cost.salt)?);
    let password = password.ok_or(LinkRefusal::PasswordNeeded)?;
    let key = argon2id(password, &salt, Argon2Cost { memory: memory / KIB, passes, lanes: 1 })?;
    let opened = secretstream::open(&key, &header, &sealed).ok_or(LinkRefusal::WrongPassword)?;
    match text(&opened)? {
        empty if empty.trim().is_empty() => Ok(Found::default()),
        links => otpauth::read_file(links),
    }
}

fn base64(text: &Loose<'_>) -> Result<Vec<u8>, LinkRefusal> {
    BASE64.decode(text.name().as_bytes()).map_err(|_| LinkRefusal::DamagedFile)
}
