//! Every route, on one screen.

use super::extract::{prove_device, take_body};
use super::problem::Problem;
use super::relying_party::{authenticators, challenges, codes, enrolments, itself, moves, users};
use super::request::follow;
use super::reserve::keep_reserve;
use super::{app_links, description, device, link_page, metrics, public};
use crate::domain::refused::Refused;
use crate::service::Service;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The whole server, ready to be served.
pub fn router(service: Arc<Service>) -> Router {
    let relying_party = OpenApiRouter::new()
        .routes(routes!(itself::read))
        .routes(routes!(users::create))
        .routes(routes!(users::read, users::delete))
        .routes(routes!(users::devices))
        .routes(routes!(users::revoke_device))
        .routes(routes!(enrolments::open))
        .routes(routes!(enrolments::read))
        .routes(routes!(enrolments::confirm))
        .routes(routes!(authenticators::list, authenticators::propose))
        .routes(routes!(authenticators::make_backup_codes))
        .routes(routes!(authenticators::confirm))
        .routes(routes!(authenticators::remove))
        .routes(routes!(codes::verify))
        .routes(routes!(moves::create))
        .routes(routes!(moves::list))
        .routes(routes!(moves::read))
        .routes(routes!(moves::ask))
        .routes(routes!(moves::prove))
        .routes(routes!(moves::open))
        .routes(routes!(moves::offer))
        .routes(routes!(moves::rehearse))
        .routes(routes!(moves::cancel))
        .routes(routes!(challenges::create))
        .routes(routes!(challenges::wait))
        .routes(routes!(challenges::claim))
        .routes(routes!(challenges::cancel));
    let proven_device = OpenApiRouter::new()
        .routes(routes!(device::pull))
        .routes(routes!(device::register_push))
        .routes(routes!(device::devices))
        .routes(routes!(device::revoke))
        .route_layer(from_fn_with_state(Arc::clone(&service), prove_device));
    let open = OpenApiRouter::new()
        .routes(routes!(device::redeem))
        .routes(routes!(device::settle))
        .routes(routes!(public::identity))
        .routes(routes!(public::healthz))
        .routes(routes!(public::readyz))
        .routes(routes!(metrics::metrics));
    let (router, description) = OpenApiRouter::with_openapi(description::frame())
        .merge(relying_party)
        .merge(proven_device)
        .merge(open)
        .split_for_parts();
    let description = description::complete(description);
    router
        .route("/openapi.json", routing::get(async || Json(description)))
        .route("/enrol", routing::get(link_page::enrolment))
        .route("/challenge", routing::get(link_page::challenge))
        .route("/.well-known/assetlinks.json", routing::get(app_links::android))
        .route("/.well-known/apple-app-site-association", routing::get(app_links::apple))
        .fallback(async || Problem::NoSuchCall)
        .method_not_allowed_fallback(async || Problem::WrongMethod)
        .layer(from_fn(take_body))
        .layer(from_fn_with_state(Arc::clone(&service), keep_reserve))
        .layer(from_fn_with_state(Arc::clone(&service), keep_reserve))
        .layer(from_fn(finish_writes))
        .layer(map_response(guard_headers))
        .layer(CatchPanicLayer::custom(|_| Problem::Refused(Refused::Internal).into_response()))
        .layer(from_fn_with_state(Arc::clone(&service), follow))
        .with_state(service)
}

/// The figures alone, for the listener of their own.
pub fn metrics_router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/metrics", routing::get(metrics::everything))
        .fallback(async || Problem::NoSuchCall)
        .method_not_allowed_fallback(async || Problem::WrongMethod)
        .layer(map_response(guard_headers))
        .with_state(service)
}

/// Carries a write to its end although its caller has gone: what was committed must also wake those who wait for it.
async fn finish_writes(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    tokio::spawn(next.run(request).in_current_span())
        .await
        .unwrap_or_else(|_| Problem::Refused(Refused::Internal).into_response())
}

/// Nothing here is to be cached, sniffed, framed or sent on as a referrer.
async fn guard_headers(mut response: Response) -> Response {
    let always = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in always {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
