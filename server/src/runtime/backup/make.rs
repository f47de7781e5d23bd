//! Making a backup while the server works.

use super::archive::{Entry, Manifest, Source, Writing};
use super::{BackupError, Watch, of_file};
use crate::domain::moment::rfc3339;
use crate::keys::KeysError;
use crate::keys::server_keys::{self, ID_FILE, ROOT_FILE};
use crate::store::{DATABASE_FILE, Store};
use countersign_protocol::at_rest::AtRestKey;
use countersign_protocol::randomness::Randomness;
use countersign_protocol::sealing::SealingPublicKey;
use countersign_protocol::time::Timestamp;
use private_file::Locked;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file that whoever makes a backup holds locked.
const LOCK_FILE: &str = "backup.lock";
/// The name of the copy of the database from which a sealed backup is made; it lies in the data folder, so that nothing
/// that can be read comes to the disk of the backups.
const COPY_FILE: &str = "backup.copy";

/// Whose backup is made, and with what.
#[derive(Clone, Copy)]
pub struct Server<'a> {
    /// The database.
    pub store: &'a Store,
    /// What the digest is sealed with.
    pub at_rest: &'a AtRestKey,
    /// The server's folder.
    pub data_dir: &'a Path,
    /// The randomness.
    pub randomness: &'a dyn Randomness,
    /// The present.
    pub now: Timestamp,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its bytes.
    pub bytes: u64,
    /// Whether the root's private key is in it.
    pub with_root: bool,
}

/// Removes a file when it goes, whatever has happened.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        // Where there is none any more, that is as it should be.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The path with something at the end of its name.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Makes a backup of one moment in a new file, sealed to `to` if there is such a key. It is there whole or not at all.
///
/// # Errors
/// [`BackupError`]; nothing is left behind then.
pub async fn make(
    server: Server<'_>,
    path: &Path,
    to: Option<&SealingPublicKey>,
    watch: Watch,
) -> Result<Made, BackupError> {
    let Server { store, at_rest, data_dir, randomness, now } = server;
    if path.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(path.to_owned()));
    }
    let _alone = alone(data_dir)?;
    let id = server_keys::server_id(store).await?;
    let id = id.ok_or_else(|| KeysError::Damaged("this database has no keys yet; start the server once".into()))?;
    let copy = Passing(if to.is_some() { data_dir.join(COPY_FILE) } else { beside(path, ".copy") });
    let journal = Passing(beside(&copy.0, "-journal"));
    // What a process has left that was cut.
    let partial = Passing(beside(path, ".partial"));
    for left in [&copy, &journal] {
        let _ = std::fs::remove_file(&left.0);
    }
    let told = Arc::clone(&watch);
    store.copy_to(copy.0.clone(), Box::new(move |copied| told("copying", copied.done, copied.all))).await?;
    let size = std::fs::metadata(&copy.0).map_err(of_file(&copy.0))?.len();
    let line = format!("{id}\n").into_bytes();
    let mut files =
        vec![Entry { name: DATABASE_FILE.into(), size }, Entry { name: ID_FILE.into(), size: line.len() as u64 }];
    let mut sources = vec![Source::File(copy.0.clone()), Source::Bytes(line)];
    let root = data_dir.join(ROOT_FILE);
    let with_root = match std::fs::read(&root) {
        Ok(sealed) => {
            files.push(Entry { name: ROOT_FILE.into(), size: sealed.len() as u64 });
            sources.push(Source::Bytes(sealed));
            true
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(of_file(&root)(error)),
    };
    let manifest = Manifest { server_id: id.to_string(), made_at: rfc3339(now), files };
    let writing = Writing::begin(&partial.0, to, randomness)?;
    let written = tokio::task::spawn_blocking(move || writing.put_all(&manifest, sources, &watch)).await;
    let ended = |error: tokio::task::JoinError| of_file(path)(std::io::Error::other(error));
    written.map_err(ended)??.finish(at_rest, randomness)?;
    publish(&partial.0, path)?;
    Ok(Made { bytes: std::fs::metadata(path).map_err(of_file(path))?.len(), with_root })
}

/// Gives the file its name, for good.
fn publish(partial: &Path, path: &Path) -> Result<(), BackupError> {
    if path.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(path.to_owned()));
    }
    std::fs::rename(partial, path).map_err(of_file(path))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(of_file(folder))
}

/// One backup of a server at a time.
fn alone(data_dir: &Path) -> Result<Locked, BackupError> {
    let path = data_dir.join(LOCK_FILE);
    let file = private_file::open_shared(&path).map_err(of_file(&path))?;
    Locked::try_new(file).map_err(|(_, error)| match error {
        TryLockError::WouldBlock => BackupError::Busy,
        TryLockError::Error(error) => of_file(&path)(error),
    })
}
