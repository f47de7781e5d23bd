//! Whatever comes from outside, a parser answers; it never panics, and it never accepts what it would write differently.

use countersign_core::challenge::Challenge;
use countersign_core::enrolment::EnrolmentLink;
use countersign_core::jws::Unverified;
use countersign_core::proof;
use countersign_core::randomness::SystemRandomness;
use countersign_core::sealing::Envelope;
use countersign_core::webpush::Receiver;
use proptest::prelude::*;

/// Text that is nearly a compact JWS.
fn nearly_jws() -> impl Strategy<Value = String> {
    let part = prop_oneof!["[A-Za-z0-9_-]{0,40}", Just("eyJhbGciOiJFUzI1NiJ9".to_owned()), any::<String>()];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.join("."))
}

/// Text that is nearly an enrolment link.
fn nearly_link() -> impl Strategy<Value = String> {
    (
        "(https?|ftp)?",
        "(://)?",
        "[a-z0-9.:@/?#\\[\\]-]{0,30}",
        "(/enrol)?",
        "(#t=)?",
        "[A-Za-z0-9_-]{40,46}",
        "(&k=)?",
        "[A-Za-z0-9_-]{40,46}",
    )
        .prop_map(|(scheme, colon, host, path, ticket, value, key, print)| {
            [scheme, colon, host, path, ticket, value, key, print].concat()
        })
}

proptest! {
    #[test]
    fn an_envelope_from_anywhere(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        let _ = Envelope::from_json(&bytes);
    }

    #[test]
    fn an_envelope_that_is_accepted_is_written_as_it_came(id in "[A-Za-z0-9_-]{22}", sealed in "[A-Za-z0-9_-]{3476,3480}") {
        let text = format!(r#"{{"v":1,"id":"{id}","sealed":"{sealed}"}}"#);
        if let Ok(envelope) = Envelope::from_json(text.as_bytes()) {
            prop_assert_eq!(envelope.to_json(), text);
        }
    }

    #[test]
    fn a_jws_from_anywhere(text in nearly_jws()) {
        prop_assert!(Unverified::parse::<Challenge>(&text).is_err());
        prop_assert!(proof::key_id(&text).is_err());
    }

    #[test]
    fn a_link_that_is_accepted_is_written_back_and_read_the_same(text in nearly_link()) {
        if let Ok(link) = EnrolmentLink::parse(&text) {
            let again = EnrolmentLink::parse(&link.to_text()).unwrap();
            prop_assert_eq!(again.to_text(), link.to_text());
            prop_assert!(link.server_url.starts_with("https://") || link.server_url.starts_with("http://"));
        }
    }

    #[test]
    fn a_push_from_anywhere(bytes in prop::collection::vec(any::<u8>(), 0..4200)) {
        prop_assert!(Receiver::generate(&SystemRandomness::new()).decrypt(&bytes).is_err());
    }
}
