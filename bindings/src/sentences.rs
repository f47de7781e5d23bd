//! The catalogue of [`countersign_device::sentences`] for an app: one variant for each sentence, so that a misspelt key
//! does not compile.

use countersign_device::sentences as catalogue;
use std::collections::HashMap;

/// A language of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Language {
    /// British English.
    English,
    /// French, with *vous*.
    French,
    /// German, with *Sie*.
    German,
    /// Italian, in impersonal forms.
    Italian,
    /// Spanish, with *usted*.
    Spanish,
}

impl From<catalogue::Language> for Language {
    fn from(language: catalogue::Language) -> Self {
        match language {
            catalogue::Language::English => Self::English,
            catalogue::Language::French => Self::French,
            catalogue::Language::German => Self::German,
            catalogue::Language::Italian => Self::Italian,
            catalogue::Language::Spanish => Self::Spanish,
        }
    }
}

impl From<Language> for catalogue::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::English => Self::English,
            Language::French => Self::French,
            Language::German => Self::German,
            Language::Italian => Self::Italian,
            Language::Spanish => Self::Spanish,
        }
    }
}

/// Declares [`Sentence`] from the core's table, without what only pages say.
macro_rules! declare {
    ($($(#[$doc:meta])* $variant:ident = $key:literal,)*) => {
        /// A sentence or a label.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
        pub enum Sentence {
            $($(#[$doc])* $variant,)*
        }

        impl From<catalogue::Sentence> for Sentence {
            fn from(sentence: catalogue::Sentence) -> Self {
                // Nothing that the core gives is told in a sentence of the pages: tests/facade/sentences.rs asks.
                Self::of_apps(sentence).unwrap_or(Self::ErrorOther)
            }
        }

        impl Sentence {
            /// The sentence of an app, if it is one.
            pub(crate) fn of_apps(sentence: catalogue::Sentence) -> Option<Self> {
                match sentence {
                    $(catalogue::Sentence::$variant => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl From<Sentence> for catalogue::Sentence {
            fn from(sentence: Sentence) -> Self {
                match sentence {
                    $(Sentence::$variant => Self::$variant,)*
                }
            }
        }
    };
}

countersign_device::each_sentence_for_apps!(declare);

/// The language of a tag such as `fr-CH`, if the catalogue has it.
#[uniffi::export]
pub fn language_from_tag(tag: &str) -> Option<Language> {
    catalogue::Language::from_tag(tag).map(Language::from)
}

/// A sentence, with each `{name}` replaced by the value of that name.
#[uniffi::export]
pub fn sentence(which: Sentence, language: Language, values: &HashMap<String, String>) -> String {
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    catalogue::Sentence::from(which).with(language.into(), &values)
}

/// A sentence by its key, for keys that come as text; nothing for one that is not in the catalogue, or that only pages
/// say.
#[uniffi::export]
pub fn sentence_from_key(key: &str) -> Option<Sentence> {
    catalogue::Sentence::from_key(key).and_then(Sentence::of_apps)
}
