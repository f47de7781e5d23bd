//! Web Push message encryption (RFC 8291 over RFC 8188, `aes128gcm`, one record).
//!
//! Both sides are here: a server encrypts to a [`Subscription`], a phone or a UnifiedPush client decrypts with its
//! [`Receiver`].

use crate::key::PublicKey;
use crate::randomness::{Randomness, SystemRandomness};
use crate::refusal::Refusal;
use data_encoding::BASE64URL_NOPAD;
use p256::elliptic_curve::sec1::ToSec1Point;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{self, ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The record size that the header names: a message is one record, whatever its length.
const RECORD_SIZE: u32 = 4096;
/// Bytes of the header: salt, record size, key length, sender's public key (RFC 8188, section 2.1).
const HEADER_LENGTH: usize = 16 + 4 + 1 + 65;
/// Bytes that encryption adds to the plaintext inside the record: the delimiter and the tag.
const RECORD_OVERHEAD: usize = 1 + 16;
/// The longest message that fits the 4,096 bytes every push service must take (RFC 8030, section 7.2).
pub const MAX_MESSAGE_LENGTH: usize = 4096 - HEADER_LENGTH - RECORD_OVERHEAD;

/// Where and how to reach a subscriber (the Push API's `PushSubscription`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// The push service's address for this subscriber. A capability: it must not be logged.
    pub endpoint: String,
    /// The subscriber's P-256 public key, in base64url.
    pub p256dh: String,
    /// The subscriber's authentication secret, 16 bytes in base64url.
    pub auth: String,
    /// The server's public key that the subscription was made with, in base64url (the Push API's
    /// `applicationServerKey`); none for the one that is current when it is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_server_key: Option<String>,
}

/// The subscriber's two secrets, decoded.
struct SubscriberKeys {
    public: [u8; 65],
    auth: [u8; 16],
}

impl Subscription {
    /// Checks the form of the keys; the endpoint is the sender's to judge.
    ///
    /// # Errors
    /// `malformed` when a key is no point of P-256, or the secret is not 16 bytes.
    pub fn check(&self) -> Result<(), Refusal> {
        let server_key = self.application_server_key.as_deref();
        server_key.map(public_key).transpose()?;
        self.keys().map(drop)
    }

    fn keys(&self) -> Result<SubscriberKeys, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("push subscription");
        let public = *public_key(&self.p256dh)?.as_uncompressed();
        let auth = BASE64URL_NOPAD.decode(self.auth.as_bytes()).map_err(|_| WRONG)?;
        Ok(SubscriberKeys { public, auth: auth.try_into().map_err(|_| WRONG)? })
    }

    /// Encrypts `message` to the subscriber: the body of the POST.
    ///
    /// # Errors
    /// `too_large` past [`MAX_MESSAGE_LENGTH`], `malformed` for keys that cannot be used.
    pub fn encrypt(&self, message: &[u8], randomness: &dyn Randomness) -> Result<Vec<u8>, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("push subscription");
        if message.len() > MAX_MESSAGE_LENGTH {
            return Err(Refusal::TooLarge);
        }
        let keys = self.keys()?;
        let ours = EphemeralPrivateKey::generate(&ECDH_P256, SystemRandomness::new().ring()).map_err(|_| WRONG)?;
        let our_public: [u8; 65] =
            ours.compute_public_key().map_err(|_| WRONG)?.as_ref().try_into().map_err(|_| WRONG)?;
        let salt: [u8; 16] = randomness.bytes();
        let theirs = UnparsedPublicKey::new(&ECDH_P256, keys.public);
        let record = agreement::agree_ephemeral(ours, &theirs, |shared| {
            let (key, nonce) = content_keys(shared, &keys.auth, &keys.public, &our_public, salt);
            let mut record = message.to_vec();
            record.push(2);
            key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record).map(|()| record)
        });
        let record = record.map_err(|_| WRONG)?.map_err(|_| WRONG)?;
        let mut body = Vec::with_capacity(HEADER_LENGTH + record.len());
        body.extend_from_slice(&salt);
        body.extend_from_slice(&RECORD_SIZE.to_be_bytes());
        body.push(65);
        body.extend_from_slice(&our_public);
        body.extend_from_slice(&record);
        Ok(body)
    }
}

fn public_key(text: &str) -> Result<PublicKey, Refusal> {
    const WRONG: Refusal = Refusal::Malformed("push subscription");
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| WRONG)?;
    PublicKey::from_uncompressed(&bytes).map_err(|_| WRONG)
}

/// A subscriber: the private half of a [`Subscription`].
pub struct Receiver {
    private: p256::SecretKey,
    public: [u8; 65],
    auth: Zeroizing<[u8; 16]>,
}

impl Receiver {
    /// A fresh subscriber.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        loop {
            let secret = Zeroizing::new(randomness.bytes::<48>());
            // All but 2^-32 of the 32-byte strings are valid P-256 scalars, so this ends at once.
            if let Ok(receiver) = Self::from_bytes(secret.as_ref()) {
                return receiver;
            }
        }
    }

    /// The subscriber in these 48 bytes: private scalar, authentication secret.
    ///
    /// # Errors
    /// `malformed` when they are not 48, or the first 32 are no private key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("push receiver");
        let (scalar, auth) = bytes.split_at_checked(32).ok_or(WRONG)?;
        let private = p256::SecretKey::from_slice(scalar).map_err(|_| WRONG)?;
        let point = private.public_key().to_sec1_point(false);
        let public = point.as_bytes().try_into().map_err(|_| WRONG)?;
        Ok(Self { private, public, auth: Zeroizing::new(auth.try_into().map_err(|_| WRONG)?) })
    }

    /// The 48 secret bytes, to be kept sealed.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(self.private.to_bytes().to_vec());
        bytes.extend_from_slice(self.auth.as_ref());
        bytes
    }

    /// What to give the server, for an endpoint that leads here.
    pub fn subscription(&self, endpoint: String) -> Subscription {
        Subscription {
            endpoint,
            p256dh: BASE64URL_NOPAD.encode(&self.public),
            auth: BASE64URL_NOPAD.encode(self.auth.as_ref()),
            application_server_key: None,
        }
    }

    /// Decrypts the body of a push.
    ///
    /// # Errors
    /// `too_large` past 4,096 bytes; `malformed` when it does not have the form of RFC 8188; `cannot_open` when it was
    /// encrypted to another subscriber, or changed.
    pub fn decrypt(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("push message");
        if body.len() > 4096 {
            return Err(Refusal::TooLarge);
        }
        let (header, record) = body.split_at_checked(HEADER_LENGTH).ok_or(WRONG)?;
        let (salt, rest) = header.split_at(16);
        if rest[4] != 65 {
            return Err(WRONG);
        }
        let record_size = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]);
        if record.len() > usize::try_from(record_size).map_err(|_| WRONG)? {
            return Err(WRONG);
        }
        let sender: [u8; 65] = rest[5..].try_into().map_err(|_| WRONG)?;
        let sender_key = p256::PublicKey::from_sec1_bytes(&sender).map_err(|_| WRONG)?;
        let shared = p256::ecdh::diffie_hellman(self.private.to_nonzero_scalar(), sender_key.as_affine());
        let salt = salt.try_into().map_err(|_| WRONG)?;
        let (key, nonce) = content_keys(shared.raw_secret_bytes(), &self.auth, &self.public, &sender, salt);
        let mut buffer = record.to_vec();
        let plaintext = key.open_in_place(nonce, Aad::empty(), &mut buffer).map_err(|_| Refusal::CannotOpen)?;
        let end = plaintext.iter().rposition(|&byte| byte != 0).ok_or(WRONG)?;
        if plaintext[end] != 2 {
            return Err(WRONG);
        }
        Ok(plaintext[..end].to_vec())
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Receiver")
    }
}

/// A number of bytes to expand to.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Content key and nonce (RFC 8291, section 3.4; RFC 8188, sections 2.2 and 2.3).
#[expect(
    clippy::expect_used,
    reason = "HKDF refuses only outputs of more than 8,160 bytes, AES only another key length"
)]
fn content_keys(
    shared: &[u8],
    auth: &[u8; 16],
    subscriber: &[u8; 65],
    sender: &[u8; 65],
    salt: [u8; 16],
) -> (LessSafeKey, Nonce) {
    let expand = |salt: &[u8], input: &[u8], info: &[&[u8]], output: &mut [u8]| {
        let key = Salt::new(HKDF_SHA256, salt).extract(input);
        key.expand(info, Length(output.len())).and_then(|okm| okm.fill(output)).expect("a short output");
    };
    let mut input = Zeroizing::new([0; 32]);
    expand(auth, shared, &[b"WebPush: info\0", subscriber, sender], input.as_mut());
    let mut key = Zeroizing::new([0; 16]);
    expand(&salt, input.as_ref(), &[b"Content-Encoding: aes128gcm\0"], key.as_mut());
    let mut nonce = [0; 12];
    expand(&salt, input.as_ref(), &[b"Content-Encoding: nonce\0"], &mut nonce);
    let key = UnboundKey::new(&AES_128_GCM, key.as_ref()).expect("16 bytes");
    (LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_to_a_subscriber_only_that_subscriber_reads() {
        let randomness = SystemRandomness::new();
        let (phone, other) = (Receiver::generate(&randomness), Receiver::generate(&randomness));
        let subscription = phone.subscription("http://127.0.0.1/push".into());
        let body = subscription.encrypt(b"halt", &randomness).unwrap();
        assert_eq!(phone.decrypt(&body).unwrap(), b"halt");
        assert_eq!(Receiver::from_bytes(&phone.to_bytes()).unwrap().decrypt(&body).unwrap(), b"halt");
        assert_eq!(other.decrypt(&body), Err(Refusal::CannotOpen));
        for place in [0, 25, HEADER_LENGTH, body.len() - 1] {
            let mut changed = body.clone();
            changed[place] ^= 1;
            assert!(phone.decrypt(&changed).is_err(), "byte {place}");
        }
        for length in 0..body.len() {
            assert!(phone.decrypt(&body[..length]).is_err());
        }
        let longest = vec![7; MAX_MESSAGE_LENGTH];
        let body = subscription.encrypt(&longest, &randomness).unwrap();
        assert_eq!(body.len(), 4096);
        assert_eq!(phone.decrypt(&body).unwrap(), longest);
        assert_eq!(subscription.encrypt(&[longest, vec![7]].concat(), &randomness), Err(Refusal::TooLarge));
        let broken = Subscription { auth: "short".into(), ..subscription };
        assert_eq!(broken.encrypt(b"halt", &randomness), Err(Refusal::Malformed("push subscription")));
    }
}
