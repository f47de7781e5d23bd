//! Makes messages that our own functions refuse to make.

use countersign_protocol::handle::{EnrolmentId, PushId};
use countersign_protocol::key::{SoftwareKey, Thumbprint};
use countersign_protocol::randomness::{Randomness, SystemRandomness};
use countersign_protocol::sealing::SealingPublicKey;
use data_encoding::BASE64URL_NOPAD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeS, Serializable};
use std::convert::Infallible;

/// Replaces a text that must be there: a change that changes nothing would prove nothing.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}

/// A compact JWS, taken apart and readable.
#[derive(Clone)]
pub struct Parts {
    pub header: String,
    pub claims: String,
    pub signature: Vec<u8>,
}

impl Parts {
    pub fn of(compact: &str) -> Self {
        let mut parts = compact.split('.').map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap());
        let mut text = || String::from_utf8(parts.next().unwrap()).unwrap();
        Self { header: text(), claims: text(), signature: parts.next().unwrap() }
    }

    pub fn with_header(self, from: &str, to: &str) -> Self {
        Self { header: replaced(&self.header, from, to), ..self }
    }

    pub fn with_claims(self, from: &str, to: &str) -> Self {
        Self { claims: replaced(&self.claims, from, to), ..self }
    }

    fn signing_input(&self) -> String {
        let [header, claims] = [&self.header, &self.claims].map(|part| BASE64URL_NOPAD.encode(part.as_bytes()));
        format!("{header}.{claims}")
    }

    /// With the signature that it had, whatever has changed since.
    pub fn to_compact(&self) -> String {
        format!("{}.{}", self.signing_input(), BASE64URL_NOPAD.encode(&self.signature))
    }

    /// With a good signature by `key`, whatever the header says.
    pub fn signed_by(self, key: &SoftwareKey) -> String {
        let signature = key.sign_now(self.signing_input().as_bytes()).unwrap().to_vec();
        Self { signature, ..self }.to_compact()
    }
}

/// An ES256 signature in the form that many libraries give by default (RFC 3279, section 2.2.3), which JWS does not
/// use.
pub fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let first = number.iter().position(|&byte| byte != 0).unwrap();
        let mut digits = number[first..].to_vec();
        if digits[0] & 0x80 != 0 {
            digits.insert(0, 0);
        }
        [vec![2, u8::try_from(digits.len()).unwrap()], digits].concat()
    };
    let (r, s) = signature.split_at(32);
    let content = [integer(r), integer(s)].concat();
    [vec![0x30, u8::try_from(content.len()).unwrap()], content].concat()
}

/// The HPKE `info` of an enrolment.
pub fn info(server_id: &Thumbprint, enrolment_id: EnrolmentId) -> String {
    format!("countersign v1\n{server_id}\n{enrolment_id}")
}

/// The system's randomness in the shape that the hpke crate asks for.
struct Entropy(SystemRandomness);

impl TryRng for Entropy {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let source: &dyn Randomness = &self.0;
        Ok(u32::from_ne_bytes(source.bytes()))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let source: &dyn Randomness = &self.0;
        Ok(u64::from_ne_bytes(source.bytes()))
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Entropy {}

/// An envelope, as JSON, around exactly this plaintext.
pub fn sealed_as_it_is(plaintext: &[u8], to: &SealingPublicKey, info: &str) -> String {
    let randomness = SystemRandomness::new();
    let id = PushId::random(&randomness).to_string();
    let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(to.as_bytes()).unwrap();
    let (encapsulated, ciphertext) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        info.as_bytes(),
        plaintext,
        id.as_bytes(),
        &mut Entropy(randomness),
    )
    .unwrap();
    let sealed = [encapsulated.to_bytes().to_vec(), ciphertext].concat();
    format!(r#"{{"v":1,"id":"{id}","sealed":"{}"}}"#, BASE64URL_NOPAD.encode(&sealed))
}
