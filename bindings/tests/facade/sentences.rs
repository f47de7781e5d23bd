//! An app speaks in the words of the catalogue.

use countersign_bindings::sentences::{Language, Sentence, language_from_tag, sentence, sentence_from_key};
use countersign_bindings::telling::{
    sentence_for_end, sentence_for_error, sentence_for_outcome, sentence_for_push_failure, short_sentence_for_outcome,
};
use countersign_bindings::{AuthenticatorError, PushRegistration, WebPushReceiver};
use countersign_device::sentences as catalogue;
use countersign_protocol::device_api::PushFailure;
use countersign_protocol::otpauth::{LinkRefusal, Warning};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::revocation::EndReason;
use countersign_protocol::webpush;
use std::collections::HashMap;

#[test]
fn an_app_reads_every_sentence_in_the_language_of_its_tag() {
    for language in catalogue::Language::ALL {
        let spoken = language_from_tag(language.tag()).unwrap();
        for one in catalogue::Sentence::ALL {
            let of_pages = one.key().starts_with("page_") || one.key().starts_with("enrol_");
            match sentence_from_key(one.key()) {
                Some(known) => assert_eq!(sentence(known, spoken, &HashMap::new()), one.text(language)),
                None => assert!(of_pages, "{one:?}"),
            }
        }
    }
    assert_eq!(language_from_tag("de-CH"), Some(Language::German));
    assert_eq!(language_from_tag("C"), None);
    assert_eq!(sentence_from_key("page_welcom"), None);
}

#[test]
fn an_app_puts_values_into_a_sentence() {
    let values = HashMap::from([("name".to_owned(), "Bank".to_owned())]);
    let label = sentence(Sentence::AppMoreOf, Language::German, &values);
    assert_eq!(label, "Mehr zu Bank");
}

#[test]
fn an_app_asks_which_sentence_tells_what_happened() {
    let refused = |code: &str| AuthenticatorError::ServerRefused { code: code.into(), detail: "x".into() };
    for (error, told) in [
        (AuthenticatorError::KeyInvalidated { detail: "x".into() }, Sentence::ErrorKeyInvalidated),
        (AuthenticatorError::StoreOfAnotherVault { detail: "x".into() }, Sentence::AccountRestoredStore),
        (refused("already_answered"), Sentence::OutcomeAnsweredElsewhere),
        (refused("a code of a later server"), Sentence::ErrorServerRefused),
        (refused("no_device"), Sentence::ErrorServerRefused),
    ] {
        assert_eq!(sentence_for_error(&error), told);
    }
}

#[test]
fn an_app_tells_each_end_as_the_core_does() {
    use countersign_device::Outcome::{
        AlreadyAnswered, AnsweredByCode, Approved, Cancelled, Denied, Expired, Reported, WrongNumber,
    };
    for core in [Approved, Denied, Reported, WrongNumber, AlreadyAnswered, AnsweredByCode, Expired, Cancelled] {
        let told = Sentence::from(catalogue::Sentence::for_outcome(core));
        assert_eq!(sentence_for_outcome(core.into()), told);
        let short = sentence_from_key(&format!("{}_short", catalogue::Sentence::for_outcome(core).key()));
        assert_eq!(Some(short_sentence_for_outcome(core.into())), short, "{core:?}");
    }
    for core in
        [EndReason::Revoked, EndReason::Moved, EndReason::RedeemedTwice, EndReason::WrongCode, EndReason::Expired]
    {
        assert_eq!(sentence_for_end(core.into()), catalogue::Sentence::for_end(core).into(), "{core:?}");
    }
    use PushFailure::{Gone, Misconfigured, NotNow, Other, Refused, Unreachable, WrongProject};
    for core in [Unreachable, NotNow, Refused, Gone, WrongProject, Misconfigured, Other] {
        assert_eq!(sentence_for_push_failure(core.into()), catalogue::Sentence::for_push_failure(core).into());
    }
}

#[test]
fn nothing_is_told_in_a_sentence_that_only_pages_say() {
    let told = LinkRefusal::all().into_iter().map(|why| catalogue::Sentence::for_link_refusal(&why));
    let told = told.chain(Warning::ALL.into_iter().map(catalogue::Sentence::for_warning));
    for one in told {
        assert!(sentence_from_key(one.key()).is_some(), "{one:?}");
    }
}

#[test]
fn an_app_takes_off_the_encryption_of_its_push_service() {
    let phone = WebPushReceiver::generate();
    let PushRegistration::WebPush { endpoint, p256dh, auth, application_server_key } =
        phone.registration("https://push.example/1".into(), Some("key".into()))
    else {
        panic!("it is no subscription")
    };
    assert_eq!(application_server_key.as_deref(), Some("key"));
    let subscription = webpush::Subscription { endpoint, p256dh, auth, application_server_key: None };
    let sent = subscription.encrypt(b"halt", &SystemRandomness::new()).unwrap();
    let again = WebPushReceiver::from_bytes(phone.to_bytes()).unwrap();
    assert_eq!(again.decrypt(sent.clone()).unwrap(), b"halt");
    let other = WebPushReceiver::generate().decrypt(sent).unwrap_err();
    assert!(matches!(other, AuthenticatorError::CannotOpen { .. }));
}
