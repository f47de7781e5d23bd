//! A database that an earlier version wrote: a copy of it, and the steps that bring it up to date.

use super::{connection, schema};
use crate::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Copies the database, as it is at one moment, to a new file, and checks the copy. It is on the disk then. Others may
/// work on the database meanwhile.
///
/// # Errors
/// [`StoreError`], when it cannot be read, or the copy cannot be written or is not whole; none is there then.
pub(super) fn copy(path: &Path, to: &Path) -> Result<(), StoreError> {
    write_copy(path, to).inspect_err(|_| {
        // Of no use, and in the way of the next one. Where it cannot be removed, that one says so.
        drop(std::fs::remove_file(to));
    })
}

fn write_copy(path: &Path, to: &Path) -> Result<(), StoreError> {
    let unwritable = |error: std::io::Error| StoreError::Unwritable(format!("{}: {error}", to.display()));
    let name = to.to_str().ok_or_else(|| StoreError::Unwritable(format!("{} is no text", to.display())))?;
    // SQLite would make it readable for everybody.
    private_file::touch(to).map_err(unwritable)?;
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection::prepare(&connection)?;
    let version = schema::version(&connection)?;
    connection.execute("VACUUM INTO ?1", [name])?;
    drop(connection);
    File::open(to).and_then(|file| file.sync_all()).map_err(unwritable)?;

    let copied = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let verdict: String = copied.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if verdict != "ok" || schema::version(&copied)? != version {
        return Err(StoreError::Unreadable(format!("its copy is not whole: {verdict}")));
    }
    Ok(())
}

/// Brings a database up to date, each step in a transaction of its own.
///
/// # Errors
/// [`StoreError`]; the steps before the one that failed are taken then.
pub(super) fn upgrade(path: &Path) -> Result<(), StoreError> {
    schema::migrate(&mut connection::open_for_upgrade(path)?)
}

/// The files of a database: itself, and those that SQLite keeps beside it while it works.
pub(super) fn files(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut file = path.as_os_str().to_owned();
        file.push(end);
        file.into()
    })
}
