//! The secrets of one-time codes: fresh ones, and those that are kept.

use super::Service;
use crate::domain::refused::Refused;
use crate::keys::sealed;
use crate::store::StoredCodes;
use countersign_protocol::handle::AuthenticatorId;
use countersign_protocol::one_time_code::{Algorithm, DEFAULT_DIGITS, DEFAULT_PERIOD, Totp};

/// Fresh codes as every application knows them, with the form in which they are kept.
///
/// # Errors
/// `internal`.
pub fn generate(service: &Service) -> Result<(Totp, StoredCodes), Refused> {
    let id = AuthenticatorId::random(&*service.randomness);
    let (secret, sealed) = sealed::new_code_secret(&service.keys.at_rest, id, &*service.randomness);
    let totp = Totp::new(secret, Algorithm::Sha1, DEFAULT_DIGITS, DEFAULT_PERIOD).map_err(|_| Refused::Internal)?;
    let stored = StoredCodes {
        id,
        secret: sealed,
        algorithm: totp.algorithm().as_str().into(),
        digits: totp.digits(),
        period: totp.period(),
        created_at: service.now(),
    };
    Ok((totp, stored))
}

/// The codes of a kept secret.
///
/// # Errors
/// `internal`, with the reason in the log.
pub fn open(service: &Service, stored: &StoredCodes) -> Result<Totp, Refused> {
    let unreadable = |error: String| {
        tracing::error!(authenticator = %stored.id, %error, "the secret of one-time codes cannot be opened");
        Refused::Internal
    };
    let secret = sealed::open_code_secret(&service.keys.at_rest, stored.id, &stored.secret).map_err(unreadable)?;
    let algorithm = stored.algorithm.parse();
    let totp = algorithm.and_then(|algorithm| Totp::new(secret, algorithm, stored.digits, stored.period));
    totp.map_err(|refusal| unreadable(refusal.to_string()))
}
