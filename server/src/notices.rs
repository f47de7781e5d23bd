//! What the server tells a device in a signed word of its own: that a challenge waits no longer, that an enrolment is over.

use crate::app::App;
use crate::problem::Problem;
use crate::server_keys::Signer;
use crate::store::{ActiveDevice, Retracted};
use countersign_protocol::jws;
use countersign_protocol::retraction::Retraction;
use countersign_protocol::revocation::Revocation;

/// Signs that a challenge waits no longer.
///
/// # Errors
/// `internal`.
pub fn retraction(app: &App, signer: &Signer, retracted: &Retracted) -> Result<String, Problem> {
    let claims = Retraction {
        iss: app.keys.server_id.clone(),
        aud: retracted.device.parse().map_err(|_| Problem::Internal)?,
        sub: retracted.account_id,
        enrolment_id: retracted.enrolment_id,
        challenge_id: retracted.challenge_id,
        reason: retracted.reason,
        iat: app.now().seconds(),
    };
    Ok(jws::sign_now(&claims, &signer.key)?)
}

/// Signs that an enrolment is over, in answer to the request whose proof had this `jti`.
///
/// # Errors
/// `unavailable`, `internal`.
pub async fn revocation(app: &App, device: &ActiveDevice, jti: &str) -> Result<String, Problem> {
    let claims = Revocation {
        iss: app.keys.server_id.clone(),
        aud: device.request_key.thumbprint(),
        sub: device.account_id,
        enrolment_id: device.enrolment_id,
        reason: device.end_reason,
        nonce: jti.to_owned(),
        iat: app.now().seconds(),
    };
    Ok(jws::sign_now(&claims, &app.keys.signer(&app.store).await?.key)?)
}
