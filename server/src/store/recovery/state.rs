//! How the recovery journal of a store stands.

use crate::store::StoreError;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// How the recovery journal of a store stands; for whoever tells the operator.
#[derive(Debug, Clone, Default)]
pub struct RecoveryState(Arc<Mutex<Option<StoreError>>>);

impl RecoveryState {
    /// Why lines cannot be written now; none while all is well.
    pub fn trouble(&self) -> Option<StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what came of writing, and says it in the log when it is news.
    pub(super) fn keep(&self, folder: &Path, written: Result<(), StoreError>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = written.err();
        match (&found, &*known) {
            (Some(error), None) => tracing::error!(
                folder = %folder.display(), %error,
                "the recovery journal cannot be written. The server goes on, and writes what is missing once it can; \
                 until then a restore forgets what was revoked meanwhile"
            ),
            (None, Some(_)) => tracing::info!(folder = %folder.display(), "the recovery journal is whole again"),
            _ => {}
        }
        *known = found;
    }
}
