//! Read-only connections, kept and reused, each on a thread that may block.

use super::connection::{self, Statements};
use crate::store::StoreError;
use crate::store::engine::Look;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// The most connections, and so the most reads at one time; others wait for a place.
const MAX_CONNECTIONS: usize = 16;

pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Semaphore,
}

impl Readers {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Arc::default(), places: Semaphore::new(MAX_CONNECTIONS) }
    }

    pub async fn take(&self, look: Look) -> Result<(), StoreError> {
        let _place = self.places.acquire().await.map_err(|_| StoreError::Closed)?;
        let (path, idle) = (self.path.clone(), Arc::clone(&self.idle));
        let read = move || {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match kept.map_or_else(|| connection::open_reader(&path), Ok) {
                Ok(connection) => {
                    look(Ok(&Statements(&connection)));
                    idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                }
                Err(error) => look(Err(error)),
            }
        };
        tokio::task::spawn_blocking(read).await.map_err(|_| StoreError::Closed)
    }
}
