//! Devices in use: who they are, what waits for them, and which of their request proofs were accepted.

use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::enrolments::{self, void};
use super::rules::AHEAD;
use super::{Store, StoreError, moves, pushes, registrations};
use crate::domain::actor::{Actor, ActorKind};
use crate::domain::rows::{AccountRow, DeviceRow};
use countersign_protocol::device_api::{Device, EnrolmentState, PushStatus};
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::key::{PublicKey, Thumbprint};
use countersign_protocol::relying_party_api::EnrolmentStage;
use countersign_protocol::retraction::Reason;
use countersign_protocol::revocation::EndReason;
use countersign_protocol::sealing::SealingPublicKey;
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// A device that calls.
#[derive(Debug, Clone)]
pub struct ActiveDevice {
    /// The row.
    pub row_id: DeviceRow,
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
    /// The account's row.
    pub account: AccountRow,
    /// Its state; a proposed device whose time is over reads as void.
    pub state: EnrolmentState,
    /// True while it shows that it can answer, and does nothing else: it is to take over from another.
    pub rehearses: bool,
    /// Why it is void, when it is.
    pub end_reason: EndReason,
    /// The account's handle.
    pub account_id: AccountId,
    /// Whether pushes reach it.
    pub push: PushStatus,
    /// Signs its requests.
    pub request_key: PublicKey,
    /// Opens what is sealed to it.
    pub sealing_key: SealingPublicKey,
}

/// A challenge that waits for a device.
#[derive(Debug, Clone)]
pub struct PendingForDevice {
    /// Names it.
    pub id: ChallengeId,
    /// The signed challenge.
    pub compact: String,
}

/// A device whose pushes are checked.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The row.
    pub row_id: DeviceRow,
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
    /// The account's handle.
    pub account_id: AccountId,
    /// The thumbprint of its request key.
    pub key_id: String,
    /// Opens what is sealed to it.
    pub sealing_key: SealingPublicKey,
}

/// What an enrolment's row means at this moment to its device. It reads the columns `state`, `expires_at` and
/// `rehearses`.
fn state_of(row: &Row, now: Timestamp) -> Result<EnrolmentState, StoreError> {
    let stage = row.get("state")?;
    Ok(match stage {
        EnrolmentStage::Confirmed => EnrolmentState::Confirmed,
        // Its digits were typed; that it takes over only once it has answered is no matter of its own.
        EnrolmentStage::Proposed
            if row.get("rehearses")? && !enrolments::is_overdue(stage, row.get("expires_at")?, now) =>
        {
            EnrolmentState::Confirmed
        }
        EnrolmentStage::Proposed if !enrolments::is_overdue(stage, row.get("expires_at")?, now) => {
            EnrolmentState::Proposed
        }
        EnrolmentStage::Open | EnrolmentStage::Proposed | EnrolmentStage::Void => EnrolmentState::Void,
    })
}

/// How much later than the last contact that is kept another one is kept too.
const CONTACT_KEPT: Duration = Duration::from_secs(3600);

/// Keeps that a device was heard of, once an hour at most, in a transaction that is there anyway.
pub(super) fn heard_of(tx: &dyn Transaction, now: Timestamp, device: DeviceRow) -> Result<(), StoreError> {
    // What lies ahead is of a clock that was wrong.
    let sql = "UPDATE enrolment SET last_contact_at = $2
               WHERE row_id = $1 AND (last_contact_at IS NULL OR last_contact_at <= $3 OR last_contact_at > $4)";
    tx.execute(sql, values![device, now, now - CONTACT_KEPT, now + AHEAD]).map(drop)
}

impl Store {
    /// The device whose request key has this thumbprint.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn device_by_request_key(
        &self,
        key_id: Thumbprint,
        now: Timestamp,
    ) -> Result<Option<ActiveDevice>, StoreError> {
        self.read(move |tx| {
            let sql = format!(
                "SELECT e.row_id, e.handle, e.account, e.state, e.expires_at, e.request_key, e.sealing_key,
                        e.void_reason, a.handle AS account_handle, {} AS push,
                        EXISTS (SELECT 1 FROM move m WHERE m.new_device = e.row_id AND m.state = 'rehearsing')
                            AS rehearses
                 FROM enrolment e JOIN account a ON a.row_id = e.account WHERE e.request_key_id = $1",
                registrations::STATUS
            );
            let Some(row) = tx.row("enrolment", &sql, values![key_id.as_str()])? else { return Ok(None) };
            Ok(Some(ActiveDevice {
                row_id: row.get("row_id")?,
                enrolment_id: row.get("handle")?,
                account: row.get("account")?,
                state: state_of(&row, now)?,
                rehearses: row.get("rehearses")?,
                end_reason: row.get::<Option<EndReason>>("void_reason")?.unwrap_or(EndReason::Expired),
                account_id: row.get("account_handle")?,
                push: row.get("push")?,
                request_key: row.get("request_key")?,
                sealing_key: row.get("sealing_key")?,
            }))
        })
        .await
    }

    /// The 32 challenges of this device that a pull looks at, oldest first: of all that wait, the newest of each
    /// relying party, then the second of each, and so on. So the newest of all is always among them, and however many
    /// one relying party asks, they hide the newest of no other.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn pending_for_device(
        &self,
        device: DeviceRow,
        account: AccountRow,
        now: Timestamp,
    ) -> Result<Vec<PendingForDevice>, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT row_id, handle, compact FROM (
                           SELECT row_id, handle, compact FROM (
                               SELECT c.row_id, c.handle, d.compact,
                                      row_number() OVER (PARTITION BY c.relying_party ORDER BY c.row_id DESC) AS turn
                               FROM challenge c JOIN challenge_device d ON d.challenge = c.row_id
                               WHERE c.account = $2 AND c.state = 'pending' AND c.told_over_at IS NULL
                                 AND c.expires_at > $3 AND c.created_at <= $4 AND d.enrolment = $1
                           ) AS waiting ORDER BY turn, row_id DESC LIMIT 32
                       ) AS brought ORDER BY row_id";
            let read = |row: &Row| Ok(PendingForDevice { id: row.get("handle")?, compact: row.get("compact")? });
            tx.rows("challenge", sql, values![device, account, now, now + AHEAD])?.iter().map(read).collect()
        })
        .await
    }

    /// Of these challenges, those that this device was asked and that somebody else has ended: they wait no longer.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn ended_for_device(
        &self,
        device: DeviceRow,
        known: Vec<ChallengeId>,
    ) -> Result<Vec<(ChallengeId, Reason)>, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT c.row_id, c.state, c.settled_method
                       FROM challenge c JOIN challenge_device d ON d.challenge = c.row_id
                       WHERE c.handle = $1 AND d.enrolment = $2 AND c.state <> 'pending'
                         AND c.settled_by IS DISTINCT FROM $2";
            let mut ended = Vec::new();
            for id in known {
                if let Some(row) = tx.row("challenge", sql, values![id, device])? {
                    ended.push((id, pushes::reason(row.get("state")?, row.get("settled_method")?)));
                }
            }
            Ok(ended)
        })
        .await
    }

    /// The devices of an account that are not void, oldest first.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn devices(
        &self,
        account: AccountRow,
        asking: Option<EnrolmentId>,
        now: Timestamp,
    ) -> Result<Vec<Device>, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT row_id, handle, device_name, state, expires_at, proposed_at, FALSE AS rehearses
                       FROM enrolment
                       WHERE account = $1 AND state IN ('proposed', 'confirmed') ORDER BY row_id";
            let read = |row: &Row| {
                let id: EnrolmentId = row.get("handle")?;
                Ok(Device {
                    id,
                    name: row.get("device_name")?,
                    state: state_of(row, now)?,
                    enrolled_at: row.get::<Timestamp>("proposed_at")?.seconds(),
                    this_device: asking == Some(id),
                })
            };
            let devices = tx.rows("enrolment", sql, values![account])?;
            let devices: Vec<Device> = devices.iter().map(read).collect::<Result<_, StoreError>>()?;
            Ok(devices.into_iter().filter(|device| device.state != EnrolmentState::Void).collect())
        })
        .await
    }

    /// A confirmed device of an account, to check its pushes.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn device_to_check(&self, account: AccountRow, id: EnrolmentId) -> Result<Option<Checked>, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT e.row_id, a.handle AS account_handle, e.request_key_id, e.sealing_key
                       FROM enrolment e JOIN account a ON a.row_id = e.account
                       WHERE e.account = $1 AND e.handle = $2 AND e.state = 'confirmed'";
            let Some(row) = tx.row("enrolment", sql, values![account, id])? else { return Ok(None) };
            Ok(Some(Checked {
                row_id: row.get("row_id")?,
                enrolment_id: id,
                account_id: row.get("account_handle")?,
                key_id: row.get("request_key_id")?,
                sealing_key: row.get("sealing_key")?,
            }))
        })
        .await
    }

    /// Ends a device of an account; false when the account has no such device in use.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn revoke_device(&self, by: Actor, account: AccountRow, id: EnrolmentId) -> Result<bool, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| {
            let sql = "SELECT row_id FROM enrolment WHERE account = $1 AND handle = $2";
            let Some(row) = tx.row("enrolment", sql, values![account, id])? else { return Ok(false) };
            let device = row.get("row_id")?;
            // Whoever has a stolen phone ended must not find a thief's new one in its place, for which the stolen one
            // has said YES. A phone from which its person removes the account has a new one that goes on.
            if by.kind() != ActorKind::Device {
                moves::end_from_device(tx, &rules, now, &by, (account, device))?;
            }
            void(tx, &rules, now, &by, device, EndReason::Revoked)
        })
        .await
    }
}
