//! Reads the vector files, and their members by the ending that tells the encoding.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every file that the tests of this program read.
const READ_HERE: [&str; 8] = [
    "countersign.json",
    "rfc4226.json",
    "rfc6238.json",
    "rfc7515.json",
    "rfc7638.json",
    "rfc8188.json",
    "rfc8291.json",
    "rfc9180.json",
];

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// The file of this name.
pub fn read(name: &str) -> Value {
    assert!(READ_HERE.contains(&name), "{name} is not among the files that are read here");
    let text = std::fs::read_to_string(directory().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!text_of(&file, "source").is_empty());
    file
}

/// The elements of a list, of which there must be this many or more.
pub fn list<'a>(object: &'a Value, name: &str, at_least: usize) -> &'a [Value] {
    let elements = member(object, name).as_array().unwrap_or_else(|| panic!("{name} is not a list"));
    assert!(elements.len() >= at_least, "{name} has {} cases, fewer than {at_least}", elements.len());
    elements
}

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

#[test]
fn every_file_in_the_directory_is_read_by_a_test() {
    let found: BTreeSet<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(found, READ_HERE.map(str::to_owned).into());
}
