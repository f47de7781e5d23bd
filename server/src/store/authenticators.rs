//! What makes one-time codes for an account: proposed, confirmed by a code, listed, removed.

use super::codes::{Begun, Candidate, Counted, StoredCodes, count, read_candidate, read_codes, spend_step};
use super::engine::Transaction;
use super::engine::row::{Row, stored_words};
use super::engine::value::values;
use super::journal::Entry;
use super::rules::AHEAD;
use super::{Rules, Store, StoreError, accounts, backup_codes, claims, used_steps};
use crate::domain::actor::Actor;
use crate::domain::code_steps::Right;
use crate::domain::fact::Fact;
use crate::domain::rows::{AccountRow, AuthenticatorRow, DeviceRow, OrganisationRow};
use crate::domain::states::{CodeKind, CodeStage};
use countersign_protocol::handle::{AuthenticatorId, EnrolmentId};
use countersign_protocol::relying_party_api::AuthenticatorState;
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// How long another application may take to show its first code.
pub const PROPOSAL_LIFETIME: Duration = Duration::from_secs(600);

/// An authenticator as its relying party sees it.
#[derive(Debug, Clone)]
pub struct AuthenticatorRecord {
    /// Names it.
    pub id: AuthenticatorId,
    /// Its name.
    pub name: String,
    /// Whether its codes are accepted.
    pub state: AuthenticatorState,
    /// What its codes are.
    pub kind: CodeKind,
    /// The phone whose codes these are; none for anything else.
    pub device: Option<EnrolmentId>,
    /// How many backup codes are left; none of what is not a set of them.
    pub left: Option<u8>,
    /// True when too many wrong codes have locked it.
    pub locked: bool,
}

/// What became of the wish to confirm an application.
#[derive(Debug, Clone)]
pub enum Confirming {
    /// The attempt is counted: compare.
    Counted(Counted),
    /// It must rest, or is locked.
    Refused(Begun),
    /// It was confirmed before, or its time is over.
    NotProposed,
    /// There is no such application here.
    NotFound,
}

// Of the states in which one is kept, those that are shown.
stored_words!(AuthenticatorState { Proposed = "proposed", Confirmed = "confirmed" });

/// Keeps what makes codes; with an enrolment, those of its phone.
pub(super) fn insert(
    transaction: &dyn Transaction,
    account: AccountRow,
    enrolment: Option<DeviceRow>,
    name: &str,
    codes: &StoredCodes,
) -> Result<AuthenticatorRow, StoreError> {
    let state = if enrolment.is_none() { CodeStage::Proposed } else { CodeStage::Confirmed };
    let sql = "INSERT INTO code_authenticator (handle, account, enrolment, name, secret, algorithm, digits, period,
                                               state, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING row_id";
    let parameters = values![
        codes.id,
        account,
        enrolment,
        name,
        &codes.secret,
        &codes.algorithm,
        codes.digits,
        codes.period,
        state,
        codes.created_at,
    ];
    transaction.one_row("code_authenticator", sql, parameters)?.get("row_id")
}

/// The codes of an enrolment's phone; none when it was enrolled before there were codes.
pub(super) fn of_enrolment(
    transaction: &dyn Transaction,
    enrolment: DeviceRow,
) -> Result<Option<StoredCodes>, StoreError> {
    let sql = "SELECT * FROM code_authenticator WHERE enrolment = $1 AND state <> 'void'";
    transaction.row("code_authenticator", sql, values![enrolment])?.as_ref().map(read_codes).transpose()
}

/// Ends a code authenticator: its secret goes, and so does an approval that nobody has claimed.
fn void(
    transaction: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    row_id: AuthenticatorRow,
) -> Result<bool, StoreError> {
    claims::revoke(transaction, rules, now, by, claims::Of::SettledWith(row_id))?;
    used_steps::forget(transaction, row_id)?;
    backup_codes::forget(transaction, row_id)?;
    let sql = "UPDATE code_authenticator SET state = 'void', secret = $2 WHERE row_id = $1 AND state <> 'void'";
    transaction.changes_one(sql, values![row_id, b""])
}

/// Removes an application or a set of backup codes; false when it was removed before.
pub(super) fn remove(
    transaction: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    row_id: AuthenticatorRow,
) -> Result<bool, StoreError> {
    let removed = void(transaction, rules, now, by, row_id)?;
    if removed {
        let sql = "SELECT row_id, kind FROM code_authenticator WHERE row_id = $1";
        let fact = match transaction.one_row("code_authenticator", sql, values![row_id])?.get("kind")? {
            CodeKind::Totp => Fact::ApplicationRemoved,
            CodeKind::BackupCodes => Fact::BackupCodesEnded,
        };
        Entry::new(now, by, fact).of_authenticator(transaction, row_id)?;
    }
    Ok(removed)
}

/// Ends the codes of a phone whose enrolment has ended.
pub(super) fn void_of_enrolment(
    transaction: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    enrolment: DeviceRow,
) -> Result<(), StoreError> {
    let sql = "SELECT row_id FROM code_authenticator WHERE enrolment = $1";
    if let Some(found) = transaction.row("code_authenticator", sql, values![enrolment])? {
        void(transaction, rules, now, by, found.get("row_id")?)?;
    }
    Ok(())
}

/// Ends whatever makes codes for an account.
pub(super) fn void_all(
    transaction: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    account: AccountRow,
) -> Result<(), StoreError> {
    let sql = "SELECT row_id FROM code_authenticator WHERE account = $1 AND state <> 'void'";
    for row in transaction.rows("code_authenticator", sql, values![account])? {
        remove(transaction, rules, now, by, row.get("row_id")?)?;
    }
    Ok(())
}

/// The row of an application, or a set of backup codes, of this organisation.
fn application(
    transaction: &dyn Transaction,
    organisation: OrganisationRow,
    id: AuthenticatorId,
) -> Result<Option<Row>, StoreError> {
    let sql = "SELECT c.* FROM code_authenticator c JOIN account a ON a.row_id = c.account
               WHERE c.handle = $1 AND a.organisation = $2 AND c.enrolment IS NULL AND c.state <> 'void'";
    transaction.row("code_authenticator", sql, values![id, organisation])
}

fn read_record(row: &Row) -> Result<AuthenticatorRecord, StoreError> {
    let Candidate { counted, locked, .. } = read_candidate(row)?;
    Ok(AuthenticatorRecord {
        id: counted.codes.id,
        name: row.get("name")?,
        state: row.get("shown")?,
        kind: row.get("kind")?,
        device: row.get("device")?,
        left: row.get("codes_left")?,
        locked,
    })
}

const RECORDS: &str = "SELECT c.*, e.handle AS device, coalesce(e.state, c.state) AS shown,
           CASE WHEN c.kind = 'backup_codes' THEN
               (SELECT count(*) FROM backup_code b WHERE b.authenticator = c.row_id AND b.used_at IS NULL)
           END AS codes_left
    FROM code_authenticator c
    JOIN account a ON a.row_id = c.account LEFT JOIN enrolment e ON e.row_id = c.enrolment WHERE c.state <> 'void'";

impl Store {
    /// Proposes an application for an account; false when that was deleted meanwhile. Earlier proposals whose time is
    /// over are forgotten.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn propose_application(
        &self,
        by: Actor,
        account: AccountRow,
        name: String,
        codes: StoredCodes,
    ) -> Result<bool, StoreError> {
        self.write(move |transaction, now| {
            if !accounts::is_there(transaction, account)? {
                return Ok(false);
            }
            let sql = "UPDATE code_authenticator SET state = 'void', secret = $3
                       WHERE account = $1 AND enrolment IS NULL AND state = 'proposed' AND created_at <= $2";
            transaction.execute(sql, values![account, now - PROPOSAL_LIFETIME, b""])?;
            let row_id = insert(transaction, account, None, &name, &codes)?;
            Entry::new(now, &by, Fact::ApplicationProposed).of_authenticator(transaction, row_id)?;
            Ok(true)
        })
        .await
    }

    /// Counts an attempt to confirm an application, before it is compared.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn begin_confirmation(
        &self,
        organisation: OrganisationRow,
        id: AuthenticatorId,
    ) -> Result<Confirming, StoreError> {
        self.write(move |transaction, now| {
            let Some(found) = application(transaction, organisation, id)? else { return Ok(Confirming::NotFound) };
            let candidate = read_candidate(&found)?;
            let made_at = candidate.counted.codes.created_at;
            if found.get::<CodeStage>("state")? != CodeStage::Proposed {
                return Ok(Confirming::NotProposed);
            }
            if made_at + PROPOSAL_LIFETIME <= now || made_at > now + AHEAD {
                // It is told as over, so it stays over when the clock goes back.
                let sql = "UPDATE code_authenticator SET state = 'void', secret = $2 WHERE row_id = $1";
                transaction.execute(sql, values![candidate.counted.row_id, b""])?;
                return Ok(Confirming::NotProposed);
            }
            Ok(match count(transaction, now, vec![candidate])? {
                Ok(mut counted) => counted.pop().map_or(Confirming::NotFound, Confirming::Counted),
                Err(refused) => Confirming::Refused(refused),
            })
        })
        .await
    }

    /// Confirms an application with a code of this step, which is spent by it; false when it has gone meanwhile.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn confirm_application(&self, by: Actor, counted: &Counted, right: Right) -> Result<bool, StoreError> {
        let (rules, counted) = (self.rules, counted.clone());
        self.write(move |transaction, now| {
            let confirmed = spend_step(transaction, &rules, &counted, right)?;
            if confirmed {
                Entry::new(now, &by, Fact::ApplicationConfirmed).of_authenticator(transaction, counted.row_id)?;
            }
            Ok(confirmed)
        })
        .await
    }

    /// What makes codes for an account, oldest first.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn authenticators(
        &self,
        account: AccountRow,
        now: Timestamp,
    ) -> Result<Vec<AuthenticatorRecord>, StoreError> {
        self.read(move |transaction| {
            // Those whose proposal is over are as if they had never been.
            let sql = format!(
                "{RECORDS} AND c.account = $1 AND (coalesce(e.state, c.state) = 'confirmed'
                     OR (coalesce(e.state, c.state) = 'proposed'
                         AND CASE WHEN e.row_id IS NULL THEN c.created_at > $3 ELSE e.expires_at > $2 END))
                 ORDER BY c.row_id"
            );
            let parameters = values![account, now, now - PROPOSAL_LIFETIME];
            transaction.rows("code_authenticator", &sql, parameters)?.iter().map(read_record).collect()
        })
        .await
    }

    /// An authenticator of this organisation.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn authenticator(
        &self,
        organisation: OrganisationRow,
        id: AuthenticatorId,
    ) -> Result<Option<AuthenticatorRecord>, StoreError> {
        self.read(move |transaction| {
            let sql = format!("{RECORDS} AND a.organisation = $1 AND c.handle = $2");
            let found = transaction.row("code_authenticator", &sql, values![organisation, id])?;
            found.as_ref().map(read_record).transpose()
        })
        .await
    }

    /// Removes an application or a set of backup codes; false when the organisation has no such thing.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn remove_application(
        &self,
        by: Actor,
        organisation: OrganisationRow,
        id: AuthenticatorId,
    ) -> Result<bool, StoreError> {
        let rules = self.rules;
        self.write(move |transaction, now| {
            let Some(found) = application(transaction, organisation, id)? else { return Ok(false) };
            let row_id = found.get("row_id")?;
            remove(transaction, &rules, now, &by, row_id)
        })
        .await
    }
}
