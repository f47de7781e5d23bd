//! What became of the entries of a file.

use crate::otpauth::{Found, LinkRefusal, NotTaken, Taken};

/// Sorts what became of each entry, in their order.
pub(super) fn sorted(entries: impl IntoIterator<Item = Result<Taken, NotTaken>>) -> Found {
    let mut found = Found::default();
    for entry in entries {
        match entry {
            Ok(taken) => found.taken.push(taken),
            Err(not_taken) => found.not_taken.push(not_taken),
        }
    }
    found
}

/// An entry that is not even an object.
pub(super) fn damaged_entry() -> NotTaken {
    NotTaken { name: String::new(), why: LinkRefusal::DamagedEntry }
}
