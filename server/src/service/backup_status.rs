//! How the scheduled backups stand: for whoever asks whether the server is well.

use crate::domain::moment::rfc3339;
use countersign_protocol::time::Timestamp;
use std::sync::{Mutex, PoisonError};

/// How the scheduled backups stand.
#[derive(Debug, Default)]
pub struct BackupStatus(Mutex<Standing>);

#[derive(Debug, Default, Clone)]
struct Standing {
    last_good: Option<Timestamp>,
    failure: Option<String>,
}

impl BackupStatus {
    fn read(&self) -> Standing {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When the last good scheduled backup was made, by the server's clock; none where there is none.
    pub fn last_good(&self) -> Option<Timestamp> {
        self.read().last_good
    }

    /// One was made at this moment.
    pub fn succeeded(&self, at: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Standing { last_good: Some(at), failure: None };
    }

    /// One could not be made; true when that is news.
    pub fn failed(&self, reason: String) -> bool {
        let mut standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = standing.failure.as_ref() != Some(&reason);
        standing.failure = Some(reason);
        news
    }

    /// What the operator has to do, in a sentence; none while all is well.
    pub fn warning(&self) -> Option<String> {
        let Standing { last_good, failure } = self.read();
        let last = last_good.map_or_else(
            || "There is no good one".into(),
            |at| format!("The last good one was made at {}", rfc3339(at)),
        );
        failure.map(|reason| format!("the scheduled backup fails: {reason}. {last}"))
    }
}
