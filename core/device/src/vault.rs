//! The platform's vault: where a device's keys come from.

use countersign_protocol::at_rest::AtRestKey;
use countersign_protocol::key::{DeviceKey, KeyError};

use async_trait::async_trait;
use countersign_protocol::randomness::Randomness;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a signing key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signs background requests and `deny`; usable without the person.
    Request,
    /// Signs `approve`; where the platform can, it asks the person each time.
    Approval,
}

/// When a secret may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// After the first unlock since the phone started: what a notification needs.
    AfterFirstUnlock,
    /// While the phone is unlocked: what needs the person.
    WhileUnlocked,
}

/// Why the vault gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Locked now; later it may open.
    #[error("the vault is locked")]
    Locked,
    /// Damaged, or not readable by this program.
    #[error("the vault cannot be read")]
    Unreadable,
}

/// The platform's vault.
///
/// The methods that are not `async` are called on the thread that polls the authenticator's call, and block it while
/// they run. They may read a file or ask a keystore; they must not wait for the person. Calls that are made side by
/// side on several threads call the vault from several threads at once.
#[async_trait]
pub trait KeyVault: Send + Sync {
    /// The key that seals this device's secrets in the store: another one for each `opens`, the same one each time, and
    /// never in a backup.
    ///
    /// # Errors
    /// [`VaultError::Locked`] while the device's state does not allow what `opens` says, and [`VaultError::Unreadable`]
    /// when the key is lost or not readable. The call that needed it fails with the same error, and what is sealed
    /// stays as it is.
    fn storage_key(&self, opens: Opens) -> Result<Zeroizing<[u8; 32]>, VaultError>;

    /// Makes a hardware key under this name; `None` where the platform has none, and software is used. It may ask the
    /// person, and waits for them without blocking the thread.
    ///
    /// With an `attestation_challenge`, the server wants to know where the key lives: a platform that can say so makes
    /// the key with this challenge, and [`DeviceKey::attestation`] gives what it says. One that cannot, or not now,
    /// makes the key all the same; whether that is enough, the server decides.
    ///
    /// # Errors
    /// [`KeyError::NotConfirmed`] when the person was asked and did not agree, [`KeyError::Unavailable`] when the
    /// hardware makes no key now. The enrolment link has not been used then.
    async fn create(
        &self,
        name: &str,
        purpose: Purpose,
        attestation_challenge: Option<[u8; 32]>,
    ) -> Result<Option<Arc<dyn DeviceKey>>, KeyError> {
        let _ = (name, purpose, attestation_challenge);
        Ok(None)
    }

    /// The hardware key of this name. It must not ask the person: signing does.
    ///
    /// # Errors
    /// [`KeyError::Invalidated`] when there is no such key any more, [`KeyError::Unavailable`] when it cannot be
    /// reached now.
    fn load(&self, name: &str) -> Result<Arc<dyn DeviceKey>, KeyError> {
        let _ = name;
        Err(KeyError::Invalidated)
    }

    /// Destroys the hardware key of this name, if there is one. It has no way to fail: the account is gone already.
    fn destroy(&self, name: &str) {
        let _ = name;
    }
}

/// The key that seals secrets of this class.
pub(crate) fn at_rest_key(vault: &dyn KeyVault, opens: Opens) -> Result<AtRestKey, VaultError> {
    Ok(AtRestKey::new(&*vault.storage_key(opens)?))
}

/// A vault for tests and desktops: one key in this process's memory or in a file. **Not for phones**, which have a
/// better place.
pub struct DesktopVault(Zeroizing<[u8; 32]>);

impl DesktopVault {
    /// A vault that ends with the process.
    pub fn in_memory(randomness: &dyn Randomness) -> Self {
        Self(Zeroizing::new(randomness.bytes()))
    }

    /// The vault in a file that only this user can read; made when it is missing.
    ///
    /// # Errors
    /// [`VaultError::Unreadable`] when the file cannot be made or read, or is not 32 bytes.
    pub fn in_file(path: &Path, randomness: &dyn Randomness) -> Result<Self, VaultError> {
        let mut key = Zeroizing::new([0; 32]);
        match std::fs::File::open(path) {
            Ok(mut file) => {
                file.read_exact(key.as_mut()).map_err(|_| VaultError::Unreadable)?;
                match file.read(&mut [0]) {
                    Ok(0) => Ok(Self(key)),
                    _ => Err(VaultError::Unreadable),
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                randomness.fill(key.as_mut());
                private_file::write_new(path, key.as_ref()).map_err(|_| VaultError::Unreadable)?;
                Ok(Self(key))
            }
            Err(_) => Err(VaultError::Unreadable),
        }
    }
}

#[async_trait]
impl KeyVault for DesktopVault {
    fn storage_key(&self, opens: Opens) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let mut named = Zeroizing::new(match opens {
            Opens::AfterFirstUnlock => b"countersign storage after first unlock\n".to_vec(),
            Opens::WhileUnlocked => b"countersign storage while unlocked\n".to_vec(),
        });
        named.extend_from_slice(self.0.as_ref());
        Ok(Zeroizing::new(countersign_protocol::key::sha256(&named)))
    }
}
