//! Enrolments on their way: open, proposed, confirmed or void.

use super::codes::StoredCodes;
use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::journal::Entry;
use super::rules::AHEAD;
use super::{Rules, Store, StoreError, accounts, attestations, authenticators, claims, move_rows, registrations};
use crate::domain::actor::Actor;
use crate::domain::attestation::Found;
use crate::domain::fact::Fact;
use crate::domain::rows::{AccountRow, DeviceRow, OrganisationRow};
use countersign_protocol::enrolment::TICKET_LIFETIME;
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::key::{PublicKey, Thumbprint};
use countersign_protocol::relying_party_api::EnrolmentStage;
use countersign_protocol::revocation::EndReason;
use countersign_protocol::sealing::SealingPublicKey;
use countersign_protocol::time::Timestamp;
use std::time::Duration;

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
    /// What was found of its approval key; none where nobody looked.
    pub attestation: Option<Found>,
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
    /// The device shows that it can answer, and is in use after that: it takes over from another.
    Rehearses,
    /// The digits are not those of the proposed device; so many attempts are left.
    WrongCode(u32),
    /// No device is proposed: none has come yet, or the enrolment is over.
    NotProposed,
    /// There is no such enrolment here.
    NotFound,
}

fn read_ticket_account(row: &Row) -> Result<TicketAccount, StoreError> {
    Ok(TicketAccount {
        enrolment_id: row.get("handle")?,
        account_id: row.get("account_handle")?,
        account: row.get("account_name")?,
        organisation: row.get("organisation_name")?,
    })
}

/// True for an enrolment whose time is over although nobody has ended it: its end has come, or lies so far ahead that
/// it began by another clock.
pub(super) fn is_overdue(stage: EnrolmentStage, expires_at: Timestamp, now: Timestamp) -> bool {
    let lawful = expires_at > now && expires_at <= now + TICKET_LIFETIME + AHEAD;
    matches!(stage, EnrolmentStage::Open | EnrolmentStage::Proposed) && !lawful
}

/// An enrolment as it reads at this time: one whose time is over is void.
fn read_enrolment(row: &Row, now: Timestamp) -> Result<EnrolmentRecord, StoreError> {
    let state = row.get("state")?;
    let record = EnrolmentRecord {
        state,
        void_reason: match state {
            // What ended by the clock is kept without a reason.
            EnrolmentStage::Void => Some(row.get::<Option<EndReason>>("void_reason")?.unwrap_or(EndReason::Expired)),
            _ => None,
        },
        device_name: row.get("device_name")?,
        statement: row.get("statement")?,
        expires_at: row.get("expires_at")?,
    };
    Ok(if is_overdue(record.state, record.expires_at, now) {
        EnrolmentRecord { state: EnrolmentStage::Void, void_reason: Some(EndReason::Expired), ..record }
    } else {
        record
    })
}

/// What became of the wish to open an enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It is open until then.
    Opened(Timestamp),
    /// The account was deleted meanwhile.
    NoAccount,
    /// As many are open as may; the first of them ends after this pause.
    TooManyOpen(Duration),
}

impl Store {
    /// Opens an enrolment for an account, unless `most` are open already.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn open_enrolment(
        &self,
        by: Actor,
        account: AccountRow,
        id: EnrolmentId,
        ticket_sha256: [u8; 32],
        most: u32,
    ) -> Result<Opening, StoreError> {
        self.write(move |transaction, now| Ok(open(transaction, now, &by, account, (id, ticket_sha256, most))?.1)).await
    }

    /// Whose ticket this is, whatever its state.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn ticket_account(&self, ticket_sha256: [u8; 32]) -> Result<Option<TicketAccount>, StoreError> {
        self.read(move |transaction| {
            let sql = "SELECT e.row_id, e.handle, a.handle AS account_handle, a.name AS account_name,
                              o.name AS organisation_name
                       FROM enrolment e JOIN account a ON a.row_id = e.account
                       JOIN organisation o ON o.row_id = a.organisation WHERE e.ticket_sha256 = $1";
            let found = transaction.row("enrolment", sql, values![&ticket_sha256])?;
            found.as_ref().map(read_ticket_account).transpose()
        })
        .await
    }

    /// Redeems a ticket: the first device that comes is proposed; a second one ends the enrolment for both.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn redeem_ticket(&self, by: Actor, ticket: RedeemedTicket) -> Result<Redeemed, StoreError> {
        let rules = self.rules;
        self.write(move |transaction, now| {
            if propose(transaction, now, &by, &ticket)? {
                let RedeemedTicket { statement, codes, .. } = ticket;
                return Ok(Redeemed::Proposed { statement, codes: Some(codes) });
            }
            let sql = "SELECT row_id, state, expires_at, transcript_sha256, statement FROM enrolment
                       WHERE ticket_sha256 = $1";
            let Some(found) = transaction.row("enrolment", sql, values![&ticket.ticket_sha256])? else {
                return Ok(Redeemed::Invalid);
            };
            let row_id = found.get("row_id")?;
            let same = found.get::<Option<String>>("transcript_sha256")?.as_ref() == Some(&ticket.transcript_sha256);
            match (found.get("state")?, found.get("statement")?) {
                (stage @ (EnrolmentStage::Proposed | EnrolmentStage::Confirmed), Some(statement)) if same => {
                    let renewed = stage == EnrolmentStage::Proposed && sign_anew(transaction, row_id, &ticket)?;
                    let statement = if renewed { ticket.statement } else { statement };
                    Ok(Redeemed::Proposed { statement, codes: authenticators::of_enrolment(transaction, row_id)? })
                }
                (EnrolmentStage::Proposed, _) => {
                    void(transaction, &rules, now, &by, row_id, EndReason::RedeemedTwice)?;
                    Ok(Redeemed::Twice)
                }
                (stage, _) => {
                    if is_overdue(stage, found.get("expires_at")?, now) {
                        void(transaction, &rules, now, &Actor::SERVER, row_id, EndReason::Expired)?;
                    }
                    Ok(Redeemed::Invalid)
                }
            }
        })
        .await
    }

    /// Confirms the proposed device of an enrolment with the digits that it shows. Attempts are counted.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn confirm_enrolment(
        &self,
        by: Actor,
        organisation: OrganisationRow,
        id: EnrolmentId,
        code: String,
    ) -> Result<Confirmed, StoreError> {
        let rules = self.rules;
        self.write(move |transaction, now| {
            let sql = "SELECT e.row_id, e.state, e.confirmation_code, e.wrong_codes, e.expires_at FROM enrolment e
                       JOIN account a ON a.row_id = e.account WHERE e.handle = $1 AND a.organisation = $2";
            let Some(found) = transaction.row("enrolment", sql, values![id, organisation])? else {
                return Ok(Confirmed::NotFound);
            };
            let row_id: DeviceRow = found.get("row_id")?;
            let right: Option<String> = found.get("confirmation_code")?;
            let same =
                right.is_some_and(|right| subtle::ConstantTimeEq::ct_eq(right.as_bytes(), code.as_bytes()).into());
            match found.get("state")? {
                EnrolmentStage::Confirmed if same => Ok(Confirmed::Now),
                stage if is_overdue(stage, found.get("expires_at")?, now) => {
                    void(transaction, &rules, now, &Actor::SERVER, row_id, EndReason::Expired)?;
                    Ok(Confirmed::NotProposed)
                }
                EnrolmentStage::Proposed if same => {
                    let moving = move_rows::of_new_device(transaction, row_id)?;
                    if let Some(moving) = moving.filter(|_| rules.rehearses) {
                        // The old phone goes on until this one has answered a question.
                        let sql = "UPDATE enrolment SET expires_at = $2 WHERE row_id = $1";
                        transaction.execute(sql, values![row_id, now + TICKET_LIFETIME])?;
                        move_rows::begin_rehearsal(transaction, now, &by, &moving)?;
                        return Ok(Confirmed::Rehearses);
                    }
                    let sql = "UPDATE enrolment SET state = 'confirmed', confirmed_at = $2 WHERE row_id = $1";
                    transaction.execute(sql, values![row_id, now])?;
                    Entry::new(now, &by, Fact::DeviceConfirmed).of_device(transaction, row_id)?;
                    registrations::settle_places(transaction, now, row_id)?;
                    Ok(Confirmed::Now)
                }
                EnrolmentStage::Proposed => {
                    let wrong_codes = found.get::<u32>("wrong_codes")? + 1;
                    let sql = "UPDATE enrolment SET wrong_codes = $2 WHERE row_id = $1";
                    transaction.execute(sql, values![row_id, wrong_codes])?;
                    Entry::new(now, &by, Fact::ConfirmationRefused).of_device(transaction, row_id)?;
                    if wrong_codes >= MAX_WRONG_CODES {
                        void(transaction, &rules, now, &by, row_id, EndReason::WrongCode)?;
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
    /// [`StoreError`], when the database gives no answer.
    pub async fn enrolment(
        &self,
        organisation: OrganisationRow,
        id: EnrolmentId,
        now: Timestamp,
    ) -> Result<Option<EnrolmentRecord>, StoreError> {
        let found = self
            .read(move |transaction| {
                let sql = "SELECT e.row_id, e.state, e.void_reason, e.device_name, e.expires_at, e.statement
                           FROM enrolment e JOIN account a ON a.row_id = e.account
                           WHERE e.handle = $1 AND a.organisation = $2";
                let Some(row) = transaction.row("enrolment", sql, values![id, organisation])? else { return Ok(None) };
                let overdue = is_overdue(row.get("state")?, row.get("expires_at")?, now);
                Ok(Some((read_enrolment(&row, now)?, overdue.then_some(row.get("row_id")?))))
            })
            .await?;
        let Some((record, overdue)) = found else { return Ok(None) };
        if let Some(row_id) = overdue {
            self.end_overdue(row_id).await?;
        }
        Ok(Some(record))
    }

    /// Ends an enrolment whose time is over, for good: whoever is told so afterwards is told the truth also when the
    /// clock goes back. One that was confirmed stays.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn end_overdue(&self, device: DeviceRow) -> Result<(), StoreError> {
        let rules = self.rules;
        self.write(move |transaction, now| {
            let sql = "SELECT row_id, state FROM enrolment WHERE row_id = $1";
            let stage = transaction.one_row("enrolment", sql, values![device])?.get("state")?;
            if matches!(stage, EnrolmentStage::Open | EnrolmentStage::Proposed) {
                void(transaction, &rules, now, &Actor::SERVER, device, EndReason::Expired)?;
            }
            Ok(())
        })
        .await
    }

    /// The row of the account that an enrolment is for.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn account_of_enrolment(&self, id: EnrolmentId) -> Result<Option<AccountRow>, StoreError> {
        self.read(move |transaction| {
            let sql = "SELECT row_id, account FROM enrolment WHERE handle = $1";
            transaction.row("enrolment", sql, values![id])?.map(|row| row.get("account")).transpose()
        })
        .await
    }
}

/// Opens an enrolment with this name and this digest of its ticket, unless so many are open already; with its row where
/// it is open.
pub(super) fn open(
    transaction: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    account: AccountRow,
    (id, ticket_sha256, most): (EnrolmentId, [u8; 32], u32),
) -> Result<(Option<DeviceRow>, Opening), StoreError> {
    if !accounts::is_there(transaction, account)? {
        return Ok((None, Opening::NoAccount));
    }
    let sql = "SELECT count(*) AS open, min(expires_at) AS first FROM enrolment
               WHERE account = $1 AND state IN ('open', 'proposed') AND expires_at > $2";
    let open = transaction.one_row("enrolment", sql, values![account, now])?;
    if open.get::<u32>("open")? >= most {
        let first: Option<Timestamp> = open.get("first")?;
        return Ok((None, Opening::TooManyOpen(now.until(first.unwrap_or(now)))));
    }
    let expires_at = now + TICKET_LIFETIME;
    let sql = "INSERT INTO enrolment (handle, account, state, created_at, expires_at, ticket_sha256)
               VALUES ($1, $2, 'open', $3, $4, $5) RETURNING row_id";
    let values = values![id, account, now, expires_at, &ticket_sha256];
    let row_id = transaction.one_row("enrolment", sql, values)?.get("row_id")?;
    Entry::new(now, by, Fact::EnrolmentOpened).of_device(transaction, row_id)?;
    Ok((Some(row_id), Opening::Opened(expires_at)))
}

/// Takes an open, living ticket for this device; false when there is none.
fn propose(
    transaction: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    ticket: &RedeemedTicket,
) -> Result<bool, StoreError> {
    let request_key_id: Thumbprint = ticket.request_key.thumbprint();
    let sql = "UPDATE enrolment SET state = 'proposed', proposed_at = $1, last_contact_at = $1, expires_at = $2,
                   transcript_sha256 = $3, statement = $4, certificate = $5, confirmation_code = $6, device_name = $7,
                   request_key_id = $8, request_key = $9, approval_key = $10, sealing_key = $11
               WHERE ticket_sha256 = $12 AND state = 'open' AND expires_at > $1 AND expires_at <= $13
                 AND NOT EXISTS (SELECT 1 FROM enrolment other
                                 WHERE other.request_key IN ($9, $10) OR other.approval_key IN ($9, $10))
               RETURNING row_id, account";
    let parameters = values![
        now,
        now + TICKET_LIFETIME,
        &ticket.transcript_sha256,
        &ticket.statement,
        ticket.certificate,
        &ticket.confirmation_code,
        &ticket.device_name,
        request_key_id.as_str(),
        ticket.request_key.as_uncompressed(),
        ticket.approval_key.as_uncompressed(),
        ticket.sealing_key.as_bytes(),
        &ticket.ticket_sha256,
        now + TICKET_LIFETIME + AHEAD,
    ];
    let Some(proposed) = transaction.row("enrolment", sql, parameters)? else { return Ok(false) };
    let (row_id, account): (DeviceRow, AccountRow) = (proposed.get("row_id")?, proposed.get("account")?);
    authenticators::insert(transaction, account, Some(row_id), &ticket.device_name, &ticket.codes)?;
    Entry::new(now, by, Fact::DeviceProposed).of_device(transaction, row_id)?;
    if let Some(found) = ticket.attestation {
        attestations::keep(transaction, now, by, row_id, found)?;
    }
    Ok(true)
}

/// Puts the statement that is signed now in the place of one whose key was renewed meanwhile, which a device that has
/// not got the first answer could not verify any more; true when there was such a one. Once the device is in use,
/// receipts rest on its statement, and it stays.
fn sign_anew(transaction: &dyn Transaction, device: DeviceRow, ticket: &RedeemedTicket) -> Result<bool, StoreError> {
    let sql = "UPDATE enrolment SET statement = $2, certificate = $3 WHERE row_id = $1 AND certificate < $3";
    transaction.changes_one(sql, values![device, &ticket.statement, ticket.certificate])
}

/// Ends an enrolment, and with it everything that its device could do; false when it was over before.
pub(super) fn void(
    transaction: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    device: DeviceRow,
    reason: EndReason,
) -> Result<bool, StoreError> {
    let sql = "UPDATE enrolment SET state = 'void', void_reason = $3, voided_at = $2, confirmation_code = NULL
               WHERE row_id = $1 AND state <> 'void'";
    let kept_reason = (reason != EndReason::Expired).then_some(reason);
    let voided = transaction.changes_one(sql, values![device, now, kept_reason])?;
    if voided {
        Entry::new(now, by, Fact::DeviceEnded).because(reason.as_str()).of_device(transaction, device)?;
    }
    registrations::remove(transaction, now, device)?;
    // What a lost phone approved in its last minute must not sign anybody in any more.
    claims::revoke(transaction, rules, now, by, claims::Of::SettledBy(device))?;
    authenticators::void_of_enrolment(transaction, rules, now, by, device)?;
    Ok(voided)
}

/// Ends every enrolment of an account; how many had a device.
pub(super) fn void_all(
    transaction: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    account: AccountRow,
) -> Result<usize, StoreError> {
    let sql = "SELECT row_id, proposed_at FROM enrolment WHERE account = $1 AND state <> 'void' ORDER BY row_id";
    let mut devices = 0;
    for row in transaction.rows("enrolment", sql, values![account])? {
        void(transaction, rules, now, by, row.get("row_id")?, EndReason::Revoked)?;
        devices += usize::from(row.get::<Option<Timestamp>>("proposed_at")?.is_some());
    }
    Ok(devices)
}
