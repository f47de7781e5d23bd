//! What happens at a crash and at a stop, and that nothing is acknowledged before it is durable.

use countersign_device::Received;
use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Answer::{Approve, Deny};
use countersign_protocol::jws;
use countersign_protocol::proof::PROOF_HEADER;
use countersign_tests::handmade::{HandmadeDevice, read_claims};
use countersign_tests::http::{RelyingParty, client};
use countersign_tests::phone::Phone;
use countersign_tests::program::{Installation, Program, init, relying_party, serve_command};
use countersign_tests::push_service::Down;
use countersign_tests::system_calls::{Record, Recorded, recorded};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

/// The file that SQLite writes and waits for at each commit.
const WAL: &str = "countersign.db-wal";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_before_the_disk_has_it() {
    let data = tempfile::tempdir().unwrap();
    let record = data.path().join("record");
    init(data.path()).await;
    let server = Program::start(recorded(&serve_command(data.path()), &record)).await;
    let process = Recorded::new(&record);
    let site = relying_party(data.path(), &server.url).await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;

    let (id, compact) = device.asked(&site, &user).await;
    device.answers(&compact, Approve).await;
    let wrong = site.verify(&user, "0000000").await;
    assert_eq!((&wrong.body["valid"], &wrong.body["remaining_attempts"]), (&json!(false), &json!(99)), "{wrong:?}");

    process.ask_to_stop();
    assert!(server.wait().await.success());
    let record = Record::parse(&std::fs::read_to_string(record).unwrap());
    assert_eq!(record.durable_before_answer("POST /v1/challenges HTTP/1.1", "HTTP/1.1 201 ", WAL), Ok(()));
    let settle = format!("POST /v1/device/challenges/{id}/decision HTTP/1.1");
    assert_eq!(record.durable_before_answer(&settle, "HTTP/1.1 200 ", WAL), Ok(()));
    let verify = format!("POST /v1/users/{user}/codes/verify HTTP/1.1");
    assert_eq!(record.durable_before_answer(&verify, "HTTP/1.1 200 ", WAL), Ok(()), "an attempt is counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_survives_a_kill_and_is_claimed_once() {
    let here = Installation::new().await;
    let device = here.device().await;
    let (denied, compact) = device.asked(&here.site, &here.user).await;
    device.answers(&compact, Deny).await;
    let (approved, compact) = device.asked(&here.site, &here.user).await;
    device.answers(&compact, Approve).await;

    let here = here.kill_and_start().await;
    assert_eq!(here.site.state(&denied).await, "denied");
    assert_eq!(here.site.state(&approved).await, "approved");
    let claimed = here.site.claim(&approved, "first").await;
    assert_eq!(claimed.body["state"], "claimed", "{claimed:?}");
    assert_eq!(here.site.claim(&approved, "second").await.code(), "already_claimed");

    let here = here.kill_and_start().await;
    let again = here.site.claim(&approved, "first").await;
    assert_eq!(again.body["receipt"], claimed.body["receipt"], "the same claim again");
    assert_eq!(here.site.claim(&approved, "third").await.code(), "already_claimed");
    assert!(here.server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_a_crash_left_unsent_is_sent_after_the_restart() {
    let here = Installation::new().await;
    let (phone, push_service) = (Phone::new(), Down::new());
    let enrolment = phone.enrol(&here.site, &here.user).await;
    phone.core.register_push(enrolment, &[push_service.registration()]).await.unwrap();
    let asked = here.site.ask_for(&here.user, json!({ "expires_in": 600 })).await;
    assert_eq!(asked.body["push"], "queued", "nobody can have taken it: {asked:?}");

    let here = here.kill().await;
    let mut push_service = push_service.start();
    let here = here.start().await;
    let received = phone.core.receive(&push_service.next().await.message).unwrap();
    assert_eq!(received, Received::New(phone.only_prompt()));
    assert_eq!(asked.body["id"], phone.only_prompt().to_string());
    assert!(here.server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_proof_is_spent_also_after_a_restart() {
    let here = Installation::new().await;
    let device = here.device().await;
    device.warm_up().await;
    let target = "/v1/device/challenges";
    let sign = || jws::sign_now(&device.proof_claims("GET", target, b""), &device.request).unwrap();
    let spent = sign();
    let unspent = sign();
    assert_eq!(device.send_with(Method::GET, target, b"", &spent).await.status, 200);

    let _here = here.kill_and_start().await;
    assert_eq!(device.send_with(Method::GET, target, b"", &spent).await.code(), "replayed");
    let fresh = device.send_with(Method::GET, target, b"", &unspent).await;
    assert_eq!(fresh.status, 200, "one of the same age that was not used: {fresh:?}");
    assert_eq!(device.send_with(Method::GET, target, b"", &unspent).await.code(), "replayed");
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
    let Installation { data, server, site, .. } = Installation::new().await;
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
        let state = site.state(&id).await;
        match status {
            Some(200) => assert_eq!(state, "approved", "{id} was acknowledged"),
            Some(other) => panic!("{id}: {other}"),
            None => assert!(matches!(state.as_str(), "approved" | "pending"), "{id}: {state}"),
        }
    }
    assert!(server.stop().await.success());
}
