//! The secrets that lie sealed in the database, each bound to the place where it lies: copied elsewhere, it does not
//! open.

use crate::domain::opening_code::OpeningCode;
use crate::domain::rows::{DeviceRow, RelyingPartyRow};
use countersign_protocol::apns::Environment;
use countersign_protocol::at_rest::{AtRestKey, Location};
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::handle::{AuthenticatorId, MoveId};
use countersign_protocol::one_time_code::{Algorithm, Secret};
use countersign_protocol::randomness::Randomness;
use data_encoding::BASE64;
use zeroize::Zeroizing;

/// What the text form of a webhook's secret starts with (Standard Webhooks).
const WEBHOOK_SECRET_PREFIX: &str = "whsec_";

/// A registration is bound to its device and not to its own row, so that what was sealed when a device had one
/// registration still opens, and what is copied to another device does not.
const fn of_registration(device: &str) -> Location<'_> {
    Location { table: "enrolment", row: device, column: "push_registration" }
}

/// The form in which a push registration of the device in this row is kept.
///
/// # Errors
/// The reason, when it cannot be written as JSON.
pub fn seal_registration(
    at_rest: &AtRestKey,
    device: DeviceRow,
    registration: &PushRegistration,
    randomness: &dyn Randomness,
) -> Result<Vec<u8>, String> {
    let plain = serde_json::to_vec(registration).map_err(|error| error.to_string())?;
    Ok(at_rest.seal(of_registration(&device.to_string()), &plain, randomness))
}

/// The registration as it was given. A Web Push subscription always names the key that it was made with, which is kept
/// beside it: `vapid_key`.
///
/// # Errors
/// The reason, when it was sealed under another key or for another device.
pub fn open_registration(
    at_rest: &AtRestKey,
    device: DeviceRow,
    sealed: &[u8],
    vapid_key: Option<&String>,
) -> Result<PushRegistration, String> {
    let plain = at_rest.open(of_registration(&device.to_string()), sealed).map_err(|error| error.to_string())?;
    let mut registration = serde_json::from_slice(&plain).map_err(|error| error.to_string())?;
    if let PushRegistration::WebPush(subscription) = &mut registration {
        subscription.application_server_key = vapid_key.cloned();
    }
    Ok(registration)
}

/// A keyed digest of the place that a registration leads to, so that the same place is found again without its being
/// readable: it is worth nothing without the key.
pub fn place_digest(key: &ring::hmac::Key, registration: &PushRegistration) -> Vec<u8> {
    let place = match registration {
        PushRegistration::WebPush(subscription) => format!("webpush\n{}", subscription.endpoint),
        PushRegistration::Apns(device) => {
            let environment = match device.environment {
                Environment::Production => "production",
                Environment::Sandbox => "sandbox",
            };
            format!("apns\n{environment}\n{}", device.token.to_ascii_lowercase())
        }
        PushRegistration::Fcm { token } => format!("fcm\n{token}"),
    };
    let mut context = ring::hmac::Context::with_key(key);
    context.update(b"countersign place v1\n");
    context.update(place.as_bytes());
    context.sign().as_ref().to_vec()
}

const fn of_webhook(relying_party: &str) -> Location<'_> {
    Location { table: "webhook", row: relying_party, column: "secret" }
}

/// A fresh secret for a webhook, in its text form.
pub fn new_webhook_secret(randomness: &dyn Randomness) -> Zeroizing<String> {
    Zeroizing::new(format!("{WEBHOOK_SECRET_PREFIX}{}", BASE64.encode(&randomness.bytes::<32>())))
}

/// The form in which the secret of a webhook is kept, for the relying party in this row.
pub fn seal_webhook_secret(
    at_rest: &AtRestKey,
    relying_party: RelyingPartyRow,
    secret: &str,
    randomness: &dyn Randomness,
) -> Vec<u8> {
    at_rest.seal(of_webhook(&relying_party.to_string()), secret.as_bytes(), randomness)
}

/// The bytes of a webhook's secret.
///
/// # Errors
/// The reason, when it was sealed under another key or for another relying party.
pub fn open_webhook_secret(
    at_rest: &AtRestKey,
    relying_party: RelyingPartyRow,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = at_rest.open(of_webhook(&relying_party.to_string()), sealed).map_err(|error| error.to_string())?;
    let encoded = text.strip_prefix(WEBHOOK_SECRET_PREFIX.as_bytes()).unwrap_or_default();
    BASE64.decode(encoded).map(Zeroizing::new).map_err(|_| "the webhook's secret is damaged".into())
}

const fn of_code_authenticator(id: &str) -> Location<'_> {
    Location { table: "code_authenticator", row: id, column: "secret" }
}

/// A fresh secret of one-time codes, with the form in which it is kept.
pub fn new_code_secret(at_rest: &AtRestKey, id: AuthenticatorId, randomness: &dyn Randomness) -> (Secret, Vec<u8>) {
    let secret = Secret::generate(Algorithm::Sha1, randomness);
    let sealed = at_rest.seal(of_code_authenticator(&id.to_string()), secret.as_bytes(), randomness);
    (secret, sealed)
}

/// The secret of an authenticator's one-time codes.
///
/// # Errors
/// The reason, when it was sealed under another key or for another authenticator.
pub fn open_code_secret(at_rest: &AtRestKey, id: AuthenticatorId, sealed: &[u8]) -> Result<Secret, String> {
    let secret = at_rest.open(of_code_authenticator(&id.to_string()), sealed).map_err(|error| error.to_string())?;
    Secret::new(&secret).map_err(|refusal| refusal.to_string())
}

const fn of_move(id: &str) -> Location<'_> {
    Location { table: "move", row: id, column: "opening_code" }
}

/// The form in which the opening code of a move is kept.
pub fn seal_opening_code(at_rest: &AtRestKey, id: MoveId, code: &OpeningCode, randomness: &dyn Randomness) -> Vec<u8> {
    at_rest.seal(of_move(&id.to_string()), code.digits().as_bytes(), randomness)
}

/// Whether this opening code is the one that is kept of a move.
///
/// # Errors
/// The reason, when it was sealed under another key or for another move.
pub fn is_opening_code(at_rest: &AtRestKey, id: MoveId, typed: &OpeningCode, sealed: &[u8]) -> Result<bool, String> {
    let kept = at_rest.open(of_move(&id.to_string()), sealed).map_err(|error| error.to_string())?;
    Ok(typed.is(&kept))
}
