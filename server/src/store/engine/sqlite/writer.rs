//! The one writer: a thread that takes what has queued up, runs each piece in a SAVEPOINT of one transaction, commits
//! once, and only then answers.
//!
//! The more there is to do, the larger the groups become, and the fewer times the disk is waited for.

use super::connection::Statements;
use super::schema;
use crate::domain::measure::Commits;
use crate::store::engine::{Acknowledge, AfterCommit, Done, Work};
use crate::store::{Health, StoreError};
use countersign_protocol::time::{Clock, Timestamp};
use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::mpsc;

/// The most pieces of work in one commit, so that the first of them does not wait long for the last.
const MAX_GROUP: usize = 256;
/// How many pieces of work may queue up before callers wait.
const QUEUE_LENGTH: usize = 4096;

pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Work>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    after: AfterEachCommit,
    commits: Arc<Commits>,
}

/// What is called after each commit, once something is.
type AfterEachCommit = Arc<Mutex<Option<AfterCommit>>>;

impl Writer {
    pub fn start(connection: Connection, clock: Arc<dyn Clock>, health: Arc<Health>) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        let (after, commits) = (AfterEachCommit::default(), Arc::<Commits>::default());
        let committer =
            Committer { connection, clock, health, after: Arc::clone(&after), commits: Arc::clone(&commits) };
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || committer.run_until_closed(receiver))
            .map_err(|error| StoreError::Unwritable(error.to_string()))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)), after, commits })
    }

    pub fn after_commit(&self, call: AfterCommit) {
        *self.after.lock().unwrap_or_else(PoisonError::into_inner) = Some(call);
    }

    pub async fn take(&self, work: Work) -> Result<(), StoreError> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        queue.ok_or(StoreError::Closed)?.send(work).await.map_err(|_| StoreError::Closed)
    }

    pub fn commits(&self) -> &Commits {
        &self.commits
    }

    pub fn queued(&self) -> usize {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    pub async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread ends once the queue is empty; a panic in it has been reported by its own message.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// Closes a connection. SQLite then removes the files beside the database by their names, which may be those of another
/// database by now: one that is lost is left to the end of the process.
pub(super) fn leave(connection: Connection, health: &Health) {
    if health.look().is_err() {
        std::mem::forget(connection);
    }
}

/// Runs a statement that is the same every time.
fn run(connection: &Connection, sql: &'static str) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.execute(())?;
    Ok(())
}

/// Does a piece of work in a SAVEPOINT, so that one that fails takes back only itself.
fn in_savepoint(connection: &Connection, now: Timestamp, work: Work) -> Acknowledge {
    if let Err(error) = run(connection, "SAVEPOINT work") {
        return work(Err(error)).acknowledge;
    }
    let Done { keep, acknowledge } = work(Ok((&Statements(connection), now)));
    let ended = if keep { Ok(()) } else { run(connection, "ROLLBACK TO work") };
    match ended.and_then(|()| run(connection, "RELEASE work")) {
        Ok(()) => acknowledge,
        Err(error) => Box::new(move |committed| acknowledge(committed.and(Err(error)))),
    }
}

/// Ends the process when the writer panics: a server that can write nothing must not look alive. What was acknowledged
/// is durable, and whoever supervises the process starts it again.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// What the writer's thread works with.
struct Committer {
    connection: Connection,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    commits: Arc<Commits>,
    after: AfterEachCommit,
}

impl Committer {
    fn run_until_closed(self, mut queue: mpsc::Receiver<Work>) {
        let _guard = AbortOnPanic;
        while let Some(first) = queue.blocking_recv() {
            let mut group = vec![first];
            while group.len() < MAX_GROUP {
                match queue.try_recv() {
                    Ok(next) => group.push(next),
                    Err(_) => break,
                }
            }
            self.commit(group);
        }
        leave(self.connection, &self.health);
    }

    /// Does what has queued up in one transaction, and answers once it is committed.
    fn commit(&self, group: Vec<Work>) {
        let Self { connection, clock, health, .. } = self;
        let pieces = group.len();
        let begun = health.check_not_lost().and_then(|()| run(connection, "BEGIN IMMEDIATE"));
        let mut transaction = begun.and_then(|()| schema::check_unchanged(connection));
        let mut acknowledgements = Vec::with_capacity(group.len());
        for work in group {
            acknowledgements.push(match &transaction {
                Ok(()) => in_savepoint(connection, clock.now(), work),
                Err(error) => work(Err(error.clone())).acknowledge,
            });
            // A full disk makes SQLite roll back everything at once. What follows must not run outside a transaction.
            if transaction.is_ok() && connection.is_autocommit() {
                transaction = Err(StoreError::Unwritable("the transaction was rolled back".into()));
            }
        }
        let committed = self.finish(transaction, pieces);
        if committed.is_ok()
            && let Some(call) = &mut *self.after.lock().unwrap_or_else(PoisonError::into_inner)
        {
            call(&Statements(connection));
        }
        for acknowledge in acknowledgements {
            acknowledge(committed.clone());
        }
    }

    /// Commits, or leaves nothing behind.
    fn finish(&self, transaction: Result<(), StoreError>, pieces: usize) -> Result<(), StoreError> {
        let Self { connection, clock, health, commits, .. } = self;
        let waited = clock.since_boot();
        // Last, whether the file that has it is still the one that the next start will open: only then it is
        // acknowledged.
        let committed = transaction.and_then(|()| run(connection, "COMMIT")).and_then(|()| health.look());
        match &committed {
            Ok(()) => {
                commits.pieces.take_number(pieces);
                if let (Some(waited), Some(ended)) = (waited, clock.since_boot()) {
                    commits.seconds.take(ended.saturating_sub(waited));
                }
            }
            Err(failed) => {
                health.note(failed);
                if !connection.is_autocommit()
                    && let Err(error) = run(connection, "ROLLBACK")
                {
                    tracing::error!(%error, "the database did not roll back");
                }
            }
        }
        committed
    }
}
