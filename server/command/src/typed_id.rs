//! Ids on the command line.

use countersign_protocol::typed;
use std::str::FromStr;

/// Reads an id, or the start of one, as it was typed or copied from elsewhere.
///
/// # Errors
/// What is wrong with it, where this kind of id has a form.
pub fn id<T: FromStr>(text: &str) -> Result<T, T::Err> {
    typed::handle(text).parse()
}
