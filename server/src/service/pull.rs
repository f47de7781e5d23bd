//! What a device asks for by itself: the challenges that wait for it, sealed as a push is, and word of those that are
//! over.

use super::Service;
use super::authenticate::Device;
use super::notices;
use super::waiting::{Look, Until};
use crate::domain::refused::Refused;
use crate::store::{ActiveDevice, PendingForDevice, Retracted};
use countersign_protocol::challenge;
use countersign_protocol::device_api::{EnrolmentState, Known, PulledChallenges, PushStatus};
use countersign_protocol::sealing::{self, SealedTo};
use std::time::Duration;

/// What this device does not know yet: challenges that wait, and retractions of those that wait no longer. Waits,
/// `patience` at most, until there is anything.
///
/// # Errors
/// `unavailable`, `internal`.
pub async fn pull(
    service: &Service,
    by: &Device,
    patience: Duration,
    known: &[Known],
) -> Result<PulledChallenges, Refused> {
    let device = by.known();
    let asked_in = device.state;
    let look = || async move {
        let current = service.store.device_by_request_key(device.request_key.thumbprint(), service.now()).await?;
        let current = current.unwrap_or_else(|| ActiveDevice { state: EnrolmentState::Void, ..device.clone() });
        let news = news(service, &current, known).await?;
        // Waits while nothing is there and nothing has changed. A proposal that ends by the clock is seen at the next
        // pull.
        let quiet = news.is_empty() && current.state == asked_in && current.state != EnrolmentState::Void;
        Ok::<_, Refused>(Look { seen: (current, news), wait: quiet.then_some(Duration::MAX) })
    };
    let until = Until { patience, stopping: &service.stopping, caller: None };
    let (current, news) = service.wake.devices.until(device.account, until, look).await?;
    let to = SealedTo { server_id: &service.keys.server_id, enrolment_id: device.enrolment_id };
    let mut challenges = Vec::with_capacity(news.len());
    let retracts = news.iter().any(|one| matches!(one, News::WaitsNoLonger(_)));
    let signer = if retracts { Some(service.keys.signer(&service.store).await?) } else { None };
    for one in news {
        let compact = match (one, &signer) {
            (News::Waits(compact), _) => compact,
            (News::WaitsNoLonger(retracted), Some(signer)) => notices::retraction(service, signer, &retracted)?,
            (News::WaitsNoLonger(_), None) => return Err(Refused::Internal),
        };
        challenges.push(sealing::seal(&compact, &device.sealing_key, to, &*service.randomness)?);
    }
    let revocation = match current.state {
        EnrolmentState::Void => {
            // The device destroys its keys for this word.
            service.store.end_overdue(device.row_id).await?;
            Some(notices::revocation(service, &current, by.jti()).await?)
        }
        EnrolmentState::Proposed | EnrolmentState::Confirmed => None,
    };
    let push_failure = service.store.push_failure(device.row_id).await?;
    let webpush_public_key = match current.push {
        PushStatus::Registered => None,
        PushStatus::None | PushStatus::Gone | PushStatus::Outdated => service.store.webpush_public_key().await?,
    };
    let (state, push) = (current.state, Some(current.push));
    Ok(PulledChallenges { state, challenges, push, webpush_public_key, push_failure, revocation })
}

/// What a device does not know yet.
enum News {
    /// A challenge waits, in this form.
    Waits(String),
    /// A challenge that it holds waits no longer.
    WaitsNoLonger(Retracted),
}

async fn news(service: &Service, device: &ActiveDevice, known: &[Known]) -> Result<Vec<News>, Refused> {
    if device.state != EnrolmentState::Confirmed {
        return Ok(Vec::new());
    }
    let waiting = service.store.pending_for_device(device.row_id, device.account, service.now()).await?;
    let gone = known.iter().map(|one| one.challenge_id).filter(|id| waiting.iter().all(|one| one.id != *id)).collect();
    let gone = service.store.ended_for_device(device.row_id, gone).await?;
    let retracted = |(challenge_id, reason)| {
        News::WaitsNoLonger(Retracted {
            challenge_id,
            account_id: device.account_id,
            device: device.request_key.thumbprint().to_string(),
            enrolment_id: device.enrolment_id,
            reason,
        })
    };
    let held = |one: &PendingForDevice| {
        known
            .iter()
            .any(|known| known.challenge_id == one.id && known.challenge_sha256 == challenge::digest(&one.compact))
    };
    let unknown = waiting.into_iter().filter(|one| !held(one)).map(|one| News::Waits(one.compact));
    Ok(gone.into_iter().map(retracted).chain(unknown).collect())
}
