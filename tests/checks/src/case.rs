//! Reads the members of a case, by the ending that tells the encoding.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::Value;

/// A member that must be there.
pub fn member<'a>(object: &'a Value, name: &str) -> &'a Value {
    object.get(name).unwrap_or_else(|| panic!("{name} is missing"))
}

/// A text.
pub fn text_of<'a>(object: &'a Value, name: &str) -> &'a str {
    member(object, name).as_str().unwrap_or_else(|| panic!("{name} is not a text"))
}

/// A number that fits 64 bits.
pub fn integer(object: &Value, name: &str) -> i64 {
    member(object, name).as_i64().unwrap_or_else(|| panic!("{name} is not an integer"))
}

/// A count.
pub fn count(object: &Value, name: &str) -> usize {
    usize::try_from(integer(object, name)).unwrap_or_else(|_| panic!("{name} is negative"))
}

/// The bytes of a member, decoded as the ending of its name says.
pub fn bytes(object: &Value, name: &str) -> Vec<u8> {
    let text = text_of(object, name);
    let decoded = match name.rsplit_once('_') {
        Some((_, "b64u")) => BASE64URL_NOPAD.decode(text.as_bytes()),
        Some((_, "hex")) => HEXLOWER.decode(text.as_bytes()),
        Some((_, "utf8")) => Ok(text.as_bytes().to_vec()),
        _ => panic!("the name {name} does not tell its encoding"),
    };
    decoded.unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Decodes base64url without padding.
pub fn from_b64u(text: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}
