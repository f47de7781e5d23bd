//! A Rust source as words, without its comments, strings and tests. Not a parser: it knows as much of the language as
//! it takes to see what a file names.

use std::mem::take;

/// A word, or one sign; `::` is one sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// From 1.
    pub line: usize,
}

impl Word {
    pub fn is_name(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

/// The words of a source, without the items under `#[cfg(test)]`.
pub fn words(source: &str) -> Vec<Word> {
    without_tests(&split(&blank(source)))
}

/// Comments, strings and characters as spaces, so that the lines stay what they are.
fn blank(source: &str) -> String {
    let signs: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < signs.len() {
        let end = match signs[at] {
            '/' if signs.get(at + 1) == Some(&'/') => line_end(&signs, at),
            '/' if signs.get(at + 1) == Some(&'*') => comment_end(&signs, at),
            '"' => string_end(&signs, at),
            'r' | 'b' | 'c' if starts_word(&signs, at) => prefixed_end(&signs, at),
            '\'' => character_end(&signs, at),
            _ => at,
        };
        if end == at {
            out.push(signs[at]);
            at += 1;
        }
        for sign in &signs[at..end.max(at)] {
            out.push(if *sign == '\n' { '\n' } else { ' ' });
        }
        at = end.max(at);
    }
    out
}

fn starts_word(signs: &[char], at: usize) -> bool {
    at == 0 || !(signs[at - 1].is_alphanumeric() || signs[at - 1] == '_')
}

fn line_end(signs: &[char], at: usize) -> usize {
    signs[at..].iter().position(|sign| *sign == '\n').map_or(signs.len(), |length| at + length)
}

fn comment_end(signs: &[char], at: usize) -> usize {
    let (mut depth, mut end) = (0, at);
    while end < signs.len() {
        match (signs[end], signs.get(end + 1)) {
            ('/', Some('*')) => (depth, end) = (depth + 1, end + 2),
            ('*', Some('/')) => (depth, end) = (depth - 1, end + 2),
            _ => end += 1,
        }
        if depth == 0 {
            break;
        }
    }
    end
}

fn string_end(signs: &[char], quote: usize) -> usize {
    let mut end = quote + 1;
    while end < signs.len() && signs[end] != '"' {
        end += if signs[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(signs.len())
}

/// `b"…"`, `r"…"`, `br#"…"#`, `b'…'`; where it is none of them, where it began.
fn prefixed_end(signs: &[char], at: usize) -> usize {
    let mut quote = at + 1;
    if signs[at] != 'r' && signs.get(quote) == Some(&'r') {
        quote += 1;
    }
    let raw = signs[quote - 1] == 'r';
    let hashes = signs[quote..].iter().take_while(|sign| raw && **sign == '#').count();
    match signs.get(quote + hashes) {
        Some('"') if raw => {
            let mut end = quote + hashes + 1;
            while end < signs.len()
                && !(signs[end] == '"' && signs[end + 1..].iter().take(hashes).all(|one| *one == '#'))
            {
                end += 1;
            }
            (end + 1 + hashes).min(signs.len())
        }
        Some('"') => string_end(signs, quote),
        Some('\'') if !raw => character_end(signs, quote),
        _ => at,
    }
}

/// A character; a lifetime ends where it began.
fn character_end(signs: &[char], quote: usize) -> usize {
    match (signs.get(quote + 1), signs.get(quote + 2)) {
        (Some('\\'), _) => {
            let rest = signs.get(quote + 3..).unwrap_or_default();
            rest.iter().position(|sign| *sign == '\'').map_or(quote, |length| quote + 4 + length)
        }
        (Some(_), Some('\'')) => quote + 3,
        _ => quote,
    }
}

fn split(blanked: &str) -> Vec<Word> {
    let mut found = Vec::new();
    for (line, text) in (1..).zip(blanked.lines()) {
        let mut name = String::new();
        let mut signs = text.chars().peekable();
        while let Some(sign) = signs.next() {
            if sign.is_alphanumeric() || sign == '_' {
                name.push(sign);
                if signs.peek().is_some_and(|next| next.is_alphanumeric() || *next == '_') {
                    continue;
                }
                found.push(Word { text: take(&mut name), line });
            } else if sign == ':' && signs.next_if_eq(&':').is_some() {
                found.push(Word { text: "::".into(), line });
            } else if !sign.is_whitespace() {
                found.push(Word { text: sign.into(), line });
            }
        }
    }
    found
}

fn without_tests(words: &[Word]) -> Vec<Word> {
    let says = |at: usize, expected: &[&str]| {
        words.len() >= at + expected.len() && expected.iter().zip(&words[at..]).all(|(one, word)| word.text == *one)
    };
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < words.len() {
        let only_tests = says(at, &["#", "[", "cfg", "(", "test", ")", "]"])
            || says(at, &["#", "[", "cfg", "(", "all", "(", "test"]);
        if only_tests {
            at = item_end(words, closing(words, at + 1));
        } else {
            kept.push(words[at].clone());
            at += 1;
        }
    }
    kept
}

/// Behind the bracket that closes the one at `open`.
pub fn closing(words: &[Word], open: usize) -> usize {
    let mut depth = 0;
    for (at, word) in words.iter().enumerate().skip(open) {
        match word.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    words.len()
}

/// Behind the item that begins at `at`, perhaps with further attributes.
fn item_end(words: &[Word], mut at: usize) -> usize {
    while at < words.len() {
        match words[at].text.as_str() {
            "{" => return closing(words, at),
            "(" | "[" => at = closing(words, at),
            ";" => return at + 1,
            _ => at += 1,
        }
    }
    at
}
