//! RFC 8188 and RFC 8291: our receiver decrypts the published message, and every published step leads to the next.

use crate::files::{list, read};
use countersign_protocol::Refusal;
use countersign_protocol::webpush::Receiver;
use countersign_vectors::case::{bytes, count, from_b64u, text_of};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac::{self, HMAC_SHA256};
use serde_json::Value;

/// HMAC-SHA-256, which is also HKDF-Extract (RFC 5869, section 2.2).
fn hmac_sha256(key: &[u8], message: &[&[u8]]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(HMAC_SHA256, key), &message.concat()).as_ref().to_vec()
}

/// HKDF-Expand for outputs of one block (RFC 5869, section 2.3).
fn expand(prk: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    hmac_sha256(prk, &[info, &[1]])[..length].to_vec()
}

/// The plaintexts of an `aes128gcm` body's records, padding included (RFC 8188, section 2).
fn decrypt_records(body: &[u8], content_key: &[u8], base_nonce: &[u8]) -> Vec<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, content_key).unwrap());
    let record_size = usize::try_from(u32::from_be_bytes(body[16..20].try_into().unwrap())).unwrap();
    let records = body[21 + usize::from(body[20])..].chunks(record_size);
    let decrypt = |(sequence, record): (usize, &[u8])| {
        let mut nonce: [u8; 12] = base_nonce.try_into().unwrap();
        nonce[11] ^= u8::try_from(sequence).unwrap();
        let mut record = record.to_vec();
        key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record).unwrap().to_vec()
    };
    records.enumerate().map(decrypt).collect()
}

/// The delimiter ends the data: 2 in the last record, 1 before it; zeros follow (RFC 8188, section 2).
fn without_padding(records: &[Vec<u8>]) -> Vec<u8> {
    let data = records.iter().enumerate().map(|(place, record)| {
        let end = record.iter().rposition(|&byte| byte != 0).unwrap();
        assert_eq!(record[end], if place + 1 == records.len() { 2 } else { 1 });
        &record[..end]
    });
    data.collect::<Vec<_>>().concat()
}

fn check_content_coding(vector: &Value) {
    let body = bytes(vector, "body_b64u");
    let (salt, key_id) = (bytes(vector, "salt_b64u"), bytes(vector, "keyid_utf8"));
    assert_eq!(body[..16], salt);
    assert_eq!(body[16..20], u32::try_from(count(vector, "record_size")).unwrap().to_be_bytes());
    assert_eq!(body[20..21 + key_id.len()], [&[u8::try_from(key_id.len()).unwrap()], key_id.as_slice()].concat());
    let prk = hmac_sha256(&salt, &[&bytes(vector, "ikm_b64u")]);
    let content_key = expand(&prk, b"Content-Encoding: aes128gcm\0", 16);
    let nonce = expand(&prk, b"Content-Encoding: nonce\0", 12);
    let records = decrypt_records(&body, &content_key, &nonce);
    assert_eq!(without_padding(&records), bytes(vector, "plaintext_utf8"));
    if records.len() == 1 {
        assert_eq!(prk, bytes(vector, "prk_b64u"));
        assert_eq!(content_key, bytes(vector, "cek_b64u"));
        assert_eq!(nonce, bytes(vector, "nonce_b64u"));
        assert_eq!(records[0], bytes(vector, "padded_plaintext_b64u"));
        return;
    }
    for (place, record) in records.iter().enumerate() {
        let number = |name| usize::try_from(list(vector, name, 2)[place].as_u64().unwrap()).unwrap();
        let (data, padding) = (number("record_plaintext_lengths"), number("record_padding_lengths"));
        assert_eq!(record.len(), data + 1 + padding, "record {place}");
    }
}

#[test]
fn rfc8188_bodies_decrypt() {
    let file = read("rfc8188.json");
    for vector in list(&file, "vectors", 2) {
        check_content_coding(vector);
    }
}

fn receiver(file: &Value) -> Receiver {
    Receiver::from_bytes(&[bytes(file, "ua_private_b64u"), bytes(file, "auth_secret_b64u")].concat()).unwrap()
}

#[test]
fn rfc8291_message_decrypts_and_no_changed_one_does() {
    let file = read("rfc8291.json");
    let receiver = receiver(&file);
    let subscription = receiver.subscription("https://push.example.net/".into());
    assert_eq!(subscription.p256dh, text_of(&file, "ua_public_b64u"));
    assert_eq!(subscription.auth, text_of(&file, "auth_secret_b64u"));

    let body = bytes(&file, "body_b64u");
    assert_eq!(receiver.decrypt(&body).unwrap(), bytes(&file, "plaintext_utf8"));
    // Bytes 16 to 19 are the record size, which is not authenticated; the rest of the header and the record are.
    for place in (0..16).chain(20..body.len()) {
        let mut changed = body.clone();
        changed[place] ^= 1;
        assert!(receiver.decrypt(&changed).is_err(), "byte {place}");
    }
    let mut changed = body.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(receiver.decrypt(&changed), Err(Refusal::CannotOpen));
    let mut of_another = [bytes(&file, "ua_private_b64u"), bytes(&file, "auth_secret_b64u")].concat();
    of_another[47] ^= 1;
    assert_eq!(Receiver::from_bytes(&of_another).unwrap().decrypt(&body), Err(Refusal::CannotOpen));
}

#[test]
fn rfc8291_steps_follow_from_one_another() {
    let file = read("rfc8291.json");
    let of = |name: &str| bytes(&file, name);
    let private = p256::SecretKey::from_slice(&of("as_private_b64u")).unwrap();
    assert_eq!(private.public_key().to_sec1_bytes().as_ref(), of("as_public_b64u"));
    let theirs = p256::PublicKey::from_sec1_bytes(&of("ua_public_b64u")).unwrap();
    let shared = p256::ecdh::diffie_hellman(private.to_nonzero_scalar(), theirs.as_affine());
    assert_eq!(shared.raw_secret_bytes().to_vec(), of("ecdh_secret_b64u"));
    assert_eq!(hmac_sha256(&of("auth_secret_b64u"), &[&of("ecdh_secret_b64u")]), of("prk_key_b64u"));
    let key_info = [b"WebPush: info\0".to_vec(), of("ua_public_b64u"), of("as_public_b64u")].concat();
    assert_eq!(key_info, of("key_info_b64u"));
    assert_eq!(expand(&of("prk_key_b64u"), &key_info, 32), of("ikm_b64u"));
    assert_eq!(hmac_sha256(&of("salt_b64u"), &[&of("ikm_b64u")]), of("prk_b64u"));
    assert_eq!(of("cek_info_b64u"), b"Content-Encoding: aes128gcm\0");
    assert_eq!(of("nonce_info_b64u"), b"Content-Encoding: nonce\0");
    assert_eq!(expand(&of("prk_b64u"), &of("cek_info_b64u"), 16), of("cek_b64u"));
    assert_eq!(expand(&of("prk_b64u"), &of("nonce_info_b64u"), 12), of("nonce_b64u"));

    let record_size = u32::try_from(count(&file, "record_size")).unwrap().to_be_bytes();
    assert_eq!([of("salt_b64u"), record_size.to_vec(), vec![65], of("as_public_b64u")].concat(), of("header_b64u"));
    assert_eq!([of("header_b64u"), of("ciphertext_b64u")].concat(), of("body_b64u"));
    let records = decrypt_records(&of("body_b64u"), &of("cek_b64u"), &of("nonce_b64u"));
    assert_eq!(records, [of("padded_plaintext_b64u")]);
    assert_eq!(without_padding(&records), from_b64u(text_of(&file, "plaintext_b64u")));
    assert_eq!(of("plaintext_b64u"), of("plaintext_utf8"));
}
