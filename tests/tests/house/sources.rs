//! What one file of Rust names: the modules that it declares, what it brings in with `use`, and the paths in its code.

use super::words::{Word, closing, words};
use std::collections::BTreeSet;

/// A path, where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The modules inside the file around it; mostly none.
    pub within: Vec<String>,
    pub segments: Vec<String>,
    pub line: usize,
}

/// One name that a `use` brings in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub what: Named,
    /// Under which name; `*` for everything.
    pub name: String,
    /// Whether others see it too: `pub use`, `pub(crate) use`.
    pub public: bool,
}

#[derive(Debug, Default)]
pub struct Source {
    /// `mod child;`
    pub children: BTreeSet<String>,
    /// Modules that stand in the file itself, by their whole path in it.
    pub inner: BTreeSet<Vec<String>>,
    pub imports: Vec<Import>,
    pub paths: Vec<Named>,
    /// What is defined here.
    pub items: BTreeSet<String>,
}

const DEFINING: [&str; 8] = ["struct", "enum", "trait", "fn", "type", "const", "static", "union"];

impl Source {
    pub fn read(text: &str) -> Self {
        let words = words(text);
        let mut source = Self::default();
        // The inner modules that are open, each with where it ends.
        let mut open: Vec<(String, usize)> = Vec::new();
        let mut at = 0;
        while at < words.len() {
            while open.last().is_some_and(|(_, end)| at >= *end) {
                open.pop();
            }
            let within: Vec<String> = open.iter().map(|(name, _)| name.clone()).collect();
            let next = |ahead: usize| words.get(at + ahead).map_or("", |word| word.text.as_str());
            match (words[at].text.as_str(), next(1), next(2)) {
                ("mod", name, ";") => {
                    source.children.insert(name.to_owned());
                    at += 3;
                }
                ("mod", name, "{") => {
                    open.push((name.to_owned(), closing(&words, at + 2)));
                    source.inner.insert(open.iter().map(|(name, _)| name.clone()).collect());
                    at += 3;
                }
                ("use", first, _) if first != "<" => at = source.read_use(&words, at, &within),
                // `pub(in path)` says who may look, and reaches nothing itself.
                ("(", "in", _) => at = closing(&words, at),
                (defining, name, _) if DEFINING.contains(&defining) && !name.is_empty() => {
                    source.items.insert(name.to_owned());
                    at += 1;
                }
                _ if words[at].is_name() => at = source.read_path(&words, at, within),
                _ => at += 1,
            }
        }
        source
    }

    fn read_path(&mut self, words: &[Word], start: usize, within: Vec<String>) -> usize {
        let mut segments = vec![words[start].text.clone()];
        let mut at = start + 1;
        while at + 1 < words.len() && words[at].text == "::" && words[at + 1].is_name() {
            segments.push(words[at + 1].text.clone());
            at += 2;
        }
        let continues = start > 0 && words[start - 1].text == "::";
        if segments.len() > 1 && !continues {
            self.paths.push(Named { within, segments, line: words[start].line });
        }
        at
    }

    fn read_use(&mut self, words: &[Word], start: usize, within: &[String]) -> usize {
        let public = start > 0 && (words[start - 1].text == "pub" || words[start - 1].text == ")");
        let mut found = Vec::new();
        let end = tree(words, start + 1, &[], &mut found);
        for (segments, name, line) in found {
            let what = Named { within: within.to_vec(), segments, line };
            self.imports.push(Import { what, name, public });
        }
        end
    }
}

type Leaf = (Vec<String>, String, usize);

/// Reads one branch of a `use`, such as `a::{b, c as d}`, into its leaves, and says where it ends.
fn tree(words: &[Word], start: usize, before: &[String], found: &mut Vec<Leaf>) -> usize {
    let mut segments = before.to_vec();
    let mut at = start;
    while at < words.len() {
        let word = &words[at];
        match word.text.as_str() {
            "::" => at += 1,
            "{" => {
                let end = closing(words, at);
                at += 1;
                while at + 1 < end {
                    at = tree(words, at, &segments, found);
                    at += usize::from(at < end && words[at].text == ",");
                }
                return end;
            }
            "*" => {
                found.push((segments, "*".into(), word.line));
                return at + 1;
            }
            "as" => {
                found.push((segments, words[at + 1].text.clone(), word.line));
                return at + 2;
            }
            _ if word.is_name() => {
                segments.push(word.text.clone());
                at += 1;
            }
            _ => break,
        }
    }
    let line = words[at.min(words.len()) - 1].line;
    // `use a::{self}` brings in `a`.
    if segments.last().is_some_and(|last| last == "self") && segments.len() > 1 {
        segments.pop();
    }
    let name = segments.last().cloned().unwrap_or_default();
    found.push((segments, name, line));
    at
}
