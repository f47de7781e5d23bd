//! The keyring: what a push is opened and checked with. That is each enrolment's sealing key and the pin of its server,
//! together in one small file.
//!
//! A notification is shown while the phone is locked, by a process that loads nothing else. So this file is sealed
//! under the key that the vault gives after the first unlock. It holds neither code seeds nor signing keys, so whoever
//! reads it can sign nothing and make no code.

use crate::error::{Error, StoreError};
use countersign_protocol::at_rest::{AtRestKey, Location};
use countersign_protocol::challenge::{self, Challenge, Expected};
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::key::Thumbprint;

use crate::vault::{KeyVault, Opens, at_rest_key};
use countersign_protocol::Refusal;
use countersign_protocol::randomness::Randomness;
use countersign_protocol::retraction::{self, Retraction};
use countersign_protocol::sealing::{Envelope, SealedTo, SealingKey};
use countersign_protocol::server_identity::PinnedServer;
use countersign_protocol::time::{Clock, Timestamp};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

const FILE: &str = "push-keyring";
/// The version of the file's form.
const VERSION: u32 = 1;
const LOCATION: Location<'_> = Location { table: FILE, row: "", column: "" };

/// What opens and checks the messages that are sealed to one enrolment.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub enrolment_id: EnrolmentId,
    pub account_id: AccountId,
    pub device: Thumbprint,
    pub server: PinnedServer,
    /// How far the server's clock is ahead of this device's, in milliseconds.
    pub clock_offset_ms: i64,
    /// When the offset was last known to be right; none in an entry of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anchor: Option<Anchor>,
    sealing_key: String,
}

/// A reading of this device's clock, and of the counter beside it that nobody sets, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Anchor {
    now_ms: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since_boot_ms: Option<u64>,
}

/// By how much a clock may differ from the counter before it counts as set: less than a step of a code, and more than a
/// clock is steered.
const STEERED: Duration = Duration::from_secs(20);
/// How old an anchor becomes before it is taken anew: a device that was started again since has another counter.
const ANCHOR_AGE: Duration = Duration::from_secs(3600);

impl Anchor {
    /// This moment.
    pub fn read(clock: &dyn Clock) -> Self {
        let milliseconds = |since: Duration| u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Self { now_ms: clock.now(), since_boot_ms: clock.since_boot().map(milliseconds) }
    }

    /// True when somebody has set the clock between this anchor and `present`. Without a counter, or when the device
    /// was started again in between, only a clock that went back is noticed.
    fn was_set_before(self, present: Self) -> bool {
        let passed = match (self.since_boot_ms, present.since_boot_ms) {
            (Some(before), Some(after)) => after.checked_sub(before).map(Duration::from_millis),
            _ => None,
        };
        let expected = self.now_ms + passed.unwrap_or_default();
        present.now_ms + STEERED < expected || (passed.is_some() && present.now_ms > expected + STEERED)
    }

    /// True when it says little about the present any more.
    fn is_old(self, present: Self) -> bool {
        present.now_ms >= self.now_ms + ANCHOR_AGE || self.since_boot_ms > present.since_boot_ms
    }
}

impl Entry {
    pub fn new(
        enrolment_id: EnrolmentId,
        account_id: AccountId,
        device: Thumbprint,
        server: PinnedServer,
        (clock_offset_ms, anchor): (i64, Anchor),
        key: &SealingKey,
    ) -> Self {
        let sealing_key = BASE64URL_NOPAD.encode(key.to_bytes().as_ref());
        Self { enrolment_id, account_id, device, server, clock_offset_ms, anchor: Some(anchor), sealing_key }
    }

    /// True when this device's clock was set since the server was last heard: what goes by the server's time may be
    /// wrong until it is heard again.
    pub fn clock_was_set(&self, present: Anchor) -> bool {
        self.anchor.is_some_and(|anchor| anchor.was_set_before(present))
    }

    /// True when the server was heard long ago, as far as the clock says.
    pub fn is_anchor_old(&self, present: Anchor) -> bool {
        self.anchor.is_none_or(|anchor| anchor.is_old(present))
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

    /// What every message for this enrolment must agree with. It is `old_certificate` when the pinned certificate has
    /// ended by the server's time.
    pub fn expected(&self, now: Timestamp) -> Result<Expected<'_>, Refusal> {
        let server_time = self.server_time(now);
        Ok(Expected {
            server_id: &self.server.server_id,
            signing_key: self.server.signing_key_at(server_time)?,
            device: &self.device,
            account_id: self.account_id,
            enrolment_id: self.enrolment_id,
            now: server_time,
        })
    }
}

/// The contents of the file, before they are sealed.
#[derive(Serialize, Deserialize)]
struct Contents {
    version: u32,
    entries: Vec<Entry>,
}

/// A sealed message that was opened and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// A question.
    Challenge {
        /// Its claims, all of them checked.
        challenge: Box<Challenge>,
        /// The exact bytes that were signed, as a compact JWS: an answer is bound to their digest.
        compact: String,
    },
    /// A question that is to be taken away.
    Retraction(Retraction),
}

/// The contents of the keyring file, and the key that seals it. It cannot be printed, since both are secret.
pub struct Keyring {
    path: PathBuf,
    key: AtRestKey,
    entries: Vec<Entry>,
}

impl Keyring {
    /// Reads the keyring in `directory`; it is empty where there is no file. A notification extension needs nothing but
    /// this.
    ///
    /// # Errors
    /// [`Error::Vault`] when the vault gives no key for it; [`Error::Store`] when the file was sealed by another vault,
    /// is damaged, or was written by a later version.
    pub fn open(directory: &Path, vault: &dyn KeyVault) -> Result<Self, Error> {
        let path = directory.join(FILE);
        let key = at_rest_key(vault, Opens::AfterFirstUnlock)?;
        let mut keyring = Self { path, key, entries: Vec::new() };
        keyring.reload()?;
        Ok(keyring)
    }

    /// Reads the file again, since another process may have written it.
    pub(crate) fn reload(&mut self) -> Result<(), Error> {
        self.entries = match std::fs::read(&self.path) {
            Ok(sealed) => read(&self.key.open(LOCATION, &sealed)?)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(StoreError::Damaged(error.to_string()).into()),
        };
        Ok(())
    }

    pub(crate) fn entry(&self, enrolment_id: EnrolmentId) -> Result<&Entry, Error> {
        self.entries.iter().find(|entry| entry.enrolment_id == enrolment_id).ok_or(Error::UnknownAccount)
    }

    /// The highest certificate sequence that any enrolment has seen of this server; zero for an unknown one.
    pub(crate) fn lowest_sequence(&self, server_id: &Thumbprint) -> u64 {
        let known = self.entries.iter().filter(|entry| entry.server.server_id == *server_id);
        known.map(|entry| entry.server.sequence).max().unwrap_or(0)
    }

    /// Every enrolment of a server.
    pub(crate) fn enrolments_of(&self, server_id: &Thumbprint) -> Vec<EnrolmentId> {
        let of_server = self.entries.iter().filter(|entry| entry.server.server_id == *server_id);
        of_server.map(|entry| entry.enrolment_id).collect()
    }

    /// The other enrolments of the same account on this device.
    pub(crate) fn same_account(&self, id: EnrolmentId) -> Result<Vec<EnrolmentId>, Error> {
        let this = self.entry(id)?;
        let same = |entry: &&Entry| {
            entry.enrolment_id != id
                && entry.account_id == this.account_id
                && entry.server.server_id == this.server.server_id
        };
        Ok(self.entries.iter().filter(same).map(|entry| entry.enrolment_id).collect())
    }

    /// Puts an entry in the place of one with the same enrolment, or beside the others.
    pub(crate) fn put(&mut self, entry: Entry, randomness: &dyn Randomness) -> Result<(), Error> {
        self.change(randomness, |entries| {
            entries.retain(|known| known.enrolment_id != entry.enrolment_id);
            entries.push(entry);
            Ok(())
        })
    }

    /// Replaces an enrolment's pin and clock offset by what its server has just shown. Another process may have written
    /// the file meanwhile: a pin with a higher sequence stays, and an enrolment that was removed is not put back.
    pub(crate) fn learn(
        &mut self,
        enrolment_id: EnrolmentId,
        server: PinnedServer,
        (clock_offset_ms, anchor): (i64, Anchor),
        randomness: &dyn Randomness,
    ) -> Result<(), Error> {
        self.change(randomness, |entries| {
            let entry =
                entries.iter_mut().find(|entry| entry.enrolment_id == enrolment_id).ok_or(Error::UnknownAccount)?;
            if server.sequence >= entry.server.sequence {
                entry.server = server;
            }
            entry.clock_offset_ms = clock_offset_ms;
            entry.anchor = Some(anchor);
            Ok(())
        })
    }

    /// Notes that an enrolment's offset is right at this moment: the server has just taken a proof that was dated by
    /// it.
    pub(crate) fn confirm_offset(
        &mut self,
        enrolment_id: EnrolmentId,
        anchor: Anchor,
        randomness: &dyn Randomness,
    ) -> Result<(), Error> {
        self.change(randomness, |entries| {
            if let Some(entry) = entries.iter_mut().find(|entry| entry.enrolment_id == enrolment_id) {
                entry.anchor = Some(anchor);
            }
            Ok(())
        })
    }

    pub(crate) fn remove(&mut self, enrolment_id: EnrolmentId, randomness: &dyn Randomness) -> Result<(), Error> {
        self.change(randomness, |entries| {
            entries.retain(|entry| entry.enrolment_id != enrolment_id);
            Ok(())
        })
    }

    /// Reads the file, changes its entries and writes it, under a lock that keeps other processes from doing the same
    /// at that time. What they wrote before is kept.
    fn change(
        &mut self,
        randomness: &dyn Randomness,
        change: impl FnOnce(&mut Vec<Entry>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let unwritable = |error: std::io::Error| StoreError::Unwritable(error.to_string());
        let lock = private_file::touch(&self.path.with_extension("lock")).map_err(unwritable)?;
        lock.lock().map_err(unwritable)?;
        self.reload()?;
        let mut contents = Contents { version: VERSION, entries: self.entries.clone() };
        change(&mut contents.entries)?;
        let plain = serde_json::to_vec(&contents).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let sealed = self.key.seal(LOCATION, &Zeroizing::new(plain), randomness);
        private_file::replace(&self.path, &sealed).map_err(unwritable)?;
        self.entries = contents.entries;
        Ok(())
    }

    /// Opens a message that came by push: its bytes as the server made them.
    ///
    /// # Errors
    /// Those of [`Envelope::from_json`] and of [`Keyring::open_envelope`].
    pub fn open_push(&self, body: &[u8], now: Timestamp) -> Result<Opened, Refusal> {
        self.open_envelope(&Envelope::from_json(body)?, now)
    }

    /// Opens a sealed message and checks it against the enrolment whose key opens it. An envelope does not say which
    /// enrolment it is for, so every key is tried.
    ///
    /// # Errors
    /// `cannot_open` when no key fits; otherwise as [`challenge::open`] and [`retraction::open`].
    pub fn open_envelope(&self, envelope: &Envelope, now: Timestamp) -> Result<Opened, Refusal> {
        for entry in &self.entries {
            let to = SealedTo { server_id: &entry.server.server_id, enrolment_id: entry.enrolment_id };
            let compact = match envelope.open(&entry.key()?, to) {
                Ok(compact) => compact,
                Err(Refusal::CannotOpen) => continue,
                Err(refusal) => return Err(refusal),
            };
            let expected = entry.expected(now)?;
            return match challenge::open(&compact, &expected) {
                Ok(challenge) => Ok(Opened::Challenge { challenge: Box::new(challenge), compact }),
                Err(Refusal::WrongType) => Ok(Opened::Retraction(retraction::open(&compact, &expected)?)),
                Err(refusal) => Err(refusal),
            };
        }
        Err(Refusal::CannotOpen)
    }
}

/// Reads the unsealed file. Its version is looked at first, so that a file of a later version is refused as such and
/// not as damaged.
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
