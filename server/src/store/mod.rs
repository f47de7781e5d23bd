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
mod engine;
mod enrolments;
mod organisations;
mod prompts;
mod pushes;
mod registrations;
mod rules;
mod settings;
mod settlements;
mod webhooks;

pub use accounts::Account;
pub use authenticators::{AuthenticatorRecord, Confirming};
pub use challenges::{Asked, ChallengeRecord, Created, NewChallenge, Recipient};
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

use crate::domain::refused::Refused;
use countersign_protocol::time::{Clock, Timestamp};
use engine::sqlite::Sqlite;
use engine::{Done, Engine, Look, Transaction, Work};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::oneshot;

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

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store gave no answer");
        Self::StoreUnavailable
    }
}

/// The store of one server.
pub struct Store {
    engine: Box<dyn Engine>,
    rules: Rules,
}

/// Which database a store is in.
#[derive(Debug, Clone)]
pub enum Place {
    /// SQLite, in this file. It is made where there is none.
    File(PathBuf),
}

impl Store {
    /// Opens a database, and brings an older one up to date.
    ///
    /// # Errors
    /// [`StoreError`]; the database is left as it is.
    pub fn open(place: &Place, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::open_with_rules(place, clock, Rules::RIGHT)
    }

    /// As [`Store::open`], under other rules: for the simulation, which must notice every broken one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_with_rules(place: &Place, clock: Arc<dyn Clock>, rules: Rules) -> Result<Self, StoreError> {
        let engine: Box<dyn Engine> = match place {
            Place::File(path) => Box::new(Sqlite::open(path, clock)?),
        };
        Ok(Self { engine, rules })
    }

    /// Runs `work` in a transaction, with the time read in it, and returns once it is durable. When `work` fails, nothing of
    /// it is kept.
    async fn transact<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Transaction, Timestamp) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |opened| {
            let result = opened.and_then(|(transaction, now)| work(transaction, now));
            let keep = result.is_ok();
            let acknowledge = move |committed: Result<(), StoreError>| {
                // Whoever asked may have gone; the work is done all the same.
                let _ = answer.send(result.and_then(|done| committed.map(|()| done)));
            };
            Done { keep, acknowledge: Box::new(acknowledge) }
        });
        self.engine.write(work).await?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs `look` on what is committed.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let look: Look = Box::new(move |opened| {
            // Whoever asked may have gone.
            let _ = answer.send(opened.and_then(look));
        });
        self.engine.read(look).await?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// [`Store::transact`] for what still speaks to SQLite itself.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, Timestamp) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.transact(move |transaction, now| work(transaction.connection(), now)).await
    }

    /// [`Store::look`] for what still speaks to SQLite itself.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.look(move |transaction| work(transaction.connection())).await
    }

    /// Finishes what was accepted and closes. Later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.engine.close().await;
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
