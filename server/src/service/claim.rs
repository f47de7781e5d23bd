//! Step 6, claim: the relying party waits for the answer and takes it, at most once. And it may take the question back.

use super::Service;
use super::authenticate::RelyingParty;
use super::waiting::{Look, Place, Until};
use crate::domain::measure::Step;
use crate::domain::refused::Refused;
use crate::store::{Cancelled, ChallengeRecord, Claimed};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::relying_party_api::{ChallengeState, PolicyMode};
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// Reads a challenge of this relying party.
///
/// # Errors
/// `not_found`, `unavailable`.
pub async fn read(service: &Service, by: &RelyingParty, id: ChallengeId) -> Result<ChallengeRecord, Refused> {
    let record = service.store.challenge(by.row(), id, service.now()).await?;
    record.ok_or(Refused::NotFound("challenge"))
}

/// Waits, `patience` at most, until a challenge is no longer pending or asks for another way to say YES than the page
/// shows; `shown` is that way, and without it the one at the beginning. Safe, and may be repeated.
///
/// # Errors
/// `not_found`, `too_many_waits`, `unavailable`; `unauthorised` when the key is revoked meanwhile.
pub async fn wait(
    service: &Service,
    by: &RelyingParty,
    id: ChallengeId,
    patience: Duration,
    shown: Option<PolicyMode>,
) -> Result<ChallengeRecord, Refused> {
    let place = by.wait_place(service, patience)?;
    let read = || async move {
        let _turn = by.look_again(service).await?;
        let now = service.now();
        let record = service.store.challenge(by.row(), id, now).await?.ok_or(Refused::NotFound("challenge"))?;
        Ok::<_, Refused>((now, record))
    };
    let shows_number = match shown {
        Some(shown) => shown == PolicyMode::Number,
        None => read().await?.1.number.is_some(),
    };
    let look = || async move {
        let (now, record) = read().await?;
        let unchanged = record.state == ChallengeState::Pending && record.number.is_some() == shows_number;
        let wait = unchanged.then(|| just_after(now, record.expires_at));
        Ok::<_, Refused>(Look { seen: record, wait })
    };
    let until = Until { patience, stopping: &service.stopping, caller: place.as_ref().map(Place::notify) };
    service.wake.challenges.until(id, until, look).await
}

/// How long until just after a moment, so that a look then sees it passed.
fn just_after(now: Timestamp, moment: Timestamp) -> Duration {
    now.until(moment) + Duration::from_millis(1)
}

/// Takes the approval. The same `key` gets the same answer again.
///
/// # Errors
/// `already_claimed` for anyone later, `not_approved`, `not_found`, `unavailable`.
pub async fn claim(
    service: &Service,
    by: &RelyingParty,
    id: ChallengeId,
    key: Option<String>,
) -> Result<ChallengeRecord, Refused> {
    service.timed(Step::Claim, take(service, by, id, key)).await
}

async fn take(
    service: &Service,
    by: &RelyingParty,
    id: ChallengeId,
    key: Option<String>,
) -> Result<ChallengeRecord, Refused> {
    match service.store.claim(by.actor(), by.row(), id, key).await? {
        Claimed::Now => {
            service.wake.events.notify_one();
            read(service, by, id).await
        }
        Claimed::AlreadyClaimed => Err(Refused::AlreadyClaimed),
        Claimed::NotApproved(state) => Err(Refused::NotApproved(state)),
        Claimed::NotFound => Err(Refused::NotFound("challenge")),
    }
}

/// Takes a pending question back, or an approval before it is claimed; also when it was before.
///
/// # Errors
/// `already_claimed`, `already_answered`, `expired`, `not_found`, `unavailable`.
pub async fn cancel(service: &Service, by: &RelyingParty, id: ChallengeId) -> Result<ChallengeRecord, Refused> {
    let Some(Cancelled { state, account }) = service.store.cancel(by.actor(), by.row(), id).await? else {
        return Err(Refused::NotFound("challenge"));
    };
    match state {
        ChallengeState::Cancelled | ChallengeState::Revoked => {
            service.wake.challenge_changed(id, account);
            read(service, by, id).await
        }
        ChallengeState::Claimed => Err(Refused::AlreadyClaimed),
        ChallengeState::Expired | ChallengeState::Lapsed => Err(Refused::Expired),
        _ => Err(Refused::AlreadyAnswered),
    }
}
