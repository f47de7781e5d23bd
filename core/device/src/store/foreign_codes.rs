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
    /// The name of its group, sealed.
    pub group: Option<Vec<u8>>,
}

impl Store {
    /// All of them, in the person's order.
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
            let sql = "INSERT INTO foreign_code (code_id, link, added_at, group_name, position)
                       VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(position) + 1, 0) FROM foreign_code))
                       ON CONFLICT (code_id) DO UPDATE SET link = excluded.link, group_name = excluded.group_name";
            transaction.execute(sql, (code.id.to_string(), code.link, at.millis(), code.group))?;
        }
        transaction.commit()?;
        Ok(result)
    }

    /// Puts them into this order. Those that it does not name follow in the order that they had; what it names and is
    /// not here is passed over.
    pub fn arrange_foreign_codes(&self, order: &[ForeignCodeId]) -> Result<(), Error> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut rest: Vec<ForeignCodeId> = all(&transaction)?.into_iter().map(|code| code.id).collect();
        let known = order.iter().filter_map(|id| rest.iter().position(|one| one == id).map(|at| rest.remove(at)));
        let mut arranged: Vec<ForeignCodeId> = known.collect();
        arranged.append(&mut rest);
        for (id, position) in arranged.iter().zip(0_i64..) {
            let sql = "UPDATE foreign_code SET position = ?2 WHERE code_id = ?1 AND position <> ?2";
            transaction.execute(sql, (id.to_string(), position))?;
        }
        Ok(transaction.commit()?)
    }

    /// Forgets one; false when there is none of this id.
    pub fn delete_foreign_code(&self, id: ForeignCodeId) -> Result<bool, Error> {
        Ok(self.connection().execute("DELETE FROM foreign_code WHERE code_id = ?1", [id.to_string()])? == 1)
    }
}

fn all(connection: &Connection) -> Result<Vec<StoredForeignCode>, Error> {
    let mut statement = connection.prepare("SELECT * FROM foreign_code ORDER BY position, rowid")?;
    let read = |row: &rusqlite::Row<'_>| {
        let (id, link) = (read_handle(row, "code_id")?, row.get("link")?);
        Ok(StoredForeignCode { id, link, group: row.get("group_name")? })
    };
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MIGRATIONS;

    #[test]
    fn codes_of_an_earlier_version_keep_the_order_in_which_they_came() {
        let directory = tempfile::tempdir().unwrap();
        let old = Connection::open(directory.path().join("authenticator.db")).unwrap();
        MIGRATIONS[..5].iter().for_each(|step| old.execute_batch(step).unwrap());
        for (id, at) in [("BBBBBBBBBBBBBBBBBBBBBA", 7), ("CCCCCCCCCCCCCCCCCCCCCA", 3), ("AAAAAAAAAAAAAAAAAAAAAA", 7)] {
            old.execute("INSERT INTO foreign_code VALUES (?1, x'01', ?2)", (id, at)).unwrap();
        }
        old.pragma_update(None, "user_version", 5).unwrap();
        drop(old);
        let store = Store::open(directory.path()).unwrap();
        let ids = |store: &Store| -> Vec<String> {
            store.foreign_codes().unwrap().iter().map(|code| code.id.to_string()[..1].to_owned()).collect()
        };
        assert_eq!(ids(&store), ["C", "B", "A"]);
        let id = "DDDDDDDDDDDDDDDDDDDDDA".parse().unwrap();
        let new = StoredForeignCode { id, link: vec![1], group: None };
        store.change_foreign_codes(Timestamp::from_millis(1), |_| Ok((vec![new], ()))).unwrap();
        assert_eq!(ids(&store), ["C", "B", "A", "D"]);
    }
}
