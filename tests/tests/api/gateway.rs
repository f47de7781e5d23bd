//! Something else answers in the server's place, in every way and at every call of a phone. It is no answer: nothing is
//! lost, nothing is believed, and the same call goes on once the server is heard again.

use async_trait::async_trait;
use countersign_desktop::ReqwestTransport;
use countersign_device::transport::{HttpRequest, HttpResponse, Transport, Unreachable};
use countersign_device::{Error, Outcome};
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::webpush::Receiver;
use countersign_tests::gateway::{Gateway, unavailable, ways};
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Which requests something else answers, by a part of their address.
#[derive(Clone, Copy)]
struct Taken {
    part: &'static str,
    /// Whether the server hears the request all the same, and only its answer is lost.
    delivered: bool,
}

/// A network with a gateway on the way.
struct Network {
    way: ReqwestTransport,
    server: String,
    gateway: String,
    taken: Mutex<Option<Taken>>,
    /// The length of the longest path and query that was sent.
    longest: AtomicUsize,
}

/// True when no proxy and no library has a reason to rewrite this path and query: unreserved characters (RFC 3986,
/// section 2.3) between the marks in their places, no empty segment and no empty value.
fn is_left_alone(target: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let whole = |part: &str| !part.is_empty() && part.bytes().all(unreserved);
    let (path, query) = target.split_once('?').unwrap_or((target, "none=0"));
    let pairs =
        query.split('&').all(|pair| pair.split_once('=').is_some_and(|(name, value)| whole(name) && whole(value)));
    pairs && path.strip_prefix('/').is_some_and(|path| path.split('/').all(whole))
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let target =
            request.url.strip_prefix(&self.server).or_else(|| request.url.strip_prefix(&self.gateway)).unwrap();
        assert!(is_left_alone(target), "something on the way rewrites {target}");
        self.longest.fetch_max(target.len(), Ordering::SeqCst);
        let taken = *self.taken.lock().unwrap();
        let Some(Taken { delivered, .. }) = taken.filter(|taken| request.url.contains(taken.part)) else {
            return self.way.send(request).await;
        };
        if delivered {
            self.way.send(request.clone()).await?;
        }
        let url = request.url.replacen(&self.server, &self.gateway, 1);
        assert!(url.starts_with(&self.gateway), "it goes to the gateway: {url}");
        self.way.send(HttpRequest { url, ..request }).await
    }
}

/// A phone behind a gateway that answers in one way.
struct Behind {
    scene: Scene,
    gateway: Gateway,
    network: Arc<Network>,
    phone: Phone,
}

/// Each of them at every call.
const BOTH: [bool; 2] = [false, true];

impl Behind {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let gateway = Gateway::open().await;
        let network = Arc::new(Network {
            way: ReqwestTransport::new().unwrap(),
            server: scene.server.url.clone(),
            gateway: gateway.url.clone(),
            taken: Mutex::default(),
            longest: AtomicUsize::new(0),
        });
        let phone = Phone::with(Arc::new(scene.clock.clone()), network.clone());
        Self { scene, gateway, network, phone }
    }

    /// Does something while the gateway takes requests; it must be no answer, and no refusal.
    async fn unheard<T: std::fmt::Debug>(
        &self,
        what: &str,
        taken: Taken,
        call: impl AsyncFn(&Phone) -> Result<T, Error>,
    ) {
        *self.network.taken.lock().unwrap() = Some(taken);
        let outcome = call(&self.phone).await;
        *self.network.taken.lock().unwrap() = None;
        let error = match outcome {
            Ok(value) => panic!("{what}: {} was believed: {value:?}", taken.part),
            Err(error) => error,
        };
        assert!(error.is_temporary(), "{what}: {}: {error:?}", taken.part);
        assert!(matches!(error.code(), "unexpected_answer" | "unreachable" | "unavailable"), "{what}: {error:?}");
    }

    async fn enrols(&self, what: &str) -> EnrolmentId {
        let link = self.scene.site.link(&self.scene.user).await;
        for (part, delivered) in [("/.well-known/", false), ("/v1/device/enrol", false), ("/v1/device/enrol", true)] {
            self.unheard(what, Taken { part, delivered }, async |phone| phone.core.enrol(&link, "Telephone").await)
                .await;
            assert_eq!(self.phone.core.accounts().unwrap(), [], "{what}");
        }
        // New keys would be a second device, which ends the enrolment.
        let account = self.phone.core.enrol(&link, "Telephone").await.unwrap();
        let pull = async |phone: &Phone| phone.core.pull(account.id, 0).await;
        self.unheard(what, Taken { part: "/v1/device/challenges", delivered: false }, pull).await;
        assert_eq!(self.scene.site.confirm_account(&account).await.body["state"], "confirmed");
        for delivered in BOTH {
            self.unheard(what, Taken { part: "/v1/device/challenges", delivered }, pull).await;
        }
        assert!(!self.phone.core.is_confirmed(account.id).unwrap(), "{what}");
        self.phone.core.pull(account.id, 0).await.unwrap();
        assert!(self.phone.core.is_confirmed(account.id).unwrap(), "{what}");
        account.id
    }

    /// Asks, and answers while nobody hears it; the answer is kept and counts with the next pull.
    async fn answers(&self, what: &str, id: EnrolmentId, outcome: Outcome, delivered: bool) {
        let asked = self.scene.site.ask(&self.scene.user).await;
        self.unheard(what, Taken { part: "/v1/device/challenges?", delivered }, async |phone| {
            phone.core.pull(id, 0).await
        })
        .await;
        assert_eq!(self.phone.core.pending().unwrap(), [], "{what}");
        self.phone.core.pull(id, 0).await.unwrap();
        let challenge = self.phone.only_prompt();
        let answer = async |phone: &Phone| match outcome {
            Outcome::Approved => phone.core.approve(challenge, None).await,
            Outcome::Denied => phone.core.deny(challenge).await,
            _ => phone.core.report(challenge).await,
        };
        self.unheard(what, Taken { part: "/decision", delivered }, answer).await;
        let unheard = if delivered { outcome.as_str() } else { "pending" };
        assert_eq!(self.scene.site.state(&asked).await, unheard, "{what}");
        let waiting = self.phone.core.pending().unwrap();
        assert!(waiting.iter().all(|prompt| prompt.answering), "{what}: {waiting:?}");
        self.phone.core.pull(id, 0).await.unwrap();
        assert_eq!(self.scene.site.state(&asked).await, outcome.as_str(), "{what}");
        let past = self.phone.core.history(100).unwrap();
        let past = past.iter().find(|past| past.challenge.challenge_id == challenge);
        assert_eq!(past.map(|past| past.outcome), Some(outcome), "{what}");
    }

    /// All calls of a phone in the order of its life.
    async fn lives(self, what: &str) {
        let id = self.enrols(what).await;
        let subscription = Receiver::generate(&SystemRandomness::new()).subscription("http://127.0.0.1:9/push".into());
        let registrations = [PushRegistration::WebPush(subscription)];
        for delivered in BOTH {
            let taken = |part| Taken { part, delivered };
            self.unheard(what, taken("/v1/device/push"), async |phone| {
                phone.core.register_push(id, &registrations).await
            })
            .await;
            self.unheard(what, taken("/v1/device/devices"), async |phone| phone.core.devices(id).await).await;
            self.unheard(what, taken("/.well-known/"), async |phone| phone.core.refresh_server(id).await).await;
            self.unheard(what, taken("/.well-known/"), async |phone| phone.core.relocate(id, &self.gateway.url).await)
                .await;
            for outcome in [Outcome::Approved, Outcome::Denied, Outcome::Reported] {
                self.answers(what, id, outcome, delivered).await;
            }
        }
        let kept = self.phone.core.accounts().unwrap();
        assert_eq!((kept.len(), kept[0].server_url.as_str()), (1, self.scene.server.url.as_str()), "{what}");
        for delivered in BOTH {
            let part = "/v1/device/devices/";
            self.unheard(what, Taken { part, delivered }, async |phone| phone.core.remove(id).await).await;
            assert_eq!(self.phone.core.accounts().unwrap(), kept, "{what}: nothing was removed");
            self.phone.core.code(id).unwrap();
        }
        self.phone.core.remove(id).await.unwrap();
        assert_eq!(self.phone.core.accounts().unwrap(), [], "{what}");
        drop(self.gateway);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_of_the_server_loses_nothing_and_is_believed_nowhere() {
    let all = ways();
    assert!(all.len() >= 15);
    for (what, bytes) in all {
        let behind = Behind::new().await;
        behind.gateway.answers(bytes);
        behind.lives(what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_do_it_now_is_asked_again_as_one_that_is_not_heard() {
    let behind = Behind::new().await;
    behind.gateway.answers(unavailable());
    behind.lives("unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_signed_in_an_address_is_rewritten_on_the_way() {
    for changed in ["/v1/a?known=a,b", "/v1/a?known=a%2Cb", "/v1//a", "/v1/a?known=", "/v1/a?b=c~d", "/v1/a?b=c+d"] {
        assert!(!is_left_alone(changed), "{changed}");
    }
    let behind = Behind::new().await;
    let Scene { site, user, .. } = &behind.scene;
    let id = behind.phone.enrol(site, user).await;
    for waiting in 1..=32 {
        site.ask(user).await;
        behind.phone.core.pull(id, 0).await.unwrap();
        assert_eq!(behind.phone.core.pending().unwrap().len(), waiting);
    }
    let pulled = behind.phone.core.pull(id, 0).await.unwrap();
    assert!(pulled.received.is_empty(), "the server has read all that is known: {:?}", pulled.received);
    assert!(behind.network.longest.load(Ordering::SeqCst) > 32 * (22 + 43), "all of it was sent");
}
