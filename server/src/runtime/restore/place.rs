//! Where a restore is prepared, and how it comes into the data folder.

use super::error::RestoreError;
use crate::keys::server_keys::{ID_FILE, ROOT_FILE};
use crate::store::DATABASE_FILE;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What can be in a backup: the database first.
pub(super) const NAMES: [&str; 3] = [DATABASE_FILE, ID_FILE, ROOT_FILE];
/// What is being prepared: of no worth when it was cut.
const PREPARED: &str = "restoring";
/// What is prepared and counts: it only has to come to its place.
const COMPLETE: &str = "restored";

fn of_file(file: &Path) -> impl FnOnce(std::io::Error) -> RestoreError {
    move |error| RestoreError::File { file: file.to_owned(), error }
}

/// True when a restore into this folder was cut: no server may begin there.
pub fn is_unfinished(folder: &Path) -> bool {
    folder.join(PREPARED).exists() || folder.join(COMPLETE).exists()
}

/// Where a restore is prepared.
pub(super) fn prepared(folder: &Path) -> PathBuf {
    folder.join(PREPARED)
}

/// Refuses a folder with a database, or with what belongs to one.
pub(super) fn check_free(folder: &Path) -> Result<(), RestoreError> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let path = folder.join(format!("{DATABASE_FILE}{end}"));
        if path.symlink_metadata().is_ok() {
            return Err(RestoreError::Occupied(path));
        }
    }
    Ok(())
}

/// Refuses a folder that is another server's.
pub(super) fn check_id(folder: &Path, id: &str) -> Result<(), RestoreError> {
    let path = folder.join(ID_FILE);
    match std::fs::read_to_string(&path) {
        Ok(known) if known.trim() == id => Ok(()),
        Ok(_) => Err(RestoreError::OtherServer(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(of_file(&path)(error)),
    }
}

/// An empty folder to prepare in: what an earlier try has left is thrown away.
pub(super) fn prepare(folder: &Path) -> Result<PathBuf, RestoreError> {
    let path = prepared(folder);
    discard(&path)?;
    private_file::create_folder(&path).map_err(of_file(&path))?;
    Ok(path)
}

/// Throws away what was prepared.
pub(super) fn discard(path: &Path) -> Result<(), RestoreError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(of_file(path)(error)),
        _ => Ok(()),
    }
}

fn sync(folder: &Path) -> Result<(), RestoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(of_file(folder))
}

/// Makes what was prepared count, and brings it to its place.
pub(super) fn publish(folder: &Path, prepared: &Path) -> Result<(), RestoreError> {
    let log = prepared.join(format!("{DATABASE_FILE}-wal"));
    if log.metadata().is_ok_and(|log| log.len() > 0) {
        return Err(of_file(&log)(std::io::Error::other("the database was not closed")));
    }
    let database = prepared.join(DATABASE_FILE);
    File::open(&database).and_then(|file| file.sync_all()).map_err(of_file(&database))?;
    sync(prepared)?;
    let complete = folder.join(COMPLETE);
    std::fs::rename(prepared, &complete).map_err(of_file(&complete))?;
    sync(folder)?;
    carry_on(folder)?;
    Ok(())
}

/// Brings a restore that counts to its place; false where there is none.
pub(super) fn carry_on(folder: &Path) -> Result<bool, RestoreError> {
    let complete = folder.join(COMPLETE);
    if !complete.exists() {
        return Ok(false);
    }
    // The database last: a folder with a server's name and no database is refused by every server.
    for name in [&NAMES[1..], &NAMES[..1]].concat() {
        let (from, to) = (complete.join(name), folder.join(name));
        // A name or a root that is there is this server's: that was checked.
        if from.exists() && (name == DATABASE_FILE || !to.exists()) {
            std::fs::rename(&from, &to).map_err(of_file(&to))?;
        }
    }
    sync(folder)?;
    discard(&complete)?;
    sync(folder)?;
    Ok(true)
}
