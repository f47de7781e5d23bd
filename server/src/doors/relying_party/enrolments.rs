//! Enrolments: the relying party opens a link, and the signed-in page confirms the device that came.

use super::view;
use crate::domain::moment::rfc3339;
use crate::domain::refused::Refused;
use crate::doors::extract::StrictJson;
use crate::doors::parameter::{Handle, Wait};
use crate::doors::problem::Problem;
use crate::doors::qr;
use crate::service::Service;
use crate::service::authenticate::RelyingParty;
use crate::service::enrol::{self, Opened};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::relying_party_api::{ConfirmationRequest, Enrolment, EnrolmentStage, NewEnrolment};
use std::sync::Arc;

/// Opens an enrolment: a link for one device, single use, for ten minutes.
#[utoipa::path(post, path = "/v1/users/{id}/enrolments", tag = "relying party",
    params(("id" = AccountId, Path, description = "The account")),
    responses((status = 201, body = NewEnrolment)))]
pub async fn open(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(user): Handle<AccountId>,
) -> Result<(StatusCode, Json<NewEnrolment>), Problem> {
    let Opened { id, link, expires_at } = enrol::open(&service, &by, user).await?;
    let (qr_svg, qr_png) = qr::both(link.clone()).await.ok_or(Refused::Internal)?;
    let (expires_at, state) = (rfc3339(expires_at), EnrolmentStage::Open);
    Ok((StatusCode::CREATED, Json(NewEnrolment { id, link, qr_svg, qr_png, expires_at, state })))
}

/// Reads an enrolment; with `wait`, answers as soon as it is no longer open.
#[utoipa::path(get, path = "/v1/enrolments/{id}", tag = "relying party",
    params(("id" = EnrolmentId, Path, description = "The enrolment"),
        ("wait" = Option<u32>, Query, minimum = 0, maximum = 60,
            description = "Seconds to wait while it is open: 0 to 60")),
    responses((status = 200, body = Enrolment)))]
pub async fn read(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<EnrolmentId>,
    Wait(patience): Wait,
) -> Result<Json<Enrolment>, Problem> {
    let record = enrol::wait(&service, &by, id, patience).await?;
    Ok(Json(view::enrolment(id, record)))
}

/// Confirms the proposed device with the digits that it shows.
#[utoipa::path(post, path = "/v1/enrolments/{id}/confirm", tag = "relying party", request_body = ConfirmationRequest,
    params(("id" = EnrolmentId, Path, description = "The enrolment")),
    responses((status = 200, body = Enrolment)))]
pub async fn confirm(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<EnrolmentId>,
    StrictJson(request): StrictJson<ConfirmationRequest>,
) -> Result<Json<Enrolment>, Problem> {
    let record = enrol::confirm(&service, &by, id, &request.code).await?;
    Ok(Json(view::enrolment(id, record)))
}
