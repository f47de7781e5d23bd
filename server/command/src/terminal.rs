//! What is printed in a terminal. Names, sentences of servers, words of push networks and addresses come from others:
//! an escape sequence in one of them could move the cursor over what was printed before and show another question than
//! the one that is answered. So everything is printed through here, and a field of others through [`visible`].

use countersign_protocol::text::misleads;
use serde_json::Value;
use std::io::{IsTerminal, Result, Write};

/// Text of others as one line: each control character, line break included, and each one that is invisible or turns the
/// direction of writing stands as `\u{1b}`.
pub fn visible(text: &str) -> String {
    escaped(text, |_| false)
}

fn escaped(text: &str, kept: impl Fn(char) -> bool) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut whole, character| {
        if misleads(character) && !kept(character) {
            whole.extend(character.escape_unicode());
        } else {
            whole.push(character);
        }
        whole
    })
}

/// JSON that is as harmless in a terminal as other output, and the same for a program: beside what JSON escapes anyway,
/// each such character stands as `\u009b`.
pub fn json(value: &Value) -> String {
    harmless(&value.to_string())
}

/// As [`json`], over several lines.
pub fn pretty_json(value: &Value) -> String {
    harmless(&format!("{value:#}"))
}

fn harmless(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut whole, character| {
        if misleads(character) && character != '\n' {
            let mut units = [0; 2];
            whole.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            whole.push(character);
        }
        whole
    })
}

/// Prints lines. What is not a line break is made [`visible`] here too, so that a field that was forgotten does no
/// harm.
///
/// # Errors
/// When nobody reads any more.
pub fn print(mut out: impl Write, lines: &str) -> Result<()> {
    writeln!(out, "{}", escaped(lines, |character| character == '\n'))
}

/// How a line stands out, where a person looks at a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As any other.
    Plain,
    /// A heading or a question.
    Bold,
    /// It is done.
    Green,
    /// It was refused.
    Yellow,
    /// It was reported.
    Red,
}

/// Whether standard output is looked at by a person, who reads columns.
pub fn is_looked_at() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether the person wants colours: not with `NO_COLOR` (no-color.org), and not in a terminal that has none.
fn wants_colours() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_looked_at() && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Prints lines that stand out where colours are wanted. The text is as harmless as with [`print`].
///
/// # Errors
/// When nobody reads any more.
pub fn print_styled(out: impl Write, style: Style, lines: &str) -> Result<()> {
    print_with(out, style, lines, wants_colours())
}

fn print_with(mut out: impl Write, style: Style, lines: &str, colours: bool) -> Result<()> {
    let code = match style {
        Style::Plain => return print(out, lines),
        Style::Bold => "1",
        Style::Green => "32",
        Style::Yellow => "33",
        Style::Red => "31",
    };
    if !colours {
        return print(out, lines);
    }
    writeln!(out, "\u{1b}[{code}m{}\u{1b}[0m", escaped(lines, |character| character == '\n'))
}

/// Shows how far it has come, where somebody looks.
pub fn progress(done: usize, all: usize) {
    if std::io::stderr().is_terminal() {
        let percent = done * 100 / all.max(1);
        let end = if done == all { "\n" } else { "" };
        // When nobody reads any more, the work goes on.
        let _ = write!(std::io::stderr(), "\r{done} of {all} ({percent} %){end}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What terminals act upon, or show as something else.
    const HOSTILE: [&str; 9] = [
        "\u{1b}[2J\u{1b}[H",
        "\u{1b}]0;title\u{7}",
        "\r",
        "\u{8}\u{8}\u{8}",
        "\u{9b}31m",
        "\u{7f}",
        "\u{202e}",
        "\u{2066}",
        "\n",
    ];

    #[test]
    fn text_of_others_stays_on_its_line_and_shows_what_is_in_it() {
        for hostile in HOSTILE {
            let shown = visible(&format!("Harbour{hostile}Webmail"));
            assert!(!shown.chars().any(misleads), "{shown:?}");
            assert!(shown.starts_with("Harbour\\u{") && shown.ends_with("Webmail"), "{shown:?}");
        }
        for harmless in ["Zoë 日本語", "می‌خواهم", "👩‍🚀", r"C:\users"] {
            assert_eq!(visible(harmless), harmless);
        }
    }

    #[test]
    fn what_was_forgotten_is_caught_where_it_is_printed() {
        let mut out = Vec::new();
        print(&mut out, "one\ntwo\u{1b}[1A\r").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "one\ntwo\\u{1b}[1A\\u{d}\n");
    }

    #[test]
    fn json_is_harmless_and_means_the_same() {
        for hostile in HOSTILE.into_iter().chain(["\u{e0041}"]) {
            let value = json!({ "name": hostile });
            for text in [json(&value), pretty_json(&value)] {
                assert!(!text.chars().any(|character| misleads(character) && character != '\n'), "{text:?}");
                assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
            }
        }
    }

    #[test]
    fn a_style_is_ours_and_what_is_in_the_line_stays_harmless() {
        let printed = |colours| {
            let mut out = Vec::new();
            print_with(&mut out, Style::Red, "Reported\u{1b}[0m", colours).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(printed(true), "\u{1b}[31mReported\\u{1b}[0m\u{1b}[0m\n");
        assert_eq!(printed(false), "Reported\\u{1b}[0m\n");
    }
}
