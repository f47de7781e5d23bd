//! The names of a link, cleaned: whoever scans a code cannot repair it, and no name makes a code wrong.

use crate::text;

/// A name as it can be shown: without marks that nobody sees or that change the direction of writing, line breaks as
/// spaces, no space at an end. Empty when nothing is left to see. Spaces within stay as they are, other than in a name
/// that a person types ([`crate::typed::clean`]): a link that is written must read the same.
pub(super) fn clean(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    for character in name.chars() {
        if text::check(character.encode_utf8(&mut [0; 4]), 1, "name").is_ok() {
            kept.push(character);
        } else if character.is_whitespace() && !kept.ends_with(' ') {
            kept.push(' ');
        }
    }
    kept.trim().to_owned()
}

/// The name of a group as it can be shown; empty when nothing is left to see.
pub(super) fn of_group(name: &str) -> String {
    shown(&clean(name))
}

/// A cleaned name, cut where it is too long to be shown, and empty where it shows nothing.
fn shown(name: &str) -> String {
    let name = name.trim();
    let name = match name.char_indices().nth(text::MAX_NAME) {
        None => name.to_owned(),
        Some(_) => name.chars().take(text::MAX_NAME - 1).chain(['…']).collect(),
    };
    if text::check_name(&name, "name").is_ok() { name } else { String::new() }
}

/// Issuer and account of a decoded label, given the parameter, which is right where the two differ. The issuer that
/// both name may have colons; any other ends at the first colon. What was cleaned and is read again stays the same.
pub(super) fn of(label: &str, parameter: Option<&str>) -> (Option<String>, String) {
    let label = clean(label);
    let parameter = parameter.map(clean).unwrap_or_default();
    let unended = parameter.trim_end_matches([':', ' ']);
    for issuer in [parameter.as_str(), unended] {
        let name = shown(issuer);
        if let (false, Some(account)) = (name.is_empty(), after(&label, issuer)) {
            return (Some(name), shown(account));
        }
    }
    let (prefix, account) = split(&label);
    let issuer = [unended, prefix].map(shown).into_iter().find(|name| !name.is_empty());
    let account = shown(account);
    if issuer.is_none() && !split(&account).0.is_empty() {
        // The cut made a colon of what was the beginning of an address.
        return of(&account, None);
    }
    (issuer, account)
}

/// What stands behind the issuer and its colon.
fn after<'a>(label: &'a str, issuer: &str) -> Option<&'a str> {
    label.strip_prefix(issuer)?.trim_start().strip_prefix(':')
}

/// What stands before and behind the first colon that has something to see before it. One that an address has behind
/// its scheme is none.
fn split(label: &str) -> (&str, &str) {
    let mut from = 0;
    for (at, _) in label.match_indices(':') {
        if label[at..].starts_with("://") {
            continue;
        }
        if shown(&label[from..at]).is_empty() {
            from = at + 1;
        } else {
            return (&label[from..at], &label[at + 1..]);
        }
    }
    ("", &label[from..])
}

/// The names of a link that is not taken, in one line.
pub(super) fn shown_together(label: &str, parameter: Option<&str>) -> String {
    let (issuer, account) = of(label, parameter);
    issuer.into_iter().chain([account]).filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ")
}
