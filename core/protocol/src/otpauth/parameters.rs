//! The parameters of a link: what each value means under its many names.

use super::beside::Beside;
use super::decode::{decode, decode_value, unescape};
use super::names;
use super::refusal::LinkRefusal;
use crate::one_time_code::{Algorithm, Base32Trouble, ReadSecret, Secret};
use zeroize::Zeroizing;

/// A parameter that is known; all others are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Secret,
    Issuer,
    Algorithm,
    Digits,
    Period,
    Counter,
    Encoder,
    Display,
}

/// How each is written, in letters of either case.
const NAMES: [(Name, &str); 8] = [
    (Name::Secret, "secret"),
    (Name::Issuer, "issuer"),
    (Name::Algorithm, "algorithm"),
    (Name::Digits, "digits"),
    (Name::Period, "period"),
    (Name::Counter, "counter"),
    (Name::Encoder, "encoder"),
    // Ente Auth's, and no part of the codes.
    (Name::Display, "codedisplay"),
];

/// The values that a link gives. An empty one is as good as none.
pub(super) struct Parameters {
    values: Vec<(Name, Zeroizing<String>)>,
    /// What stands beside the codes.
    pub beside: Beside,
}

impl Parameters {
    /// Reads what stands behind the question mark.
    pub fn read(query: &str) -> Result<Self, LinkRefusal> {
        let query = unescape(query);
        let (mut values, mut beside) = (Vec::new(), Beside::default());
        for part in query.split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name);
            let known = NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name.trim()));
            if let (Some((Name::Display, _)), Some(read)) = (known, Beside::read(&decode_value(value))) {
                // Whatever a person wrote in a note is no parameter.
                beside = read;
                continue;
            }
            if hides_parameter(if known.is_some() { value } else { part }) {
                return Err(LinkRefusal::Garbled);
            }
            let Some((known, _)) = known else { continue };
            let value = decode_value(value);
            if !value.trim().is_empty() {
                values.push((*known, value));
            }
        }
        Ok(Self { values, beside })
    }

    /// The values of an entry of a file, which has each once.
    pub fn of(values: impl IntoIterator<Item = (Name, Zeroizing<String>)>) -> Self {
        let values = values.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        Self { values, beside: Beside::default() }
    }

    /// The one value of this name. One that comes again with the same meaning is the same.
    fn one<T: PartialEq>(
        &self,
        name: Name,
        read: impl Fn(&str) -> Result<T, LinkRefusal>,
    ) -> Result<Option<T>, LinkRefusal> {
        let mut found = None;
        for (_, value) in self.values.iter().filter(|(known, _)| *known == name) {
            let value = read(value.trim())?;
            if found.as_ref().is_some_and(|earlier| *earlier != value) {
                return Err(LinkRefusal::Contradiction);
            }
            found = Some(value);
        }
        Ok(found)
    }

    pub fn secret(&self) -> Result<ReadSecret, LinkRefusal> {
        // What a page writes that has no secret would be read as one of four letters.
        let read = |value: &str| match value.to_ascii_lowercase().as_str() {
            "null" | "undefined" | "none" => Err(LinkRefusal::NoSecret),
            _ => read_secret(value),
        };
        self.one(Name::Secret, read)?.ok_or(LinkRefusal::NoSecret)
    }

    pub fn issuer(&self) -> Result<Option<String>, LinkRefusal> {
        self.one(Name::Issuer, |value| Ok(names::clean(value)))
    }

    pub fn algorithm(&self) -> Result<Algorithm, LinkRefusal> {
        Ok(self.one(Name::Algorithm, read_algorithm)?.unwrap_or_default())
    }

    pub fn digits(&self) -> Result<Option<u8>, LinkRefusal> {
        self.one(Name::Digits, |value| number(value).ok_or(LinkRefusal::Digits))
    }

    pub fn period(&self) -> Result<Option<u16>, LinkRefusal> {
        self.one(Name::Period, |value| number(value).ok_or(LinkRefusal::Period))
    }

    pub fn counter(&self) -> Result<Option<u64>, LinkRefusal> {
        self.one(Name::Counter, |value| number(value).ok_or(LinkRefusal::Counter))
    }

    /// True when the link asks for the codes of Steam, as KeePassXC writes it.
    pub fn asks_for_steam(&self) -> Result<bool, LinkRefusal> {
        let steam = |value: &str| value.eq_ignore_ascii_case("steam").then_some(()).ok_or(LinkRefusal::Encoder);
        Ok(self.one(Name::Encoder, steam)?.is_some())
    }
}

/// Reads a secret, and says in the words of links what is wrong with it.
pub(super) fn read_secret(text: &str) -> Result<ReadSecret, LinkRefusal> {
    Secret::read_base32(text).map_err(|trouble| match trouble {
        Base32Trouble::Empty => LinkRefusal::NoSecret,
        Base32Trouble::Character => LinkRefusal::SecretCharacters,
        Base32Trouble::TooLong => LinkRefusal::SecretTooLong,
    })
}

/// `SHA1`, `SHA-1`, `sha_256`, `HmacSHA512`, `HMAC-SHA-256`, `SHA2-256`: libraries name the same thing in their own
/// ways.
fn read_algorithm(text: &str) -> Result<Algorithm, LinkRefusal> {
    let letters = text.chars().filter(|character| !matches!(character, '-' | '_' | ' ' | '/' | '.'));
    let plain: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
    match plain.strip_prefix("HMAC").unwrap_or(&plain) {
        "SHA1" | "SHA" => Ok(Algorithm::Sha1),
        "SHA256" | "SHA2256" => Ok(Algorithm::Sha256),
        "SHA512" | "SHA2512" => Ok(Algorithm::Sha512),
        "MD5" => Err(LinkRefusal::Md5),
        _ => Err(LinkRefusal::Algorithm),
    }
}

/// A whole number, which some services write with a fraction of zero.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    if digits && fraction.bytes().all(|byte| byte == b'0') { whole.parse().ok() } else { None }
}

/// True when a parameter that codes are made from lies inside this part of a link, where it would be passed over:
/// behind a separator that is not ours, or in a value.
pub(super) fn hides_parameter(part: &str) -> bool {
    // What is encoded is meant as it stands, but for the sign of separation before the name.
    let meant = Zeroizing::new(part.replace("%3D", "\0").replace("%3d", "\0"));
    let text = Zeroizing::new(decode(&meant).to_ascii_lowercase());
    let is_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    NAMES.iter().filter(|(name, _)| !matches!(name, Name::Issuer | Name::Display)).any(|(_, name)| {
        let mut places = text.match_indices(name);
        places.any(|(at, _)| text[at + name.len()..].trim_start().starts_with('=') && !text[..at].ends_with(is_word))
    })
}
