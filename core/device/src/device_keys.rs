//! An enrolment's two signing keys: made in hardware where the vault has it, in software sealed in the store elsewhere.

use crate::error::Error;
use crate::platform::Platform;
use crate::store::StoredKeys;
use crate::vault::{Opens, Purpose, at_rest_key};
use countersign_protocol::at_rest::Location;
use countersign_protocol::attestation::CertificateChain;
use countersign_protocol::key::{DeviceKey, SoftwareKey};
use data_encoding::BASE64URL_NOPAD;
use std::sync::Arc;

/// Both keys, ready to sign.
pub(crate) struct KeyPairOfDevice {
    pub request: Arc<dyn DeviceKey>,
    pub approval: Arc<dyn DeviceKey>,
}

const fn column(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Request => "request_key",
        Purpose::Approval => "approval_key",
    }
}

const fn opens(purpose: Purpose) -> Opens {
    match purpose {
        Purpose::Request => Opens::AfterFirstUnlock,
        Purpose::Approval => Opens::WhileUnlocked,
    }
}

fn hardware_name(key_name: &str, purpose: Purpose) -> String {
    format!("{key_name}.{}", column(purpose))
}

/// Makes both keys under a fresh name. Of the two, the one that says YES is attested, where a challenge says that the
/// server wants to know.
pub(crate) async fn create(
    platform: &Platform,
    attestation_challenge: Option<[u8; 32]>,
) -> Result<(KeyPairOfDevice, StoredKeys), Error> {
    let key_name = BASE64URL_NOPAD.encode(&platform.randomness.bytes::<16>());
    let (request, request_key) = create_one(platform, &key_name, Purpose::Request, None).await?;
    let (approval, approval_key) = create_one(platform, &key_name, Purpose::Approval, attestation_challenge).await?;
    Ok((KeyPairOfDevice { request, approval }, StoredKeys { key_name, request_key, approval_key }))
}

async fn create_one(
    platform: &Platform,
    key_name: &str,
    purpose: Purpose,
    challenge: Option<[u8; 32]>,
) -> Result<(Arc<dyn DeviceKey>, Option<Vec<u8>>), Error> {
    if let Some(hardware) = platform.vault.create(&hardware_name(key_name, purpose), purpose, challenge).await? {
        return Ok((hardware, None));
    }
    let (key, pkcs8) = SoftwareKey::generate()?;
    let location = Location { table: "device_key", row: key_name, column: column(purpose) };
    let sealed = at_rest_key(&*platform.vault, opens(purpose))?.seal(location, &pkcs8, &*platform.randomness);
    Ok((Arc::new(key), Some(sealed)))
}

/// The key for this purpose, as it was kept.
pub(crate) fn load(platform: &Platform, keys: &StoredKeys, purpose: Purpose) -> Result<Arc<dyn DeviceKey>, Error> {
    let sealed = match purpose {
        Purpose::Request => &keys.request_key,
        Purpose::Approval => &keys.approval_key,
    };
    let Some(sealed) = sealed else {
        return Ok(platform.vault.load(&hardware_name(&keys.key_name, purpose))?);
    };
    let location = Location { table: "device_key", row: &keys.key_name, column: column(purpose) };
    let pkcs8 = at_rest_key(&*platform.vault, opens(purpose))?.open(location, sealed)?;
    Ok(Arc::new(SoftwareKey::from_pkcs8(&pkcs8)?))
}

/// What the platform says of the approval key; none for a key in software, and where it says nothing that can be sent.
pub(crate) fn attestation(platform: &Platform, keys: &StoredKeys) -> Option<CertificateChain> {
    if keys.approval_key.is_some() {
        return None;
    }
    let key = platform.vault.load(&hardware_name(&keys.key_name, Purpose::Approval)).ok()?;
    CertificateChain::new(key.attestation())
}

/// Destroys what lies in hardware; what lies in the store goes with its row.
pub(crate) fn destroy(platform: &Platform, keys: &StoredKeys) {
    for purpose in [Purpose::Request, Purpose::Approval] {
        platform.vault.destroy(&hardware_name(&keys.key_name, purpose));
    }
}
