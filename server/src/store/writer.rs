//! The one writer: a thread that takes what has queued up, runs each piece in a SAVEPOINT of one transaction, commits
//! once, and only then answers.
//!
//! The more there is to do, the larger the groups become, and the fewer times the disk is waited for.

use super::StoreError;
use countersign_protocol::time::{Clock, Timestamp};
use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// The most pieces of work in one commit, so that the first of them does not wait long for the last.
const MAX_GROUP: usize = 256;
/// How many pieces of work may queue up before callers wait.
const QUEUE_LENGTH: usize = 4096;

/// Sends a piece of work's result to its caller, once it is known whether the group was committed.
type Acknowledge = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// The open transaction, or why there is none.
type Transaction<'a> = Result<(&'a Connection, Timestamp), StoreError>;
/// A piece of work: done inside the transaction, acknowledged after it.
type Work = Box<dyn FnOnce(Transaction<'_>) -> Acknowledge + Send>;

pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Work>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub fn start(connection: Connection, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_until_closed(&connection, &*clock, receiver))
            .map_err(|error| StoreError::Unwritable(error.to_string()))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, Timestamp) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |transaction| {
            let result =
                transaction.and_then(|(connection, now)| in_savepoint(connection, |connection| work(connection, now)));
            Box::new(move |committed| {
                // Whoever asked may have gone; the work is done all the same.
                let _ = answer.send(result.and_then(|done| committed.map(|()| done)));
            })
        });
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        queue.ok_or(StoreError::Closed)?.send(work).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
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

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT work")?;
    let result = work(connection);
    if result.is_err() {
        connection.execute_batch("ROLLBACK TO work")?;
    }
    connection.execute_batch("RELEASE work")?;
    result
}

/// Ends the process when the writer panics: a server that can write nothing must not look alive. What was acknowledged is
/// durable, and whoever supervises the process starts it again.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

fn write_until_closed(connection: &Connection, clock: &dyn Clock, mut queue: mpsc::Receiver<Work>) {
    let _guard = AbortOnPanic;
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while group.len() < MAX_GROUP {
            match queue.try_recv() {
                Ok(next) => group.push(next),
                Err(_) => break,
            }
        }
        commit_group(connection, clock, group);
    }
}

fn commit_group(connection: &Connection, clock: &dyn Clock, group: Vec<Work>) {
    let mut transaction = connection.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::from);
    let mut acknowledgements = Vec::with_capacity(group.len());
    for work in group {
        acknowledgements.push(work(transaction.clone().map(|()| (connection, clock.now()))));
        // A full disk makes SQLite roll back everything at once. What follows must not run outside a transaction.
        if transaction.is_ok() && connection.is_autocommit() {
            transaction = Err(StoreError::Unwritable("the transaction was rolled back".into()));
        }
    }
    let committed = transaction.and_then(|()| connection.execute_batch("COMMIT").map_err(StoreError::from));
    if let Err(failed) = &committed {
        tracing::error!(%failed, "the database did not commit");
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the database did not roll back");
        }
    }
    for acknowledge in acknowledgements {
        acknowledge(committed.clone());
    }
}
