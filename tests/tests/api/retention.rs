//! What relying parties and phones find once something is past its age, and up to that day.

use countersign_protocol::decision::Answer::Approve;
use countersign_protocol::jws;
use countersign_server::runtime::retention::pruner::Pruner;
use countersign_server::store::{Ages, PROOF_REMEMBERED};
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::{Answer, send};
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A scene on which days pass.
struct Days {
    scene: Scene,
    pruner: Pruner,
}

impl Days {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let pruner = Pruner::new(Arc::clone(scene.server.service()), Ages::default());
        Self { scene, pruner }
    }

    async fn pass(&mut self, days: u32) {
        for _ in 0..days {
            self.scene.clock.advance(DAY);
            self.pruner.flush().await.unwrap();
        }
    }

    async fn asks_once(&self, key: &str) -> Answer {
        let request = self.scene.site.request(Method::POST, "/v1/challenges");
        send(request.header("idempotency-key", key).json(&json!({ "user_id": self.scene.user }))).await
    }

    /// A login that was claimed with this key; its challenge.
    async fn logs_in(&self, device: &HandmadeDevice, key: &str) -> String {
        let (id, compact) = device.asked(&self.scene.site, &self.scene.user).await;
        device.answers(&compact, Approve).await;
        assert_eq!(self.scene.site.claim(&id, key).await.status, 200);
        id.to_string()
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_known_for_a_week() {
    let mut days = Days::new().await;
    let device = days.scene.device().await;
    let claimed = days.logs_in(&device, "claim").await;
    let asked = days.asks_once("order 66").await;
    assert_eq!(asked.status, 201);
    days.pass(6).await;
    let again = days.asks_once("order 66").await;
    assert_eq!((again.status, &again.body["id"]), (200, &asked.body["id"]));
    assert_eq!(days.scene.site.claim(&claimed, "claim").await.status, 200);
    days.pass(2).await;
    let new = days.asks_once("order 66").await;
    assert_eq!(new.status, 201);
    assert_ne!(new.body["id"], asked.body["id"]);
    assert_eq!(days.scene.site.claim(&claimed, "claim").await.code(), "already_claimed", "and never a second login");
    let earlier = days.scene.site.read(asked.body["id"].as_str().unwrap()).await;
    assert_eq!(earlier["state"], "expired", "its challenge stays");
}

#[tokio::test]
async fn a_receipt_is_there_for_ninety_days_and_a_late_answer_is_refused_as_to_a_stranger() {
    let mut days = Days::new().await;
    let device = days.scene.device().await;
    let id = days.logs_in(&device, "claim").await;
    let receipt = days.scene.site.read(&id).await["receipt"].clone();
    assert!(receipt.is_object());
    let (late, compact) = device.asked(&days.scene.site, &days.scene.user).await;
    let decision = device.decision(&compact, Approve);
    days.pass(90).await;
    assert_eq!(days.scene.site.read(&id).await["receipt"], receipt);
    assert_eq!(device.decide(&late, decision.clone()).await.code(), "expired");
    days.pass(2).await;
    assert_eq!(days.scene.site.get(&format!("/v1/challenges/{id}")).await.code(), "not_found");
    assert_eq!(days.scene.site.claim(&id, "claim").await.code(), "not_found");
    assert_eq!(device.decide(&late, decision).await.code(), "unknown_key");
    days.logs_in(&device, "another").await;
}

#[tokio::test]
async fn a_phone_that_rested_for_most_of_a_year_still_hears_that_its_account_is_over() {
    let mut days = Days::new().await;
    let device = days.scene.device().await;
    days.logs_in(&device, "claim").await;
    let removed = device.send(Method::DELETE, &format!("/v1/device/devices/{}", device.id()), b"").await;
    assert_eq!(removed.status, 204, "{removed:?}");
    days.pass(360).await;
    let told = device.send(Method::GET, "/v1/device/challenges", b"").await;
    assert!(told.body["revocation"].is_string(), "{told:?}");
    days.pass(10).await;
    assert_eq!(device.send(Method::GET, "/v1/device/challenges", b"").await.code(), "unknown_key");
}

#[tokio::test]
async fn a_used_proof_is_never_taken_again_although_its_row_goes() {
    const TARGET: &str = "/v1/device/devices";
    let Days { scene, .. } = Days::new().await;
    let device = scene.device().await;
    device.warm_up().await;
    let ages = Ages { proofs: PROOF_REMEMBERED, ..Ages::default() };
    let mut pruner = Pruner::new(Arc::clone(scene.server.service()), ages);
    let proof = jws::sign_now(&device.proof_claims("GET", TARGET, b""), &device.request).unwrap();
    assert_eq!(device.send_with(Method::GET, TARGET, b"", &proof).await.status, 200);
    let mut heard = Vec::new();
    for _ in 0..60 {
        scene.clock.advance(Duration::from_secs(20));
        pruner.flush().await.unwrap();
        heard.push(device.send_with(Method::GET, TARGET, b"", &proof).await.code().to_owned());
    }
    heard.dedup();
    assert_eq!(heard[0], "replayed", "{heard:?}");
    assert!(heard.iter().all(|code| !code.is_empty()), "it was never taken again: {heard:?}");
    let left = scene.server.sqlite().query_row("SELECT count(*) FROM accepted_proof", [], |row| row.get::<_, u32>(0));
    assert_eq!(left.unwrap(), 0, "and its row is gone");
}

#[tokio::test]
async fn a_phone_that_only_pulls_keeps_no_more_than_its_history() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let phone = Phone::at(&clock);
    let id = phone.enrol(&site, &user).await;
    for _ in 0..160 {
        site.ask(&user).await;
        phone.core.pull(id, 0).await.unwrap();
        clock.advance(DAY);
    }
    let store = rusqlite::Connection::open(phone.directory().join("authenticator.db")).unwrap();
    let kept = |outcome: &str| -> u32 {
        let sql = format!("SELECT count(*) FROM challenge WHERE outcome {outcome}");
        store.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert!((88..=92).contains(&kept("= 'expired'")), "{} in the history", kept("= 'expired'"));
    assert!(kept("IS NULL") <= 1, "{} as if they waited", kept("IS NULL"));
}
