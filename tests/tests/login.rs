//! Whole logins over real sockets: the six steps, and what goes on around them.

#![cfg(test)]

use axum::http::StatusCode;
use countersign_device::{Outcome, Received};
use countersign_protocol::receipt::Receipt;
use countersign_tests::clock::ManualClock;
use countersign_tests::http::{RelyingParty, client};
use countersign_tests::phone::Phone;
use countersign_tests::push_service::PushService;
use countersign_tests::server::TestServer;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

async fn maya(server: &TestServer) -> (RelyingParty, String) {
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    (site, user)
}

fn receipt_of(answer: &Value) -> Receipt {
    serde_json::from_value(answer["receipt"].clone()).unwrap()
}

#[tokio::test]
async fn a_push_wakes_the_phone_and_yes_moves_the_waiting_page_on() {
    let server = TestServer::start().await;
    let (site, user) = maya(&server).await;
    let (phone, mut push) = (Phone::new(), PushService::start().await);
    let id = phone.enrol(&site, &user).await;
    phone.core.register_push(id, &[push.registration()]).await.unwrap();

    let context = json!({ "ip": "198.51.100.7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" });
    let asked = json!({ "user_id": user, "binding_message": "Order 4711, 12 €", "context": context });
    let challenge = site.post("/v1/challenges", &asked).await;
    assert_eq!((challenge.status, &challenge.body["state"]), (201, &json!("pending")));
    let challenge_id = challenge.body["id"].as_str().unwrap().to_owned();
    let waiting = tokio::spawn({
        let (site, path) = (site.clone(), format!("/v1/challenges/{challenge_id}?wait=60"));
        async move { site.get(&path).await }
    });

    let pushed = push.next().await;
    let body = String::from_utf8_lossy(&pushed.body).into_owned();
    assert!(!body.contains("maya") && !body.contains("Meridian"), "a push network reads no names");
    assert!(matches!(phone.core.receive(&pushed.message).unwrap(), Received::New(_)));
    assert!(
        matches!(phone.core.receive(&pushed.message).unwrap(), Received::Known(_)),
        "a repeated push is one prompt"
    );
    let prompt = phone.core.pending().unwrap().remove(0);
    assert_eq!((prompt.challenge.relying_party.as_str(), prompt.challenge.account.as_str()), ("Customer area", "maya"));
    assert_eq!(prompt.challenge.binding_message.as_deref(), Some("Order 4711, 12 €"));
    assert_eq!(prompt.challenge.context.browser.as_deref(), Some("Firefox"));
    assert!(prompt.time_left <= Duration::from_secs(61) && prompt.time_left > Duration::from_secs(30));

    assert_eq!(phone.core.approve(prompt.challenge.challenge_id, None).await.unwrap(), Outcome::Approved);
    let waited = waiting.await.unwrap();
    assert_eq!(waited.body["state"], "approved");
    assert_eq!(waited.body["amr"], json!(["swk", "mca", "user"]));
    assert_eq!(waited.body["push"], "sent");

    let claim = format!("/v1/challenges/{challenge_id}/claim");
    let first = site.post_once(&claim, "page-1").await;
    assert_eq!((first.status, &first.body["state"]), (200, &json!("claimed")));
    assert_eq!(site.post_once(&claim, "page-1").await.body, first.body, "a lost answer is not a lost login");
    assert_eq!(site.post_once(&claim, "page-2").await.code(), "already_claimed");
    assert_eq!(site.post(&claim, &Value::Null).await.code(), "already_claimed");

    let identity = site.get("/.well-known/countersign").await;
    let root = serde_json::from_value(identity.body["root"].clone()).unwrap();
    let proven = receipt_of(&first.body).verify(&root).unwrap();
    assert!(proven.approved(None));
    assert_eq!(proven.challenge.challenge_id.to_string(), challenge_id);
    assert_eq!(phone.core.history(5).unwrap()[0].outcome, Outcome::Approved);
}

#[tokio::test]
async fn no_stops_the_sign_in() {
    let server = TestServer::start().await;
    let (site, user) = maya(&server).await;
    let phone = Phone::new();
    let id = phone.enrol(&site, &user).await;
    let challenge = site.ask(&user).await;
    phone.core.pull(id, 0).await.unwrap();
    assert_eq!(phone.core.deny(phone.only_prompt()).await.unwrap(), Outcome::Denied);
    assert_eq!(site.state(&challenge).await, "denied");
    let claim = site.post_once(&format!("/v1/challenges/{challenge}/claim"), "k").await;
    assert_eq!((claim.status, claim.code()), (409, "not_approved"));
    assert_eq!(phone.core.history(5).unwrap()[0].outcome, Outcome::Denied);
}

#[tokio::test]
async fn a_parked_pull_is_woken_when_no_push_can_come() {
    let server = TestServer::start().await;
    let (site, user) = maya(&server).await;
    let phone = Arc::new(Phone::new());
    let id = phone.enrol(&site, &user).await;
    let parked = tokio::spawn({
        let phone = Arc::clone(&phone);
        async move { phone.core.pull(id, 60).await }
    });
    let app = Arc::clone(server.service());
    while app.wake.devices.is_empty() {
        tokio::task::yield_now().await;
    }
    let challenge = site.post("/v1/challenges", &json!({ "user_id": user })).await;
    assert_eq!(challenge.body["push"], "none");
    let pulled = parked.await.unwrap().unwrap();
    assert!(matches!(pulled.received[..], [Ok(Received::New(_))]));
}

#[tokio::test]
async fn nobody_answers_and_a_late_tap_hears_expired() {
    let clock = ManualClock::new();
    let server = TestServer::start_at(&clock).await;
    let (site, user) = maya(&server).await;
    let phone = Phone::with(Arc::new(clock.clone()), Phone::new().platform().transport.clone());
    let id = phone.enrol(&site, &user).await;
    let challenge = site.ask(&user).await;
    phone.core.pull(id, 0).await.unwrap();
    let prompt = phone.only_prompt();

    clock.advance(Duration::from_millis(59_999));
    assert_eq!(site.state(&challenge).await, "pending");
    clock.advance(Duration::from_millis(1));
    assert_eq!(site.state(&challenge).await, "expired");
    assert_eq!(phone.core.approve(prompt, None).await.unwrap(), Outcome::Expired);
    assert!(phone.core.pending().unwrap().is_empty());
    assert_eq!(site.state(&challenge).await, "expired");
    assert!(phone.core.pull(id, 0).await.unwrap().received.is_empty(), "it is offered no more");
}

#[tokio::test]
async fn an_approval_that_nobody_takes_lapses_after_a_minute() {
    let clock = ManualClock::new();
    let server = TestServer::start_at(&clock).await;
    let (site, user) = maya(&server).await;
    let phone = Phone::with(Arc::new(clock.clone()), Phone::new().platform().transport.clone());
    let id = phone.enrol(&site, &user).await;
    for (delay, code) in [(59_999, ""), (60_000, "not_approved")] {
        let challenge = site.ask(&user).await;
        phone.core.pull(id, 0).await.unwrap();
        phone.core.approve(phone.only_prompt(), None).await.unwrap();
        clock.advance(Duration::from_millis(delay));
        let claim = site.post_once(&format!("/v1/challenges/{challenge}/claim"), "k").await;
        assert_eq!(claim.code(), code);
        assert_eq!(site.state(&challenge).await, if code.is_empty() { "claimed" } else { "lapsed" });
    }
}

#[tokio::test]
async fn a_question_taken_back_is_answered_no_more() {
    let server = TestServer::start().await;
    let (site, user) = maya(&server).await;
    let phone = Phone::new();
    let id = phone.enrol(&site, &user).await;
    let challenge = site.ask(&user).await;
    phone.core.pull(id, 0).await.unwrap();
    let cancel = format!("/v1/challenges/{challenge}/cancel");
    assert_eq!(site.post(&cancel, &Value::Null).await.body["state"], "cancelled");
    assert_eq!(site.post(&cancel, &Value::Null).await.body["state"], "cancelled", "it may be repeated");
    assert_eq!(phone.core.approve(phone.only_prompt(), None).await.unwrap(), Outcome::Cancelled);
    assert_eq!(site.state(&challenge).await, "cancelled");
}

#[tokio::test]
async fn the_same_request_under_the_same_key_asks_once() {
    let server = TestServer::start().await;
    let (site, user) = maya(&server).await;
    let phone = Phone::new();
    let id = phone.enrol(&site, &user).await;
    let ask = async |body: Value| {
        let request = site.request(reqwest::Method::POST, "/v1/challenges").header("idempotency-key", "order-4711");
        countersign_tests::http::send(request.json(&body)).await
    };
    let first = ask(json!({ "user_id": user })).await;
    let again = ask(json!({ "user_id": user })).await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.body["id"], again.body["id"]);
    assert_eq!(phone.core.pull(id, 0).await.unwrap().received.len(), 1);
    let other = ask(json!({ "user_id": user, "expires_in": 30 })).await;
    assert_eq!((other.status, other.code()), (409, "idempotency_mismatch"));
}

#[tokio::test]
async fn two_phones_of_one_person_are_both_asked_and_one_answer_counts() {
    let server = TestServer::start().await;
    let (site, user) = maya(&server).await;
    let (first, second) = (Phone::new(), Phone::new());
    let (first_id, second_id) = (first.enrol(&site, &user).await, second.enrol(&site, &user).await);
    let challenge = site.ask(&user).await;
    first.core.pull(first_id, 0).await.unwrap();
    second.core.pull(second_id, 0).await.unwrap();
    assert_eq!(second.core.deny(second.only_prompt()).await.unwrap(), Outcome::Denied);
    assert_eq!(first.core.approve(first.only_prompt(), None).await.unwrap(), Outcome::AlreadyAnswered);
    assert_eq!(site.state(&challenge).await, "denied");
    let devices = first.core.devices(first_id).await.unwrap().devices;
    assert_eq!(devices.iter().map(|device| device.this_device).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn a_removed_phone_is_asked_no_more_and_the_account_leaves_it() {
    let server = TestServer::start().await;
    let (site, user) = maya(&server).await;
    let phone = Phone::new();
    let id = phone.enrol(&site, &user).await;
    phone.core.remove(id).await.unwrap();
    assert!(phone.core.accounts().unwrap().is_empty());
    let asked = site.post("/v1/challenges", &json!({ "user_id": user })).await;
    assert_eq!((asked.status, asked.code()), (409, "no_device"));
}

#[tokio::test]
async fn a_registration_that_is_gone_is_dropped_and_pull_still_works() {
    let server = TestServer::start().await;
    let (site, user) = maya(&server).await;
    let (phone, mut push) = (Phone::new(), PushService::start().await);
    let id = phone.enrol(&site, &user).await;
    phone.core.register_push(id, &[push.registration()]).await.unwrap();
    push.answer(StatusCode::PAYLOAD_TOO_LARGE);
    let refused = site.ask(&user).await;
    push.next().await;
    let reason = loop {
        let read = site.get(&format!("/v1/challenges/{refused}")).await.body;
        if read["push"] == "failed" {
            break read["push_reason"].as_str().unwrap().to_owned();
        }
        tokio::task::yield_now().await;
    };
    assert!(reason.contains("413"), "the relying party sees why: {reason}");
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push_failure, Some(reason), "and so does the owner");
    site.post(&format!("/v1/challenges/{refused}/cancel"), &Value::Null).await;
    phone.core.pull(id, 0).await.unwrap();

    push.answer(StatusCode::GONE);
    let challenge = site.ask(&user).await;
    push.next().await;
    assert_eq!(phone.core.pull(id, 0).await.unwrap().received.len(), 1);
    phone.core.approve(phone.only_prompt(), None).await.unwrap();
    assert_eq!(site.state(&challenge).await, "approved");
    // The outcome is written after the answer; the next challenge finds the registration gone.
    let asked = async || site.post("/v1/challenges", &json!({ "user_id": user })).await.body["push"].clone();
    while asked().await != "none" {
        tokio::task::yield_now().await;
    }
    push.answer(StatusCode::CREATED);
    phone.core.register_push(id, &[push.registration()]).await.unwrap();
    site.ask(&user).await;
    push.next().await;
}

#[tokio::test]
async fn an_answer_that_was_lost_on_the_way_is_delivered_by_the_next_pull() {
    let server = TestServer::start().await;
    let (site, user) = maya(&server).await;
    let phone = Phone::new();
    let id = phone.enrol(&site, &user).await;
    let challenge = site.ask(&user).await;
    phone.core.pull(id, 0).await.unwrap();
    let prompt = phone.only_prompt();

    // The server moves away before the answer reaches it, and the phone is restarted meanwhile.
    let url = server.url.clone();
    let nowhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", nowhere.local_addr().unwrap());
    drop(nowhere);
    set_server_url(&phone, &gone);
    let lost = phone.core.approve(prompt, None).await.unwrap_err();
    assert_eq!(lost.code(), "unreachable");
    let phone = phone.restart();
    assert!(phone.core.pending().unwrap()[0].answering);
    set_server_url(&phone, &url);
    phone.core.pull(id, 0).await.unwrap();
    assert_eq!(site.state(&challenge).await, "approved");
    assert_eq!(phone.core.history(5).unwrap()[0].outcome, Outcome::Approved);
}

#[tokio::test]
async fn a_no_after_a_yes_that_did_not_arrive_is_what_counts() {
    let server = TestServer::start().await;
    let (site, user) = maya(&server).await;
    let phone = Phone::new();
    let id = phone.enrol(&site, &user).await;
    let challenge = site.ask(&user).await;
    phone.core.pull(id, 0).await.unwrap();
    let prompt = phone.only_prompt();
    set_server_url(&phone, "http://127.0.0.1:1");
    assert_eq!(phone.core.approve(prompt, None).await.unwrap_err().code(), "unreachable");
    set_server_url(&phone, &server.url);
    assert_eq!(phone.core.deny(prompt).await.unwrap(), Outcome::Denied);
    assert_eq!(site.state(&challenge).await, "denied");
}

/// Points a phone's accounts elsewhere behind its back, as a network that leads nowhere would.
fn set_server_url(phone: &Phone, url: &str) {
    let store = rusqlite::Connection::open(phone.directory().join("authenticator.db")).unwrap();
    store.busy_timeout(Duration::from_secs(5)).unwrap();
    store.execute("UPDATE enrolment SET server_url = ?1", [url]).unwrap();
}

#[tokio::test]
async fn a_phone_follows_a_moved_server_only_with_the_pinned_root() {
    let (server, other) = (TestServer::start().await, TestServer::start().await);
    let (site, user) = maya(&server).await;
    let phone = Phone::new();
    let id = phone.enrol(&site, &user).await;
    assert_eq!(phone.core.relocate(id, &other.url).await.unwrap_err().code(), "wrong_server");
    let same = server.url.replace("127.0.0.1", "localhost");
    phone.core.relocate(id, &same).await.unwrap();
    assert_eq!(phone.core.accounts().unwrap()[0].server_url, same);
}

#[tokio::test]
async fn a_phone_whose_clock_is_eleven_minutes_wrong_logs_in() {
    for back in [true, false] {
        let (true_time, wrong_time) = (ManualClock::new(), ManualClock::new());
        let eleven_minutes = Duration::from_secs(660);
        if back {
            wrong_time.set_back(eleven_minutes);
        } else {
            wrong_time.advance(eleven_minutes);
        }
        let server = TestServer::start_at(&true_time).await;
        let (site, user) = maya(&server).await;
        let phone = Phone::with(Arc::new(wrong_time.clone()), Phone::new().platform().transport.clone());
        let id = phone.enrol(&site, &user).await;
        let challenge = site.ask(&user).await;
        phone.core.pull(id, 0).await.unwrap();
        phone.core.approve(phone.only_prompt(), None).await.unwrap();
        assert_eq!(site.state(&challenge).await, "approved");
        // The person corrects the clock; the offset that was learned is now the wrong one.
        if back {
            wrong_time.advance(eleven_minutes);
        } else {
            wrong_time.set_back(eleven_minutes);
        }
        let challenge = site.ask(&user).await;
        phone.core.pull(id, 0).await.unwrap();
        phone.core.approve(phone.only_prompt(), None).await.unwrap();
        assert_eq!(site.state(&challenge).await, "approved");
    }
}

#[tokio::test]
async fn a_request_that_seemed_over_by_a_wrong_clock_waits_again() {
    let (true_time, phone_time) = (ManualClock::new(), ManualClock::new());
    let server = TestServer::start_at(&true_time).await;
    let (site, user) = maya(&server).await;
    let phone = Phone::with(Arc::new(phone_time.clone()), Phone::new().platform().transport.clone());
    let id = phone.enrol(&site, &user).await;
    let challenge = site.ask(&user).await;
    phone.core.pull(id, 0).await.unwrap();
    phone_time.advance(Duration::from_secs(660));
    assert!(phone.core.pending().unwrap().is_empty(), "by this clock it is over");
    phone.core.pull(id, 0).await.unwrap();
    phone.core.approve(phone.only_prompt(), None).await.unwrap();
    assert_eq!(site.state(&challenge).await, "approved");
}

#[tokio::test]
async fn the_description_names_every_call_and_the_probes_answer() {
    let server = TestServer::start().await;
    let get = async |path: &str| client().get(format!("{}{path}", server.url)).send().await.unwrap();
    assert_eq!(get("/healthz").await.status(), 200);
    assert_eq!(get("/readyz").await.status(), 200);
    let page = get("/enrol").await;
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let description: Value = get("/openapi.json").await.json().await.unwrap();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in [
        "/v1/users",
        "/v1/users/{id}/enrolments",
        "/v1/enrolments/{id}/confirm",
        "/v1/users/{id}/authenticators",
        "/v1/authenticators/{id}/confirm",
        "/v1/authenticators/{id}",
        "/v1/users/{id}/codes/verify",
        "/v1/challenges",
        "/v1/challenges/{id}/claim",
        "/v1/device/challenges/{id}/decision",
    ] {
        assert!(description["paths"][path].is_object(), "{path}");
    }
    let nowhere = get("/v2/nothing").await;
    assert_eq!(
        (nowhere.status().as_u16(), nowhere.headers()["content-type"].to_str().unwrap()),
        (404, "application/problem+json")
    );
}
