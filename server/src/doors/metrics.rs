//! What a Prometheus server reads (text format 0.0.4), and who may.

use super::extract::Peer;
use super::problem::Problem;
use crate::domain::fact::Fact;
use crate::domain::measure::{Distribution, Step};
use crate::service::Service;
use crate::service::figures::Told;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::IntoResponse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// What a proxy adds that says so. Behind one, everybody seems to call from this machine.
const OF_PROXIES: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// The figures of the server, for whoever calls from this very machine, while the server is only reached from it.
/// Otherwise they are where `[metrics] listen` says: they tell a stranger how many people sign in, and how well an
/// attack goes.
#[utoipa::path(get, path = "/metrics", tag = "operator",
    responses((status = 200, description = "Figures in the text format of Prometheus", body = String)))]
pub async fn metrics(State(service): State<Arc<Service>>, request: Request) -> Result<impl IntoResponse, Problem> {
    let local = request.extensions().get::<Peer>().is_some_and(|Peer(address)| address.is_loopback());
    let proxied = OF_PROXIES.iter().any(|name| request.headers().contains_key(*name));
    if !service.settings.metrics_here || !local || proxied {
        return Err(Problem::NoSuchCall);
    }
    everything(State(service)).await
}

/// The figures, for everybody who reaches the listener of their own.
///
/// # Errors
/// `unavailable`.
pub async fn everything(State(service): State<Arc<Service>>) -> Result<impl IntoResponse, Problem> {
    let told = service.told().await?;
    let ends = service.keys.signer(&service.store).await?.term.ends;
    let left = ends.seconds().saturating_sub(service.now().seconds());
    let text = text(&service, &told, left);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

/// The page as it grows.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP countersign_{name} {help}\n# TYPE countersign_{name} {kind}");
    }

    /// A value under these labels, all of which stand in the source: none needs escaping.
    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "countersign_{name}{labels} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, "gauge", help);
        self.value(name, &[], value);
    }

    fn distribution(&mut self, name: &str, labels: &[(&str, &str)], seen: &Distribution) {
        let Distribution { up_to, count, sum } = seen;
        for (bound, below) in up_to {
            let bound = bound.to_string();
            self.value(&format!("{name}_bucket"), &[labels, &[("le", &bound)]].concat(), below);
        }
        self.value(&format!("{name}_bucket"), &[labels, &[("le", "+Inf")]].concat(), count);
        self.value(&format!("{name}_sum"), labels, sum);
        self.value(&format!("{name}_count"), labels, count);
    }
}

/// What can become of a challenge, beside what the clock ends.
const OUTCOMES: [(&str, Fact); 7] = [
    ("created", Fact::ChallengeCreated),
    ("approved", Fact::ChallengeApproved),
    ("denied", Fact::ChallengeDenied),
    ("reported", Fact::ChallengeReported),
    ("cancelled", Fact::ChallengeCancelled),
    ("claimed", Fact::ChallengeClaimed),
    ("revoked", Fact::ChallengeRevoked),
];

/// The networks of which pushes can wait.
const NETWORKS: [&str; 3] = ["apns", "fcm", "webpush"];

fn text(service: &Service, told: &Told, certificate_seconds_left: i64) -> String {
    let figures = &service.figures;
    let mut page = Page(String::with_capacity(16 * 1024));
    page.family("build_info", "gauge", "Always 1; the label says which version runs.");
    page.value("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);

    let help = "What became of challenges, by the journal; created counts them all.";
    page.family("challenges_total", "counter", help);
    for (outcome, fact) in OUTCOMES {
        let count = told.facts.get(fact.as_str()).copied().unwrap_or_default();
        page.value("challenges_total", &[("outcome", outcome)], count);
    }
    page.value("challenges_total", &[("outcome", "expired")], told.expired);
    page.value("challenges_total", &[("outcome", "lapsed")], told.lapsed);
    page.family("journal_lines_total", "counter", "Lines of the journal: everything that matters for security.");
    for (fact, count) in &told.facts {
        page.value("journal_lines_total", &[("fact", fact)], count);
    }

    page.family("step_seconds", "histogram", "How long each step of a login took on the server.");
    for step in Step::ALL {
        page.distribution("step_seconds", &[("step", step.as_str())], &figures.step(step).read());
    }
    page.family("push_total", "counter", "What became of attempts to push.");
    for ([gateway, outcome], count) in figures.pushes.read() {
        page.value("push_total", &[("gateway", gateway), ("outcome", outcome)], count);
    }
    page.family("refusals_total", "counter", "Answers that refuse, by the code of their problem.");
    for ([code, _], count) in figures.refusals.read() {
        page.value("refusals_total", &[("code", code)], count);
    }

    let wake = &service.wake;
    let waiting = wake.challenges.count() + wake.devices.count() + wake.enrolments.count();
    page.gauge("waiting", "Requests that wait for an answer of somebody.", waiting);
    page.gauge("connections", "Connections that are open.", figures.connections.count());
    page.gauge("open_challenges", "Questions that wait for an answer.", told.now.open);

    page.family("outbox_due", "gauge", "What is due to be sent, and was not taken yet.");
    let mut due: BTreeMap<&str, u64> = NETWORKS.iter().map(|network| (*network, 0)).collect();
    for (lane, count) in &told.now.due_pushes {
        // A lane of Web Push holds an address; the figures do not.
        let network = NETWORKS.iter().find(|network| lane.split(' ').next() == Some(network));
        *due.entry(network.map_or("webpush", |network| network)).or_default() += count;
    }
    due.insert("webhook", told.now.due_events);
    for (network, count) in due {
        page.value("outbox_due", &[("network", network)], count);
    }
    page.gauge("writes_queued", "Pieces of work that wait for the database's writer.", service.store.queued_writes());
    let commits = service.store.commits();
    page.family("commit_batch_size", "histogram", "How many pieces of work one commit held.");
    page.distribution("commit_batch_size", &[], &commits.pieces.read());
    page.family("commit_seconds", "histogram", "How long a commit waited for the disk.");
    page.distribution("commit_seconds", &[], &commits.seconds.read());

    let help = "For how long the certificate of the signing key still serves; negative once it is over.";
    page.gauge("certificate_seconds_left", help, certificate_seconds_left);
    page.0
}
