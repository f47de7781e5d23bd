//! The names that people read on their phone.

use crate::domain::refused::Refused;
use countersign_protocol::{text, typed};

/// A name that a person has typed, the operator or whoever adds an application: cleaned where nothing is lost. What
/// turns the direction of writing by force is refused, since the person saw another name than would be kept.
///
/// # Errors
/// `malformed`.
pub fn typed(name: &str) -> Result<String, Refused> {
    if name.contains(['\u{202d}', '\u{202e}']) {
        return Err(Refused::malformed("A name is written without characters that force its direction."));
    }
    let name = typed::clean(name);
    check(&name)?;
    Ok(name)
}

/// The same rule as for what a phone shows, for a name that a program sends and that stays as it is.
///
/// # Errors
/// `malformed`.
pub fn check(name: &str) -> Result<(), Refused> {
    text::check_name(name, "name").map_err(|_| {
        Refused::malformed("A name is 1 to 100 characters, without spaces around it and without control characters.")
    })
}
