//! Devices in use: who they are, what waits for them, and which of their request proofs were accepted.

use super::accounts::parse;
use super::enrolments::void;
use super::{Store, StoreError, changed_one, pushes, registrations};
use countersign_protocol::device_api::{Device, EnrolmentState, PushStatus};
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::key::{PublicKey, Thumbprint};
use countersign_protocol::retraction::Reason;
use countersign_protocol::revocation::EndReason;
use countersign_protocol::sealing::SealingPublicKey;
use countersign_protocol::time::Timestamp;
use rusqlite::{OptionalExtension, Row};

/// A device that calls.
#[derive(Debug, Clone)]
pub struct ActiveDevice {
    /// The row.
    pub row_id: i64,
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
    /// The account's row.
    pub account: i64,
    /// Its state; a proposed device whose time is over reads as void.
    pub state: EnrolmentState,
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
    pub row_id: i64,
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
    /// The account's handle.
    pub account_id: AccountId,
    /// The thumbprint of its request key.
    pub key_id: String,
    /// Opens what is sealed to it.
    pub sealing_key: SealingPublicKey,
}

pub(super) fn read_public_key(row: &Row<'_>, column: usize) -> rusqlite::Result<PublicKey> {
    let bytes: Vec<u8> = row.get(column)?;
    PublicKey::from_uncompressed(&bytes).map_err(|_| rusqlite::Error::InvalidQuery)
}

fn state(word: &str, expires_at: i64, now: Timestamp) -> EnrolmentState {
    match word {
        "confirmed" => EnrolmentState::Confirmed,
        "proposed" if expires_at > now.millis() => EnrolmentState::Proposed,
        _ => EnrolmentState::Void,
    }
}

impl Store {
    /// The device whose request key has this thumbprint.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn device_by_request_key(
        &self,
        key_id: Thumbprint,
        now: Timestamp,
    ) -> Result<Option<ActiveDevice>, StoreError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT e.row_id, e.handle, e.account, e.state, e.expires_at, e.request_key, e.sealing_key, e.void_reason,
                        a.handle, {}
                 FROM enrolment e JOIN account a ON a.row_id = e.account WHERE e.request_key_id = ?1",
                registrations::STATUS
            );
            let read = |row: &Row<'_>| {
                let void_reason: Option<String> = row.get(7)?;
                Ok(ActiveDevice {
                    end_reason: void_reason.and_then(|word| word.parse().ok()).unwrap_or(EndReason::Expired),
                    account_id: parse(&row.get::<_, String>(8)?)?,
                    push: registrations::status(&row.get::<_, String>(9)?)?,
                    row_id: row.get(0)?,
                    enrolment_id: parse(&row.get::<_, String>(1)?)?,
                    account: row.get(2)?,
                    state: state(&row.get::<_, String>(3)?, row.get(4)?, now),
                    request_key: read_public_key(row, 5)?,
                    sealing_key: SealingPublicKey::from_bytes(row.get(6)?),
                })
            };
            Ok(connection.prepare_cached(&sql)?.query_row([key_id.as_str()], read).optional()?)
        })
        .await
    }

    /// Remembers that a proof was accepted; false when it had been before. Durable, so that a restart forgets none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn accept_proof(&self, device: i64, jti: String, expires_at: Timestamp) -> Result<bool, StoreError> {
        self.write(move |connection, now| {
            connection.prepare_cached("DELETE FROM accepted_proof WHERE expires_at < ?1")?.execute([now.millis()])?;
            let sql = "INSERT INTO accepted_proof VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            Ok(changed_one(connection.prepare_cached(sql)?.execute((device, jti, expires_at.millis()))?))
        })
        .await
    }

    /// The challenges that wait for this device, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_for_device(
        &self,
        device: i64,
        account: i64,
        now: Timestamp,
    ) -> Result<Vec<PendingForDevice>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT c.handle, d.compact FROM challenge c JOIN challenge_device d ON d.challenge = c.row_id
                       WHERE c.account = ?2 AND c.state = 'pending' AND c.expires_at > ?3 AND d.enrolment = ?1
                       ORDER BY c.row_id LIMIT 32";
            let read =
                |row: &Row<'_>| Ok(PendingForDevice { id: parse(&row.get::<_, String>(0)?)?, compact: row.get(1)? });
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_map((device, account, now.millis()), read)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Of these challenges, those that this device was asked and that somebody else has ended: they wait no longer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended_for_device(
        &self,
        device: i64,
        known: Vec<ChallengeId>,
    ) -> Result<Vec<(ChallengeId, Reason)>, StoreError> {
        self.read(move |connection| {
            let sql =
                "SELECT c.state, c.settled_method FROM challenge c JOIN challenge_device d ON d.challenge = c.row_id
                       WHERE c.handle = ?1 AND d.enrolment = ?2 AND c.state <> 'pending' AND c.settled_by IS NOT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let mut ended = Vec::new();
            for id in known {
                let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?));
                let found = statement.query_row((id.to_string(), device), read).optional()?;
                ended.extend(found.map(|(state, method)| (id, pushes::reason(&state, method.as_deref()))));
            }
            Ok(ended)
        })
        .await
    }

    /// The devices of an account that are not void, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn devices(
        &self,
        account: i64,
        asking: Option<EnrolmentId>,
        now: Timestamp,
    ) -> Result<Vec<Device>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT handle, device_name, state, expires_at, proposed_at FROM enrolment
                       WHERE account = ?1 AND state IN ('proposed', 'confirmed') ORDER BY row_id";
            let read = |row: &Row<'_>| {
                let id: EnrolmentId = parse(&row.get::<_, String>(0)?)?;
                Ok(Device {
                    id,
                    name: row.get(1)?,
                    state: state(&row.get::<_, String>(2)?, row.get(3)?, now),
                    enrolled_at: Timestamp::from_millis(row.get(4)?).seconds(),
                    this_device: asking == Some(id),
                })
            };
            let devices: Vec<Device> =
                connection.prepare_cached(sql)?.query_map([account], read)?.collect::<Result<_, _>>()?;
            Ok(devices.into_iter().filter(|device| device.state != EnrolmentState::Void).collect())
        })
        .await
    }

    /// A confirmed device of an account, to check its pushes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn device_to_check(&self, account: i64, id: EnrolmentId) -> Result<Option<Checked>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT e.row_id, a.handle, e.request_key_id, e.sealing_key
                       FROM enrolment e JOIN account a ON a.row_id = e.account
                       WHERE e.account = ?1 AND e.handle = ?2 AND e.state = 'confirmed'";
            let read = |row: &Row<'_>| {
                Ok(Checked {
                    row_id: row.get(0)?,
                    enrolment_id: id,
                    account_id: parse(&row.get::<_, String>(1)?)?,
                    key_id: row.get(2)?,
                    sealing_key: SealingPublicKey::from_bytes(row.get(3)?),
                })
            };
            Ok(connection.query_row(sql, (account, id.to_string()), read).optional()?)
        })
        .await
    }

    /// Ends a device of an account; false when the account has no such device in use.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_device(&self, account: i64, id: EnrolmentId) -> Result<bool, StoreError> {
        let rules = self.rules;
        self.write(move |connection, now| {
            let sql = "SELECT row_id FROM enrolment WHERE account = ?1 AND handle = ?2";
            let row_id = connection.query_row(sql, (account, id.to_string()), |row| row.get(0)).optional()?;
            row_id.map_or(Ok(false), |row_id| void(connection, &rules, now, row_id, "revoked"))
        })
        .await
    }
}
