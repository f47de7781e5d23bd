//! The page of the demo: one document with its scripts and style sheets, and the buttons behind them.

use super::handset::Handset;
use super::said::{Refusal, Said, catalogue};
use super::screen::Screen;
use super::site::{Ask, Site};
use super::tour::{Tour, TourStep};
use super::trace::{Trace, Travelled};
use super::view::Page;
use crate::changes::Changes;
use crate::operator::Operator;
use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use countersign_device::sentences::{Language, Sentence};
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::relying_party_api::ContextRequest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the page waits for a change before it asks again.
const PATIENCE: Duration = Duration::from_secs(25);
/// The header that the page's own script sends. Another site's page cannot, without asking first and being refused.
const SCRIPT_HEADER: &str = "countersign-demo";
/// Everything from here, nothing inline, nothing from elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                                       connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The page itself.
const DOCUMENT: &str = include_str!("../assets/index.html");
/// Its style sheets.
const STYLES: [(&str, &str); 4] = [
    ("/demo/backup_codes.css", include_str!("../assets/backup_codes.css")),
    ("/demo/demo.css", include_str!("../assets/demo.css")),
    ("/demo/phone.css", include_str!("../assets/phone.css")),
    ("/demo/travelled.css", include_str!("../assets/travelled.css")),
];
/// Its scripts, each a module.
const SCRIPTS: [(&str, &str); 9] = [
    ("/demo/backup_codes.js", include_str!("../assets/backup_codes.js")),
    ("/demo/countdown.js", include_str!("../assets/countdown.js")),
    ("/demo/demo.js", include_str!("../assets/demo.js")),
    ("/demo/element.js", include_str!("../assets/element.js")),
    ("/demo/phone.js", include_str!("../assets/phone.js")),
    ("/demo/site.js", include_str!("../assets/site.js")),
    ("/demo/tour.js", include_str!("../assets/tour.js")),
    ("/demo/travelled.js", include_str!("../assets/travelled.js")),
    ("/demo/words.js", include_str!("../assets/words.js")),
];

/// The parts that the page shows.
#[derive(Clone)]
pub(super) struct DemoParts {
    pub site: Arc<Site>,
    pub phones: [Arc<Handset>; 2],
    pub operator: Arc<dyn Operator>,
    pub changes: Changes,
    pub trace: Trace,
    pub tour: Tour,
    /// Cancelled when the demo stops, so that a page that waits does not hold it up.
    pub stopping: CancellationToken,
}

/// The demo's routes, all on one screen.
pub(super) fn routes(demo: DemoParts) -> Router {
    let buttons = Router::new()
        .route(
            "/demo/site/enrolment",
            routing::post(async |State(demo): State<DemoParts>| done(demo.site.new_enrolment().await)),
        )
        .route("/demo/site/confirm", routing::post(confirm))
        .route("/demo/site/sign-in", routing::post(sign_in))
        .route("/demo/site/code", routing::post(verify_code))
        .route("/demo/site/backup-codes", routing::post(new_backup_codes))
        .route("/demo/site/kept", routing::post(async |State(demo): State<DemoParts>| demo.site.backup_codes_kept()))
        .route("/demo/site/cancel", routing::post(async |State(demo): State<DemoParts>| done(demo.site.cancel().await)))
        .route(
            "/demo/site/second",
            routing::post(async |State(demo): State<DemoParts>| done(demo.site.second_sign_in().await)),
        )
        .route("/demo/site/resume", routing::post(async |State(demo): State<DemoParts>| done(resume(&demo).await)))
        .route("/demo/site/lift", routing::post(async |State(demo): State<DemoParts>| done(lift(&demo).await)))
        .route("/demo/anew", routing::post(async |State(demo): State<DemoParts>| demo.operator.start_anew()))
        .route("/demo/site/sign-out", routing::post(async |State(demo): State<DemoParts>| demo.site.back_to_sign_in()))
        .route("/demo/phone/{phone}/enrol", routing::post(enrol))
        .route("/demo/phone/{phone}/answer", routing::post(answer))
        .route("/demo/phone/{phone}/report", routing::post(report))
        .route("/demo/phone/{phone}/open", routing::post(open))
        .route("/demo/phone/{phone}/code", routing::post(code))
        .route("/demo/phone/{phone}/check", routing::post(async |Phone(phone): Phone| done(phone.check().await)))
        .route("/demo/phone/{phone}/push", routing::post(set_push))
        .route("/demo/phone/{phone}/offline", routing::post(set_offline))
        .route("/demo/phone/{phone}/remove", routing::post(remove))
        .route("/demo/state", routing::get(state))
        .layer(from_fn(only_our_page));
    let mut files = Router::new()
        .route("/", routing::get(async || file("text/html; charset=utf-8", DOCUMENT)))
        .route("/demo/sentences/{language}", routing::get(sentences));
    for (path, text) in STYLES {
        files = files.route(path, routing::get(async move || file("text/css; charset=utf-8", text)));
    }
    for (path, text) in SCRIPTS {
        files = files.route(path, routing::get(async move || file("text/javascript; charset=utf-8", text)));
    }
    buttons.merge(files).with_state(demo)
}

fn file(content_type: &'static str, content: impl IntoResponse) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, content)
}

/// Every sentence of the page in one language.
async fn sentences(Path(language): Path<String>) -> Response {
    let language = Language::ALL.into_iter().find(|one| one.tag() == language);
    language.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |language| file("application/json", Json(catalogue(language))).into_response(),
    )
}

/// The phone that the path names.
struct Phone(Arc<Handset>);

impl FromRequestParts<DemoParts> for Phone {
    type Rejection = StatusCode;
    async fn from_request_parts(parts: &mut Parts, demo: &DemoParts) -> Result<Self, StatusCode> {
        let Path(number) = Path::<usize>::from_request_parts(parts, demo).await.map_err(|_| StatusCode::NOT_FOUND)?;
        let phone = number.checked_sub(1).and_then(|index| demo.phones.get(index));
        phone.map(|phone| Self(Arc::clone(phone))).ok_or(StatusCode::NOT_FOUND)
    }
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
        // Not an error of the page's: it was heard, and what is said to it is for the person.
        Json(self).into_response()
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

async fn confirm(State(demo): State<DemoParts>, Json(body): Json<Confirmation>) -> Response {
    match demo.site.confirm(&body.code).await {
        Ok(Some(codes)) => Json(codes).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn new_backup_codes(State(demo): State<DemoParts>) -> Response {
    match demo.site.new_backup_codes().await {
        Ok(codes) => Json(codes).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

#[derive(Deserialize)]
struct SignIn {
    password: String,
    #[serde(default)]
    ask: Ask,
}

async fn sign_in(State(demo): State<DemoParts>, headers: HeaderMap, Json(body): Json<SignIn>) -> Response {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    // The demo listens on loopback, so that is where its visitors come from.
    let context = ContextRequest { ip: Some("127.0.0.1".into()), user_agent };
    done(demo.site.sign_in(&body.password, body.ask, context).await)
}

async fn verify_code(State(demo): State<DemoParts>, Json(body): Json<Confirmation>) -> Response {
    done(demo.site.verify_code(&body.code).await)
}

fn unavailable(detail: String) -> Refusal {
    Refusal { said: Sentence::ErrorServerBusy.into(), detail }
}

/// The help desk lets prompts through again.
async fn resume(demo: &DemoParts) -> Result<(), Refusal> {
    demo.operator.resume_prompts(demo.site.user()?).await.map_err(unavailable)?;
    for phone in &demo.phones {
        phone.prompts_resumed();
    }
    demo.tour.tick(TourStep::Report);
    Ok(())
}

/// The operator lifts the limit of prompts.
async fn lift(demo: &DemoParts) -> Result<(), Refusal> {
    demo.operator.lift_limit(demo.site.user()?).await.map_err(unavailable)?;
    if demo.site.limit_lifted() {
        demo.tour.tick(TourStep::Limit);
    }
    Ok(())
}

#[derive(Deserialize)]
struct Link {
    link: Option<String>,
    /// What the phone calls itself, in the language of the page.
    name: Option<String>,
}

async fn enrol(State(demo): State<DemoParts>, Phone(phone): Phone, Json(body): Json<Link>) -> Response {
    let Some(link) = body.link.or_else(|| demo.site.enrolment_link()) else {
        return Refusal::from(Said::of_demo("demo_no_link")).into_response();
    };
    done(phone.enrol(&link, body.name).await)
}

#[derive(Deserialize)]
struct Tap {
    id: ChallengeId,
    approve: bool,
    /// What the person typed, where a number is asked for.
    number: Option<String>,
}

async fn answer(Phone(phone): Phone, Json(tap): Json<Tap>) -> Response {
    done(phone.answer(tap.id, tap.approve, tap.number.as_deref()).await)
}

#[derive(Deserialize)]
struct Report {
    id: ChallengeId,
}

async fn report(Phone(phone): Phone, Json(report): Json<Report>) -> Response {
    done(phone.report(report.id).await)
}

async fn open(State(demo): State<DemoParts>, Phone(phone): Phone) -> Response {
    let Some(link) = demo.site.challenge_link() else {
        return Refusal::from(Said::of_demo("demo_no_link")).into_response();
    };
    done(phone.open_link(&link).await)
}

#[derive(Deserialize)]
struct Named {
    id: EnrolmentId,
}

async fn code(Phone(phone): Phone, Json(named): Json<Named>) -> Response {
    match phone.code(named.id) {
        Ok(shown) => Json(shown).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn remove(Phone(phone): Phone, Json(named): Json<Named>) -> Response {
    done(phone.remove(named.id).await)
}

#[derive(Deserialize)]
struct Switch {
    on: bool,
}

async fn set_push(Phone(phone): Phone, Json(switch): Json<Switch>) -> Response {
    done(phone.set_push(switch.on).await)
}

async fn set_offline(Phone(phone): Phone, Json(switch): Json<Switch>) {
    phone.set_offline(switch.on).await;
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
    site: Page,
    phones: Vec<Screen>,
    trace: Vec<Travelled>,
    /// The steps of the tour that were done.
    tour: BTreeSet<TourStep>,
}

impl DemoParts {
    /// What the help desk sees of the person; while the server starts, nothing is stopped.
    async fn prompts_are_stopped(&self) -> bool {
        let Ok(user) = self.site.user() else { return false };
        self.operator.prompts_are_stopped(user).await.unwrap_or_default()
    }
}

/// What is shown now; waits for a change while the page has seen it.
async fn state(State(demo): State<DemoParts>, Query(Seen { seen }): Query<Seen>) -> Response {
    let mut changes = demo.changes.0.subscribe();
    // Whatever ends the wait, the answer is what is there now.
    tokio::select! {
        _ = changes.wait_for(|version| *version != seen) => {}
        () = tokio::time::sleep(PATIENCE) => {}
        () = demo.stopping.cancelled() => {}
    }
    let version = *changes.borrow();
    let stopped = demo.prompts_are_stopped().await;
    let now_ms = countersign_protocol::time::Clock::now(&countersign_protocol::time::SystemClock).millis();
    let [first, second] = &demo.phones;
    // The second phone is there once it has an account, and while one is being added beside the first.
    let both = !second.is_empty() || (first.is_in_use() && demo.site.is_enrolling());
    let screens = if both {
        first.screen().and_then(|one| Ok(vec![one, second.screen()?]))
    } else {
        first.screen().map(|one| vec![one])
    };
    match screens {
        Ok(phones) => {
            let site = demo.site.page(stopped);
            let (trace, tour) = (demo.trace.all(), demo.tour.done());
            Json(Whole { version, now_ms, site, phones, trace, tour }).into_response()
        }
        Err(error) => super::said::failed(&error).into_response(),
    }
}
