//! SQLite: one file, one writer thread that commits in groups, and readers beside it.

mod connection;
mod copy;
mod inspection;
#[cfg(test)]
mod plans;
mod readers;
mod schema;
mod upgrade;
mod writer;

use super::{AfterCommit, Done, Engine, Look, Watcher, Work};
use crate::domain::measure::Commits;
use crate::store::{Health, Inspected, StoreError};
use async_trait::async_trait;
use countersign_protocol::time::Clock;
use readers::Readers;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::oneshot;
use writer::Writer;

/// A database in a file.
pub(in crate::store) struct Sqlite {
    writer: Writer,
    readers: Readers,
    path: PathBuf,
}

impl Sqlite {
    /// Opens the database at `path`, makes it where there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// [`StoreError`], when the file cannot be opened or brought up to date; it is left as it is.
    pub fn open(path: &Path, clock: Arc<dyn Clock>, health: Arc<Health>) -> Result<Self, StoreError> {
        // SQLite would make it readable for everybody.
        private_file::touch(path).map_err(|error| StoreError::Unwritable(format!("{}: {error}", path.display())))?;
        let opened = connection::open(path).and_then(|mut connection| {
            schema::migrate(&mut connection)?;
            Ok(connection)
        });
        Self::over(path, opened, clock, health)
    }

    /// As [`Sqlite::open`], of a file that holds a database already.
    ///
    /// # Errors
    /// [`StoreError::Empty`] when it holds none, [`StoreError::Older`] for one of an earlier version; the others as
    /// there.
    pub fn open_known(path: &Path, clock: Arc<dyn Clock>, health: Arc<Health>) -> Result<Self, StoreError> {
        Self::over(path, connection::open_known(path), clock, health)
    }

    /// The version of the schema that this program works with.
    pub const NEWEST_SCHEMA: u32 = schema::NEWEST;

    /// As [`crate::store::Store::copy`].
    ///
    /// # Errors
    /// As there.
    pub fn copy(path: &Path, to: &Path) -> Result<(), StoreError> {
        upgrade::copy(path, to).map_err(|error| named(path, error))
    }

    /// As [`crate::store::Store::upgrade`].
    ///
    /// # Errors
    /// As there.
    pub fn upgrade(path: &Path) -> Result<(), StoreError> {
        upgrade::upgrade(path).map_err(|error| named(path, error))
    }

    /// The files of the database at `path`: itself, and those that SQLite keeps beside it while it works.
    pub fn files(path: &Path) -> [PathBuf; 3] {
        upgrade::files(path)
    }

    /// What the file at `path` holds, without a change to it; none where there is no file.
    ///
    /// # Errors
    /// [`StoreError`], when it is not a database that this version reads.
    pub fn inspect(path: &Path) -> Result<Option<Inspected>, StoreError> {
        inspection::inspect(path).map_err(|error| named(path, error))
    }

    /// Looks through a database file that nobody works on.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], with what is damaged.
    pub fn check_whole(path: &Path) -> Result<(), StoreError> {
        copy::check_whole(path)
    }

    fn over(
        path: &Path,
        opened: Result<Connection, StoreError>,
        clock: Arc<dyn Clock>,
        health: Arc<Health>,
    ) -> Result<Self, StoreError> {
        let connection = opened.map_err(|error| named(path, error))?;
        // The two beside it belong to it: without them, what they hold is lost, and another process makes its own.
        for file in upgrade::files(path) {
            health.guard(file);
        }
        let readers = Readers::new(path, Arc::clone(&health));
        Ok(Self { writer: Writer::start(connection, clock, health)?, readers, path: path.to_owned() })
    }
}

/// Says which file it is that cannot be read.
fn named(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Unreadable(reason) => StoreError::Unreadable(format!("{}: {reason}", path.display())),
        other => other,
    }
}

#[async_trait]
impl Engine for Sqlite {
    async fn write(&self, work: Work) -> Result<(), StoreError> {
        self.writer.take(work).await
    }

    async fn read(&self, look: Look) -> Result<(), StoreError> {
        self.readers.take(look).await
    }

    fn after_commit(&self, call: AfterCommit) {
        self.writer.after_commit(call);
    }

    async fn copy_to(&self, path: PathBuf, watch: Watcher) -> Result<(), StoreError> {
        let from = self.path.clone();
        tokio::task::spawn_blocking(move || copy::copy(&from, &path, &watch)).await.map_err(|_| StoreError::Closed)?
    }

    fn commits(&self) -> &Commits {
        self.writer.commits()
    }

    fn queued(&self) -> usize {
        self.writer.queued()
    }

    async fn simulate_full_disk(&self, full: bool) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |opened| {
            let limited = opened.and_then(|(transaction, _)| {
                let pages: i64 = transaction.one_row("page", "PRAGMA page_count", &[])?.get("page_count")?;
                let most = if full { pages } else { 1_000_000_000 };
                transaction.rows("page", &format!("PRAGMA max_page_count = {most}"), &[]).map(drop)
            });
            // Whoever asked may have gone.
            Done { keep: true, acknowledge: Box::new(move |_| drop(answer.send(limited))) }
        });
        self.writer.take(work).await?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    async fn close(&self) {
        self.writer.close().await;
    }
}
