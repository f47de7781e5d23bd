//! Whole logins, what travels in them, and devices that come and go.

use super::{Scene, config};
use async_trait::async_trait;
use axum::http::Version;
use countersign_device::{AccountState, Authenticator, Outcome, Platform, PushRegistrar, Received};
use countersign_protocol::device_api::{PushRegistration, PushStatus};
use countersign_protocol::handle::EnrolmentId;
use countersign_tests::fcm::{Fault, Fcm, Taken};
use countersign_tests::phone::Phone;
use countersign_tests::server::TestServer;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
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
async fn a_login_by_push_and_the_retraction_on_the_other_phone() {
    let mut scene = Scene::new().await;
    let (first, _, first_token) = scene.phone().await;
    let (second, _, _) = scene.phone().await;
    let challenge = scene.site.ask(&scene.user).await;
    let pushes = [scene.fcm.next().await, scene.fcm.next().await];
    let (ours, theirs): (Vec<_>, Vec<_>) =
        pushes.iter().partition(|taken| taken.body["message"]["token"] == first_token.as_str());
    let (ours, theirs) = (ours[0], theirs[0]);
    assert_eq!((ours.version, ours.status), (Version::HTTP_2, 200));
    assert_eq!(masked(ours), include_str!("challenge.json"));

    first.core.receive(ours.envelope()).unwrap();
    second.core.receive(theirs.envelope()).unwrap();
    let prompt = first.only_prompt();
    assert_eq!(first.core.approve(prompt, None).await.unwrap(), Outcome::Approved);
    assert_eq!(scene.site.state(&challenge).await, "approved");

    let retraction = scene.fcm.next().await;
    assert_eq!(masked(&retraction), include_str!("retraction.json"));
    assert_eq!(retraction.envelope().len(), theirs.envelope().len(), "it looks the same from outside");
    assert_eq!(second.core.receive(retraction.envelope()).unwrap(), Received::Retracted(prompt));
    assert!(second.core.pending().unwrap().is_empty() && scene.fcm.is_quiet());
    assert_eq!(scene.fcm.token_fetches(), 1);
}

#[tokio::test]
async fn the_longest_question_fits() {
    let mut scene = Scene::new().await;
    let (phone, _, _) = scene.phone().await;
    let question = |length: usize| {
        let text = |length: usize| "\u{1f600}".repeat(length);
        let context = json!({ "ip": "2001:db8:1111:2222:3333:4444:5555:6666" });
        json!({ "user_id": scene.user, "binding_message": text(length), "context": context, "expires_in": 600 })
    };
    let refused = scene.site.post("/v1/challenges", &question(121)).await;
    assert_eq!(refused.code(), "too_large", "one more is too many: {refused:?}");
    let asked = scene.site.post("/v1/challenges", &question(120)).await;
    assert_eq!(asked.status, 201, "{asked:?}");
    let taken = scene.fcm.next().await;
    let size = "envelope".len() + taken.envelope().len();
    assert_eq!((taken.status, size), (200, 3535), "of 4,096 bytes, whatever is asked");
    assert_eq!(taken.body["message"]["android"]["ttl"], "600s");
    phone.core.receive(taken.envelope()).unwrap();
    assert_eq!(phone.core.approve(phone.only_prompt(), None).await.unwrap(), Outcome::Approved);
}

/// A platform on which the app is installed anew when its token was rejected.
struct Installed {
    tokens: Mutex<Vec<String>>,
    asked: Mutex<Vec<bool>>,
}

#[async_trait]
impl PushRegistrar for Installed {
    async fn registrations(&self, _: EnrolmentId, rejected: bool, _: Option<String>) -> Vec<PushRegistration> {
        self.asked.lock().unwrap().push(rejected);
        let mut tokens = self.tokens.lock().unwrap();
        if rejected {
            tokens.remove(0);
        }
        tokens.first().map(|token| PushRegistration::Fcm { token: token.clone() }).into_iter().collect()
    }
}

#[tokio::test]
async fn a_token_that_google_no_longer_knows_is_dropped_and_replaced_at_the_next_contact() {
    let mut scene = Scene::new().await;
    let tokens = vec![scene.fcm.install(), scene.fcm.install(), scene.fcm.install()];
    let registrar = Arc::new(Installed { tokens: Mutex::new(tokens.clone()), asked: Mutex::default() });
    let template = Phone::with(Arc::new(scene.clock.clone()), Phone::new().platform().transport.clone());
    let directory = tempfile::tempdir().unwrap();
    let platform = Platform { push: Some(registrar.clone()), ..template.platform().clone() };
    let phone = Authenticator::open(directory.path(), platform).unwrap();
    let opened = scene.site.post(&format!("/v1/users/{}/enrolments", scene.user), &Value::Null).await;
    let account = phone.enrol(opened.body["link"].as_str().unwrap(), "Phone").await.unwrap();
    let AccountState::Proposed { confirmation_code } = &account.state else { panic!("{account:?}") };
    let confirm = format!("/v1/enrolments/{}/confirm", account.id);
    scene.site.post(&confirm, &json!({ "code": confirmation_code })).await;
    assert_eq!(phone.pull(account.id, 0).await.unwrap().push, Some(PushStatus::None));
    assert_eq!(*registrar.asked.lock().unwrap(), [false], "the first contact registers");

    for (place, gone) in ["uninstalled", "never a token"].into_iter().enumerate() {
        match gone {
            "uninstalled" => scene.fcm.uninstall(&tokens[place]),
            _ => scene.fcm.answer(&tokens[place], Some(Fault::InvalidToken)),
        }
        let challenge = scene.site.ask(&scene.user).await;
        assert_eq!(scene.fcm.next().await.body["message"]["token"], tokens[place]);
        assert_eq!(scene.outcome(1).await.state, "gone", "{gone}");
        assert_eq!(phone.pull(account.id, 0).await.unwrap().push, Some(PushStatus::Gone), "{gone}");
        assert_eq!(registrar.asked.lock().unwrap().last(), Some(&true), "the gone one is not registered again");
        scene.site.post(&format!("/v1/challenges/{challenge}/cancel"), &Value::Null).await;
    }
    scene.site.ask(&scene.user).await;
    let taken = scene.fcm.next().await;
    assert_eq!((&taken.body["message"]["token"], taken.status), (&json!(tokens[2]), 200));
}

#[tokio::test]
async fn without_a_service_account_nobody_is_promised_a_push() {
    let clock = countersign_tests::clock::ManualClock::new();
    let fcm = Fcm::start(Arc::new(clock.clone())).await;
    let folder = tempfile::tempdir().unwrap();
    let (config, configured) = (config(&fcm, folder.path()), Arc::new(AtomicBool::new(true)));
    let switch = Arc::clone(&configured);
    let server = TestServer::start_with(Arc::new(clock.clone()), move |all| {
        all.push.fcm = switch.load(SeqCst).then(|| config.clone());
    })
    .await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    let scene = Scene { fcm, server, site, user, clock, folder };
    let (phone, id, _) = scene.phone().await;

    configured.store(false, SeqCst);
    let mut scene = Scene { server: scene.server.restart().await, ..scene };
    let error = phone.core.register_push(id, &[scene.fcm.registration()]).await.unwrap_err();
    assert_eq!(error.code(), "gateway_not_configured");
    scene.site.ask(&scene.user).await;
    let outcome = scene.outcome(1).await;
    assert_eq!(outcome.state, "failed");
    assert!(outcome.reason.contains("[push.fcm]"), "{outcome:?}");
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(PushStatus::Registered), "it is not its fault");
    assert!(scene.fcm.is_quiet());

    configured.store(true, SeqCst);
    let again = Scene { server: scene.server.restart().await, ..scene };
    scene = again;
    phone.core.register_push(id, &[scene.fcm.registration()]).await.unwrap();
    scene.clock.advance(Duration::from_secs(61));
    scene.site.ask(&scene.user).await;
    assert_eq!(scene.fcm.next().await.status, 200);
}

#[tokio::test]
async fn a_registration_has_one_form() {
    let scene = Scene::new().await;
    let device = countersign_tests::handmade::HandmadeDevice::enrol_at(&scene.site, &scene.user, &scene.clock).await;
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
