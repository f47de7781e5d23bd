//! Step 5, settle: a device's signed decision is checked and counts, if it is the first and in time.

use super::{Service, failures};
use crate::domain::actor::Actor;
use crate::domain::measure::Step;
use crate::domain::refused::Refused;
use crate::store::{Settled, Settlement};
use countersign_protocol::Refusal;
use countersign_protocol::decision::{self, Answer, Decision};
use countersign_protocol::device_api::DecisionAnswer;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::jws::Unverified;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;
use std::net::IpAddr;

/// Takes a device's signed decision. It is its own proof of possession: whoever signs with a key that was asked is that
/// device.
///
/// # Errors
/// `unknown_key`, `wrong_challenge`, `already_answered`, `expired`, `cancelled`, `wrong_number`, `device_not_in_use`,
/// `too_many_failures`, `unavailable`; by its own name, what is wrong with the decision.
pub async fn settle(
    service: &Service,
    address: Option<IpAddr>,
    id: ChallengeId,
    compact: String,
) -> Result<DecisionAnswer, Refused> {
    let taken = failures::counted(service, address, take(service, address, id, compact));
    service.timed(Step::Settle, taken).await
}

async fn take(
    service: &Service,
    address: Option<IpAddr>,
    id: ChallengeId,
    compact: String,
) -> Result<DecisionAnswer, Refused> {
    // Looked up by challenge and key together, so that a key of another enrolment is unknown here.
    let sent = Unverified::parse::<Decision>(&compact)?;
    let key_id = sent.key_id().as_str().to_owned();
    let asked = service.store.asked(id, key_id).await?.ok_or(Refused::Message(Refusal::UnknownKey))?;
    // What counts already was in time when it came. Told anew, it is not refused by a clock that was set back since:
    // the person would be told that nothing was delivered.
    let now = if asked.counted.iter().flatten().any(|counted| *counted == compact) {
        Timestamp::from_seconds(sent.claims_without_verification::<Decision>()?.iat)
    } else {
        service.now()
    };
    let by = Actor::device(asked.enrolment_id, address);
    let (decision, answered) = match (decision::check(&compact, &asked.compact, &asked.keys, now), asked.earlier) {
        // A phone that has not heard of the change answers what it shows; whether that counts, the store decides.
        (Err(Refusal::WrongChallenge), Some(earlier)) => {
            (decision::check(&compact, &earlier, &asked.keys, now)?, earlier)
        }
        (checked, _) => (checked?, asked.compact),
    };
    let is_first = asked.counted[0].is_none();
    let settlement = Settlement {
        challenge: id,
        device: asked.device,
        compact: answered,
        answer: decision.decision,
        number: decision.number,
        user_verified: decision.user_verified && (asked.gated || service.settings.accept_unattested),
        decision: compact,
    };
    let settled = service.store.settle(by, settlement).await?;
    service.wake.challenge_changed(id, asked.account);
    if is_first && settled == Settled::Counts(ChallengeState::Approved) && decision.decision == Answer::Approve {
        // Somebody wanted this question.
        service.rates.creations.give_back(asked.relying_party);
    }
    match settled {
        Settled::Counts(state) if decision.decision == Answer::Report => {
            Ok(DecisionAnswer { state: state.as_str().into() })
        }
        // What became of an approval afterwards is for its relying party.
        Settled::Counts(_) if decision.decision == Answer::Approve => Ok(DecisionAnswer { state: "approved".into() }),
        Settled::Counts(_) => Ok(DecisionAnswer { state: "denied".into() }),
        Settled::WrongNumber => Err(Refused::WrongNumber),
        Settled::AlreadyAnswered => Err(Refused::AlreadyAnswered),
        Settled::Expired => Err(Refused::Expired),
        Settled::Cancelled => Err(Refused::Cancelled),
        Settled::NotAsked => Err(Refused::DeviceNotInUse),
        Settled::Changed => Err(Refused::Message(Refusal::WrongChallenge)),
    }
}
