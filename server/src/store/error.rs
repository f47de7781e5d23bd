//! Why the store gave no answer.

use crate::domain::refused::Refused;

/// Why the store gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Written by a later version of the server.
    #[error("the database was written by a newer version of countersign: install that version or restore a backup")]
    Newer,
    /// Written by an earlier version of the server.
    #[error("the database is of an earlier version of countersign, and only an upgrade changes that")]
    Older,
    /// There is nothing in it, although a server's database should be.
    #[error("the database is empty")]
    Empty,
    /// The disk is full, read-only or failing. Nothing of the call was kept.
    #[error("the database cannot be written: {0}")]
    Unwritable(String),
    /// The database is not this server's any more. Nothing is acknowledged from then on.
    #[error("the database is lost to this server: {0}")]
    Lost(String),
    /// Not readable as what it should be.
    #[error("the database cannot be read: {0}")]
    Unreadable(String),
    /// The server is stopping.
    #[error("the database is closed")]
    Closed,
}

impl StoreError {
    /// True for what stands in the log since it began ([`super::Health`]), and not again for each call that meets it.
    pub const fn was_told(&self) -> bool {
        matches!(self, Self::Unwritable(_) | Self::Lost(_))
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        if !error.was_told() {
            tracing::error!(%error, "the store gave no answer");
        }
        Self::StoreUnavailable
    }
}
