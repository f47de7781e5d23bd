//! Whoever waits hears at once that it may not: a relying party that was retired, an API key that was replaced, a
//! device that was removed. The clock stands still in these tests, so nobody hears because time goes by.

use countersign_protocol::challenge;
use countersign_server::service::wake::Wake;
use countersign_tests::http::{Answer, RelyingParty};
use countersign_tests::scene::Scene;
use reqwest::Method;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Far more than "at once", on the slowest of machines, and far less than the wait.
const SOON: Duration = Duration::from_secs(20);

/// A relying party waits for this.
async fn wait(scene: &Scene, site: &RelyingParty, path: String) -> JoinHandle<Answer> {
    let waits = |wake: &Wake| wake.challenges.count() + wake.enrolments.count();
    let before = waits(&scene.server.service().wake);
    let waiting = site.waits(format!("{path}?wait=60"));
    scene.server.until_waiting(waits, before + 1).await;
    waiting
}

async fn heard<T>(waiting: JoinHandle<T>) -> T {
    tokio::time::timeout(SOON, waiting).await.expect("it hears at once").unwrap()
}

/// One wait for a challenge and one for an enrolment.
async fn two_waits(scene: &Scene) -> [JoinHandle<Answer>; 2] {
    scene.device().await;
    let challenge = scene.site.ask(&scene.user).await;
    let opened = scene.site.post(&format!("/v1/users/{}/enrolments", scene.user), &Value::Null).await;
    let enrolment = opened.body["id"].as_str().unwrap();
    [
        wait(scene, &scene.site, format!("/v1/challenges/{challenge}")).await,
        wait(scene, &scene.site, format!("/v1/enrolments/{enrolment}")).await,
    ]
}

#[tokio::test]
async fn the_waits_of_a_relying_party_end_when_it_is_retired() {
    let scene = Scene::new().await;
    scene.device().await;
    let other = scene.server.relying_party("Meridian", "Webmail").await;
    let question = other.ask(&scene.user).await;
    let waits = two_waits(&scene).await;
    let stays = wait(&scene, &other, format!("/v1/challenges/{question}")).await;

    let operator = scene.server.service().operator();
    let handle = scene.site.get("/v1/relying-party").await.body["id"].as_str().unwrap().to_owned();
    operator.revoke_relying_party(&handle).await.unwrap();
    for waiting in waits {
        let answer = heard(waiting).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorised"), "{answer:?}");
    }
    assert!(!stays.is_finished(), "another one waits on");
    assert_eq!(other.cancel(&question).await.status, 200);
    assert_eq!(heard(stays).await.body["state"], "cancelled");
    assert!(scene.server.service().wake.relying_parties.is_empty(), "the places are given back");
}

#[tokio::test]
async fn the_waits_with_a_key_end_when_it_is_replaced() {
    let scene = Scene::new().await;
    let waits = two_waits(&scene).await;
    let operator = scene.server.service().operator();
    let handle = scene.site.get("/v1/relying-party").await.body["id"].as_str().unwrap().to_owned();
    let key = operator.rotate_api_key(&handle).await.unwrap();
    for waiting in waits {
        assert_eq!(heard(waiting).await.code(), "unauthorised");
    }
    // The new key waits on for what the old one asked.
    let renewed = RelyingParty::new(&scene.site.url, &key);
    let challenge = renewed.ask(&scene.user).await;
    let waiting = wait(&scene, &renewed, format!("/v1/challenges/{challenge}")).await;
    assert_eq!(renewed.cancel(&challenge).await.status, 200);
    assert_eq!(heard(waiting).await.body["state"], "cancelled");
}

#[tokio::test]
async fn a_wait_that_parks_in_the_very_moment_of_the_revocation_ends_too() {
    let scene = Scene::new().await;
    scene.device().await;
    let handle = scene.site.get("/v1/relying-party").await.body["id"].as_str().unwrap().to_owned();
    let challenge = scene.site.ask(&scene.user).await;
    let service = scene.server.service();
    // It was let in, and is not parked yet.
    let by = countersign_server::service::authenticate::RelyingParty::by_api_key(service, &scene.site.api_key, None);
    let Ok(by) = by.await else { panic!("the key is valid") };
    service.operator().revoke_relying_party(&handle).await.unwrap();
    let wait = countersign_server::service::claim::wait(service, &by, challenge.parse().unwrap(), SOON * 2, None);
    let refused = tokio::time::timeout(SOON, wait).await.expect("it hears at once").map(drop).unwrap_err();
    assert_eq!(refused, countersign_server::domain::refused::Refused::Unauthorised);
}

#[tokio::test]
async fn the_wait_of_a_device_ends_with_the_signed_word_when_the_operator_removes_it() {
    let scene = Scene::new().await;
    let (device, other) = (Arc::new(scene.device().await), Arc::new(scene.device().await));
    let [waiting, stays] = [&device, &other].map(|device| {
        let device = Arc::clone(device);
        tokio::spawn(async move { device.send(Method::GET, "/v1/device/challenges?wait=60", b"").await })
    });
    scene.server.until_waiting(|wake| wake.devices.count(), 2).await;
    let operator = scene.server.service().operator();
    operator.revoke_device("Meridian", scene.user.parse().unwrap(), device.id()).await.unwrap();
    let told = heard(waiting).await;
    // Not a bare refusal: only the server's signed word makes a phone give up its keys.
    assert_eq!((told.status, told.body["state"].as_str()), (200, Some("void")), "{told:?}");
    assert!(told.body["revocation"].is_string(), "{told:?}");
    assert!(!stays.is_finished(), "the account's other device waits on");
    stays.abort();
}

#[tokio::test]
async fn a_phone_that_is_open_loses_the_questions_of_a_relying_party_that_is_retired() {
    let scene = Scene::new().await;
    let device = Arc::new(scene.device().await);
    let (id, compact) = device.asked(&scene.site, &scene.user).await;
    let target = format!("/v1/device/challenges?wait=60&known={id}.{}", challenge::digest(&compact));
    let waiting = tokio::spawn(async move { device.send(Method::GET, &target, b"").await });
    scene.server.until_waiting(|wake| wake.devices.count(), 1).await;
    let handle = scene.site.get("/v1/relying-party").await.body["id"].as_str().unwrap().to_owned();
    scene.server.service().operator().revoke_relying_party(&handle).await.unwrap();
    let told = heard(waiting).await;
    assert_eq!(told.body["challenges"].as_array().map(Vec::len), Some(1), "the retraction: {told:?}");
}
