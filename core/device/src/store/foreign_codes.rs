//! Keeps the codes of other services.

use super::{Store, read_handle};
use crate::error::Error;
use countersign_protocol::handle::ForeignCodeId;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

/// A code of another service as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredForeignCode {
    pub id: ForeignCodeId,
    /// Its `otpauth` link, sealed.
    pub link: Vec<u8>,
}

impl Store {
    /// All of them, oldest first.
    pub fn foreign_codes(&self) -> Result<Vec<StoredForeignCode>, Error> {
        all(&self.connection())
    }

    /// Hands all of them over, and keeps those that come back, each in the place of the one with its id or behind the
    /// others. No other process changes them meanwhile. What else comes back is given on after it is durable.
    pub fn change_foreign_codes<T>(
        &self,
        at: Timestamp,
        change: impl FnOnce(Vec<StoredForeignCode>) -> Result<(Vec<StoredForeignCode>, T), Error>,
    ) -> Result<T, Error> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (changed, result) = change(all(&transaction)?)?;
        for code in changed {
            let sql = "INSERT INTO foreign_code (code_id, link, added_at) VALUES (?1, ?2, ?3)
                       ON CONFLICT (code_id) DO UPDATE SET link = excluded.link";
            transaction.execute(sql, (code.id.to_string(), code.link, at.millis()))?;
        }
        transaction.commit()?;
        Ok(result)
    }

    /// Forgets one; false when there is none of this id.
    pub fn delete_foreign_code(&self, id: ForeignCodeId) -> Result<bool, Error> {
        Ok(self.connection().execute("DELETE FROM foreign_code WHERE code_id = ?1", [id.to_string()])? == 1)
    }
}

fn all(connection: &Connection) -> Result<Vec<StoredForeignCode>, Error> {
    let mut statement = connection.prepare("SELECT * FROM foreign_code ORDER BY added_at, rowid")?;
    let read =
        |row: &rusqlite::Row<'_>| Ok(StoredForeignCode { id: read_handle(row, "code_id")?, link: row.get("link")? });
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
