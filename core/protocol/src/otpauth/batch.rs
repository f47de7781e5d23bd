//! The accounts that Google Authenticator exports: `otpauth-migration://offline?data=…`, a protocol buffer in base64.
//!
//! Google describes the form nowhere; this is what its app writes, as the other apps that import it read it.

use super::decode::{decode, unescape};
use super::link::{Generator, OtpauthLink};
use super::names;
use super::refusal::{LinkRefusal, NotTaken, Part, Taken, Warning};
use super::single::with_warnings;
use crate::one_time_code::{Algorithm, DEFAULT_PERIOD, Hotp, ReadSecret, Secret, Totp};
use data_encoding::BASE64_NOPAD;
use zeroize::Zeroizing;

/// The longest batch that is read, in bytes: several times what a QR code holds.
const MAX_LENGTH: usize = 16 * 1024;
const DAMAGED: LinkRefusal = LinkRefusal::Batch;

/// The accounts of a batch, those that are not taken, and which part of how many it is.
pub(super) type Batch = (Vec<Taken>, Vec<NotTaken>, Option<Part>);

/// Reads a batch, given what stands behind the colon of its scheme. An account that cannot be taken leaves the others.
pub(super) fn read(rest: &str) -> Result<Batch, LinkRefusal> {
    if rest.len() > MAX_LENGTH {
        return Err(LinkRefusal::TooLong);
    }
    let query = unescape(rest.split_once('?').ok_or(DAMAGED)?.1);
    let data = query.split('&').find_map(|part| part.strip_prefix("data=")).ok_or(DAMAGED)?;
    let (mut taken, mut not_taken, mut part, mut parts) = (Vec::new(), Vec::new(), 0, 1);
    for field in fields(&from_base64(data)?)? {
        match field {
            (1, Value::Bytes(account)) => match read_account(account) {
                Ok(account) => taken.push(account),
                Err(refused) => not_taken.push(refused),
            },
            (3, Value::Number(size)) => parts = size,
            (4, Value::Number(index)) => part = index,
            _ => {}
        }
    }
    if taken.is_empty() && not_taken.is_empty() {
        return Err(DAMAGED);
    }
    let part = u32::try_from(part).ok().zip(u32::try_from(parts).ok());
    let part = part.filter(|(part, of)| *of > 1 && part < of).map(|(part, of)| Part { number: part + 1, of });
    Ok((taken, not_taken, part))
}

/// Base64 of either alphabet, with or without padding. A plus sign that a form took for a space is one again.
fn from_base64(data: &str) -> Result<Zeroizing<Vec<u8>>, LinkRefusal> {
    let standard = |character: char| match character {
        '-' | ' ' => Some('+'),
        '_' => Some('/'),
        '\r' | '\n' | '\t' | '=' => None,
        other => Some(other),
    };
    let text: Zeroizing<String> = Zeroizing::new(decode(data).trim().chars().filter_map(standard).collect());
    BASE64_NOPAD.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| DAMAGED)
}

/// The value of a field (Protocol Buffers, "Encoding").
#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a fixed length, which no field here has.
    Other,
}

/// Takes a message apart. A newer version may have more fields; what is cut is refused.
fn fields(mut message: &[u8]) -> Result<Vec<(u64, Value<'_>)>, LinkRefusal> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut message)?),
            2 => {
                let length = varint(&mut message)?;
                Value::Bytes(take(&mut message, length)?)
            }
            1 => take(&mut message, 8).map(|_| Value::Other)?,
            5 => take(&mut message, 4).map(|_| Value::Other)?,
            _ => return Err(DAMAGED),
        };
        found.push((key >> 3, value));
    }
    Ok(found)
}

fn take<'a>(message: &mut &'a [u8], length: u64) -> Result<&'a [u8], LinkRefusal> {
    let length = usize::try_from(length).map_err(|_| DAMAGED)?;
    let (taken, rest) = message.split_at_checked(length).ok_or(DAMAGED)?;
    *message = rest;
    Ok(taken)
}

/// A number in groups of seven bits, the lowest first; ten bytes at most.
fn varint(message: &mut &[u8]) -> Result<u64, LinkRefusal> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(message, 1)?[0];
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(DAMAGED);
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(DAMAGED)
}

/// One account as it is written. Of a field that comes twice the last counts (Protocol Buffers, "Last One Wins").
#[derive(Default)]
struct Account<'a> {
    secret: &'a [u8],
    name: String,
    issuer: String,
    algorithm: u64,
    digits: u64,
    kind: u64,
    counter: u64,
}

fn read_account(message: &[u8]) -> Result<Taken, NotTaken> {
    let damaged = |_| NotTaken { name: String::new(), why: DAMAGED };
    let mut account = Account::default();
    for field in fields(message).map_err(damaged)? {
        match field {
            (1, Value::Bytes(secret)) => account.secret = secret,
            (2, Value::Bytes(name)) => account.name = String::from_utf8_lossy(name).into_owned(),
            (3, Value::Bytes(issuer)) => account.issuer = String::from_utf8_lossy(issuer).into_owned(),
            (4, Value::Number(algorithm)) => account.algorithm = algorithm,
            (5, Value::Number(digits)) => account.digits = digits,
            (6, Value::Number(kind)) => account.kind = kind,
            (7, Value::Number(counter)) => account.counter = counter,
            _ => {}
        }
    }
    let mut warnings = Vec::new();
    match account.generator(&mut warnings) {
        Ok(generator) => {
            let link = OtpauthLink::named(&account.name, Some(&account.issuer), generator);
            Ok(Taken { link, warnings, group: None })
        }
        Err(why) => Err(NotTaken { name: names::shown_together(&account.name, Some(&account.issuer)), why }),
    }
}

impl Account<'_> {
    /// The codes. A value of zero is "not said", for which every app takes SHA-1, 6 digits and codes by time.
    fn generator(&self, warnings: &mut Vec<Warning>) -> Result<Generator, LinkRefusal> {
        let algorithm = match self.algorithm {
            0 | 1 => Algorithm::Sha1,
            2 => Algorithm::Sha256,
            3 => Algorithm::Sha512,
            4 => return Err(LinkRefusal::Md5),
            _ => return Err(LinkRefusal::Algorithm),
        };
        let digits = match self.digits {
            0 | 1 => 6,
            2 => 8,
            _ => return Err(LinkRefusal::Digits),
        };
        if self.secret.is_empty() {
            return Err(LinkRefusal::NoSecret);
        }
        let read = ReadSecret::foreign(self.secret).map_err(|_| LinkRefusal::SecretTooLong)?;
        let secret: Secret = with_warnings(read, warnings);
        match self.kind {
            0 | 2 => Totp::foreign(secret, algorithm, digits, DEFAULT_PERIOD).map(Generator::Totp),
            // The counter is signed there, and none is negative.
            1 if i64::try_from(self.counter).is_err() => return Err(LinkRefusal::Counter),
            1 => Hotp::new(secret, algorithm, digits, self.counter).map(Generator::Hotp),
            _ => return Err(LinkRefusal::UnknownType),
        }
        .map_err(|_| LinkRefusal::Digits)
    }
}
