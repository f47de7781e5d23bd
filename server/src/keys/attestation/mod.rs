//! Android's key attestation: what a phone's hardware says of an approval key, believed or not.
//!
//! Pure functions over bytes and a time. The certificates come from a stranger, so nothing in them is believed before
//! the chain up to a trusted root is, and what is read is read strictly: certificates as X.509, the description inside
//! as DER. Described at <https://source.android.com/docs/security/features/keystore/attestation>.

mod chain;
mod description;
mod revocation;
mod roots;

pub use revocation::RevocationList;
pub use roots::Roots;

use crate::domain::attestation::{Attested, BootState, Doubt, SecurityLevel};
use countersign_protocol::attestation::CertificateChain;
use countersign_protocol::key::PublicKey;
use countersign_protocol::time::Timestamp;
use description::{AuthorizationList, KeyDescription, ROOT_OF_TRUST_SELF_SIGNED, ROOT_OF_TRUST_VERIFIED, RootOfTrust};

/// Keymaster's numbers: `hardware/interfaces/security/keymint` in Android's sources.
const PURPOSE_SIGN: u64 = 2;
const PURPOSE_VERIFY: u64 = 3;
const ALGORITHM_EC: u64 = 3;
const CURVE_P256: u64 = 1;
const ORIGIN_GENERATED: u64 = 0;

/// What is trusted, and what is asked of a phone beside it.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The roots.
    pub roots: Roots,
    /// What the makers have withdrawn.
    pub revoked: RevocationList,
    /// The names of the apps that may hold the key; any, when there are none.
    pub packages: Vec<String>,
    /// SHA-256 of the certificates with which those apps are signed; any, when there are none.
    pub signatures: Vec<[u8; 32]>,
    /// The keys (as Android names them: the verified boot key's SHA-256) of systems that are not the phone's maker's
    /// and are taken all the same.
    pub boot_keys: Vec<[u8; 32]>,
}

/// What an attestation has to be about.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The key that the device is enrolled with.
    pub key: &'a PublicKey,
    /// The challenge of this enrolment.
    pub challenge: &'a [u8],
    /// The present.
    pub now: Timestamp,
}

impl Trust {
    /// Reads and verifies a chain.
    ///
    /// # Errors
    /// The first [`Doubt`] that there is.
    pub fn verify(&self, chain: &CertificateChain, expected: &Expected<'_>) -> Result<Attested, Doubt> {
        let certificates = chain::parse(chain)?;
        let described = chain::description(&certificates)?;
        chain::verify(&certificates, &self.roots, &self.revoked, expected.now)?;
        let leaf = &certificates[0];
        if chain::p256_point(leaf.public_key()) != Some(&expected.key.as_uncompressed()[..]) {
            return Err(Doubt::OtherKey);
        }
        let description = KeyDescription::parse(described)?;
        self.judge(&description, expected.challenge)
    }

    fn judge(&self, description: &KeyDescription<'_>, challenge: &[u8]) -> Result<Attested, Doubt> {
        if description.challenge != challenge {
            return Err(Doubt::OtherChallenge);
        }
        // Two parts of the phone have a level each: what vouches and what keeps the key. The lower one counts.
        let level = match description.attestation_level.min(description.keymint_level) {
            2 => SecurityLevel::StrongBox,
            1 => SecurityLevel::TrustedEnvironment,
            _ => return Err(Doubt::Software),
        };
        // From here on only what the hardware itself enforces counts. The other list is the system's word.
        let (hardware, software) = (&description.hardware, &description.software);
        if !signs_and_nothing_else(hardware, software) {
            return Err(Doubt::OtherUse);
        }
        if hardware.origin != Some(ORIGIN_GENERATED) {
            return Err(Doubt::Imported);
        }
        let boot = self.boot(hardware.root_of_trust.as_ref()).ok_or(Doubt::UnverifiedBoot)?;
        if !self.is_known_application(software) {
            return Err(Doubt::OtherApplication);
        }
        Ok(Attested { level, gated: is_gated(hardware, software), boot })
    }

    fn boot(&self, root: Option<&RootOfTrust<'_>>) -> Option<BootState> {
        let root = root.filter(|root| root.device_locked)?;
        match root.verified_boot_state {
            ROOT_OF_TRUST_VERIFIED => Some(BootState::Verified),
            ROOT_OF_TRUST_SELF_SIGNED if self.boot_keys.iter().any(|key| key == root.verified_boot_key) => {
                Some(BootState::SelfSigned)
            }
            _ => None,
        }
    }

    /// Whether every name and every signature of the app is known here, as far as the operator has named any. All must
    /// be: apps that share one identity share the key.
    fn is_known_application(&self, software: &AuthorizationList<'_>) -> bool {
        if self.packages.is_empty() && self.signatures.is_empty() {
            return true;
        }
        let Some(application) = &software.application else { return false };
        let named = |name: &&[u8]| self.packages.iter().any(|known| known.as_bytes() == *name);
        let signed = |digest: &&[u8]| self.signatures.iter().any(|known| known == *digest);
        let all_named = !application.packages.is_empty() && application.packages.iter().all(named);
        let all_signed = !application.signatures.is_empty() && application.signatures.iter().all(signed);
        (self.packages.is_empty() || all_named) && (self.signatures.is_empty() || all_signed)
    }
}

/// Whether the key is one of P-256 that signs, belongs to one app, and is of use for nothing else. One that may attest
/// keys itself could vouch for what nobody looked at.
fn signs_and_nothing_else(hardware: &AuthorizationList<'_>, software: &AuthorizationList<'_>) -> bool {
    let curve = match (hardware.ec_curve, hardware.key_size) {
        (Some(curve), size) => curve == CURVE_P256 && size.is_none_or(|size| size == 256),
        // The first phones that could attest named the size alone.
        (None, size) => size == Some(256),
    };
    let purposes = &hardware.purposes;
    let signs = purposes.contains(&PURPOSE_SIGN)
        && purposes.iter().all(|purpose| matches!(*purpose, PURPOSE_SIGN | PURPOSE_VERIFY))
        && software.purposes.is_empty();
    hardware.algorithm == Some(ALGORITHM_EC)
        && curve
        && signs
        && !hardware.all_applications
        && !software.all_applications
}

/// Whether the hardware asks the person for each signature. A time after which it asks again would let an app sign as
/// often as it likes within it.
fn is_gated(hardware: &AuthorizationList<'_>, software: &AuthorizationList<'_>) -> bool {
    let each_time = |list: &AuthorizationList<'_>| !list.no_auth_required && list.auth_timeout.unwrap_or(0) == 0;
    hardware.user_auth_type.unwrap_or(0) != 0 && each_time(hardware) && each_time(software)
}
