//! `countersign admin push check`: sends a push to each place where a device is reached, and says in plain words what
//! its network answered.

use super::{Delivery, Gateways, Kind, Message};
use crate::delivery::SetupError;
use crate::delivery::push::config::PushConfig;
use crate::domain::refused::Refused;
use crate::keys::sealed;
use crate::service::Service;
use crate::service::notices;
use crate::service::push_registrations::lane;
use crate::store::{Checked, Retracted, StoreError};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::retraction::Reason;
use countersign_protocol::sealing::{self, SealedTo};
use std::sync::Arc;
use std::time::Duration;

/// How long the test message is worth delivering.
const TIME_TO_LIVE: Duration = Duration::from_secs(60);

/// What became of a test push to one place.
pub struct Answer {
    /// The network, and for Web Push the service.
    pub network: String,
    /// One word: `sent`, `gone`, `retry`, `down`, `failed`.
    pub word: &'static str,
    /// What the network said, and what to do.
    pub advice: String,
}

/// Why no push was tried.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no place to send to.
    #[error(
        "the device has no push registration: it pulls, or its network no longer knew it. The app registers again at \
         its next contact; open it on the phone"
    )]
    NoRegistration,
    /// A registration does not open with this master key.
    #[error("a push registration cannot be read: {0}")]
    Unreadable(String),
    /// A part of the server does not work; the log has the reason.
    #[error("the test message could not be made; the log has the reason")]
    Refused(Refused),
    /// The configuration of a network is wrong.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refused> for CheckError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// Sends a message that shows nothing to each place where a device is reached: it takes back a question that never was.
///
/// # Errors
/// [`CheckError`].
pub async fn check(service: &Arc<Service>, config: &PushConfig, device: Checked) -> Result<Vec<Answer>, CheckError> {
    let stored = service.store.push_registrations(device.row_id).await?;
    if stored.is_empty() {
        return Err(CheckError::NoRegistration);
    }
    let retracted = Retracted {
        challenge_id: ChallengeId::random(&*service.randomness),
        account_id: device.account_id,
        device: device.key_id,
        enrolment_id: device.enrolment_id,
        reason: Reason::Cancelled,
    };
    let signer = service.keys.signer(&service.store).await?;
    let compact = notices::retraction(service, &signer, &retracted)?;
    let to = SealedTo { server_id: &service.keys.server_id, enrolment_id: device.enrolment_id };
    let envelope =
        sealing::seal(&compact, &device.sealing_key, to, &*service.randomness).map_err(Refused::from)?.to_json();
    let topic = retracted.challenge_id.to_string();
    let gateways = Gateways::new(config, service)?;
    let mut answers = Vec::with_capacity(stored.len());
    for one in stored {
        let registration =
            sealed::open_registration(&service.keys.at_rest, device.row_id, &one.sealed, one.vapid_key.as_ref())
                .map_err(CheckError::Unreadable)?;
        let message = Message {
            envelope: &envelope,
            kind: Kind::Retraction,
            time_to_live: TIME_TO_LIVE,
            expires_at: service.now() + TIME_TO_LIVE,
            topic: &topic,
            attempts: 0,
        };
        let (word, advice) = explain(gateways.for_registration(&registration).send(&registration, message).await);
        answers.push(Answer { network: lane(&registration), word, advice });
    }
    Ok(answers)
}

fn explain(delivery: Delivery) -> (&'static str, String) {
    let later = |after: Option<Duration>| match after {
        Some(after) => format!("It asks to wait {} s.", after.as_secs()),
        None => "Try again in a minute.".to_owned(),
    };
    match delivery {
        Delivery::Sent => (
            "sent",
            "The network took the message. If questions still do not appear, look at the phone: notifications of the \
             app may be off, or the phone may save power or have no network."
                .into(),
        ),
        Delivery::Gone(_) => (
            "gone",
            "The network no longer knows this device: the app was removed, or its registration was replaced. The app \
             registers again at its next contact; open it on the phone."
                .into(),
        ),
        Delivery::Unusable(_, reason) => (
            "gone",
            format!(
                "The network calls this device's token useless: {reason}. If it says so of one device, its app \
                 registers again at its next contact; if of all, this server is configured for another app."
            ),
        ),
        Delivery::RetryAfter(after, reason) => ("retry", format!("Not now: {reason}. {}", later(after))),
        Delivery::Down(after, reason) => {
            ("down", format!("The network cannot be used: {reason}. Check this machine's way to it. {}", later(after)))
        }
        Delivery::Unreachable(none) => (
            "down",
            format!(
                "The network cannot be used: {}: {}. Check this machine's way to it. {}",
                none.said(),
                none.detail,
                later(None)
            ),
        ),
        Delivery::Failed(reason) | Delivery::Misconfigured(reason) => {
            ("failed", format!("The network refuses the message: {reason}."))
        }
    }
}
