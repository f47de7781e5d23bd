//! Where devices are reached: what a device may register, and how it is kept.

use super::authenticate::Device;
use super::{Service, Settings};
use crate::domain::address_guard::AddressGuard;
use crate::domain::refused::Refused;
use crate::keys::sealed;
use crate::store::{MadeWith, NewRegistration, Registered};
use countersign_protocol::apns::{AppleDevice, Environment};
use countersign_protocol::device_api::{
    EnrolmentState, MAX_FCM_TOKEN_LENGTH, MAX_PUSH_REGISTRATIONS, PushRegistration,
};
use countersign_protocol::webpush::Subscription;
use url::Url;

/// The longest endpoint of Web Push, in bytes.
const MAX_ENDPOINT_LENGTH: usize = 2048;

/// Replaces all places where a device is reached by these.
///
/// # Errors
/// `malformed` for an empty list, a place that stands twice and one that could never be used; `too_many_registrations`;
/// `gateway_not_configured` for a network through which this server sends nothing; `unknown_webpush_key` for a
/// subscription that was made with a key that it does not hold; `device_not_in_use` for one that is void; `unavailable`
/// when the database gives no answer. Nothing was changed then.
pub async fn register(service: &Service, by: &Device, registrations: &[PushRegistration]) -> Result<(), Refused> {
    let device = by.known();
    if device.state == EnrolmentState::Void {
        return Err(Refused::DeviceNotInUse);
    }
    if registrations.is_empty() {
        return Err(Refused::malformed("The list of registrations is empty: send 1 to 4."));
    }
    if registrations.len() > MAX_PUSH_REGISTRATIONS {
        return Err(Refused::TooManyRegistrations);
    }
    let mut new = Vec::with_capacity(registrations.len());
    for registration in registrations {
        check(&service.settings, registration)?;
        let place = sealed::place_digest(&service.keys.place_key, registration);
        if new.iter().any(|earlier: &NewRegistration| earlier.place == place) {
            return Err(Refused::malformed("The list names one place twice: each would get every push."));
        }
        new.push(NewRegistration {
            sealed: sealed::seal_registration(&service.keys.at_rest, device.row_id, registration, &*service.randomness)
                .map_err(|_| Refused::Internal)?,
            place,
            lane: lane(registration),
            made_with: made_with(registration),
        });
    }
    match service.store.replace_push_registrations(by.actor(), device.row_id, new).await? {
        Registered::Done => Ok(()),
        Registered::NotInUse => Err(Refused::DeviceNotInUse),
        Registered::UnknownKey => Err(Refused::UnknownWebPushKey),
    }
}

fn made_with(registration: &PushRegistration) -> MadeWith {
    match registration {
        PushRegistration::WebPush(Subscription { application_server_key: Some(key), .. }) => MadeWith::Key(key.clone()),
        PushRegistration::WebPush(_) => MadeWith::Current,
        PushRegistration::Apns(_) | PushRegistration::Fcm { .. } => MadeWith::None,
    }
}

/// Refuses a registration that could never be used.
fn check(settings: &Settings, registration: &PushRegistration) -> Result<(), Refused> {
    match registration {
        PushRegistration::WebPush(subscription) => check_subscription(subscription, settings.push_guard),
        PushRegistration::Apns(device) => check_apple_device(device, settings.apns_configured),
        PushRegistration::Fcm { token } => check_fcm_token(token, settings.fcm_configured),
    }
}

/// The lane in which a registration's pushes wait: what can be down as one.
pub fn lane(registration: &PushRegistration) -> String {
    match registration {
        PushRegistration::WebPush(subscription) => {
            let origin = Url::parse(&subscription.endpoint).map(|url| url.origin().ascii_serialization());
            format!("webpush {}", origin.unwrap_or_default())
        }
        PushRegistration::Apns(device) => match device.environment {
            Environment::Production => "apns".into(),
            Environment::Sandbox => "apns sandbox".into(),
        },
        PushRegistration::Fcm { .. } => "fcm".into(),
    }
}

/// Refuses a subscription whose form is wrong. Where its endpoint leads is checked at each connection.
///
/// # Errors
/// `malformed` when it is not what the Push API gives, or its endpoint no plain address that may be connected to.
fn check_subscription(subscription: &Subscription, guard: AddressGuard) -> Result<(), Refused> {
    let wrong = |reason: &str| Refused::malformed(format!("The push subscription is not usable: {reason}."));
    subscription.check().map_err(|_| wrong("p256dh, auth or application_server_key is not what the Push API gives"))?;
    let url = Url::parse(&subscription.endpoint).map_err(|_| wrong("the endpoint is not an address"))?;
    // As it would be written anew: nothing is trimmed, resolved or hidden in it, and no user name makes a second
    // Authorization header.
    let plain = url.as_str() == subscription.endpoint
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    if !plain || url.port() == Some(0) {
        return Err(wrong("the endpoint is not a plain address"));
    }
    if subscription.endpoint.len() > MAX_ENDPOINT_LENGTH || !matches!(url.scheme(), "https" | "http") {
        return Err(wrong("the endpoint is not an https address of at most 2048 bytes"));
    }
    guard.check_url(&url).map_err(wrong)
}

/// Refuses a registration whose form is wrong, and one that could not be used.
///
/// # Errors
/// `gateway_not_configured` when there is no key for APNs; `malformed` for a token or a topic that Apple gives nobody.
fn check_apple_device(device: &AppleDevice, configured: bool) -> Result<(), Refused> {
    if !configured {
        return Err(Refused::GatewayNotConfigured("apns"));
    }
    let wrong =
        "The push registration is not usable: the token is the hex of 32 to 100 bytes, the topic a bundle identifier.";
    device.check().map_err(|_| Refused::malformed(wrong))
}

/// Refuses a registration token that cannot be one, and any where there is nothing to send with.
///
/// # Errors
/// `gateway_not_configured` when there is no service account; `malformed` for a token that Google gives nobody.
fn check_fcm_token(token: &str, configured: bool) -> Result<(), Refused> {
    if !configured {
        return Err(Refused::GatewayNotConfigured("fcm"));
    }
    if token.is_empty() || token.len() > MAX_FCM_TOKEN_LENGTH || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let wrong = "The push registration is not usable: the token is 1 to 4096 characters of printable ASCII, \
                     without spaces.";
        return Err(Refused::malformed(wrong));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_printable_and_of_a_bounded_length() {
        let checked = |token: &str, configured: bool| check_fcm_token(token, configured);
        assert_eq!(checked("fM3x-Q:APA91b_T", true), Ok(()));
        assert_eq!(checked(&"x".repeat(4096), true), Ok(()));
        for wrong in [String::new(), "x".repeat(4097), "a b".into(), "a\n".into(), "ä".into(), "a\u{7f}".into()] {
            assert!(matches!(checked(&wrong, true), Err(Refused::Malformed(_))), "{wrong:?}");
        }
        assert_eq!(checked("fM3x-Q:APA91b_T", false), Err(Refused::GatewayNotConfigured("fcm")));
    }
}
