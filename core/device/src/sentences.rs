//! Every sentence that a person reads on the phone and on the sign-in page, in five languages.
//!
//! One catalogue for both apps, the terminal's phone and the pages: a flat JSON file for each language in
//! `core/sentences/`, one line for each key, in the order of [`Sentence`]. What a relying party, a server or a person
//! wrote is never in it; it is a value for a placeholder.

mod table;

use crate::store::Outcome;
use countersign_protocol::revocation::EndReason;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A language of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

impl Language {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::English, Self::French, Self::German, Self::Italian, Self::Spanish];

    /// The primary language subtag (RFC 5646, section 2.2.1).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::German => "de",
            Self::Italian => "it",
            Self::Spanish => "es",
        }
    }

    /// Reads a language tag, `fr-CH`, or the name of a locale, `fr_FR.UTF-8` (POSIX.1-2017, section 8.2). `None` is any
    /// other language, and the locales `C` and `POSIX`, which name none.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.', '@']).next()?;
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The whole catalogue as a JSON object from key to text, as a web page takes it.
    pub const fn catalogue(self) -> &'static str {
        match self {
            Self::English => include_str!("../sentences/en.json"),
            Self::French => include_str!("../sentences/fr.json"),
            Self::German => include_str!("../sentences/de.json"),
            Self::Italian => include_str!("../sentences/it.json"),
            Self::Spanish => include_str!("../sentences/es.json"),
        }
    }

    fn texts(self) -> &'static HashMap<&'static str, &'static str> {
        static TEXTS: LazyLock<[HashMap<&'static str, &'static str>; 5]> = LazyLock::new(|| {
            // A file that does not parse fails core/tests/sentences.rs; a person would read keys.
            Language::ALL.map(|language| serde_json::from_str(language.catalogue()).unwrap_or_default())
        });
        &TEXTS[self as usize]
    }
}

/// Declares [`Sentence`] from the table.
macro_rules! declare {
    ($($(#[$doc:meta])* $variant:ident = $key:literal,)*) => {
        /// A sentence or a label.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Sentence {
            $($(#[$doc])* $variant,)*
        }

        impl Sentence {
            /// All of them, in the order of the files.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The key in the files, which never changes its meaning.
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)*
                }
            }
        }
    };
}

crate::each_sentence!(declare);

impl Sentence {
    /// The sentence with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|sentence| sentence.key() == key)
    }

    /// The text, with its placeholders as they are.
    pub fn text(self, language: Language) -> &'static str {
        language.texts().get(self.key()).copied().unwrap_or_else(|| self.key())
    }

    /// The text, with each `{name}` replaced by the value of that name. A placeholder without a value stays, and a value
    /// is never searched for placeholders: a device may call itself `{digits}`.
    pub fn with(self, language: Language, values: &[(&str, &str)]) -> String {
        let mut rest = self.text(language);
        let mut whole = String::with_capacity(rest.len());
        while let Some((before, (name, after))) = next_placeholder(rest) {
            whole.push_str(before);
            match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => whole.push_str(value),
                None => whole.extend(["{", name, "}"]),
            }
            rest = after;
        }
        whole + rest
    }

    /// What a person reads about a failure with this stable code, of [`crate::Error::code`] or a problem document. While
    /// a link is used, a refused message means [`Self::ErrorLinkNotTrusted`] instead of
    /// [`Self::ErrorMessageRefused`], and while an answer is kept, no answer from the server means
    /// [`Self::ErrorUnreachableAnswerKept`]: the caller knows which.
    pub fn for_error(code: &str) -> Self {
        match code {
            "malformed" | "unknown_claim" | "too_large" | "wrong_size" | "wrong_algorithm" | "wrong_type"
            | "bad_signature" | "cannot_open" | "wrong_device" | "wrong_account" | "wrong_challenge"
            | "future_time" | "stale_time" => Self::ErrorMessageRefused,
            "wrong_server" | "old_certificate" => Self::ErrorWrongServer,
            "already_answered" => Self::OutcomeAnsweredElsewhere,
            "expired" => Self::OutcomeExpired,
            "cancelled" => Self::OutcomeCancelled,
            "unreachable" => Self::ErrorUnreachable,
            "unexpected_answer" => Self::ErrorUnexpectedAnswer,
            "unavailable" | "internal" => Self::ErrorServerBusy,
            "invalid_ticket" => Self::ErrorLinkUsed,
            "redeemed_twice" => Self::AccountEndedRedeemedTwice,
            "device_not_in_use" | "unknown_key" | "account_ended" => Self::ErrorDeviceNotInUse,
            "question_changed" => Self::QuestionChanged,
            "no_codes" => Self::ErrorNoCodes,
            "no_device" => Self::PageNoDevice,
            "not_confirmed" => Self::ErrorNotConfirmed,
            "key_invalidated" => Self::ErrorKeyInvalidated,
            "key_unavailable" => Self::ErrorKeyUnavailable,
            "vault_locked" => Self::ErrorVaultLocked,
            "vault_unreadable" => Self::ErrorVaultUnreadable,
            "store_newer" => Self::ErrorStoreNewer,
            "store_of_another_vault" => Self::AccountRestoredStore,
            "store_damaged" => Self::ErrorStoreDamaged,
            "store_unwritable" => Self::ErrorStoreUnwritable,
            "unknown_account" => Self::ErrorUnknownAccount,
            "unknown_challenge" => Self::ErrorUnknownRequest,
            "nonce_required" | "replayed" | "timeout" => Self::ErrorOther,
            // The codes of a device are all above, so this one is a server's.
            _ => Self::ErrorServerRefused,
        }
    }
}

impl Sentence {
    /// What a person reads when a request ends like this.
    pub const fn for_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Approved => Self::OutcomeApproved,
            Outcome::Denied => Self::OutcomeDenied,
            Outcome::Reported => Self::OutcomeReported,
            Outcome::WrongNumber => Self::OutcomeWrongNumber,
            Outcome::AlreadyAnswered => Self::OutcomeAlreadyAnswered,
            Outcome::AnsweredByCode => Self::OutcomeAnsweredByCode,
            Outcome::Expired => Self::OutcomeExpired,
            Outcome::Cancelled => Self::OutcomeCancelled,
        }
    }

    /// What a person reads about an account that is over on this phone.
    pub const fn for_end(reason: EndReason) -> Self {
        match reason {
            EndReason::Revoked => Self::AccountEndedRemoved,
            EndReason::RedeemedTwice => Self::AccountEndedRedeemedTwice,
            EndReason::WrongCode => Self::AccountEndedWrongCode,
            EndReason::Expired => Self::AccountEndedExpired,
        }
    }
}

/// What stands before the next `{name}`, the name, and what follows.
fn next_placeholder(text: &str) -> Option<(&str, (&str, &str))> {
    let (before, inside) = text.split_once('{')?;
    Some((before, inside.split_once('}')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_or_a_locale_names_its_language() {
        for (tag, language) in [
            ("fr-CH", Some(Language::French)),
            ("fr_FR.UTF-8", Some(Language::French)),
            ("de", Some(Language::German)),
            ("de.UTF-8", Some(Language::German)),
            ("IT-it", Some(Language::Italian)),
            ("es_ES@euro", Some(Language::Spanish)),
            ("en-GB-oxendict", Some(Language::English)),
            ("C", None),
            ("C.UTF-8", None),
            ("POSIX", None),
            ("", None),
            ("-fr", None),
            ("pt-BR", None),
            ("frr", None),
            ("english", None),
        ] {
            assert_eq!(Language::from_tag(tag), language, "{tag:?}");
        }
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
    }

    #[test]
    fn values_take_the_places_of_their_names() {
        let (sentence, english) = (Sentence::AccountRemoveNamed, Language::English);
        let both = [("account", "maya@{organisation}"), ("organisation", "Harbour {account}")];
        assert_eq!(sentence.with(english, &both), "Remove Harbour {account}, maya@{organisation}");
        assert_eq!(sentence.with(Language::German, &both), "Harbour {account}, maya@{organisation} entfernen");
        assert_eq!(sentence.with(english, &both[..1]), "Remove {organisation}, maya@{organisation}");
        assert_eq!(Sentence::QuestionYes.with(Language::Spanish, &[("number", "7")]), "SÍ");
    }
}
