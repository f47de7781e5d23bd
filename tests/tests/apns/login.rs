//! Whole logins whose push goes through Apple's network, and what becomes of registrations.

use crate::scene::{Files, Scene, TOKEN, authority, device, provider, registration};
use async_trait::async_trait;
use countersign_device::{AccountState, Authenticator, Outcome, Platform, PushRegistrar, Received};
use countersign_protocol::apns::Environment;
use countersign_protocol::device_api::{PushRegistration, PushStatus};
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::time::Clock;
use countersign_server::delivery::push::config::ApnsConfig;
use countersign_tests::apns::{Behaviour, Options, Refusal, Simulator};
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::RelyingParty;
use countersign_tests::phone::Phone;
use countersign_tests::program::{self, Program};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Waits until the pushes of a challenge have come so far.
async fn until_pushed(site: &RelyingParty, challenge: &str, state: &str) {
    let looked = async || site.get(&format!("/v1/challenges/{challenge}")).await.body["push"].clone();
    let patience = async {
        while looked().await != state {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), patience).await;
    assert!(ended.is_ok(), "{state} is wanted, it is {}", looked().await);
}

async fn cancel(site: &RelyingParty, challenge: &str) {
    let path = format!("/v1/challenges/{challenge}/cancel");
    assert_eq!(site.post(&path, &Value::Null).await.body["state"], "cancelled");
}

#[tokio::test]
async fn the_phone_takes_the_question_out_of_the_payload_and_yes_signs_in() {
    let mut scene = Scene::new().await;
    let (phone, _) = scene.registered(&registration()).await;
    let challenge = scene.site.ask(&scene.user).await;
    let push = scene.apns.next().await;
    assert_eq!((push.device.as_str(), push.status), (TOKEN, Some(200)));
    let ends = scene.clock.now().seconds() + 60;
    let wanted = [
        ("apns-topic", "net.countersign.app"),
        ("apns-push-type", "alert"),
        ("apns-priority", "10"),
        ("apns-expiration", &ends.to_string()),
        ("content-type", "application/json"),
    ];
    for (name, value) in wanted {
        assert_eq!(push.header(name), value, "{name}");
    }
    let text = String::from_utf8(push.payload.clone()).unwrap();
    assert!(!text.contains("maya") && !text.contains("Meridian"), "Apple reads no names");

    assert!(matches!(phone.core.receive(&push.envelope()).unwrap(), Received::New(_)));
    assert!(
        matches!(phone.core.receive(&push.envelope()).unwrap(), Received::Known(_)),
        "a repeated push is one prompt"
    );
    assert_eq!(phone.core.approve(phone.only_prompt(), None).await.unwrap(), Outcome::Approved);
    until_pushed(&scene.site, &challenge, "sent").await;
    let claim = scene.site.post_once(&format!("/v1/challenges/{challenge}/claim"), "page").await;
    assert_eq!((claim.status, &claim.body["state"]), (200, &json!("claimed")));
}

#[tokio::test]
async fn the_real_binary_signs_in_through_apns_that_the_environment_configures() {
    let (data, files) = (tempfile::tempdir().unwrap(), Files::new());
    let mut apns = Simulator::start(Options::new(provider(), authority())).await;
    let mut serve = program::serve_command(data.path());
    let settings = [
        ("KEY_FILE", files.key().display().to_string()),
        ("KEY_ID", provider().key_id.clone()),
        ("TEAM_ID", provider().team_id.clone()),
        ("TOPIC", provider().topics[0].clone()),
        ("BASE_URL", apns.url.clone()),
        ("EXTRA_ROOTS", format!("[{:?}]", files.root())),
        ("ALLOW_PRIVATE", "true".into()),
    ];
    for (name, value) in settings {
        serve.env(format!("COUNTERSIGN_PUSH__APNS__{name}"), value);
    }
    let server = Program::start(serve).await;
    let site = program::relying_party(data.path(), &server.url).await;
    let user = site.user("maya").await;
    let phone = Phone::new();
    let id = phone.enrol(&site, &user).await;
    phone.core.register_push(id, &[registration()]).await.unwrap();
    let challenge = site.ask(&user).await;
    let push = apns.next().await;
    phone.core.receive(&push.envelope()).unwrap();
    assert_eq!(phone.core.approve(phone.only_prompt(), None).await.unwrap(), Outcome::Approved);
    assert_eq!(site.state(&challenge).await, "approved");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_server_whose_key_cannot_be_read_does_not_start_and_says_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let mut serve = program::serve_command(data.path());
    for (name, value) in [("KEY_ID", "ABC123DEFG"), ("TEAM_ID", "DEF123GHIJ"), ("TOPIC", "net.countersign.app")] {
        serve.env(format!("COUNTERSIGN_PUSH__APNS__{name}"), value);
    }
    serve.env("COUNTERSIGN_PUSH__APNS__KEY_FILE", "/nowhere/AuthKey.p8");
    let ended = program::run(serve).await.expect(2);
    for part in ["push.apns.key_file", "/nowhere/AuthKey.p8", "developer site"] {
        assert!(ended.err.contains(part), "{ended:?}");
    }
}

#[tokio::test]
async fn an_answer_on_one_phone_takes_the_question_from_the_other_without_a_sound() {
    let mut scene = Scene::new().await;
    let tokens = ["0a".repeat(32), "0b".repeat(32)];
    let (first, _) = scene.registered(&device(&tokens[0], Environment::Production)).await;
    let (second, _) = scene.registered(&device(&tokens[1], Environment::Production)).await;
    scene.site.ask(&scene.user).await;
    let mut questions = [scene.apns.next().await, scene.apns.next().await];
    questions.sort_by(|one, other| one.device.cmp(&other.device));
    let [to_first, to_second] = questions;
    assert_ne!(to_first.header("apns-collapse-id"), to_second.header("apns-collapse-id"));
    first.core.receive(&to_first.envelope()).unwrap();
    second.core.receive(&to_second.envelope()).unwrap();
    let prompt = second.only_prompt();
    first.core.approve(first.only_prompt(), None).await.unwrap();

    let retraction = scene.apns.next().await;
    assert_eq!(retraction.device, tokens[1], "who answered is not told");
    for (name, value) in [("apns-push-type", "background"), ("apns-priority", "5")] {
        assert_eq!(retraction.header(name), value);
    }
    for name in ["apns-collapse-id", "apns-expiration", "apns-topic"] {
        assert_eq!(retraction.header(name), to_second.header(name), "{name}");
    }
    assert_ne!(retraction.header("apns-id"), to_second.header("apns-id"));
    assert_eq!(retraction.json()["aps"], json!({ "content-available": 1 }));
    assert_eq!(second.core.receive(&retraction.envelope()).unwrap(), Received::Retracted(prompt));
    assert!(second.core.pending().unwrap().is_empty());
}

#[tokio::test]
async fn a_busy_network_is_tried_again_when_it_says_under_the_same_collapse_id() {
    let mut scene = Scene::new().await;
    let (phone, _) = scene.registered(&registration()).await;
    let refusal = Refusal { retry_after: Some("7".into()), ..Refusal::of("TooManyRequests") };
    scene.apns.answer_next(Behaviour::Refuse(refusal));
    let challenge = scene.site.ask(&scene.user).await;
    let first = scene.apns.next().await;
    assert_eq!(first.status, Some(429));
    let again = |scene: &Scene, by: u64| {
        scene.clock.advance(Duration::from_millis(by));
        scene.server.service().wake.pushes.notify_one();
    };
    let reason = async || reasons(&scene).first().is_some_and(|reason| reason.contains("TooManyRequests"));
    while !reason().await {
        tokio::task::yield_now().await;
    }
    again(&scene, 6999);
    assert!(scene.apns.is_quiet());
    again(&scene, 1);
    let second = scene.apns.next().await;
    assert_eq!(second.header("apns-collapse-id"), first.header("apns-collapse-id"), "one notification, if both arrive");
    assert_ne!(second.header("apns-id"), first.header("apns-id"));
    until_pushed(&scene.site, &challenge, "sent").await;
    assert!(matches!(phone.core.receive(&second.envelope()).unwrap(), Received::New(_)));
}

/// What the pushes failed for, as the operator can look it up.
fn reasons(scene: &Scene) -> Vec<String> {
    let database = rusqlite::Connection::open(scene.server.database()).unwrap();
    let mut rows = database.prepare("SELECT reason FROM push WHERE reason IS NOT NULL").unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn a_token_that_was_gone_before_it_was_registered_again_is_kept() {
    for (earlier, status) in [(1, PushStatus::Registered), (0, PushStatus::Gone), (-1, PushStatus::Gone)] {
        let mut scene = Scene::new().await;
        let registered_at = scene.clock.now().millis();
        let (phone, id) = scene.registered(&registration()).await;
        scene.clock.advance(Duration::from_secs(5));
        let timestamp = Some(registered_at - earlier);
        scene.apns.answer_next(Behaviour::Refuse(Refusal { timestamp, ..Refusal::of("Unregistered") }));
        let challenge = scene.site.ask(&scene.user).await;
        assert_eq!(scene.apns.next().await.status, Some(410));
        let kept = status == PushStatus::Registered;
        until_pushed(&scene.site, &challenge, if kept { "failed" } else { "gone" }).await;
        assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(status), "{earlier} ms earlier");
        cancel(&scene.site, &challenge).await;
        let next = scene.site.ask(&scene.user).await;
        until_pushed(&scene.site, &next, if kept { "sent" } else { "none" }).await;
    }
}

/// An app whose device token Apple replaces each time the last one was rejected.
struct Registrar {
    tokens: Mutex<Vec<String>>,
    asked: Mutex<Vec<bool>>,
}

#[async_trait]
impl PushRegistrar for Registrar {
    async fn registrations(&self, _: EnrolmentId, rejected: bool, _: Option<String>) -> Vec<PushRegistration> {
        self.asked.lock().unwrap().push(rejected);
        let mut tokens = self.tokens.lock().unwrap();
        if rejected {
            tokens.remove(0);
        }
        tokens.first().map(|token| device(token, Environment::Production)).into_iter().collect()
    }
}

#[tokio::test]
async fn a_token_that_is_gone_is_dropped_and_the_phone_repairs_it_at_its_next_contact() {
    for reason in ["Unregistered", "ExpiredToken", "BadDeviceToken"] {
        let mut scene = Scene::new().await;
        let tokens = ["0a".repeat(32), "0b".repeat(32)];
        let registrar = Arc::new(Registrar { tokens: Mutex::new(tokens.to_vec()), asked: Mutex::default() });
        let (template, directory) = (scene.phone(), tempfile::tempdir().unwrap());
        let platform = Platform { push: Some(registrar.clone()), ..template.platform().clone() };
        let phone = Authenticator::open(directory.path(), platform).unwrap();
        let opened = scene.site.post(&format!("/v1/users/{}/enrolments", scene.user), &Value::Null).await;
        let account = phone.enrol(opened.body["link"].as_str().unwrap(), "Phone").await.unwrap();
        let AccountState::Proposed { confirmation_code } = &account.state else { panic!("{account:?}") };
        let confirm = format!("/v1/enrolments/{}/confirm", account.id);
        scene.site.post(&confirm, &json!({ "code": confirmation_code })).await;
        assert_eq!(phone.pull(account.id, 0).await.unwrap().push, Some(PushStatus::None));

        scene.apns.answer_device(&tokens[0], Behaviour::refuse(reason));
        let challenge = scene.site.ask(&scene.user).await;
        assert_eq!(scene.apns.next().await.device, tokens[0]);
        until_pushed(&scene.site, &challenge, "gone").await;
        assert_eq!(phone.pull(account.id, 0).await.unwrap().push, Some(PushStatus::Gone), "{reason}");
        assert_eq!(*registrar.asked.lock().unwrap(), [false, true], "it asks Apple for a fresh token");
        cancel(&scene.site, &challenge).await;
        let next = scene.site.ask(&scene.user).await;
        let pushed = scene.apns.next().await;
        assert_eq!((pushed.device.as_str(), pushed.header("apns-push-type")), (tokens[1].as_str(), "alert"));
        until_pushed(&scene.site, &next, "sent").await;
    }
}

#[tokio::test]
async fn a_registration_that_could_not_be_used_is_refused_and_changes_nothing() {
    let mut scene = Scene::new().await;
    let phone = HandmadeDevice::enrol_at(&scene.site, &scene.user, &scene.clock).await;
    let put = async |body: &Value| phone.send(Method::PUT, "/v1/device/push", body.to_string().as_bytes()).await;
    let right =
        json!({ "gateway": "apns", "token": TOKEN, "environment": "production", "topic": "net.countersign.app" });
    assert_eq!(put(&right).await.status, 204);
    let cases = [
        ("token", json!("xyz")),
        ("token", json!(TOKEN[2..])),
        ("token", json!(TOKEN[1..])),
        ("token", json!("0a".repeat(101))),
        ("token", json!(format!("../{}", &TOKEN[3..]))),
        ("environment", json!("development")),
        ("topic", json!("")),
        ("topic", json!("net.countersign.app\r\nx: y")),
        ("topic", json!("a".repeat(156))),
        ("badge", json!(1)),
        ("gateway", json!("apple")),
    ];
    for (member, value) in cases {
        let mut body = right.clone();
        body[member] = value;
        let answer = put(&body).await;
        assert_eq!((answer.status, answer.code()), (400, "malformed"), "{body}");
    }
    scene.site.ask(&scene.user).await;
    assert_eq!(scene.apns.next().await.device, TOKEN, "the right one is still there");
    for member in ["token", "environment"] {
        let mut body = right.clone();
        body.as_object_mut().unwrap().remove(member);
        assert_eq!(put(&body).await.code(), "malformed", "without {member}");
    }
}

#[tokio::test]
async fn without_a_key_registrations_are_refused_and_what_was_registered_fails_with_what_to_do() {
    let scene = Scene::new().await;
    let (phone, id) = scene.registered(&registration()).await;
    let mut scene = scene.restart_with(ApnsConfig::default()).await;

    let refused = phone.core.register_push(id, &[registration()]).await.unwrap_err();
    assert_eq!(refused.code(), "gateway_not_configured");
    assert!(refused.to_string().contains("not configured for apns"), "{refused}");
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(PushStatus::Registered), "nothing was changed");
    let challenge = scene.site.ask(&scene.user).await;
    until_pushed(&scene.site, &challenge, "failed").await;
    let reasons = reasons(&scene);
    assert!(reasons[0].contains("key_file, key_id, team_id and topic in [push.apns]"), "{reasons:?}");
    assert!(scene.apns.is_quiet());
    assert_eq!(phone.core.pull(id, 0).await.unwrap().received.len(), 1, "a pull brings it all the same");
}
