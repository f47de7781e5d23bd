//! What a device refuses of a server: certificates, documents, times, and links.

use super::{Refused, message, refused};
use crate::broken::{Parts, replaced};
use crate::example::{Example, NOW, SEQUENCE};
use countersign_protocol::server_identity::WellKnown;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

pub fn all(example: &Example) -> Vec<Refused> {
    [certificates(example), keys_in_claims(example), documents(example), times(example), links(example)]
        .into_iter()
        .flatten()
        .collect()
}

fn certificates(example: &Example) -> Vec<Refused> {
    const LIKE: &str = "certificate";
    let (root, certificate) = (&example.keys.root.key, &example.certificate);
    let stranger = &example.keys.stranger.key;
    let wrong_iss = certificate.changed(root, |c| c.iss = stranger.public().thumbprint());
    let by_itself = certificate.changed(&example.keys.signing.key, |_| ());
    let negative = Parts::of(&certificate.compact).with_claims("\"sequence\":", "\"sequence\":-").signed_by(root);
    vec![
        message(LIKE, "wrong iss", wrong_iss, "wrong_server"),
        message(LIKE, "signed by the key that it certifies", by_itself, "unknown_key"),
        message(LIKE, "signed by another root", certificate.changed(stranger, |_| ()), "unknown_key"),
        refused(LIKE, "another root was pinned", json!({ "root_jwk": stranger.public() }), "unknown_key"),
        refused(LIKE, "in the second of its end", json!({ "now_seconds": certificate.claims.exp }), "expired"),
        message(LIKE, "expired", certificate.changed(root, |c| c.exp = NOW.seconds()), "expired"),
        message(LIKE, "a negative sequence", negative, "malformed"),
    ]
}

/// Faults of a public key inside claims, shown on a certificate.
fn keys_in_claims(example: &Example) -> Vec<Refused> {
    let jwk = serde_json::to_value(example.keys.signing.key.public()).unwrap();
    let (x, y) = (jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap());
    let point = [x, y].map(|coordinate| BASE64URL_NOPAD.decode(coordinate.as_bytes()).unwrap()).concat();
    let [short, long] = [&point[..31], &point[31..]].map(|part| BASE64URL_NOPAD.encode(part));
    let shifted = format!(r#""x":"{short}","y":"{long}""#);
    let member = |name: &str, value: &str| format!("\"{name}\":\"{value}\"");
    let cases = [
        ("a key off the curve", member("y", y), member("y", x), "malformed"),
        ("a key with x and y of zero bytes", member("x", x), member("x", ""), "malformed"),
        ("a key with 31 bytes of x and 33 of y", format!(r#""x":"{x}","y":"{y}""#), shifted, "malformed"),
        ("a key on P-384", member("crv", "P-256"), member("crv", "P-384"), "malformed"),
        ("a key of type RSA", member("kty", "EC"), member("kty", "RSA"), "malformed"),
        (
            "a key with a private part",
            member("kty", "EC"),
            format!("{},{}", member("d", x), member("kty", "EC")),
            "unknown_claim",
        ),
        ("a key with padded x", member("x", x), member("x", &format!("{x}=")), "malformed"),
    ];
    let case = |(name, from, to, code): (_, String, String, _)| {
        let broken = Parts::of(&example.certificate.compact).with_claims(&from, &to);
        message("certificate", name, broken.signed_by(&example.keys.root.key), code)
    };
    cases.map(case).into()
}

fn documents(example: &Example) -> Vec<Refused> {
    const LIKE: &str = "well_known";
    let stranger = &example.keys.stranger.key;
    let good = example.well_known();
    let document = |document: WellKnown| json!({ "document_utf8": serde_json::to_string(&document).unwrap() });
    let other_root = WellKnown { root: stranger.public(), ..good.clone() };
    let other_id = WellKnown { server_id: stranger.public().thumbprint(), ..good.clone() };
    let by_other_root = WellKnown { certificate: example.certificate.changed(stranger, |_| ()), ..good };
    let fingerprint = json!({ "fingerprint_b64u": stranger.public().thumbprint() });
    vec![
        refused(LIKE, "another root", document(other_root), "wrong_server"),
        refused(LIKE, "another server id", document(other_id), "wrong_server"),
        refused(LIKE, "the link named another root", fingerprint, "wrong_server"),
        refused(LIKE, "certificate of another root", document(by_other_root), "unknown_key"),
        refused(LIKE, "a newer certificate was seen", json!({ "lowest_sequence": SEQUENCE + 1 }), "old_certificate"),
        refused(LIKE, "certificate expired", json!({ "now_seconds": example.certificate.claims.exp }), "expired"),
    ]
}

fn times(example: &Example) -> Vec<Refused> {
    const LIKE: &str = "signed_time";
    let keys = &example.keys;
    let wrong_iss = example.time.changed(&keys.signing.key, |t| t.iss = keys.stranger.key.public().thumbprint());
    let asked_at = NOW.millis() - 9_900;
    let answered = |after: i64| json!({ "answered_at_ms": asked_at + after });
    vec![
        message(LIKE, "wrong iss", wrong_iss, "wrong_server"),
        message(LIKE, "signed by the root", example.time.changed(&keys.root.key, |_| ()), "unknown_key"),
        message(LIKE, "signed by a stranger", example.time.changed(&keys.stranger.key, |_| ()), "unknown_key"),
        refused(LIKE, "answers another nonce", json!({ "nonce_utf8": "YW5vdGhlcg" }), "stale_time"),
        refused(LIKE, "took longer than five seconds", answered(5_001), "stale_time"),
        refused(LIKE, "answered before it was asked", answered(-1), "stale_time"),
    ]
}

fn links(example: &Example) -> Vec<Refused> {
    let good = example.link().to_text();
    let fingerprint = example.server_id.as_str();
    let changed = |from: &str, to: &str| replaced(&good, from, to);
    let cases = [
        ("plain http", changed("https://", "http://"), "malformed"),
        ("another scheme", changed("https://", "ftp://"), "malformed"),
        ("a user name", changed("https://", "https://maya@"), "malformed"),
        ("a host that only starts like this machine", changed("https://login.", "http://127.0.0.1."), "malformed"),
        ("another path", changed("/enrol", "/enroled"), "malformed"),
        ("a query", changed("#t=", "?t="), "malformed"),
        ("a ticket too short", changed(&example.ticket, &example.ticket[1..]), "malformed"),
        ("a ticket with a trailing bit", changed(&example.ticket, &with_trailing_bit(&example.ticket)), "malformed"),
        ("a fingerprint too short", changed(fingerprint, &fingerprint[1..]), "malformed"),
        ("a fingerprint with a trailing bit", changed(fingerprint, &with_trailing_bit(fingerprint)), "malformed"),
        ("a member after the fingerprint", format!("{good}&x=1"), "malformed"),
        ("no fragment", good[..good.find('#').unwrap()].to_owned(), "malformed"),
        ("no link at all", "login.example".to_owned(), "malformed"),
        ("longer than 2048 bytes", changed("login", &"a".repeat(2048)), "too_large"),
    ];
    let link = |link: String| -> Value { json!({ "link_utf8": link }) };
    cases.map(|(name, text, code)| refused("link", name, link(text), code)).into()
}

/// Thirty-two bytes in base64url end with a character of which two bits are unused and zero; this sets one of them.
fn with_trailing_bit(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    format!("{rest}{}", char::from(last.as_bytes()[0] + 1))
}
