//! The tour on the page: what there is to try, in an order that works, each step done once it has really happened.

use crate::changes::Changes;
use crate::error::DemoError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the tour is remembered between runs.
const FILE: &str = "tour.json";

/// A step of the tour. The order works: no step stands in the way of a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TourStep {
    /// A phone was enrolled.
    Scan,
    /// A YES was signed and claimed.
    Yes,
    /// A NO stopped a sign-in.
    No,
    /// A number was carried over to the phone.
    Number,
    /// Of two sign-ins at one time, the stranger's was refused.
    TwoAtOnce,
    /// A code of the phone signed in.
    Code,
    /// A backup code signed in.
    BackupCode,
    /// An answer on one phone took the question from the other.
    SecondPhone,
    /// A report stopped the prompts, and the help desk let them through again.
    Report,
    /// The limit of prompts was met, and lifted.
    Limit,
}

/// Which steps were done.
#[derive(Clone)]
pub(super) struct Tour {
    path: PathBuf,
    done: Arc<Mutex<BTreeSet<TourStep>>>,
    changes: Changes,
}

impl Tour {
    /// What was done in earlier runs. A file that cannot be read begins the tour again: nothing else hangs on it.
    pub fn open(data: &Path, changes: Changes) -> Self {
        let path = data.join(FILE);
        let read = std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
        Self { path, done: Arc::new(Mutex::new(read.unwrap_or_default())), changes }
    }

    pub fn done(&self) -> BTreeSet<TourStep> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It has happened.
    pub fn tick(&self, step: TourStep) {
        let done = {
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            if !done.insert(step) {
                return;
            }
            done.clone()
        };
        if let Err(error) = self.write(&done) {
            tracing::warn!(%error, "the demo's tour begins again at the next start");
        }
        self.changes.notify();
    }

    fn write(&self, done: &BTreeSet<TourStep>) -> Result<(), DemoError> {
        let text = serde_json::to_string(done).map_err(|error| DemoError::System(error.to_string()))?;
        Ok(private_file::replace(&self.path, text.as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_known_after_a_restart_and_a_spoilt_file_begins_again() {
        let folder = tempfile::tempdir().unwrap();
        let tour = Tour::open(folder.path(), Changes::new());
        tour.tick(TourStep::Number);
        tour.tick(TourStep::Scan);
        let again = Tour::open(folder.path(), Changes::new());
        assert_eq!(again.done().into_iter().collect::<Vec<_>>(), [TourStep::Scan, TourStep::Number]);
        std::fs::write(folder.path().join(FILE), "[\"sc").unwrap();
        assert!(Tour::open(folder.path(), Changes::new()).done().is_empty());
    }
}
