//! The simulator itself refuses what Google would refuse.

use countersign_protocol::time::Clock;
use countersign_tests::clock::ManualClock;
use countersign_tests::fcm::{FOREIGN_KEY, Fcm, KEY, PROJECT};
use countersign_tests::http::{Answer, send};
use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use ring::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

struct Scene {
    fcm: Fcm,
    clock: ManualClock,
    http: reqwest::Client,
}

impl Scene {
    async fn new() -> Self {
        let clock = ManualClock::new();
        let fcm = Fcm::start(Arc::new(clock.clone())).await;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(fcm.authority_pem().as_bytes()).unwrap()).unwrap();
        let builder = https_client::builder(roots).unwrap();
        Self { fcm, clock, http: https_client::build(builder).unwrap() }
    }

    fn claims(&self) -> Value {
        let now = self.clock.now().seconds();
        json!({
            "iss": self.fcm.service_account()["client_email"],
            "scope": "https://www.googleapis.com/auth/firebase.messaging",
            "aud": self.fcm.token_url(), "iat": now, "exp": now + 3600,
        })
    }

    async fn token(&self, grant: &str, assertion: &str) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", grant)
            .append_pair("assertion", assertion)
            .finish();
        let request = self.http.post(self.fcm.token_url());
        send(request.header("content-type", "application/x-www-form-urlencoded").body(form)).await
    }

    /// An access token that serves.
    async fn access_token(&self) -> String {
        let granted = self.token(GRANT, &signed(KEY, &header(), &self.claims())).await;
        assert_eq!((granted.status, &granted.body["expires_in"]), (200, &json!(3599)), "{granted:?}");
        granted.body["access_token"].as_str().unwrap().to_owned()
    }

    async fn send(&self, access_token: &str, body: &Value) -> Answer {
        send(self.http.post(self.fcm.send_url()).bearer_auth(access_token).json(body)).await
    }
}

fn header() -> Value {
    json!({ "alg": "RS256", "typ": "JWT", "kid": countersign_tests::fcm::KEY_ID })
}

#[expect(clippy::disallowed_methods, reason = "it only blinds: the signature is the same for any")]
fn signed(pem: &str, header: &Value, claims: &Value) -> String {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let key = ring::rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let input = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    let blinding = ring::rand::SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA256, &blinding, input.as_bytes(), &mut signature).unwrap();
    format!("{input}.{}", BASE64URL_NOPAD.encode(&signature))
}

#[tokio::test]
async fn only_a_right_assertion_gets_a_token() {
    let scene = Scene::new().await;
    scene.access_token().await;
    let now = scene.clock.now().seconds();
    let mut tries = vec![
        ("a foreign key", GRANT, signed(FOREIGN_KEY, &header(), &scene.claims()), "invalid_grant"),
        ("another grant", "password", signed(KEY, &header(), &scene.claims()), "unsupported_grant_type"),
        ("no assertion at all", GRANT, "a.b".into(), "invalid_grant"),
    ];
    let mut altered = signed(KEY, &header(), &scene.claims());
    let place = altered.len() - 6..altered.len() - 5;
    let other = if &altered[place.clone()] == "A" { "B" } else { "A" };
    altered.replace_range(place, other);
    tries.push(("an altered signature", GRANT, altered, "invalid_grant"));
    for (member, value) in [("alg", "none"), ("alg", "HS256"), ("kid", "another"), ("typ", "JOSE")] {
        let mut header = header();
        header[member] = value.into();
        tries.push((member, GRANT, signed(KEY, &header, &scene.claims()), "invalid_grant"));
    }
    for (what, member, value, error) in [
        ("another audience", "aud", json!("https://oauth2.googleapis.com/token"), "invalid_grant"),
        ("another account", "iss", json!("other@example.iam.gserviceaccount.com"), "invalid_grant"),
        ("another scope", "scope", json!("https://www.googleapis.com/auth/cloud-platform"), "invalid_scope"),
        ("it is over", "exp", json!(now), "invalid_grant"),
        ("longer than an hour", "exp", json!(now + 3601), "invalid_grant"),
        ("from the future", "iat", json!(now + 301), "invalid_grant"),
        ("without a beginning", "iat", Value::Null, "invalid_grant"),
    ] {
        let mut claims = scene.claims();
        claims[member] = value;
        tries.push((what, GRANT, signed(KEY, &header(), &claims), error));
    }
    for (what, grant, assertion, error) in tries {
        let answer = scene.token(grant, &assertion).await;
        assert_eq!((answer.status, answer.body["error"].as_str()), (400, Some(error)), "{what}");
    }
    assert_eq!(scene.fcm.token_fetches(), 1, "only the right one counts");
}

#[tokio::test]
async fn only_a_right_message_is_taken() {
    let mut scene = Scene::new().await;
    let (access_token, device) = (scene.access_token().await, scene.fcm.install());
    let data = |value: Value| json!({ "message": { "token": device, "data": { "envelope": value } } });
    let right = data("x".repeat(4096 - "envelope".len()).into());
    let answer = scene.send(&access_token, &right).await;
    assert_eq!(answer.status, 200, "4,096 bytes: {answer:?}");
    assert!(answer.body["name"].as_str().unwrap().starts_with(&format!("projects/{PROJECT}/messages/")), "{answer:?}");
    scene.fcm.next().await;

    let changed = |pointer: &str, value: Value| {
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let mut body = data("x".into());
        body.pointer_mut(parent).unwrap()[member] = value;
        body
    };
    for (what, body) in [
        ("4,097 bytes", data("x".repeat(4097 - "envelope".len()).into())),
        ("a number", data(12.into())),
        ("an object", data(json!({}))),
        ("a reserved key", changed("/message/data/from", "x".into())),
        ("another reserved key", changed("/message/data/google.x", "x".into())),
        ("no recipient", changed("/message/token", Value::Null)),
        ("an unknown member", changed("/message/priority", "high".into())),
        ("too long a life", changed("/message/android", json!({ "ttl": "2419201s" }))),
        ("a life without a unit", changed("/message/android", json!({ "ttl": "60" }))),
        ("no such priority", changed("/message/android", json!({ "priority": "urgent" }))),
        ("no message", json!({})),
    ] {
        let answer = scene.send(&access_token, &body).await;
        let status = answer.body["error"]["status"].as_str();
        assert_eq!((answer.status, status), (400, Some("INVALID_ARGUMENT")), "{what}: {answer:?}");
    }
    let request = || scene.http.post(scene.fcm.send_url()).bearer_auth(&access_token);
    let no_json = send(request().header("content-type", "application/json").body("{")).await;
    assert_eq!(no_json.status, 400);
    let no_type = send(request().body(data("x".into()).to_string())).await;
    assert_eq!(no_type.status, 400);
    assert!(scene.fcm.is_quiet(), "none of them was taken");
}

#[tokio::test]
async fn only_a_living_token_of_this_project_may_send() {
    let mut scene = Scene::new().await;
    let (access_token, device) = (scene.access_token().await, scene.fcm.install());
    let body = json!({ "message": { "token": device, "data": { "envelope": "x" } } });
    assert_eq!(scene.send(&access_token, &body).await.status, 200);
    scene.fcm.next().await;

    let elsewhere = scene.fcm.send_url().replace(PROJECT, "other-project");
    let answer = send(scene.http.post(elsewhere).bearer_auth(&access_token).json(&body)).await;
    assert_eq!((answer.status, answer.body["error"]["status"].as_str()), (403, Some("PERMISSION_DENIED")));
    let other_call = scene.fcm.send_url().replace("messages:send", "messages:list");
    assert_eq!(send(scene.http.post(other_call).bearer_auth(&access_token).json(&body)).await.status, 404);
    let read = scene.http.request(Method::GET, scene.fcm.send_url()).bearer_auth(&access_token);
    assert_eq!(send(read).await.status, 405);
    assert_eq!(send(scene.http.get(scene.fcm.token_url())).await.status, 405);

    assert_eq!(scene.send("ya29.c.foreign", &body).await.status, 401);
    let bare = send(scene.http.post(scene.fcm.send_url()).json(&body)).await;
    assert_eq!((bare.status, bare.body["error"]["status"].as_str()), (401, Some("UNAUTHENTICATED")));
    scene.clock.advance(Duration::from_secs(3599));
    assert_eq!(scene.send(&access_token, &body).await.status, 401, "a stale one");
    let fresh = scene.access_token().await;
    scene.fcm.uninstall(&device);
    let gone = scene.send(&fresh, &body).await;
    assert_eq!((gone.status, &gone.body["error"]["details"][0]["errorCode"]), (404, &json!("UNREGISTERED")));
    assert_eq!(scene.fcm.next().await.status, 404);
    scene.fcm.revoke_access_tokens();
    assert_eq!(scene.send(&fresh, &body).await.status, 401);
    assert!(scene.fcm.is_quiet());
}
