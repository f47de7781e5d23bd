//! Step 2, push: what was created is sealed and sent, through whichever gateway reaches the device.
//!
//! A push to be sent is a row, so a crash forgets none. [`Gateway`] is the door to a network: five outcomes, and no
//! network can hold up a challenge. Each network, and each Web Push service, has a lane of its own: places, a queue and a
//! circuit breaker, so that one that is down or slow holds up no other.

mod apns;
mod breaker;
pub mod check;
mod fcm;
mod lanes;
mod retry_after;
mod sender;
mod webpush;

pub use apns::Apns;
pub use fcm::Fcm;
pub use sender::{Outbox, Sender};

use crate::app::App;
use crate::config::PushConfig;
use crate::problem::Problem;
use crate::startup::StartupError;
use crate::store::{MadeWith, NewRegistration, Registered, StoredRegistration};
use async_trait::async_trait;
use countersign_protocol::apns::Environment;
use countersign_protocol::at_rest::Location;
use countersign_protocol::device_api::{MAX_PUSH_REGISTRATIONS, PushRegistration};
use countersign_protocol::time::Timestamp;
use countersign_protocol::webpush::Subscription;
use std::sync::Arc;
use std::time::Duration;

/// What a gateway said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It took the message.
    Sent,
    /// It has known no such device since this moment, if it told which: a registration that is not younger is dropped.
    Gone(Option<Timestamp>),
    /// This message not now. After this long, if it said so; the text is for the operator.
    RetryAfter(Option<Duration>, String),
    /// It cannot be reached, or is not well: no message now. After this long, if it said so; the text is for the operator.
    Down(Option<Duration>, String),
    /// Never in this form; the text is for the operator.
    Failed(String),
}

/// What a message does on the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rings, and shows a question.
    Challenge,
    /// Takes a question away, without a sound.
    Retraction,
}

/// A message for one device.
pub struct Message<'a> {
    /// What to send: an envelope in JSON.
    pub envelope: &'a str,
    /// Whether it rings.
    pub kind: Kind,
    /// How long it is worth delivering.
    pub time_to_live: Duration,
    /// Until when it is worth delivering.
    pub expires_at: Timestamp,
    /// Replaces an earlier message of the same topic: fresh for each challenge and device.
    pub topic: &'a str,
    /// How often it was tried before.
    pub attempts: u32,
}

/// A push network.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Hands over one message.
    async fn send(&self, registration: &PushRegistration, message: Message<'_>) -> Delivery;
}

/// A network that is not configured, for devices that registered while it was; the text says what to set.
struct NotConfigured(&'static str);

#[async_trait]
impl Gateway for NotConfigured {
    async fn send(&self, _: &PushRegistration, _: Message<'_>) -> Delivery {
        Delivery::Failed(self.0.into())
    }
}

/// The doors to every network that is configured.
pub(crate) struct Gateways {
    webpush: Arc<dyn Gateway>,
    apns: Arc<dyn Gateway>,
    fcm: Arc<dyn Gateway>,
}

impl Gateways {
    /// The configured gateways.
    ///
    /// # Errors
    /// [`StartupError::Configuration`].
    pub fn new(config: &PushConfig, app: &Arc<App>) -> Result<Self, StartupError> {
        Ok(Self {
            webpush: Arc::new(webpush::WebPush::new(&config.webpush, Arc::clone(app))?),
            apns: match Apns::new(&config.apns, Arc::clone(app))? {
                Some(apns) => Arc::new(apns),
                None => Arc::new(NotConfigured(apns::NOT_CONFIGURED)),
            },
            fcm: match &config.fcm {
                Some(config) => Arc::new(Fcm::new(config, Arc::clone(app))?),
                None => Arc::new(NotConfigured(fcm::NOT_CONFIGURED)),
            },
        })
    }

    /// One gateway for every registration.
    fn only(gateway: Arc<dyn Gateway>) -> Self {
        Self { webpush: Arc::clone(&gateway), apns: Arc::clone(&gateway), fcm: gateway }
    }

    fn for_registration(&self, registration: &PushRegistration) -> &dyn Gateway {
        match registration {
            PushRegistration::WebPush(_) => &*self.webpush,
            PushRegistration::Apns(_) => &*self.apns,
            PushRegistration::Fcm { .. } => &*self.fcm,
        }
    }
}

/// Replaces all places where a device is reached by these.
///
/// # Errors
/// `malformed`, `too_many_registrations`, `gateway_not_configured`, `unknown_webpush_key`, `device_not_in_use`; nothing was
/// changed then.
pub async fn register(app: &App, device: i64, registrations: &[PushRegistration]) -> Result<(), Problem> {
    if registrations.is_empty() {
        return Err(Problem::Malformed("The list of registrations is empty: send 1 to 4.".into()));
    }
    if registrations.len() > MAX_PUSH_REGISTRATIONS {
        return Err(Problem::TooManyRegistrations);
    }
    let mut sealed = Vec::with_capacity(registrations.len());
    for (place, registration) in registrations.iter().enumerate() {
        check_registration(app, registration)?;
        if registrations[..place].iter().any(|earlier| same_place(earlier, registration)) {
            return Err(Problem::Malformed("The list names one place twice: each would get every push.".into()));
        }
        sealed.push(NewRegistration {
            sealed: seal_registration(app, device, registration)?,
            lane: lane(registration),
            made_with: made_with(registration),
        });
    }
    match app.store.replace_push_registrations(device, sealed).await? {
        Registered::Done => Ok(()),
        Registered::NotInUse => Err(Problem::DeviceNotInUse),
        Registered::UnknownKey => Err(Problem::UnknownWebPushKey),
    }
}

/// True when what is sent to the one arrives where the other does.
fn same_place(one: &PushRegistration, other: &PushRegistration) -> bool {
    use PushRegistration as R;
    match (one, other) {
        (R::WebPush(one), R::WebPush(other)) => one.endpoint == other.endpoint,
        (R::Apns(one), R::Apns(other)) => {
            one.environment == other.environment && one.token.eq_ignore_ascii_case(&other.token)
        }
        (R::Fcm { token: one }, R::Fcm { token: other }) => one == other,
        _ => false,
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
fn check_registration(app: &App, registration: &PushRegistration) -> Result<(), Problem> {
    match registration {
        PushRegistration::WebPush(subscription) => webpush::check(subscription, app.push_guard),
        PushRegistration::Apns(device) => apns::check(device, app.apns_configured),
        PushRegistration::Fcm { token } => fcm::check(token, app.fcm_configured),
    }
}

/// The lane in which a registration's pushes wait: what can be down as one.
pub fn lane(registration: &PushRegistration) -> String {
    match registration {
        PushRegistration::WebPush(subscription) => {
            let origin = url::Url::parse(&subscription.endpoint).map(|url| url.origin().ascii_serialization());
            format!("webpush {}", origin.unwrap_or_default())
        }
        PushRegistration::Apns(device) => match device.environment {
            Environment::Production => "apns".into(),
            Environment::Sandbox => "apns sandbox".into(),
        },
        PushRegistration::Fcm { .. } => "fcm".into(),
    }
}

/// Bound to the device and not to its own row, so that what was sealed when a device had one registration still opens, and what
/// is copied to another device does not.
fn location(row: &str) -> Location<'_> {
    Location { table: "enrolment", row, column: "push_registration" }
}

/// The form in which a registration lies in the database.
fn seal_registration(app: &App, device: i64, registration: &PushRegistration) -> Result<Vec<u8>, Problem> {
    let plain = serde_json::to_vec(registration).map_err(|_| Problem::Internal)?;
    Ok(app.keys.at_rest.seal(location(&device.to_string()), &plain, &*app.randomness))
}

/// The registration as it was given. A Web Push subscription always names the key that it was made with.
fn open_registration(app: &App, device: i64, stored: &StoredRegistration) -> Result<PushRegistration, String> {
    let device = device.to_string();
    let plain = app.keys.at_rest.open(location(&device), &stored.sealed).map_err(|error| error.to_string())?;
    let mut registration = serde_json::from_slice(&plain).map_err(|error| error.to_string())?;
    if let PushRegistration::WebPush(subscription) = &mut registration {
        subscription.application_server_key.clone_from(&stored.vapid_key);
    }
    Ok(registration)
}
