//! The page of the demo: one document, one script, one style sheet, and the buttons behind them.

use super::Changes;
use super::handset::{Handset, Screen};
use super::site::{Refusal, Site, View};
use super::trace::{Trace, Travelled};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use countersign_core::handle::{ChallengeId, EnrolmentId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the page waits for a change before it asks again.
const PATIENCE: Duration = Duration::from_secs(25);
/// The header that the page's own script sends. Another site's page cannot, without asking first and being refused.
const SCRIPT_HEADER: &str = "countersign-demo";
/// Everything from here, nothing inline, nothing from elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The parts that the page shows.
#[derive(Clone)]
pub(super) struct Demo {
    pub site: Arc<Site>,
    pub handset: Arc<Handset>,
    pub changes: Changes,
    pub trace: Trace,
    /// Cancelled when the demo stops, so that a page that waits does not hold it up.
    pub stopping: CancellationToken,
}

/// The demo's routes, all on one screen.
pub(super) fn routes(demo: Demo) -> Router {
    let buttons = Router::new()
        .route(
            "/demo/site/enrolment",
            routing::post(async |State(demo): State<Demo>| done(demo.site.new_enrolment().await)),
        )
        .route("/demo/site/confirm", routing::post(confirm))
        .route("/demo/site/sign-in", routing::post(sign_in))
        .route("/demo/site/cancel", routing::post(async |State(demo): State<Demo>| done(demo.site.cancel().await)))
        .route("/demo/site/sign-out", routing::post(async |State(demo): State<Demo>| demo.site.back_to_sign_in()))
        .route("/demo/phone/enrol", routing::post(enrol))
        .route("/demo/phone/answer", routing::post(answer))
        .route("/demo/phone/check", routing::post(async |State(demo): State<Demo>| done(demo.handset.check().await)))
        .route("/demo/phone/push", routing::post(set_push))
        .route("/demo/phone/remove", routing::post(remove))
        .route("/demo/state", routing::get(state))
        .layer(from_fn(only_our_page));
    let files = Router::new()
        .route(
            "/",
            routing::get(async || file("text/html; charset=utf-8", include_str!("../../assets/demo/index.html"))),
        )
        .route(
            "/demo.css",
            routing::get(async || file("text/css; charset=utf-8", include_str!("../../assets/demo/demo.css"))),
        )
        .route(
            "/demo.js",
            routing::get(async || file("text/javascript; charset=utf-8", include_str!("../../assets/demo/demo.js"))),
        );
    buttons.merge(files).with_state(demo)
}

fn file(content_type: &'static str, content: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, content)
}

/// Lets only the demo's own page press buttons: a foreign page cannot send the header, and a foreign name that was made
/// to point here (DNS rebinding) is not a loopback host.
async fn only_our_page(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let ours = request.headers().contains_key(SCRIPT_HEADER) && matches!(name, "127.0.0.1" | "localhost");
    if ours { next.run(request).await } else { StatusCode::FORBIDDEN.into_response() }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::CONFLICT, Json(self)).into_response()
    }
}

fn done(result: Result<(), Refusal>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

#[derive(Deserialize)]
struct Confirmation {
    code: String,
}

async fn confirm(State(demo): State<Demo>, Json(body): Json<Confirmation>) -> Response {
    done(demo.site.confirm(&body.code).await)
}

#[derive(Deserialize)]
struct SignIn {
    password: String,
}

async fn sign_in(State(demo): State<Demo>, headers: HeaderMap, Json(body): Json<SignIn>) -> Response {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    // The demo listens on loopback, so that is where its visitors come from.
    done(demo.site.sign_in(&body.password, user_agent, "127.0.0.1".into()).await)
}

#[derive(Deserialize)]
struct Link {
    link: Option<String>,
}

async fn enrol(State(demo): State<Demo>, Json(body): Json<Link>) -> Response {
    let Some(link) = body.link.or_else(|| demo.site.link()) else {
        return Refusal::from("The page shows no code to scan.").into_response();
    };
    done(demo.handset.enrol(&link).await)
}

#[derive(Deserialize)]
struct Tap {
    id: ChallengeId,
    approve: bool,
}

async fn answer(State(demo): State<Demo>, Json(tap): Json<Tap>) -> Response {
    done(demo.handset.answer(tap.id, tap.approve).await)
}

#[derive(Deserialize)]
struct Switch {
    on: bool,
}

async fn set_push(State(demo): State<Demo>, Json(switch): Json<Switch>) -> Response {
    done(demo.handset.set_push(switch.on).await)
}

#[derive(Deserialize)]
struct Removal {
    id: EnrolmentId,
}

async fn remove(State(demo): State<Demo>, Json(removal): Json<Removal>) -> Response {
    done(demo.handset.remove(removal.id).await)
}

#[derive(Deserialize)]
struct Seen {
    #[serde(default)]
    seen: u64,
}

/// Everything that the page draws.
#[derive(Serialize)]
struct Whole {
    version: u64,
    /// The present, so that the page counts down by this clock and not by its own.
    now_ms: i64,
    site: View,
    phone: Screen,
    trace: Vec<Travelled>,
}

/// What is shown now; waits for a change while the page has seen it.
async fn state(State(demo): State<Demo>, Query(Seen { seen }): Query<Seen>) -> Response {
    let mut changes = demo.changes.0.subscribe();
    // Whatever ends the wait, the answer is what is there now.
    tokio::select! {
        _ = changes.wait_for(|version| *version != seen) => {}
        () = tokio::time::sleep(PATIENCE) => {}
        () = demo.stopping.cancelled() => {}
    }
    let version = *changes.borrow();
    let now_ms = countersign_core::time::Clock::now(&countersign_core::time::SystemClock).millis();
    match demo.handset.screen() {
        Ok(phone) => {
            Json(Whole { version, now_ms, site: demo.site.view(), phone, trace: demo.trace.all() }).into_response()
        }
        Err(error) => Refusal { message: error.to_string() }.into_response(),
    }
}
