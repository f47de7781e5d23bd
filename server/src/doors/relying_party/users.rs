//! The people of a relying party's organisation: made, read, deleted; and their devices.

use super::view;
use crate::doors::extract::StrictJson;
use crate::doors::parameter::{Handle, Handles};
use crate::doors::problem::Problem;
use crate::service::Service;
use crate::service::authenticate::RelyingParty;
use crate::service::{enrol, people};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::relying_party_api::{User, UserDetails, UserDevices, UserRequest};
use std::sync::Arc;

/// Makes an account, or finds the one of this name.
#[utoipa::path(post, path = "/v1/users", tag = "relying party", request_body = UserRequest,
    responses((status = 201, body = User), (status = 200, description = "There was one of this name", body = User)))]
pub async fn create(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    StrictJson(request): StrictJson<UserRequest>,
) -> Result<(StatusCode, Json<User>), Problem> {
    let (account, new) = enrol::create_user(&service, &by, request.name).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(User { id: account.id, name: account.name })))
}

/// A person of this organisation.
#[utoipa::path(get, path = "/v1/users/{id}", tag = "relying party",
    params(("id" = AccountId, Path, description = "The account")),
    responses((status = 200, body = UserDetails)))]
pub async fn read(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(user): Handle<AccountId>,
) -> Result<Json<UserDetails>, Problem> {
    Ok(Json(view::user(people::read(&service, &by, user).await?)))
}

/// Deletes a person: what they were asked is taken back, their devices are ended and told so, their name is forgotten.
/// What receipts rest on is kept until its age.
#[utoipa::path(delete, path = "/v1/users/{id}", tag = "relying party",
    params(("id" = AccountId, Path, description = "The account")),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(user): Handle<AccountId>,
) -> Result<StatusCode, Problem> {
    people::delete(&service, &by, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The devices of a person, also those that are not in use any more.
#[utoipa::path(get, path = "/v1/users/{id}/devices", tag = "relying party",
    params(("id" = AccountId, Path, description = "The account")),
    responses((status = 200, body = UserDevices)))]
pub async fn devices(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(user): Handle<AccountId>,
) -> Result<Json<UserDevices>, Problem> {
    let devices = people::devices(&service, &by, user).await?;
    Ok(Json(UserDevices { devices: devices.into_iter().map(view::device).collect() }))
}

/// Ends a device of a person: it answers nothing any more, what it has approved and nobody claimed is taken back, and
/// it is told so.
#[utoipa::path(delete, path = "/v1/users/{id}/devices/{device}", tag = "relying party",
    params(("id" = AccountId, Path, description = "The account"),
        ("device" = EnrolmentId, Path, description = "The device, which has the id of its enrolment")),
    responses((status = 204, description = "Ended; also when it was before")))]
pub async fn revoke_device(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handles(user, device): Handles<AccountId, EnrolmentId>,
) -> Result<StatusCode, Problem> {
    people::revoke_device(&service, &by, user, device).await?;
    Ok(StatusCode::NO_CONTENT)
}
