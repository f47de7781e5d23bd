//! What the server tells a device in a signed word of its own: that a challenge waits no longer, that an enrolment is
//! over.

use super::Service;
use crate::domain::refused::Refused;
use crate::keys::server_keys::Signer;
use crate::store::{ActiveDevice, Retracted};
use countersign_protocol::jws;
use countersign_protocol::retraction::Retraction;
use countersign_protocol::revocation::Revocation;

/// Signs that a challenge waits no longer.
///
/// # Errors
/// `internal`.
pub fn retraction(service: &Service, signer: &Signer, retracted: &Retracted) -> Result<String, Refused> {
    let claims = Retraction {
        iss: service.keys.server_id.clone(),
        aud: retracted.device.parse().map_err(|_| Refused::Internal)?,
        sub: retracted.account_id,
        enrolment_id: retracted.enrolment_id,
        challenge_id: retracted.challenge_id,
        reason: retracted.reason,
        iat: service.now().seconds(),
    };
    Ok(jws::sign_now(&claims, &signer.key)?)
}

/// Signs that an enrolment is over, in answer to the request whose proof had this `jti`.
///
/// # Errors
/// `unavailable`, `internal`.
pub async fn revocation(service: &Service, device: &ActiveDevice, jti: &str) -> Result<String, Refused> {
    let claims = Revocation {
        iss: service.keys.server_id.clone(),
        aud: device.request_key.thumbprint(),
        sub: device.account_id,
        enrolment_id: device.enrolment_id,
        reason: device.end_reason,
        nonce: jti.to_owned(),
        iat: service.now().seconds(),
    };
    Ok(jws::sign_now(&claims, &service.keys.signer(&service.store).await?.key)?)
}
