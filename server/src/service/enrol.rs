//! Accounts and their enrolments: the relying party opens a link, a device redeems it, the signed-in page confirms it.

use super::Service;
use super::authenticate::{ConfirmedDevice, Device, RelyingParty};
use super::waiting::{Look, Place, Until};
use super::{code_secrets, failures, names};
use crate::domain::actor::Actor;
use crate::domain::refused::Refused;
use crate::store::{Account, Confirmed, EnrolmentRecord, Opening, Redeemed, RedeemedTicket, StoredCodes};
use countersign_protocol::code_seed::{self, CodeSeed};
use countersign_protocol::device_api::{Devices, RedemptionAnswer};
use countersign_protocol::enrolment::{self, EnrolmentLink, EnrolmentStatement, Redemption};
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::jws;
use countersign_protocol::key::{SoftwareKey, sha256};
use countersign_protocol::relying_party_api::EnrolmentStage;
use countersign_protocol::sealing::{self, Envelope, SealedTo, SealingPublicKey};
use countersign_protocol::time::Timestamp;
use countersign_protocol::typed;
use data_encoding::BASE64URL_NOPAD;
use std::net::IpAddr;
use std::time::Duration;
use zeroize::Zeroizing;

/// Makes an account, or finds the one of this name; true when it is new.
///
/// # Errors
/// `malformed` for a name that no phone would show, `unavailable`.
pub async fn create_user(service: &Service, by: &RelyingParty, name: String) -> Result<(Account, bool), Refused> {
    names::check(&name)?;
    let id = AccountId::random(&*service.randomness);
    Ok(service.store.create_account(by.actor(), by.organisation(), id, name).await?)
}

/// A link with which one device can be enrolled, for ten minutes.
pub struct Opened {
    /// Names the enrolment.
    pub id: EnrolmentId,
    /// The link, which is a secret.
    pub link: String,
    /// Until when it serves.
    pub expires_at: Timestamp,
}

/// Opens an enrolment: a link for one device, single use.
///
/// # Errors
/// `not_found`, `too_many_enrolments`, `unavailable`.
pub async fn open(service: &Service, by: &RelyingParty, user: AccountId) -> Result<Opened, Refused> {
    by.take(service, &service.rates.enrolments, Refused::TooManyEnrolments).await?;
    let account = service.store.account(by.organisation(), user).await?.ok_or(Refused::NotFound("user"))?;
    let ticket = Ticket::new(service);
    let (id, digest, most) = (ticket.id(), ticket.digest(), service.settings.limits.enrolments_per_person);
    match service.store.open_enrolment(by.actor(), account.row_id, id, digest, most).await? {
        Opening::Opened(expires_at) => Ok(ticket.opened(service, expires_at)),
        Opening::NoAccount => Err(Refused::NotFound("user")),
        Opening::TooManyOpen(pause) => Err(Refused::TooManyEnrolments(pause)),
    }
}

/// A fresh ticket, before its digest is kept.
pub(super) struct Ticket {
    id: EnrolmentId,
    text: Zeroizing<String>,
}

impl Ticket {
    pub fn new(service: &Service) -> Self {
        let id = EnrolmentId::random(&*service.randomness);
        Self { id, text: Zeroizing::new(BASE64URL_NOPAD.encode(&service.randomness.bytes::<32>())) }
    }

    /// The enrolment that it is for.
    pub const fn id(&self) -> EnrolmentId {
        self.id
    }

    /// What is kept of it.
    pub fn digest(&self) -> [u8; 32] {
        sha256(self.text.as_bytes())
    }

    /// The link that carries it.
    pub fn opened(self, service: &Service, expires_at: Timestamp) -> Opened {
        let (server_url, fingerprint) = (service.settings.public_url.clone(), service.keys.server_id.clone());
        let link = EnrolmentLink { server_url, ticket: self.text, fingerprint };
        Opened { id: self.id, link: link.to_text(), expires_at }
    }
}

/// Waits, `patience` at most, until an enrolment is no longer open, and reads it.
///
/// # Errors
/// `not_found`, `too_many_waits`, `unavailable`; `unauthorised` when the key is revoked meanwhile.
pub async fn wait(
    service: &Service,
    by: &RelyingParty,
    id: EnrolmentId,
    patience: Duration,
) -> Result<EnrolmentRecord, Refused> {
    let place = by.wait_place(service, patience)?;
    let look = || async move {
        let _turn = by.look_again(service).await?;
        let now = service.now();
        let record = service.store.enrolment(by.organisation(), id, now).await?;
        let record = record.ok_or(Refused::NotFound("enrolment"))?;
        let wait = (record.state == EnrolmentStage::Open).then(|| now.until(record.expires_at));
        Ok::<_, Refused>(Look { seen: record, wait })
    };
    let until = Until { patience, stopping: &service.stopping, caller: place.as_ref().map(Place::notify) };
    service.wake.enrolments.until(id, until, look).await
}

/// Confirms the proposed device with the digits that it shows.
///
/// # Errors
/// `malformed`, `wrong_number`, `not_proposed`, `not_found`, `unavailable`.
pub async fn confirm(
    service: &Service,
    by: &RelyingParty,
    id: EnrolmentId,
    typed_code: &str,
) -> Result<EnrolmentRecord, Refused> {
    let code = typed::digits(typed_code).filter(|code| code.len() == 6);
    let code = code.ok_or_else(|| Refused::malformed("The code is the six digits that the phone shows."))?;
    let confirmed = service.store.confirm_enrolment(by.actor(), by.organisation(), id, code).await?;
    wake(service, id).await?;
    match confirmed {
        Confirmed::Now | Confirmed::Rehearses => service.rates.enrolments.give_back(by.row()),
        Confirmed::WrongCode(left) => return Err(Refused::WrongConfirmationCode(left)),
        Confirmed::NotProposed => return Err(Refused::NotProposed),
        Confirmed::NotFound => return Err(Refused::NotFound("enrolment")),
    }
    let record = service.store.enrolment(by.organisation(), id, service.now()).await?;
    record.ok_or(Refused::NotFound("enrolment"))
}

/// Wakes the page that waits for an enrolment, and the device that waits to be confirmed or refused.
async fn wake(service: &Service, id: EnrolmentId) -> Result<(), Refused> {
    service.wake.enrolments.wake(id);
    if let Some(account) = service.store.account_of_enrolment(id).await? {
        service.wake.devices.wake(account);
    }
    Ok(())
}

/// Redeems a ticket: the device is proposed, and shows six digits that the signed-in page must confirm. The same
/// redemption gets its first answer again.
///
/// # Errors
/// `invalid_ticket`, `redeemed_twice`, `attestation_required`, `too_many_failures`, `unavailable`; by its own name,
/// what is wrong with the redemption.
pub async fn redeem(
    service: &Service,
    address: Option<IpAddr>,
    redemption: &Redemption,
) -> Result<RedemptionAnswer, Refused> {
    failures::counted(service, address, redeem_ticket(service, address, redemption)).await
}

async fn redeem_ticket(
    service: &Service,
    address: Option<IpAddr>,
    redemption: &Redemption,
) -> Result<RedemptionAnswer, Refused> {
    // The ticket first: without one, nobody makes this server check signatures.
    let ticket_sha256 = sha256(redemption.ticket.as_bytes());
    let account = service.store.ticket_account(ticket_sha256).await?.ok_or(Refused::InvalidTicket)?;
    let server_id = &service.keys.server_id;
    let transcript = enrolment::check_redemption(redemption, server_id, service.now())?;
    let transcript_sha256 = enrolment::transcript_digest_text(&redemption.transcript);
    let statement = EnrolmentStatement {
        iss: server_id.clone(),
        aud: transcript.request_key.thumbprint(),
        sub: account.account_id,
        enrolment_id: account.enrolment_id,
        organisation: account.organisation,
        account: account.account,
        transcript_sha256: transcript_sha256.clone(),
        request_key: transcript.request_key,
        approval_key: transcript.approval_key,
        iat: service.now().seconds(),
    };
    // A key to which nothing can be sealed would make a device that never hears of a challenge.
    let to = SealedTo { server_id, enrolment_id: account.enrolment_id };
    sealing::seal("", &transcript.sealing_key, to, &*service.randomness)?;
    let by = Actor::device(account.enrolment_id, address);
    let attestation = match service.attestation.look(redemption, &transcript, service.now()) {
        Ok(found) => found,
        Err(doubt) => {
            service.store.not_attested(by, ticket_sha256, doubt).await?;
            return Err(Refused::AttestationRequired(doubt));
        }
    };
    let signer = service.keys.signer(&service.store).await?;
    let ticket = RedeemedTicket {
        ticket_sha256,
        transcript_sha256,
        statement: jws::sign_now(&statement, &signer.key)?,
        certificate: signer.sequence,
        confirmation_code: enrolment::confirmation_code(&redemption.transcript, account.account_id),
        device_name: transcript.device_name,
        request_key: transcript.request_key,
        approval_key: transcript.approval_key,
        sealing_key: transcript.sealing_key,
        codes: code_secrets::generate(service)?.1,
        attestation,
    };
    let redeemed = service.store.redeem_ticket(by, ticket).await?;
    wake(service, account.enrolment_id).await?;
    match redeemed {
        Redeemed::Proposed { statement: compact, codes } => {
            let seal = |codes| seal_code_seed(service, &statement, &codes, &transcript.sealing_key, &signer.key);
            Ok(RedemptionAnswer { enrolment: compact, code_seed: codes.map(seal).transpose()? })
        }
        Redeemed::Twice => {
            tracing::warn!(
                enrolment = %account.enrolment_id,
                "an enrolment link was redeemed by two devices; both are refused"
            );
            Err(Refused::RedeemedTwice)
        }
        Redeemed::Invalid => Err(Refused::InvalidTicket),
    }
}

/// The seed of a device's one-time codes, signed and sealed to it: afresh each time, and each time the same seed.
fn seal_code_seed(
    service: &Service,
    statement: &EnrolmentStatement,
    codes: &StoredCodes,
    sealing_key: &SealingPublicKey,
    signing_key: &SoftwareKey,
) -> Result<Envelope, Refused> {
    let totp = code_secrets::open(service, codes)?;
    let seed = CodeSeed {
        iss: statement.iss.clone(),
        aud: statement.aud.clone(),
        sub: statement.sub,
        enrolment_id: statement.enrolment_id,
        secret: totp.secret().clone(),
        algorithm: totp.algorithm(),
        digits: totp.digits(),
        period: totp.period(),
        iat: codes.created_at.seconds(),
    };
    let to = SealedTo { server_id: &service.keys.server_id, enrolment_id: statement.enrolment_id };
    Ok(sealing::seal(&code_seed::issue(&seed, signing_key)?, sealing_key, to, &*service.randomness)?)
}

/// The devices of the asking device's account.
///
/// # Errors
/// `unavailable`.
pub async fn devices(service: &Service, by: &ConfirmedDevice) -> Result<Devices, Refused> {
    let device = by.known();
    let devices = service.store.devices(device.account, Some(device.enrolment_id), service.now()).await?;
    Ok(Devices { devices })
}

/// Removes the asking device from its account; also when it was before. A device can remove only itself: its request
/// key works without the person, and a thief's phone must not shut out the others.
///
/// # Errors
/// `wrong_device`, `unavailable`.
pub async fn remove_device(service: &Service, by: &Device, id: EnrolmentId) -> Result<(), Refused> {
    let device = by.known();
    if id != device.enrolment_id {
        return Err(Refused::WrongDevice);
    }
    service.store.revoke_device(by.actor(), device.account, id).await?;
    service.wake.account_changed(device.account);
    Ok(())
}
