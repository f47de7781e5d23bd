//! The folder that a server lives in: one process owns it, and it is not begun anew by mistake.

use super::restore::place::is_unfinished;
use super::startup::StartupError;
use crate::keys::{KeysError, server_keys};
use crate::store::{DATABASE_FILE, Inspected, Place, Store, StoreError};
use private_file::Locked;
use std::fs::TryLockError;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The file that the process which owns the folder holds locked.
const LOCK_FILE: &str = "server.lock";
/// The longest text in that file that is repeated, in bytes.
const MAX_OWNER_LENGTH: u64 = 200;

/// A server's folder, owned by this process for as long as this lives.
#[derive(Debug)]
pub struct DataFolder {
    lock: Locked,
    lock_file: PathBuf,
}

impl DataFolder {
    /// As [`DataFolder::take`], of a folder that is made where it is missing.
    ///
    /// # Errors
    /// [`StartupError::Configuration`] when the folder cannot be made; the others as there.
    pub fn make(path: &Path) -> Result<Self, StartupError> {
        let unmade =
            |error: std::io::Error| StartupError::Configuration(format!("{} cannot be made: {error}", path.display()));
        private_file::create_folder(path).map_err(unmade)?;
        Self::take(path)
    }

    /// Takes the folder for this process alone: two servers on one database would each answer waits of which only the
    /// other hears.
    ///
    /// # Errors
    /// [`StartupError::Store`] when nothing can be written there, [`StartupError::InUse`] when another process has it.
    pub fn take(path: &Path) -> Result<Self, StartupError> {
        let file = path.join(LOCK_FILE);
        let unusable = |error: std::io::Error| StoreError::Unwritable(format!("{}: {error}", file.display()));
        match Locked::try_new(private_file::open_shared(&file).map_err(unusable)?) {
            Ok(lock) => Ok(Self { lock, lock_file: file }),
            Err((taken, TryLockError::WouldBlock)) => {
                let mut owner = String::new();
                // What cannot be read names nobody; the folder is taken all the same.
                let _ = taken.take(MAX_OWNER_LENGTH).read_to_string(&mut owner);
                Err(StartupError::InUse { folder: path.to_owned(), owner: owner.trim().to_owned() })
            }
            Err((_, TryLockError::Error(error))) => Err(unusable(error).into()),
        }
    }

    /// The file that is locked. Where it is not this one any more, another process may have the folder, too.
    pub fn lock_file(&self) -> PathBuf {
        self.lock_file.clone()
    }

    /// Writes down who has the folder, for another server that finds it taken.
    ///
    /// # Errors
    /// The system's, when the file cannot be written.
    pub fn name_owner(&mut self, owner: &str) -> std::io::Result<()> {
        let file = self.lock.file();
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{owner}")
    }
}

/// Where the database of the server in this folder is.
pub fn database(path: &Path) -> PathBuf {
    path.join(DATABASE_FILE)
}

/// The same, as the store knows it.
pub fn place(path: &Path) -> Place {
    place_of(database(path))
}

/// A database in this file, as the store knows it.
pub(super) fn place_of(path: PathBuf) -> Place {
    Place::File(path)
}

/// What there is of a server in its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// A part: its making was cut off.
    HalfMade,
    /// A server.
    Server(Inspected),
}

/// Looks what there is of a server in this folder, whose database is in that place, and changes nothing. A folder whose
/// keys are there and whose database is not is refused: begun anew under the old identity, it would answer phones that
/// it does not know.
///
/// # Errors
/// [`StartupError::DatabaseMissing`], when the folder has the keys of a server and no database,
/// [`StartupError::RestoreCut`] when a restore into it was cut, [`KeysError::OtherDatabase`] when that is another
/// server's, [`StartupError::Store`] when it cannot be read.
pub fn standing(path: &Path, place: &Place) -> Result<Standing, StartupError> {
    if is_unfinished(path) {
        return Err(StartupError::RestoreCut(path.to_owned()));
    }
    let knows_a_server = server_keys::knows_a_server(path);
    match Store::inspect(place)? {
        None if knows_a_server => Err(StartupError::DatabaseMissing(path.to_owned())),
        None => Ok(Standing::Nothing),
        Some(found) if found.has_root && found.has_signing_key => Ok(Standing::Server(found)),
        Some(found) if knows_a_server && !found.has_root => Err(KeysError::OtherDatabase(path.to_owned()).into()),
        Some(_) => Ok(Standing::HalfMade),
    }
}

/// The server in this folder, whose database is in that place.
///
/// # Errors
/// [`StartupError::NoServer`], [`StartupError::HalfMade`]; the others as [`standing`].
pub fn server(path: &Path, place: &Place) -> Result<Inspected, StartupError> {
    match standing(path, place)? {
        Standing::Server(found) => Ok(found),
        Standing::Nothing => Err(StartupError::NoServer(path.to_owned())),
        Standing::HalfMade => Err(StartupError::HalfMade(path.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_given_back_is_free_although_a_copy_of_its_lock_lives_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = DataFolder::take(folder.path()).unwrap();
        // What a process has that is being started at that moment.
        let copy = first.lock.file().try_clone().unwrap();
        assert!(matches!(DataFolder::take(folder.path()), Err(StartupError::InUse { .. })));
        drop(first);
        assert!(DataFolder::take(folder.path()).is_ok());
        drop(copy);
    }
}
