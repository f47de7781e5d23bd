//! A phone that is reached at several places: each gets every push, and one that is gone costs no other.

use crate::scene::Scene;
use async_trait::async_trait;
use countersign_device::{PushRegistrar, Received};
use countersign_protocol::device_api::{PushFailure, PushRegistration, PushStatus};
use countersign_protocol::handle::EnrolmentId;
use countersign_server::delivery::push::config::ApnsConfig;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::phone::Phone;
use countersign_tests::push_service::Down;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A phone that is reached through two networks, and its token at one of them.
async fn phone(scene: &Scene) -> (Phone, EnrolmentId, String) {
    let token = scene.fcm.install();
    let registrations = [PushRegistration::Fcm { token: token.clone() }, scene.web.registration()];
    let (phone, id) = scene.registered(&registrations).await;
    (phone, id, token)
}

/// What the relying party is told of a challenge's pushes, once all of them have been tried.
async fn push(scene: &Scene, challenge: &str) -> String {
    let database = scene.server.sqlite();
    let sql =
        "SELECT count(*) FROM push p JOIN challenge c ON c.row_id = p.challenge WHERE c.handle = ?1 AND p.attempts = 0";
    while database.query_row(sql, [challenge], |row| row.get::<_, i64>(0)).unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    scene.site.read(&challenge).await["push"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_that_is_gone_leaves_the_other() {
    let mut scene = Scene::new().await;
    let (phone, id, token) = phone(&scene).await;
    scene.fcm.uninstall(&token);
    let challenge = scene.site.ask(&scene.user).await;
    let (gone, sent) = (scene.fcm.next().await, scene.web.next().await);
    assert_eq!(gone.status, 404);
    phone.core.receive(&sent.message).unwrap();
    assert_eq!(push(&scene, &challenge).await, "sent");
    let pulled = phone.core.pull(id, 0).await.unwrap();
    assert_eq!((pulled.push, pulled.push_failure), (Some(PushStatus::Gone), None), "one of them is to be made anew");
    scene.site.cancel(&challenge).await;
    phone.core.receive(&scene.web.next().await.message).unwrap();

    let challenge = scene.site.ask(&scene.user).await;
    scene.web.next().await;
    assert_eq!(push(&scene, &challenge).await, "sent");
    assert!(scene.fcm.is_quiet(), "nothing more goes to the one that is gone");
    scene.site.cancel(&challenge).await;
    scene.web.next().await;

    phone.core.register_push(id, &[scene.fcm.registration(), scene.web.registration()]).await.unwrap();
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(PushStatus::Registered));
    scene.site.ask(&scene.user).await;
    assert_eq!(scene.fcm.next().await.status, 200);
    scene.web.next().await;
}

#[tokio::test]
async fn the_relying_party_hears_of_a_failure_only_when_no_place_is_left() {
    let mut scene = Scene::new().await;
    let (phone, id, token) = phone(&scene).await;
    scene.web.answer(axum::http::StatusCode::BAD_REQUEST);
    scene.fcm.hold(true);
    let challenge = scene.site.ask(&scene.user).await;
    scene.web.next().await;
    assert_eq!(scene.site.read(&challenge).await["push"], "queued", "the other may still take it");
    scene.fcm.hold(false);
    scene.fcm.next().await;
    assert_eq!(push(&scene, &challenge).await, "sent");
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push_failure, None);
    scene.site.cancel(&challenge).await;

    scene.fcm.uninstall(&token);
    let challenge = scene.site.ask(&scene.user).await;
    assert_eq!(push(&scene, &challenge).await, "failed");
    let failure = phone.core.pull(id, 0).await.unwrap().push_failure;
    assert_eq!(failure, Some(PushFailure::Refused), "the one that is not gone");
    scene.site.cancel(&challenge).await;

    scene.web.answer(axum::http::StatusCode::GONE);
    let challenge = scene.site.ask(&scene.user).await;
    assert_eq!(push(&scene, &challenge).await, "gone");
}

#[tokio::test]
async fn what_waits_goes_to_each_of_the_new_places_once() {
    let mut scene = Scene::new().await;
    let (down, also_down) = (Down::new(), Down::new());
    let (phone, id) = scene.registered(&[down.registration(), also_down.registration()]).await;
    let challenge = scene.site.ask(&scene.user).await;
    assert_eq!(push(&scene, &challenge).await, "queued");
    phone.core.register_push(id, &[scene.fcm.registration(), scene.web.registration()]).await.unwrap();
    scene.clock.advance(Duration::from_secs(2));
    scene.server.service().wake.pushes.notify_one();
    let (by_fcm, by_web) = (scene.fcm.next().await, scene.web.next().await);
    assert!(matches!(phone.core.receive(by_fcm.envelope()), Ok(Received::New(_))));
    assert!(matches!(phone.core.receive(&by_web.message), Ok(Received::Known(_))));
    assert_eq!(push(&scene, &challenge).await, "sent");
    assert!(scene.fcm.is_quiet() && scene.web.is_quiet());
}

#[tokio::test]
async fn a_list_is_taken_as_a_whole_or_not_at_all() {
    let mut scene = Scene::new().await.restart_with(|push| push.apns = ApnsConfig::default()).await;
    let (_phone, _, token) = phone(&scene).await;
    let device = HandmadeDevice::enrol_at(&scene.site, &scene.user, &scene.clock).await;
    let put = async |body: Value| {
        let answer = device.send(Method::PUT, "/v1/device/push", body.to_string().as_bytes()).await;
        (answer.status, answer.code().to_owned())
    };
    let fcm = |token: &str| json!({ "gateway": "fcm", "token": token });
    let four: Vec<Value> = (0..4).map(|_| fcm(&scene.fcm.install())).collect();
    assert_eq!(put(json!(four)).await, (204, String::new()));
    let refused = |status: u16, code: &str| (status, code.to_owned());
    let five = [&four[..], &[fcm("one-more")]].concat();
    assert_eq!(put(json!(five)).await, refused(409, "too_many_registrations"));
    let apns = json!({ "gateway": "apns", "token": "0a".repeat(32), "environment": "production" });
    for (list, status, code) in [
        (json!([]), 400, "malformed"),
        (json!([four[0], four[0]]), 400, "malformed"),
        (json!([four[0], fcm("")]), 400, "malformed"),
        (json!([four[0], { "gateway": "fcm", "token": "t", "more": 1 }]), 400, "malformed"),
        (json!([[four[0]]]), 400, "malformed"),
        (json!([["fcm", "t"]]), 400, "malformed"),
        (json!(["fcm", "t"]), 400, "malformed"),
        (json!("fcm"), 400, "malformed"),
        (Value::Null, 400, "malformed"),
        (json!([four[0], apns]), 409, "gateway_not_configured"),
    ] {
        assert_eq!(put(list.clone()).await, refused(status, code), "{list}");
    }

    scene.site.ask(&scene.user).await;
    scene.web.next().await;
    let mut asked = Vec::new();
    for _ in 0..5 {
        asked.push(scene.fcm.next().await.body["message"]["token"].clone());
    }
    let kept: Vec<Value> = four.iter().map(|one| one["token"].clone()).chain([json!(token)]).collect();
    assert!(kept.iter().all(|token| asked.contains(token)), "the four are kept, and so are those of the other phone");
    assert!(scene.fcm.is_quiet() && scene.web.is_quiet());
}

/// A platform whose push network gives a fresh token each time the last one was rejected.
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
async fn an_account_that_receives_no_pushes_repairs_itself_at_its_next_contact() {
    let mut scene = Scene::new().await;
    let tokens = vec![scene.fcm.install(), scene.fcm.install()];
    let registrar = Arc::new(Installed { tokens: Mutex::new(tokens.clone()), asked: Mutex::default() });
    let phone = Phone::reached_by(registrar.clone(), &scene.clock);
    let id = phone.enrol(&scene.site, &scene.user).await;
    let pulled = async || phone.core.pull(id, 0).await.unwrap().push;
    assert_eq!(pulled().await, Some(PushStatus::None));
    assert_eq!(*registrar.asked.lock().unwrap(), [false], "the first contact registers");
    assert_eq!(pulled().await, Some(PushStatus::Registered));

    scene.fcm.uninstall(&tokens[0]);
    let challenge = scene.site.ask(&scene.user).await;
    assert_eq!(push(&scene, &challenge).await, "gone");
    scene.fcm.next().await;
    assert_eq!(pulled().await, Some(PushStatus::Gone));
    assert_eq!(*registrar.asked.lock().unwrap(), [false, true], "the gone one is not registered again");
    scene.site.cancel(&challenge).await;
    scene.site.ask(&scene.user).await;
    assert_eq!(scene.fcm.next().await.body["message"]["token"], tokens[1]);
}

#[tokio::test]
async fn a_token_moves_to_the_newest_enrolment_of_its_account() {
    let mut scene = Scene::new().await;
    let token = scene.fcm.install();
    let registration = PushRegistration::Fcm { token: token.clone() };
    let (old, old_id) = scene.registered(std::slice::from_ref(&registration)).await;
    // The app is installed anew, and has the token that it had.
    let fresh = Phone::at(&scene.clock);
    let link = scene.site.link(&scene.user).await;
    let account = fresh.core.enrol(&link, "Phone").await.unwrap();
    fresh.core.register_push(account.id, std::slice::from_ref(&registration)).await.unwrap();
    let challenge = scene.site.ask(&scene.user).await;
    let taken = scene.fcm.next().await;
    old.core.receive(taken.envelope()).unwrap();
    assert!(scene.fcm.is_quiet(), "whoever is not confirmed takes nothing away and gets nothing");
    scene.site.cancel(&challenge).await;
    scene.fcm.next().await;

    assert_eq!(scene.site.confirm_account(&account).await.status, 200);
    let challenge = scene.site.ask(&scene.user).await;
    let taken = scene.fcm.next().await;
    fresh.core.receive(taken.envelope()).unwrap();
    assert_eq!(push(&scene, &challenge).await, "sent");
    assert!(scene.fcm.is_quiet(), "one push to one phone");
    let status = old.core.pull(old_id, 0).await.unwrap().push;
    assert_eq!(status, Some(PushStatus::Registered), "it is no loss that is to be repaired");
    scene.site.cancel(&challenge).await;
    scene.fcm.next().await;

    // The earlier one does not take it back, and has it again when the newer one is removed.
    old.core.register_push(old_id, std::slice::from_ref(&registration)).await.unwrap();
    let challenge = scene.site.ask(&scene.user).await;
    fresh.core.receive(scene.fcm.next().await.envelope()).unwrap();
    assert_eq!(push(&scene, &challenge).await, "sent");
    assert!(scene.fcm.is_quiet());
    fresh.core.remove(account.id).await.unwrap();
    assert_eq!(old.core.pull(old_id, 0).await.unwrap().push, Some(PushStatus::None), "it registers what it has");
    old.core.register_push(old_id, &[registration]).await.unwrap();
    scene.site.ask(&scene.user).await;
    old.core.receive(scene.fcm.next().await.envelope()).unwrap();
}

#[tokio::test]
async fn a_token_that_another_account_names_is_taken_from_nobody() {
    let mut scene = Scene::new().await;
    let (maya, id, token) = scene.android().await;
    let registration = PushRegistration::Fcm { token: token.clone() };
    // One app with two accounts; and, the same to the server, a thief who knows the token.
    let noor = scene.site.user("noor").await;
    let other = Phone::at(&scene.clock);
    let other_id = other.enrol(&scene.site, &noor).await;
    other.core.register_push(other_id, &[registration]).await.unwrap();
    scene.site.ask(&scene.user).await;
    let taken = scene.fcm.next().await;
    assert_eq!(taken.body["message"]["token"], json!(token));
    assert!(other.core.receive(taken.envelope()).is_err(), "it is sealed to the other phone");
    maya.core.receive(taken.envelope()).unwrap();
    scene.site.ask(&noor).await;
    let taken = scene.fcm.next().await;
    other.core.receive(taken.envelope()).unwrap();
    assert_eq!(taken.body["message"]["token"], json!(token), "each account is asked where it said");
    assert!(scene.fcm.is_quiet());
    assert_eq!(maya.core.pull(id, 0).await.unwrap().push, Some(PushStatus::Registered));
}
