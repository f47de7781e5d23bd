//! A phone that meets a newer signing key learns of it by itself, once for an answer, and never past the pinned root.

use async_trait::async_trait;
use countersign_desktop::ReqwestTransport;
use countersign_device::transport::{HttpRequest, HttpResponse, Transport, Unreachable};
use countersign_device::{Error, Outcome};
use countersign_protocol::enrolment::EnrolmentStatement;
use countersign_protocol::jws;
use countersign_protocol::key::SoftwareKey;
use countersign_tests::clock::ManualClock;
use countersign_tests::handmade::read_claims;
use countersign_tests::http::client;
use countersign_tests::phone::{Phone, Tampering};
use countersign_tests::scene::Scene;
use countersign_tests::server::TestServer;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// A network on which the operator of the server makes a new signing key each time after the phone has asked who the
/// server is, so many times.
struct Rotating {
    network: ReqwestTransport,
    server: Arc<TestServer>,
    rotations: AtomicUsize,
    asked: AtomicUsize,
}

impl Rotating {
    fn new(server: &Arc<TestServer>, rotations: usize) -> Arc<Self> {
        let (network, server) = (ReqwestTransport::new().unwrap(), Arc::clone(server));
        Arc::new(Self { network, server, rotations: rotations.into(), asked: 0.into() })
    }
}

#[async_trait]
impl Transport for Rotating {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let asks = request.url.contains("/.well-known/");
        let response = self.network.send(request).await;
        if asks {
            self.asked.fetch_add(1, SeqCst);
            let left = self.rotations.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
            if left.is_ok() {
                self.server.rotate_signing_key().await;
            }
        }
        response
    }
}

/// Counts how often a phone asks who the server is. Makes this of every answer, and of the so manieth to that question.
fn counted(
    network: &Tampering,
    change: impl Fn(&HttpRequest, HttpResponse, usize) -> HttpResponse + Send + 'static,
) -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    network.change(move |request, response| {
        let asks = usize::from(request.url.contains("/.well-known/"));
        let count = asks * (counter.fetch_add(asks, SeqCst) + 1);
        change(request, response, count)
    });
    asked
}

#[tokio::test]
async fn a_key_that_is_renewed_while_a_phone_enrols_is_learned_at_once() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let server = Arc::new(server);
    let network = Rotating::new(&server, 1);
    let phone = Phone::with(Arc::new(clock.clone()), network.clone());
    let id = phone.enrol(&site, &user).await;
    assert_eq!(network.asked.load(SeqCst), 2, "once to meet the server, once to learn");
    let code = phone.core.code(id).unwrap().code.to_string();
    assert_eq!(site.verify(&user, &code).await.body["valid"], true, "the code seed came too");
    let question = site.ask(&user).await;
    phone.core.pull(id, 0).await.unwrap();
    assert_eq!(phone.core.approve(question.parse().unwrap(), None).await.unwrap(), Outcome::Approved);
    assert!(site.claim(&question, "k").await.body["receipt"].is_object());
}

/// The answer to a redemption with a statement that somebody else has signed.
fn forged(response: HttpResponse) -> HttpResponse {
    let answer: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    let statement: EnrolmentStatement = read_claims(answer["enrolment"].as_str().unwrap());
    let forged = jws::sign_now(&statement, &SoftwareKey::generate().unwrap().0).unwrap();
    let body = serde_json::json!({ "enrolment": forged, "code_seed": answer["code_seed"] });
    HttpResponse { body: serde_json::to_vec(&body).unwrap(), ..response }
}

#[tokio::test]
async fn a_statement_of_a_key_that_nobody_certifies_is_learned_from_once() {
    let Scene { clock, site, user, server: _server } = Scene::new().await;
    let network = Tampering::new();
    let phone = Phone::with(Arc::new(clock.clone()), network.clone());
    let link = site.link(&user).await;
    let asked = counted(
        &network,
        |request, response, _| {
            if request.url.ends_with("/enrol") { forged(response) } else { response }
        },
    );
    assert_eq!(phone.core.enrol(&link, "Phone").await.unwrap_err().code(), "unknown_key");
    assert_eq!(asked.load(SeqCst), 2);
    assert!(phone.core.accounts().unwrap().is_empty());
    // The keys are kept: when nobody is between them any more, the same link goes on.
    network.leave();
    let account = phone.core.enrol(&link, "Phone").await.unwrap();
    assert_eq!(site.confirm_account(&account).await.body["state"], "confirmed");
}

#[tokio::test]
async fn an_answer_that_was_lost_before_the_key_was_renewed_comes_again_under_the_new_one() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let network = Tampering::new();
    let phone = Phone::with(Arc::new(clock.clone()), network.clone());
    let link = site.link(&user).await;
    network.change(|request, response| match request.url.ends_with("/enrol") {
        true => HttpResponse { status: 502, headers: Vec::new(), body: b"<html>".to_vec() },
        false => response,
    });
    assert!(matches!(phone.core.enrol(&link, "Phone").await, Err(Error::UnexpectedAnswer { status: 502 })));
    network.leave();
    server.rotate_signing_key().await;
    let account = phone.core.enrol(&link, "Phone").await.unwrap();
    assert_eq!(site.confirm_account(&account).await.body["state"], "confirmed");
    let question = site.ask(&user).await;
    phone.core.pull(account.id, 0).await.unwrap();
    assert_eq!(phone.core.approve(question.parse().unwrap(), None).await.unwrap(), Outcome::Approved);
    let receipt = &site.claim(&question, "k").await.body["receipt"];
    assert_eq!(receipt["certificate"], receipt["enrolment_certificate"], "the statement is the new key's");
}

#[tokio::test]
async fn a_thief_between_them_teaches_a_phone_that_enrols_nothing() {
    let Scene { clock, site, user, server: _server } = Scene::new().await;
    let thief = TestServer::start_at(&ManualClock::new()).await;
    let network = Tampering::new();
    let phone = Phone::with(Arc::new(clock.clone()), network.clone());
    let identity = client().get(format!("{}/.well-known/countersign?nonce=n", thief.url)).send().await.unwrap();
    let identity = identity.bytes().await.unwrap();
    let asked = counted(&network, move |request, response, asked| match asked {
        2.. => HttpResponse { body: identity.to_vec(), ..response },
        _ if request.url.ends_with("/enrol") => forged(response),
        _ => response,
    });
    let refused = phone.core.enrol(&site.link(&user).await, "Phone").await.unwrap_err();
    assert_eq!((refused.code(), asked.load(SeqCst)), ("wrong_server", 2));
    assert!(phone.core.accounts().unwrap().is_empty());
}

#[tokio::test]
async fn what_the_earlier_key_signed_and_what_the_new_one_signed_come_in_one_pull() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let network = Tampering::new();
    let phone = Phone::with(Arc::new(clock.clone()), network.clone());
    let id = phone.enrol(&site, &user).await;
    let held = site.ask(&user).await;
    phone.core.pull(id, 0).await.unwrap();
    // The phone holds one question; of another, signed by the earlier key, it has not heard.
    let other = site.ask(&user).await;
    assert_eq!(site.cancel(&held).await.status, 200);
    server.rotate_signing_key().await;
    let asked = counted(&network, |_, response, _| response);
    let pulled = phone.core.pull(id, 0).await.unwrap();
    assert!(pulled.received.len() == 2 && pulled.received.iter().all(Result::is_ok), "{pulled:?}");
    assert_eq!(asked.load(SeqCst), 1);
    let number = site.read(&other).await["number"].as_str().unwrap().to_owned();
    assert_eq!(phone.core.approve(other.parse().unwrap(), Some(&number)).await.unwrap(), Outcome::Approved);
    assert_eq!(site.claim(&other, "k").await.status, 200);
}

#[tokio::test]
async fn a_pull_that_is_refused_throughout_is_learned_from_once() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let network = Tampering::new();
    let phone = Phone::with(Arc::new(clock.clone()), network.clone());
    let id = phone.enrol(&site, &user).await;
    server.rotate_signing_key().await;
    for _ in 0..3 {
        site.ask(&user).await;
    }
    // A server that is asked who it is, and never says so in a way that can be believed.
    let asked = counted(&network, |_, response, asked| {
        if asked == 0 {
            return response;
        }
        let mut document: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        document["time"] = serde_json::Value::Null;
        HttpResponse { body: serde_json::to_vec(&document).unwrap(), ..response }
    });
    let pulled = phone.core.pull(id, 0).await.unwrap();
    let codes: Vec<_> = pulled.received.iter().map(|one| one.as_ref().unwrap_err().code().as_str()).collect();
    assert_eq!((codes, asked.load(SeqCst)), (vec!["malformed"; 3], 1));
    network.leave();
    assert!(phone.core.pull(id, 0).await.unwrap().received.iter().all(Result::is_ok));
}
