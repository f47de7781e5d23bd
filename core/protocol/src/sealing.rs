//! Sealed messages: what a push carries (HPKE, RFC 9180, base mode), one size for all.
//!
//! From outside, a challenge and any later kind of message are the same number of bytes without a name in them.

pub mod stream;

use crate::handle::{EnrolmentId, PushId};
use crate::key::Thumbprint;
use crate::randomness::{HpkeRandomness, Randomness};
use crate::refusal::Refusal;
use data_encoding::BASE64URL_NOPAD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Bytes of every plaintext, padding included.
pub const PLAINTEXT_LENGTH: usize = 2560;
/// Bytes of a sealed message: encapsulated key, ciphertext, tag.
pub const SEALED_LENGTH: usize = 32 + PLAINTEXT_LENGTH + 16;
/// The longest envelope that is read, in bytes.
pub const MAX_ENVELOPE_LENGTH: usize = 4096;
/// The version that the envelope and the HPKE `info` name.
const VERSION: u8 = 1;
/// Bytes of the length that stands before the message.
const LENGTH_PREFIX: usize = 2;

/// An X25519 private key that opens what is sealed to this device. In software, since a notification must open without
/// the person.
pub struct SealingKey {
    private: <X25519HkdfSha256 as Kem>::PrivateKey,
    public: SealingPublicKey,
}

/// The public half of a [`SealingKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SealingPublicKey([u8; 32]);

impl SealingPublicKey {
    /// The key of these bytes (RFC 7748, section 5).
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for SealingPublicKey {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Refusal::Malformed("sealing key"))?;
        Ok(Self(bytes.try_into().map_err(|_| Refusal::Malformed("sealing key"))?))
    }
}

impl From<SealingPublicKey> for String {
    fn from(key: SealingPublicKey) -> Self {
        BASE64URL_NOPAD.encode(&key.0)
    }
}

impl SealingKey {
    /// A fresh key.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        let seed = Zeroizing::new(randomness.bytes::<32>());
        let (private, public) = X25519HkdfSha256::derive_keypair(seed.as_ref());
        Self { private, public: SealingPublicKey(public.to_bytes().into()) }
    }

    /// The key in these 32 bytes.
    ///
    /// # Errors
    /// `malformed` when they are not 32, or no X25519 key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        let private =
            <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(bytes).map_err(|_| Refusal::Malformed("sealing key"))?;
        let public = SealingPublicKey(X25519HkdfSha256::sk_to_pk(&private).to_bytes().into());
        Ok(Self { private, public })
    }

    /// The 32 secret bytes, to be kept sealed.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.private.to_bytes().into())
    }

    /// The public half.
    pub const fn public(&self) -> SealingPublicKey {
        self.public
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SealingKey")
    }
}

/// Which enrolment a message is sealed to: bound into the HPKE `info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedTo<'a> {
    /// The server's id.
    pub server_id: &'a Thumbprint,
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
}

impl SealedTo<'_> {
    fn info(&self) -> String {
        format!("countersign v{VERSION}\n{}\n{}", self.server_id, self.enrolment_id)
    }
}

/// A sealed message as it travels: the body of a push, or an element of a pull.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Envelope {
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1))]
    v: u8,
    id: PushId,
    #[cfg_attr(feature = "openapi", schema(min_length = 3478, max_length = 3478, pattern = "^[A-Za-z0-9_-]+$"))]
    sealed: String,
}

impl Envelope {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// `too_large` past [`MAX_ENVELOPE_LENGTH`]; `malformed` when it is not the JSON of an envelope of this version;
    /// `unknown_claim` for a member that is not known here; `wrong_size` when what is sealed does not have the one size
    /// that all have.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_ENVELOPE_LENGTH {
            return Err(Refusal::TooLarge);
        }
        let envelope: Self = crate::jws::read_json(bytes, "envelope")?;
        envelope.check()?;
        Ok(envelope)
    }

    fn check(&self) -> Result<Vec<u8>, Refusal> {
        if self.v != VERSION {
            return Err(Refusal::Malformed("envelope version"));
        }
        let sealed = BASE64URL_NOPAD.decode(self.sealed.as_bytes()).map_err(|_| Refusal::Malformed("envelope"))?;
        if sealed.len() == SEALED_LENGTH { Ok(sealed) } else { Err(Refusal::WrongSize) }
    }

    /// The JSON form.
    pub fn to_json(&self) -> String {
        format!(r#"{{"v":{},"id":"{}","sealed":"{}"}}"#, self.v, self.id, self.sealed)
    }

    /// The id of this sealing; fresh each time.
    pub const fn push_id(&self) -> PushId {
        self.id
    }

    /// Opens the message with a key, if it was sealed to it and to this enrolment.
    ///
    /// # Errors
    /// `cannot_open` when it was sealed to another key or enrolment, or was changed; `wrong_size` and `malformed` when
    /// the envelope or what is in it does not have its form.
    pub fn open(&self, key: &SealingKey, to: SealedTo<'_>) -> Result<String, Refusal> {
        let sealed = self.check()?;
        let (encapsulated, ciphertext) = sealed.split_at(32);
        let encapsulated =
            <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| Refusal::CannotOpen)?;
        let plaintext = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &key.private,
            &encapsulated,
            to.info().as_bytes(),
            ciphertext,
            self.id.to_string().as_bytes(),
        )
        .map_err(|_| Refusal::CannotOpen)?;
        unpad(&plaintext)
    }
}

/// Seals `message` to a device.
///
/// # Errors
/// `too_large` when the message leaves no room for its length; `malformed` when `key` is not a usable X25519 key.
pub fn seal(
    message: &str,
    key: &SealingPublicKey,
    to: SealedTo<'_>,
    randomness: &dyn Randomness,
) -> Result<Envelope, Refusal> {
    let id = PushId::random(randomness);
    let plaintext = pad(message)?;
    let recipient =
        <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&key.0).map_err(|_| Refusal::Malformed("sealing key"))?;
    let (encapsulated, ciphertext) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        to.info().as_bytes(),
        &plaintext,
        id.to_string().as_bytes(),
        &mut HpkeRandomness(randomness),
    )
    .map_err(|_| Refusal::Malformed("sealing key"))?;
    let mut sealed = encapsulated.to_bytes().to_vec();
    sealed.extend_from_slice(&ciphertext);
    Ok(Envelope { v: VERSION, id, sealed: BASE64URL_NOPAD.encode(&sealed) })
}

/// Length (two bytes, big-endian), message, zeros.
fn pad(message: &str) -> Result<Vec<u8>, Refusal> {
    let length = u16::try_from(message.len()).map_err(|_| Refusal::TooLarge)?;
    if message.len() > PLAINTEXT_LENGTH - LENGTH_PREFIX {
        return Err(Refusal::TooLarge);
    }
    let mut plaintext = Vec::with_capacity(PLAINTEXT_LENGTH);
    plaintext.extend_from_slice(&length.to_be_bytes());
    plaintext.extend_from_slice(message.as_bytes());
    plaintext.resize(PLAINTEXT_LENGTH, 0);
    Ok(plaintext)
}

fn unpad(plaintext: &[u8]) -> Result<String, Refusal> {
    if plaintext.len() != PLAINTEXT_LENGTH {
        return Err(Refusal::WrongSize);
    }
    let (length, rest) = plaintext.split_at(LENGTH_PREFIX);
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if length > rest.len() {
        return Err(Refusal::Malformed("padding"));
    }
    let (message, padding) = rest.split_at(length);
    if padding.iter().any(|&byte| byte != 0) {
        return Err(Refusal::Malformed("padding"));
    }
    String::from_utf8(message.to_vec()).map_err(|_| Refusal::Malformed("not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::randomness::SystemRandomness;

    fn server() -> Thumbprint {
        crate::key::sha256_text(b"server").try_into().unwrap()
    }

    #[test]
    fn opens_only_for_the_key_and_the_enrolment_it_was_sealed_to() {
        let randomness = SystemRandomness::new();
        let (key, other) = (SealingKey::generate(&randomness), SealingKey::generate(&randomness));
        let (server_id, enrolment_id) = (server(), EnrolmentId::random(&randomness));
        let to = SealedTo { server_id: &server_id, enrolment_id };
        let envelope = seal("halt", &key.public(), to, &randomness).unwrap();
        assert_eq!(envelope.open(&key, to).unwrap(), "halt");

        assert_eq!(envelope.open(&other, to), Err(Refusal::CannotOpen));
        let elsewhere: Thumbprint = crate::key::sha256_text(b"elsewhere").try_into().unwrap();
        assert_eq!(envelope.open(&key, SealedTo { server_id: &elsewhere, enrolment_id }), Err(Refusal::CannotOpen));
        let foreign = SealedTo { server_id: &server_id, enrolment_id: EnrolmentId::random(&randomness) };
        assert_eq!(envelope.open(&key, foreign), Err(Refusal::CannotOpen));
        let renamed = Envelope { id: PushId::random(&randomness), ..envelope.clone() };
        assert_eq!(renamed.open(&key, to), Err(Refusal::CannotOpen));

        let restored = SealingKey::from_bytes(key.to_bytes().as_ref()).unwrap();
        assert_eq!(restored.public(), key.public());
        assert_eq!(envelope.open(&restored, to).unwrap(), "halt");
    }

    #[test]
    fn every_message_has_the_same_size_and_none_is_cut() {
        let randomness = SystemRandomness::new();
        let key = SealingKey::generate(&randomness);
        let server_id = server();
        let to = SealedTo { server_id: &server_id, enrolment_id: EnrolmentId::random(&randomness) };
        let longest = "x".repeat(PLAINTEXT_LENGTH - LENGTH_PREFIX);
        let short = seal("", &key.public(), to, &randomness).unwrap();
        let long = seal(&longest, &key.public(), to, &randomness).unwrap();
        assert_eq!(short.to_json().len(), long.to_json().len());
        assert!(long.to_json().len() < 3600, "room is left for what the push networks add");
        assert_eq!(long.open(&key, to).unwrap(), longest);
        assert_eq!(seal(&format!("{longest}x"), &key.public(), to, &randomness), Err(Refusal::TooLarge));
    }

    #[test]
    fn padding_is_checked() {
        let mut plaintext = pad("halt").unwrap();
        assert_eq!(unpad(&plaintext).unwrap(), "halt");
        plaintext[100] = 1;
        assert_eq!(unpad(&plaintext), Err(Refusal::Malformed("padding")));
        plaintext[100] = 0;
        plaintext[..2].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(unpad(&plaintext), Err(Refusal::Malformed("padding")));
        plaintext[..4].copy_from_slice(&[0, 2, 0xff, 0xfe]);
        plaintext[4..6].copy_from_slice(&[0, 0]);
        assert_eq!(unpad(&plaintext), Err(Refusal::Malformed("not UTF-8")));
        assert_eq!(unpad(&plaintext[1..]), Err(Refusal::WrongSize));
    }

    #[test]
    fn an_envelope_of_another_form_is_refused() {
        let randomness = SystemRandomness::new();
        let key = SealingKey::generate(&randomness);
        let server_id = server();
        let to = SealedTo { server_id: &server_id, enrolment_id: EnrolmentId::random(&randomness) };
        let good = seal("halt", &key.public(), to, &randomness).unwrap().to_json();
        assert!(Envelope::from_json(good.as_bytes()).is_ok());
        let refused = |text: String| Envelope::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(refused(good.replace("\"v\":1", "\"v\":2")), Refusal::Malformed("envelope version"));
        assert_eq!(refused(good.replace("\"v\":1", "\"v\":1,\"name\":\"Maya\"")), Refusal::UnknownClaim);
        assert_eq!(refused(good.replace("\"v\":1", "\"v\":1,\"v\":1")), Refusal::Malformed("envelope"));
        assert_eq!(refused(good.replace("\"sealed\":\"", "\"sealed\":\"AAAA")), Refusal::WrongSize);
        assert_eq!(refused(good[..good.len() - 1].to_owned()), Refusal::Malformed("envelope"));
        assert_eq!(refused(" ".repeat(MAX_ENVELOPE_LENGTH + 1)), Refusal::TooLarge);
        let mut bytes = good.into_bytes();
        bytes[30] = 0xff;
        assert_eq!(Envelope::from_json(&bytes), Err(Refusal::Malformed("envelope")));
    }
}
