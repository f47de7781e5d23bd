//! Which of several a person means by the beginning of an id.

use crate::failure::Failure;

/// There is nothing to choose from.
pub fn no_account() -> Failure {
    Failure {
        exit_code: 3,
        message: "there is no account on this phone; add one with: countersign phone enrol LINK".into(),
    }
}

/// The one id that starts like this; an error when there are several.
pub fn only_match<T: std::fmt::Display>(
    ids: impl Iterator<Item = T>,
    start: &str,
    what: &str,
) -> Result<Option<T>, Failure> {
    let mut matching = ids.filter(|id| !start.is_empty() && id.to_string().starts_with(start));
    let (first, second) = (matching.next(), matching.next());
    if second.is_some() {
        return Err(Failure {
            exit_code: 2,
            message: format!("more than one {what} starts with {start}; say more of its id"),
        });
    }
    Ok(first)
}
