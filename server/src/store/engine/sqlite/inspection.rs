//! What a file holds, seen before it is opened for work: nothing is made, and nothing is brought up to date.

use super::{connection, schema};
use crate::store::{Inspected, StoreError};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::Path;

/// What is in the file at `path`; none where there is no file.
///
/// # Errors
/// [`StoreError`], when it is no database, one of another program or of a newer version, or cannot be read.
pub(super) fn inspect(path: &Path) -> Result<Option<Inspected>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    // For writing, since only so a log that a crash left beside it is read.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection::prepare(&connection)?;
    schema::check(&connection)?;
    let schema = schema::version(&connection)?;
    let has = |sql| -> Result<bool, StoreError> { Ok(connection.query_row(sql, (), |_| Ok(())).optional()?.is_some()) };
    // Both tables are there from the first version on.
    let begun = schema > 0;
    Ok(Some(Inspected {
        schema,
        has_root: begun && has("SELECT 1 FROM setting WHERE name = 'root'")?,
        has_signing_key: begun && has("SELECT 1 FROM signing_key")?,
    }))
}
