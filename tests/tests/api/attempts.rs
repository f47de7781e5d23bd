//! What is sent twice is asked once, and what others ask hides nothing: retransmitted creations, and a sister site that
//! floods.

use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Answer;
use countersign_tests::handmade::{HandmadeDevice, read_claims};
use countersign_tests::http::{Answer as Answered, RelyingParty, send};
use countersign_tests::scene::Scene;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// What a RADIUS server calls an Access-Request: RFC 5080, section 2.2.2.
const ATTEMPT: &str = "radius 192.0.2.1 50321 17 9f86d081884c7d659a2feaa0c55ad015";

async fn try_to_sign_in(site: &RelyingParty, user: &str, attempt: &str) -> Answered {
    site.ask_for(user, json!({ "attempt": attempt })).await
}

fn id_of(answer: &Answered) -> &str {
    answer.body["id"].as_str().unwrap_or_else(|| panic!("{answer:?}"))
}

/// The ids that a pull brings, in its order.
async fn pulled(device: &HandmadeDevice) -> Vec<String> {
    let compacts = device.pull().await;
    compacts.iter().map(|compact| read_claims::<Challenge>(compact).challenge_id.to_string()).collect()
}

#[tokio::test]
async fn a_sister_site_that_floods_hides_no_question_of_another() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let sisters = [
        scene.server.relying_party("Meridian", "Webmail").await,
        scene.server.relying_party("Meridian", "Wiki").await,
        scene.server.relying_party("Meridian", "Payroll").await,
    ];
    let (mut before, mut own) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        before.push(sisters[0].ask(&scene.user).await);
    }
    for _ in 0..2 {
        own.push(scene.site.ask(&scene.user).await);
    }
    let quiet = sisters[1].ask(&scene.user).await;
    let mut after = Vec::new();
    for _ in 0..40 {
        after.push(sisters[2].ask(&scene.user).await);
    }
    let brought = pulled(&device).await;
    assert_eq!(brought.len(), 32);
    for (what, id) in [
        ("the person's newest", &own[1]),
        ("the one before it", &own[0]),
        ("another site's only one", &quiet),
        ("the newest of who flooded before", &before[39]),
        ("the newest of who floods now", &after[39]),
    ] {
        assert!(brought.contains(id), "{what}: {brought:?}");
    }
    let order: Vec<&String> = before.iter().chain(&own).chain([&quiet]).chain(&after).collect();
    let places: Vec<usize> = brought.iter().map(|id| order.iter().position(|one| *one == id).unwrap()).collect();
    assert!(places.is_sorted(), "the oldest first: {places:?}");
}

#[tokio::test]
async fn a_phone_that_holds_more_than_a_pull_names_is_not_brought_the_same_for_ever() {
    let scene = Scene::with_many_questions().await;
    let (phone, id) = scene.phone().await;
    let sister = scene.server.relying_party("Meridian", "Webmail").await;
    let pull = async || phone.core.pull(id, 0).await.unwrap().received.len();
    for round in 0..5 {
        for _ in 0..20 {
            sister.ask(&scene.user).await;
        }
        if round == 1 {
            scene.site.ask(&scene.user).await;
        }
        assert!(pull().await >= 20, "round {round}");
    }
    pull().await;
    pull().await;
    assert_eq!(pull().await, 0, "what was brought is named, and the next pull can wait");
    assert!(phone.core.pending().unwrap().len() > 64);
}

#[tokio::test]
async fn an_attempt_that_is_sent_again_is_asked_once_and_stays_a_tap() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let first = try_to_sign_in(&scene.site, &scene.user, ATTEMPT).await;
    assert_eq!(first.status, 201);
    scene.clock.advance(Duration::from_secs(5));
    for key in [None, Some("one"), Some("two")] {
        let request = scene.site.request(Method::POST, "/v1/challenges");
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        let again = send(request.json(&json!({ "user_id": scene.user, "attempt": ATTEMPT }))).await;
        assert_eq!((again.status, id_of(&again)), (200, id_of(&first)), "a client's own fresh key changes nothing");
        assert_eq!(again.body["policy"], json!({ "mode": "tap" }), "nothing came beside it");
    }
    assert_eq!(pulled(&device).await, [id_of(&first)]);
}

#[tokio::test]
async fn workers_that_get_one_retransmission_each_at_one_moment_share_a_challenge() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let (site, user) = (scene.site.clone(), scene.user.clone());
            tokio::spawn(async move { try_to_sign_in(&site, &user, ATTEMPT).await })
        })
        .collect();
    let (mut ids, mut new) = (BTreeSet::new(), 0);
    for worker in workers {
        let answer = worker.await.unwrap();
        new += usize::from(answer.status == 201);
        ids.insert(id_of(&answer).to_owned());
    }
    assert_eq!((ids.len(), new), (1, 1), "{ids:?}");
    assert_eq!(pulled(&device).await.len(), 1);
}

#[tokio::test]
async fn whoever_signs_in_at_the_same_moment_rides_on_no_other_attempt() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let sister = scene.server.relying_party("Meridian", "Webmail").await;
    let noor = scene.site.user("noor").await;
    let _hers = scene.device_of(&noor).await;
    // The thief has the password, and comes in the same second from another address.
    let own = try_to_sign_in(&scene.site, &scene.user, ATTEMPT).await;
    let thief =
        try_to_sign_in(&scene.site, &scene.user, "radius 198.51.100.66 1024 17 00000000000000000000000000000000");
    let unnamed = scene.site.ask_for(&scene.user, json!({}));
    let others = [
        ("another attempt", thief.await),
        ("none", unnamed.await),
        ("another relying party", try_to_sign_in(&sister, &scene.user, ATTEMPT).await),
        ("another person", try_to_sign_in(&scene.site, &noor, ATTEMPT).await),
    ];
    for (what, other) in &others {
        assert_eq!(other.status, 201, "{what}: {other:?}");
        assert_ne!(id_of(other), id_of(&own), "{what}");
    }
    let mut compacts = device.pull().await.into_iter();
    let compact = compacts.find(|one| read_claims::<Challenge>(one).challenge_id.to_string() == id_of(&own)).unwrap();
    let approval = device.approval(&scene.site, &compact).await;
    assert_eq!(device.decide(&id_of(&own).parse().unwrap(), approval).await.status, 200);
    assert_eq!(scene.site.state(id_of(&own)).await, "approved");
    assert_eq!(scene.site.state(id_of(&others[0].1)).await, "pending", "the YES is to one attempt");
}

#[tokio::test]
async fn a_repetition_that_would_show_something_else_is_refused() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let noor = scene.site.user("noor").await;
    let _hers = scene.device_of(&noor).await;
    let ask = async |members: Value| {
        let mut members = members;
        members["attempt"] = ATTEMPT.into();
        scene.site.ask_for(&scene.user, members).await
    };
    let context = json!({ "ip": "192.0.2.7" });
    let first = ask(json!({ "context": context })).await;
    assert_eq!(first.status, 201);
    for other in [
        json!({}),
        json!({ "context": { "ip": "198.51.100.66" } }),
        json!({ "context": context, "binding_message": "Pay 900 €" }),
        json!({ "context": context, "policy": { "mode": "number" } }),
        json!({ "context": context, "expires_in": 30 }),
    ] {
        let answer = ask(other.clone()).await;
        assert_eq!((answer.status, answer.code()), (409, "idempotency_mismatch"), "{other}");
    }
    for (members, status) in [(json!({ "user_id": noor }), 201), (json!({ "user_id": noor, "expires_in": 30 }), 409)] {
        let request = scene.site.request(Method::POST, "/v1/challenges").header("idempotency-key", "order-4711");
        assert_eq!(send(request.json(&members)).await.status, status, "the same under a key: {members}");
    }
    assert_eq!(pulled(&device).await, [id_of(&first)]);
}

#[tokio::test]
async fn an_approval_of_an_attempt_is_claimed_once_and_then_the_attempt_is_asked_anew() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let first = try_to_sign_in(&scene.site, &scene.user, ATTEMPT).await;
    let id = id_of(&first).to_owned();
    let compact = device.pull().await.remove(0);
    device.answers(&compact, Answer::Approve).await;
    let late = try_to_sign_in(&scene.site, &scene.user, ATTEMPT).await;
    assert_eq!((late.status, id_of(&late), &late.body["state"]), (200, id.as_str(), &json!("approved")));
    assert_eq!(scene.site.claim(&id, "worker 1").await.status, 200);
    assert_eq!(scene.site.claim(&id, "worker 2").await.code(), "already_claimed", "one YES is one claim");
    assert_eq!(scene.site.claim(&id, "worker 1").await.status, 200, "which its owner may repeat");
    let anew = try_to_sign_in(&scene.site, &scene.user, ATTEMPT).await;
    assert_eq!((anew.status, &anew.body["state"]), (201, &json!("pending")), "what was taken lets nobody in again");
}

#[tokio::test]
async fn what_can_lead_to_no_sign_in_any_more_answers_no_repetition() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    for end in ["denied", "reported", "cancelled", "expired", "lapsed", "revoked"] {
        let first = try_to_sign_in(&scene.site, &scene.user, ATTEMPT).await;
        assert_eq!(first.status, 201, "before {end}");
        let id = id_of(&first).to_owned();
        let compact = device.pull().await.remove(0);
        match end {
            "denied" => drop(device.answers(&compact, Answer::Deny).await),
            "reported" => drop(device.answers(&compact, Answer::Report).await),
            "lapsed" | "revoked" => drop(device.answers(&compact, Answer::Approve).await),
            _ => {}
        }
        match end {
            "cancelled" | "revoked" => drop(scene.site.cancel(&id).await),
            "expired" | "lapsed" => scene.clock.advance(Duration::from_secs(61)),
            _ => {}
        }
        assert_eq!(scene.site.state(&id).await, end);
    }
}

#[tokio::test]
async fn names_of_requests_and_attempts_are_printable_ascii() {
    let scene = Scene::new().await;
    let _device = scene.device().await;
    let long = "k".repeat(255);
    for name in ["k", "order 4711", "!~", &long] {
        let answer = try_to_sign_in(&scene.site, &scene.user, name).await;
        assert_eq!(answer.status, 201, "{name:?}: {answer:?}");
    }
    for name in ["", " ", " k", "k ", "a\tb", "a\nb", "é", "\u{7f}", &"k".repeat(256)] {
        let answer = try_to_sign_in(&scene.site, &scene.user, name).await;
        assert_eq!((answer.status, answer.code()), (400, "malformed"), "{name:?}");
    }
    let under = async |key: &[u8]| {
        let key = reqwest::header::HeaderValue::from_bytes(key).unwrap();
        let request = scene.site.request(Method::POST, "/v1/challenges").header("idempotency-key", key);
        send(request.json(&json!({ "user_id": scene.user }))).await
    };
    for key in ["k", "order 4711", "!~", &long] {
        assert_eq!(under(key.as_bytes()).await.status, 201, "{key:?}");
    }
    for key in ["", "a\tb", "é", &"k".repeat(256)] {
        assert_eq!(under(key.as_bytes()).await.code(), "malformed", "{key:?}");
    }
    // HTTP takes spaces from a header's ends, so that these are the key that stands above.
    assert_eq!(under(b" order 4711 ").await.status, 200);
}

#[tokio::test]
async fn a_wait_is_written_plainly_and_parameters_come_once() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let (id, compact) = device.asked(&scene.site, &scene.user).await;
    device.answers(&compact, Answer::Approve).await;
    let wait = async |query: &str| scene.site.get(&format!("/v1/challenges/{id}?{query}")).await;
    for good in ["wait=0", "wait=7", "wait=60", "wait=%37", "shown=tap", "other=1&other=1", ""] {
        assert_eq!(wait(good).await.status, 200, "{good}");
    }
    for bad in [
        "wait=",
        "wait=61",
        "wait=007",
        "wait=00",
        "wait=0000000000000000001",
        "wait=%2B1",
        "wait=+1",
        "wait=-0",
        "wait=1.0",
        "wait=1e1",
        "wait=%201",
        "wait=%D9%A1",
        "wait=4294967297",
        "wait=1&wait=1",
        "shown=tap&shown=tap",
        "shown=Tap",
        "shown=",
    ] {
        let answer = wait(bad).await;
        assert_eq!((answer.status, answer.code()), (400, "malformed"), "{bad}");
    }
    let enrolment = scene.site.get(&format!("/v1/enrolments/{}?wait=07", device.id())).await;
    assert_eq!(enrolment.code(), "malformed");
    for bad in ["wait=01", "wait=1&wait=1", "known=&known="] {
        let answer = device.send(Method::GET, &format!("/v1/device/challenges?{bad}"), b"").await;
        assert_eq!((answer.status, answer.code()), (400, "malformed"), "{bad}");
    }
    let nonce = scene.site.get("/.well-known/countersign?nonce=a&nonce=a").await;
    assert_eq!((nonce.status, nonce.code()), (400, "malformed"));
}
