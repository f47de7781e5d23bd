//! What a scenario's phone brings to its core, and how it misbehaves when the table says so.

use async_trait::async_trait;
use countersign_device::PushRegistrar;
use countersign_device::vault::{DesktopVault, KeyVault, Opens, Purpose, VaultError};
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::key::{DeviceKey, KeyError, PublicKey, SoftwareKey, sha256};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::{Clock, SystemClock, Timestamp};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

/// How a vault gives its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultBehaves {
    Well,
    Locked,
    Unreadable,
    Another,
}

/// How hardware keys sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysBehave {
    Well,
    Fail(KeyError),
}

/// A vault in a file, with hardware keys beside it.
pub struct ScriptedVault {
    file: PathBuf,
    pub hardware: Mutex<bool>,
    pub vault: Mutex<VaultBehaves>,
    pub keys: Arc<Mutex<KeysBehave>>,
    made: Mutex<BTreeMap<String, Arc<ScriptedKey>>>,
}

impl ScriptedVault {
    pub fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            hardware: Mutex::new(false),
            vault: Mutex::new(VaultBehaves::Well),
            keys: Arc::new(Mutex::new(KeysBehave::Well)),
            made: Mutex::default(),
        }
    }
}

#[async_trait]
impl KeyVault for ScriptedVault {
    fn storage_key(&self, opens: Opens) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let key = || DesktopVault::in_file(&self.file, &SystemRandomness::new())?.storage_key(opens);
        match *self.vault.lock().unwrap() {
            VaultBehaves::Well => key(),
            VaultBehaves::Locked => Err(VaultError::Locked),
            VaultBehaves::Unreadable => Err(VaultError::Unreadable),
            VaultBehaves::Another => Ok(Zeroizing::new(sha256(&*key()?))),
        }
    }

    async fn create(
        &self,
        name: &str,
        purpose: Purpose,
        _: Option<[u8; 32]>,
    ) -> Result<Option<Arc<dyn DeviceKey>>, KeyError> {
        if !*self.hardware.lock().unwrap() {
            return Ok(None);
        }
        let (key, _) = SoftwareKey::generate().unwrap();
        let key = ScriptedKey { key, asks: purpose == Purpose::Approval, behave: Arc::clone(&self.keys) };
        self.made.lock().unwrap().insert(name.to_owned(), Arc::new(key));
        self.load(name).map(Some)
    }

    fn load(&self, name: &str) -> Result<Arc<dyn DeviceKey>, KeyError> {
        if *self.keys.lock().unwrap() == KeysBehave::Fail(KeyError::Invalidated) {
            return Err(KeyError::Invalidated);
        }
        let key = self.made.lock().unwrap().get(name).cloned();
        key.map(|key| key as Arc<dyn DeviceKey>).ok_or(KeyError::Invalidated)
    }

    fn destroy(&self, name: &str) {
        self.made.lock().unwrap().remove(name);
    }
}

/// A key that passes for hardware.
struct ScriptedKey {
    key: SoftwareKey,
    asks: bool,
    behave: Arc<Mutex<KeysBehave>>,
}

#[async_trait]
impl DeviceKey for ScriptedKey {
    fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        match *self.behave.lock().unwrap() {
            KeysBehave::Fail(error) if self.asks || error != KeyError::NotConfirmed => Err(error),
            _ => self.key.sign_now(message).map_err(|_| KeyError::Unavailable),
        }
    }

    fn asks_person(&self) -> bool {
        self.asks
    }
}

/// The system's clock, wrong by so many seconds.
#[derive(Default)]
pub struct WrongClock(pub AtomicI64);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().shifted(self.0.load(Ordering::SeqCst) * 1000)
    }
}

/// Gives the core what the table says.
#[derive(Default)]
pub struct ScriptedRegistrar(pub Mutex<Vec<PushRegistration>>);

#[async_trait]
impl PushRegistrar for ScriptedRegistrar {
    async fn registrations(&self, _: EnrolmentId, _: bool, _: Option<String>) -> Vec<PushRegistration> {
        self.0.lock().unwrap().clone()
    }
}
