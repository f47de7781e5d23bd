//! The server's store. What is written here is durable when the call returns.
//!
//! One writer thread commits in groups; readers run beside it. Each file below holds the questions about one thing; no
//! SQL stands anywhere else.

mod accounts;
mod authenticators;
mod challenges;
mod claims;
mod codes;
mod devices;
mod enrolments;
mod organisations;
mod prompts;
mod pushes;
mod readers;
mod registrations;
mod rules;
mod schema;
mod settings;
mod settlements;
mod webhooks;
mod writer;

pub use accounts::Account;
pub use authenticators::{AuthenticatorRecord, Confirming};
pub use challenges::{Asked, ChallengeRecord, Created, NewChallenge, Recipient, State};
pub use claims::{Cancelled, Claimed};
pub use codes::{Accepted, Attempt, Begun, Counted, MAX_FAILURES, StoredCodes, ToSettle};
pub use devices::{ActiveDevice, Checked, PendingForDevice};
pub use enrolments::{Confirmed, EnrolmentRecord, Redeemed, RedeemedTicket, TicketAccount};
pub use organisations::{Organisation, RelyingParty};
pub use prompts::{Prompt, Raise};
pub use pushes::{Content, PushOutcome, QueuedPush, Retracted};
pub use registrations::{MadeWith, NewRegistration, Registered, StoredRegistration, StoredVapidKey};
pub use rules::{CLAIM_WINDOW, PROMPT_WINDOW, Rules};
pub use settings::StoredSigningKey;
pub use settlements::{Settled, Settlement};
pub use webhooks::{ChallengeEvent, DeadEvent, DueEvent, EVENT_LIFETIME, EventOutcome, Replayed, WebhookRecord};

use countersign_protocol::time::{Clock, Timestamp};
use readers::Readers;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use writer::Writer;

/// Why the store gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Written by a later version of the server.
    #[error("the database was written by a newer version of countersign: install that version or restore a backup")]
    Newer,
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

/// The store of one server.
pub struct Store {
    writer: Writer,
    readers: Readers,
    rules: Rules,
}

impl Store {
    /// Opens the database at `path`, makes it where there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// [`StoreError`]; the file is left as it is.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::open_with_rules(path, clock, Rules::RIGHT)
    }

    /// As [`Store::open`], under other rules: for the simulation, which must notice every broken one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_with_rules(path: &Path, clock: Arc<dyn Clock>, rules: Rules) -> Result<Self, StoreError> {
        let named = |error| match error {
            StoreError::Unreadable(reason) => StoreError::Unreadable(format!("{}: {reason}", path.display())),
            other => other,
        };
        let mut connection = schema::open(path).map_err(named)?;
        schema::migrate(&mut connection).map_err(named)?;
        Ok(Self { writer: Writer::start(connection, clock)?, readers: Readers::new(path), rules })
    }

    /// Runs `work` in the writer's transaction, with the time read in it, and returns once it is durable. When `work`
    /// fails, nothing of it is kept.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, Timestamp) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(work).await
    }

    /// Runs `work` on a reader.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(work).await
    }

    /// Finishes what was accepted and closes. Later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.writer.close().await;
    }

    /// Makes the database full at its present size, so that a test can see what happens then.
    #[doc(hidden)]
    pub async fn simulate_full_disk(&self, full: bool) -> Result<(), StoreError> {
        self.write(move |connection, _| {
            let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            let most = if full { pages } else { 1_000_000_000 };
            connection.pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))?;
            Ok(())
        })
        .await
    }
}

/// True when exactly one row was changed: the guard of an UPDATE held.
const fn changed_one(rows: usize) -> bool {
    rows == 1
}
