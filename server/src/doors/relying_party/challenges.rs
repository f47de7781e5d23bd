//! Challenges: asked (step 1 of a login), waited for, claimed (step 6), taken back.

use super::view;
use crate::doors::extract::{IdempotencyKey, StrictJson};
use crate::doors::parameter::{Handle, PageShows, Wait};
use crate::doors::problem::Problem;
use crate::service::authenticate::RelyingParty;
use crate::service::create::Created;
use crate::service::{self, Service};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::relying_party_api::{Challenge, ChallengeRequest, PolicyMode};
use countersign_protocol::schema::RequestName;
use std::sync::Arc;

/// Asks an account's devices a question. Answered before any push network has answered.
#[utoipa::path(post, path = "/v1/challenges", tag = "relying party", request_body = ChallengeRequest,
    params(("Idempotency-Key" = Option<RequestName>, Header,
            description = "The same key and body give the same challenge again")),
    responses((status = 201, body = Challenge),
        (status = 200,
        description = "The same request came before", body = Challenge)))]
pub async fn create(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    IdempotencyKey(key): IdempotencyKey,
    StrictJson(request): StrictJson<ChallengeRequest>,
) -> Result<(StatusCode, Json<Challenge>), Problem> {
    let (status, id) = match service::create::create(&service, &by, key, request).await? {
        Created::New(id) => (StatusCode::CREATED, id),
        Created::Same(id) => (StatusCode::OK, id),
    };
    let record = service::claim::read(&service, &by, id).await?;
    Ok((status, Json(view::challenge(&service, record))))
}

/// Reads a challenge; with `wait`, answers as soon as it is no longer pending, or asks for a number that the page does
/// not show. Safe, and may be repeated.
#[utoipa::path(get, path = "/v1/challenges/{id}", tag = "relying party",
    params(("id" = ChallengeId, Path, description = "The challenge"),
        ("wait" = Option<u32>, Query, minimum = 0, maximum = 60,
            description = "Seconds to wait while it is pending: 0 to 60"),
        ("shown" = Option<PolicyMode>, Query,
            description = "What the page shows. While they differ, the wait ends at once; \
                default: as the challenge is when the wait begins")),
    responses((status = 200, body = Challenge)))]
pub async fn wait(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<ChallengeId>,
    Wait(patience): Wait,
    PageShows(shown): PageShows,
) -> Result<Json<Challenge>, Problem> {
    let record = service::claim::wait(&service, &by, id, patience, shown).await?;
    Ok(Json(view::challenge(&service, record)))
}

/// Takes the approval. The same `Idempotency-Key` gets the same answer again; anyone later gets `already_claimed`.
#[utoipa::path(post, path = "/v1/challenges/{id}/claim", tag = "relying party",
    params(("id" = ChallengeId, Path, description = "The challenge"),
        ("Idempotency-Key" = Option<RequestName>, Header,
            description = "Names this claim, so that it can be repeated")),
    responses((status = 200, body = Challenge)))]
pub async fn claim(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<ChallengeId>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<Challenge>, Problem> {
    let record = service::claim::claim(&service, &by, id, key).await?;
    Ok(Json(view::challenge(&service, record)))
}

/// Takes a pending question back, or an approval before it is claimed.
#[utoipa::path(post, path = "/v1/challenges/{id}/cancel", tag = "relying party",
    params(("id" = ChallengeId, Path, description = "The challenge")),
    responses((status = 200,
        description = "It is cancelled, or its approval revoked; also when it was before", body = Challenge)))]
pub async fn cancel(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<ChallengeId>,
) -> Result<Json<Challenge>, Problem> {
    let record = service::claim::cancel(&service, &by, id).await?;
    Ok(Json(view::challenge(&service, record)))
}
