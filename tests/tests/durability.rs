//! What was acknowledged is there after a crash, a stop and a full disk, and nothing is acknowledged before it is durable.

#![cfg(test)]

use countersign_device::{Outcome, Received};
use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Answer::{Approve, Deny};
use countersign_protocol::jws;
use countersign_protocol::proof::PROOF_HEADER;
use countersign_tests::handmade::{HandmadeDevice, read_claims};
use countersign_tests::http::{RelyingParty, client};
use countersign_tests::phone::Phone;
use countersign_tests::program::{Program, relying_party, serve_command};
use countersign_tests::push_service::Down;
use countersign_tests::system_calls::{Record, Recorded, recorded};
use reqwest::Method;
use serde_json::json;
use std::path::Path;
use tokio::task::JoinSet;

/// The file that SQLite writes and waits for at each commit.
const WAL: &str = "countersign.db-wal";

/// A server on this folder, with a relying party.
async fn start(data: &Path) -> (Program, RelyingParty) {
    let server = Program::serve(data).await;
    let site = relying_party(data, &server.url).await;
    (server, site)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_before_the_disk_has_it() {
    let data = tempfile::tempdir().unwrap();
    let record = data.path().join("record");
    let server = Program::start(recorded(&serve_command(data.path()), &record)).await;
    let process = Recorded::new(&record);
    let site = relying_party(data.path(), &server.url).await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;

    site.ask(&user).await;
    let compact = device.pull().await.pop().unwrap();
    let id = read_claims::<Challenge>(&compact).challenge_id;
    let decided = device.decide(&id, device.decision(&compact, Approve)).await;
    assert_eq!(decided.status, 200, "{decided:?}");

    let verify = format!("/v1/users/{user}/codes/verify");
    let wrong = site.post(&verify, &json!({ "code": "0000000" })).await;
    assert_eq!((&wrong.body["valid"], &wrong.body["remaining_attempts"]), (&json!(false), &json!(99)), "{wrong:?}");

    process.ask_to_stop();
    assert!(server.wait().await.success());
    let record = Record::parse(&std::fs::read_to_string(record).unwrap());
    assert_eq!(record.durable_before_answer("POST /v1/challenges HTTP/1.1", "HTTP/1.1 201 ", WAL), Ok(()));
    let settle = format!("POST /v1/device/challenges/{id}/decision HTTP/1.1");
    assert_eq!(record.durable_before_answer(&settle, "HTTP/1.1 200 ", WAL), Ok(()));
    let verify = format!("POST {verify} HTTP/1.1");
    assert_eq!(record.durable_before_answer(&verify, "HTTP/1.1 200 ", WAL), Ok(()), "an attempt is counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_survives_a_kill_and_is_claimed_once() {
    let data = tempfile::tempdir().unwrap();
    let (server, site) = start(data.path()).await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;
    let (approved, denied) = (site.ask(&user).await, site.ask(&user).await);
    for compact in device.pull().await {
        let id = read_claims::<Challenge>(&compact).challenge_id;
        let decision = if id.to_string() == approved {
            device.approval(&site, &compact).await
        } else {
            device.decision(&compact, Deny)
        };
        assert_eq!(device.decide(&id, decision).await.status, 200);
    }
    let url = server.url.clone();
    server.kill().await;

    let server = Program::serve_at(data.path(), &url).await;
    assert_eq!(site.state(&denied).await, "denied");
    assert_eq!(site.state(&approved).await, "approved");
    let claim = format!("/v1/challenges/{approved}/claim");
    let claimed = site.post_once(&claim, "first").await;
    assert_eq!(claimed.body["state"], "claimed", "{claimed:?}");
    assert_eq!(site.post_once(&claim, "second").await.code(), "already_claimed");
    server.kill().await;

    let server = Program::serve_at(data.path(), &url).await;
    assert_eq!(site.post_once(&claim, "first").await.body["receipt"], claimed.body["receipt"], "the same claim again");
    assert_eq!(site.post_once(&claim, "third").await.code(), "already_claimed");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_a_crash_left_unsent_is_sent_after_the_restart() {
    let data = tempfile::tempdir().unwrap();
    let (server, site) = start(data.path()).await;
    let user = site.user("maya").await;
    let phone = Phone::new();
    let enrolment = phone.enrol(&site, &user).await;
    let push_service = Down::new();
    phone.core.register_push(enrolment, &[push_service.registration()]).await.unwrap();

    let asked = site.post("/v1/challenges", &json!({ "user_id": user, "expires_in": 600 })).await;
    assert_eq!(asked.status, 201, "{asked:?}");
    assert_eq!(asked.body["push"], "queued", "nobody can have taken it");
    let url = server.url.clone();
    server.kill().await;

    let mut push_service = push_service.start();
    let server = Program::serve_at(data.path(), &url).await;
    let push = push_service.next().await;
    let received = phone.core.receive(&push.message).unwrap();
    let id = phone.only_prompt();
    assert_eq!(received, Received::New(id));
    assert_eq!(asked.body["id"], id.to_string());
    assert_eq!(phone.core.approve(id, None).await.unwrap(), Outcome::Approved);
    assert_eq!(site.state(&id.to_string()).await, "approved");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_proof_is_spent_also_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let (server, site) = start(data.path()).await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;
    device.warm_up().await;
    let target = "/v1/device/challenges";
    let sign = || jws::sign_now(&device.proof_claims("GET", target, b""), &device.request).unwrap();
    let spent = sign();
    let unspent = sign();
    assert_eq!(device.send_with(Method::GET, target, b"", &spent).await.status, 200);
    let url = server.url.clone();
    server.kill().await;

    let server = Program::serve_at(data.path(), &url).await;
    assert_eq!(device.send_with(Method::GET, target, b"", &spent).await.code(), "replayed");
    let fresh = device.send_with(Method::GET, target, b"", &unspent).await;
    assert_eq!(fresh.status, 200, "one of the same age that was not used: {fresh:?}");
    assert_eq!(device.send_with(Method::GET, target, b"", &unspent).await.code(), "replayed");
    assert!(server.stop().await.success());
}

/// What waits for an answer when the server is asked to stop.
struct Unanswered {
    compacts: Vec<String>,
    device: HandmadeDevice,
}

/// As many challenges as a device is shown at once.
async fn unanswered(site: &RelyingParty, name: &str, count: usize) -> Unanswered {
    let user = site.user(name).await;
    let device = HandmadeDevice::enrol(site, &user).await;
    for _ in 0..count {
        site.ask(&user).await;
    }
    let compacts = device.pull().await;
    assert_eq!(compacts.len(), count);
    Unanswered { compacts, device }
}

/// Parks a pull of a device to which nothing comes. The same proof is sent twice: when one is refused as spent, the
/// other has been accepted, and its request has begun.
async fn park(site: &RelyingParty, name: &str) -> tokio::task::JoinHandle<reqwest::Result<reqwest::Response>> {
    let device = HandmadeDevice::enrol(site, &site.user(name).await).await;
    device.warm_up().await;
    let target = "/v1/device/challenges?wait=60";
    let proof = jws::sign_now(&device.proof_claims("GET", target, b""), &device.request).unwrap();
    let pull = || tokio::spawn(client().get(format!("{}{target}", device.url)).header(PROOF_HEADER, &proof).send());
    let (mut one, mut other) = (pull(), pull());
    let (refused, parked) = tokio::select! {
        refused = &mut one => (refused, other),
        refused = &mut other => (refused, one),
    };
    assert_eq!(refused.unwrap().unwrap().status(), 403, "it is spent");
    parked
}

/// Sends a decision; what was acknowledged, or nothing when the server was gone.
async fn decide(http: reqwest::Client, url: String, decision: String) -> Option<u16> {
    let sent = http.post(url).header("content-type", "application/jose").body(decision).send().await;
    sent.ok().map(|answer| answer.status().as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_keeps_every_acknowledged_answer_and_cuts_nobody_who_waits() {
    let data = tempfile::tempdir().unwrap();
    let (server, site) = start(data.path()).await;
    let mut parked = Vec::new();
    for name in ["ada", "ben", "cleo", "dan"] {
        parked.push(park(&site, name).await);
    }
    let mut deciding = JoinSet::new();
    for Unanswered { compacts, device } in [unanswered(&site, "maya", 25).await, unanswered(&site, "noor", 25).await] {
        for compact in compacts {
            let id = read_claims::<Challenge>(&compact).challenge_id;
            let url = format!("{}/v1/device/challenges/{id}/decision", device.url);
            let decision = device.approval(&site, &compact).await;
            let http = client();
            // With its connection made, each decision is one write away from the server.
            assert_eq!(http.get(format!("{}/healthz", device.url)).send().await.unwrap().status(), 200);
            deciding.spawn(async move { (id, decide(http, url, decision).await) });
        }
    }
    let first = deciding.join_next().await.unwrap().unwrap();
    server.ask_to_stop();
    let mut outcomes = deciding.join_all().await;
    outcomes.push(first);
    for pull in parked {
        let answer = pull.await.unwrap().expect("a parked wait is answered, not cut");
        assert_eq!(answer.status(), 200);
        let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(body["challenges"], json!([]));
    }
    let url = server.url.clone();
    assert!(server.wait().await.success());

    let server = Program::serve_at(data.path(), &url).await;
    assert_eq!(outcomes.len(), 50);
    assert!(outcomes.iter().any(|(_, status)| *status == Some(200)), "the first was acknowledged: {outcomes:?}");
    for (id, status) in outcomes {
        let state = site.state(&id.to_string()).await;
        match status {
            Some(200) => assert_eq!(state, "approved", "{id} was acknowledged"),
            Some(other) => panic!("{id}: {other}"),
            None => assert!(matches!(state.as_str(), "approved" | "pending"), "{id}: {state}"),
        }
    }
    assert!(server.stop().await.success());
}
