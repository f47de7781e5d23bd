//! Reads the vector files.

use countersign_vectors::case::{member, text_of};
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

/// The one that `core/protocol/tests/code_file` reads.
const READ_BY_THE_CORE: &str = "code_files.json";

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

#[test]
fn every_file_in_the_directory_is_read_by_a_test() {
    let found: BTreeSet<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["README.md", READ_BY_THE_CORE].contains(&name.as_str()))
        .collect();
    assert_eq!(found, READ_HERE.map(str::to_owned).into());
}
