//! What travels in messages, and who may register for them.

use crate::scene::Scene;
use axum::http::Version;
use countersign_device::{Outcome, Received};
use countersign_protocol::device_api::PushStatus;
use countersign_tests::fcm::Taken;
use countersign_tests::handmade::HandmadeDevice;
use serde_json::{Value, json};
use std::time::Duration;

/// The body with what is different each time masked.
fn masked(taken: &Taken) -> String {
    let mut body = taken.body.clone();
    let message = &mut body["message"];
    assert!(message["token"].is_string() && message["data"]["envelope"].is_string());
    message["token"] = "TOKEN".into();
    message["data"]["envelope"] = "ENVELOPE".into();
    format!("{body:#}\n")
}

#[tokio::test]
async fn a_question_and_its_retraction_are_those_of_the_snapshots() {
    let mut scene = Scene::new().await;
    let (phone, _, _) = scene.android().await;
    let challenge = scene.site.ask(&scene.user).await;
    let question = scene.fcm.next().await;
    assert_eq!((question.version, question.status), (Version::HTTP_2, 200));
    assert_eq!(masked(&question), include_str!("challenge.json"));
    phone.core.receive(question.envelope()).unwrap();
    scene.site.cancel(&challenge).await;
    let retraction = scene.fcm.next().await;
    assert_eq!(masked(&retraction), include_str!("retraction.json"));
    assert_eq!(retraction.envelope().len(), question.envelope().len(), "it looks the same from outside");
    assert!(matches!(phone.core.receive(retraction.envelope()), Ok(Received::Retracted(_))));
    assert_eq!(scene.fcm.token_fetches(), 1);
}

#[tokio::test]
async fn the_longest_question_fits() {
    let mut scene = Scene::new().await;
    let (phone, _, _) = scene.android().await;
    let question = |length: usize| {
        let text = |length: usize| "\u{1f600}".repeat(length);
        let context = json!({ "ip": "2001:db8:1111:2222:3333:4444:5555:6666" });
        json!({ "binding_message": text(length), "context": context, "expires_in": 600 })
    };
    let refused = scene.site.ask_for(&scene.user, question(121)).await;
    assert_eq!(refused.code(), "too_large", "one more is too many: {refused:?}");
    let asked = scene.site.ask_for(&scene.user, question(120)).await;
    assert_eq!(asked.status, 201, "{asked:?}");
    let taken = scene.fcm.next().await;
    let size = "envelope".len() + taken.envelope().len();
    assert_eq!((taken.status, size), (200, 3535), "of 4,096 bytes, whatever is asked");
    assert_eq!(taken.body["message"]["android"]["ttl"], "600s");
    phone.core.receive(taken.envelope()).unwrap();
    assert_eq!(phone.core.approve(phone.only_prompt(), None).await.unwrap(), Outcome::Approved);
}

#[tokio::test]
async fn without_a_service_account_nobody_is_promised_a_push() {
    let scene = Scene::new().await;
    let (phone, id, _) = scene.android().await;
    let mut right = None;
    let mut scene = scene.restart_with(|push| right = push.fcm.take()).await;
    let error = phone.core.register_push(id, &[scene.fcm.registration()]).await.unwrap_err();
    assert_eq!(error.code(), "gateway_not_configured");
    scene.site.ask(&scene.user).await;
    let outcome = scene.outcome(1).await;
    assert_eq!(outcome.state, "failed");
    assert!(outcome.reason.contains("[push.fcm]"), "{outcome:?}");
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(PushStatus::Registered), "it is not its fault");
    assert!(scene.fcm.is_quiet());

    let mut scene = scene.restart_with(|push| push.fcm = right).await;
    phone.core.register_push(id, &[scene.fcm.registration()]).await.unwrap();
    scene.clock.advance(Duration::from_secs(61));
    scene.site.ask(&scene.user).await;
    assert_eq!(scene.fcm.next().await.status, 200);
}

#[tokio::test]
async fn a_registration_has_one_form() {
    let scene = Scene::new().await;
    let device = HandmadeDevice::enrol_at(&scene.site, &scene.user, &scene.clock).await;
    let put = async |body: Value| {
        let answer = device.send(reqwest::Method::PUT, "/v1/device/push", body.to_string().as_bytes()).await;
        (answer.status, answer.code().to_owned())
    };
    let right = json!({ "gateway": "fcm", "token": "c".repeat(4096) });
    assert_eq!(put(right.clone()).await, (204, String::new()));
    for (member, value) in [
        ("token", json!("c".repeat(4097))),
        ("token", json!("")),
        ("token", json!("a token")),
        ("token", json!(7)),
        ("token", Value::Null),
        ("more", json!(1)),
        ("gateway", json!("gcm")),
        ("gateway", json!("webpush")),
    ] {
        let mut wrong = right.clone();
        wrong[member] = value;
        let (status, code) = put(wrong).await;
        assert!(status == 400 && ["malformed", "unknown_claim"].contains(&code.as_str()), "{member}: {status} {code}");
    }
}
