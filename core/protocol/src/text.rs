//! Text that is shown to a person who is about to decide.

use crate::refusal::Refusal;
use std::borrow::Cow;

/// The longest binding message, in characters.
pub const MAX_BINDING_MESSAGE: usize = 120;
/// The longest name of an organisation, relying party, account or device, in characters.
pub const MAX_NAME: usize = 100;

/// The flags of England, Scotland and Wales: the only sequences with tags in them that Unicode recommends (UTS #51,
/// RGI_Emoji_Tag_Sequence). Anywhere else a tag is invisible.
pub(crate) const TAGGED_FLAGS: [&str; 3] = [
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// Refuses what could make a line read as something else: control and line-breaking characters, and those that change
/// the direction of writing (Unicode Bidirectional Algorithm, section 2).
///
/// # Errors
/// `malformed` with `what` for such a character; `too_large` past `longest` characters.
pub fn check(text: &str, longest: usize, what: &'static str) -> Result<(), Refusal> {
    let without_flags = TAGGED_FLAGS.into_iter().fold(Cow::Borrowed(text), |text, flag| {
        if text.contains(flag) { Cow::Owned(text.replace(flag, "")) } else { text }
    });
    if without_flags.chars().any(misleads) {
        return Err(Refusal::Malformed(what));
    }
    if text.chars().count() > longest { Err(Refusal::TooLarge) } else { Ok(()) }
}

/// As [`check`], and blank text is refused too.
///
/// # Errors
/// `malformed` with `what` also for blank text and for white space at an end; `too_large` past [`MAX_NAME`] characters.
pub fn check_name(text: &str, what: &'static str) -> Result<(), Refusal> {
    if !text.chars().any(shows_something) || text.trim() != text {
        return Err(Refusal::Malformed(what));
    }
    check(text, MAX_NAME, what)
}

/// False for what joins or varies other characters and shows nothing by itself.
pub(crate) fn shows_something(character: char) -> bool {
    !character.is_whitespace() && !matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe0f}' | '\u{0300}'..='\u{036f}')
}

/// True for control characters, and for those that are invisible, vary others or turn the direction of writing.
pub fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fe00}'..='\u{fe0e}' | '\u{fffe}'..='\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misleading_characters_are_refused_and_other_languages_are_not() {
        for good in ["Pay 12 € to Zoë", "日本語", "می‌خواهم", "👩‍🚀 orbit", TAGGED_FLAGS[1], ""] {
            assert_eq!(check(good, 120, "text"), Ok(()), "{good}");
        }
        for bad in ["a\nb", "a\u{0}b", "a\u{202e}b", "\u{2066}a", "a\u{feff}", "a\u{2028}b", "a\u{85}b", "\u{200f}a"] {
            assert_eq!(check(bad, 120, "text"), Err(Refusal::Malformed("text")), "{bad:?}");
        }
        for part in [&TAGGED_FLAGS[1][4..], &TAGGED_FLAGS[1][..20], "a\u{e0067}\u{e007f}"] {
            assert_eq!(check(part, 120, "text"), Err(Refusal::Malformed("text")), "{part:?}");
        }
        assert_eq!(check(&"é".repeat(121), 120, "text"), Err(Refusal::TooLarge));
        assert_eq!(check_name(" Maya", "name"), Err(Refusal::Malformed("name")));
        for nothing in ["", "\u{200d}", "\u{fe0f}", "\u{2800}", "\u{301}", "\u{200c}\u{200d}"] {
            assert_eq!(check_name(nothing, "name"), Err(Refusal::Malformed("name")), "{nothing:?}");
        }
    }
}
