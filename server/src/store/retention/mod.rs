//! Removal by age: what is over goes in small pieces, each a transaction of its own, so that no login waits for it and
//! a kill in the middle loses nothing. How far it has come is what is still there.
//!
//! A piece looks first, beside the writer, for rows that are old enough. The writer then looks at each again and
//! removes it. What still waits is no such row, whatever its age: a question, an approval, a push, an event.

mod ages;
mod journal_end;
mod removals;
#[cfg(test)]
mod tests;

pub use ages::{Ages, KEY_LEAST, OVER_LEAST, PROOF_REMEMBERED};
pub use removals::Removed;

use super::engine::value::values;
use super::{Store, StoreError, journal};
use countersign_protocol::time::Timestamp;

/// How far removal by age has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The moment up to which the clock was believed when this was last kept; none until then.
    pub believed_at: Option<Timestamp>,
    /// When the newest line of the journal was written: the last sign of life that is kept.
    pub last_line_at: Option<Timestamp>,
    /// The number of the last line of the journal that was removed; 0 before the first.
    pub journal_cut_at: i64,
}

impl Store {
    /// Removes one piece of what is older than its age at the moment `at`, and says how many rows that were. Fewer than
    /// [`Removed::piece`] are the last ones for now.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer; nothing of this piece is removed then.
    pub async fn remove_piece(&self, what: Removed, ages: &Ages, at: Timestamp) -> Result<usize, StoreError> {
        let before = at - ages.of(what);
        match what {
            Removed::Proofs => self.remove_proofs(before + PROOF_REMEMBERED).await,
            Removed::Journal => self.remove_lines(before, at).await,
            Removed::Addresses => self.remove_addresses(before, at).await,
            _ => self.remove_rows(what, before).await,
        }
    }

    /// How far removal by age has come.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn retention_progress(&self) -> Result<Progress, StoreError> {
        self.read(|tx| {
            let kept = tx.one_row("retention", "SELECT believed_at, journal_cut_at FROM retention", values![])?;
            Ok(Progress {
                believed_at: kept.get("believed_at")?,
                last_line_at: journal::last_line_at(tx)?,
                journal_cut_at: kept.get("journal_cut_at")?,
            })
        })
        .await
    }

    /// Keeps up to which moment the clock is believed, for the next start.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn keep_believed(&self, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx, _| tx.execute("UPDATE retention SET believed_at = $1", values![at]).map(drop)).await
    }
}
