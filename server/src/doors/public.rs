//! Who this server is, for phones; and whether it is well, for the operator.

use super::problem::Problem;
use crate::service::{Service, readiness};
use axum::Json;
use axum::extract::{Query, State};
use countersign_protocol::jws;
use countersign_protocol::server_identity::{SignedTime, WellKnown};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The longest nonce that is signed, in bytes.
const MAX_NONCE_LENGTH: usize = 64;

/// What is asked of the identity document.
#[derive(Deserialize)]
pub struct IdentityQuery {
    #[serde(default)]
    nonce: Option<String>,
}

/// The server's keys and certificate, and the time signed for the caller's nonce.
#[utoipa::path(get, path = "/.well-known/countersign", tag = "device",
    params(("nonce" = Option<String>, Query, max_length = 64, pattern = "^[!-~]*$",
        description = "The answer then holds the signed time")),
    responses((status = 200, description = "See PROTOCOL.md, The server's identity", body = WellKnown)))]
pub async fn identity(
    State(service): State<Arc<Service>>,
    query: Result<Query<IdentityQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<WellKnown>, Problem> {
    let wrong = || {
        Problem::malformed(format!("nonce comes once and is at most {MAX_NONCE_LENGTH} printable ASCII characters."))
    };
    let Query(IdentityQuery { nonce }) = query.map_err(|_| wrong())?;
    if nonce
        .as_ref()
        .is_some_and(|nonce| nonce.len() > MAX_NONCE_LENGTH || !nonce.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return Err(wrong());
    }
    let signer = service.keys.signer(&service.store).await?;
    let time = match nonce {
        Some(nonce) => {
            let claims = SignedTime { iss: service.keys.server_id.clone(), nonce, time_ms: service.now().millis() };
            Some(jws::sign_now(&claims, &signer.key)?)
        }
        None => None,
    };
    Ok(Json(WellKnown {
        server_id: service.keys.server_id.clone(),
        root: service.keys.root,
        certificate: signer.certificate.clone(),
        time,
        webpush_public_key: service.store.webpush_public_key().await?,
        webhook_key: Some(service.keys.webhook.public()),
        attestation: service.attestation.wanted(),
    }))
}

/// True as long as the process answers.
#[utoipa::path(get, path = "/healthz", tag = "operator",
    responses((status = 200, description = "The process answers", body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// What `/readyz` says while the server can do its work.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    /// Always `ready`.
    status: &'static str,
    /// What the operator has to do before it becomes a failure, in sentences; most of the time there is none.
    warnings: Vec<String>,
}

/// True when a question that was asked now would be answered, and phones would believe it.
#[utoipa::path(get, path = "/readyz", tag = "operator",
    responses((status = 200, body = Readiness,
            description = "The database takes writes, and the certificate of the signing key serves"),
        (status = 503, description = "One of them does not: `detail` says which, and `reasons` one by one",
            body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn readyz(State(service): State<Arc<Service>>) -> Result<Json<Readiness>, Problem> {
    let found = readiness::look(&service).await;
    if found.reasons.is_empty() {
        Ok(Json(Readiness { status: "ready", warnings: found.warnings }))
    } else {
        Err(Problem::NotReady(found.reasons))
    }
}
