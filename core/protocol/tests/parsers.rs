//! Whatever comes from outside, a parser answers; it never panics, and it never accepts what it would write
//! differently.

#![cfg(test)]

use countersign_protocol::challenge::{self, Challenge, Expected};
use countersign_protocol::code_seed;
use countersign_protocol::device_api::Known;
use countersign_protocol::enrolment::EnrolmentLink;
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::jws::Unverified;
use countersign_protocol::key::{SoftwareKey, Thumbprint};
use countersign_protocol::link::ChallengeLink;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::sealing::Envelope;
use countersign_protocol::time::Timestamp;
use countersign_protocol::webpush::Receiver;
use countersign_protocol::{proof, retraction, revocation};
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use std::sync::LazyLock;

/// Text that is nearly a compact JWS.
fn nearly_jws() -> impl Strategy<Value = String> {
    let part = prop_oneof!["[A-Za-z0-9_-]{0,40}", Just("eyJhbGciOiJFUzI1NiJ9".to_owned()), any::<String>()];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.join("."))
}

/// A server's key, which signs whatever comes: the claims behind a good signature come from outside too.
static SERVER: LazyLock<SoftwareKey> = LazyLock::new(|| SoftwareKey::generate().unwrap().0);

/// A message of this type with a good signature and any claims.
fn signed(kind: &str, claims: &[u8]) -> String {
    let header = format!(r#"{{"alg":"ES256","kid":"{}","typ":"{kind}"}}"#, SERVER.public().thumbprint());
    let input = format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(claims));
    let signature = SERVER.sign_now(input.as_bytes()).unwrap();
    format!("{input}.{}", BASE64URL_NOPAD.encode(&signature))
}

/// Claims that are nearly those of a server's message: members that some message has, with values that some have.
fn nearly_claims() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        "iss|aud|sub|enrolment_id|challenge_id|reason|nonce|iat|exp|policy|context|account|relying_party",
        "secret|algorithm|digits|period|binding_message",
        any::<String>(),
    ];
    let value = prop_oneof![
        "[A-Za-z0-9_-]{20,24}".prop_map(|text| format!("\"{text}\"")),
        "[A-Za-z0-9_-]{42,44}".prop_map(|text| format!("\"{text}\"")),
        r#""(answered|cancelled|revoked|SHA1)"|\{"mode":"(tap|number)"(,"digits":[0-9]{1,4})?\}|\{\}|\[\]|null"#,
        any::<i64>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    let members = prop::collection::vec((name, value), 0..12).prop_map(|members| {
        let each = members.iter().map(|(name, value)| format!("{}:{value}", serde_json::to_string(name).unwrap()));
        format!("{{{}}}", each.collect::<Vec<_>>().join(",")).into_bytes()
    });
    prop_oneof![members, prop::collection::vec(any::<u8>(), 0..300)]
}

/// What a device compares with: nothing that these claims could agree with.
fn with_expected<T>(check: impl FnOnce(&Expected<'_>) -> T) -> T {
    let elsewhere: Thumbprint = SERVER.public().thumbprint();
    check(&Expected {
        server_id: &elsewhere,
        signing_key: &SERVER.public(),
        device: &elsewhere,
        account_id: AccountId::from_bytes([1; 16]),
        enrolment_id: EnrolmentId::from_bytes([2; 16]),
        now: Timestamp::from_seconds(1_800_000_000),
    })
}

/// True when every message that a server signs for a device is refused with this text.
fn all_refuse(text: &str) -> bool {
    with_expected(|expected| {
        challenge::open(text, expected).is_err()
            && retraction::open(text, expected).is_err()
            && revocation::open(text, expected, "nonce").is_err()
            && code_seed::open(text, expected).is_err()
    })
}

/// Text that is nearly a link to this page, with a value of this name.
fn nearly_link(page: &'static str, name: &'static str, value: &'static str) -> impl Strategy<Value = String> {
    let optional = |text: &'static str| prop_oneof![3 => Just(text), 1 => Just("")];
    (
        prop_oneof![3 => Just("https"), 1 => Just("http"), 1 => "(ftp)?".prop_map(|_| "ftp")],
        optional("://"),
        prop_oneof!["[a-z]{1,9}\\.example(:[0-9]{2,5})?(/[a-z]{1,5})?", "[a-z0-9.:@/?#\\[\\]-]{0,30}"],
        optional(page),
        optional(name),
        value,
        optional("&k="),
        prop_oneof!["[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", "[A-Za-z0-9_-]{40,46}"],
    )
        .prop_map(|(scheme, colon, host, path, name, value, key, print)| {
            [scheme, colon, &host, path, name, &value, key, &print].concat()
        })
}

/// Text that is nearly a list of challenges that a device holds.
fn nearly_known() -> impl Strategy<Value = String> {
    let id = prop_oneof![3 => "[A-Za-z0-9_-]{21}[AQgw]", 1 => "[A-Za-z0-9_-]{20,24}"];
    let digest = prop_oneof![3 => "[A-Za-z0-9_-]{43}", 1 => "[ -~]{41,45}"];
    let one = (id, prop_oneof![9 => Just("."), 1 => Just("")], digest).prop_map(|(id, dot, digest)| id + dot + &digest);
    prop::collection::vec(one, 0..40).prop_map(|all| all.join(","))
}

proptest! {
    #[test]
    fn an_envelope_from_anywhere(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        let _ = Envelope::from_json(&bytes);
    }

    #[test]
    fn an_envelope_that_is_accepted_is_written_as_it_came(
        id in "[A-Za-z0-9_-]{22}",
        sealed in "[A-Za-z0-9_-]{3476,3480}",
    ) {
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
    fn a_servers_message_from_anywhere(text in nearly_jws()) {
        prop_assert!(all_refuse(&text));
    }

    #[test]
    fn a_servers_message_well_signed_with_any_claims(claims in nearly_claims()) {
        for kind in ["challenge", "retraction", "revocation", "code-seed"] {
            let kind = format!("countersign-{kind}+jws");
            prop_assert!(all_refuse(&signed(&kind, &claims)));
        }
    }

    #[test]
    fn a_challenge_link_that_is_accepted_is_written_back_and_read_the_same(
        text in prop_oneof![
            nearly_link("/challenge", "#c=", "[A-Za-z0-9_-]{21}[AQgw]|[A-Za-z0-9_-]{20,24}"),
            any::<String>(),
        ],
    ) {
        if let Ok(link) = ChallengeLink::parse(&text) {
            prop_assert_eq!(ChallengeLink::parse(&link.to_text()).unwrap(), link);
        }
    }

    #[test]
    fn a_list_of_known_challenges_that_is_accepted_is_written_as_it_came(
        text in prop_oneof![nearly_known(), any::<String>()],
    ) {
        if let Ok(known) = Known::list_from_text(&text) {
            prop_assert!(known.len() <= 32);
            prop_assert_eq!(Known::list_to_text(&known), text);
        }
    }

    #[test]
    fn a_link_that_is_accepted_is_written_back_and_read_the_same(
        text in nearly_link("/enrol", "#t=", "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]|[A-Za-z0-9_-]{40,46}"),
    ) {
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
