//! What becomes of pushes through Apple's network, and of registrations for it.

use crate::scene::{Files, Scene, TOKEN, authority, provider, registration};
use countersign_device::Received;
use countersign_protocol::device_api::PushStatus;
use countersign_protocol::time::Clock;
use countersign_server::delivery::push::config::ApnsConfig;
use countersign_tests::apns::{Behaviour, Options, Refusal, Simulator};
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::phone::Phone;
use countersign_tests::program::{self, Program};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn the_real_binary_pushes_through_apns_that_the_environment_configures() {
    let (data, files) = (tempfile::tempdir().unwrap(), Files::new());
    let mut apns = Simulator::start(Options::new(provider(), authority())).await;
    program::init(data.path()).await;
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
    site.ask(&user).await;
    phone.core.receive(&apns.next().await.envelope()).unwrap();
    phone.only_prompt();
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_busy_network_is_tried_again_when_it_says_under_the_same_collapse_id() {
    let mut scene = Scene::new().await;
    let (phone, _) = scene.registered(&[registration()]).await;
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
    scene.site.until(&challenge, "push", "sent").await;
    assert!(matches!(phone.core.receive(&second.envelope()).unwrap(), Received::New(_)));
}

/// What the pushes failed for, as the operator can look it up.
fn reasons(scene: &Scene) -> Vec<String> {
    let database = scene.server.sqlite();
    let mut rows = database.prepare("SELECT reason FROM push WHERE reason IS NOT NULL").unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn a_token_that_was_gone_before_it_was_registered_again_is_kept() {
    for (earlier, status) in [(1, PushStatus::Registered), (0, PushStatus::Gone), (-1, PushStatus::Gone)] {
        let mut scene = Scene::new().await;
        let registered_at = scene.clock.now().millis();
        let (phone, id) = scene.registered(&[registration()]).await;
        scene.clock.advance(Duration::from_secs(5));
        let timestamp = Some(registered_at - earlier);
        scene.apns.answer_next(Behaviour::Refuse(Refusal { timestamp, ..Refusal::of("Unregistered") }));
        let challenge = scene.site.ask(&scene.user).await;
        assert_eq!(scene.apns.next().await.status, Some(410));
        let kept = status == PushStatus::Registered;
        scene.site.until(&challenge, "push", if kept { "failed" } else { "gone" }).await;
        assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(status), "{earlier} ms earlier");
        scene.site.cancel(&challenge).await;
        let next = scene.site.ask(&scene.user).await;
        scene.site.until(&next, "push", if kept { "sent" } else { "none" }).await;
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
    let (phone, id) = scene.registered(&[registration()]).await;
    let mut scene = scene.restart_with(|push| push.apns = ApnsConfig::default()).await;

    let refused = phone.core.register_push(id, &[registration()]).await.unwrap_err();
    assert_eq!(refused.code(), "gateway_not_configured");
    assert!(refused.to_string().contains("not configured for apns"), "{refused}");
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(PushStatus::Registered), "nothing was changed");
    let challenge = scene.site.ask(&scene.user).await;
    scene.site.until(&challenge, "push", "failed").await;
    let reasons = reasons(&scene);
    assert!(reasons[0].contains("key_file, key_id, team_id and topic in [push.apns]"), "{reasons:?}");
    assert!(scene.apns.is_quiet());
    assert_eq!(phone.core.pull(id, 0).await.unwrap().received.len(), 1, "a pull brings it all the same");
}
