//! Who the server is: an offline root that certifies an online signing key, and time that the server signs.

use crate::jws::{self, Claims};
use crate::key::{KeyError, PublicKey, SoftwareKey, Thumbprint};
use crate::refusal::Refusal;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long an answer to a nonce may take and still teach the time.
pub const MAX_TIME_ROUND_TRIP: Duration = Duration::from_secs(5);

/// The claims of a certificate: the root says which key signs from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The server's id: the thumbprint of the root that signs this.
    pub iss: Thumbprint,
    /// The key that signs challenges.
    pub signing_key: PublicKey,
    /// Grows with each certificate; a phone refuses a lower one than it has seen.
    pub sequence: u64,
    /// When it was made, in seconds.
    pub iat: i64,
    /// When it ends, in seconds.
    pub exp: i64,
}

impl Claims for Certificate {
    const TYPE: &'static str = "countersign-certificate+jws";
}

/// The claims of a signed time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTime {
    /// The server's id.
    pub iss: Thumbprint,
    /// The nonce of who asked.
    pub nonce: String,
    /// The server's time, in milliseconds.
    pub time_ms: i64,
}

impl Claims for SignedTime {
    const TYPE: &'static str = "countersign-time+jws";
}

/// What `/.well-known/countersign` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WellKnown {
    /// The thumbprint of the root.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::Digest))]
    pub server_id: Thumbprint,
    /// The root's public key.
    pub root: PublicKey,
    /// A certificate, signed by the root.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::CompactJws))]
    pub certificate: String,
    /// The time, signed for the caller's nonce; absent when it sent none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::schema::CompactJws>, nullable = false))]
    pub time: Option<String>,
    /// The VAPID public key (RFC 8292) for Web Push subscriptions, in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::schema::Point>, nullable = false))]
    pub webpush_public_key: Option<String>,
    /// Signs the events that relying parties are told; its thumbprint is their `kid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_key: Option<PublicKey>,
    /// The kinds of attestation that this server reads at a redemption, such as [`attestation::ANDROID`]; empty where
    /// it wants none.
    ///
    /// [`attestation::ANDROID`]: crate::attestation::ANDROID
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 8))]
    pub attestation: Vec<String>,
}

/// What a device keeps of a server, once it has been checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedServer {
    /// The thumbprint of the root.
    pub server_id: Thumbprint,
    /// The root.
    pub root: PublicKey,
    /// The certified signing key.
    pub signing_key: PublicKey,
    /// The sequence of its certificate.
    pub sequence: u64,
    /// When its certificate ends, in seconds.
    pub certificate_exp: i64,
}

impl PinnedServer {
    /// The key that signs for this server, while its certificate lasts.
    ///
    /// # Errors
    /// `old_certificate` once it has ended; the device then asks the server for its present one.
    pub fn signing_key_at(&self, now: Timestamp) -> Result<&PublicKey, Refusal> {
        if Timestamp::from_seconds(self.certificate_exp) <= now {
            return Err(Refusal::OldCertificate);
        }
        Ok(&self.signing_key)
    }
}

/// The server's side: certifies `signing_key`.
///
/// # Errors
/// [`KeyError::Unavailable`] when the system gives no randomness.
pub fn certify(
    root: &SoftwareKey,
    signing_key: PublicKey,
    sequence: u64,
    from: Timestamp,
    lifetime: Duration,
) -> Result<String, KeyError> {
    let certificate = Certificate {
        iss: root.public().thumbprint(),
        signing_key,
        sequence,
        iat: from.seconds(),
        exp: (from + lifetime).seconds_up(),
    };
    jws::sign_now(&certificate, root)
}

/// Checks a certificate against a root.
///
/// # Errors
/// `unknown_key` and `bad_signature` when `root` did not sign it; `wrong_server` when it names another server;
/// `expired` when it has ended by `now`; and everything else that [`jws::verify`] refuses.
pub fn check_certificate(compact: &str, root: &PublicKey, now: Timestamp) -> Result<Certificate, Refusal> {
    let certificate: Certificate = jws::verify(compact, root)?;
    if certificate.iss != root.thumbprint() {
        return Err(Refusal::WrongServer);
    }
    if Timestamp::from_seconds(certificate.exp) <= now {
        return Err(Refusal::Expired);
    }
    Ok(certificate)
}

impl WellKnown {
    /// The device's side: believes this document only if its root is the one with this fingerprint, and its certificate
    /// no older than `lowest_sequence`.
    ///
    /// # Errors
    /// `wrong_server` when the root is not that one; `old_certificate` when its sequence is lower; and those of
    /// [`check_certificate`].
    pub fn pin(&self, fingerprint: &Thumbprint, lowest_sequence: u64, now: Timestamp) -> Result<PinnedServer, Refusal> {
        if self.root.thumbprint() != *fingerprint || self.server_id != *fingerprint {
            return Err(Refusal::WrongServer);
        }
        let certificate = check_certificate(&self.certificate, &self.root, now)?;
        if certificate.sequence < lowest_sequence {
            return Err(Refusal::OldCertificate);
        }
        Ok(PinnedServer {
            server_id: self.server_id.clone(),
            root: self.root,
            signing_key: certificate.signing_key,
            sequence: certificate.sequence,
            certificate_exp: certificate.exp,
        })
    }
}

/// Learns how far the server's clock is ahead of this one, in milliseconds, from its signed answer to `nonce`.
///
/// # Errors
/// `stale_time` when the answer took longer than [`MAX_TIME_ROUND_TRIP`], answers another nonce, or came before it was
/// asked for; `wrong_server` when it names another server; and everything that [`jws::verify`] refuses.
pub fn learn_offset(
    compact: &str,
    server: &PinnedServer,
    nonce: &str,
    asked_at: Timestamp,
    answered_at: Timestamp,
) -> Result<i64, Refusal> {
    let time: SignedTime = jws::verify(compact, &server.signing_key)?;
    if time.iss != server.server_id {
        return Err(Refusal::WrongServer);
    }
    if time.nonce != nonce || answered_at < asked_at || asked_at.until(answered_at) > MAX_TIME_ROUND_TRIP {
        return Err(Refusal::StaleTime);
    }
    let middle = asked_at.millis().midpoint(answered_at.millis());
    Ok(time.time_ms.saturating_sub(middle))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

    fn document(root: &SoftwareKey, signing: &SoftwareKey, sequence: u64) -> WellKnown {
        WellKnown {
            server_id: root.public().thumbprint(),
            root: root.public(),
            certificate: certify(root, signing.public(), sequence, NOW, YEAR).unwrap(),
            time: None,
            webpush_public_key: None,
            webhook_key: None,
            attestation: Vec::new(),
        }
    }

    #[test]
    fn only_the_pinned_root_and_no_lower_sequence_is_believed() {
        let (root, _) = SoftwareKey::generate().unwrap();
        let (signing, _) = SoftwareKey::generate().unwrap();
        let (thief, _) = SoftwareKey::generate().unwrap();
        let fingerprint = root.public().thumbprint();
        let good = document(&root, &signing, 3);
        let pinned = good.pin(&fingerprint, 3, NOW).unwrap();
        assert_eq!(pinned.signing_key_at(NOW), Ok(&signing.public()));
        assert_eq!(pinned.signing_key_at(NOW + YEAR), Err(Refusal::OldCertificate));
        assert_eq!(good.pin(&fingerprint, 4, NOW), Err(Refusal::OldCertificate));
        assert_eq!(good.pin(&fingerprint, 0, NOW + YEAR), Err(Refusal::Expired));
        assert_eq!(document(&thief, &signing, 3).pin(&fingerprint, 0, NOW), Err(Refusal::WrongServer));
        let mixed = WellKnown { certificate: document(&thief, &signing, 3).certificate, ..good };
        assert_eq!(mixed.pin(&fingerprint, 0, NOW), Err(Refusal::UnknownKey));
    }

    #[test]
    fn time_is_learned_only_from_a_prompt_answer_to_ones_own_nonce() {
        let (root, _) = SoftwareKey::generate().unwrap();
        let (signing, _) = SoftwareKey::generate().unwrap();
        let server = document(&root, &signing, 1).pin(&root.public().thumbprint(), 0, NOW).unwrap();
        let eleven_minutes = 11 * 60 * 1000;
        let said =
            SignedTime { iss: server.server_id.clone(), nonce: "mine".into(), time_ms: NOW.millis() + eleven_minutes };
        let signed = jws::sign_now(&said, &signing).unwrap();
        let learned = |nonce, from: Timestamp, to: Timestamp| learn_offset(&signed, &server, nonce, from, to);
        let second = Duration::from_secs(1);
        assert_eq!(learned("mine", NOW - second, NOW + second), Ok(eleven_minutes));
        assert_eq!(learned("another", NOW, NOW), Err(Refusal::StaleTime));
        assert_eq!(learned("mine", NOW, NOW + second * 6), Err(Refusal::StaleTime));
        assert_eq!(learned("mine", NOW + second, NOW), Err(Refusal::StaleTime));
        let forged = jws::sign_now(&said, &root).unwrap();
        assert_eq!(learn_offset(&forged, &server, "mine", NOW, NOW), Err(Refusal::UnknownKey));
    }
}
