//! What a device refuses of a code seed, with a good signature each time but one.

use super::{Refused, another_server, message, refused};
use crate::broken::Parts;
use crate::example::{Example, handle_bytes};
use countersign_protocol::code_seed::CodeSeed;
use countersign_protocol::handle::{AccountId, EnrolmentId};
use serde_json::json;

const LIKE: &str = "code_seed";

pub fn all(example: &Example) -> Vec<Refused> {
    [addresses(example), forms(example)].concat()
}

/// The seed with changed claims, signed as a broken or hostile server would.
fn changed(example: &Example, name: &str, code: &'static str, change: &dyn Fn(&mut CodeSeed)) -> Refused {
    message(LIKE, name, example.code_seed.changed(&example.keys.signing.key, change), code)
}

fn addresses(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let stranger = keys.stranger.key.public().thumbprint();
    let other_enrolment = EnrolmentId::from_bytes(handle_bytes("another enrolment"));
    let other_account = AccountId::from_bytes(handle_bytes("another account"));
    let case = |name, code, change: &dyn Fn(&mut CodeSeed)| changed(example, name, code, change);
    vec![
        case("wrong iss", "wrong_server", &|s| s.iss = stranger.clone()),
        case("wrong aud", "wrong_device", &|s| s.aud = stranger.clone()),
        case("wrong enrolment", "wrong_device", &|s| s.enrolment_id = other_enrolment),
        case("wrong sub", "wrong_account", &|s| s.sub = other_account),
        message(LIKE, "signed by the root", example.code_seed.changed(&keys.root.key, |_| ()), "unknown_key"),
        message(LIKE, "a statement in its place", example.statement.compact.clone(), "wrong_type"),
        message(
            LIKE,
            "a bad signature",
            Parts::of(&example.code_seed.compact).with_claims(r#""digits":6"#, r#""digits":8"#).to_compact(),
            "bad_signature",
        ),
        another_server(LIKE, example),
        refused(LIKE, "another device reads", json!({ "device_b64u": stranger }), "wrong_device"),
    ]
}

fn forms(example: &Example) -> Vec<Refused> {
    let secret = Parts::of(&example.code_seed.compact).claims;
    let secret = secret.split(r#""secret":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let with = |name, from: &str, to: &str, code| {
        let parts = Parts::of(&example.code_seed.compact).with_claims(from, to);
        message(LIKE, name, parts.signed_by(&example.keys.signing.key), code)
    };
    vec![
        with("five digits", r#""digits":6"#, r#""digits":5"#, "malformed"),
        with("nine digits", r#""digits":6"#, r#""digits":9"#, "malformed"),
        with("a period of nothing", r#""period":30"#, r#""period":0"#, "malformed"),
        with("a period of 301 seconds", r#""period":30"#, r#""period":301"#, "malformed"),
        with("an unknown algorithm", "SHA1", "MD5", "malformed"),
        with("the algorithm in lower case", "SHA1", "sha1", "malformed"),
        with("a secret of 15 bytes", &secret, &secret[..20], "malformed"),
        with("a padded secret", &secret, &format!("{secret}="), "malformed"),
        with("no secret", &format!(r#""secret":"{secret}","#), "", "malformed"),
        with("unknown claim", "{", r#"{"counter":0,"#, "unknown_claim"),
    ]
}
