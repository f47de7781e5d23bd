//! A phone that is reached at several places: each gets every push, and the person sees one prompt.

#![cfg(test)]

use countersign_device::{Outcome, Received};
use countersign_protocol::device_api::{PushRegistration, PushStatus};
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::time::SystemClock;
use countersign_server::delivery::push::config::FcmConfig;
use countersign_server::runtime::config::Config;
use countersign_tests::fcm::Fcm;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::RelyingParty;
use countersign_tests::phone::Phone;
use countersign_tests::push_service::{Down, PushService};
use countersign_tests::server::TestServer;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;

/// A server that reaches phones through two networks, and a person.
struct Scene {
    fcm: Fcm,
    web: PushService,
    server: TestServer,
    site: RelyingParty,
    user: String,
    _folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let fcm = Fcm::start(Arc::new(SystemClock)).await;
        let folder = tempfile::tempdir().unwrap();
        let (service_account, root) = fcm.write_files(folder.path());
        let config = FcmConfig {
            service_account,
            base_url: fcm.url().to_owned(),
            token_url: None,
            extra_roots: vec![root],
            allow_private: true,
        };
        let configure = move |all: &mut Config| all.push.fcm = Some(config.clone());
        let server = TestServer::start_with(Arc::new(SystemClock), configure).await;
        let site = server.relying_party("Meridian", "Customer area").await;
        let user = site.user("maya").await;
        Self { fcm, web: PushService::start().await, server, site, user, _folder: folder }
    }

    /// A phone that is reached through both networks, and its token.
    async fn phone(&self) -> (Phone, EnrolmentId, String) {
        let (phone, token) = (Phone::new(), self.fcm.install());
        let id = phone.enrol(&self.site, &self.user).await;
        let registrations = [PushRegistration::Fcm { token: token.clone() }, self.web.registration()];
        phone.core.register_push(id, &registrations).await.unwrap();
        (phone, id, token)
    }

    /// What the relying party is told of a challenge's pushes, once all of them have been tried.
    async fn push(&self, challenge: &str) -> String {
        let database = rusqlite::Connection::open(self.server.database()).unwrap();
        let sql = "SELECT count(*) FROM push p JOIN challenge c ON c.row_id = p.challenge WHERE c.handle = ?1 AND p.attempts = 0";
        while database.query_row(sql, [challenge], |row| row.get::<_, i64>(0)).unwrap() > 0 {
            tokio::task::yield_now().await;
        }
        self.told(challenge).await
    }

    /// What the relying party is told of a challenge's pushes.
    async fn told(&self, challenge: &str) -> String {
        let answer = self.site.get(&format!("/v1/challenges/{challenge}")).await;
        answer.body["push"].as_str().unwrap().to_owned()
    }

    async fn cancel(&self, challenge: &str) {
        self.site.post(&format!("/v1/challenges/{challenge}/cancel"), &Value::Null).await;
    }
}

#[tokio::test]
async fn two_pushes_are_one_prompt_and_two_retractions_end_it_once() {
    let mut scene = Scene::new().await;
    let (phone, _, _) = scene.phone().await;
    let other = Phone::new();
    let other_id = other.enrol(&scene.site, &scene.user).await;
    let challenge = scene.site.ask(&scene.user).await;
    let (by_fcm, by_web) = (scene.fcm.next().await, scene.web.next().await);
    let Received::New(prompt) = phone.core.receive(by_fcm.envelope()).unwrap() else { panic!("it is new") };
    assert_eq!(phone.core.receive(&by_web.message).unwrap(), Received::Known(prompt));
    assert_eq!(phone.only_prompt(), prompt);
    assert_eq!(scene.push(&challenge).await, "sent");

    other.core.pull(other_id, 0).await.unwrap();
    assert_eq!(other.core.approve(other.only_prompt(), None).await.unwrap(), Outcome::Approved);
    let (by_fcm, by_web) = (scene.fcm.next().await, scene.web.next().await);
    assert_eq!(phone.core.receive(&by_web.message).unwrap(), Received::Retracted(prompt));
    assert_eq!(phone.core.receive(by_fcm.envelope()).unwrap(), Received::Retracted(prompt));
    assert!(phone.core.pending().unwrap().is_empty());
    let history = phone.core.history(9).unwrap();
    assert_eq!((history.len(), history[0].outcome), (1, Outcome::AlreadyAnswered));
    assert!(scene.fcm.is_quiet() && scene.web.is_quiet());
}

#[tokio::test]
async fn a_question_that_is_answered_before_one_of_its_pushes_arrives_is_not_shown() {
    let mut scene = Scene::new().await;
    let (phone, id, _) = scene.phone().await;
    scene.fcm.hold(true);
    let challenge = scene.site.ask(&scene.user).await;
    phone.core.receive(&scene.web.next().await.message).unwrap();
    assert_eq!(phone.core.approve(phone.only_prompt(), None).await.unwrap(), Outcome::Approved);
    assert_eq!(scene.site.state(&challenge).await, "approved");
    scene.fcm.hold(false);
    let late = scene.fcm.next().await;
    assert!(matches!(phone.core.receive(late.envelope()), Ok(Received::Known(_))));
    assert!(phone.core.pending().unwrap().is_empty());
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(PushStatus::Registered));
    assert!(scene.web.is_quiet(), "who answered needs no retraction");
}

#[tokio::test]
async fn one_that_is_gone_leaves_the_other() {
    let mut scene = Scene::new().await;
    let (phone, id, token) = scene.phone().await;
    scene.fcm.uninstall(&token);
    let challenge = scene.site.ask(&scene.user).await;
    let (gone, sent) = (scene.fcm.next().await, scene.web.next().await);
    assert_eq!(gone.status, 404);
    phone.core.receive(&sent.message).unwrap();
    assert_eq!(scene.push(&challenge).await, "sent");
    let pulled = phone.core.pull(id, 0).await.unwrap();
    assert_eq!((pulled.push, pulled.push_failure), (Some(PushStatus::Gone), None), "one of them is to be made anew");
    scene.cancel(&challenge).await;
    phone.core.receive(&scene.web.next().await.message).unwrap();

    let challenge = scene.site.ask(&scene.user).await;
    scene.web.next().await;
    assert_eq!(scene.push(&challenge).await, "sent");
    assert!(scene.fcm.is_quiet(), "nothing more goes to the one that is gone");
    scene.cancel(&challenge).await;
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
    let (phone, id, token) = scene.phone().await;
    scene.web.answer(axum::http::StatusCode::BAD_REQUEST);
    scene.fcm.hold(true);
    let challenge = scene.site.ask(&scene.user).await;
    scene.web.next().await;
    assert_eq!(scene.told(&challenge).await, "queued", "the other may still take it");
    scene.fcm.hold(false);
    scene.fcm.next().await;
    assert_eq!(scene.push(&challenge).await, "sent");
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push_failure, None);
    scene.cancel(&challenge).await;

    scene.fcm.uninstall(&token);
    let challenge = scene.site.ask(&scene.user).await;
    assert_eq!(scene.push(&challenge).await, "failed");
    let failure = phone.core.pull(id, 0).await.unwrap().push_failure.unwrap();
    assert!(failure.contains("400"), "the one that is not gone: {failure}");
    assert_eq!(scene.site.read(&challenge).await["push_reason"], json!(failure), "both read the same");
    scene.cancel(&challenge).await;

    scene.web.answer(axum::http::StatusCode::GONE);
    let challenge = scene.site.ask(&scene.user).await;
    assert_eq!(scene.push(&challenge).await, "gone");
}

#[tokio::test]
async fn what_waits_goes_to_each_of_the_new_places_once() {
    let mut scene = Scene::new().await;
    let phone = Phone::new();
    let id = phone.enrol(&scene.site, &scene.user).await;
    let (down, also_down) = (Down::new(), Down::new());
    phone.core.register_push(id, &[down.registration(), also_down.registration()]).await.unwrap();
    let challenge = scene.site.ask(&scene.user).await;
    assert_eq!(scene.push(&challenge).await, "queued");
    phone.core.register_push(id, &[scene.fcm.registration(), scene.web.registration()]).await.unwrap();
    let (by_fcm, by_web) = (scene.fcm.next().await, scene.web.next().await);
    assert!(matches!(phone.core.receive(by_fcm.envelope()), Ok(Received::New(_))));
    assert!(matches!(phone.core.receive(&by_web.message), Ok(Received::Known(_))));
    assert_eq!(scene.push(&challenge).await, "sent");
    assert!(scene.fcm.is_quiet() && scene.web.is_quiet());
}

#[tokio::test]
async fn a_list_is_taken_as_a_whole_or_not_at_all() {
    let mut scene = Scene::new().await;
    let (_phone, _, token) = scene.phone().await;
    let device = HandmadeDevice::enrol(&scene.site, &scene.user).await;
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
