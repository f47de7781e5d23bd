//! What the store asks of a database, and nothing more: transactions that take SQL, a writer that has committed before
//! it answers, and readers beside it.
//!
//! The statements of the store are written once, in the dialect that SQLite and PostgreSQL share: `$1`, `RETURNING`,
//! `ON CONFLICT`, partial indices, `IS DISTINCT FROM`. What differs between the two is in one folder an engine. An
//! operation is a plain function over a [`Transaction`]; an engine whose driver is asynchronous runs it on a thread
//! that may block.

mod conformance;
pub(super) mod row;
pub(super) mod sqlite;
pub(super) mod value;

use super::StoreError;
use crate::domain::measure::Commits;
use async_trait::async_trait;
use countersign_protocol::time::Timestamp;
use row::Row;
use std::path::PathBuf;
use value::Value;

/// An open transaction, or a reader's view of one moment.
pub trait Transaction {
    /// Every row that a statement gives. `table` is what the rows are about: an unreadable value is reported with it.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    fn rows(&self, table: &'static str, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError>;

    /// Runs a statement that gives no rows, and says how many it changed.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError>;
}

impl dyn Transaction + '_ {
    /// The only row, or the first one; none where there is none.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub fn row(&self, table: &'static str, sql: &str, values: &[Value<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(table, sql, values)?.into_iter().next())
    }

    /// The row of a statement that always gives one, such as a count.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer or the statement gives no row.
    pub fn one_row(&self, table: &'static str, sql: &str, values: &[Value<'_>]) -> Result<Row, StoreError> {
        let missing = || StoreError::Unreadable(format!("{table}: a row is missing"));
        self.row(table, sql, values)?.ok_or_else(missing)
    }

    /// Runs a guarded statement; true when exactly one row was changed, so the guard held.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub fn changes_one(&self, sql: &str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        Ok(self.execute(sql, values)? == 1)
    }
}

/// Sends a piece of work's result to its caller, once it is known whether the transaction was committed.
pub(super) type Acknowledge = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What a piece of work has come to inside the transaction.
pub(super) struct Done {
    /// Whether what it wrote is kept; otherwise the engine takes it back, and nothing else with it.
    pub keep: bool,
    /// Told what became of the transaction.
    pub acknowledge: Acknowledge,
}

/// The open transaction and the time read in it, or why there is none.
pub(super) type Opened<'a> = Result<(&'a dyn Transaction, Timestamp), StoreError>;
/// A piece of work: done inside a transaction, acknowledged after it.
pub(super) type Work = Box<dyn FnOnce(Opened<'_>) -> Done + Send>;
/// A look at what is committed.
pub(super) type Look = Box<dyn FnOnce(Result<&dyn Transaction, StoreError>) + Send>;

/// Called after each COMMIT of this process, before anybody is told of it. It reads what is committed, and writes
/// nothing there.
pub(super) type AfterCommit = Box<dyn FnMut(&dyn Transaction) + Send>;

/// How far a copy has come, in pieces of the same size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// How many are done.
    pub done: u64,
    /// How many there are.
    pub all: u64,
}

/// Told how far a copy has come, from the thread that copies. Where it says false, the copy is given up.
pub type Watcher = Box<dyn Fn(Copied) -> bool + Send + Sync>;

/// A database.
#[async_trait]
pub(super) trait Engine: Send + Sync {
    /// Takes a piece of work to be done. It is acknowledged only after COMMIT, and what it wrote is then on the disk;
    /// when it is not kept, or the commit fails, nothing of it is.
    ///
    /// # Errors
    /// [`StoreError::Closed`], when the server is stopping; the work was not begun then.
    async fn write(&self, work: Work) -> Result<(), StoreError>;

    /// Looks at what is committed.
    ///
    /// # Errors
    /// [`StoreError::Closed`], when the server is stopping.
    async fn read(&self, look: Look) -> Result<(), StoreError>;

    /// Calls this after each COMMIT from now on, in the place of what was called before.
    fn after_commit(&self, call: AfterCommit);

    /// Copies one moment of the database to a new file, while everything goes on, and checks the copy.
    ///
    /// # Errors
    /// [`StoreError`], when the database cannot be read, the file not be written, or the copy is damaged.
    async fn copy_to(&self, path: PathBuf, watch: Watcher) -> Result<(), StoreError>;
    /// What is measured of its commits.
    fn commits(&self) -> &Commits;

    /// How many pieces of work wait to be taken.
    fn queued(&self) -> usize;

    /// Makes the database full at its present size, or lets it grow again: for a test.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    async fn simulate_full_disk(&self, full: bool) -> Result<(), StoreError>;

    /// Finishes what was accepted and closes. Later calls fail with [`StoreError::Closed`].
    async fn close(&self);
}
