//! Commands that are printed to be pasted: they name the program as it was called, and the folder that was given.

use crate::terminal::visible;
use std::path::Path;
use std::sync::OnceLock;

/// `countersign phone`, as this process was called.
static PHONE: OnceLock<String> = OnceLock::new();

/// Remembers how the phone was called; `store` is the folder that the command line named, if it did.
pub fn remember(program: Option<&str>, store: Option<&Path>) {
    // Set once, at the start of the command.
    let _ = PHONE.set(called(program, store));
}

/// The command that does this on this phone.
pub fn phone(what: &str) -> String {
    format!("{} {what}", PHONE.get().map_or("countersign phone", String::as_str))
}

fn called(program: Option<&str>, store: Option<&Path>) -> String {
    // A bare name was found on the path, whatever it is.
    let program = program.filter(|program| program.contains('/')).unwrap_or("countersign");
    let store = store.map(|store| format!(" --store {}", quoted(&store.to_string_lossy())));
    format!("{} phone{}", quoted(program), store.unwrap_or_default())
}

/// As a shell takes it for one word (POSIX.1-2017, section 2.2.2).
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+:@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    visible(&format!("'{}'", word.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_can_be_pasted_whatever_the_folder_is_called() {
        let called = |program, store: Option<&str>| called(program, store.map(Path::new));
        assert_eq!(called(Some("countersign"), None), "countersign phone");
        assert_eq!(called(None, Some("/tmp/maya")), "countersign phone --store /tmp/maya");
        assert_eq!(
            called(Some("target/debug/countersign"), Some("my 'own' phone")),
            "target/debug/countersign phone --store 'my '\\''own'\\'' phone'"
        );
    }
}
