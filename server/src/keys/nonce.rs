//! The nonces that request proofs carry: bound to an enrolment, a time and an era, and kept nowhere.

use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::proof::PROOF_LIFETIME;
use countersign_protocol::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of the time in a nonce.
const TIME_LENGTH: usize = 8;

/// Issues nonces, and knows them again.
pub struct Nonces {
    key: hmac::Key,
    era: AtomicU64,
}

impl Nonces {
    /// Nonces under this key, of this era.
    pub const fn new(key: hmac::Key, era: u64) -> Self {
        Self { key, era: AtomicU64::new(era) }
    }

    /// The era of the nonces that are issued, and of those that are known again.
    pub fn era(&self) -> u64 {
        self.era.load(Ordering::SeqCst)
    }

    /// Begins another era: no nonce of an earlier one serves any more.
    pub fn begin(&self, era: u64) {
        self.era.store(era, Ordering::SeqCst);
    }

    fn tag(&self, device: EnrolmentId, time: &[u8], era: u64) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"countersign nonce v1\n");
        context.update(device.as_bytes());
        context.update(time);
        // The first era has the nonces of the servers that knew none.
        if era > 0 {
            context.update(&era.to_be_bytes());
        }
        context.sign()
    }

    /// A nonce for this device's next proof.
    pub fn issue(&self, device: EnrolmentId, now: Timestamp) -> String {
        let mut nonce = now.millis().to_be_bytes().to_vec();
        let tag = self.tag(device, &nonce, self.era());
        nonce.extend_from_slice(tag.as_ref());
        BASE64URL_NOPAD.encode(&nonce)
    }

    /// The era of a nonce that this server issued to this device, not too long ago; none for any other.
    pub fn is_fresh(&self, device: EnrolmentId, nonce: &str, now: Timestamp) -> Option<u64> {
        let bytes = BASE64URL_NOPAD.decode(nonce.as_bytes()).ok()?;
        let (time, claimed) = bytes.split_first_chunk::<TIME_LENGTH>()?;
        let (issued_at, era) = (Timestamp::from_millis(i64::from_be_bytes(*time)), self.era());
        let genuine = bool::from(subtle::ConstantTimeEq::ct_eq(self.tag(device, time, era).as_ref(), claimed));
        (genuine && issued_at <= now && now < issued_at + PROOF_LIFETIME).then_some(era)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn serves_one_device_for_a_while() {
        let nonces = |key: u8, era| Nonces::new(hmac::Key::new(hmac::HMAC_SHA256, &[key; 32]), era);
        let ours = nonces(1, 0);
        let (device, other) = (EnrolmentId::from_bytes([1; 16]), EnrolmentId::from_bytes([2; 16]));
        let now = Timestamp::from_seconds(1_800_000_000);
        let nonce = ours.issue(device, now);
        assert_eq!(ours.is_fresh(device, &nonce, now), Some(0));
        assert_eq!(ours.is_fresh(device, &nonce, now + PROOF_LIFETIME - Duration::from_millis(1)), Some(0));
        assert_eq!(ours.is_fresh(device, &nonce, now + PROOF_LIFETIME), None);
        assert_eq!(ours.is_fresh(device, &nonce, now - Duration::from_millis(1)), None);
        assert_eq!(ours.is_fresh(other, &nonce, now), None);
        assert_eq!(nonces(2, 0).is_fresh(device, &nonce, now), None);
        for wrong in ["", "AAAA", &nonce[1..], &nonce.replace(&nonce[..4], "zzzz")] {
            assert_eq!(ours.is_fresh(device, wrong, now), None, "{wrong}");
        }
        ours.begin(1);
        assert_eq!(ours.is_fresh(device, &nonce, now), None, "its era is over");
        assert_eq!(nonces(1, 0).is_fresh(device, &ours.issue(device, now), now), None, "its era has not begun");
        assert_eq!(nonces(1, 1).is_fresh(device, &ours.issue(device, now), now), Some(1), "after a restart");
    }
}
