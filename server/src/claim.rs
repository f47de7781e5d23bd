//! Step 6, claim: the relying party waits for the answer and takes it, at most once. And it may take the question back.

use crate::app::App;
use crate::authorisation::{IdempotencyKey, RelyingParty};
use crate::parameter::{Handle, PageShows, Shown, Wait};
use crate::problem::Problem;
use crate::resource::{self, Challenge};
use crate::store::{self, Cancelled, Claimed};
use crate::waiting::Look;
use axum::Json;
use axum::extract::State;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::time::Timestamp;
use std::sync::Arc;

/// Reads a challenge; with `wait`, answers as soon as it is no longer pending, or asks for a number that the page does not
/// show. Safe, and may be repeated.
#[utoipa::path(get, path = "/v1/challenges/{id}", tag = "relying party",
    params(("id" = String, Path, description = "The challenge"), ("wait" = Option<u32>, Query, description = "Seconds to wait while it is pending: 0 to 60"),
        ("shown" = Option<String>, Query, description = "What the page shows: `tap` or `number`. While they differ, the wait ends at once; default: as the challenge is when the wait begins")),
    responses((status = 200, body = Challenge),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn wait(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    Handle(id): Handle<ChallengeId>,
    Wait(patience): Wait,
    PageShows(shown): PageShows,
) -> Result<Json<Challenge>, Problem> {
    let (app, relying_party) = (&*app, relying_party.row_id);
    let read = || async move {
        let now = app.now();
        let record = app.store.challenge(relying_party, id, now).await?.ok_or(Problem::NotFound("challenge"))?;
        Ok::<_, Problem>((now, record))
    };
    let shows_number = match shown {
        Some(shown) => shown == Shown::Number,
        None => read().await?.1.number.is_some(),
    };
    let look = || async move {
        let (now, record) = read().await?;
        let unchanged = record.state == store::State::Pending && record.number.is_some() == shows_number;
        let wait = unchanged.then(|| until(now, record.expires_at));
        Ok::<_, Problem>(Look { seen: record, wait })
    };
    let record = app.challenge_waiting.until(id, patience, &app.stopping, look).await?;
    Ok(Json(resource::of(app, record)))
}

/// Until just after a moment, so that a look then sees it passed.
fn until(now: Timestamp, moment: Timestamp) -> std::time::Duration {
    now.until(moment) + std::time::Duration::from_millis(1)
}

/// Takes the approval. The same `Idempotency-Key` gets the same answer again; anyone later gets `already_claimed`.
#[utoipa::path(post, path = "/v1/challenges/{id}/claim", tag = "relying party",
    params(("id" = String, Path, description = "The challenge"), ("Idempotency-Key" = Option<String>, Header, description = "Names this claim, so that it can be repeated")),
    responses((status = 200, body = Challenge),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn claim(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    Handle(id): Handle<ChallengeId>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<Challenge>, Problem> {
    match app.store.claim(relying_party.row_id, id, key).await? {
        Claimed::Now => {
            app.webhook_outbox.notify_one();
            Ok(Json(resource::challenge(&app, relying_party.row_id, id).await?))
        }
        Claimed::AlreadyClaimed => Err(Problem::AlreadyClaimed),
        Claimed::NotApproved(state) => Err(Problem::NotApproved(state)),
        Claimed::NotFound => Err(Problem::NotFound("challenge")),
    }
}

/// Takes a pending question back, or an approval before it is claimed.
#[utoipa::path(post, path = "/v1/challenges/{id}/cancel", tag = "relying party",
    params(("id" = String, Path, description = "The challenge")),
    responses((status = 200, description = "It is cancelled, or its approval revoked; also when it was before", body = Challenge),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn cancel(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    Handle(id): Handle<ChallengeId>,
) -> Result<Json<Challenge>, Problem> {
    let Some(Cancelled { state, account }) = app.store.cancel(relying_party.row_id, id).await? else {
        return Err(Problem::NotFound("challenge"));
    };
    match state {
        store::State::Cancelled | store::State::Revoked => {
            app.wake(id, account);
            Ok(Json(resource::challenge(&app, relying_party.row_id, id).await?))
        }
        store::State::Claimed => Err(Problem::AlreadyClaimed),
        store::State::Expired | store::State::Lapsed => Err(Problem::Expired),
        _ => Err(Problem::AlreadyAnswered),
    }
}
