//! Other OTP applications as a person's second factor: a link to scan or a key to type, then the first code.

use super::Service;
use super::authenticate::RelyingParty;
use super::{code_secrets, codes, names};
use crate::domain::code_steps::{self, Judged, OtherTime, Purpose};
use crate::domain::refused::Refused;
use crate::store::{AuthenticatorRecord, Confirming, MAX_FAILURES};
use countersign_protocol::handle::{AccountId, AuthenticatorId};
use countersign_protocol::otpauth::{Generator, OtpauthLink};

/// The name of an application that nobody named.
const DEFAULT_NAME: &str = "OTP application";

/// What an application needs to make codes. It is shown this once.
pub struct Proposed {
    /// Names it.
    pub id: AuthenticatorId,
    /// The link that applications read, which is a secret.
    pub otpauth: String,
    /// The same secret to be typed: base32 in groups of four.
    pub key: String,
}

/// Proposes an application: it has ten minutes to show its first code.
///
/// # Errors
/// `malformed`, `not_found`, `unavailable`, `internal`.
pub async fn propose(
    service: &Service,
    by: &RelyingParty,
    user: AccountId,
    name: Option<String>,
) -> Result<Proposed, Refused> {
    let name = name.map_or_else(|| Ok(DEFAULT_NAME.into()), |name| names::typed(&name))?;
    let account = service.store.account(by.organisation(), user).await?.ok_or(Refused::NotFound("user"))?;
    let (totp, stored) = code_secrets::generate(service)?;
    let id = stored.id;
    let key = totp.secret().to_base32_groups().to_string();
    let link = OtpauthLink::new(Some(by.organisation_name()), &account.name, Generator::Totp(totp))?;
    let otpauth = link.to_text().to_string();
    if !service.store.propose_application(by.actor(), account.row_id, name, stored).await? {
        return Err(Refused::NotFound("user"));
    }
    Ok(Proposed { id, otpauth, key })
}

/// Confirms an application with the code that it shows, which is spent by it.
///
/// # Errors
/// `malformed`, `wrong_number`, `not_proposed`, `throttled`, `locked`, `not_found`, `unavailable`.
pub async fn confirm(
    service: &Service,
    by: &RelyingParty,
    id: AuthenticatorId,
    typed_code: &str,
) -> Result<AuthenticatorRecord, Refused> {
    let code = codes::typed_one_time(typed_code)?;
    let counted = match service.store.begin_confirmation(by.organisation(), id).await? {
        Confirming::Counted(counted) => counted,
        Confirming::Refused(refused) => return Err(refused.into()),
        Confirming::NotProposed => return Err(Refused::ApplicationNotProposed),
        Confirming::NotFound => return Err(Refused::NotFound("authenticator")),
    };
    let totp = code_secrets::open(service, &counted.codes)?;
    let drift = service.settings.code_drift;
    let judged = code_steps::judge(&totp, &code, service.now(), drift, Purpose::Confirmation, &counted.known);
    let Judged::Right(right) = judged else {
        let left = MAX_FAILURES.saturating_sub(counted.failures);
        let other = judged.other_time();
        let told = other.map(|other| (counted.row_id, other.step)).into_iter().collect();
        service.store.refuse_code(by.actor(), &[counted], told).await?;
        return Err(other.map_or(Refused::WrongFirstCode(left), |OtherTime { seconds_ahead, .. }| {
            Refused::FirstCodeOfAnotherTime { seconds_ahead, left }
        }));
    };
    let confirmed = service.store.confirm_application(by.actor(), &counted, right).await?;
    let record = service.store.authenticator(by.organisation(), id).await?;
    record.filter(|_| confirmed).ok_or(Refused::ApplicationNotProposed)
}

/// What makes codes for a person, oldest first. Nothing of it tells a secret.
///
/// # Errors
/// `not_found`, `unavailable`.
pub async fn list(service: &Service, by: &RelyingParty, user: AccountId) -> Result<Vec<AuthenticatorRecord>, Refused> {
    let account = service.store.account(by.organisation(), user).await?.ok_or(Refused::NotFound("user"))?;
    Ok(service.store.authenticators(account.row_id, service.now()).await?)
}

/// Removes an application or a set of backup codes. A phone is removed as a device.
///
/// # Errors
/// `not_found`, `unavailable`.
pub async fn remove(service: &Service, by: &RelyingParty, id: AuthenticatorId) -> Result<(), Refused> {
    let removed = service.store.remove_application(by.actor(), by.organisation(), id).await?;
    service.wake.events.notify_one();
    if removed { Ok(()) } else { Err(Refused::NotFound("authenticator")) }
}
