//! Who this server is, for phones; and whether it is well, for the operator.

use super::problem::{Problem, sentence};
use crate::keys::certificate::Standing;
use crate::service::Service;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
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

/// True when the database takes writes, and phones believe what is signed.
#[utoipa::path(get, path = "/readyz", tag = "operator",
    responses((status = 200, body = Readiness,
            description = "The database takes writes, and the certificate of the signing key serves"),
        (status = 503, description = "One of them does not: `detail` says which",
            body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn readyz(State(service): State<Arc<Service>>) -> Result<Json<Readiness>, Problem> {
    // What failed at the last write that mattered counts, though a small one may be kept in what room there is.
    let found = match service.store.health.trouble() {
        Some(trouble) => Err(trouble),
        None => service.store.ping().await,
    };
    found.map_err(|trouble| Problem::NotReady(sentence(&trouble.to_string())))?;
    let (term, now) = (service.keys.signer(&service.store).await?.term, service.now());
    let warning = term.warning(now);
    if let (Standing::Over, Some(warning)) = (term.standing(now), &warning) {
        return Err(Problem::NotReady(format!("{warning}.")));
    }
    let journal = service.store.recovery_trouble();
    let journal = journal.map(|error| format!("{error}. Until it can be, a restore forgets what is revoked now"));
    let warnings = warning.into_iter().chain(service.backups.warning()).chain(journal).collect();
    Ok(Json(Readiness { status: "ready", warnings }))
}

/// What a Prometheus server reads (text format 0.0.4): for how many seconds the certificate of the signing key still
/// serves, which are negative once it is over. It names nobody, so everybody may read it.
#[utoipa::path(get, path = "/metrics", tag = "operator",
    responses((status = 200, description = "Gauges in the text format of Prometheus", body = String)))]
pub async fn metrics(State(service): State<Arc<Service>>) -> Result<impl IntoResponse, Problem> {
    let ends = service.keys.signer(&service.store).await?.term.ends;
    let left = ends.seconds().saturating_sub(service.now().seconds());
    let text = format!(
        "# HELP countersign_certificate_seconds_left For how long the certificate of the signing key still serves.\n\
         # TYPE countersign_certificate_seconds_left gauge\n\
         countersign_certificate_seconds_left {left}\n"
    );
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
