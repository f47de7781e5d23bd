//! The recovery journal: what a database that is restored from a backup must not forget, in files outside of it.
//!
//! It is told after each COMMIT and before anybody else is: what was revoked, spent, claimed and reported, and how high
//! the certificates have come. The lines are taken from the journal in the database by their numbers, so that what a
//! crash has kept from being written is written at the next start, whichever process wrote it. A restore replays the
//! lines that are newer than the backup (`replay.rs`).

mod files;
mod line;
mod replay;
pub(super) mod state;

pub use files::{Broken, Found, Writer};
pub use line::Line;
pub use replay::{Recovered, Recovery};

use super::engine::value::values;
use super::{Store, StoreError};
use countersign_protocol::key::Thumbprint;
use files::Files;
use state::RecoveryState;
use std::path::{Path, PathBuf};

/// The most lines that are looked at before they are written.
const PIECE: usize = 1000;

impl Store {
    /// Keeps a recovery journal in this folder from now on, beginning with what it lacks. Every process that writes to
    /// the database does.
    ///
    /// # Errors
    /// [`StoreError::RecoveryJournal`] when it cannot be written, or is another server's.
    pub async fn keep_recovery_journal(
        &self,
        folder: PathBuf,
        server: &Thumbprint,
        who: Writer,
    ) -> Result<(), StoreError> {
        let state = RecoveryState::default();
        let mut files = Files::open(&folder, server.as_str(), who)?;
        let told = state.clone();
        let mut seen = files.last_row();
        self.engine.after_commit(Box::new(move |tx| {
            let written = loop {
                match line::after(tx, seen, files.last_row(), PIECE) {
                    Err(error) => break Err(error),
                    Ok(lines) if lines.seen == seen => break Ok(()),
                    Ok(lines) => match files.append(&lines.lines) {
                        Ok(()) => seen = lines.seen,
                        Err(error) => break Err(error),
                    },
                }
            };
            told.keep(&folder, written);
        }));
        // Has the writer look at once, at what it lacks.
        self.write(|_, _| Ok(())).await?;
        match state.trouble() {
            None => {
                // Whoever calls this twice goes on with the first; both tell of the same files.
                let _ = self.recovery.set(state);
                Ok(())
            }
            Some(trouble) => Err(trouble),
        }
    }

    /// Why the recovery journal cannot be written now; none while all is well, or where none is kept.
    pub fn recovery_trouble(&self) -> Option<StoreError> {
        self.recovery.get().and_then(RecoveryState::trouble)
    }

    /// The number of the last line of the database's journal that the recovery journal has too.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn last_recovery_row(&self) -> Result<i64, StoreError> {
        self.read(|tx| {
            let sql = "SELECT row_id, fact, reason FROM journal WHERE row_id < $1 ORDER BY row_id DESC LIMIT 1000";
            let mut before = i64::MAX;
            loop {
                let rows = tx.rows("journal", sql, values![before])?;
                for row in &rows {
                    before = row.get("row_id")?;
                    if line::is_kept(&row.get::<String>("fact")?, row.get::<Option<String>>("reason")?.as_deref()) {
                        return Ok(before);
                    }
                }
                if rows.is_empty() {
                    return Ok(0);
                }
            }
        })
        .await
    }
}

/// Reads a recovery journal: the lines that can be read, and what is wrong with the others.
///
/// # Errors
/// [`StoreError::RecoveryJournal`] when there is none, or it is another server's.
pub fn read(folder: &Path, server: &str) -> Result<Found, StoreError> {
    files::read(folder, server)
}

/// Removes the files of a recovery journal that hold only lines from before this moment. The last one stays.
///
/// # Errors
/// [`StoreError`], when a file cannot be read or removed.
pub fn forget(folder: &Path, before: countersign_protocol::time::Timestamp) -> Result<usize, StoreError> {
    files::forget(folder, before)
}
