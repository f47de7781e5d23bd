//! What a person types or pastes, made into the one form that is compared: codes and numbers, keys, links, handles and
//! names. Everything that comes from a keyboard, a clipboard or a phone's settings goes through here, on every side.
//!
//! Nothing here is for what a program sends: an account's name at a relying party or a signed claim is compared as it
//! is. Whatever remains is checked afterwards, above all its length.

use crate::text::{self, MAX_NAME};
use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroizing;

/// The zero of each run of decimal digits (general category Nd), in order, as of Unicode 17. A run has ten characters
/// with the values 0 to 9, which Unicode promises for good (Character Encoding Stability Policies).
const ZEROS: [char; 77] = [
    '\u{30}',
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{ff10}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{10d40}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{116d0}',
    '\u{116da}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11bf0}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{11de0}',
    '\u{11f50}',
    '\u{16130}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{16d70}',
    '\u{1ccf0}',
    '\u{1d7ce}',
    '\u{1d7d8}',
    '\u{1d7e2}',
    '\u{1d7ec}',
    '\u{1d7f6}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e4f0}',
    '\u{1e5f1}',
    '\u{1e950}',
    '\u{1fbf0}',
];

/// The digits of a code or number in ASCII, whatever script they are in and whatever separates or surrounds them:
/// `123 456`, `123-456`, `"١٢٣٤٥٦"`. `None` where a letter or another number, such as a fraction, stands among them,
/// and where a sign stands before them. How many there must be is for the caller to say.
pub fn digits(text: &str) -> Option<String> {
    if text.trim_start_matches(is_space).starts_with(['+', '-', '\u{2212}', '\u{ff0b}', '\u{ff0d}']) {
        return None;
    }
    let mut digits = String::new();
    for character in text.chars() {
        match ascii_digit(character) {
            Some(digit) => digits.push(digit),
            None if character.is_alphanumeric() && !is_invisible(character) => return None,
            None => {}
        }
    }
    Some(digits)
}

/// A key, such as a secret in base32, without what groups and surrounds it, with digits and full-width letters in
/// ASCII. Letter case and padding stay, and so does every sign that has a meaning in another encoding (`+ / _ %`): a
/// key in base64 is refused by whoever reads base32, and not made into another key.
pub fn key(text: &str) -> Zeroizing<String> {
    let keeps = |character: char| match character {
        '-' | '.' | ',' | ':' | ';' | '\'' | '"' | '`' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '*' => {
            false
        }
        _ if is_space(character) => false,
        _ => character.is_ascii() || character.is_alphanumeric(),
    };
    Zeroizing::new(text.chars().map(narrow).filter(|character| keeps(*character)).collect())
}

/// A link without what a mail or a sentence puts around and into it: white space and line breaks anywhere, `<` and `>`,
/// `URL:`, quotes, brackets and punctuation at the ends (RFC 3986, appendix C), and `&amp;` for `&`.
pub fn link(text: &str) -> Zeroizing<String> {
    let solid: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|one| !is_space(*one) && !matches!(one, '<' | '>')).collect());
    let solid = Zeroizing::new(solid.replace("&amp;", "&"));
    let from_scheme = |text: &str| text.trim_start_matches(|one: char| !one.is_ascii_alphanumeric()).len();
    let start = solid.len() - from_scheme(&solid);
    let labelled = solid.get(start..start + 4).is_some_and(|label| label.eq_ignore_ascii_case("url:"));
    let start = if labelled { solid.len() - from_scheme(&solid[start + 4..]) } else { start };
    let ends =
        |one: char| !one.is_ascii_alphanumeric() && !matches!(one, '-' | '_' | '/' | '#' | '&' | '=' | '%' | '+');
    Zeroizing::new(solid[start..].trim_end_matches(ends).to_owned())
}

/// The id of something, or the start of one, without what was copied with it. Hyphens are part of an id, also where a
/// program has set a longer one in their place.
pub fn handle(text: &str) -> String {
    let hyphens = |character: char| match character {
        '\u{2010}'..='\u{2013}' | '\u{2212}' | '\u{fe63}' => '-',
        other => narrow(other),
    };
    let solid: String = text.chars().filter(|one| !is_space(*one)).map(hyphens).collect();
    let around = |one: char| !one.is_ascii_alphanumeric() && !matches!(one, '-' | '_');
    solid.trim_matches(around).to_owned()
}

/// A name as a phone can show it: cleaned as by [`clean`], and cut to [`MAX_NAME`] characters, never within what a
/// person sees as one. `None` when nothing is left that shows. What it gives, [`text::check_name`] takes.
pub fn name(text: &str) -> Option<String> {
    let mut name = clean(text);
    if name.chars().count() > MAX_NAME {
        let mut room = MAX_NAME;
        let fits = |one: &&str| {
            let left = room.checked_sub(one.chars().count());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let end: usize = name.graphemes(true).take_while(fits).map(str::len).sum();
        if end == 0 {
            // Nothing but one character with marks on it without end.
            return self::name(&name.chars().take(MAX_NAME).collect::<String>());
        }
        name.truncate(name[..end].trim_end().len());
    }
    name.chars().any(text::shows_something).then_some(name)
}

/// A name without what nobody sees: white space around it, all but one of a run of white space and line breaks within,
/// invisible and directional marks, and variation selectors other than the one that makes an emoji of a sign. Joiners
/// stay where they join, in an emoji and in scripts other than Latin, and so do the three flags that have tags.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut space = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let flag = text::TAGGED_FLAGS.into_iter().find(|flag| rest.starts_with(flag));
        let (piece, after) = rest.split_at(flag.map_or(character.len_utf8(), str::len));
        rest = after;
        let before = clean.chars().next_back().filter(|_| !space);
        let stays = match character {
            _ if character.is_whitespace() => {
                space = !clean.is_empty();
                false
            }
            '\u{200c}' | '\u{200d}' => {
                before.is_some_and(|one| !one.is_ascii() && !matches!(one, '\u{200c}' | '\u{200d}'))
            }
            '\u{fe0f}' => before.is_some_and(|one| one != '\u{fe0f}'),
            _ => !text::misleads(character),
        };
        if stays {
            if std::mem::take(&mut space) {
                clean.push(' ');
            }
            clean.push_str(piece);
        }
    }
    clean
}

/// The ASCII form of a decimal digit of any script.
fn ascii_digit(character: char) -> Option<char> {
    let run = ZEROS.partition_point(|zero| *zero <= character).checked_sub(1)?;
    char::from_digit(u32::from(character) - u32::from(ZEROS[run]), 10)
}

/// The ASCII form of a digit, and of the full-width letters and signs that East Asian keyboards give.
fn narrow(character: char) -> char {
    let full_width = || match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0),
        _ => None,
    };
    ascii_digit(character).or_else(full_width).unwrap_or(character)
}

/// Shows nothing, and only changes how others are shown.
fn is_invisible(character: char) -> bool {
    text::misleads(character) || matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe0f}')
}

/// White space, or nothing to be seen at all.
fn is_space(character: char) -> bool {
    character.is_whitespace() || is_invisible(character)
}

#[cfg(test)]
mod tests;
