//! Whether the database can be worked with. One place knows, and says each change once, however many requests meet it.

use super::StoreError;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// What tells one file from another of the same name, and from its copy.
type Identity = (u64, u64);

/// A file that must stay the one that it is.
struct Guarded {
    path: PathBuf,
    /// What was there when it was first seen; none while it was not yet.
    seen: Option<Identity>,
}

/// Whether the database can be worked with.
#[derive(Default)]
pub struct Health {
    trouble: Mutex<Option<StoreError>>,
    guarded: Mutex<Vec<Guarded>>,
    lost: CancellationToken,
}

#[cfg(unix)]
fn identity(file: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// Where files have no number, the moment of their making stands for it.
#[cfg(not(unix))]
fn identity(file: &Metadata) -> Identity {
    let made = file.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    made.map_or((0, 0), |at| (at.as_secs(), at.subsec_nanos().into()))
}

/// The file that has this name now.
fn now_there(path: &Path) -> std::io::Result<Option<Identity>> {
    match std::fs::metadata(path) {
        Ok(file) => Ok(Some(identity(&file))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Guarded {
    fn look(&mut self) -> Result<(), StoreError> {
        let name = || self.path.display().to_string();
        let there = now_there(&self.path).map_err(|error| StoreError::Unwritable(format!("{}: {error}", name())))?;
        match (self.seen, there) {
            (None, _) => self.seen = there,
            (Some(_), None) => return Err(StoreError::Lost(format!("{} was deleted or moved away", name()))),
            (Some(seen), Some(there)) if seen != there => {
                return Err(StoreError::Lost(format!("{} was replaced by another file", name())));
            }
            (Some(_), Some(_)) => {}
        }
        Ok(())
    }
}

impl Health {
    fn trouble_now(&self) -> MutexGuard<'_, Option<StoreError>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this file must stay the one that it is; one that is not there yet, the one that it will be.
    pub fn guard(&self, path: PathBuf) {
        let seen = now_there(&path).ok().flatten();
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner).push(Guarded { path, seen });
    }

    /// Looks whether every guarded file is still the one that it was. That costs a system call for each, some
    /// microseconds in all.
    ///
    /// # Errors
    /// [`StoreError::Lost`], from the first time on for ever.
    pub fn look(&self) -> Result<(), StoreError> {
        self.check_not_lost()?;
        self.look_at_each().inspect_err(|error| self.take(error))
    }

    fn look_at_each(&self) -> Result<(), StoreError> {
        let mut guarded = self.guarded.lock().unwrap_or_else(PoisonError::into_inner);
        guarded.iter_mut().try_for_each(Guarded::look)
    }

    /// Fails once the database is lost.
    ///
    /// # Errors
    /// [`StoreError::Lost`].
    pub fn check_not_lost(&self) -> Result<(), StoreError> {
        match self.lost.is_cancelled().then(|| self.trouble()).flatten() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Hears of a failure. What changes by it is said in the log, this once.
    ///
    /// A database that was deleted shows itself to SQLite as one that cannot be written or read, which may pass. So the
    /// files are looked at before that is believed: a loss does not pass, and ends the server.
    pub fn note(&self, error: &StoreError) {
        let found = matches!(error, StoreError::Unwritable(_)).then(|| self.look_at_each().err()).flatten();
        self.take(found.as_ref().unwrap_or(error));
    }

    fn take(&self, error: &StoreError) {
        let mut trouble = self.trouble_now();
        match (error, &*trouble) {
            (StoreError::Unwritable(_), None) => {
                tracing::error!(%error, "what has to be kept is refused, until a line says otherwise");
                *trouble = Some(error.clone());
            }
            (StoreError::Lost(_), None | Some(StoreError::Unwritable(_))) => {
                tracing::error!(%error, "nothing is acknowledged any more, and this server stops");
                *trouble = Some(error.clone());
                self.lost.cancel();
            }
            _ => {}
        }
    }

    /// Hears that the database takes writes.
    pub fn note_writable(&self) {
        let mut trouble = self.trouble_now();
        if matches!(&*trouble, Some(StoreError::Unwritable(_))) {
            *trouble = None;
            tracing::warn!("the database takes writes again");
        }
    }

    /// What stands in the way of work now.
    pub fn trouble(&self) -> Option<StoreError> {
        self.trouble_now().clone()
    }

    /// True once the database is lost to this process.
    pub fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Completes when the database is lost to this process, and says how.
    pub async fn lost(&self) -> StoreError {
        self.lost.cancelled().await;
        // It is set before, and never taken back.
        self.trouble().unwrap_or(StoreError::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwritable(reason: &str) -> StoreError {
        StoreError::Unwritable(reason.into())
    }

    #[test]
    fn a_file_that_goes_or_is_replaced_is_noticed_for_ever() {
        for replaced in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("countersign.db");
            let health = Health::default();
            health.guard(path.clone());
            health.look().unwrap();
            std::fs::write(&path, "one").unwrap();
            health.look().unwrap();
            std::fs::write(&path, "more in the same one").unwrap();
            health.look().unwrap();
            let kept = folder.path().join("kept");
            std::fs::rename(&path, &kept).unwrap();
            if replaced {
                std::fs::copy(&kept, &path).unwrap();
            }
            let lost = health.look().unwrap_err();
            assert_eq!(lost.to_string().contains("replaced"), replaced, "{lost}");
            std::fs::rename(&kept, &path).unwrap();
            assert!(matches!(health.look(), Err(StoreError::Lost(_))), "what was written meanwhile is elsewhere");
        }
    }

    #[test]
    fn what_sqlite_cannot_write_because_it_is_gone_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("countersign.db");
        std::fs::write(&path, "one").unwrap();
        let health = Health::default();
        health.guard(path.clone());
        health.note(&unwritable("disk I/O error"));
        assert!(!health.is_lost(), "it is there");
        std::fs::remove_file(&path).unwrap();
        health.note(&unwritable("disk I/O error"));
        assert!(health.is_lost());
    }

    #[test]
    fn trouble_lasts_until_a_write_is_kept_and_a_loss_for_ever() {
        let health = Health::default();
        health.note(&StoreError::Unreadable("one row".into()));
        assert!(health.trouble().is_none(), "of one row");
        health.note(&unwritable("full"));
        health.note(&unwritable("another"));
        assert!(health.trouble().unwrap().to_string().contains("full") && health.check_not_lost().is_ok());
        health.note_writable();
        assert!(health.trouble().is_none());
        health.note(&StoreError::Lost("gone".into()));
        health.note_writable();
        assert!(health.check_not_lost().is_err() && health.is_lost());
    }
}
