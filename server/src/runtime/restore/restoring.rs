//! The way of a restore, from the file to its place.
//!
//! Everything is prepared in a folder of its own inside the data folder. Its new name is the moment from which on the
//! restore counts; what is cut before that begins again, and what is cut after it is carried on.

use super::error::RestoreError;
use super::losses::{Known, Loss, check_accepted};
use super::place::{self, NAMES};
use crate::domain::actor::Actor;
use crate::keys::server_keys::{self, ROOT_FILE};
use crate::keys::{KeysError, master_key};
use crate::runtime::backup::Watch;
use crate::runtime::backup::archive::{Manifest, Reading};
use crate::runtime::backup::key;
use crate::runtime::config::Config;
use crate::runtime::data_folder::DataFolder;
use crate::store::recovery::{self, Recovered, Recovery};
use crate::store::{DATABASE_FILE, Place, Store};
use countersign_protocol::at_rest::AtRestKey;
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::Clock;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// By how much the sequence of certificates grows where nobody knows how far it had come: more than were ever made.
const UNKNOWN_SEQUENCES: u64 = 1000;
/// The same for the numbers of the journal's lines.
const UNKNOWN_LINES: i64 = 1_000_000_000;
/// Numbers of lines that were given and never written, because a crash came between.
const UNWRITTEN_LINES: i64 = 1000;

/// What is asked of a restore.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The backup.
    pub file: PathBuf,
    /// The folder of the recovery journal, where it is another than the configuration says.
    pub journal: Option<PathBuf>,
    /// True where there is no recovery journal.
    pub without_journal: bool,
    /// What the administrator accepts to lose.
    pub accepted: Vec<Loss>,
    /// The file with the root's private key, where the backup has none.
    pub root: Option<PathBuf>,
    /// The file with the private key that the backup is sealed to.
    pub key: Option<PathBuf>,
    /// Does everything but put it in its place.
    pub dry_run: bool,
}

/// What was restored.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    /// When the backup was made; empty where a restore was only carried on.
    pub backup_of: String,
    /// The server's id.
    pub server_id: String,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// The sequence of the new certificate: phones that have met it refuse every lower one.
    pub sequence: u64,
    /// What was done to the database.
    #[serde(flatten)]
    pub recovered: Recovered,
}

/// Restores a server into the data folder that is configured, in which nothing of a server may be.
///
/// # Errors
/// [`RestoreError`]; the data folder is as it was then, but for a folder in which the next try begins anew.
pub async fn restore(
    config: &Config,
    wish: &Wish,
    clock: Arc<dyn Clock>,
    randomness: &dyn Randomness,
    watch: Watch,
) -> Result<Restored, RestoreError> {
    let folder = &config.data_dir;
    let _alone = DataFolder::make(folder)?;
    if place::carry_on(folder)? {
        return Err(RestoreError::CarriedOn(folder.clone()));
    }
    place::check_free(folder)?;
    let at_rest = master_key::load(&config.master_key, folder)?;
    let key = wish.key.as_deref().map(key::open).transpose()?;
    let reading = Reading::open(&wish.file, key.as_ref())?;
    let prepared = place::prepare(folder)?;
    let manifest = reading.unpack(&NAMES, &prepared, &at_rest, &watch)?;
    place::check_id(folder, &manifest.server_id)?;
    watch("checking", 0, 1);
    let database = Place::KnownFile(prepared.join(DATABASE_FILE));
    Store::check_whole(&database)?;
    Store::upgrade(&database)?;
    let store = Store::open(&database, Arc::clone(&clock))?;
    let restored = carry_forward(config, wish, &store, &manifest, &at_rest, &*clock, randomness).await;
    store.close().await;
    // The last connection takes the log into the file.
    drop(store);
    let restored = restored?;
    if wish.dry_run {
        place::discard(&prepared)?;
    } else {
        place::publish(folder, &prepared)?;
    }
    watch("checking", 1, 1);
    Ok(restored)
}

/// Makes the database of a backup know what it must.
async fn carry_forward(
    config: &Config,
    wish: &Wish,
    store: &Store,
    manifest: &Manifest,
    at_rest: &AtRestKey,
    clock: &dyn Clock,
    randomness: &dyn Randomness,
) -> Result<Restored, RestoreError> {
    let id = server_keys::server_id(store).await?.ok_or_else(|| KeysError::Damaged("it has no root".into()))?;
    if id.as_str() != manifest.server_id {
        return Err(KeysError::Damaged("its database is another server's".into()).into());
    }
    let row = store.last_recovery_row().await?;
    let known = look_at_journal(config, wish, id.as_str(), row)?;
    check_accepted(&known, &wish.accepted, &manifest.made_at)?;
    let complete = known.is_complete();
    let last = known.found.lines.iter().map(|line| line.row).max().unwrap_or_default().max(row);
    let recovery = Recovery {
        lines: known.found.lines.into_iter().filter(|line| line.row > row).collect(),
        above_row: last + if complete { UNWRITTEN_LINES } else { UNKNOWN_LINES },
        era_step: u64::from(u32::from_be_bytes(randomness.bytes())),
    };
    let recovered = store.recover(recovery).await?;
    let lowest = recovered.highest_sequence + if complete { 1 } else { UNKNOWN_SEQUENCES };
    let root = root_file(&config.data_dir, wish)?;
    let rotated = server_keys::rotate_above(Actor::OPERATOR, store, at_rest, &root, lowest, clock.now(), randomness);
    let sequence = rotated.await?;
    let (backup_of, server_id) = (manifest.made_at.clone(), manifest.server_id.clone());
    Ok(Restored { backup_of, server_id, dry_run: wish.dry_run, sequence, recovered })
}

/// Where the root's private key is: named, in the backup, or in the folder.
fn root_file(folder: &Path, wish: &Wish) -> Result<PathBuf, RestoreError> {
    let in_backup = place::prepared(folder).join(ROOT_FILE);
    let found = wish.root.clone().or_else(|| [in_backup, folder.join(ROOT_FILE)].into_iter().find(|one| one.exists()));
    found.ok_or(RestoreError::NoRoot)
}

/// What the recovery journal knows since the backup, whose last line is `row`.
fn look_at_journal(config: &Config, wish: &Wish, id: &str, row: i64) -> Result<Known, RestoreError> {
    if wish.without_journal {
        return Ok(Known::nothing("there is no recovery journal".into()));
    }
    let folder = wish.journal.clone().unwrap_or_else(|| config.backup.journal(&config.data_dir));
    if !folder.is_dir() {
        return Ok(Known::nothing(format!("there is no recovery journal in {}", folder.display())));
    }
    let found = recovery::read(&folder, id)?;
    Ok(Known::new(found, row, &folder))
}
