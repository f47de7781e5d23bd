//! The names that people read on their phone.

use crate::domain::refused::Refused;
use countersign_protocol::text;

/// The same rule as for what a phone shows.
///
/// # Errors
/// `malformed`.
pub fn check(name: &str) -> Result<(), Refused> {
    text::check_name(name, "name").map_err(|_| {
        Refused::malformed("A name is 1 to 100 characters, without spaces around it and without control characters.")
    })
}
