//! `countersign admin push check`: sends a push to each place where a device is reached, and says in plain words what its
//! network answered.

use super::{Delivery, Gateways, Kind, Message, lane, open_registration};
use crate::app::App;
use crate::config::PushConfig;
use crate::failure::Failure;
use crate::notices;
use crate::startup::StartupError;
use crate::store::{Checked, Retracted};
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

/// Sends a message that shows nothing to each place where a device is reached: it takes back a question that never was.
///
/// # Errors
/// When the device has no registration, or a part of the server does not work.
pub async fn check(app: &Arc<App>, config: &PushConfig, device: Checked) -> Result<Vec<Answer>, Failure> {
    let refused = |message: &str| Failure { exit_code: 3, message: message.to_owned() };
    let stored = app.store.push_registrations(device.row_id).await?;
    if stored.is_empty() {
        return Err(refused(
            "the device has no push registration: it pulls, or its network no longer knew it. The app registers again at \
             its next contact; open it on the phone",
        ));
    }
    let broken = |reason: String| Failure::from(StartupError::System(reason));
    let retracted = Retracted {
        challenge_id: ChallengeId::random(&*app.randomness),
        account_id: device.account_id,
        device: device.key_id,
        enrolment_id: device.enrolment_id,
        reason: Reason::Cancelled,
    };
    let signer = app.keys.signer(&app.store).await?;
    let compact = notices::retraction(app, &signer, &retracted).map_err(|problem| broken(problem.to_string()))?;
    let to = SealedTo { server_id: &app.keys.server_id, enrolment_id: device.enrolment_id };
    let envelope = sealing::seal(&compact, &device.sealing_key, to, &*app.randomness)
        .map_err(|refusal| broken(refusal.to_string()))?
        .to_json();
    let topic = retracted.challenge_id.to_string();
    let gateways = Gateways::new(config, app)?;
    let mut answers = Vec::with_capacity(stored.len());
    for one in stored {
        let registration = open_registration(app, device.row_id, &one).map_err(broken)?;
        let message = Message {
            envelope: &envelope,
            kind: Kind::Retraction,
            time_to_live: TIME_TO_LIVE,
            expires_at: app.now() + TIME_TO_LIVE,
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
            "The network took the message. If questions still do not appear, look at the phone: notifications of the app \
             may be off, or the phone may save power or have no network."
                .into(),
        ),
        Delivery::Gone(_) => (
            "gone",
            "The network no longer knows this device: the app was removed, or its registration was replaced. The app \
             registers again at its next contact; open it on the phone."
                .into(),
        ),
        Delivery::RetryAfter(after, reason) => ("retry", format!("Not now: {reason}. {}", later(after))),
        Delivery::Down(after, reason) => {
            ("down", format!("The network cannot be used: {reason}. Check this machine's way to it. {}", later(after)))
        }
        Delivery::Failed(reason) => ("failed", format!("The network refuses the message: {reason}.")),
    }
}
