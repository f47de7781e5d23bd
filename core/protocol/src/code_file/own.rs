//! The export of our own: what `docs/code-export.md` describes, for whoever reads it without us.

use super::entries::{damaged_entry, sorted};
use super::json::{List, Loose, Object, parse};
use super::password::{Argon2Cost, argon2id, open, seal, text};
use crate::otpauth::{Found, LinkRefusal, NotTaken, OtpauthLink, Taken, group_name, read_file};
use crate::randomness::Randomness;
use data_encoding::BASE64;
use ring::aead::NONCE_LEN;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What the member `format` says.
pub(super) const FORMAT: &str = "countersign-codes";
/// The version that is written.
const VERSION: u64 = 1;
/// The fewest characters of a password. Nothing but the password protects the file, so it is what NIST SP 800-63B-4
/// (section 3.1.1.2) asks of a password that stands alone.
pub const MIN_PASSWORD: usize = 15;
/// The second recommended option of RFC 9106, section 4: 64 MiB, for where memory is scarce, as on a phone.
const COST: Argon2Cost = Argon2Cost { memory: 64 * 1024, passes: 3, lanes: 4 };
/// Bytes of the salt that is written.
const SALT_LENGTH: usize = 16;
/// Bound into the ciphertext, so that it is read as nothing else.
const ASSOCIATED: &[u8] = b"countersign-codes v1";
const KDF: &str = "argon2id";
const CIPHER: &str = "AES-256-GCM";

/// A password that is too short to protect all codes of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password has fewer than {MIN_PASSWORD} characters: take a longer one, such as four or five words")]
pub struct ShortPassword;

#[derive(Serialize, Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    format: &'a str,
    version: u64,
    #[serde(borrow)]
    kdf: Kdf<'a>,
    #[serde(borrow)]
    cipher: Cipher<'a>,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf<'a> {
    name: &'a str,
    memory_kib: u64,
    passes: u64,
    lanes: u64,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Cipher<'a> {
    name: &'a str,
    nonce: String,
}

/// Which version a file has, whatever else is in it.
#[derive(Deserialize)]
struct Versioned<'a> {
    #[serde(borrow, default)]
    version: Loose<'a>,
}

#[derive(Serialize)]
struct Written<'a> {
    codes: Vec<WrittenCode<'a>>,
}

#[derive(Serialize)]
struct WrittenCode<'a> {
    link: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
}

#[derive(Deserialize)]
struct Contents<'a> {
    #[serde(borrow, default)]
    codes: List<Object<Code<'a>>>,
}

#[derive(Deserialize)]
struct Code<'a> {
    #[serde(borrow, default)]
    link: Loose<'a>,
    #[serde(default)]
    group: Loose<'a>,
}

/// Writes these codes, each with its group, in this order, encrypted under a password. The password is kept nowhere.
///
/// # Errors
/// [`ShortPassword`] for one of fewer than [`MIN_PASSWORD`] characters.
///
/// # Panics
/// Never: the cost is one that argon2id takes, and text is always written as JSON.
#[expect(clippy::expect_used, reason = "a constant cost, and structures of text and numbers")]
pub fn write(
    codes: &[(OtpauthLink, Option<String>)],
    password: &str,
    randomness: &dyn Randomness,
) -> Result<String, ShortPassword> {
    if password.chars().count() < MIN_PASSWORD {
        return Err(ShortPassword);
    }
    let links: Vec<Zeroizing<String>> = codes.iter().map(|(link, _)| link.to_text()).collect();
    let groups = codes.iter().map(|(_, group)| group.as_deref());
    let codes: Vec<_> = links.iter().zip(groups).map(|(link, group)| WrittenCode { link, group }).collect();
    // More than it takes: a buffer that grows leaves what is in it behind. Of a name each character is escaped at most.
    let length = |code: &WrittenCode<'_>| code.link.len() + 6 * code.group.map_or(0, str::len) + 64;
    let mut plain = Zeroizing::new(Vec::with_capacity(codes.iter().map(length).sum::<usize>() + 64));
    serde_json::to_writer(&mut *plain, &Written { codes }).expect("texts");
    let salt = randomness.bytes::<SALT_LENGTH>();
    let key = argon2id(password, &salt, COST).expect("64 MiB, and a cost within its bounds");
    let nonce = randomness.bytes::<NONCE_LEN>();
    let sealed = seal(&key, nonce, &plain, ASSOCIATED);
    let file = File {
        format: FORMAT,
        version: VERSION,
        kdf: Kdf {
            name: KDF,
            memory_kib: COST.memory,
            passes: COST.passes,
            lanes: COST.lanes,
            salt: BASE64.encode(&salt),
        },
        cipher: Cipher { name: CIPHER, nonce: BASE64.encode(&nonce) },
        ciphertext: BASE64.encode(&sealed),
    };
    Ok(serde_json::to_string_pretty(&file).expect("texts and numbers") + "\n")
}

/// These codes as links, one a line, as every app reads them: **not encrypted**, and without their groups.
pub fn links<'a>(codes: impl IntoIterator<Item = &'a OtpauthLink>) -> Zeroizing<String> {
    let lines: Vec<Zeroizing<String>> = codes.into_iter().map(OtpauthLink::to_text).collect();
    let mut text = Zeroizing::new(String::with_capacity(lines.iter().map(|line| line.len() + 1).sum()));
    text.extend(lines.iter().flat_map(|line| [line.as_str(), "\n"]));
    text
}

pub(super) fn read(file: &str, password: Option<&str>) -> Result<Found, LinkRefusal> {
    match parse::<Versioned<'_>>(file)?.version.number() {
        Some(VERSION) => {}
        Some(later) if later > VERSION => return Err(LinkRefusal::NewerFile),
        _ => return Err(LinkRefusal::DamagedFile),
    }
    let File { kdf, cipher, ciphertext, .. } = parse(file)?;
    if (kdf.name, cipher.name) != (KDF, CIPHER) {
        return Err(LinkRefusal::DamagedFile);
    }
    let base64 = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| LinkRefusal::DamagedFile);
    let (salt, nonce, sealed) = (base64(&kdf.salt)?, base64(&cipher.nonce)?, base64(&ciphertext)?);
    let password = password.ok_or(LinkRefusal::PasswordNeeded)?;
    let cost = Argon2Cost { memory: kdf.memory_kib, passes: kdf.passes, lanes: kdf.lanes };
    let key = argon2id(password, &salt, cost)?;
    let opened = open(&key, &nonce, &sealed, ASSOCIATED).ok_or(LinkRefusal::WrongPassword)?;
    let contents: Contents<'_> = parse(text(&opened)?)?;
    let codes = contents.codes.required()?;
    Ok(sorted(codes.iter().map(|code| code.0.as_ref().ok_or_else(damaged_entry)?.read())))
}

impl Code<'_> {
    /// A link of ours, which is alone in its text.
    fn read(&self) -> Result<Taken, NotTaken> {
        let not_taken = |why| NotTaken { name: String::new(), why };
        let found = read_file(&self.link.value()).map_err(not_taken)?;
        let [taken]: [Taken; 1] = found.taken.try_into().map_err(|_| damaged_entry())?;
        if !found.not_taken.is_empty() {
            return Err(damaged_entry());
        }
        Ok(Taken { group: group_name(self.group.name()), ..taken })
    }
}
