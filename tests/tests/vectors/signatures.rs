//! RFC 7515 and RFC 7638: our keys verify the published signature and have the published thumbprint.

use crate::files::{list, read};
use countersign_protocol::Refusal;
use countersign_protocol::key::{PublicKey, sha256_text};
use countersign_vectors::case::{bytes, from_b64u, member, text_of};
use serde_json::Value;

fn public_key(jwk: &Value) -> PublicKey {
    serde_json::from_value(jwk.clone()).unwrap()
}

#[test]
fn rfc7515_signature_verifies_and_no_changed_byte_does() {
    let file = read("rfc7515.json");
    let key = public_key(member(&file, "jwk"));
    let input = format!("{}.{}", text_of(&file, "protected_header_b64u"), text_of(&file, "payload_b64u")).into_bytes();
    let signature = bytes(&file, "signature_b64u");
    assert_eq!(key.verify(&input, &signature), Ok(()));
    for place in 0..input.len() {
        let mut changed = input.clone();
        changed[place] ^= 1;
        assert_eq!(key.verify(&changed, &signature), Err(Refusal::BadSignature), "byte {place} of the input");
    }
    for place in 0..signature.len() {
        let mut changed = signature.clone();
        changed[place] ^= 1;
        assert_eq!(key.verify(&input, &changed), Err(Refusal::BadSignature), "byte {place} of the signature");
    }
    assert_eq!(key.verify(&input, &signature[..63]), Err(Refusal::BadSignature));
    assert_eq!(key.verify(&input, &[0; 64]), Err(Refusal::BadSignature));
}

#[test]
fn rfc7515_parts_are_those_of_the_whole() {
    let file = read("rfc7515.json");
    assert_eq!(bytes(&file, "protected_header_b64u"), bytes(&file, "protected_header_utf8"));
    assert_eq!(bytes(&file, "payload_b64u"), bytes(&file, "payload_utf8"));
    let parts = ["protected_header_b64u", "payload_b64u", "signature_b64u"].map(|name| text_of(&file, name));
    assert_eq!(parts.join("."), text_of(&file, "compact_utf8"));
    let private = p256::SecretKey::from_slice(&from_b64u(text_of(member(&file, "jwk"), "d"))).unwrap();
    let published = public_key(member(&file, "jwk"));
    assert_eq!(private.public_key().to_sec1_bytes().as_ref(), published.as_uncompressed());
}

#[test]
fn rfc7638_thumbprints_are_ours() {
    let file = read("rfc7638.json");
    let of_kind = |kind: &str| {
        let vectors: Vec<&Value> =
            list(&file, "vectors", 2).iter().filter(|vector| text_of(member(vector, "jwk"), "kty") == kind).collect();
        assert!(!vectors.is_empty(), "no {kind} key");
        vectors
    };
    for vector in of_kind("EC") {
        let expected = text_of(vector, "thumbprint_sha256_b64u");
        assert_eq!(public_key(member(vector, "jwk")).thumbprint().as_str(), expected);
        assert_eq!(sha256_text(&bytes(vector, "canonical_utf8")), expected);
    }
    for vector in of_kind("RSA") {
        let jwk = member(vector, "jwk");
        let (exponent, modulus) = (text_of(jwk, "e"), text_of(jwk, "n"));
        let canonical = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
        assert_eq!(sha256_text(canonical.as_bytes()), text_of(vector, "thumbprint_sha256_b64u"));
    }
}
