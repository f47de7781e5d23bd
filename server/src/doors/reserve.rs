//! What is kept of the connections for those who prove who they are.

use super::extract::{Placed, address, only_header};
use super::problem::Problem;
use crate::service::Service;
use crate::service::authenticate::{NamedDevice, RelyingParty};
use crate::service::readiness::Reason;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use countersign_protocol::proof::PROOF_HEADER;
use std::sync::Arc;

/// At the limit, the last places serve those who prove who they are, and nobody else: so whoever opens connections
/// without end keeps strangers out and no sign-in. Asks before a body is read.
pub async fn keep_reserve(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let Some(Placed(place)) = request.extensions().get::<Placed>().cloned() else { return next.run(request).await };
    if !place.is_reserved() {
        return next.run(request).await;
    }
    let (request, enters) = enters(&service, request).await;
    let mut response = if enters { next.run(request).await } else { full().into_response() };
    if !place.is_proven() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What a stranger is told.
fn full() -> Problem {
    let detail = "All connections are taken. Ask again in a few seconds.".to_owned();
    Problem::NotReady(vec![Reason { code: "connections", detail }])
}

/// Whether a request may use the reserve: it names a key that is known. What comes of that is decided where it always
/// is; a decision is its own proof, and whether the server is well costs no more to say than that it is full.
async fn enters(service: &Arc<Service>, request: Request) -> (Request, bool) {
    let path = request.uri().path();
    let decides =
        request.method() == Method::POST && path.starts_with("/v1/device/challenges/") && path.ends_with("/decision");
    if decides || matches!(path, "/healthz" | "/readyz") {
        return (request, true);
    }
    if let Ok(Some(proof)) = only_header(request.headers(), PROOF_HEADER) {
        let known = NamedDevice::by_proof(service, proof, address(request.extensions())).await.is_ok();
        return (request, known);
    }
    let (mut parts, body): (_, Body) = request.into_parts();
    let known = RelyingParty::from_request_parts(&mut parts, service).await.is_ok();
    (Request::from_parts(parts, body), known)
}
