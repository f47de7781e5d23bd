//! Accounts: the people of an organisation.

use super::engine::row::Row;
use super::engine::value::values;
use super::journal::Entry;
use super::{Store, StoreError};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::rows::{AccountRow, OrganisationRow};
use countersign_protocol::handle::AccountId;

/// An account of an organisation.
#[derive(Debug, Clone)]
pub struct Account {
    /// The row.
    pub row_id: AccountRow,
    /// The external handle.
    pub id: AccountId,
    /// The name under which the person signs in.
    pub name: String,
    /// True while a report has stopped the prompts to the person.
    pub prompts_stopped: bool,
}

/// What [`read_account`] reads.
const COLUMNS: &str = "row_id, handle, name, prompts_stopped_at IS NOT NULL AS stopped";

fn read_account(row: &Row) -> Result<Account, StoreError> {
    let (row_id, id, name) = (row.get("row_id")?, row.get("handle")?, row.get("name")?);
    Ok(Account { row_id, id, name, prompts_stopped: row.get("stopped")? })
}

impl Store {
    /// Makes an account, or finds the one of this name; true when it is new.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn create_account(
        &self,
        by: Actor,
        organisation: OrganisationRow,
        id: AccountId,
        name: String,
    ) -> Result<(Account, bool), StoreError> {
        self.write(move |transaction, now| {
            let sql = "INSERT INTO account (handle, organisation, name, created_at) VALUES ($1, $2, $3, $4)
                       ON CONFLICT (organisation, name) DO NOTHING RETURNING row_id";
            if let Some(made) = transaction.row("account", sql, values![id, organisation, &name, now])? {
                let row_id = made.get("row_id")?;
                Entry::new(now, &by, Fact::AccountCreated).of_account(transaction, row_id)?;
                return Ok((Account { row_id, id, name, prompts_stopped: false }, true));
            }
            let sql = format!("SELECT {COLUMNS} FROM account WHERE organisation = $1 AND name = $2");
            let found = transaction.one_row("account", &sql, values![organisation, &name])?;
            Ok((read_account(&found)?, false))
        })
        .await
    }

    /// The account of this handle in this organisation. One of another organisation does not exist here.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn account(&self, organisation: OrganisationRow, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.read(move |transaction| {
            let sql = format!("SELECT {COLUMNS} FROM account WHERE organisation = $1 AND handle = $2");
            transaction.row("account", &sql, values![organisation, id])?.as_ref().map(read_account).transpose()
        })
        .await
    }

    /// Every account of an organisation, by name.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn accounts(&self, organisation: OrganisationRow) -> Result<Vec<Account>, StoreError> {
        self.read(move |transaction| {
            let sql = format!("SELECT {COLUMNS} FROM account WHERE organisation = $1 ORDER BY name");
            transaction.rows("account", &sql, values![organisation])?.iter().map(read_account).collect()
        })
        .await
    }
}
