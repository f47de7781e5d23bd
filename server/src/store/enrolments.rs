//! Enrolments on their way: open, proposed, confirmed or void.

use super::accounts::parse;
use super::authenticators;
use super::codes::StoredCodes;
use super::{Rules, Store, StoreError, changed_one, claims, registrations};
use countersign_protocol::enrolment::TICKET_LIFETIME;
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::key::{PublicKey, Thumbprint};
use countersign_protocol::relying_party_api::EnrolmentStage;
use countersign_protocol::revocation::EndReason;
use countersign_protocol::sealing::SealingPublicKey;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// How many wrong confirmation codes end an enrolment.
const MAX_WRONG_CODES: u32 = 5;

/// An enrolment as its relying party sees it.
#[derive(Debug, Clone)]
pub struct EnrolmentRecord {
    /// How far it has come.
    pub state: EnrolmentStage,
    /// Why it is void.
    pub void_reason: Option<EndReason>,
    /// The name that the device gave itself.
    pub device_name: Option<String>,
    /// The server's signed word on the device's keys.
    pub statement: Option<String>,
    /// Until when its next step can be taken.
    pub expires_at: Timestamp,
}

/// Whose ticket it is.
#[derive(Debug, Clone)]
pub struct TicketAccount {
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
    /// The account.
    pub account_id: AccountId,
    /// The account's name.
    pub account: String,
    /// The organisation's name.
    pub organisation: String,
}

/// What a device redeems a ticket with.
#[derive(Debug, Clone)]
pub struct RedeemedTicket {
    /// SHA-256 of the ticket's text.
    pub ticket_sha256: [u8; 32],
    /// Names this very redemption.
    pub transcript_sha256: String,
    /// The server's signed reply.
    pub statement: String,
    /// The sequence of the certificate whose key signed it.
    pub certificate: u64,
    /// The six digits.
    pub confirmation_code: String,
    /// The device's name.
    pub device_name: String,
    /// The device's request key.
    pub request_key: PublicKey,
    /// The device's approval key.
    pub approval_key: PublicKey,
    /// The device's sealing key.
    pub sealing_key: SealingPublicKey,
    /// What its one-time codes will be made of, if it is the first to redeem.
    pub codes: StoredCodes,
}

/// What became of a redemption.
#[derive(Debug, Clone)]
pub enum Redeemed {
    /// The device is proposed; also for the same redemption sent again.
    Proposed {
        /// The statement.
        statement: String,
        /// What its codes are made of; none when it was proposed before there were codes.
        codes: Option<StoredCodes>,
    },
    /// The ticket was redeemed by another device before: both are refused, and the enrolment is void.
    Twice,
    /// The ticket does not exist, is over, or was used.
    Invalid,
}

/// What became of a confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// The device is in use.
    Now,
    /// The digits are not those of the proposed device; so many attempts are left.
    WrongCode(u32),
    /// No device is proposed: none has come yet, or the enrolment is over.
    NotProposed,
    /// There is no such enrolment here.
    NotFound,
}

fn stage(word: &str) -> rusqlite::Result<EnrolmentStage> {
    Ok(match word {
        "open" => EnrolmentStage::Open,
        "proposed" => EnrolmentStage::Proposed,
        "confirmed" => EnrolmentStage::Confirmed,
        "void" => EnrolmentStage::Void,
        _ => return Err(rusqlite::Error::InvalidQuery),
    })
}

impl Store {
    /// Opens an enrolment for an account and gives its end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_enrolment(
        &self,
        account: i64,
        id: EnrolmentId,
        ticket_sha256: [u8; 32],
    ) -> Result<Timestamp, StoreError> {
        self.write(move |connection, now| {
            let expires_at = now + TICKET_LIFETIME;
            connection.execute(
                "INSERT INTO enrolment (handle, account, state, created_at, expires_at, ticket_sha256) VALUES (?1, ?2, 'open', ?3, ?4, ?5)",
                (id.to_string(), account, now.millis(), expires_at.millis(), ticket_sha256),
            )?;
            Ok(expires_at)
        })
        .await
    }

    /// Whose ticket this is, whatever its state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ticket_account(&self, ticket_sha256: [u8; 32]) -> Result<Option<TicketAccount>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT e.handle, a.handle, a.name, o.name FROM enrolment e
                       JOIN account a ON a.row_id = e.account JOIN organisation o ON o.row_id = a.organisation
                       WHERE e.ticket_sha256 = ?1";
            let read = |row: &Row<'_>| {
                Ok(TicketAccount {
                    enrolment_id: parse(&row.get::<_, String>(0)?)?,
                    account_id: parse(&row.get::<_, String>(1)?)?,
                    account: row.get(2)?,
                    organisation: row.get(3)?,
                })
            };
            Ok(connection.prepare_cached(sql)?.query_row([ticket_sha256], read).optional()?)
        })
        .await
    }

    /// Redeems a ticket: the first device that comes is proposed; a second one ends the enrolment for both.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn redeem_ticket(&self, ticket: RedeemedTicket) -> Result<Redeemed, StoreError> {
        let rules = self.rules;
        self.write(move |connection, now| {
            if propose(connection, now, &ticket)? {
                let RedeemedTicket { statement, codes, .. } = ticket;
                return Ok(Redeemed::Proposed { statement, codes: Some(codes) });
            }
            let sql = "SELECT row_id, state, transcript_sha256, statement FROM enrolment WHERE ticket_sha256 = ?1";
            let read = |row: &Row<'_>| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?, row.get(3)?))
            };
            let found = connection.query_row(sql, [ticket.ticket_sha256], read).optional()?;
            let Some((row_id, state, transcript_sha256, statement)) = found else {
                return Ok(Redeemed::Invalid);
            };
            match (state.as_str(), statement) {
                ("proposed" | "confirmed", Some(statement))
                    if transcript_sha256.as_ref() == Some(&ticket.transcript_sha256) =>
                {
                    Ok(Redeemed::Proposed { statement, codes: authenticators::of_enrolment(connection, row_id)? })
                }
                ("proposed", _) => {
                    void(connection, &rules, now, row_id, "redeemed_twice")?;
                    Ok(Redeemed::Twice)
                }
                _ => Ok(Redeemed::Invalid),
            }
        })
        .await
    }

    /// Confirms the proposed device of an enrolment with the digits that it shows. Attempts are counted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn confirm_enrolment(
        &self,
        organisation: i64,
        id: EnrolmentId,
        code: String,
    ) -> Result<Confirmed, StoreError> {
        let rules = self.rules;
        self.write(move |connection, now| {
            let sql = "SELECT e.row_id, e.state, e.confirmation_code, e.wrong_codes, e.expires_at FROM enrolment e
                       JOIN account a ON a.row_id = e.account WHERE e.handle = ?1 AND a.organisation = ?2";
            let read = |row: &Row<'_>| {
                let right: Option<String> = row.get(2)?;
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    right,
                    row.get::<_, u32>(3)?,
                    row.get::<_, i64>(4)?,
                ))
            };
            let found = connection.query_row(sql, (id.to_string(), organisation), read).optional()?;
            let Some((row_id, state, right, wrong_codes, expires_at)) = found else {
                return Ok(Confirmed::NotFound);
            };
            let same =
                right.is_some_and(|right| subtle::ConstantTimeEq::ct_eq(right.as_bytes(), code.as_bytes()).into());
            match state.as_str() {
                "confirmed" if same => Ok(Confirmed::Now),
                "proposed" if expires_at <= now.millis() => Ok(Confirmed::NotProposed),
                "proposed" if same => {
                    let sql = "UPDATE enrolment SET state = 'confirmed', confirmed_at = ?2 WHERE row_id = ?1";
                    connection.execute(sql, (row_id, now.millis()))?;
                    Ok(Confirmed::Now)
                }
                "proposed" => {
                    let wrong_codes = wrong_codes + 1;
                    let sql = "UPDATE enrolment SET wrong_codes = ?2 WHERE row_id = ?1";
                    connection.execute(sql, (row_id, wrong_codes))?;
                    if wrong_codes >= MAX_WRONG_CODES {
                        void(connection, &rules, now, row_id, "wrong_code")?;
                    }
                    Ok(Confirmed::WrongCode(MAX_WRONG_CODES.saturating_sub(wrong_codes)))
                }
                _ => Ok(Confirmed::NotProposed),
            }
        })
        .await
    }

    /// An enrolment of this organisation; one whose time is over reads as void.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enrolment(
        &self,
        organisation: i64,
        id: EnrolmentId,
        now: Timestamp,
    ) -> Result<Option<EnrolmentRecord>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT e.state, e.void_reason, e.device_name, e.expires_at, e.statement FROM enrolment e
                       JOIN account a ON a.row_id = e.account WHERE e.handle = ?1 AND a.organisation = ?2";
            let read = |row: &Row<'_>| {
                let record = EnrolmentRecord {
                    state: stage(&row.get::<_, String>(0)?)?,
                    void_reason: row.get::<_, Option<String>>(1)?.map(|word| parse(&word)).transpose()?,
                    device_name: row.get(2)?,
                    statement: row.get(4)?,
                    expires_at: Timestamp::from_millis(row.get(3)?),
                };
                let over =
                    matches!(record.state, EnrolmentStage::Open | EnrolmentStage::Proposed) && record.expires_at <= now;
                Ok(if over {
                    EnrolmentRecord { state: EnrolmentStage::Void, void_reason: Some(EndReason::Expired), ..record }
                } else {
                    record
                })
            };
            Ok(connection.prepare_cached(sql)?.query_row((id.to_string(), organisation), read).optional()?)
        })
        .await
    }

    /// The row of the account that an enrolment is for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_of_enrolment(&self, id: EnrolmentId) -> Result<Option<i64>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT account FROM enrolment WHERE handle = ?1";
            Ok(connection.query_row(sql, [id.to_string()], |row| row.get(0)).optional()?)
        })
        .await
    }
}

/// Takes an open, living ticket for this device; false when there is none.
fn propose(connection: &Connection, now: Timestamp, ticket: &RedeemedTicket) -> Result<bool, StoreError> {
    let request_key_id: Thumbprint = ticket.request_key.thumbprint();
    let proposed = connection.execute(
        "UPDATE enrolment SET state = 'proposed', proposed_at = :now, expires_at = :expires_at,
             transcript_sha256 = :transcript, statement = :statement, certificate = :certificate, confirmation_code = :code, device_name = :name,
             request_key_id = :key_id, request_key = :request_key, approval_key = :approval_key, sealing_key = :sealing_key
         WHERE ticket_sha256 = :ticket AND state = 'open' AND expires_at > :now
           AND NOT EXISTS (SELECT 1 FROM enrolment WHERE request_key IN (:request_key, :approval_key)
                                                      OR approval_key IN (:request_key, :approval_key))",
        named_params! {
            ":now": now.millis(),
            ":expires_at": (now + TICKET_LIFETIME).millis(),
            ":transcript": ticket.transcript_sha256,
            ":statement": ticket.statement,
            ":certificate": i64::try_from(ticket.certificate).unwrap_or(i64::MAX),
            ":code": ticket.confirmation_code,
            ":name": ticket.device_name,
            ":key_id": request_key_id.as_str(),
            ":request_key": ticket.request_key.as_uncompressed(),
            ":approval_key": ticket.approval_key.as_uncompressed(),
            ":sealing_key": ticket.sealing_key.as_bytes(),
            ":ticket": ticket.ticket_sha256,
        },
    )?;
    if !changed_one(proposed) {
        return Ok(false);
    }
    let sql = "SELECT row_id, account FROM enrolment WHERE ticket_sha256 = ?1";
    let (row_id, account) = connection.query_row(sql, [ticket.ticket_sha256], |row| Ok((row.get(0)?, row.get(1)?)))?;
    authenticators::insert(connection, account, Some(row_id), &ticket.device_name, &ticket.codes)?;
    Ok(true)
}

pub(super) fn void(
    connection: &Connection,
    rules: &Rules,
    now: Timestamp,
    row_id: i64,
    reason: &str,
) -> Result<bool, StoreError> {
    let sql = "UPDATE enrolment SET state = 'void', void_reason = ?3, voided_at = ?2, confirmation_code = NULL
               WHERE row_id = ?1 AND state <> 'void'";
    let voided = changed_one(connection.execute(sql, (row_id, now.millis(), reason))?);
    registrations::remove(connection, now, row_id)?;
    // What a lost phone approved in its last minute must not sign anybody in any more.
    claims::revoke(connection, rules, now, "settled_by = :row", row_id)?;
    authenticators::void_of_enrolment(connection, rules, now, row_id)?;
    Ok(voided)
}
