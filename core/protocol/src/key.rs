//! P-256 keys: the public form (RFC 7517, RFC 7638), and the software form of a device's private key.

use crate::randomness::SystemRandomness;
use crate::refusal::Refusal;
use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}

/// SHA-256 of `bytes`, as 43 characters of base64url.
pub fn sha256_text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(&sha256(bytes))
}

/// The SHA-256 thumbprint of a public key (RFC 7638), as 43 characters of base64url. It is the `kid` of that key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Thumbprint(String);

impl Thumbprint {
    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Thumbprint {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        match BASE64URL_NOPAD.decode(text.as_bytes()) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text)),
            _ => Err(Refusal::Malformed("thumbprint")),
        }
    }
}

impl From<Thumbprint> for String {
    fn from(thumbprint: Thumbprint) -> Self {
        thumbprint.0
    }
}

impl std::str::FromStr for Thumbprint {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        text.to_owned().try_into()
    }
}

impl std::fmt::Display for Thumbprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::fmt::Debug for Thumbprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A P-256 public key in uncompressed form (SEC 1, section 2.3.3): `04`, x, y.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Jwk", into = "Jwk")]
pub struct PublicKey([u8; 65]);

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for PublicKey {}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for PublicKey {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        crate::schema::public_key()
    }
}

/// The JWK form of a P-256 public key (RFC 7518, section 6.2), required members only.
#[derive(Serialize, Deserialize)]
struct Jwk {
    crv: String,
    kty: String,
    x: String,
    y: String,
}

impl PublicKey {
    /// The key in these bytes.
    ///
    /// # Errors
    /// `malformed` when they are not 65, or do not name a point on the curve.
    pub fn from_uncompressed(bytes: &[u8]) -> Result<Self, Refusal> {
        let point: [u8; 65] = bytes.try_into().map_err(|_| Refusal::Malformed("public key"))?;
        p256::PublicKey::from_sec1_bytes(&point).map_err(|_| Refusal::Malformed("public key"))?;
        Ok(Self(point))
    }

    /// The 65 bytes of the uncompressed form.
    pub const fn as_uncompressed(&self) -> &[u8; 65] {
        &self.0
    }

    /// The thumbprint of RFC 7638: SHA-256 over the required members in lexicographic order.
    pub fn thumbprint(&self) -> Thumbprint {
        let Jwk { crv, kty, x, y } = (*self).into();
        let canonical = format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}"#);
        Thumbprint(sha256_text(canonical.as_bytes()))
    }

    /// Checks an ES256 signature: r and s, 32 bytes each (RFC 7518, section 3.4).
    ///
    /// # Errors
    /// `bad_signature` when it does not fit the message, or is not 64 bytes.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.0)
            .verify(message, signature)
            .map_err(|_| Refusal::BadSignature)
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PublicKey({})", self.thumbprint())
    }
}

impl From<PublicKey> for Jwk {
    fn from(key: PublicKey) -> Self {
        Self {
            crv: "P-256".into(),
            kty: "EC".into(),
            x: BASE64URL_NOPAD.encode(&key.0[1..33]),
            y: BASE64URL_NOPAD.encode(&key.0[33..]),
        }
    }
}

impl TryFrom<Jwk> for PublicKey {
    type Error = Refusal;
    fn try_from(jwk: Jwk) -> Result<Self, Refusal> {
        if jwk.kty != "EC" || jwk.crv != "P-256" {
            return Err(Refusal::Malformed("public key"));
        }
        let mut point = vec![4];
        for coordinate in [&jwk.x, &jwk.y] {
            let bytes = BASE64URL_NOPAD.decode(coordinate.as_bytes()).map_err(|_| Refusal::Malformed("public key"))?;
            if bytes.len() != 32 {
                return Err(Refusal::Malformed("public key"));
            }
            point.extend_from_slice(&bytes);
        }
        Self::from_uncompressed(&point)
    }
}

/// Why a key did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The person did not confirm, or not in time. Nothing is lost: ask again.
    #[error("the person did not confirm the use of the key")]
    NotConfirmed,
    /// The platform has destroyed the key, for example after a change of fingerprints. Only a new enrolment helps.
    #[error("the key no longer exists on this device")]
    Invalidated,
    /// The vault is locked or broken. Trying again later may help.
    #[error("the key cannot be used now")]
    Unavailable,
}

/// A private P-256 key that signs and cannot be read.
///
/// On a phone it lives in the Secure Enclave, StrongBox or TEE; elsewhere it is [`SoftwareKey`].
#[async_trait]
pub trait DeviceKey: Send + Sync {
    /// Its public half. It is kept beside the key, so that this neither waits nor fails.
    fn public_key(&self) -> PublicKey;

    /// Signs with ES256: r and s, 32 bytes each, over SHA-256 of `message`. It may ask the person, and waits for them
    /// without blocking the thread that polls. One key may be signing for several calls at once.
    ///
    /// # Errors
    /// [`KeyError::NotConfirmed`] when the person was asked and did not agree, or not in time;
    /// [`KeyError::Invalidated`] when the platform has destroyed the key; [`KeyError::Unavailable`] when it cannot be
    /// used now.
    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError>;

    /// True when the platform asks the person (biometric or PIN) for each signature. It is signed with every decision
    /// as "user verified", and neither waits nor fails.
    fn asks_person(&self) -> bool {
        false
    }

    /// What the platform says of this key: a chain of certificates (X.509, DER), the key's own first and the root last.
    /// Empty where there is none, as for a key in software. It carries the challenge with which the key was made, and
    /// is asked for once, at the enrolment.
    fn attestation(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

/// A private key in this process's memory.
pub struct SoftwareKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
    randomness: SystemRandomness,
}

impl SoftwareKey {
    /// A fresh key and its PKCS#8 form, to be kept sealed.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] when the system gives no randomness.
    pub fn generate() -> Result<(Self, Zeroizing<Vec<u8>>), KeyError> {
        let randomness = SystemRandomness::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, randomness.ring())
            .map_err(|_| KeyError::Unavailable)?;
        let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
        Ok((Self::from_pkcs8(&pkcs8)?, pkcs8))
    }

    /// The key in a PKCS#8 document that [`SoftwareKey::generate`] made.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] when the document is damaged.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let randomness = SystemRandomness::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, randomness.ring())
            .map_err(|_| KeyError::Unavailable)?;
        let public = PublicKey::from_uncompressed(pair.public_key().as_ref()).map_err(|_| KeyError::Unavailable)?;
        Ok(Self { pair, public, randomness })
    }

    /// Its public half.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs at once; software asks nobody.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] when the system gives no randomness.
    pub fn sign_now(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        let signature = self.pair.sign(self.randomness.ring(), message).map_err(|_| KeyError::Unavailable)?;
        signature.as_ref().try_into().map_err(|_| KeyError::Unavailable)
    }
}

#[async_trait]
impl DeviceKey for SoftwareKey {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        self.sign_now(message)
    }
}

impl std::fmt::Debug for SoftwareKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "SoftwareKey({})", self.public.thumbprint())
    }
}
