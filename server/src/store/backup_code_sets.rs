//! Sets of backup codes: an authenticator of its account, with the failures and locks of all that take codes (`codes`).

use super::engine::Transaction;
use super::engine::value::values;
use super::journal::Entry;
use super::{Store, StoreError, accounts, authenticators};
use crate::domain::actor::Actor;
use crate::domain::backup_code::DIGITS;
use crate::domain::fact::Fact;
use crate::domain::rows::{AccountRow, AuthenticatorRow};
use countersign_protocol::handle::AuthenticatorId;
use countersign_protocol::time::Timestamp;

/// The name of a set in the person's list.
const NAME: &str = "Backup codes";

/// A fresh set, as it is kept.
#[derive(Debug, Clone)]
pub struct NewBackupCodes {
    /// Names it.
    pub id: AuthenticatorId,
    /// When it was made.
    pub created_at: Timestamp,
    /// The sealed hashes, in the order of their numbers.
    pub hashes: Vec<Vec<u8>>,
}

/// What became of the wish to make a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MadeBackupCodes {
    /// It is in use, and the one before is not.
    Yes,
    /// The account has no other factor: paper alone is none.
    NoOtherFactor,
    /// The account was deleted meanwhile.
    NoAccount,
}

/// Whether the account has a phone or an application in use.
fn has_other_factor(tx: &dyn Transaction, account: AccountRow) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM enrolment e WHERE e.account = $1 AND e.state = 'confirmed')
                   OR EXISTS (SELECT 1 FROM code_authenticator a WHERE a.account = $1 AND a.state = 'confirmed'
                                AND a.kind = 'totp' AND a.enrolment IS NULL) AS has";
    tx.one_row("account", sql, values![account])?.get("has")
}

impl Store {
    /// Puts a fresh set into use, and ends the one before: with its codes, and what they have approved and nobody
    /// has claimed.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn make_backup_codes(
        &self,
        by: Actor,
        account: AccountRow,
        new: NewBackupCodes,
    ) -> Result<MadeBackupCodes, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| {
            if !accounts::is_there(tx, account)? {
                return Ok(MadeBackupCodes::NoAccount);
            }
            if !has_other_factor(tx, account)? {
                return Ok(MadeBackupCodes::NoOtherFactor);
            }
            let sql = "SELECT row_id FROM code_authenticator
                       WHERE account = $1 AND kind = 'backup_codes' AND state = 'confirmed'";
            if let Some(before) = tx.row("code_authenticator", sql, values![account])? {
                authenticators::remove(tx, &rules, now, &by, before.get("row_id")?)?;
            }
            // It has no secret and no steps; what the other kind keeps of those is not looked at.
            let sql = "INSERT INTO code_authenticator (handle, account, name, secret, algorithm, digits, period, state,
                                                       created_at, kind)
                       VALUES ($1, $2, $3, $4, 'argon2id', $5, 30, 'confirmed', $6, 'backup_codes')
                       RETURNING row_id";
            let values = values![new.id, account, NAME, b"", DIGITS, new.created_at];
            let set: AuthenticatorRow = tx.one_row("code_authenticator", sql, values)?.get("row_id")?;
            for (number, hash) in new.hashes.iter().enumerate() {
                let sql = "INSERT INTO backup_code (authenticator, number, hash) VALUES ($1, $2, $3)";
                tx.execute(sql, values![set, number, hash])?;
            }
            Entry::new(now, &by, Fact::BackupCodesMade).of_authenticator(tx, set)?;
            Ok(MadeBackupCodes::Yes)
        })
        .await
    }
}
