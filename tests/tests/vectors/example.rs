//! `countersign.json`: the keys, the messages taken apart, the confirmation code and the sealing.

use crate::files::{list, read};
use countersign_protocol::enrolment::confirmation_code;
use countersign_protocol::handle::AccountId;
use countersign_protocol::key::{PublicKey, SoftwareKey, sha256};
use countersign_protocol::sealing::SealingKey;
use countersign_vectors::case::{bytes, count, from_b64u, member, text_of};
use data_encoding::BASE64URL_NOPAD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR};
use serde_json::Value;

const SIGNERS: [&str; 6] = ["root", "signing", "next_signing", "request", "approval", "stranger"];
const MESSAGES: [&str; 22] = [
    "certificate",
    "next_certificate",
    "signed_time",
    "transcript",
    "possession",
    "enrolment",
    "code_seed",
    "proof_without_body",
    "proof_with_body",
    "challenge_without_binding_message",
    "challenge_with_binding_message",
    "challenge_to_move",
    "challenge_after_a_rotation",
    "approve",
    "deny",
    "deny_after_a_rotation",
    "challenge_with_a_number",
    "challenge_raised_to_a_number",
    "approve_with_a_number",
    "report",
    "retraction",
    "revocation",
];

fn public_key(file: &Value, signer: &str) -> PublicKey {
    serde_json::from_value(member(member(member(file, "keys"), signer), "jwk").clone()).unwrap()
}

fn message<'a>(file: &'a Value, name: &str) -> &'a Value {
    let found = list(file, "messages", 1).iter().find(|message| text_of(message, "name") == name);
    found.unwrap_or_else(|| panic!("{name} is missing"))
}

#[test]
fn every_public_key_is_that_of_its_private_key() {
    let file = read("countersign.json");
    let keys = member(&file, "keys");
    for name in SIGNERS {
        let entry = member(keys, name);
        let private = SoftwareKey::from_pkcs8(&bytes(entry, "pkcs8_b64u")).unwrap();
        assert_eq!(private.public(), public_key(&file, name), "{name}");
        assert_eq!(private.public().thumbprint().as_str(), text_of(entry, "thumbprint_b64u"), "{name}");
    }
    for name in ["sealing", "stranger_sealing"] {
        let entry = member(keys, name);
        let private = SealingKey::from_bytes(&bytes(entry, "private_b64u")).unwrap();
        assert_eq!(private.public().as_bytes().as_slice(), bytes(entry, "public_b64u"), "{name}");
    }
}

#[test]
fn handles_name_what_they_say() {
    let file = read("countersign.json");
    let handles = member(&file, "handles");
    assert_eq!(text_of(handles, "server_id_b64u"), public_key(&file, "root").thumbprint().as_str());
    assert_eq!(text_of(handles, "device_b64u"), public_key(&file, "request").thumbprint().as_str());
    for handle in ["account_id_b64u", "enrolment_id_b64u"] {
        assert_eq!(bytes(handles, handle).len(), 16, "{handle}");
    }
    assert_eq!(from_b64u(text_of(handles, "ticket_utf8")).len(), 32);
}

#[test]
fn every_message_is_its_parts_signed_by_the_key_it_names() {
    let file = read("countersign.json");
    let names: Vec<&str> = list(&file, "messages", 1).iter().map(|message| text_of(message, "name")).collect();
    assert_eq!(names, MESSAGES);
    for name in MESSAGES {
        let message = message(&file, name);
        let parts = ["header_utf8", "claims_utf8"].map(|part| BASE64URL_NOPAD.encode(&bytes(message, part)));
        let input = parts.join(".");
        let signature = text_of(message, "compact_utf8").strip_prefix(&format!("{input}.")).unwrap();
        let key = public_key(&file, text_of(message, "signed_by"));
        assert_eq!(key.verify(input.as_bytes(), &from_b64u(signature)), Ok(()), "{name}");

        let header: Value = serde_json::from_str(text_of(message, "header_utf8")).unwrap();
        assert_eq!(text_of(&header, "alg"), "ES256", "{name}");
        assert_eq!(text_of(&header, "kid"), key.thumbprint().as_str(), "{name}");
        assert_eq!(header.as_object().unwrap().len(), 3, "{name}");
    }
}

#[test]
fn every_message_is_the_one_of_the_accepted_cases() {
    let file = read("countersign.json");
    for name in MESSAGES {
        let message = message(&file, name);
        let inputs = |name: &str| {
            let found = crate::accepted::cases(&file).iter().find(|case| text_of(case, "name") == name);
            member(found.unwrap(), "inputs")
        };
        let checked = match name {
            "transcript" => text_of(inputs("redemption"), "transcript_compact_utf8"),
            "possession" => text_of(inputs("redemption"), "possession_compact_utf8"),
            "next_certificate" => text_of(inputs("receipt_after_a_rotation"), "certificate_compact_utf8"),
            "challenge_after_a_rotation" => text_of(inputs("receipt_after_a_rotation"), "challenge_compact_utf8"),
            "deny_after_a_rotation" => text_of(inputs("receipt_after_a_rotation"), "decision_compact_utf8"),
            other => text_of(inputs(other), "compact_utf8"),
        };
        assert_eq!(text_of(message, "compact_utf8"), checked, "{name}");
    }
}

#[test]
fn the_confirmation_code_follows_step_by_step() {
    let file = read("countersign.json");
    let code = member(&file, "confirmation");
    let compact = text_of(message(&file, "transcript"), "compact_utf8");
    let signed_part = text_of(code, "transcript_signed_part_utf8");
    assert_eq!(compact.rsplit_once('.').unwrap().0, signed_part);
    assert_eq!(sha256(signed_part.as_bytes()).as_slice(), bytes(code, "transcript_sha256_hex"));
    let account: AccountId = text_of(code, "account_id_b64u").parse().unwrap();
    let input = [bytes(code, "label_utf8"), bytes(code, "transcript_sha256_hex"), account.as_bytes().to_vec()].concat();
    assert_eq!(input, bytes(code, "input_hex"));
    let digest = bytes(code, "digest_hex");
    assert_eq!(sha256(&input).as_slice(), digest);
    let number = u64::from_be_bytes(digest[..8].try_into().unwrap()) % 1_000_000;
    assert_eq!(format!("{number:06}"), text_of(code, "code_utf8"));
    assert_eq!(confirmation_code(compact, account), text_of(code, "code_utf8"));
}

#[test]
fn the_envelope_opens_with_the_texts_spelled_out() {
    let file = read("countersign.json");
    let (sealing, handles) = (member(&file, "sealing"), member(&file, "handles"));
    let [server_id, enrolment_id] = ["server_id_b64u", "enrolment_id_b64u"].map(|name| text_of(handles, name));
    assert_eq!(text_of(sealing, "info_utf8"), format!("countersign v1\n{server_id}\n{enrolment_id}"));
    let envelope: Value = serde_json::from_str(text_of(sealing, "envelope_utf8")).unwrap();
    assert_eq!(text_of(sealing, "aad_utf8"), text_of(&envelope, "id"));

    let sealed = from_b64u(text_of(&envelope, "sealed"));
    assert_eq!(sealed.len(), count(sealing, "sealed_length"));
    let private = bytes(member(member(&file, "keys"), "sealing"), "private_b64u");
    let plaintext = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &<X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&private).unwrap(),
        &<X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&sealed[..32]).unwrap(),
        text_of(sealing, "info_utf8").as_bytes(),
        &sealed[32..],
        text_of(sealing, "aad_utf8").as_bytes(),
    )
    .unwrap();
    let mut expected = [bytes(sealing, "length_prefix_hex"), bytes(sealing, "message_utf8")].concat();
    expected.resize(count(sealing, "plaintext_length"), 0);
    assert_eq!(plaintext, expected);
    let of_message = message(&file, "challenge_with_binding_message");
    assert_eq!(text_of(sealing, "message_utf8"), text_of(of_message, "compact_utf8"));
}

#[test]
fn the_example_speaks_more_than_one_script() {
    let file = read("countersign.json");
    let claims = text_of(message(&file, "challenge_with_binding_message"), "claims_utf8");
    assert!(["€", "日本語", "می‌خواهم", "👩‍🚀", "ü"].iter().all(|text| claims.contains(text)));
    assert!(!text_of(message(&file, "challenge_without_binding_message"), "claims_utf8").contains("binding_message"));
}
