//! A copy of one moment of the database, made while the server works.

use super::connection;
use crate::store::StoreError;
use crate::store::engine::{Copied, Watcher};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::path::Path;

/// Pages of one step: a megabyte, after which whoever watches is told.
const PAGES: i32 = 256;

/// Copies the database to a new file, and checks the copy. While it lasts, one reader holds one moment of the database:
/// nothing waits for it, the log (`-wal`) grows by what is written meanwhile, and the copy ends however much that is.
pub(super) fn copy(from: &Path, to: &Path, watch: &Watcher) -> Result<(), StoreError> {
    private_file::touch(to).map_err(|error| StoreError::Unwritable(format!("{}: {error}", to.display())))?;
    let source = connection::open_reader(from)?;
    // Without a transaction of its own, SQLite would begin again after every commit of the server.
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let mut copy = Connection::open(to)?;
    {
        let backup = Backup::new(&source, &mut copy)?;
        loop {
            let step = backup.step(PAGES)?;
            let progress = backup.progress();
            let all = u64::try_from(progress.pagecount).unwrap_or_default();
            let left = u64::try_from(progress.remaining).unwrap_or_default();
            if !watch(Copied { done: all.saturating_sub(left), all }) {
                return Err(StoreError::Closed);
            }
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => return Err(StoreError::Unwritable("the copy is held up by another process".into())),
            }
        }
    }
    drop(source);
    // So that the copy is one file, without a log of its own.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    check(&copy, "quick_check")
}

/// Has SQLite look through a database; it names what is damaged.
fn check(database: &Connection, how: &str) -> Result<(), StoreError> {
    let found: String = database.pragma_query_value(None, how, |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Unreadable(format!("it is damaged: {found}"))) }
}

/// Looks through a whole database file: its pages, its indices, and that nothing refers to what is not there.
pub(super) fn check_whole(path: &Path) -> Result<(), StoreError> {
    let database = Connection::open(path)?;
    check(&database, "integrity_check")?;
    let mut dangling = database.prepare("PRAGMA foreign_key_check")?;
    if dangling.exists([])? { Err(StoreError::Unreadable("its tables do not fit together".into())) } else { Ok(()) }
}
