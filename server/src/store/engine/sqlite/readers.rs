//! Read-only connections, kept and reused, each on a thread that may block.

use super::connection::{self, Statements};
use super::schema;
use super::writer::leave;
use crate::store::engine::Look;
use crate::store::{Health, StoreError};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// The most connections, and so the most reads at one time; others wait for a place.
const MAX_CONNECTIONS: usize = 16;

pub(super) struct Readers {
    path: PathBuf,
    health: Arc<Health>,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Semaphore,
}

impl Readers {
    pub fn new(path: &Path, health: Arc<Health>) -> Self {
        Self { path: path.to_owned(), health, idle: Arc::default(), places: Semaphore::new(MAX_CONNECTIONS) }
    }

    pub async fn take(&self, look: Look) -> Result<(), StoreError> {
        let _place = self.places.acquire().await.map_err(|_| StoreError::Closed)?;
        let (path, health, idle) = (self.path.clone(), Arc::clone(&self.health), Arc::clone(&self.idle));
        let read = move || {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let opened = health.check_not_lost().and_then(|()| kept.map_or_else(|| connection::open_reader(&path), Ok));
            match opened {
                Ok(connection) => {
                    match schema::check_unchanged(&connection) {
                        Ok(()) => look(Ok(&Statements(&connection))),
                        Err(error) => look(Err(error)),
                    }
                    idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                }
                Err(error) => look(Err(error)),
            }
        };
        tokio::task::spawn_blocking(read).await.map_err(|_| StoreError::Closed)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        for connection in self.idle.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            leave(connection, &self.health);
        }
    }
}
