//! The simulated network refuses what Apple's refuses: each case starts from a request that it takes, and changes one
//! thing.

use crate::scene::{TOKEN, authority, provider};
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::time::Clock;
use countersign_tests::apns::{Behaviour, Options, Provider, REASONS, Refusal, Simulator};
use countersign_tests::clock::ManualClock;
use data_encoding::BASE64URL_NOPAD;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

struct World {
    simulator: Simulator,
    provider: Arc<Provider>,
    clock: ManualClock,
    client: Client,
}

impl World {
    async fn new() -> Self {
        let (provider, authority, clock) = (provider(), authority(), ManualClock::new());
        let client = https_client::build(https_client::http2_builder(roots(authority.pem())).unwrap()).unwrap();
        let options = Options { clock: Arc::new(clock.clone()), ..Options::new(Arc::clone(&provider), authority) };
        Self { simulator: Simulator::start(options).await, provider, clock, client }
    }

    fn token(&self, header: &Value, claims: &Value, key: &SoftwareKey) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let input = format!("{}.{}", part(header), part(claims));
        format!("bearer {input}.{}", BASE64URL_NOPAD.encode(&key.sign_now(input.as_bytes()).unwrap()))
    }

    fn right_token(&self) -> String {
        self.token(&self.header(), &self.claims(), self.provider.key())
    }

    fn header(&self) -> Value {
        json!({ "alg": "ES256", "kid": self.provider.key_id })
    }

    fn claims(&self) -> Value {
        json!({ "iss": self.provider.team_id, "iat": self.clock.now().seconds() })
    }

    /// A request without its token and payload.
    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.simulator.url))
    }

    /// A request that is right, but for what `change` does to it.
    async fn push(&self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> (u16, Value) {
        let request = self.bare(Method::POST, &format!("/3/device/{TOKEN}")).body(payload(4096));
        sent(change(request.header("authorization", self.right_token()).headers(headers(&[])))).await
    }
}

fn roots(pem: &str) -> rustls::RootCertStore {
    use rustls::pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    roots
}

/// The headers of a right request, with some in the place of the right ones; an empty value leaves one out.
fn headers(changed: &[(&'static str, &'static str)]) -> reqwest::header::HeaderMap {
    let right = [
        ("apns-topic", "net.countersign.app"),
        ("apns-push-type", "alert"),
        ("apns-priority", "10"),
        ("apns-expiration", "1800000060"),
        ("apns-collapse-id", "one"),
        ("apns-id", "123e4567-e89b-42d3-a456-426614174000"),
    ];
    let of = |name| changed.iter().find(|(one, _)| *one == name).map(|(_, value)| *value);
    let all = right.into_iter().map(|(name, value)| (name, of(name).unwrap_or(value)));
    all.filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect()
}

/// A payload of so many bytes.
fn payload(bytes: usize) -> String {
    let (start, end) = (r#"{"aps":{"alert":{"loc-key":"x"}},"fill":""#, r#""}"#);
    format!("{start}{}{end}", "x".repeat(bytes - start.len() - end.len()))
}

async fn sent(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn refused(status: u16, reason: &str) -> (u16, Value) {
    (status, json!({ "reason": reason }))
}

#[tokio::test]
async fn a_right_request_is_taken_over_http_2_alone() {
    let mut world = World::new().await;
    assert_eq!(world.push(|right| right).await, (200, Value::Null));
    let taken = world.simulator.next().await;
    assert_eq!((taken.device.as_str(), taken.payload.len(), taken.status), (TOKEN, 4096, Some(200)));

    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(authority().pem()))
        .with_no_client_auth();
    for protocols in [vec![b"http/1.1".to_vec()], Vec::new()] {
        let mut tls = tls.clone();
        tls.alpn_protocols = protocols;
        let client = Client::builder().tls_backend_preconfigured(tls).no_proxy().http1_only().build().unwrap();
        let request = client.post(format!("{}/3/device/{TOKEN}", world.simulator.url)).body(payload(4096));
        let request = request.header("authorization", world.right_token()).headers(headers(&[]));
        assert!(request.send().await.is_err(), "HTTP/1.1 is refused");
    }
    let plain = world.simulator.url.replace("https", "http");
    assert!(world.client.post(plain).send().await.is_err(), "so is what is no TLS");
    assert!(world.simulator.is_quiet());
}

#[tokio::test]
async fn a_provider_token_that_is_not_right_is_refused() {
    let mut world = World::new().await;
    let stranger = SoftwareKey::generate().unwrap().0;
    let (header, claims) = (world.header(), world.claims());
    let with = |value: &Value, member: &str, to: Value| {
        let mut changed = value.clone();
        changed[member] = to;
        changed
    };
    let now = world.clock.now().seconds();
    let key = world.provider.key();
    let cases = [
        (world.token(&header, &claims, &stranger), "InvalidProviderToken", 403),
        (world.token(&with(&header, "kid", json!("OTHER12345")), &claims, key), "InvalidProviderToken", 403),
        (world.token(&with(&header, "alg", json!("none")), &claims, key), "InvalidProviderToken", 403),
        (world.token(&header, &with(&claims, "iss", json!("OTHER12345")), key), "InvalidProviderToken", 403),
        (world.token(&header, &with(&claims, "iat", json!(now + 61)), key), "InvalidProviderToken", 403),
        (world.token(&header, &with(&claims, "iat", json!(now - 3601)), key), "ExpiredProviderToken", 403),
        (world.right_token().replace("bearer", "Basic"), "MissingProviderToken", 403),
        ("bearer a.b".into(), "InvalidProviderToken", 403),
    ];
    for (token, reason, status) in cases {
        let request = world.bare(Method::POST, &format!("/3/device/{TOKEN}")).body(payload(4096));
        let answer = sent(request.headers(headers(&[])).header("authorization", &token)).await;
        assert_eq!(answer, refused(status, reason), "{token}");
        assert_eq!(world.simulator.next_request().await.unwrap_err().reason, reason);
    }
    let bare = world.bare(Method::POST, &format!("/3/device/{TOKEN}")).body(payload(4096)).headers(headers(&[]));
    assert_eq!(sent(bare).await, refused(403, "MissingProviderToken"));
    let old = world.token(&header, &with(&claims, "iat", json!(now - 3600)), key);
    let request = world.bare(Method::POST, &format!("/3/device/{TOKEN}")).body(payload(4096)).headers(headers(&[]));
    assert_eq!(sent(request.header("authorization", old)).await.0, 200, "an hour is not too old");
}

#[tokio::test]
async fn a_second_token_within_twenty_minutes_is_one_too_many() {
    let world = World::new().await;
    let first = world.right_token();
    let send = async |token: &str| {
        let request = world.bare(Method::POST, &format!("/3/device/{TOKEN}")).body(payload(4096));
        sent(request.headers(headers(&[])).header("authorization", token)).await
    };
    assert_eq!(send(&first).await.0, 200);
    world.clock.advance(Duration::from_secs(1199));
    assert_eq!(send(&first).await.0, 200);
    assert_eq!(send(&world.right_token()).await, refused(429, "TooManyProviderTokenUpdates"));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(send(&world.right_token()).await.0, 200);
    assert_eq!(send(&first).await.0, 200, "one that was on its way");
}

#[tokio::test]
async fn a_path_a_method_and_a_length_that_are_not_right_are_refused() {
    let world = World::new().await;
    let at = async |method: Method, path: &str| {
        let request = world.bare(method, path).header("authorization", world.right_token()).headers(headers(&[]));
        sent(request.body(payload(4096))).await
    };
    let path = format!("/3/device/{TOKEN}");
    assert_eq!(at(Method::POST, &path).await.0, 200);
    assert_eq!(at(Method::GET, &path).await, refused(405, "MethodNotAllowed"));
    assert_eq!(at(Method::POST, &format!("/2/device/{TOKEN}")).await, refused(404, "BadPath"));
    assert_eq!(at(Method::POST, "/3/device/").await, refused(400, "MissingDeviceToken"));
    assert_eq!(at(Method::POST, "/3/device/abc").await, refused(400, "BadDeviceToken"));
    let with = async |body: String| world.push(|right| right.body(body)).await;
    assert_eq!(with(payload(4097)).await, refused(413, "PayloadTooLarge"));
    assert_eq!(with(String::new()).await, refused(400, "PayloadEmpty"));
    assert_eq!(with(r#"{"aps":{"content-available":1}}"#.into()).await, refused(400, "InvalidPushType"));
}

#[tokio::test]
async fn a_header_that_is_not_right_is_refused() {
    let world = World::new().await;
    let cases = [
        ("apns-topic", "", "MissingTopic"),
        ("apns-topic", "net countersign", "BadTopic"),
        ("apns-topic", "net.countersign.other", "TopicDisallowed"),
        ("apns-push-type", "", "InvalidPushType"),
        ("apns-push-type", "loud", "InvalidPushType"),
        ("apns-push-type", "background", "BadPriority"),
        ("apns-priority", "11", "BadPriority"),
        ("apns-expiration", "soon", "BadExpirationDate"),
        ("apns-collapse-id", "12345678901234567890123456789012345678901234567890123456789012345", "BadCollapseId"),
        ("apns-id", "123e4567e89b42d3a456426614174000", "BadMessageId"),
    ];
    let with = async |changed: &[(&'static str, &'static str)]| {
        let request = world.bare(Method::POST, &format!("/3/device/{TOKEN}")).body(payload(4096));
        sent(request.header("authorization", world.right_token()).headers(headers(changed))).await
    };
    assert_eq!(with(&[]).await.0, 200);
    for (name, value, reason) in cases {
        assert_eq!(with(&[(name, value)]).await, refused(400, reason), "{name}: {value}");
    }
    assert_eq!(world.push(|right| right.header("apns-priority", "5")).await, refused(400, "DuplicateHeaders"));
}

#[tokio::test]
async fn it_says_any_reason_when_it_is_told_to() {
    let world = World::new().await;
    for (reason, status) in REASONS {
        world.simulator.answer_next(Behaviour::refuse(reason));
        assert_eq!(world.push(|right| right).await, refused(status, reason));
    }
    let later = Refusal { retry_after: Some("7".into()), timestamp: Some(5), ..Refusal::of("Unregistered") };
    world.simulator.answer_device(TOKEN, Behaviour::Refuse(later));
    for _ in 0..2 {
        assert_eq!(world.push(|right| right).await, (410, json!({ "reason": "Unregistered", "timestamp": 5 })));
    }
}
