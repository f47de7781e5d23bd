//! The checks of published vectors: what an RFC prints, taken to the function of ours that it is about.

use crate::case::{bytes, integer, member, text_of};
use countersign_protocol::Refusal;
use countersign_protocol::key::PublicKey;
use countersign_protocol::one_time_code::{Algorithm, Hotp, Secret, Totp};
use countersign_protocol::time::Timestamp;
use countersign_protocol::webpush::Receiver;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR};
use serde_json::{Value, json};

/// What the check of this name gives; none when it is no published vector's.
pub fn run(check: &str, inputs: &Value) -> Option<Result<Value, Refusal>> {
    Some(match check {
        "hotp" => Ok(hotp(inputs)),
        "totp" => Ok(totp(inputs)),
        "signature" => signature(inputs),
        "thumbprint" => Ok(json!({ "thumbprint_b64u": key(inputs).thumbprint() })),
        "web_push" => web_push(inputs),
        "hpke" => hpke_message(inputs),
        _ => return None,
    })
}

fn number<T: TryFrom<i64>>(inputs: &Value, name: &str) -> T {
    T::try_from(integer(inputs, name)).unwrap_or_else(|_| panic!("{name} is out of range"))
}

/// RFC 4226: the code of `secret_hex` at `count`.
fn hotp(inputs: &Value) -> Value {
    let secret = Secret::new(&bytes(inputs, "secret_hex")).unwrap();
    let hotp = Hotp::new(secret, Algorithm::Sha1, number(inputs, "digits"), 0).unwrap();
    json!({ "code_utf8": hotp.code_at(number(inputs, "count")) })
}

/// RFC 6238: the code of `secret_hex` at `time`, in seconds.
fn totp(inputs: &Value) -> Value {
    let secret = Secret::new(&bytes(inputs, "secret_hex")).unwrap();
    let algorithm: Algorithm = text_of(inputs, "algorithm").parse().unwrap();
    let totp = Totp::new(secret, algorithm, number(inputs, "digits"), number(inputs, "period")).unwrap();
    json!({ "code_utf8": totp.now(Timestamp::from_seconds(integer(inputs, "time"))).code })
}

fn key(inputs: &Value) -> PublicKey {
    serde_json::from_value(member(inputs, "jwk").clone()).unwrap()
}

/// RFC 7515: ES256 over `input_utf8`.
fn signature(inputs: &Value) -> Result<Value, Refusal> {
    key(inputs).verify(&bytes(inputs, "input_utf8"), &bytes(inputs, "signature_b64u")).map(|()| json!({}))
}

/// RFC 8291: what a subscriber reads.
fn web_push(inputs: &Value) -> Result<Value, Refusal> {
    let secrets = [bytes(inputs, "ua_private_b64u"), bytes(inputs, "auth_secret_b64u")].concat();
    let message = Receiver::from_bytes(&secrets)?.decrypt(&bytes(inputs, "body_b64u"))?;
    Ok(json!({ "plaintext_b64u": BASE64URL_NOPAD.encode(&message) }))
}

/// RFC 9180: the first message of a sender, in the suite that sealing uses. Our own sealing fixes `info` and the
/// associated data, so this is the crate under it.
fn hpke_message(inputs: &Value) -> Result<Value, Refusal> {
    let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&bytes(inputs, "sk_rm_hex")).unwrap();
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&bytes(inputs, "enc_hex")).unwrap();
    let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        &bytes(inputs, "info_hex"),
        &bytes(inputs, "ct_hex"),
        &bytes(inputs, "aad_hex"),
    );
    opened.map(|message| json!({ "pt_hex": HEXLOWER.encode(&message) })).map_err(|_| Refusal::CannotOpen)
}
