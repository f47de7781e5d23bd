//! What a thief would try. Each refusal starts from a request that is accepted, changes one thing, and must end with
//! its code and an unchanged state. That each field of a message is judged, the vectors prove.

use countersign_protocol::decision::{Answer, Decision};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::jws;
use countersign_protocol::randomness::SystemRandomness;
use countersign_tests::clock::ManualClock;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::{self, RelyingParty};
use countersign_tests::scene::Scene;
use countersign_tests::server::TestServer;
use reqwest::Method;
use serde_json::{Value, json};

/// A person with a device, and a challenge that waits for it.
struct Asked {
    server: TestServer,
    clock: ManualClock,
    site: RelyingParty,
    user: String,
    device: HandmadeDevice,
    id: ChallengeId,
    compact: String,
}

impl Asked {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let device = scene.device().await;
        let (id, compact) = device.asked(&scene.site, &scene.user).await;
        let Scene { server, clock, site, user } = scene;
        Self { server, clock, site, user, device, id, compact }
    }

    fn claims(&self) -> Decision {
        self.device.decision_claims(&self.compact, Answer::Approve)
    }

    /// Sends a decision that must be refused with this code and change nothing.
    async fn refused(&self, what: &str, decision: impl Into<Vec<u8>>, status: u16, code: &str) {
        let answer = self.device.decide(&self.id, decision).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{what}: {answer:?}");
        assert_eq!(self.site.state(&self.id).await, "pending", "{what}");
    }

    /// The unchanged decision, last, so that it is seen that nothing else was wrong.
    async fn accepted(&self) {
        let answer = self.device.decide(&self.id, self.device.decision(&self.compact, Answer::Approve)).await;
        assert_eq!((answer.status, &answer.body["state"]), (200, &json!("approved")), "{answer:?}");
        assert_eq!(self.site.state(&self.id).await, "approved");
    }
}

#[tokio::test]
async fn a_decision_with_one_thing_changed_is_refused() {
    let scene = Asked::new().await;
    let (device, id) = (&scene.device, scene.id);
    let with = |change: &dyn Fn(&mut Decision)| {
        let mut claims = scene.claims();
        change(&mut claims);
        jws::sign_now(&claims, &device.approval).unwrap()
    };
    // Each other field and each other form is one of the vectors; this shows that they are asked, and nothing has
    // changed.
    let altered = countersign_protocol::challenge::digest(&scene.compact.replace('.', "x"));
    scene.refused("altered context", with(&|c| c.challenge_sha256.clone_from(&altered)), 403, "wrong_challenge").await;
    scene.refused("the past", with(&|c| c.iat -= 120), 403, "stale_time").await;
    let good = device.decision(&scene.compact, Answer::Approve);
    scene.refused("empty", "", 400, "malformed").await;
    scene.refused("not UTF-8", vec![0xff; 64], 400, "malformed").await;
    scene.refused("oversized", "a".repeat(9000), 413, "too_large").await;
    scene.refused("far oversized", "a".repeat(200_000), 413, "too_large").await;

    let another = ChallengeId::random(&SystemRandomness::new());
    let elsewhere = device.decide(&another, good.clone()).await;
    assert_eq!((elsewhere.status, elsewhere.code()), (403, "unknown_key"), "a challenge that does not exist");
    scene.accepted().await;
    let again = device.decide(&id, good).await;
    assert_eq!((again.status, &again.body["state"]), (200, &json!("approved")), "the same answer again");
    let no = device.decide(&id, device.decision(&scene.compact, Answer::Deny)).await;
    assert_eq!((no.status, no.code()), (409, "already_answered"));
    assert_eq!(scene.site.state(&scene.id).await, "approved");
}

#[tokio::test]
async fn another_device_or_account_or_server_cannot_answer() {
    let scene = Asked::new().await;
    let friend = HandmadeDevice::enrol_at(&scene.site, &scene.site.user("noor").await, &scene.clock).await;
    let other_account = jws::sign_now(&scene.claims(), &friend.approval).unwrap();
    scene.refused("another account's device", other_account, 403, "unknown_key").await;

    // The person's own second device was enrolled after the question and was never asked.
    let late = HandmadeDevice::enrol_at(&scene.site, &scene.user, &scene.clock).await;
    let never_asked = jws::sign_now(&scene.claims(), &late.approval).unwrap();
    scene.refused("a device that was not asked", never_asked, 403, "unknown_key").await;

    let elsewhere = Asked::new().await;
    let foreign = elsewhere.device.decision(&elsewhere.compact, Answer::Approve);
    scene.refused("a decision for another server", foreign, 403, "unknown_key").await;
    scene.accepted().await;
}

#[tokio::test]
async fn one_devices_challenge_answered_by_the_other_device_of_the_same_person_is_refused() {
    let scene = Scene::new().await;
    let (first, second) = (scene.device().await, scene.device().await);
    let (id, for_first) = first.asked(&scene.site, &scene.user).await;
    // Both were asked, each with bytes of its own: the second signs what the first was shown.
    let crossed = second.decide(&id, second.decision(&for_first, Answer::Approve)).await;
    assert_eq!((crossed.status, crossed.code()), (403, "wrong_challenge"));
    assert_eq!(scene.site.state(&id).await, "pending");
}

#[tokio::test]
async fn a_request_proof_with_one_thing_changed_is_refused() {
    let scene = Asked::new().await;
    let device = &scene.device;
    let target = "/v1/device/devices";
    device.warm_up().await;
    type Change = fn(&mut countersign_protocol::proof::Proof);
    // Each other field is one of the vectors, but the nonce, which only a server can judge.
    let changes: [(&str, Change, u16, &str); 3] = [
        ("another body", |p| p.body_sha256 = countersign_protocol::key::sha256_text(b"x"), 403, "bad_signature"),
        ("no nonce", |p| p.nonce.clear(), 401, "nonce_required"),
        ("a made-up nonce", |p| p.nonce.replace_range(..4, "AAAA"), 401, "nonce_required"),
    ];
    for (what, change, status, code) in changes {
        let mut claims = device.proof_claims("GET", target, b"");
        change(&mut claims);
        let proof = jws::sign_now(&claims, &device.request).unwrap();
        let answer = device.send_with(Method::GET, target, b"", &proof).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{what}");
    }
    assert_eq!(
        http::send(http::client().get(format!("{}{target}", device.url))).await.code(),
        "malformed",
        "no proof at all"
    );

    let proof = jws::sign_now(&device.proof_claims("GET", target, b""), &device.request).unwrap();
    assert_eq!(device.send_with(Method::GET, target, b"", &proof).await.status, 200);
    let again = device.send_with(Method::GET, target, b"", &proof).await;
    assert_eq!((again.status, again.code()), (403, "replayed"));
}

#[tokio::test]
async fn a_nonce_of_one_device_does_not_serve_another() {
    let scene = Asked::new().await;
    let friend = HandmadeDevice::enrol_at(&scene.site, &scene.site.user("noor").await, &scene.clock).await;
    scene.device.warm_up().await;
    friend.warm_up().await;
    let target = "/v1/device/devices";
    let mut claims = friend.proof_claims("GET", target, b"");
    claims.nonce = scene.device.proof_claims("GET", target, b"").nonce;
    let proof = jws::sign_now(&claims, &friend.request).unwrap();
    assert_eq!(friend.send_with(Method::GET, target, b"", &proof).await.code(), "nonce_required");
}

#[tokio::test]
async fn a_push_endpoint_that_is_more_than_an_address_is_refused() {
    let scene = Asked::new().await;
    let registration = |endpoint: &str| {
        let receiver = countersign_protocol::webpush::Receiver::generate(&SystemRandomness::new());
        let mut body = serde_json::to_value(receiver.subscription(endpoint.into())).unwrap();
        body["gateway"] = json!("webpush");
        body.to_string().into_bytes()
    };
    let put = async |endpoint: &str| scene.device.send(Method::PUT, "/v1/device/push", &registration(endpoint)).await;
    for endpoint in [
        "http://user:secret@127.0.0.1:9/push",
        "http://127.0.0.1:9/push#fragment",
        " http://127.0.0.1:9/push",
        "http:127.0.0.1:9/push",
        "http://127.0.0.1:9/a\r\nx: y",
        "ftp://127.0.0.1/push",
        "nowhere",
    ] {
        assert_eq!(put(endpoint).await.code(), "malformed", "{endpoint:?}");
    }
    assert_eq!(put("http://127.0.0.1:9/push").await.status, 204);
}

#[tokio::test]
async fn a_header_that_comes_twice_is_refused() {
    let scene = Asked::new().await;
    let ask = || scene.site.request(Method::POST, "/v1/challenges").json(&json!({ "user_id": scene.user }));
    let keys = http::send(ask().header("idempotency-key", "a").header("idempotency-key", "b")).await;
    assert_eq!((keys.status, keys.code()), (400, "malformed"));
    let credentials = http::send(ask().header("authorization", "Bearer csk_other")).await;
    assert_eq!((credentials.status, credentials.code()), (401, "unauthorised"));
    assert_eq!(http::send(ask().header("idempotency-key", "a")).await.status, 201);
}

#[tokio::test]
async fn what_a_device_approved_is_revoked_with_it() {
    let scene = Asked::new().await;
    scene.accepted().await;
    let target = format!("/v1/device/devices/{}", scene.device.id());
    assert_eq!(scene.device.send(Method::DELETE, &target, b"").await.status, 204);
    let claim = scene.site.claim(&scene.id, "k").await;
    assert_eq!((claim.status, claim.code()), (409, "not_approved"));
    assert_eq!(scene.site.state(&scene.id).await, "revoked");
}

#[tokio::test]
async fn a_device_cannot_remove_another() {
    let scene = Asked::new().await;
    let second = HandmadeDevice::enrol_at(&scene.site, &scene.user, &scene.clock).await;
    let target = format!("/v1/device/devices/{}", scene.device.id());
    let answer = second.send(Method::DELETE, &target, b"").await;
    assert_eq!((answer.status, answer.code()), (403, "wrong_device"));
    scene.accepted().await;
}

#[tokio::test]
async fn only_the_relying_party_that_asked_reads_cancels_or_claims() {
    let scene = Asked::new().await;
    let colleague = scene.server.relying_party("Meridian", "Webmail").await;
    let stranger = scene.server.relying_party("Elsewhere", "Customer area").await;
    let nobody = RelyingParty::new(&scene.server.url, "csk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let path = format!("/v1/challenges/{}", scene.id);
    scene.accepted().await;
    for (who, other, status, code) in [
        ("same organisation", &colleague, 404, "not_found"),
        ("other organisation", &stranger, 404, "not_found"),
        ("no such key", &nobody, 401, "unauthorised"),
    ] {
        let claim = other.post_once(&format!("{path}/claim"), "k").await;
        let cancel = other.post(&format!("{path}/cancel"), &Value::Null).await;
        for answer in [other.get(&path).await, other.get(&format!("{path}?wait=60")).await, claim, cancel] {
            assert_eq!((answer.status, answer.code()), (status, code), "{who}: {answer:?}");
        }
    }
    assert_eq!(scene.site.state(&scene.id).await, "approved");
    assert_eq!(scene.site.post_once(&format!("{path}/claim"), "k").await.status, 200);
}

#[tokio::test]
async fn a_relying_partys_bad_input_gets_a_clear_error() {
    let scene = Asked::new().await;
    let user = &scene.user;
    let twice = &json!({ "label": "Amount", "value": "12" });
    let bad = [
        (json!({}), "missing field `user_id`"),
        (json!({ "user_id": 7 }), "wrong type"),
        (json!({ "user_id": user, "expires": 60 }), "unknown field `expires`"),
        (json!({ "user_id": user, "expires_in": 0 }), "1 to 600"),
        (json!({ "user_id": user, "expires_in": 601 }), "1 to 600"),
        (json!({ "user_id": user, "expires_in": -1 }), "wrong type"),
        (json!({ "user_id": user, "policy": { "mode": "none" } }), "unknown variant"),
        (json!({ "user_id": user, "binding_message": "a\u{202e}b" }), "bidirectional"),
        (json!({ "user_id": user, "methods": ["code"], "binding_message": "a\u{202e}b" }), "bidirectional"),
        (json!({ "user_id": user, "details": [{ "label": "Amount" }] }), "missing field `value`"),
        (json!({ "user_id": user, "details": [{ "label": "Amount", "value": "1\n2" }] }), "value of a detail"),
        (json!({ "user_id": user, "methods": ["code"], "details": [twice, twice] }), "label of a detail"),
        (json!({ "user_id": user, "details": [["Amount", "12"]] }), "JSON object"),
        (json!({ "user_id": user, "context": { "ip": "here" } }), "IP address"),
        (json!([user]), "JSON object"),
        (json!("maya"), "wrong type"),
        (json!({ "user_id": user, "policy": ["tap"] }), "JSON object"),
        (json!({ "user_id": user, "context": ["192.0.2.7"] }), "JSON object"),
    ];
    for (body, hint) in bad {
        let answer = scene.site.post("/v1/challenges", &body).await;
        assert_eq!((answer.status, answer.code()), (400, "malformed"), "{body}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(hint), "{body}: {detail}");
        assert!(!detail.contains(user.as_str()), "no value comes back: {detail}");
    }
    for methods in [json!(["push", "code"]), json!(["code"])] {
        let long = json!({ "binding_message": "é".repeat(121), "methods": methods });
        let answer = scene.site.ask_for(user, long).await;
        assert_eq!((answer.status, answer.code()), (413, "too_large"), "{methods}");
        let nine: Vec<Value> = (1..=9).map(|number| json!({ "label": number.to_string(), "value": "1" })).collect();
        let many = scene.site.ask_for(user, json!({ "details": nine, "methods": methods })).await;
        assert_eq!((many.status, many.code()), (413, "too_large"), "{methods}");
    }
    scene.accepted().await;
}
