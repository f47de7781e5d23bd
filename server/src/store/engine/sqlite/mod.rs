//! SQLite: one file, one writer thread that commits in groups, and readers beside it.

mod connection;
mod readers;
mod schema;
mod writer;

use super::{Engine, Look, Work};
use crate::store::StoreError;
use async_trait::async_trait;
use countersign_protocol::time::Clock;
use readers::Readers;
use std::path::Path;
use std::sync::Arc;
use writer::Writer;

pub(in crate::store) use connection::Statements;

/// A database in a file.
pub(in crate::store) struct Sqlite {
    writer: Writer,
    readers: Readers,
}

impl Sqlite {
    /// Opens the database at `path`, makes it where there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// [`StoreError`]; the file is left as it is.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let named = |error| match error {
            StoreError::Unreadable(reason) => StoreError::Unreadable(format!("{}: {reason}", path.display())),
            other => other,
        };
        let mut connection = connection::open(path).map_err(named)?;
        schema::migrate(&mut connection).map_err(named)?;
        Ok(Self { writer: Writer::start(connection, clock)?, readers: Readers::new(path) })
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

    async fn close(&self) {
        self.writer.close().await;
    }
}
