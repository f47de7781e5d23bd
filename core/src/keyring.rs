//! What opens a push: the sealing keys and the servers' pins, in one small file of their own.
//!
//! A notification must open while the phone is locked, in a process that loads nothing else. So this file is sealed
//! under the vault's after-first-unlock key, and holds no seed and no approval key.

use crate::at_rest::{AtRestKey, Location};
use crate::challenge::{self, Challenge, Expected};
use crate::error::{Error, StoreError};
use crate::handle::{AccountId, EnrolmentId};
use crate::key::Thumbprint;
use crate::randomness::Randomness;
use crate::refusal::Refusal;
use crate::sealing::{Envelope, SealedTo, SealingKey};
use crate::server_identity::PinnedServer;
use crate::time::Timestamp;
use crate::vault::{KeyVault, Opens, at_rest_key};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const FILE: &str = "push-keyring";
/// The version of the file's form.
const VERSION: u32 = 1;
const LOCATION: Location<'_> = Location { table: FILE, row: "", column: "" };

/// What one enrolment needs to open what is sealed to it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub enrolment_id: EnrolmentId,
    pub account_id: AccountId,
    pub device: Thumbprint,
    pub server: PinnedServer,
    /// How far the server's clock is ahead of this device's, in milliseconds.
    pub clock_offset_ms: i64,
    sealing_key: String,
}

impl Entry {
    pub fn new(
        enrolment_id: EnrolmentId,
        account_id: AccountId,
        device: Thumbprint,
        server: PinnedServer,
        clock_offset_ms: i64,
        key: &SealingKey,
    ) -> Self {
        let sealing_key = BASE64URL_NOPAD.encode(key.to_bytes().as_ref());
        Self { enrolment_id, account_id, device, server, clock_offset_ms, sealing_key }
    }

    fn key(&self) -> Result<SealingKey, Refusal> {
        let bytes =
            Zeroizing::new(BASE64URL_NOPAD.decode(self.sealing_key.as_bytes()).map_err(|_| Refusal::CannotOpen)?);
        SealingKey::from_bytes(&bytes)
    }

    /// The server's time, as this device knows it.
    pub const fn server_time(&self, now: Timestamp) -> Timestamp {
        now.shifted(self.clock_offset_ms)
    }
}

/// What is in the file.
#[derive(Serialize, Deserialize)]
struct Contents {
    version: u32,
    entries: Vec<Entry>,
}

/// A challenge that was opened, with the exact bytes of it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The checked claims.
    pub challenge: Challenge,
    /// The compact JWS.
    pub compact: String,
}

/// The keyring file, read. It shows nothing of itself when printed.
pub struct Keyring {
    path: PathBuf,
    key: AtRestKey,
    entries: Vec<Entry>,
}

impl Keyring {
    /// Reads the keyring in `directory`; empty where there is none. This alone is what a notification extension needs.
    ///
    /// # Errors
    /// The vault's, and those of an unreadable file.
    pub fn open(directory: &Path, vault: &dyn KeyVault) -> Result<Self, Error> {
        let path = directory.join(FILE);
        let key = at_rest_key(vault, Opens::AfterFirstUnlock)?;
        let entries = match std::fs::read(&path) {
            Ok(sealed) => read(&key.open(LOCATION, &sealed)?)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(StoreError::Damaged(error.to_string()).into()),
        };
        Ok(Self { path, key, entries })
    }

    pub(crate) fn entry(&self, enrolment_id: EnrolmentId) -> Result<&Entry, Error> {
        self.entries.iter().find(|entry| entry.enrolment_id == enrolment_id).ok_or(Error::UnknownAccount)
    }

    /// The highest certificate sequence that any enrolment has seen of this server; zero for an unknown one.
    pub(crate) fn lowest_sequence(&self, server_id: &Thumbprint) -> u64 {
        let known = self.entries.iter().filter(|entry| entry.server.server_id == *server_id);
        known.map(|entry| entry.server.sequence).max().unwrap_or(0)
    }

    /// Puts an entry in the place of one with the same enrolment, or beside the others.
    pub(crate) fn put(&mut self, entry: Entry, randomness: &dyn Randomness) -> Result<(), Error> {
        let mut entries: Vec<Entry> =
            self.entries.iter().filter(|e| e.enrolment_id != entry.enrolment_id).cloned().collect();
        entries.push(entry);
        self.replace(entries, randomness)
    }

    pub(crate) fn remove(&mut self, enrolment_id: EnrolmentId, randomness: &dyn Randomness) -> Result<(), Error> {
        let entries = self.entries.iter().filter(|entry| entry.enrolment_id != enrolment_id).cloned().collect();
        self.replace(entries, randomness)
    }

    /// Writes beside and renames, so that another process reads the old file or the new one.
    fn replace(&mut self, entries: Vec<Entry>, randomness: &dyn Randomness) -> Result<(), Error> {
        let contents = Contents { version: VERSION, entries };
        let plain = serde_json::to_vec(&contents).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let plain = Zeroizing::new(plain);
        let sealed = self.key.seal(LOCATION, &plain, randomness);
        let beside = self.path.with_extension("new");
        let write = || {
            let mut file = std::fs::File::create(&beside)?;
            file.write_all(&sealed)?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.path)
        };
        write().map_err(|error| StoreError::Unwritable(error.to_string()))?;
        self.entries = contents.entries;
        Ok(())
    }

    /// Opens a sealed message with the one key that fits, and checks it against that key's enrolment. Nothing in the
    /// envelope says whose it is, so every key is tried.
    ///
    /// # Errors
    /// `cannot_open` when no key fits; otherwise as [`challenge::open`].
    pub fn open_envelope(&self, envelope: &Envelope, now: Timestamp) -> Result<Opened, Refusal> {
        for entry in &self.entries {
            let to = SealedTo { server_id: &entry.server.server_id, enrolment_id: entry.enrolment_id };
            let compact = match envelope.open(&entry.key()?, to) {
                Ok(compact) => compact,
                Err(Refusal::CannotOpen) => continue,
                Err(refusal) => return Err(refusal),
            };
            let server_time = entry.server_time(now);
            let expected = Expected {
                server_id: &entry.server.server_id,
                signing_key: entry.server.signing_key_at(server_time)?,
                device: &entry.device,
                account_id: entry.account_id,
                enrolment_id: entry.enrolment_id,
                now: server_time,
            };
            let challenge = challenge::open(&compact, &expected)?;
            return Ok(Opened { challenge, compact });
        }
        Err(Refusal::CannotOpen)
    }
}

/// A file of a later version is refused as such before its entries are looked at.
fn read(plain: &[u8]) -> Result<Vec<Entry>, StoreError> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let damaged = |error: serde_json::Error| StoreError::Damaged(error.to_string());
    let Version { version } = serde_json::from_slice(plain).map_err(damaged)?;
    if version > VERSION {
        return Err(StoreError::Newer);
    }
    let Contents { entries, .. } = serde_json::from_slice(plain).map_err(damaged)?;
    Ok(entries)
}
