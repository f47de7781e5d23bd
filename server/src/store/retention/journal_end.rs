//! The journal's old end. Addresses go from there, and later the lines that they stood in. Lines go from there alone,
//! all that are older with each, and the number of the last that went is kept: what is left is always whole from that
//! number on.

use super::{Removed, Store, StoreError};
use crate::store::engine::Transaction;
use crate::store::engine::value::values;
use countersign_protocol::time::Timestamp;

/// The oldest lines. A line that is dated after the present was written while the clock was ahead: it is as old as the
/// next line that is not, before which it was written. Otherwise it would keep all that come after it until that day.
pub(super) const OLDEST: &str = "SELECT row_id,
         CASE WHEN at <= $2 THEN at
              ELSE (SELECT later.at FROM journal later WHERE later.row_id > journal.row_id AND later.at <= $2
                    ORDER BY later.row_id LIMIT 1) END AS written_by,
         EXISTS (SELECT 1 FROM webhook_event e WHERE e.journal = journal.row_id) AS told
     FROM journal WHERE row_id > $1 ORDER BY row_id LIMIT $3";
/// Keeps the number first: the database refuses to remove any line that is not below it.
pub(super) const CUT: [&str; 2] =
    ["UPDATE retention SET journal_cut_at = $1 WHERE journal_cut_at < $1", "DELETE FROM journal WHERE row_id <= $1"];

/// Takes the addresses of lines away that come after the first number, and keeps how far.
pub(super) const BLANK: [&str; 2] = [
    "UPDATE journal SET address = NULL WHERE row_id > $1 AND row_id <= $2 AND address IS NOT NULL",
    "UPDATE retention SET addresses_cut_at = $2 WHERE addresses_cut_at <= $1",
];

/// The number up to which lines are older than `before`, from the one after `cut_at` on, and how many those are: up to
/// the first that is not, or, where they are to go, that a relying party is still told.
fn end(
    tx: &dyn Transaction,
    cut_at: i64,
    (before, now): (Timestamp, Timestamp),
    they_go: bool,
) -> Result<Option<(i64, usize)>, StoreError> {
    let mut end = None;
    for (count, line) in (1..).zip(tx.rows("journal", OLDEST, values![cut_at, now, Removed::Journal.piece()])?) {
        let written_by: Option<Timestamp> = line.get("written_by")?;
        if written_by.is_none_or(|at| at >= before) || (they_go && line.get("told")?) {
            break;
        }
        end = Some((line.get("row_id")?, count));
    }
    Ok(end)
}

fn cut(tx: &dyn Transaction, column: &str) -> Result<i64, StoreError> {
    let kept = tx.one_row("retention", "SELECT journal_cut_at, addresses_cut_at FROM retention", values![])?;
    kept.get(column)
}

impl Store {
    pub(super) async fn remove_lines(&self, before: Timestamp, now: Timestamp) -> Result<usize, StoreError> {
        let found = self.read(move |tx| end(tx, cut(tx, "journal_cut_at")?, (before, now), true)).await?;
        let Some((number, count)) = found else { return Ok(0) };
        self.write(move |tx, _| {
            for statement in CUT {
                tx.execute(statement, values![number])?;
            }
            Ok(count)
        })
        .await
    }

    pub(super) async fn remove_addresses(&self, before: Timestamp, now: Timestamp) -> Result<usize, StoreError> {
        let found = self.read(move |tx| {
            let cut_at = cut(tx, "addresses_cut_at")?;
            Ok(end(tx, cut_at, (before, now), false)?.map(|(number, count)| (cut_at, number, count)))
        });
        let Some((cut_at, number, count)) = found.await? else { return Ok(0) };
        self.write(move |tx, _| {
            for statement in BLANK {
                tx.execute(statement, values![cut_at, number])?;
            }
            Ok(count)
        })
        .await
    }
}
