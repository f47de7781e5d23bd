//! The catalogue is whole in every language, and speaks in one voice.

#![cfg(test)]

use countersign_device::sentences::{Language, Sentence};
use countersign_device::{Error, Outcome, StoreError, transport::Unreachable, vault::VaultError};
use countersign_protocol::code_file::MIN_PASSWORD;
use countersign_protocol::otpauth::{LinkRefusal, Warning};
use countersign_protocol::revocation::EndReason;
use countersign_protocol::{Refusal, key::KeyError};
use std::collections::{BTreeMap, BTreeSet};

/// The texts that are the same as in English, and why.
const SAME_AS_ENGLISH: [(&str, &str, &str); 10] = [
    ("fr", "account_notifications", "the French word is the same"),
    ("de", "question_browser", "the usual word in German"),
    ("de", "account_link_label", "the usual word in German"),
    ("de", "page_name_label", "the German word is the same"),
    ("it", "question_account", "the usual word in Italian"),
    ("it", "question_browser", "the usual word in Italian"),
    ("it", "question_no", "NO is Italian too"),
    ("it", "account_link_label", "the usual word in Italian"),
    ("it", "page_password_label", "the usual word in Italian"),
    ("es", "question_no", "NO is Spanish too"),
];

/// Every text of every language.
fn texts() -> impl Iterator<Item = (Language, Sentence, &'static str)> {
    let all = |language| Sentence::ALL.iter().map(move |sentence| (language, *sentence, sentence.text(language)));
    Language::ALL.into_iter().flat_map(all)
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).map(|part| part.split_once('}').expect("a placeholder is closed").0).collect()
}

/// Labels end without a stop and sentences with one, whatever the language.
fn end(text: &str) -> Option<char> {
    text.chars().last().filter(char::is_ascii_punctuation).filter(|last| *last != '}')
}

#[test]
fn every_file_has_every_key_once_in_the_order_of_the_sentences() {
    let keys: Vec<&str> = Sentence::ALL.iter().map(|sentence| sentence.key()).collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "no key comes twice");
    for language in Language::ALL {
        let file = language.catalogue();
        let read: BTreeMap<&str, &str> = serde_json::from_str(file).unwrap();
        // By line too, since a reader of JSON passes over a key that comes twice.
        let lines = file.lines().filter_map(|line| Some(line.trim_start().strip_prefix('"')?.split_once('"')?.0));
        assert_eq!(lines.collect::<Vec<_>>(), keys, "{language:?}");
        assert_eq!(read.len(), keys.len(), "{language:?}");
        assert!(!file.contains('\\'), "{language:?}: the texts are read in place, without escapes");
        for sentence in Sentence::ALL {
            assert_eq!(read[sentence.key()], sentence.text(language));
        }
    }
}

#[test]
fn a_key_leads_back_to_its_sentence() {
    for sentence in Sentence::ALL {
        assert_eq!(Sentence::from_key(sentence.key()), Some(*sentence));
        let form = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        assert!(sentence.key().chars().all(form), "{sentence:?}");
    }
    assert_eq!(Sentence::from_key("question"), None);
}

#[test]
fn every_language_has_the_placeholders_and_the_ends_of_english() {
    let mut found = BTreeSet::new();
    for (language, sentence, text) in texts() {
        let english = sentence.text(Language::English);
        assert_eq!(placeholders(text), placeholders(english), "{language:?} {sentence:?}");
        assert_eq!(text.matches('{').count(), placeholders(text).len(), "{language:?} {sentence:?}: each once");
        assert_eq!(end(text), end(english), "{language:?} {sentence:?}");
        found.extend(placeholders(text));
    }
    let known = "account app browser code count device digits minutes name number organisation relying_party scheme \
                 seconds system time";
    assert_eq!(found.into_iter().collect::<Vec<_>>().join(" "), known);
}

#[test]
fn every_text_is_calm_and_clean() {
    for (language, sentence, text) in texts() {
        let what = format!("{language:?} {sentence:?}: {text}");
        assert!(!text.is_empty() && text.trim() == text && !text.contains("  "), "{what}");
        assert!(!text.contains(['!', '¡', '\'', '"', '`', '\n', '\t']), "{what}");
        assert!(text.chars().count() <= 200, "{what}");
        if sentence.key().ends_with("_short") {
            assert!(text.chars().count() <= 30 && end(text).is_none(), "{what}");
        }
    }
}

#[test]
fn a_text_that_is_the_same_as_in_english_is_meant_so() {
    let same: Vec<(&str, &str)> = texts()
        .filter(|(language, sentence, text)| {
            *language != Language::English && *text == sentence.text(Language::English)
        })
        .map(|(language, sentence, _)| (language.tag(), sentence.key()))
        .collect();
    let meant: Vec<(&str, &str)> = SAME_AS_ENGLISH.iter().map(|(tag, key, _)| (*tag, *key)).collect();
    assert_eq!(same, meant);
}

#[test]
fn yes_and_no_are_short_and_loud() {
    for language in Language::ALL {
        let [yes, no] = [Sentence::QuestionYes, Sentence::QuestionNo].map(|answer| answer.text(language));
        assert_ne!(yes, no);
        for word in [yes, no] {
            assert!((2..=4).contains(&word.chars().count()) && word == word.to_uppercase(), "{language:?} {word}");
        }
        assert!(Sentence::QuestionConfirmYes.text(language).contains(yes), "the dialogue repeats the button");
        assert!(Sentence::PageAnsweredNo.text(language).contains(no), "the page repeats the button");
    }
}

/// What stands before and after a character, each time that it comes.
fn around(text: &str, wanted: char) -> Vec<(Option<char>, Option<char>)> {
    let places = text.char_indices().filter(|(_, character)| *character == wanted);
    let beside =
        |(at, _): (usize, char)| (text[..at].chars().next_back(), text[at + wanted.len_utf8()..].chars().next());
    places.map(beside).collect()
}

#[test]
fn each_language_keeps_its_typography() {
    let mut narrow = 0;
    for (language, sentence, text) in texts() {
        let what = format!("{language:?} {sentence:?}: {text}");
        for mark in [':', '?', ';', '»'] {
            for (before, _) in around(text, mark) {
                if language == Language::French {
                    assert_eq!(before, Some('\u{202f}'), "{what}");
                    narrow += 1;
                } else {
                    assert!(before.is_some_and(|before| !before.is_whitespace()), "{what}");
                }
            }
        }
        let (asks, opened) = (text.matches('?').count(), text.matches('¿').count());
        assert_eq!(opened, if language == Language::Spanish { asks } else { 0 }, "{what}");
        for unit in ["seconds", "minutes"] {
            let placed = text.split_once(&format!("{{{unit}}}"));
            assert!(placed.is_none_or(|(_, after)| after.starts_with('\u{a0}')), "a number keeps its unit: {what}");
        }
    }
    assert!(narrow >= 5, "the French marks were seen");
}

#[test]
fn every_failure_of_a_device_has_a_sentence_of_its_own() {
    let store = |error| Error::Store(error);
    for (error, sentence) in [
        (Error::Unreachable(Unreachable { reason: "no route".into() }), Sentence::ErrorUnreachable),
        (Error::Key(KeyError::NotConfirmed), Sentence::ErrorNotConfirmed),
        (Error::Key(KeyError::Invalidated), Sentence::ErrorKeyInvalidated),
        (Error::Key(KeyError::Unavailable), Sentence::ErrorKeyUnavailable),
        (Error::Vault(VaultError::Locked), Sentence::ErrorVaultLocked),
        (Error::Vault(VaultError::Unreadable), Sentence::ErrorVaultUnreadable),
        (store(StoreError::Newer), Sentence::ErrorStoreNewer),
        (store(StoreError::OtherVault), Sentence::AccountRestoredStore),
        (store(StoreError::Damaged("x".into())), Sentence::ErrorStoreDamaged),
        (store(StoreError::Unwritable("x".into())), Sentence::ErrorStoreUnwritable),
        (Error::UnknownAccount, Sentence::ErrorUnknownAccount),
        (Error::UnknownChallenge, Sentence::ErrorUnknownRequest),
        (Error::AccountEnded, Sentence::ErrorDeviceNotInUse),
        (Error::QuestionChanged, Sentence::QuestionChanged),
        (Error::NoCodes, Sentence::ErrorNoCodes),
        (Error::PasswordNeeded, Sentence::LinkPasswordNeeded),
        (Error::WrongPassword, Sentence::LinkWrongPassword),
        (Error::ShortPassword, Sentence::ErrorShortPassword),
        (Error::UnexpectedAnswer { status: 502 }, Sentence::ErrorUnexpectedAnswer),
    ] {
        assert_eq!(Sentence::for_error(&error), sentence, "{}", error.code());
    }
    for (code, sentence) in [
        ("redeemed_twice", Sentence::AccountEndedRedeemedTwice),
        ("invalid_ticket", Sentence::ErrorLinkUsed),
        ("attestation_required", Sentence::ErrorAttestationRequired),
        ("device_not_in_use", Sentence::ErrorDeviceNotInUse),
        ("unavailable", Sentence::ErrorServerBusy),
        ("already_answered", Sentence::OutcomeAnsweredElsewhere),
        ("a code of a later server", Sentence::ErrorServerRefused),
        // What only a device finds is no word of a server, whatever it writes.
        ("key_invalidated", Sentence::ErrorServerRefused),
    ] {
        let error = Error::ServerRefused { code: code.to_owned().into(), status: 409, detail: "x".into() };
        assert_eq!(Sentence::for_error(&error), sentence, "{code}");
    }
}

#[test]
fn every_outcome_has_a_sentence_and_a_short_form_for_the_history() {
    for outcome in Outcome::ALL {
        let sentence = Sentence::for_outcome(outcome);
        assert_eq!(sentence.key(), format!("outcome_{}", outcome.as_str()));
        assert!(Sentence::from_key(&format!("{}_short", sentence.key())).is_some(), "{outcome:?}");
    }
    let ends = EndReason::ALL.map(|reason| Sentence::for_end(reason).key());
    assert!(ends.iter().all(|key| key.starts_with("account_ended_")), "{ends:?}");
    assert_eq!(ends.iter().collect::<BTreeSet<_>>().len(), ends.len(), "each has its own");
}

#[test]
fn every_refusal_of_a_message_has_a_sentence() {
    for (refusal, sentence) in [
        (Refusal::Malformed("x"), Sentence::ErrorMessageRefused),
        (Refusal::UnknownClaim, Sentence::ErrorMessageRefused),
        (Refusal::TooLarge, Sentence::ErrorMessageRefused),
        (Refusal::WrongSize, Sentence::ErrorMessageRefused),
        (Refusal::WrongAlgorithm, Sentence::ErrorMessageRefused),
        (Refusal::WrongType, Sentence::ErrorMessageRefused),
        (Refusal::UnknownKey, Sentence::ErrorDeviceNotInUse),
        (Refusal::BadSignature, Sentence::ErrorMessageRefused),
        (Refusal::CannotOpen, Sentence::ErrorMessageRefused),
        (Refusal::WrongDevice, Sentence::ErrorMessageRefused),
        (Refusal::WrongAccount, Sentence::ErrorMessageRefused),
        (Refusal::WrongServer, Sentence::ErrorWrongServer),
        (Refusal::WrongChallenge, Sentence::ErrorMessageRefused),
        (Refusal::OldCertificate, Sentence::ErrorWrongServer),
        (Refusal::FutureTime, Sentence::ErrorMessageRefused),
        (Refusal::StaleTime, Sentence::ErrorMessageRefused),
        (Refusal::Expired, Sentence::OutcomeExpired),
    ] {
        assert_eq!(Sentence::for_error(&Error::Refused(refusal)), sentence, "{refusal}");
    }
}

#[test]
fn a_short_password_is_told_how_long_it_should_be() {
    for language in Language::ALL {
        assert!(Sentence::ErrorShortPassword.text(language).contains(&format!("{MIN_PASSWORD}")), "{language:?}");
    }
}

#[test]
fn every_refusal_of_a_link_and_every_warning_has_a_sentence_of_its_own() {
    for why in LinkRefusal::all() {
        assert_eq!(Sentence::for_link_refusal(&why).key(), format!("link_{}", why.code()));
        for language in Language::ALL {
            let told = Sentence::told(&why, language);
            assert!(!told.contains('{') && why.named().is_none_or(|(_, name)| told.contains(name)), "{told}");
        }
    }
    for warning in Warning::ALL {
        assert_eq!(Sentence::for_warning(warning).key(), format!("link_{}", warning.code()));
    }
}
