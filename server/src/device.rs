//! What a device asks for itself: waiting challenges, its push registration, the account's devices, its removal.

use crate::app::App;
use crate::authorisation::{ConfirmedDevice, Device, StrictJson};
use crate::parameter::{Handle, Wait};
use crate::problem::Problem;
use crate::push;
use crate::store::ActiveDevice;
use crate::waiting::Look;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_core::device_api::{Devices, EnrolmentState, PulledChallenges, PushRegistration};
use countersign_core::handle::EnrolmentId;
use countersign_core::sealing::{self, SealedTo};
use std::sync::Arc;
use std::time::Duration;

/// The challenges that wait for this device, sealed as a push is; with `wait`, answers as soon as there is one.
#[utoipa::path(get, path = "/v1/device/challenges", tag = "device",
    params(("wait" = Option<u32>, Query, description = "Seconds to wait while there is none: 0 to 60"),
        ("Countersign-Proof" = String, Header, description = "A request proof")),
    responses((status = 200, description = "`state` and sealed `challenges`; see PROTOCOL.md, Pull", content_type = "application/json"),
        (status = "default", description = "A problem", body = countersign_core::device_api::Problem, content_type = "application/problem+json")))]
pub async fn pull(
    State(app): State<Arc<App>>,
    Device(device): Device,
    Wait(patience): Wait,
) -> Result<Json<PulledChallenges>, Problem> {
    let asked_in = device.state;
    let (app, device) = (&*app, &device);
    let look = || async move {
        let state = current_state(app, device).await?;
        let waiting = app.store.pending_for_device(device.row_id, device.account, app.now()).await?;
        // Waits while nothing is there and nothing has changed. A proposal that ends by the clock is seen at the next pull.
        let wait = (waiting.is_empty() && state == asked_in && state != EnrolmentState::Void).then_some(Duration::MAX);
        Ok::<_, Problem>(Look { seen: (state, waiting), wait })
    };
    let (state, waiting) = app.device_waiting.until(device.account, patience, &app.stopping, look).await?;
    let to = SealedTo { server_id: &app.keys.server_id, enrolment_id: device.enrolment_id };
    let challenges = match state {
        EnrolmentState::Confirmed => waiting
            .iter()
            .map(|challenge| sealing::seal(&challenge.compact, &device.sealing_key, to, &*app.randomness))
            .collect::<Result<_, _>>()?,
        EnrolmentState::Proposed | EnrolmentState::Void => Vec::new(),
    };
    Ok(Json(PulledChallenges { state, challenges }))
}

async fn current_state(app: &App, device: &ActiveDevice) -> Result<EnrolmentState, Problem> {
    let found = app.store.device_by_request_key(device.request_key.thumbprint(), app.now()).await?;
    Ok(found.map_or(EnrolmentState::Void, |device| device.state))
}

/// Says where this device is reached.
#[utoipa::path(put, path = "/v1/device/push", tag = "device",
    params(("Countersign-Proof" = String, Header, description = "A request proof")),
    request_body(content_type = "application/json", description = "A push registration; see PROTOCOL.md, Push"),
    responses((status = 204, description = "Registered"),
        (status = "default", description = "A problem", body = countersign_core::device_api::Problem, content_type = "application/problem+json")))]
pub async fn register_push(
    State(app): State<Arc<App>>,
    Device(device): Device,
    StrictJson(registration): StrictJson<PushRegistration>,
) -> Result<StatusCode, Problem> {
    if device.state == EnrolmentState::Void {
        return Err(Problem::DeviceNotInUse);
    }
    push::check_registration(&app, &registration)?;
    let sealed = push::seal_registration(&app, device.row_id, &registration)?;
    app.store.set_push_registration(device.row_id, sealed).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The devices of this device's account.
#[utoipa::path(get, path = "/v1/device/devices", tag = "device",
    params(("Countersign-Proof" = String, Header, description = "A request proof")),
    responses((status = 200, body = Devices),
        (status = "default", description = "A problem", body = countersign_core::device_api::Problem, content_type = "application/problem+json")))]
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
        (status = "default", description = "A problem", body = countersign_core::device_api::Problem, content_type = "application/problem+json")))]
pub async fn revoke(
    State(app): State<Arc<App>>,
    Device(device): Device,
    Handle(id): Handle<EnrolmentId>,
) -> Result<StatusCode, Problem> {
    if id != device.enrolment_id {
        return Err(Problem::WrongDevice);
    }
    app.store.revoke_device(device.account, id).await?;
    app.device_waiting.wake(device.account);
    Ok(StatusCode::NO_CONTENT)
}
