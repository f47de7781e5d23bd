//! RFC 9180: the HPKE that our sealing uses, with the same suite, gives the published bytes.
//!
//! Our own functions fix `info` and the associated data, so the published ones are given to the hpke crate directly.

use crate::files::{list, read};
use countersign_protocol::randomness::Randomness;
use countersign_protocol::sealing::SealingKey;
use countersign_vectors::case::{bytes, count};
use hpke::aead::{Aead, AeadCtxR, AeadCtxS, ChaCha20Poly1305};
use hpke::kdf::{HkdfSha256, Kdf};
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use ring::hmac::{self, HMAC_SHA256};
use serde_json::Value;
use std::convert::Infallible;

type Sender = AeadCtxS<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>;
type Receiver = AeadCtxR<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>;

/// Gives the published input for the only key pair that is drawn from it.
struct Published([u8; 32]);

impl Randomness for Published {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0);
    }
}

impl TryRng for Published {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("a key pair is drawn from 32 bytes at once")
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("a key pair is drawn from 32 bytes at once")
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Published {}

fn published(file: &Value, name: &str) -> Published {
    Published(bytes(file, name).try_into().unwrap())
}

fn sender(file: &Value) -> (Vec<u8>, Sender) {
    let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&bytes(file, "pk_rm_hex")).unwrap();
    let mut randomness = published(file, "ikm_e_hex");
    let (encapsulated, sender): (_, Sender) =
        hpke::setup_sender_with_rng(&OpModeS::Base, &recipient, &bytes(file, "info_hex"), &mut randomness).unwrap();
    (encapsulated.to_bytes().to_vec(), sender)
}

fn receiver(file: &Value, info: &[u8]) -> Receiver {
    let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&bytes(file, "sk_rm_hex")).unwrap();
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&bytes(file, "enc_hex")).unwrap();
    hpke::setup_receiver(&OpModeR::Base, &private, &encapsulated, info).unwrap()
}

#[test]
fn rfc9180_suite_is_the_one_that_sealing_uses() {
    let file = read("rfc9180.json");
    assert_eq!(count(&file, "mode"), 0);
    let ours = [X25519HkdfSha256::KEM_ID, HkdfSha256::KDF_ID, ChaCha20Poly1305::AEAD_ID].map(usize::from);
    assert_eq!(["kem_id", "kdf_id", "aead_id"].map(|name| count(&file, name)), ours);
}

/// The private key as X25519 uses it (RFC 7748, section 5): the crate gives out this form, the RFC prints the other.
fn clamped(private: &[u8]) -> Vec<u8> {
    let mut scalar = private.to_vec();
    scalar[0] &= 248;
    scalar[31] = scalar[31] & 127 | 64;
    scalar
}

#[test]
fn rfc9180_key_pairs_are_those_of_our_sealing_keys() {
    let file = read("rfc9180.json");
    for (input, private, public) in [("ikm_e_hex", "sk_em_hex", "pk_em_hex"), ("ikm_r_hex", "sk_rm_hex", "pk_rm_hex")] {
        let derived = SealingKey::generate(&published(&file, input));
        assert_eq!(derived.to_bytes().to_vec(), clamped(&bytes(&file, private)));
        assert_eq!(derived.public().as_bytes().as_slice(), bytes(&file, public));
        let restored = SealingKey::from_bytes(&bytes(&file, private)).unwrap();
        assert_eq!(restored.public(), derived.public());
    }
}

#[test]
fn rfc9180_messages_are_sealed_to_the_published_bytes_and_opened_again() {
    let file = read("rfc9180.json");
    let (encapsulated, mut sender) = sender(&file);
    assert_eq!(encapsulated, bytes(&file, "enc_hex"));
    let mut receiver = receiver(&file, &bytes(&file, "info_hex"));
    for (sequence, message) in list(&file, "encryptions", 3).iter().enumerate() {
        assert_eq!(count(message, "sequence_number"), sequence);
        let (plaintext, aad, ciphertext) =
            (bytes(message, "pt_hex"), bytes(message, "aad_hex"), bytes(message, "ct_hex"));
        assert_eq!(sender.seal(&plaintext, &aad).unwrap(), ciphertext, "sequence {sequence}");
        assert_eq!(receiver.open(&ciphertext, &aad).unwrap(), plaintext, "sequence {sequence}");
    }
}

#[test]
fn rfc9180_message_with_a_changed_byte_does_not_open() {
    let file = read("rfc9180.json");
    let message = &list(&file, "encryptions", 3)[0];
    let (info, aad, ciphertext) = (bytes(&file, "info_hex"), bytes(message, "aad_hex"), bytes(message, "ct_hex"));
    assert!(receiver(&file, &info).open(&ciphertext, &aad).is_ok());
    for place in 0..ciphertext.len() {
        let mut changed = ciphertext.clone();
        changed[place] ^= 1;
        assert!(receiver(&file, &info).open(&changed, &aad).is_err(), "byte {place}");
    }
    assert!(receiver(&file, &info).open(&ciphertext, b"Count-1").is_err());
    assert!(receiver(&file, b"another info").open(&ciphertext, &aad).is_err());
}

/// What the key schedule names its steps with (RFC 9180, section 4): `HPKE-v1`, the suite, the label.
fn labelled(label: &[u8]) -> Vec<u8> {
    [b"HPKE-v1HPKE".as_slice(), &[0, 32, 0, 1, 0, 3], label].concat()
}

fn hmac_sha256(key: &[u8], message: &[&[u8]]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(HMAC_SHA256, key), &message.concat()).as_ref().to_vec()
}

#[test]
fn rfc9180_key_schedule_follows_from_the_shared_secret() {
    let file = read("rfc9180.json");
    let psk_id_hash = hmac_sha256(&[], &[&labelled(b"psk_id_hash")]);
    let info_hash = hmac_sha256(&[], &[&labelled(b"info_hash"), &bytes(&file, "info_hex")]);
    let context = [[0].as_slice(), &psk_id_hash, &info_hash].concat();
    assert_eq!(context, bytes(&file, "key_schedule_context_hex"));
    let secret = hmac_sha256(&bytes(&file, "shared_secret_hex"), &[&labelled(b"secret")]);
    assert_eq!(secret, bytes(&file, "secret_hex"));
    for (label, length, name) in
        [("key", 32, "key_hex"), ("base_nonce", 12, "base_nonce_hex"), ("exp", 32, "exporter_secret_hex")]
    {
        let expanded = hmac_sha256(&secret, &[&[0, length], &labelled(label.as_bytes()), &context, &[1]]);
        assert_eq!(expanded[..usize::from(length)], bytes(&file, name), "{label}");
    }
    for message in list(&file, "encryptions", 3) {
        let mut nonce = bytes(&file, "base_nonce_hex");
        nonce[11] ^= u8::try_from(count(message, "sequence_number")).unwrap();
        assert_eq!(nonce, bytes(message, "nonce_hex"));
    }
}
