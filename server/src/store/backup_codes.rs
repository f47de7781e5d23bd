//! The codes of a set: ten, each good once. The set itself is an authenticator of its account (`backup_code_sets`).

use super::engine::Transaction;
use super::engine::value::values;
use super::rules::condition;
use super::{Rules, Store, StoreError};
use crate::domain::rows::AuthenticatorRow;
use countersign_protocol::time::Timestamp;

/// A code of a set in use.
#[derive(Debug, Clone)]
pub struct KeptBackupCode {
    /// Its sealed hash.
    pub hash: Vec<u8>,
    /// True when it is used up.
    pub used: bool,
}

/// Uses a code up: false when it was before, or its set has ended or is locked.
pub(super) fn spend(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    set: AuthenticatorRow,
    number: u8,
) -> Result<bool, StoreError> {
    let sql = format!(
        "UPDATE backup_code SET used_at = $1 WHERE authenticator = $2 AND number = $3 AND {}
           AND EXISTS (SELECT 1 FROM code_authenticator a
                       WHERE a.row_id = $2 AND a.state = 'confirmed' AND a.locked_at IS NULL)",
        condition(rules.unused, &[])
    );
    let spent = tx.changes_one(&sql, values![now, set, number])?;
    if spent {
        let sql = "UPDATE code_authenticator SET failures = 0, not_before = NULL WHERE row_id = $1";
        tx.execute(sql, values![set])?;
    }
    Ok(spent)
}

/// Uses a code up that was used since the backup, in a restored database; false when it is used up there.
pub(super) fn spend_again(
    tx: &dyn Transaction,
    now: Timestamp,
    set: AuthenticatorRow,
    number: u8,
) -> Result<bool, StoreError> {
    let sql = "UPDATE backup_code SET used_at = $3 WHERE authenticator = $1 AND number = $2 AND used_at IS NULL";
    tx.changes_one(sql, values![set, number, now])
}

/// Forgets the codes of a set that has ended.
pub(super) fn forget(tx: &dyn Transaction, set: AuthenticatorRow) -> Result<(), StoreError> {
    tx.execute("DELETE FROM backup_code WHERE authenticator = $1", values![set]).map(drop)
}

impl Store {
    /// The code of this number in a set; none when the set has ended, or never had such a number.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn backup_code(&self, set: AuthenticatorRow, number: u8) -> Result<Option<KeptBackupCode>, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT hash, used_at IS NOT NULL AS used FROM backup_code
                       WHERE authenticator = $1 AND number = $2";
            let Some(row) = tx.row("backup_code", sql, values![set, number])? else { return Ok(None) };
            Ok(Some(KeptBackupCode { hash: row.get("hash")?, used: row.get("used")? }))
        })
        .await
    }

    /// How many codes of a set are good.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn backup_codes_left(&self, set: AuthenticatorRow) -> Result<u8, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT count(*) AS left_over FROM backup_code WHERE authenticator = $1 AND used_at IS NULL";
            tx.one_row("backup_code", sql, values![set])?.get("left_over")
        })
        .await
    }
}
