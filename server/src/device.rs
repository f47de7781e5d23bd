//! What a device asks for itself: waiting challenges, its push registration, the account's devices, its removal.

use crate::app::App;
use crate::authorisation::{ConfirmedDevice, Device, StrictJson};
use crate::notices;
use crate::parameter::{Handle, KnownChallenges, Wait};
use crate::problem::Problem;
use crate::push;
use crate::store::{ActiveDevice, PendingForDevice, Retracted};
use crate::waiting::Look;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_protocol::challenge;
use countersign_protocol::device_api::{
    Devices, EnrolmentState, Known, PulledChallenges, PushRegistrations, PushStatus,
};
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::sealing::{self, SealedTo};
use std::sync::Arc;
use std::time::Duration;

/// What this device does not know yet, sealed as a push is: challenges that wait, and retractions of those that wait no
/// longer; with `wait`, answers as soon as there is anything.
#[utoipa::path(get, path = "/v1/device/challenges", tag = "device",
    params(("wait" = Option<u32>, Query, description = "Seconds to wait while there is nothing to say: 0 to 60"),
        ("known" = Option<String>, Query, description = "What the device holds: ID.DIGEST, separated by commas; 32 at most"),
        ("Countersign-Proof" = String, Header, description = "A request proof")),
    responses((status = 200, description = "`state`, sealed `challenges`, `push`, `webpush_public_key`, `revocation`; see PROTOCOL.md, Pull", content_type = "application/json"),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn pull(
    State(app): State<Arc<App>>,
    Device { device, jti }: Device,
    Wait(patience): Wait,
    KnownChallenges(known): KnownChallenges,
) -> Result<Json<PulledChallenges>, Problem> {
    let asked_in = device.state;
    let (app, device, known) = (&*app, &device, &known);
    let look = || async move {
        let current = app.store.device_by_request_key(device.request_key.thumbprint(), app.now()).await?;
        let current = current.unwrap_or_else(|| ActiveDevice { state: EnrolmentState::Void, ..device.clone() });
        let news = news(app, &current, known).await?;
        // Waits while nothing is there and nothing has changed. A proposal that ends by the clock is seen at the next pull.
        let quiet = news.is_empty() && current.state == asked_in && current.state != EnrolmentState::Void;
        Ok::<_, Problem>(Look { seen: (current, news), wait: quiet.then_some(Duration::MAX) })
    };
    let (current, news) = app.device_waiting.until(device.account, patience, &app.stopping, look).await?;
    let to = SealedTo { server_id: &app.keys.server_id, enrolment_id: device.enrolment_id };
    let mut challenges = Vec::with_capacity(news.len());
    let retracts = news.iter().any(|one| matches!(one, News::WaitsNoLonger(_)));
    let signer = if retracts { Some(app.keys.signer(&app.store).await?) } else { None };
    for one in news {
        let compact = match (one, &signer) {
            (News::Waits(compact), _) => compact,
            (News::WaitsNoLonger(retracted), Some(signer)) => notices::retraction(app, signer, &retracted)?,
            (News::WaitsNoLonger(_), None) => return Err(Problem::Internal),
        };
        challenges.push(sealing::seal(&compact, &device.sealing_key, to, &*app.randomness)?);
    }
    let revocation = match current.state {
        EnrolmentState::Void => Some(notices::revocation(app, &current, &jti).await?),
        EnrolmentState::Proposed | EnrolmentState::Confirmed => None,
    };
    let push_failure = app.store.push_failure(device.row_id).await?;
    let webpush_public_key = match current.push {
        PushStatus::Registered => None,
        PushStatus::None | PushStatus::Gone | PushStatus::Outdated => app.store.webpush_public_key().await?,
    };
    let (state, push) = (current.state, Some(current.push));
    Ok(Json(PulledChallenges { state, challenges, push, webpush_public_key, push_failure, revocation }))
}

/// What a device does not know yet.
enum News {
    /// A challenge waits, in this form.
    Waits(String),
    /// A challenge that it holds waits no longer.
    WaitsNoLonger(Retracted),
}

async fn news(app: &App, device: &ActiveDevice, known: &[Known]) -> Result<Vec<News>, Problem> {
    if device.state != EnrolmentState::Confirmed {
        return Ok(Vec::new());
    }
    let waiting = app.store.pending_for_device(device.row_id, device.account, app.now()).await?;
    let gone = known.iter().map(|one| one.challenge_id).filter(|id| waiting.iter().all(|one| one.id != *id)).collect();
    let gone = app.store.ended_for_device(device.row_id, gone).await?;
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

/// Says where this device is reached: one place, or a list of up to four, in the place of all that were registered before.
#[utoipa::path(put, path = "/v1/device/push", tag = "device",
    params(("Countersign-Proof" = String, Header, description = "A request proof")),
    request_body(content_type = "application/json", description = "A push registration, or a list of 1 to 4; see PROTOCOL.md, Push"),
    responses((status = 204, description = "These are the device's registrations, and no others"),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn register_push(
    State(app): State<Arc<App>>,
    Device { device, .. }: Device,
    StrictJson(registrations): StrictJson<PushRegistrations>,
) -> Result<StatusCode, Problem> {
    if device.state == EnrolmentState::Void {
        return Err(Problem::DeviceNotInUse);
    }
    push::register(&app, device.row_id, registrations.as_slice()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The devices of this device's account.
#[utoipa::path(get, path = "/v1/device/devices", tag = "device",
    params(("Countersign-Proof" = String, Header, description = "A request proof")),
    responses((status = 200, body = Devices),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn devices(
    State(app): State<Arc<App>>,
    ConfirmedDevice(device): ConfirmedDevice,
) -> Result<Json<Devices>, Problem> {
    let devices = app.store.devices(device.account, Some(device.enrolment_id), app.now()).await?;
    Ok(Json(Devices { devices }))
}

/// Removes this device from its account. A device can remove only itself: its request key works without the person, and
/// a thief's phone must not shut out the others.
#[utoipa::path(delete, path = "/v1/device/devices/{id}", tag = "device",
    params(("id" = String, Path, description = "The enrolment"), ("Countersign-Proof" = String, Header, description = "A request proof")),
    responses((status = 204, description = "Removed; also when it was before"),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn revoke(
    State(app): State<Arc<App>>,
    Device { device, .. }: Device,
    Handle(id): Handle<EnrolmentId>,
) -> Result<StatusCode, Problem> {
    if id != device.enrolment_id {
        return Err(Problem::WrongDevice);
    }
    app.store.revoke_device(device.account, id).await?;
    app.webhook_outbox.notify_one();
    app.device_waiting.wake(device.account);
    Ok(StatusCode::NO_CONTENT)
}
