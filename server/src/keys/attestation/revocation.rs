//! The list of withdrawn certificates, as Google publishes it: <https://android.googleapis.com/attestation/status>.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The serial numbers of certificates that are not believed any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevocationList(BTreeSet<String>);

/// The published form. What else an entry says, such as why, is for people.
#[derive(Deserialize)]
struct Published {
    entries: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "status")]
    _status: String,
}

impl RevocationList {
    /// Reads the published form. Whoever is in it is not believed, whatever its status says: `REVOKED`, `SUSPENDED`, or
    /// a word that comes later.
    ///
    /// # Errors
    /// What was found, and what was expected.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let expected = "expected Google's list: {\"entries\": {\"SERIAL\": {\"status\": \"REVOKED\"}}}";
        let published: Published =
            serde_json::from_slice(json).map_err(|error| format!("found no such list ({error}); {expected}"))?;
        let serials = published.entries.into_keys().map(|serial| {
            let hex = serial.bytes().all(|byte| byte.is_ascii_hexdigit());
            if hex && !serial.is_empty() { Ok(plain(&serial)) } else { Err(serial) }
        });
        serials
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(|serial| format!("found {serial:?} as a serial number; expected hexadecimal digits"))
    }

    /// Whether a certificate with this serial number is in it.
    pub fn has(&self, serial: &[u8]) -> bool {
        !self.0.is_empty() && self.0.contains(&plain(&data_encoding::HEXLOWER.encode(serial)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A number in one form: small letters, no zeros before it.
fn plain(serial: &str) -> String {
    let digits = serial.trim_start_matches('0');
    if digits.is_empty() { "0".into() } else { digits.to_ascii_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_found_however_it_is_written() {
        let list = br#"{"entries": {"00AbC1": {"status": "REVOKED", "reason": "KEY_COMPROMISE"},
                                    "2": {"status": "SUSPENDED"}, "3": {"status": "WITHDRAWN"}}}"#;
        let list = RevocationList::parse(list).unwrap();
        assert_eq!(list.len(), 3);
        for (serial, revoked) in [
            (&[0xab, 0xc1][..], true),
            (&[0, 0xab, 0xc1], true),
            (&[2], true),
            (&[0, 0, 3], true),
            (&[0xab], false),
            (&[0xab, 0xc1, 0], false),
            (&[], false),
        ] {
            assert_eq!(list.has(serial), revoked, "{serial:?}");
        }
        assert!(RevocationList::parse(br#"{"entries": {}}"#).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_list_is_refused_with_what_was_expected() {
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"entries": []}"#,
            r#"{"entries": {"1": {}}}"#,
            r#"{"entries": {"x": {"status": "REVOKED"}}}"#,
        ] {
            assert!(RevocationList::parse(wrong.as_bytes()).unwrap_err().contains("expected"), "{wrong}");
        }
    }
}
