//! One answer, and the prompt goes from every phone; one signed word, and an account is over. Nothing unsigned does either.

#![cfg(test)]

use async_trait::async_trait;
use axum::http::StatusCode;
use countersign_device::transport::{HttpRequest, HttpResponse, Transport, Unreachable};
use countersign_device::{AccountState, Authenticator, Outcome, Platform, PushRegistrar, Received};
use countersign_protocol::device_api::{PushRegistration, PushStatus};
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::revocation::EndReason;
use countersign_tests::clock::ManualClock;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::RelyingParty;
use countersign_tests::phone::Phone;
use countersign_tests::push_service::PushService;
use countersign_tests::server::TestServer;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

async fn scene() -> (TestServer, RelyingParty, String) {
    let server = TestServer::start().await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    (server, site, user)
}

/// A phone with a push service of its own.
async fn pushed_phone(site: &RelyingParty, user: &str) -> (Phone, EnrolmentId, PushService) {
    let (phone, push) = (Phone::new(), PushService::start().await);
    let id = phone.enrol(site, user).await;
    phone.core.register_push(id, &[push.registration()]).await.unwrap();
    (phone, id, push)
}

#[tokio::test]
async fn an_answer_on_one_phone_takes_the_prompt_from_the_other_by_push() {
    let (_server, site, user) = scene().await;
    let (first, _, mut first_push) = pushed_phone(&site, &user).await;
    let (second, _, mut second_push) = pushed_phone(&site, &user).await;
    site.ask(&user).await;
    let question = first_push.next().await;
    first.core.receive(&question.message).unwrap();
    let prompt = first.only_prompt();
    let same_question = second_push.next().await;
    second.core.receive(&same_question.message).unwrap();

    assert_eq!(first.core.approve(prompt, None).await.unwrap(), Outcome::Approved);
    let retraction = second_push.next().await;
    assert_eq!(retraction.body.len(), question.body.len(), "it looks the same from outside");
    assert_eq!(retraction.headers["topic"], same_question.headers["topic"], "it takes the place of what still waits");
    assert_ne!(question.headers["topic"], same_question.headers["topic"], "each device has a topic of its own");
    assert_eq!(second.core.receive(&retraction.message).unwrap(), Received::Retracted(prompt));
    assert!(second.core.pending().unwrap().is_empty());
    assert_eq!(second.core.history(1).unwrap()[0].outcome, Outcome::AlreadyAnswered);
    assert_eq!(second.core.approve(prompt, None).await.unwrap(), Outcome::AlreadyAnswered, "a late tap hears it too");

    assert_eq!(second.core.receive(&retraction.message).unwrap(), Received::Retracted(prompt), "a repeated one");
    assert_eq!(second.core.receive(&same_question.message).unwrap(), Received::Known(prompt), "the question, late");
    assert!(second.core.pending().unwrap().is_empty());
    assert_eq!(first.core.receive(&question.message).unwrap(), Received::Known(prompt));
    assert!(first_push.is_quiet(), "who answered is not told");
    let foreign = first.core.receive(&retraction.message).unwrap_err();
    assert_eq!(foreign.code(), "cannot_open", "a retraction for another device");
    assert_eq!(first.core.history(1).unwrap()[0].outcome, Outcome::Approved);
}

#[tokio::test]
async fn a_yes_that_never_arrived_is_over_once_another_phone_has_answered() {
    let (server, site, user) = scene().await;
    let (first, id, mut first_push) = pushed_phone(&site, &user).await;
    let (second, other, _push) = pushed_phone(&site, &user).await;
    site.ask(&user).await;
    first.core.receive(&first_push.next().await.message).unwrap();
    let prompt = first.only_prompt();
    let store = rusqlite::Connection::open(first.directory().join("authenticator.db")).unwrap();
    let point = |url: &str| assert_eq!(store.execute("UPDATE enrolment SET server_url = ?1", [url]).unwrap(), 1);
    point("http://127.0.0.1:1");
    assert_eq!(first.core.approve(prompt, None).await.unwrap_err().code(), "unreachable");
    second.core.pull(other, 0).await.unwrap();
    second.core.deny(prompt).await.unwrap();
    assert_eq!(first.core.receive(&first_push.next().await.message).unwrap(), Received::Retracted(prompt));
    assert_eq!(first.core.history(1).unwrap()[0].outcome, Outcome::AlreadyAnswered);
    point(&server.url);
    assert!(first.core.pull(id, 0).await.unwrap().received.is_empty(), "nothing is left to say");
    assert_eq!(site.state(&prompt.to_string()).await, "denied");
}

#[tokio::test]
async fn a_retraction_that_overtakes_its_question_keeps_it_from_being_shown() {
    let (_server, site, user) = scene().await;
    let (phone, _, mut push) = pushed_phone(&site, &user).await;
    let challenge = site.ask(&user).await;
    let question = push.next().await;
    site.post(&format!("/v1/challenges/{challenge}/cancel"), &Value::Null).await;
    let retraction = push.next().await;
    let phone = {
        assert!(matches!(phone.core.receive(&retraction.message).unwrap(), Received::Retracted(_)));
        phone.restart()
    };
    assert!(matches!(phone.core.receive(&question.message).unwrap(), Received::Retracted(_)));
    assert!(phone.core.pending().unwrap().is_empty() && phone.core.history(5).unwrap().is_empty());
}

#[tokio::test]
async fn a_code_takes_the_prompt_from_every_phone_at_once() {
    let (_server, site, user) = scene().await;
    let (phone, id, mut push) = pushed_phone(&site, &user).await;
    let challenge = site.ask(&user).await;
    phone.core.receive(&push.next().await.message).unwrap();
    let verify = json!({ "code": phone.core.code(id).unwrap().code, "challenge_id": challenge });
    assert_eq!(site.post(&format!("/v1/users/{user}/codes/verify"), &verify).await.body["valid"], true);
    assert!(matches!(phone.core.receive(&push.next().await.message).unwrap(), Received::Retracted(_)));
}

#[tokio::test]
async fn a_phone_that_is_enrolled_again_for_the_same_account_keeps_one() {
    let (_server, site, user) = scene().await;
    let phone = Phone::new();
    let first = phone.enrol(&site, &user).await;
    phone.core.pull(first, 0).await.unwrap();
    let second = phone.enrol(&site, &user).await;
    assert_eq!(phone.core.accounts().unwrap().len(), 2, "until the new one is confirmed, the old one answers");
    phone.core.pull(second, 0).await.unwrap();
    let left: Vec<EnrolmentId> = phone.core.accounts().unwrap().iter().map(|account| account.id).collect();
    assert_eq!(left, [second]);
    assert_eq!(phone.core.devices(second).await.unwrap().devices.len(), 1, "on the server too");
    site.ask(&user).await;
    assert_eq!(phone.core.pull(second, 0).await.unwrap().received.len(), 1);
}

#[tokio::test]
async fn a_parked_pull_hears_what_is_taken_back_and_what_a_code_has_settled() {
    let (server, site, user) = scene().await;
    let phone = Arc::new(Phone::new());
    let id = phone.enrol(&site, &user).await;
    for (outcome, ends) in [(Outcome::Cancelled, "cancel"), (Outcome::AnsweredByCode, "code")] {
        let challenge = site.ask(&user).await;
        phone.core.pull(id, 0).await.unwrap();
        let prompt = phone.only_prompt();
        let parked = tokio::spawn({
            let phone = Arc::clone(&phone);
            async move { phone.core.pull(id, 60).await }
        });
        while server.service().wake.devices.is_empty() {
            tokio::task::yield_now().await;
        }
        if ends == "cancel" {
            site.post(&format!("/v1/challenges/{challenge}/cancel"), &Value::Null).await;
        } else {
            let code = phone.core.code(id).unwrap().code;
            let verify = json!({ "code": code, "challenge_id": challenge });
            assert_eq!(site.post(&format!("/v1/users/{user}/codes/verify"), &verify).await.body["valid"], true);
        }
        let pulled = parked.await.unwrap().unwrap();
        assert_eq!(pulled.received, [Ok(Received::Retracted(prompt))], "{ends}");
        assert_eq!(phone.core.history(1).unwrap()[0].outcome, outcome);
    }
    assert!(phone.core.pull(id, 0).await.unwrap().received.is_empty(), "it is said once");
}

#[tokio::test]
async fn a_pull_parks_although_a_known_request_still_waits() {
    let clock = ManualClock::new();
    let server = TestServer::start_at(&clock).await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol_at(&site, &user, &clock).await;
    site.ask(&user).await;
    let compact = device.pull().await.pop().unwrap();
    let digest = countersign_protocol::challenge::digest(&compact);
    let id = device.decision_claims(&compact, countersign_protocol::decision::Answer::Deny).challenge_id;
    let known = |digest: &str| format!("/v1/device/challenges?known={id}.{digest}");
    let pulled = async |target: &str| {
        let answer = device.send(Method::GET, target, b"").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["challenges"].as_array().unwrap().len()
    };
    assert_eq!(pulled(&known(&digest)).await, 0, "known as it is");
    assert_eq!(pulled(&known(&countersign_protocol::challenge::digest("other"))).await, 1, "known otherwise");
    for wrong in [format!("{id}"), format!("{id}.x"), format!("x.{digest}"), format!("{id}.{digest},")] {
        let answer = device.send(Method::GET, &format!("/v1/device/challenges?known={wrong}"), b"").await;
        assert_eq!((answer.status, answer.code()), (400, "malformed"), "{wrong}");
    }
    let many = vec![format!("{id}.{digest}"); 33].join(",");
    let answer = device.send(Method::GET, &format!("/v1/device/challenges?known={many}"), b"").await;
    assert_eq!(answer.code(), "malformed");
    clock.advance(Duration::from_secs(61));
    assert_eq!(pulled(&known(&digest)).await, 0, "that its time is over, the phone knows by itself");
}

/// A network whose answers a test may change.
struct Tampering {
    inner: Arc<dyn Transport>,
    change: Mutex<Option<Change>>,
}

type Change = Box<dyn Fn(&HttpRequest, HttpResponse) -> HttpResponse + Send>;

#[async_trait]
impl Transport for Tampering {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let response = self.inner.send(request.clone()).await?;
        let change = self.change.lock().unwrap();
        Ok(change.as_ref().map_or_else(|| response.clone(), |change| change(&request, response.clone())))
    }
}

/// Ends a person's device as an administrator does.
async fn revoke(server: &TestServer, user: &str, id: EnrolmentId) {
    let store = &server.service().store;
    let organisation = store.organisations().await.unwrap().remove(0);
    let account = store.account(organisation.row_id, user.parse().unwrap()).await.unwrap().unwrap();
    assert!(store.revoke_device(account.row_id, id).await.unwrap());
}

#[tokio::test]
async fn only_a_signed_word_that_answers_this_very_request_ends_an_account() {
    let (server, site, user) = scene().await;
    let network = Arc::new(Tampering { inner: Phone::new().platform().transport.clone(), change: Mutex::new(None) });
    let phone = Phone::with(Arc::new(countersign_protocol::time::SystemClock), network.clone());
    let (id, stays) = (phone.enrol(&site, &user).await, phone.enrol(&site, &site.user("noor").await).await);
    let state = |id: EnrolmentId| {
        let accounts = phone.core.accounts().unwrap();
        accounts.into_iter().find(|account| account.id == id).unwrap().state
    };
    for id in [id, stays] {
        phone.core.pull(id, 0).await.unwrap();
    }
    for status in [401, 403, 404, 410] {
        let bare = move |_: &HttpRequest, response: HttpResponse| HttpResponse { status, body: Vec::new(), ..response };
        *network.change.lock().unwrap() = Some(Box::new(bare));
        assert_eq!(phone.core.pull(id, 0).await.unwrap_err().code(), "unexpected_answer");
        assert_eq!(state(id), AccountState::Confirmed, "a bare {status} changes nothing");
    }
    *network.change.lock().unwrap() = None;

    revoke(&server, &user, id).await;
    // Kept from an earlier request, or without its signature, or only said: nothing of it is believed.
    let kept = Arc::new(Mutex::new(None::<Vec<u8>>));
    let keep = Arc::clone(&kept);
    let strip = move |request: &HttpRequest, response: HttpResponse| {
        if !request.url.contains("/v1/device/challenges") || response.status != 200 {
            return response;
        }
        keep.lock().unwrap().get_or_insert(response.body.clone());
        let mut body: Value = serde_json::from_slice(&response.body).unwrap();
        body["revocation"] = Value::Null;
        HttpResponse { body: body.to_string().into_bytes(), ..response }
    };
    *network.change.lock().unwrap() = Some(Box::new(strip));
    let pulled = phone.core.pull(id, 0).await.unwrap();
    assert_eq!((pulled.state, pulled.ended), (countersign_protocol::device_api::EnrolmentState::Void, None));
    assert_eq!(state(id), AccountState::Confirmed, "that it is void is only said");
    let old = kept.lock().unwrap().clone().unwrap();
    let replay = move |request: &HttpRequest, response: HttpResponse| {
        let pull = request.url.contains("/v1/device/challenges") && response.status == 200;
        if pull { HttpResponse { body: old.clone(), ..response } } else { response }
    };
    *network.change.lock().unwrap() = Some(Box::new(replay));
    assert_eq!(phone.core.pull(id, 0).await.unwrap_err().code(), "stale_time", "the word of another request");
    assert_eq!(phone.core.pull(stays, 0).await.unwrap_err().code(), "wrong_device", "the word about another device");
    assert_eq!((state(id), state(stays)), (AccountState::Confirmed, AccountState::Confirmed));

    *network.change.lock().unwrap() = None;
    assert_eq!(phone.core.pull(id, 0).await.unwrap().ended, Some(EndReason::Revoked));
    assert_eq!(state(id), AccountState::Ended { reason: EndReason::Revoked }, "with the reason to show");
    assert_eq!(phone.core.pull(id, 0).await.unwrap_err().code(), "account_ended");
    assert_eq!(phone.core.code(id).unwrap_err().code(), "no_codes", "its keys are gone");
    let phone = phone.restart();
    phone.core.remove(id).await.unwrap();
    let left: Vec<EnrolmentId> = phone.core.accounts().unwrap().iter().map(|account| account.id).collect();
    assert_eq!(left, [stays], "once it has been read, it goes");
}

#[tokio::test]
async fn a_proposal_that_came_to_nothing_says_why() {
    let clock = ManualClock::new();
    let server = TestServer::start_at(&clock).await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    let phone = Phone::with(Arc::new(clock.clone()), Phone::new().platform().transport.clone());
    for reason in [EndReason::WrongCode, EndReason::Expired] {
        let opened = site.post(&format!("/v1/users/{user}/enrolments"), &Value::Null).await;
        let account = phone.core.enrol(opened.body["link"].as_str().unwrap(), "Phone").await.unwrap();
        let AccountState::Proposed { confirmation_code } = account.state else { panic!("{account:?}") };
        if reason == EndReason::WrongCode {
            let wrong = if confirmation_code == "000000" { "000001" } else { "000000" };
            for _ in 0..5 {
                site.post(&format!("/v1/enrolments/{}/confirm", account.id), &json!({ "code": wrong })).await;
            }
        } else {
            clock.advance(Duration::from_secs(601));
        }
        assert_eq!(phone.core.pull(account.id, 0).await.unwrap().ended, Some(reason));
        phone.core.forget(account.id).unwrap();
    }
}

/// A platform whose push network gives a fresh address each time the last one was rejected.
struct Registrar {
    services: Mutex<Vec<PushRegistration>>,
    asked: Mutex<Vec<bool>>,
}

#[async_trait]
impl PushRegistrar for Registrar {
    async fn registrations(&self, _: EnrolmentId, rejected: bool, _: Option<String>) -> Vec<PushRegistration> {
        self.asked.lock().unwrap().push(rejected);
        let mut services = self.services.lock().unwrap();
        if rejected {
            services.remove(0);
        }
        services.first().cloned().into_iter().collect()
    }
}

#[tokio::test]
async fn an_account_that_receives_no_pushes_repairs_itself_at_its_next_contact() {
    let (server, site, user) = scene().await;
    let (mut old, mut fresh) = (PushService::start().await, PushService::start().await);
    let services = Mutex::new(vec![old.registration(), fresh.registration()]);
    let registrar = Arc::new(Registrar { services, asked: Mutex::default() });
    let template = Phone::new();
    let directory = tempfile::tempdir().unwrap();
    let platform = Platform { push: Some(registrar.clone()), ..template.platform().clone() };
    let phone = Authenticator::open(directory.path(), platform).unwrap();
    let opened = site.post(&format!("/v1/users/{user}/enrolments"), &Value::Null).await;
    let account = phone.enrol(opened.body["link"].as_str().unwrap(), "Phone").await.unwrap();
    let AccountState::Proposed { confirmation_code } = &account.state else { panic!("{account:?}") };
    let confirm = format!("/v1/enrolments/{}/confirm", account.id);
    site.post(&confirm, &json!({ "code": confirmation_code })).await;

    assert_eq!(phone.pull(account.id, 0).await.unwrap().push, Some(PushStatus::None));
    assert_eq!(*registrar.asked.lock().unwrap(), [false], "the first contact registers");
    assert_eq!(phone.pull(account.id, 0).await.unwrap().push, Some(PushStatus::Registered));

    old.answer(StatusCode::GONE);
    let challenge = site.ask(&user).await;
    old.next().await;
    while phone.pull(account.id, 0).await.unwrap().push != Some(PushStatus::Gone) {
        tokio::task::yield_now().await;
    }
    assert_eq!(*registrar.asked.lock().unwrap(), [false, true], "the gone one is not registered again");
    site.post(&format!("/v1/challenges/{challenge}/cancel"), &Value::Null).await;
    site.ask(&user).await;
    fresh.next().await;
    assert!(old.is_quiet());
    drop(server);
}
