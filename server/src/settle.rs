//! Step 5, settle: a device's signed decision is checked and counts, if it is the first and in time.

use crate::app::App;
use crate::authorisation::Jose;
use crate::parameter::Handle;
use crate::problem::Problem;
use crate::store::{Settled, Settlement};
use axum::Json;
use axum::extract::State;
use countersign_core::Refusal;
use countersign_core::challenge;
use countersign_core::decision::{self, Answer, Decision};
use countersign_core::device_api::DecisionAnswer;
use countersign_core::handle::ChallengeId;
use countersign_core::jws::Unverified;
use std::sync::Arc;

/// Takes a device's signed decision. It is its own proof of possession.
#[utoipa::path(post, path = "/v1/device/challenges/{id}/decision", tag = "device",
    params(("id" = String, Path, description = "The challenge")),
    request_body(content = String, content_type = "application/jose", description = "A decision, as a compact JWS"),
    responses((status = 200, description = "The answer counts; also when it is sent again", body = DecisionAnswer),
        (status = "default", description = "A problem", body = countersign_core::device_api::Problem, content_type = "application/problem+json")))]
pub async fn settle(
    State(app): State<Arc<App>>,
    Handle(id): Handle<ChallengeId>,
    Jose(compact): Jose,
) -> Result<Json<DecisionAnswer>, Problem> {
    // Looked up by challenge and key together, so that a key of another enrolment is unknown here.
    let key_id = Unverified::parse::<Decision>(&compact)?.key_id().as_str().to_owned();
    let asked = app.store.asked(id, key_id).await?.ok_or(Problem::Refused(Refusal::UnknownKey))?;
    let digest = challenge::digest(&asked.compact);
    let decision = decision::check(&compact, id, &digest, asked.created_at, &asked.keys, app.now())?;
    let unlocks_codes = decision.decision == Answer::Approve && decision.user_verified && app.accept_unattested;
    let (device, answer) = (asked.device, decision.decision);
    let settlement = Settlement { challenge: id, device, answer, decision: compact, unlocks_codes };
    match app.store.settle(settlement).await? {
        Settled::Counts => {}
        Settled::AlreadyAnswered => return Err(Problem::AlreadyAnswered),
        Settled::Expired => return Err(Problem::Expired),
        Settled::Cancelled => return Err(Problem::Cancelled),
        Settled::NotAsked => return Err(Problem::DeviceNotInUse),
    }
    app.challenge_waiting.wake(id);
    let state = match decision.decision {
        Answer::Approve => "approved",
        Answer::Deny => "denied",
    };
    Ok(Json(DecisionAnswer { state: state.into() }))
}
