//! The names that people read on their phone.

use crate::domain::refused::Refused;
use countersign_protocol::{text, typed};

/// A name that a person has typed, the operator or whoever adds an application: cleaned where nothing is lost. A break
/// within it is refused, and so is what forces the direction of writing: the person saw another name than would be
/// kept.
///
/// # Errors
/// `malformed`.
pub fn typed(name: &str) -> Result<String, Refused> {
    let breaks = |one: char| one.is_control() || matches!(one, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}');
    let trimmed = name.trim();
    if trimmed.contains(breaks) {
        check(trimmed)?;
    }
    let name = typed::clean(trimmed);
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
