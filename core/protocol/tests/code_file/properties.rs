//! What holds for every file.

use crate::accepted;
use countersign_protocol::code_file;
use countersign_protocol::otpauth::{Generator, OtpauthLink};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The members of all files, so that whatever is made looks like one.
const MEMBERS: &str = "version|header|slots|params|db|entries|groups|type|name|issuer|info|secret|algo|digits|period|\
                       counter|uuid|group|note|schemaVersion|services|servicesEncrypted|otp|tokenType|groupId|\
                       kdfParams|memLimit|opsLimit|salt|encryptedData|encryptionNonce|accounts|items|credentials|\
                       collections|major|format|kdf|cipher|ciphertext|codes|link";

fn nearly_a_file() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..5_u64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "totp|hotp|steam|SHA1|SHA256|countersign-codes|[A-Z2-7]{16}|[0-9a-f]{24}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let members = prop::collection::vec((MEMBERS, inner.clone()), 0..8);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            members.prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// An entry of Aegis with values that are nearly right.
fn any_account() -> impl Strategy<Value = Value> {
    let names = ("[a-zA-Z:%& é]{0,12}", any::<String>());
    let codes = ("totp|hotp|steam", "[A-Z2-7 =-]{0,40}", "(SHA|sha|Hmac-SHA)(1|256|512)?", 4..10_u64, 0..100_u64);
    (names, codes).prop_map(|((issuer, name), (kind, secret, algo, digits, number))| {
        let info = json!({ "secret": secret, "algo": algo, "digits": digits, "period": number, "counter": number });
        json!({ "type": kind, "issuer": issuer, "name": name, "info": info })
    })
}

proptest! {
    // Half of them make a key from a password.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_byte_of_a_real_file_is_another(
        name in "aegis, (plain|encrypted)|2fas, (plain|encrypted)|ente, (plain|encrypted)|cxf|our own",
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let (file, password) = accepted(&name);
        let mut bytes = file.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = code_file::read(&bytes, password.as_deref());
    }
}

proptest! {
    #[test]
    fn a_file_from_anywhere(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = code_file::read(&bytes, Some("password"));
    }

    #[test]
    fn a_file_that_looks_like_one(value in nearly_a_file()) {
        let _ = code_file::read(value.to_string().as_bytes(), Some("password"));
    }

    #[test]
    fn every_entry_is_taken_or_has_its_reason_and_what_is_taken_reads_the_same_as_a_link(
        accounts in prop::collection::vec(any_account(), 0..6),
    ) {
        let file = json!({ "version": 1, "header": {}, "db": { "version": 3, "entries": accounts } });
        let found = code_file::read(file.to_string().as_bytes(), None).unwrap();
        prop_assert_eq!(found.taken.len() + found.not_taken.len(), accounts.len());
        for one in &found.taken {
            let text = one.link.to_text();
            prop_assert!(OtpauthLink::parse(&text).as_ref() == Ok(&one.link), "{}", text.as_str());
        }
        let kinds = found.taken.iter().filter(|one| matches!(one.link.generator(), Generator::Hotp(_))).count();
        prop_assert!(kinds <= accounts.iter().filter(|one| one["type"] == "hotp").count());
    }
}
