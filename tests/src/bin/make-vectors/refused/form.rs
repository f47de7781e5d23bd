//! Faults of form that any signed message can have, shown on an approval.

use super::{Refused, message};
use crate::broken::{Parts, der, replaced};
use crate::example::Example;
use countersign_protocol::jws::MAX_LENGTH;
use serde_json::Value;

const LIKE: &str = "approve";

pub fn all(example: &Example) -> Vec<Refused> {
    [lists(example), headers(example), keys(example), claims(example), signatures(example), texts(example)]
        .into_iter()
        .flatten()
        .collect()
}

fn approval(example: &Example) -> Parts {
    Parts::of(&example.approval.compact)
}

fn headers(example: &Example) -> Vec<Refused> {
    let key = &example.keys.approval.key;
    let cases = [
        ("alg is none", "ES256", "none", "wrong_algorithm"),
        ("alg is HS256", "ES256", "HS256", "wrong_algorithm"),
        ("alg is ES384", "ES256", "ES384", "wrong_algorithm"),
        ("alg in lower case", "ES256", "es256", "wrong_algorithm"),
        ("typ is JWT", "countersign-decision+jws", "JWT", "wrong_type"),
        ("typ of another message", "countersign-decision+jws", "countersign-proof+jws", "wrong_type"),
        ("typ in upper case", "countersign-decision+jws", "COUNTERSIGN-DECISION+JWS", "wrong_type"),
        ("typ with application/", "countersign-decision+jws", "application/countersign-decision+jws", "wrong_type"),
        ("no typ", ",\"typ\":\"countersign-decision+jws\"", "", "malformed"),
        ("no alg", "\"alg\":\"ES256\",", "", "malformed"),
        ("header crit", "{", r#"{"crit":["exp"],"#, "unknown_claim"),
        ("header b64", "{", r#"{"b64":false,"#, "unknown_claim"),
        ("header jwk", "{", r#"{"jwk":{},"#, "unknown_claim"),
        ("header jku", "{", r#"{"jku":"https://thief.example","#, "unknown_claim"),
        ("header x5c", "{", r#"{"x5c":[],"#, "unknown_claim"),
        ("header zip", "{", r#"{"zip":"DEF","#, "unknown_claim"),
        ("alg twice", "{", r#"{"alg":"ES256","#, "malformed"),
        ("alg is a number", "\"ES256\"", "256", "malformed"),
        ("header followed by text", "}", "} x", "malformed"),
        ("header is not JSON", "{", "", "malformed"),
        ("header starts with a byte order mark", "{", "\u{feff}{", "malformed"),
    ];
    let case =
        |(name, from, to, code)| message(LIKE, name, approval(example).with_header(from, to).signed_by(key), code);
    cases.map(case).into()
}

fn keys(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let [approval_id, request_id, stranger_id] =
        [&keys.approval, &keys.request, &keys.stranger].map(|signer| signer.key.public().thumbprint().to_string());
    let with_kid = |kid: &str| approval(example).with_header(&approval_id, kid);
    vec![
        message(LIKE, "kid of another key", with_kid(&stranger_id).signed_by(&keys.approval.key), "unknown_key"),
        message(
            LIKE,
            "kid and signature of another key",
            with_kid(&stranger_id).signed_by(&keys.stranger.key),
            "unknown_key",
        ),
        message(
            LIKE,
            "kid of the request key, signed by the approval key",
            with_kid(&request_id).signed_by(&keys.approval.key),
            "unknown_key",
        ),
        message(LIKE, "kid is no thumbprint", with_kid("approval").signed_by(&keys.approval.key), "unknown_key"),
        message(LIKE, "kid is empty", with_kid("").signed_by(&keys.approval.key), "unknown_key"),
    ]
}

fn claims(example: &Example) -> Vec<Refused> {
    let key = &example.keys.approval.key;
    let iat = format!("\"iat\":{}", example.approval.claims.iat);
    let cases = [
        ("unknown claim", "{", r#"{"also":1,"#.to_owned(), "unknown_claim"),
        ("unknown claim null", "{", r#"{"also":null,"#.to_owned(), "unknown_claim"),
        ("duplicate claim", "{", r#"{"decision":"deny","#.to_owned(), "malformed"),
        ("duplicate claim with the same value", "{", r#"{"decision":"approve","#.to_owned(), "malformed"),
        ("duplicate claim spelled with an escape", "{", r#"{"\u0064ecision":"approve","#.to_owned(), "malformed"),
        ("missing claim", r#""user_verified":true,"#, String::new(), "malformed"),
        ("claim of another type", r#""user_verified":true"#, r#""user_verified":"true""#.to_owned(), "malformed"),
        ("claim null", r#""user_verified":true"#, r#""user_verified":null"#.to_owned(), "malformed"),
        ("a time with a fraction", &iat, format!("{iat}.5"), "malformed"),
        ("a time with an exponent", &iat, "\"iat\":1.8e9".to_owned(), "malformed"),
        ("a time as text", &iat, "\"iat\":\"1799999999\"".to_owned(), "malformed"),
        ("a time past 64 bits", &iat, "\"iat\":9223372036854775808".to_owned(), "malformed"),
        ("claims followed by text", "}", "} x".to_owned(), "malformed"),
        ("claims followed by a second object", "}", "}{}".to_owned(), "malformed"),
        ("claims with a trailing comma", "}", ",}".to_owned(), "malformed"),
        ("claims start with a byte order mark", "{", "\u{feff}{".to_owned(), "malformed"),
        ("claims with a comment", "{", "{/* yes */".to_owned(), "malformed"),
        ("claims nested in a list", "{", "[{".to_owned(), "malformed"),
    ];
    let case = |(name, from, to, code): (_, &str, String, _)| {
        message(LIKE, name, approval(example).with_claims(from, &to).signed_by(key), code)
    };
    cases.map(case).into()
}

/// What some readers of JSON take for an object: its values alone, in order.
fn lists(example: &Example) -> Vec<Refused> {
    let key = &example.keys.approval.key;
    let good = approval(example);
    let values = |object: &str, names: &[&str]| {
        let object: Value = serde_json::from_str(object).unwrap();
        Value::from_iter(names.iter().map(|name| object[name].clone())).to_string()
    };
    let header = values(&good.header, &["alg", "kid", "typ"]);
    let members = ["challenge_id", "challenge_sha256", "decision", "number", "user_verified", "iat"];
    let claims = values(&good.claims, &members);
    vec![
        message(LIKE, "header is a list", Parts { header, ..good.clone() }.signed_by(key), "malformed"),
        message(LIKE, "claims are a list", Parts { claims, ..good }.signed_by(key), "malformed"),
    ]
}

fn signatures(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let good = approval(example);
    let with_signature = |signature: Vec<u8>| Parts { signature, ..good.clone() }.to_compact();
    let mut altered = good.signature.clone();
    altered[0] ^= 1;
    let mut longer = good.signature.clone();
    longer.push(0);
    let claims_changed = good.clone().with_claims(r#""user_verified":true"#, r#""user_verified":false"#);
    let cases = [
        ("bad signature: one bit changed", with_signature(altered)),
        ("bad signature: of another key", good.clone().signed_by(&keys.stranger.key)),
        ("bad signature: 64 zeros", with_signature(vec![0; 64])),
        ("bad signature: empty", with_signature(Vec::new())),
        ("bad signature: 63 bytes", with_signature(good.signature[..63].to_vec())),
        ("bad signature: 65 bytes", with_signature(longer)),
        ("bad signature: in DER", with_signature(der(&good.signature))),
        ("claims changed after signing", claims_changed.to_compact()),
        ("header changed after signing", good.clone().with_header("{", "{ ").to_compact()),
    ];
    cases.map(|(name, compact)| message(LIKE, name, compact, "bad_signature")).into()
}

/// A well signed approval whose signature text holds a character that the two base64 alphabets write differently.
fn with_special_characters(example: &Example) -> String {
    loop {
        let compact = approval(example).signed_by(&example.keys.approval.key);
        if compact.contains('-') && compact.contains('_') {
            return compact;
        }
    }
}

fn texts(example: &Example) -> Vec<Refused> {
    let good = &example.approval.compact;
    let all_but = |characters: usize| good[..good.len() - characters].to_owned();
    let last = good.as_bytes()[good.len() - 1];
    // Of the last character's six bits the upper two belong to the signature, and the others must be zero.
    let trailing_bit = format!("{}{}", all_but(1), char::from(last + 1));
    let [header, claims, signature] = <[&str; 3]>::try_from(good.split('.').collect::<Vec<_>>()).unwrap();
    let in_json = format!(r#"{{"protected":"{header}","payload":"{claims}","signature":"{signature}"}}"#);
    let spaces = " ".repeat(MAX_LENGTH * 3 / 4);
    let too_long = approval(example).with_claims("}", &format!("{spaces}}}")).signed_by(&example.keys.approval.key);
    let standard = with_special_characters(example).replace('-', "+").replace('_', "/");
    let cases = [
        ("truncated by one character", all_but(1), "malformed"),
        ("truncated by six characters", all_but(6), "bad_signature"),
        ("truncated to two parts", format!("{header}.{claims}"), "malformed"),
        ("truncated to one part", header.to_owned(), "malformed"),
        ("four parts", format!("{good}.{signature}"), "malformed"),
        ("empty", String::new(), "malformed"),
        ("two dots alone", "..".to_owned(), "malformed"),
        ("not canonical base64: a trailing bit is set", trailing_bit, "malformed"),
        ("not canonical base64: padded", format!("{good}=="), "malformed"),
        ("not canonical base64: the other alphabet", standard, "malformed"),
        ("not canonical base64: a line break within", replaced(good, ".", ".\n"), "malformed"),
        ("a line break at the end", format!("{good}\n"), "malformed"),
        ("a space at the start", format!(" {good}"), "malformed"),
        ("flattened JSON serialisation", in_json, "malformed"),
        ("longer than 8192 bytes", too_long, "too_large"),
    ];
    cases.map(|(name, compact, code)| message(LIKE, name, compact, code)).into()
}
