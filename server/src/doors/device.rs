//! The calls of devices: enrolment, what waits, the decision, the ways to reach them, the account's devices.

use super::extract::{CalledFrom, Jose, StrictJson};
use super::parameter::{Handle, KnownChallenges, Wait};
use super::problem::Problem;
use crate::service::authenticate::{ConfirmedDevice, Device};
use crate::service::{self, Service};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_protocol::device_api::{
    DecisionAnswer, Devices, PulledChallenges, PushRegistrations, RedemptionAnswer,
};
use countersign_protocol::enrolment::Redemption;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::schema::CompactJws;
use std::sync::Arc;
use utoipa::ToSchema;

/// Redeems a ticket: the device is proposed, and shows six digits that the signed-in page must confirm.
#[utoipa::path(post, path = "/v1/device/enrol", tag = "device",
    request_body(content = inline(RedemptionSchema), description = "See PROTOCOL.md, Enrolment"),
    responses((status = 200,
        description = "Proposed; also for the same redemption sent again", body = RedemptionAnswer)))]
pub async fn redeem(
    State(service): State<Arc<Service>>,
    CalledFrom(address): CalledFrom,
    StrictJson(redemption): StrictJson<Redemption>,
) -> Result<Json<RedemptionAnswer>, Problem> {
    Ok(Json(service::enrol::redeem(&service, address, &redemption).await?))
}

/// What this device does not know yet, sealed as a push is: challenges that wait, and retractions of those that wait no
/// longer; with `wait`, answers as soon as there is anything.
#[utoipa::path(get, path = "/v1/device/challenges", tag = "device",
    params(("wait" = Option<u32>, Query, minimum = 0, maximum = 60,
            description = "Seconds to wait while there is nothing to say: 0 to 60"),
        ("known" = Option<String>,
        Query, description = "What the device holds: ID.DIGEST, separated by commas; 32 at most")),
    responses((status = 200, description = "See PROTOCOL.md, Pull", body = PulledChallenges)))]
pub async fn pull(
    State(service): State<Arc<Service>>,
    by: Device,
    Wait(patience): Wait,
    KnownChallenges(known): KnownChallenges,
) -> Result<Json<PulledChallenges>, Problem> {
    Ok(Json(service::pull::pull(&service, &by, patience, &known).await?))
}

/// Step 5, settle: takes a device's signed decision. It is its own proof of possession.
#[utoipa::path(post, path = "/v1/device/challenges/{id}/decision", tag = "device",
    params(("id" = ChallengeId, Path, description = "The challenge")),
    request_body(content = CompactJws, content_type = "application/jose", description = "A decision"),
    responses((status = 200, description = "The answer counts; also when it is sent again", body = DecisionAnswer)))]
pub async fn settle(
    State(service): State<Arc<Service>>,
    CalledFrom(address): CalledFrom,
    Handle(id): Handle<ChallengeId>,
    Jose(compact): Jose,
) -> Result<Json<DecisionAnswer>, Problem> {
    Ok(Json(service::settle::settle(&service, address, id, compact).await?))
}

/// Says where this device is reached: one place, or a list of up to four, in the place of all that were registered
/// before.
#[utoipa::path(put, path = "/v1/device/push", tag = "device",
    request_body(content = PushRegistrations, description = "One, or a list of 1 to 4; see PROTOCOL.md, Push"),
    responses((status = 204, description = "These are the device's registrations, and no others")))]
pub async fn register_push(
    State(service): State<Arc<Service>>,
    by: Device,
    StrictJson(registrations): StrictJson<PushRegistrations>,
) -> Result<StatusCode, Problem> {
    service::push_registrations::register(&service, &by, registrations.as_slice()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The devices of this device's account.
#[utoipa::path(get, path = "/v1/device/devices", tag = "device",
    responses((status = 200, body = Devices)))]
pub async fn devices(State(service): State<Arc<Service>>, by: ConfirmedDevice) -> Result<Json<Devices>, Problem> {
    Ok(Json(service::enrol::devices(&service, &by).await?))
}

/// Removes this device from its account. A device can remove only itself: its request key works without the person, and
/// a thief's phone must not shut out the others.
#[utoipa::path(delete, path = "/v1/device/devices/{id}", tag = "device",
    params(("id" = EnrolmentId, Path, description = "The enrolment")),
    responses((status = 204, description = "Removed; also when it was before")))]
pub async fn revoke(
    State(service): State<Arc<Service>>,
    by: Device,
    Handle(id): Handle<EnrolmentId>,
) -> Result<StatusCode, Problem> {
    service::enrol::remove_device(&service, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a redemption looks in the description; the type itself lives in the core.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct RedemptionSchema {
    /// The ticket from the link.
    ticket: String,
    /// The transcript, signed by the request key.
    #[schema(value_type = CompactJws)]
    transcript: String,
    /// The possession, signed by the approval key.
    #[schema(value_type = CompactJws)]
    possession: String,
    /// Where the identity document asks for it: the certificates of the approval key (X.509, DER) in base64url, its own
    /// first.
    #[schema(nullable = false, min_items = 1, max_items = 8)]
    attestation: Option<Vec<String>>,
}
