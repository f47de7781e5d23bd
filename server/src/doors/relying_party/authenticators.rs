//! Other OTP applications as a person's second factor: a link to scan or a key to type, then the first code. And
//! backup codes.

use super::view;
use crate::domain::moment::rfc3339;
use crate::doors::extract::StrictJson;
use crate::doors::parameter::Handle;
use crate::doors::problem::Problem;
use crate::doors::qr;
use crate::service::Service;
use crate::service::applications::{self, Proposed};
use crate::service::authenticate::RelyingParty;
use crate::service::backup_codes::{self, Made};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_protocol::handle::{AccountId, AuthenticatorId};
use countersign_protocol::relying_party_api::{
    Authenticator, AuthenticatorRequest, AuthenticatorState, Authenticators, BackupCodes, FirstCodeRequest,
    NewAuthenticator,
};
use std::sync::Arc;

/// Proposes an application: it has ten minutes to show its first code.
#[utoipa::path(post, path = "/v1/users/{id}/authenticators", tag = "relying party", request_body = AuthenticatorRequest,
    params(("id" = AccountId, Path, description = "The account")),
    responses((status = 201, body = NewAuthenticator)))]
pub async fn propose(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(user): Handle<AccountId>,
    StrictJson(request): StrictJson<AuthenticatorRequest>,
) -> Result<(StatusCode, Json<NewAuthenticator>), Problem> {
    let Proposed { id, otpauth, key } = applications::propose(&service, &by, user, request.name).await?;
    let (qr_svg, qr_png) = qr::both(otpauth.clone()).await.unzip();
    let state = AuthenticatorState::Proposed;
    Ok((StatusCode::CREATED, Json(NewAuthenticator { id, state, otpauth, key, qr_svg, qr_png })))
}

/// Confirms an application with the code that it shows, which is spent by it.
#[utoipa::path(post, path = "/v1/authenticators/{id}/confirm", tag = "relying party", request_body = FirstCodeRequest,
    params(("id" = AuthenticatorId, Path, description = "The authenticator")),
    responses((status = 200, body = Authenticator)))]
pub async fn confirm(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<AuthenticatorId>,
    StrictJson(request): StrictJson<FirstCodeRequest>,
) -> Result<Json<Authenticator>, Problem> {
    let record = applications::confirm(&service, &by, id, &request.code).await?;
    Ok(Json(view::authenticator(record)))
}

/// Makes ten backup codes for a person, which end those before. They are in this answer alone.
#[utoipa::path(post, path = "/v1/users/{id}/backup-codes", tag = "relying party",
    params(("id" = AccountId, Path, description = "The account")),
    responses((status = 201, body = BackupCodes)))]
pub async fn make_backup_codes(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(user): Handle<AccountId>,
) -> Result<(StatusCode, Json<BackupCodes>), Problem> {
    let Made { id, codes, created_at } = backup_codes::make(&service, &by, user).await?;
    let codes = codes.iter().map(|code| code.shown().to_string()).collect();
    Ok((StatusCode::CREATED, Json(BackupCodes { id, codes, created_at: rfc3339(created_at) })))
}

/// What makes codes for a person. Nothing of it tells a secret.
#[utoipa::path(get, path = "/v1/users/{id}/authenticators", tag = "relying party",
    params(("id" = AccountId, Path, description = "The account")),
    responses((status = 200, body = Authenticators)))]
pub async fn list(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(user): Handle<AccountId>,
) -> Result<Json<Authenticators>, Problem> {
    let records = applications::list(&service, &by, user).await?;
    Ok(Json(Authenticators { authenticators: records.into_iter().map(view::authenticator).collect() }))
}

/// Removes an application or a set of backup codes. A phone is removed as a device.
#[utoipa::path(delete, path = "/v1/authenticators/{id}", tag = "relying party",
    params(("id" = AuthenticatorId, Path, description = "The authenticator")),
    responses((status = 204, description = "Removed")))]
pub async fn remove(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<AuthenticatorId>,
) -> Result<StatusCode, Problem> {
    applications::remove(&service, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
