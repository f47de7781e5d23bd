//! Undoes the encodings in which a part of a link arrives.

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// How an ampersand looks after a page or a message was made of the link. The first is also what is left of others that
/// were escaped twice.
const AMPERSANDS: [&str; 4] = ["&amp;", "&#38;", "&#x26;", "\\u0026"];

/// Ampersands as ampersands, whatever was made of them on the way.
pub(super) fn unescape(raw: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(raw.to_owned());
    while let Some((at, escaped)) = AMPERSANDS.iter().find_map(|escaped| Some((position(&text, escaped)?, escaped))) {
        text.replace_range(at..at + escaped.len(), "&");
    }
    text
}

/// Where this begins, in letters of either case. The needle is ASCII.
pub(super) fn position(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

/// Undoes percent-encoding (RFC 3986, section 2.1), also where it was done twice. A percent sign that begins none is
/// itself; what is not UTF-8 is Latin-1, which careless services write.
pub(super) fn decode(raw: &str) -> Zeroizing<String> {
    let mut raw = Zeroizing::new(raw.to_owned());
    while let Some(at) = encoded_twice(raw.as_bytes()) {
        raw.replace_range(at + 1..at + 3, "");
    }
    let bytes = Zeroizing::new(percent_decode_str(&raw).collect::<Vec<u8>>());
    Zeroizing::new(match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    })
}

/// Where the percent sign of an encoding was encoded itself: `%2520`.
fn encoded_twice(raw: &[u8]) -> Option<usize> {
    raw.windows(5).position(|five| five.starts_with(b"%25") && five[3..].iter().all(u8::is_ascii_hexdigit))
}

/// As [`decode`], of a parameter's value, in which a plus sign is a space, as in a form, which is how many services
/// write their issuer. To be read as a plus sign it is encoded.
pub(super) fn decode_value(raw: &str) -> Zeroizing<String> {
    decode(&Zeroizing::new(raw.replace('+', " ")))
}
