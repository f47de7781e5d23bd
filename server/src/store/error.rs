//! Why the store gave no answer.

use crate::domain::refused::Refused;

/// Why the store gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Written by a later version of the server.
    #[error("the database was written by a newer version of countersign: install that version or restore a backup")]
    Newer,
    /// There is nothing in it, although a server's database should be.
    #[error("the database is empty")]
    Empty,
    /// The disk is full, read-only or failing. Nothing of the call was kept.
    #[error("the database cannot be written: {0}")]
    Unwritable(String),
    /// Not readable as what it should be.
    #[error("the database cannot be read: {0}")]
    Unreadable(String),
    /// The server is stopping.
    #[error("the database is closed")]
    Closed,
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store gave no answer");
        Self::StoreUnavailable
    }
}
