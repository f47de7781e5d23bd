//! Accounts: the people of an organisation.

use super::{Store, StoreError, changed_one};
use countersign_protocol::handle::AccountId;
use rusqlite::{OptionalExtension, Row};

/// An account of an organisation.
#[derive(Debug, Clone)]
pub struct Account {
    /// The row.
    pub row_id: i64,
    /// The external handle.
    pub id: AccountId,
    /// The name under which the person signs in.
    pub name: String,
}

pub(super) fn parse<T: std::str::FromStr>(text: &str) -> rusqlite::Result<T> {
    text.parse().map_err(|_| rusqlite::Error::InvalidQuery)
}

fn read_account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account { row_id: row.get(0)?, id: parse(&row.get::<_, String>(1)?)?, name: row.get(2)? })
}

impl Store {
    /// Makes an account, or finds the one of this name; true when it is new.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_account(
        &self,
        organisation: i64,
        id: AccountId,
        name: String,
    ) -> Result<(Account, bool), StoreError> {
        self.write(move |connection, now| {
            let made = connection.execute(
                "INSERT INTO account (handle, organisation, name, created_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (organisation, name) DO NOTHING",
                (id.to_string(), organisation, &name, now.millis()),
            )?;
            let sql = "SELECT row_id, handle, name FROM account WHERE organisation = ?1 AND name = ?2";
            let account = connection.query_row(sql, (organisation, &name), read_account)?;
            Ok((account, changed_one(made)))
        })
        .await
    }

    /// The account of this handle in this organisation. One of another organisation does not exist here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account(&self, organisation: i64, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT row_id, handle, name FROM account WHERE organisation = ?1 AND handle = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row((organisation, id.to_string()), read_account).optional()?)
        })
        .await
    }

    /// Every account of an organisation, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn accounts(&self, organisation: i64) -> Result<Vec<Account>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT row_id, handle, name FROM account WHERE organisation = ?1 ORDER BY name";
            Ok(connection.prepare_cached(sql)?.query_map([organisation], read_account)?.collect::<Result<_, _>>()?)
        })
        .await
    }
}
