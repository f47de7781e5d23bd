//! Accounts: the people of an organisation.

use super::engine::Transaction;
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

/// True while an account is there: a person may be deleted between a look at them and the write that follows.
pub(super) fn is_there(transaction: &dyn Transaction, account: AccountRow) -> Result<bool, StoreError> {
    let sql = "SELECT row_id FROM account WHERE row_id = $1 AND deleted_at IS NULL";
    Ok(transaction.row("account", sql, values![account])?.is_some())
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
            let sql =
                format!("SELECT {COLUMNS} FROM account WHERE organisation = $1 AND handle = $2 AND deleted_at IS NULL");
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
            let sql =
                format!("SELECT {COLUMNS} FROM account WHERE organisation = $1 AND deleted_at IS NULL ORDER BY name");
            transaction.rows("account", &sql, values![organisation])?.iter().map(read_account).collect()
        })
        .await
    }

    /// The accounts of an organisation whose name holds this text, whatever its case: those that begin with it first,
    /// so many at most.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn search_accounts(
        &self,
        organisation: OrganisationRow,
        text: &str,
        most: usize,
    ) -> Result<Vec<Account>, StoreError> {
        // The database folds the case of ASCII alone, so the names are compared here.
        let text = text.to_lowercase();
        let mut found = self.accounts(organisation).await?;
        found.retain(|account| account.name.to_lowercase().contains(&text));
        found.sort_by_key(|account| !account.name.to_lowercase().starts_with(&text));
        found.truncate(most);
        Ok(found)
    }

    /// Makes these accounts, all of them or none; where there is one of a name, it stays as it is. For each, whether it
    /// is new.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn create_accounts(
        &self,
        by: Actor,
        organisation: OrganisationRow,
        people: Vec<(AccountId, String)>,
    ) -> Result<Vec<bool>, StoreError> {
        self.write(move |transaction, now| {
            let make = |(id, name): &(AccountId, String)| {
                let sql = "INSERT INTO account (handle, organisation, name, created_at) VALUES ($1, $2, $3, $4)
                           ON CONFLICT (organisation, name) DO NOTHING RETURNING row_id";
                let made = transaction.row("account", sql, values![*id, organisation, name, now])?;
                if let Some(made) = &made {
                    Entry::new(now, &by, Fact::AccountCreated).of_account(transaction, made.get("row_id")?)?;
                }
                Ok(made.is_some())
            };
            people.iter().map(make).collect()
        })
        .await
    }
}
