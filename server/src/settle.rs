//! Step 5, settle: a device's signed decision is checked and counts, if it is the first and in time.

use crate::app::App;
use crate::authorisation::Jose;
use crate::parameter::Handle;
use crate::problem::Problem;
use crate::store::{Settled, Settlement};
use axum::Json;
use axum::extract::State;
use countersign_protocol::Refusal;
use countersign_protocol::decision::{self, Answer, Decision};
use countersign_protocol::device_api::DecisionAnswer;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::jws::Unverified;
use std::sync::Arc;

/// Takes a device's signed decision. It is its own proof of possession.
#[utoipa::path(post, path = "/v1/device/challenges/{id}/decision", tag = "device",
    params(("id" = String, Path, description = "The challenge")),
    request_body(content = String, content_type = "application/jose", description = "A decision, as a compact JWS"),
    responses((status = 200, description = "The answer counts; also when it is sent again", body = DecisionAnswer),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn settle(
    State(app): State<Arc<App>>,
    Handle(id): Handle<ChallengeId>,
    Jose(compact): Jose,
) -> Result<Json<DecisionAnswer>, Problem> {
    // Looked up by challenge and key together, so that a key of another enrolment is unknown here.
    let key_id = Unverified::parse::<Decision>(&compact)?.key_id().as_str().to_owned();
    let asked = app.store.asked(id, key_id).await?.ok_or(Problem::Refused(Refusal::UnknownKey))?;
    let (decision, answered) = match (decision::check(&compact, &asked.compact, &asked.keys, app.now()), asked.earlier)
    {
        // A phone that has not heard of the change answers what it shows; whether that counts, the store decides.
        (Err(Refusal::WrongChallenge), Some(earlier)) => {
            (decision::check(&compact, &earlier, &asked.keys, app.now())?, earlier)
        }
        (checked, _) => (checked?, asked.compact),
    };
    let settlement = Settlement {
        challenge: id,
        device: asked.device,
        compact: answered,
        answer: decision.decision,
        number: decision.number,
        user_verified: decision.user_verified && app.accept_unattested,
        decision: compact,
    };
    let settled = app.store.settle(settlement).await?;
    app.wake(id, asked.account);
    match settled {
        Settled::Counts(state) if decision.decision == Answer::Report => {
            Ok(Json(DecisionAnswer { state: state.as_str().into() }))
        }
        // What became of an approval afterwards is for its relying party.
        Settled::Counts(_) if decision.decision == Answer::Approve => {
            Ok(Json(DecisionAnswer { state: "approved".into() }))
        }
        Settled::Counts(_) => Ok(Json(DecisionAnswer { state: "denied".into() })),
        Settled::WrongNumber => Err(Problem::WrongNumber),
        Settled::AlreadyAnswered => Err(Problem::AlreadyAnswered),
        Settled::Expired => Err(Problem::Expired),
        Settled::Cancelled => Err(Problem::Cancelled),
        Settled::NotAsked => Err(Problem::DeviceNotInUse),
        Settled::Changed => Err(Problem::Refused(Refusal::WrongChallenge)),
    }
}
