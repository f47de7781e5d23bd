//! Files and folders that only their owner can read.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Result, Write};
use std::path::Path;

/// Makes a folder, and those above it, for this user alone. One that is there stays as it is.
///
/// # Errors
/// The system's, when it makes no folder there.
pub fn create_folder(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes an empty file for this user alone, before another library opens it with wider rights. One that is there stays
/// as it is.
///
/// # Errors
/// The system's, when the file cannot be opened or made.
pub fn touch(path: &Path) -> Result<File> {
    options().create(true).truncate(false).open(path)
}

/// Makes a new file for this user alone, and opens it for writing. Unlike [`write_new`] it touches no other name, so it
/// is for a place that a person chose.
///
/// # Errors
/// `AlreadyExists` when there is such a file; the system's when it cannot be made.
pub fn create_new(path: &Path) -> Result<File> {
    options().create_new(true).open(path)
}

/// Opens a file for reading and writing, and makes it for this user alone where there is none: for one that processes
/// lock.
///
/// # Errors
/// The system's, when the file cannot be opened or made.
pub fn open_shared(path: &Path) -> Result<File> {
    options().read(true).create(true).truncate(false).open(path)
}

/// A file that is locked until this is dropped.
///
/// It is unlocked then, and not only closed: a process that is being started at that moment has a copy of every open
/// file until it becomes another program, and the lock would last as long as that copy.
#[derive(Debug)]
pub struct Locked(File);

impl Locked {
    /// Locks a file against every other process, and against this one.
    ///
    /// # Errors
    /// The file, and [`TryLockError::WouldBlock`] while it is locked already, or the system's error.
    pub fn try_new(file: File) -> std::result::Result<Self, (File, TryLockError)> {
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(error) => Err((file, error)),
        }
    }

    /// The file.
    pub fn file(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // What cannot be unlocked is unlocked by its end.
        let _ = self.0.unlock();
    }
}

/// Writes a new file, and waits for the disk. Nobody ever finds a part of it, also after a power cut.
///
/// # Errors
/// `AlreadyExists` when there is such a file; the system's when it cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.try_exists()? {
        return Err(ErrorKind::AlreadyExists.into());
    }
    let beside = path.with_extension("new");
    write_beside(&beside, bytes)?;
    // A link takes no name that is taken, as a rename would.
    let linked = std::fs::hard_link(&beside, path);
    std::fs::remove_file(&beside)?;
    match linked {
        Ok(()) => sync_folder_of(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        // Some file systems know no links.
        Err(_) => {
            let mut file = options().create_new(true).open(path)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            sync_folder_of(path)
        }
    }
}

fn write_beside(beside: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = options().create(true).truncate(true).open(beside)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Waits until the disk has the name of a file, which stands in its folder.
///
/// # Errors
/// The system's, when the folder cannot be written.
pub fn sync_folder_of(path: &Path) -> Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

/// Writes beside and renames, so that a reader finds the old file or the new one, also after a power cut.
///
/// # Errors
/// The system's, when one of the two files or their folder cannot be written. The old file is still there then, unless
/// only the folder failed.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let beside = path.with_extension("new");
    write_beside(&beside, bytes)?;
    std::fs::rename(&beside, path)?;
    sync_folder_of(path)
}
