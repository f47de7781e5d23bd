//! One-time codes: a relying party asks whether a code is right, and with it may settle a challenge.

use crate::domain::states::CodeKind;
use crate::doors::extract::StrictJson;
use crate::doors::parameter::Handle;
use crate::doors::problem::Problem;
use crate::service::Service;
use crate::service::authenticate::RelyingParty;
use crate::service::codes::{self, Came, Checked};
use axum::Json;
use axum::extract::State;
use countersign_protocol::handle::AccountId;
use countersign_protocol::relying_party_api::{CodeAnswer, CodeMethod, CodeReason, CodeRequest};
use std::sync::Arc;

/// Checks a code, and spends it. With `challenge_id` a right one also approves that challenge.
#[utoipa::path(post, path = "/v1/users/{id}/codes/verify", tag = "relying party", request_body = CodeRequest,
    params(("id" = AccountId, Path, description = "The account")),
    responses((status = 200, body = CodeAnswer)))]
pub async fn verify(
    State(service): State<Arc<Service>>,
    by: RelyingParty,
    Handle(user): Handle<AccountId>,
    StrictJson(request): StrictJson<CodeRequest>,
) -> Result<Json<CodeAnswer>, Problem> {
    let CodeRequest { code, challenge_id } = request;
    Ok(Json(answer(codes::verify(&service, &by, user, &code, challenge_id).await?)))
}

/// What came of a code, as a relying party reads it.
pub(super) const fn answer(checked: Checked) -> CodeAnswer {
    let Checked { kind, came, remaining_attempts, backup_codes_left } = checked;
    let (reason, clock_ahead_seconds) = match came {
        Came::Right | Came::Wrong => (None, None),
        Came::UsedBefore => (Some(CodeReason::UsedBefore), None),
        Came::OfAnotherTime { seconds_ahead } => (Some(CodeReason::Clock), Some(seconds_ahead)),
    };
    let method = match kind {
        CodeKind::Totp => CodeMethod::Totp,
        CodeKind::BackupCodes => CodeMethod::BackupCode,
    };
    let valid = matches!(came, Came::Right);
    CodeAnswer { valid, method, remaining_attempts, backup_codes_left, reason, clock_ahead_seconds }
}
