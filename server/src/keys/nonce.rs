//! The nonces that request proofs carry: bound to an enrolment and a time, and kept nowhere.

use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::proof::PROOF_LIFETIME;
use countersign_protocol::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;

/// Bytes of the time in a nonce.
const TIME_LENGTH: usize = 8;

fn tag(key: &hmac::Key, device: EnrolmentId, time: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(b"countersign nonce v1\n");
    context.update(device.as_bytes());
    context.update(time);
    context.sign()
}

/// A nonce for this device's next proof.
pub fn issue(key: &hmac::Key, device: EnrolmentId, now: Timestamp) -> String {
    let mut nonce = now.millis().to_be_bytes().to_vec();
    let tag = tag(key, device, &nonce);
    nonce.extend_from_slice(tag.as_ref());
    BASE64URL_NOPAD.encode(&nonce)
}

/// True when this server issued the nonce to this device, not too long ago.
pub fn is_fresh(key: &hmac::Key, device: EnrolmentId, nonce: &str, now: Timestamp) -> bool {
    let Ok(bytes) = BASE64URL_NOPAD.decode(nonce.as_bytes()) else { return false };
    let Some((time, claimed)) = bytes.split_first_chunk::<TIME_LENGTH>() else { return false };
    let issued_at = Timestamp::from_millis(i64::from_be_bytes(*time));
    let genuine = subtle::ConstantTimeEq::ct_eq(tag(key, device, time).as_ref(), claimed);
    bool::from(genuine) && issued_at <= now && now < issued_at + PROOF_LIFETIME
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn serves_one_device_for_a_while() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
        let (device, other) = (EnrolmentId::from_bytes([1; 16]), EnrolmentId::from_bytes([2; 16]));
        let now = Timestamp::from_seconds(1_800_000_000);
        let nonce = issue(&key, device, now);
        assert!(is_fresh(&key, device, &nonce, now));
        assert!(is_fresh(&key, device, &nonce, now + PROOF_LIFETIME - Duration::from_millis(1)));
        assert!(!is_fresh(&key, device, &nonce, now + PROOF_LIFETIME));
        assert!(!is_fresh(&key, device, &nonce, now - Duration::from_millis(1)));
        assert!(!is_fresh(&key, other, &nonce, now));
        assert!(!is_fresh(&hmac::Key::new(hmac::HMAC_SHA256, &[2; 32]), device, &nonce, now));
        for wrong in ["", "AAAA", &nonce[1..], &nonce.replace(&nonce[..4], "zzzz")] {
            assert!(!is_fresh(&key, device, wrong, now), "{wrong}");
        }
    }
}
