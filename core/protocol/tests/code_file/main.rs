//! Files of codes: those of other apps in `tests/vectors/code_files.json`, which were made without anything of ours,
//! and the export of our own.

#![cfg(test)]

mod export;
mod hostile;
mod properties;
mod vectors;

use countersign_protocol::code_file;
use countersign_protocol::otpauth::{Found, LinkRefusal};
use serde_json::Value;

/// The shared file.
fn shared() -> Value {
    serde_json::from_str(include_str!("../../../../tests/vectors/code_files.json")).unwrap()
}

/// The accepted case of this name: its file, and its password.
fn accepted(name: &str) -> (String, Option<String>) {
    let all = shared();
    let case = all["accepted"].as_array().unwrap().iter().find(|case| case["name"] == name);
    let case = case.unwrap_or_else(|| panic!("{name}"));
    (case["file_utf8"].as_str().unwrap().to_owned(), case["password_utf8"].as_str().map(str::to_owned))
}

/// Why a file is refused.
fn why(file: &str, password: Option<&str>) -> LinkRefusal {
    match code_file::read(file.as_bytes(), password) {
        Err(why) => why,
        Ok(Found { taken, not_taken, .. }) => panic!("{} taken, {} not", taken.len(), not_taken.len()),
    }
}
