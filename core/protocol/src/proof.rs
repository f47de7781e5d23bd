//! The request proof: a device's signature over one request, after DPoP (RFC 9449).
//!
//! Both sides are here. [`sign`] is the device's; [`check`] is the server's. The server checks the nonce and remembers
//! the `jti` by itself, since only it can.

use crate::challenge::CLOCK_TOLERANCE;
use crate::jws::{self, Claims, Unverified};
use crate::key::{DeviceKey, KeyError, PublicKey, Thumbprint, sha256_text};
use crate::randomness::Randomness;
use crate::refusal::Refusal;
use crate::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The header that carries a proof.
pub const PROOF_HEADER: &str = "countersign-proof";
/// The header that carries the nonce for the next proof.
pub const NONCE_HEADER: &str = "countersign-nonce";
/// How old a proof may be, and how long a nonce serves.
pub const PROOF_LIFETIME: Duration = Duration::from_secs(300);

/// The claims of a request proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The HTTP method, in capitals.
    pub htm: String,
    /// Path and query, relative to the server's address. Without host and prefix, which a proxy may change; the nonce
    /// binds the server.
    pub htu: String,
    /// When it was signed, in seconds of the server's time.
    pub iat: i64,
    /// 128 random bits; accepted once.
    pub jti: String,
    /// The server's latest nonce; empty when the device has none yet.
    pub nonce: String,
    /// SHA-256 of the body, in base64url; of nothing when there is none.
    pub body_sha256: String,
}

impl Claims for Proof {
    const TYPE: &'static str = "countersign-proof+jws";
}

/// The request that a proof is about.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The HTTP method, in capitals.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The body; empty when there is none.
    pub body: &'a [u8],
}

/// A fresh `jti`: 128 random bits.
pub fn new_jti(randomness: &dyn Randomness) -> String {
    BASE64URL_NOPAD.encode(&randomness.bytes::<16>())
}

/// The device's side: signs a proof for one request, with a `jti` that serves for it alone.
///
/// # Errors
/// Those of [`DeviceKey::sign`].
pub async fn sign(
    request: Request<'_>,
    jti: &str,
    nonce: &str,
    key: &dyn DeviceKey,
    now: Timestamp,
) -> Result<String, KeyError> {
    let proof = Proof {
        htm: request.method.to_owned(),
        htu: request.target.to_owned(),
        iat: now.seconds(),
        jti: jti.to_owned(),
        nonce: nonce.to_owned(),
        body_sha256: sha256_text(request.body),
    };
    jws::sign(&proof, key).await
}

/// The key that a proof says it is signed with; to be looked up among the request keys.
///
/// # Errors
/// Those of [`Unverified::parse`].
pub fn key_id(compact: &str) -> Result<Thumbprint, Refusal> {
    Ok(Unverified::parse::<Proof>(compact)?.key_id().clone())
}

/// The server's side: checks that `key` signed this very request, now.
///
/// # Errors
/// `unknown_key` when another key signed; `bad_signature` when the signature does not fit, and for the proof of another
/// request; `future_time` when it is dated later than `now` by more than [`CLOCK_TOLERANCE`], `stale_time` when it is
/// older than [`PROOF_LIFETIME`]; `malformed` for a `jti` that is not 16 bytes; and everything else that
/// [`jws::verify`] refuses.
pub fn check(compact: &str, request: Request<'_>, key: &PublicKey, now: Timestamp) -> Result<Proof, Refusal> {
    let proof: Proof = jws::verify(compact, key)?;
    if proof.htm != request.method || proof.htu != request.target || proof.body_sha256 != sha256_text(request.body) {
        return Err(Refusal::BadSignature);
    }
    if BASE64URL_NOPAD.decode(proof.jti.as_bytes()).map_or(0, |bytes| bytes.len()) != 16 {
        return Err(Refusal::Malformed("jti"));
    }
    let signed_at = Timestamp::from_seconds(proof.iat);
    if signed_at > now + CLOCK_TOLERANCE {
        return Err(Refusal::FutureTime);
    }
    if signed_at < now - PROOF_LIFETIME {
        return Err(Refusal::StaleTime);
    }
    Ok(proof)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SoftwareKey;
    use crate::randomness::SystemRandomness;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[tokio::test]
    async fn one_changed_part_of_the_request_is_refused() {
        let (key, _) = SoftwareKey::generate().unwrap();
        let (other, _) = SoftwareKey::generate().unwrap();
        let request = Request { method: "PUT", target: "/v1/device/push?a=1", body: b"{}" };
        let proof = sign(request, &new_jti(&SystemRandomness::new()), "nonce", &key, NOW).await.unwrap();
        let checked = |request: Request<'_>, now| check(&proof, request, &key.public(), now);
        assert_eq!(checked(request, NOW).unwrap().nonce, "nonce");
        assert_eq!(key_id(&proof).unwrap(), key.public().thumbprint());
        assert_eq!(checked(Request { method: "POST", ..request }, NOW), Err(Refusal::BadSignature));
        assert_eq!(checked(Request { target: "/v1/device/push?a=2", ..request }, NOW), Err(Refusal::BadSignature));
        assert_eq!(checked(Request { body: b"{} ", ..request }, NOW), Err(Refusal::BadSignature));
        assert_eq!(checked(request, NOW - Duration::from_secs(61)), Err(Refusal::FutureTime));
        assert_eq!(checked(request, NOW + Duration::from_secs(301)), Err(Refusal::StaleTime));
        assert_eq!(check(&proof, request, &other.public(), NOW), Err(Refusal::UnknownKey));
    }
}
