//! What is kept of a person, and what goes when they go.

use super::accounts::Account;
use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::journal::Entry;
use super::{
    AttestationRecord, Rules, Store, StoreError, attestations, authenticators, claims, enrolments, moves, registrations,
};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::rows::{AccountRow, OrganisationRow};
use countersign_protocol::device_api::PushStatus;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::relying_party_api::{ChallengeState, EnrolmentStage, MoveState};
use countersign_protocol::revocation::EndReason;
use countersign_protocol::time::Timestamp;

/// An account with what is known of it.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account.
    pub account: Account,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nothing is pushed to it, after a report.
    pub prompts_stopped_at: Option<Timestamp>,
}

/// A device of a person, in use or not any more.
#[derive(Debug, Clone)]
pub struct DeviceRecord {
    /// The enrolment.
    pub id: EnrolmentId,
    /// The name its owner gave it.
    pub name: Option<String>,
    /// Its state.
    pub state: EnrolmentStage,
    /// Why it is over, when it is.
    pub end_reason: Option<EndReason>,
    /// When it came.
    pub enrolled_at: Timestamp,
    /// When it was last heard of, to the hour; none of a device that was last heard of before this was kept.
    pub last_contact_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Whether pushes reach it.
    pub push: PushStatus,
    /// What was found of its approval key; none where nobody looked.
    pub attestation: Option<AttestationRecord>,
}

/// A question that a person was asked, as it stands now.
#[derive(Debug, Clone)]
pub struct Question {
    /// Names it.
    pub id: ChallengeId,
    /// Who asked.
    pub relying_party: String,
    /// How it stands.
    pub state: ChallengeState,
    /// True once the person has said "this was not me".
    pub reported: bool,
    /// By what it was settled: `push` or `code`.
    pub method: Option<String>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
    /// When its approval was taken.
    pub claimed_at: Option<Timestamp>,
    /// What one of the devices was shown, signed.
    pub shown: Option<String>,
}

/// What went with a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The questions that were taken back.
    pub cancelled: Vec<ChallengeId>,
    /// How many devices were ended.
    pub devices: usize,
}

/// The name of an account that is deleted. Nobody can type a line break, so it stands in no other's way; and no phone
/// is shown it.
fn name_of_nobody(account: AccountRow) -> String {
    format!("deleted\n{account}")
}

fn read_device(row: &Row, now: Timestamp) -> Result<DeviceRecord, StoreError> {
    let (stage, expires_at) = (row.get("state")?, row.get("expires_at")?);
    let overdue = enrolments::is_overdue(stage, expires_at, now);
    let state = if overdue { EnrolmentStage::Void } else { stage };
    // What ended by the clock is kept without a reason.
    let reason = row.get::<Option<EndReason>>("void_reason")?.unwrap_or(EndReason::Expired);
    Ok(DeviceRecord {
        id: row.get("handle")?,
        name: row.get("device_name")?,
        state,
        end_reason: (state == EnrolmentStage::Void).then_some(reason),
        enrolled_at: row.get("proposed_at")?,
        last_contact_at: row.get("last_contact_at")?,
        ended_at: if overdue { Some(expires_at) } else { row.get("voided_at")? },
        push: row.get("push")?,
        attestation: attestations::read(row)?,
    })
}

fn read_question(row: &Row, now: Timestamp) -> Result<Question, StoreError> {
    Ok(Question {
        id: row.get("handle")?,
        relying_party: row.get("relying_party_name")?,
        state: super::challenge_state::state_of(row, now)?,
        reported: row.get::<Option<Timestamp>>("reported_at")?.is_some(),
        method: row.get("settled_method")?,
        created_at: row.get("created_at")?,
        settled_at: row.get("settled_at")?,
        claimed_at: row.get("claimed_at")?,
        shown: row.get("shown")?,
    })
}

impl Store {
    /// What is known of an account of this organisation.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn person(&self, account: Account) -> Result<Option<Person>, StoreError> {
        self.read(move |tx| {
            let sql =
                "SELECT row_id, created_at, prompts_stopped_at FROM account WHERE row_id = $1 AND deleted_at IS NULL";
            let Some(row) = tx.row("account", sql, values![account.row_id])? else { return Ok(None) };
            let (created_at, prompts_stopped_at) = (row.get("created_at")?, row.get("prompts_stopped_at")?);
            Ok(Some(Person { account, created_at, prompts_stopped_at }))
        })
        .await
    }

    /// Every device that an account has had, as far as it is kept, oldest first. Links that no device redeemed are not
    /// among them.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn all_devices(&self, account: AccountRow, now: Timestamp) -> Result<Vec<DeviceRecord>, StoreError> {
        self.read(move |tx| {
            let sql = format!(
                "SELECT e.row_id, e.handle, e.device_name, e.state, e.void_reason, e.expires_at, e.proposed_at,
                        e.voided_at, e.last_contact_at, {}, {} AS push
                 FROM enrolment e WHERE e.account = $1 AND e.proposed_at IS NOT NULL ORDER BY e.row_id",
                attestations::COLUMNS,
                registrations::STATUS
            );
            tx.rows("enrolment", &sql, values![account])?.iter().map(|row| read_device(row, now)).collect()
        })
        .await
    }

    /// What an account was asked, newest first, so many at most.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn questions(
        &self,
        account: AccountRow,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<Question>, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT c.*, p.name AS relying_party_name,
                              (SELECT d.compact FROM challenge_device d WHERE d.challenge = c.row_id LIMIT 1) AS shown
                       FROM challenge c JOIN relying_party p ON p.row_id = c.relying_party
                       WHERE c.account = $1 ORDER BY c.created_at DESC LIMIT $2";
            tx.rows("challenge", sql, values![account, most])?.iter().map(|row| read_question(row, now)).collect()
        })
        .await
    }

    /// Writes down that everything that is kept of a person was given out.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn note_export(&self, by: Actor, account: AccountRow) -> Result<(), StoreError> {
        self.write(move |tx, now| Entry::new(now, &by, Fact::AccountExported).of_account(tx, account).map(drop)).await
    }

    /// Gives an account another name; false when another one of the organisation has it.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn rename_account(
        &self,
        by: Actor,
        organisation: OrganisationRow,
        account: AccountRow,
        name: String,
    ) -> Result<bool, StoreError> {
        self.write(move |tx, now| {
            let sql = "UPDATE account SET name = $3 WHERE row_id = $2 AND deleted_at IS NULL
                       AND NOT EXISTS (SELECT 1 FROM account other
                                       WHERE other.organisation = $1 AND other.name = $3 AND other.row_id <> $2)";
            let renamed = tx.changes_one(sql, values![organisation, account, &name])?;
            if renamed {
                Entry::new(now, &by, Fact::AccountRenamed).of_account(tx, account)?;
            }
            Ok(renamed)
        })
        .await
    }

    /// Ends every device of an account that is in use or on its way; how many there were.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn revoke_all_devices(&self, by: Actor, account: AccountRow) -> Result<usize, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| enrolments::void_all(tx, &rules, now, &by, account)).await
    }

    /// Deletes a person: takes back what they were asked and have approved, ends their devices and whatever makes
    /// codes, and forgets their name and those of the devices. What receipts rest on stays until its age; none when
    /// they were deleted before.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn delete_account(&self, by: Actor, account: AccountRow) -> Result<Option<Deleted>, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| delete(tx, &rules, now, &by, account)).await
    }
}

/// Deletes a person; none when they were deleted before.
pub(super) fn delete(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    account: AccountRow,
) -> Result<Option<Deleted>, StoreError> {
    let sql = "UPDATE account SET name = $2, deleted_at = $3, prompts_stopped_at = NULL
               WHERE row_id = $1 AND deleted_at IS NULL";
    if !tx.changes_one(sql, values![account, name_of_nobody(account), now])? {
        return Ok(None);
    }
    let sql = "SELECT row_id, handle FROM challenge WHERE account = $1 AND state = 'pending' AND expires_at > $2";
    let waiting = tx.rows("challenge", sql, values![account, now])?;
    let cancelled = waiting.iter().map(|row| row.get("handle")).collect::<Result<_, StoreError>>()?;
    moves::end_of_account(tx, rules, now, by, account, MoveState::Cancelled)?;
    claims::cancel(tx, rules, now, by, claims::Of::Account(account))?;
    claims::revoke(tx, rules, now, by, claims::Of::Account(account))?;
    let devices = enrolments::void_all(tx, rules, now, by, account)?;
    authenticators::void_all(tx, rules, now, by, account)?;
    tx.execute("UPDATE enrolment SET device_name = NULL WHERE account = $1", values![account])?;
    tx.execute("UPDATE code_authenticator SET name = '' WHERE account = $1", values![account])?;
    // Whoever wrote it may have named the person.
    tx.execute("UPDATE move SET reason = '', idempotency_key = NULL WHERE account = $1", values![account])?;
    Entry::new(now, by, Fact::AccountDeleted).of_account(tx, account)?;
    Ok(Some(Deleted { cancelled, devices }))
}
