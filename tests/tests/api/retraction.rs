//! One answer, and the prompt goes from every phone; one signed word, and an account is over. Nothing unsigned does
//! either.

use countersign_device::transport::{HttpRequest, HttpResponse};
use countersign_device::{AccountState, Error, Outcome, Pulled, Received};
use countersign_protocol::challenge::Challenge;
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::revocation::EndReason;
use countersign_tests::handmade::{HandmadeDevice, read_claims};
use countersign_tests::phone::{Phone, Tampering};
use countersign_tests::push_service::PushService;
use countersign_tests::scene::Scene;
use countersign_tests::server::TestServer;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

#[tokio::test]
async fn an_answer_on_one_phone_takes_the_prompt_from_the_other_by_push() {
    let scene = Scene::new().await;
    let (mut first_push, mut second_push) = (PushService::start().await, PushService::start().await);
    let (first, _) = scene.pushed_phone(&[first_push.registration()]).await;
    let (second, _) = scene.pushed_phone(&[second_push.registration()]).await;
    scene.site.ask(&scene.user).await;
    let (question, same_question) = (first_push.next().await, second_push.next().await);
    first.core.receive(&question.message).unwrap();
    second.core.receive(&same_question.message).unwrap();

    let prompt = first.only_prompt();
    assert_eq!(first.core.approve(prompt, None).await.unwrap(), Outcome::Approved);
    let retraction = second_push.next().await;
    assert_eq!(retraction.body.len(), question.body.len(), "it looks the same from outside");
    assert_eq!(retraction.headers["topic"], same_question.headers["topic"], "it takes the place of what still waits");
    assert_ne!(question.headers["topic"], same_question.headers["topic"], "each device has a topic of its own");
    let foreign = first.core.receive(&retraction.message).unwrap_err();
    assert_eq!(foreign.code(), "cannot_open", "a retraction for another device");
    assert_eq!(second.core.receive(&retraction.message).unwrap(), Received::Retracted(prompt));
    assert!(second.core.pending().unwrap().is_empty());
    assert!(first_push.is_quiet(), "who answered is not told");
}

/// A pull that waits.
async fn parked(server: &TestServer, phone: &Arc<Phone>, id: EnrolmentId) -> JoinHandle<Result<Pulled, Error>> {
    let phone = Arc::clone(phone);
    let pull = tokio::spawn(async move { phone.core.pull(id, 60).await });
    server.until_waiting(|wake| wake.devices.count(), 1).await;
    pull
}

#[tokio::test]
async fn a_parked_pull_hears_what_is_asked_what_is_taken_back_and_what_a_code_has_settled() {
    let scene = Scene::new().await;
    let (phone, id) = scene.phone().await;
    let (phone, Scene { server, site, user, .. }) = (Arc::new(phone), &scene);
    for (outcome, ends) in [(Outcome::Cancelled, "cancel"), (Outcome::AnsweredByCode, "code")] {
        let waits = parked(server, &phone, id).await;
        let asked = site.ask_for(user, json!({})).await;
        assert_eq!(asked.body["push"], "none", "no push can wake it");
        let prompt = asked.body["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(waits.await.unwrap().unwrap().received, [Ok(Received::New(prompt))]);

        let waits = parked(server, &phone, id).await;
        if ends == "cancel" {
            site.cancel(&prompt).await;
        } else {
            let body = json!({ "code": phone.core.code(id).unwrap().code, "challenge_id": prompt });
            assert_eq!(site.post(&format!("/v1/users/{user}/codes/verify"), &body).await.body["valid"], true);
        }
        assert_eq!(waits.await.unwrap().unwrap().received, [Ok(Received::Retracted(prompt))], "{ends}");
        assert_eq!(phone.core.history(1).unwrap()[0].outcome, outcome);
        // The next one is later, and so comes before it in the history.
        scene.clock.advance(Duration::from_secs(1));
    }
    assert!(phone.core.pull(id, 0).await.unwrap().received.is_empty(), "it is said once");
}

#[tokio::test]
async fn a_pull_parks_although_a_known_request_still_waits() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let (id, compact) = device.asked(&scene.site, &scene.user).await;
    let digest = countersign_protocol::challenge::digest(&compact);
    let known = |digest: &str| format!("/v1/device/challenges?known={id}.{digest}");
    let pulled = async |target: &str| {
        let answer = device.send(Method::GET, target, b"").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["challenges"].as_array().unwrap().len()
    };
    assert_eq!(pulled(&known(&digest)).await, 0, "known as it is");
    assert_eq!(pulled(&known(&countersign_protocol::challenge::digest("other"))).await, 1, "known otherwise");
    let many = vec![format!("{id}.{digest}"); 33].join(",");
    let answer = device.send(Method::GET, &format!("/v1/device/challenges?known={many}"), b"").await;
    assert_eq!(answer.code(), "malformed");
    scene.clock.advance(Duration::from_secs(61));
    assert_eq!(pulled(&known(&digest)).await, 0, "that its time is over, the phone knows by itself");
}

/// Ends a person's device as an administrator does.
async fn revoke(server: &TestServer, user: &str, id: EnrolmentId) {
    let operator = server.service().operator();
    operator.revoke_device("Meridian", user.parse().unwrap(), id).await.unwrap();
}

#[tokio::test]
async fn only_a_signed_word_that_answers_this_very_request_ends_an_account() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let network = Tampering::new();
    let phone = Phone::with(Arc::new(clock), network.clone());
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
        network.change(bare);
        assert_eq!(phone.core.pull(id, 0).await.unwrap_err().code(), "unexpected_answer");
        assert_eq!(state(id), AccountState::Confirmed, "a bare {status} changes nothing");
    }
    network.leave();

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
    network.change(strip);
    let pulled = phone.core.pull(id, 0).await.unwrap();
    assert_eq!((pulled.state, pulled.ended), (countersign_protocol::device_api::EnrolmentState::Void, None));
    assert_eq!(state(id), AccountState::Confirmed, "that it is void is only said");
    let old = kept.lock().unwrap().clone().unwrap();
    let replay = move |request: &HttpRequest, response: HttpResponse| {
        let pull = request.url.contains("/v1/device/challenges") && response.status == 200;
        if pull { HttpResponse { body: old.clone(), ..response } } else { response }
    };
    network.change(replay);
    assert_eq!(phone.core.pull(id, 0).await.unwrap_err().code(), "stale_time", "the word of another request");
    assert_eq!(phone.core.pull(stays, 0).await.unwrap_err().code(), "wrong_device", "the word about another device");
    assert_eq!((state(id), state(stays)), (AccountState::Confirmed, AccountState::Confirmed));

    network.leave();
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
async fn a_pull_brings_the_newest_of_many_questions_so_that_nobody_hides_the_persons_own() {
    let scene = Scene::new().await;
    let device = HandmadeDevice::enrol_at(&scene.site, &scene.user, &scene.clock).await;
    let mut asked = Vec::new();
    for _ in 0..40 {
        asked.push(scene.site.ask(&scene.user).await);
    }
    let pulled = device.pull().await;
    let pulled: Vec<String> =
        pulled.iter().map(|compact| read_claims::<Challenge>(compact).challenge_id.to_string()).collect();
    assert_eq!(pulled, asked[8..], "the newest 32, the oldest of them first");
}
