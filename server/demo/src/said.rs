//! What the demo says: keys of sentences, which the page looks up in the person's language.

use countersign_device::sentences::{Language, Sentence};
use countersign_device::{Error, Outcome};
use countersign_protocol::handle::ChallengeId;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A sentence by its key, with the values for its placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Said {
    pub key: &'static str,
    values: BTreeMap<&'static str, String>,
}

impl Said {
    /// A sentence of the demo's own.
    pub const fn of_demo(key: &'static str) -> Self {
        Self { key, values: BTreeMap::new() }
    }

    /// With a value for a placeholder.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.values.insert(name, value);
        self
    }
}

impl From<Sentence> for Said {
    fn from(sentence: Sentence) -> Self {
        Self::of_demo(sentence.key())
    }
}

/// What kind of news a sentence is: told by a sign and a colour as well as by its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tone {
    /// It is done.
    Approved,
    /// It was refused.
    Denied,
    /// It was reported.
    Reported,
    /// It did not work.
    Trouble,
    /// It is worth knowing.
    Note,
}

impl From<Outcome> for Tone {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Approved => Self::Approved,
            Outcome::Denied | Outcome::WrongNumber => Self::Denied,
            Outcome::Reported => Self::Reported,
            Outcome::AlreadyAnswered | Outcome::AnsweredByCode | Outcome::Expired | Outcome::Cancelled => Self::Note,
        }
    }
}

/// What a phone says below its screen.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Notice {
    #[serde(flatten)]
    pub said: Said,
    pub tone: Tone,
    /// The question that it is about, when it is about one: it is never shown beside another.
    pub about: Option<ChallengeId>,
}

impl Notice {
    /// Something worth knowing that is about no question.
    pub fn note(said: impl Into<Said>) -> Self {
        Self { said: said.into(), tone: Tone::Note, about: None }
    }

    /// How a question ended.
    pub fn of_end(id: ChallengeId, outcome: Outcome) -> Self {
        Self { said: Sentence::for_outcome(outcome).into(), tone: outcome.into(), about: Some(id) }
    }
}

/// What a part of the demo says when it does not do something.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Refusal {
    pub said: Said,
    /// What a program said, for the log.
    #[serde(skip)]
    pub detail: String,
}

impl<T: Into<Said>> From<T> for Refusal {
    fn from(said: T) -> Self {
        let said = said.into();
        Self { detail: said.key.to_owned(), said }
    }
}

/// What a failure of the phone means for the person who holds it.
pub(super) fn failed(error: &Error) -> Refusal {
    Refusal { said: Sentence::for_error(error).into(), detail: error.to_string() }
}

/// The sentences that only the demo needs: its own furniture.
const fn own(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../assets/sentences/en.json"),
        Language::French => include_str!("../assets/sentences/fr.json"),
        Language::German => include_str!("../assets/sentences/de.json"),
        Language::Italian => include_str!("../assets/sentences/it.json"),
        Language::Spanish => include_str!("../assets/sentences/es.json"),
    }
}

/// Every sentence of the page in one language: those of all phones and pages, and the demo's own.
pub(super) fn catalogue(language: Language) -> Map<String, Value> {
    // A file that does not parse fails the tests below; a person would read keys.
    let read = |text| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let mut all = read(language.catalogue());
    all.extend(read(own(language)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn own_texts(language: Language) -> BTreeMap<String, String> {
        serde_json::from_str(own(language)).unwrap()
    }

    /// The names in braces, in order.
    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0).collect()
    }

    /// Everything that speaks: the page, its scripts and this folder.
    fn speakers() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = [root.join("assets"), root.join("src"), root.join("src/handset"), root.join("src/site")];
        let files =
            folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|file| file.unwrap().path());
        let texts =
            files.filter(|file| file.extension().is_some_and(|end| end == "html" || end == "js" || end == "rs"));
        texts.map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    /// What follows each `before` up to the closing quote.
    fn quoted<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split_once('"')).map(|(key, _)| key).collect()
    }

    #[test]
    fn the_demos_own_sentences_are_whole_in_every_language() {
        let english = own_texts(Language::English);
        for language in Language::ALL {
            let texts = own_texts(language);
            assert_eq!(texts.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{language:?}");
            for (key, text) in &texts {
                assert!(key.starts_with("demo_") && !text.is_empty() && text.trim() == text, "{language:?} {key}");
                assert!(!text.contains(['!', '¡', '\'', '"']), "{language:?} {key}: {text}");
                assert_eq!(placeholders(text), placeholders(&english[key]), "{language:?} {key}");
                assert_eq!(text.ends_with('.'), english[key].ends_with('.'), "{language:?} {key}: {text}");
                assert!(Sentence::from_key(key).is_none(), "{key} is in the catalogue of all");
            }
        }
    }

    #[test]
    fn every_key_that_is_used_is_there_and_every_one_that_is_there_is_used() {
        let (speakers, all) = (speakers(), catalogue(Language::English));
        for attribute in ["data-text=\"", "data-label=\"", "data-alt=\"", " t(\"", "(t(\"", "{t(\"", "of_demo(\""] {
            let used = quoted(&speakers, attribute);
            for key in used.iter().filter(|key| !key.starts_with("t(")) {
                assert!(all.contains_key(*key) || key.contains('$'), "{attribute}{key}");
            }
        }
        for key in own_texts(Language::English).keys() {
            assert!(speakers.contains(&format!("\"{key}\"")), "{key} is never said");
        }
    }
}
