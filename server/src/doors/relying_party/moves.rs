//! Moves: a new phone takes over from the old one.

use super::codes::answer;
use super::view;
use crate::domain::moment::rfc3339;
use crate::domain::refused::Refused;
use crate::doors::extract::StrictJson;
use crate::doors::parameter::{Handle, ListedMoves};
use crate::doors::problem::Problem;
use crate::doors::qr;
use crate::service::authenticate::RelyingParty;
use crate::service::enrol::Opened;
use crate::service::{Service, claim, moves};
use crate::store::MoveRecord;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_protocol::handle::{AccountId, ChallengeId, MoveId};
use countersign_protocol::relying_party_api::{
    Challenge, CodeAnswer, EnrolmentStage, Move, MoveCodeRequest, MoveRequest, MoveState, Moves, NewEnrolment,
    OpeningCodeAnswer, OpeningCodeRequest,
};
use countersign_protocol::schema;
use std::sync::Arc;

fn shown(service: &Service, record: MoveRecord) -> Move {
    Move {
        id: record.id,
        user_id: record.account_id,
        device_id: record.old_device_id,
        new_device_id: record.new_device_id,
        state: record.state_at(service.now()),
        proof: record.fresh_proof(service.now()),
        reason: record.reason,
        created_at: rfc3339(record.created_at),
        valid_from: rfc3339(record.valid_from),
        valid_until: rfc3339(record.valid_until),
        ended_at: record.ended_at.map(rfc3339),
    }
}

async fn question(service: &Service, by: &RelyingParty, id: ChallengeId) -> Result<Json<Challenge>, Problem> {
    Ok(Json(view::challenge(service, claim::read(service, by, id).await?)))
}

/// Makes a move: a new phone is to take over from this one.
#[utoipa::path(post, path = "/v1/moves", tag = "relying party", request_body = MoveRequest,
    responses((status = 201, body = Move)))]
pub async fn create(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    StrictJson(request): StrictJson<MoveRequest>,
) -> Result<(StatusCode, Json<Move>), Problem> {
    Ok((StatusCode::CREATED, Json(shown(&service, moves::create(&service, &by, request).await?))))
}

/// Moves of the organisation, the newest first.
#[utoipa::path(get, path = "/v1/moves", tag = "relying party",
    params(("user_id" = Option<AccountId>, Query, description = "Those of this person"),
        ("state" = Option<MoveState>, Query, description = "Those in this state"),
        ("due" = Option<schema::Time>, Query,
            description = "Those that go on, and can be made at this moment or before it"),
        ("before" = Option<MoveId>, Query, description = "Those that were made before this one: see `next`")),
    responses((status = 200, body = Moves)))]
pub async fn list(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    ListedMoves(asked): ListedMoves,
) -> Result<Json<Moves>, Problem> {
    let (found, more) = moves::list(&service, &by, asked).await?;
    let moves: Vec<Move> = found.into_iter().map(|one| shown(&service, one)).collect();
    let next = moves.last().filter(|_| more).map(|last| last.id);
    Ok(Json(Moves { moves, next }))
}

/// A move as it stands now.
#[utoipa::path(get, path = "/v1/moves/{id}", tag = "relying party",
    params(("id" = MoveId, Path, description = "The move")), responses((status = 200, body = Move)))]
pub async fn read(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<MoveId>,
) -> Result<Json<Move>, Problem> {
    Ok(Json(shown(&service, moves::read_move(&service, &by, id).await?)))
}

/// Asks the old phone whether another one may take over. Its YES is the second half of the move; nobody claims it.
#[utoipa::path(post, path = "/v1/moves/{id}/ask", tag = "relying party",
    params(("id" = MoveId, Path, description = "The move")), responses((status = 201, body = Challenge)))]
pub async fn ask(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<MoveId>,
) -> Result<(StatusCode, Json<Challenge>), Problem> {
    let asked = moves::ask_old_phone(&service, &by, id).await?;
    Ok((StatusCode::CREATED, question(&service, &by, asked).await?))
}

/// Takes a one-time code or a backup code in the place of the old phone's YES.
#[utoipa::path(post, path = "/v1/moves/{id}/prove", tag = "relying party", request_body = MoveCodeRequest,
    params(("id" = MoveId, Path, description = "The move")), responses((status = 200, body = CodeAnswer)))]
pub async fn prove(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<MoveId>,
    StrictJson(request): StrictJson<MoveCodeRequest>,
) -> Result<Json<CodeAnswer>, Problem> {
    Ok(Json(answer(moves::prove(&service, &by, id, &request.code).await?)))
}

/// Takes an opening code in the place of the old phone's YES: what the operator gave to the person.
#[utoipa::path(post, path = "/v1/moves/{id}/opening-code", tag = "relying party", request_body = OpeningCodeRequest,
    params(("id" = MoveId, Path, description = "The move")), responses((status = 200, body = OpeningCodeAnswer)))]
pub async fn open(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<MoveId>,
    StrictJson(request): StrictJson<OpeningCodeRequest>,
) -> Result<Json<OpeningCodeAnswer>, Problem> {
    let (valid, remaining_attempts) = moves::open(&service, &by, id, &request.code).await?;
    Ok(Json(OpeningCodeAnswer { valid, remaining_attempts }))
}

/// Opens the link for the new phone, once the move has its second half. One that was opened before ends.
#[utoipa::path(post, path = "/v1/moves/{id}/offer", tag = "relying party",
    params(("id" = MoveId, Path, description = "The move")), responses((status = 201, body = NewEnrolment)))]
pub async fn offer(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<MoveId>,
) -> Result<(StatusCode, Json<NewEnrolment>), Problem> {
    let Opened { id, link, expires_at } = moves::offer(&service, &by, id).await?;
    let (qr_svg, qr_png) = qr::both(link.clone()).await.ok_or(Refused::Internal)?;
    let (expires_at, state) = (rfc3339(expires_at), EnrolmentStage::Open);
    Ok((StatusCode::CREATED, Json(NewEnrolment { id, link, qr_svg, qr_png, expires_at, state })))
}

/// Asks the new phone whether it works, once its digits were typed. With its YES it takes over, and the old one ends.
#[utoipa::path(post, path = "/v1/moves/{id}/rehearse", tag = "relying party",
    params(("id" = MoveId, Path, description = "The move")), responses((status = 201, body = Challenge)))]
pub async fn rehearse(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<MoveId>,
) -> Result<(StatusCode, Json<Challenge>), Problem> {
    let asked = moves::rehearse(&service, &by, id).await?;
    Ok((StatusCode::CREATED, question(&service, &by, asked).await?))
}

/// Takes a move back: the old phone goes on.
#[utoipa::path(post, path = "/v1/moves/{id}/cancel", tag = "relying party",
    params(("id" = MoveId, Path, description = "The move")), responses((status = 200, body = Move)))]
pub async fn cancel(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(id): Handle<MoveId>,
) -> Result<Json<Move>, Problem> {
    Ok(Json(shown(&service, moves::cancel(&service, &by, id).await?)))
}
