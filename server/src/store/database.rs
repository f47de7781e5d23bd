//! The store of one server, over an engine.

use super::engine::sqlite::Sqlite;
use super::engine::value::values;
use super::engine::{Done, Engine, Look, Transaction, Work};
use super::health::Health;
use super::inspected::Inspected;
use super::{Rules, StoreError, journal};
use countersign_protocol::time::{Clock, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The store of one server.
pub struct Store {
    pub(super) engine: Box<dyn Engine>,
    /// Whether the database can be worked with.
    pub health: Arc<Health>,
    pub(super) rules: Rules,
    /// Names this process in the leases that it takes.
    pub(super) process: String,
}

/// How long a process has what it has taken out of a queue to be sent: longer than any attempt lasts. Then another may.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// The name of SQLite's file in a server's folder.
pub const DATABASE_FILE: &str = "countersign.db";

/// Which database a store is in.
#[derive(Debug, Clone)]
pub enum Place {
    /// SQLite, in this file. It is made where there is none.
    File(PathBuf),
    /// SQLite, in this file, which holds a server's database already, of this version: one that is empty or of another
    /// version is refused, and left as it is.
    KnownFile(PathBuf),
}

impl Place {
    /// The same place, where a server's database must be already.
    pub fn known(self) -> Self {
        match self {
            Self::File(path) | Self::KnownFile(path) => Self::KnownFile(path),
        }
    }
}

/// A kind of database that a store can be in.
#[derive(Debug, Clone, Copy)]
pub struct EngineKind {
    /// What people call it.
    pub name: &'static str,
    /// The place of a new database for the server whose folder this is.
    pub place: fn(&Path) -> Place,
}

/// Every kind that there is. The conformance suite, the model, the simulation and its mutants run on each: another
/// engine joins the list, and no test changes.
pub const ENGINES: [EngineKind; 1] =
    [EngineKind { name: "SQLite", place: |folder| Place::File(folder.join(DATABASE_FILE)) }];

impl Store {
    /// Opens a database. In [`Place::File`], an older one is brought up to date, without a copy.
    ///
    /// # Errors
    /// [`StoreError`], when the database cannot be opened or brought up to date, and [`StoreError::Older`] for an older
    /// one in [`Place::KnownFile`]; it is left as it is.
    pub fn open(place: &Place, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::open_with_rules(place, clock, Rules::RIGHT)
    }

    /// As [`Store::open`], under other rules: for the simulation, which must notice every broken one.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub fn open_with_rules(place: &Place, clock: Arc<dyn Clock>, rules: Rules) -> Result<Self, StoreError> {
        let process = format!("{} since {}", std::process::id(), clock.now().millis());
        let health = Arc::new(Health::default());
        let engine: Box<dyn Engine> = match place {
            Place::File(path) => Box::new(Sqlite::open(path, clock, Arc::clone(&health))?),
            Place::KnownFile(path) => Box::new(Sqlite::open_known(path, clock, Arc::clone(&health))?),
        };
        Ok(Self { engine, health, rules, process })
    }

    /// The version of the schema that this program works with.
    pub fn newest_schema() -> u32 {
        Sqlite::NEWEST_SCHEMA
    }

    /// How large the database in this place is, in bytes, with what is not yet in its own file.
    pub fn size((Place::File(path) | Place::KnownFile(path)): &Place) -> u64 {
        Sqlite::files(path).iter().filter_map(|file| Some(std::fs::metadata(file).ok()?.len())).sum()
    }

    /// Copies the database in this place to a new file, as it is at one moment, and checks the copy.
    ///
    /// # Errors
    /// [`StoreError`], when it cannot be read, or the copy cannot be written; there is none then.
    pub fn copy((Place::File(path) | Place::KnownFile(path)): &Place, to: &Path) -> Result<(), StoreError> {
        Sqlite::copy(path, to)
    }

    /// Removes a copy that is not needed any more, and what was left beside it; one that is not there is nothing.
    pub fn remove_copy(path: &Path) {
        for file in Sqlite::files(path) {
            // Where it cannot be removed, the next copy cannot be made, and says so.
            drop(std::fs::remove_file(file));
        }
    }

    /// Brings the database of an earlier version in this place up to date, each step in a transaction of its own.
    ///
    /// # Errors
    /// [`StoreError`]; the steps before the one that failed are taken then.
    pub fn upgrade((Place::File(path) | Place::KnownFile(path)): &Place) -> Result<(), StoreError> {
        Sqlite::upgrade(path)
    }

    /// What is in this place, without a change to it; none where there is nothing.
    ///
    /// # Errors
    /// [`StoreError`], when what is there is not a database that this version reads.
    pub fn inspect(place: &Place) -> Result<Option<Inspected>, StoreError> {
        match place {
            Place::File(path) | Place::KnownFile(path) => Sqlite::inspect(path),
        }
    }

    /// Runs `work` in a transaction, with the time read in it, and returns once it is durable. When `work` fails,
    /// nothing of it is kept.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Transaction, Timestamp) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let health = Arc::clone(&self.health);
        let work: Work = Box::new(move |opened| {
            let result = opened.and_then(|(transaction, now)| work(transaction, now));
            if let Err(error) = &result {
                health.note(error);
            }
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

    /// Runs `look` on what is committed. Outside of the store, only tests do: statements stand nowhere else.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer or `look` fails.
    #[doc(hidden)]
    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let health = Arc::clone(&self.health);
        let look: Look = Box::new(move |opened| {
            let result = opened.and_then(look);
            if let Err(error) = &result {
                health.note(error);
            }
            // Whoever asked may have gone.
            let _ = answer.send(result);
        });
        self.engine.read(look).await?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Looks after the database: whether it is still this server's, and, after a write that was not kept, whether as
    /// much as any request writes is kept again.
    pub async fn look_after(&self) {
        // What is found is noted where it is found.
        let _ = match self.health.trouble() {
            None => match self.health.look() {
                Ok(()) => self.read(|_| Ok(())).await,
                lost => lost,
            },
            Some(StoreError::Unwritable(_)) => self.try_to_write().await,
            Some(_) => Ok(()),
        };
    }

    /// Writes more than a request does, and removes it again.
    async fn try_to_write(&self) -> Result<(), StoreError> {
        const MORE_THAN_A_REQUEST: usize = 256 * 1024;
        self.write(|tx, _| {
            let sql = "INSERT INTO setting (name, value) VALUES ('room', $1)
                       ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            tx.execute(sql, values![vec![0_u8; MORE_THAN_A_REQUEST]])
        })
        .await?;
        self.write(|tx, _| tx.execute("DELETE FROM setting WHERE name = 'room'", &[])).await?;
        self.health.note_writable();
        Ok(())
    }

    /// Ends every lease of a push or an event, so that what a process had taken that is no more is sent at once. Only
    /// for a process that knows itself to be alone with the database.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn release_leases(&self) -> Result<(), StoreError> {
        self.write(|tx, _| {
            for table in ["push", "webhook_event"] {
                let sql = format!(
                    "UPDATE {table} SET leased_by = NULL, leased_until = NULL
                     WHERE state = 'queued' AND leased_until IS NOT NULL"
                );
                tx.execute(&sql, &[])?;
            }
            Ok(())
        })
        .await
    }

    /// Makes due at once what waits for another attempt, and ends the leases that lie further ahead than any lasts: for
    /// a clock that went back. Otherwise both would wait until it has come as far again.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn send_what_waits(&self) -> Result<(), StoreError> {
        self.write(|tx, now| {
            for table in ["push", "webhook_event"] {
                let sql = format!("UPDATE {table} SET due_at = $1 WHERE state = 'queued' AND due_at > $1");
                tx.execute(&sql, values![now])?;
                let sql = format!(
                    "UPDATE {table} SET leased_by = NULL, leased_until = NULL
                     WHERE state = 'queued' AND leased_until > $1"
                );
                tx.execute(&sql, values![now + LEASE * 2])?;
            }
            Ok(())
        })
        .await
    }

    /// The moment of the latest line in the journal, by the clock of that time; none in a new database.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn latest_moment(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(journal::last_line_at).await
    }

    /// Finishes what was accepted and closes. Later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Makes the database full at its present size, so that a test can see what happens then.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    #[doc(hidden)]
    pub async fn simulate_full_disk(&self, full: bool) -> Result<(), StoreError> {
        self.engine.simulate_full_disk(full).await
    }
}
