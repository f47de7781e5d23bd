//! A connection to a database file: how it is opened, and statements on it.

use super::schema;
use crate::store::StoreError;
use crate::store::engine::Transaction;
use crate::store::engine::row::Row;
use crate::store::engine::value::Value;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags};
use std::borrow::Cow;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

/// How long to wait for another process that writes, such as `countersign admin`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many prepared statements a connection keeps: more than the store has.
const CACHED_STATEMENTS: usize = 256;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure};
        match error.sqlite_error_code() {
            Some(CannotOpen | DatabaseBusy | DiskFull | PermissionDenied | ReadOnly | SystemIoFailure) => {
                Self::Unwritable(error.to_string())
            }
            _ => Self::Unreadable(error.to_string()),
        }
    }
}

/// Opens the file for writing, and makes it where there is none. One that is not to be written is left as it is.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let connection = look(path)?;
    be_durable(&connection)?;
    Ok(connection)
}

/// As [`open`], of a file that holds a database already.
pub(super) fn open_known(path: &Path) -> Result<Connection, StoreError> {
    let connection = look(path)?;
    if schema::is_empty(&connection)? {
        return Err(StoreError::Empty);
    }
    if schema::version(&connection)? < schema::NEWEST {
        return Err(StoreError::Older);
    }
    be_durable(&connection)?;
    Ok(connection)
}

/// As [`open`], of a file that holds the database of an earlier version.
pub(super) fn open_for_upgrade(path: &Path) -> Result<Connection, StoreError> {
    let connection = look(path)?;
    if schema::is_empty(&connection)? {
        return Err(StoreError::Empty);
    }
    be_durable(&connection)?;
    Ok(connection)
}

fn look(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    prepare(&connection)?;
    schema::check(&connection)?;
    Ok(connection)
}

fn be_durable(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL, not NORMAL: in WAL mode NORMAL does not wait for the disk at COMMIT, and an answer that was acknowledged
    // could be gone after a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    Ok(())
}

/// Opens the file for reading.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    prepare(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// What every connection needs.
pub(super) fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Without the stable query planner, SQLite looks at the bound values of statements over partial indices, and
    // prepares each kept statement anew at every execution: that alone made a login three times as dear.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(())
}

/// The statements of a transaction that is open on this connection.
pub(super) struct Statements<'a>(pub &'a Connection);

/// Binds `$1`, `$2`, … by their names: SQLite numbers such parameters in the order in which they appear.
fn bind(statement: &mut CachedStatement<'_>, values: &[Value<'_>]) -> rusqlite::Result<()> {
    for (number, value) in (1_usize..).zip(values) {
        let index = statement.parameter_index(&format!("${number}"))?;
        let index = index.ok_or_else(|| rusqlite::Error::InvalidParameterName(format!("${number}")))?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Value<'static> {
    /// What SQLite has read; none for a kind that the store does not keep.
    fn read(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(Self::Null),
            ValueRef::Integer(number) => Some(Self::Integer(number)),
            ValueRef::Text(text) => Some(Self::Text(Cow::Owned(std::str::from_utf8(text).ok()?.to_owned()))),
            ValueRef::Blob(bytes) => Some(Self::Bytes(Cow::Owned(bytes.to_owned()))),
            ValueRef::Real(_) => None,
        }
    }
}

impl Transaction for Statements<'_> {
    fn rows(&self, table: &'static str, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let columns: Rc<[String]> = statement.column_names().map(str::to_owned).collect();
        bind(&mut statement, values)?;
        let mut found = statement.raw_query();
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let read = |(place, column): (usize, &String)| {
                Value::read(row.get_ref(place)?).ok_or_else(|| {
                    StoreError::Unreadable(format!("{table}.{column} is of a kind that is not kept here"))
                })
            };
            let values = columns.iter().enumerate().map(read).collect::<Result<_, _>>()?;
            rows.push(Row::new(table, Rc::clone(&columns), values));
        }
        Ok(rows)
    }

    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        Ok(statement.raw_execute()?)
    }
}
