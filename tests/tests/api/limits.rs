//! How much one person, one relying party or one address may take, and that the others go on. The clock stands still
//! unless a test moves it.

use countersign_protocol::decision::Answer::{Approve, Deny};
use countersign_tests::handmade::Prepared;
use countersign_tests::http::{Answer, RelyingParty, client, send};
use countersign_tests::push_service::PushService;
use countersign_tests::scene::Scene;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Fails unless it is this refusal, with a pause of so many seconds.
#[track_caller]
fn refuses(answer: &Answer, code: &str, seconds: u64) {
    assert_eq!((answer.status, answer.code()), (429, code), "{answer:?}");
    assert_eq!(answer.headers["retry-after"], seconds.to_string(), "{answer:?}");
}

#[tokio::test]
async fn a_person_has_so_many_questions_at_a_time_and_each_relying_party_its_share_of_them() {
    let scene = Scene::with(|config| {
        config.limits.questions_per_person = 3;
        config.limits.questions_per_person_and_relying_party = 2;
    });
    let scene = scene.await;
    scene.device().await;
    let [webmail, shop] =
        [scene.server.relying_party("Meridian", "Webmail").await, scene.server.relying_party("Meridian", "Shop").await];
    let first = scene.site.ask_for(&scene.user, json!({ "expires_in": 30 })).await;
    scene.site.ask(&scene.user).await;
    refuses(&scene.site.ask_for(&scene.user, json!({})).await, "too_many_open", 30);
    // The one that floods leaves room for another, until the person has enough.
    webmail.ask(&scene.user).await;
    refuses(&shop.ask_for(&scene.user, json!({})).await, "too_many_open", 30);
    // Somebody else's questions are another matter.
    let other = scene.site.user("noor").await;
    scene.device_of(&other).await;
    scene.site.ask(&other).await;
    // What is taken back, or over, leaves its place.
    let id = first.body["id"].as_str().unwrap();
    assert_eq!(scene.site.cancel(id).await.status, 200);
    shop.ask(&scene.user).await;
    refuses(&scene.site.ask_for(&scene.user, json!({})).await, "too_many_open", 60);
    scene.clock.advance(Duration::from_secs(60));
    scene.site.ask(&scene.user).await;
}

#[tokio::test]
async fn the_same_request_and_the_same_attempt_are_no_question_more() {
    let scene = Scene::with(|config| config.limits.questions_per_person_and_relying_party = 1).await;
    scene.device().await;
    let attempt = json!({ "attempt": "tab 1" });
    assert_eq!(scene.site.ask_for(&scene.user, attempt.clone()).await.status, 201);
    assert_eq!(scene.site.ask_for(&scene.user, attempt).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_race_of_creations_passes_no_limit() {
    let scene = Scene::with(|config| config.limits.questions_per_person_and_relying_party = 5).await;
    scene.device().await;
    let mut racing = JoinSet::new();
    for _ in 0..40 {
        let (site, user) = (scene.site.clone(), scene.user.clone());
        racing.spawn(async move { site.ask_for(&user, json!({})).await.status });
    }
    let answers = racing.join_all().await;
    let count = |wanted| answers.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(201), count(429)), (5, 35), "{answers:?}");
}

#[tokio::test]
async fn who_asks_for_everyone_is_slowed_and_a_persons_own_question_comes_through() {
    let scene = Scene::with(|config| {
        config.limits.creations_per_second = 1;
        config.limits.creations_burst = 10;
    });
    let (scene, push) = (scene.await, PushService::start().await);
    let webmail = scene.server.relying_party("Meridian", "Webmail").await;
    let (phone, id) = scene.pushed_phone(&[push.registration()]).await;
    let mut everyone = vec![scene.user.clone()];
    for number in 0..3 {
        let user = scene.site.user(&format!("person {number}")).await;
        scene.device_of(&user).await;
        everyone.push(user);
    }
    // Everyone, again and again, as a program does that tries on whatever it hears.
    let mut asking = JoinSet::new();
    for user in everyone.iter().cycle().take(20) {
        let (site, user) = (scene.site.clone(), user.clone());
        asking.spawn(async move { site.ask_for(&user, json!({})).await });
    }
    let mut slowed = 0;
    while let Some(asked) = asking.join_next().await {
        let asked = asked.unwrap();
        if asked.status == 429 {
            refuses(&asked, "too_many_creations", 1);
            slowed += 1;
        }
    }
    assert_eq!(slowed, 10, "the burst, and nothing more while the clock stands");
    let own = webmail.ask_for(&scene.user, json!({})).await;
    assert_eq!(own.status, 201, "{own:?}");
    assert!(matches!(own.body["push"].as_str(), Some("queued" | "sent")), "it rings: {own:?}");
    phone.core.pull(id, 0).await.unwrap();
    let pending = phone.core.pending().unwrap();
    assert!(pending.iter().any(|one| one.challenge.challenge_id.to_string() == own.body["id"]), "and it is there");
    // It goes on at its rate, without anybody's help.
    scene.clock.advance(Duration::from_secs(2));
    let statuses = [&everyone[1], &everyone[2], &everyone[3]].map(|user| scene.site.ask_for(user, json!({})));
    let mut taken = 0;
    for asking in statuses {
        taken += usize::from(asking.await.status == 201);
    }
    assert_eq!(taken, 2);
}

#[tokio::test]
async fn a_question_that_is_answered_with_yes_is_not_counted_and_one_with_no_is() {
    let scene = Scene::with(|config| {
        config.limits.creations_per_second = 1;
        config.limits.creations_burst = 2;
    });
    let scene = scene.await;
    let device = scene.device().await;
    for _ in 0..10 {
        let (id, compact) = device.asked(&scene.site, &scene.user).await;
        let decision = device.decision(&compact, Approve);
        for _ in 0..3 {
            // Told again, it gives nothing back a second time.
            assert_eq!(device.decide(&id, decision.clone()).await.status, 200);
        }
        assert_eq!(scene.site.claim(&id, "login").await.status, 200);
    }
    for _ in 0..2 {
        let (_, compact) = device.asked(&scene.site, &scene.user).await;
        assert_eq!(device.answers(&compact, Deny).await.status, 200);
    }
    refuses(&scene.site.ask_for(&scene.user, json!({})).await, "too_many_creations", 1);
}

#[tokio::test]
async fn a_relying_party_has_so_many_waits_at_a_time_and_others_have_theirs() {
    let scene = Scene::with(|config| config.limits.waits_per_relying_party = 2).await;
    scene.device().await;
    let webmail = scene.server.relying_party("Meridian", "Webmail").await;
    let theirs = webmail.ask(&scene.user).await;
    let challenge = scene.site.ask(&scene.user).await;
    let parked = async |count| scene.server.until_waiting(|wake| wake.challenges.count(), count).await;
    let wait = |site: &RelyingParty, challenge: &str| site.waits(format!("/v1/challenges/{challenge}?wait=60"));
    let waits = [wait(&scene.site, &challenge), wait(&scene.site, &challenge)];
    parked(2).await;
    refuses(&scene.site.get(&format!("/v1/challenges/{challenge}?wait=60")).await, "too_many_waits", 1);
    // Without a wait it is answered.
    assert_eq!(scene.site.get(&format!("/v1/challenges/{challenge}")).await.status, 200);
    let others = wait(&webmail, &theirs);
    parked(3).await;
    scene.site.cancel(&challenge).await;
    for waiting in waits {
        assert_eq!(waiting.await.unwrap().body["state"], "cancelled");
    }
    let again = scene.site.ask(&scene.user).await;
    let again = wait(&scene.site, &again);
    parked(2).await;
    again.abort();
    others.abort();
}

#[tokio::test]
async fn links_of_a_person_are_limited_and_links_that_nobody_uses_are_slowed() {
    let scene = Scene::with(|config| {
        config.limits.enrolments_per_person = 2;
        config.limits.enrolments_per_second = 1;
        config.limits.enrolments_burst = 5;
    });
    let scene = scene.await;
    let open = async |user: &str| scene.site.post(&format!("/v1/users/{user}/enrolments"), &Value::Null).await;
    // One whose device is confirmed counts neither here nor there.
    for _ in 0..4 {
        scene.device().await;
    }
    assert_eq!([open(&scene.user).await.status, open(&scene.user).await.status], [201; 2]);
    refuses(&open(&scene.user).await, "too_many_enrolments", 600);
    for (number, wanted) in [(1, 201), (2, 201), (3, 429)] {
        let user = scene.site.user(&format!("person {number}")).await;
        let opened = open(&user).await;
        assert_eq!(opened.status, wanted, "{opened:?}");
    }
    // Another relying party of the same organisation is not slowed.
    let webmail = scene.server.relying_party("Meridian", "Webmail").await;
    let user = webmail.user("person 4").await;
    assert_eq!(webmail.post(&format!("/v1/users/{user}/enrolments"), &Value::Null).await.status, 201);
    scene.clock.advance(Duration::from_secs(600));
    assert_eq!(open(&scene.user).await.status, 201);
}

#[tokio::test]
async fn what_nobody_knows_is_told_a_few_times_and_what_is_valid_from_the_same_address_is_never_slowed() {
    let scene = Scene::with(|config| {
        config.limits.failures_per_second = 1;
        config.limits.failures_burst = 4;
    });
    let scene = scene.await;
    let device = scene.device().await;
    device.warm_up().await;
    let link = scene.site.link(&scene.user).await;
    let prepared = Prepared::new(&link, Arc::new(scene.clock.clone())).await;
    let unknown_key = RelyingParty::new(&scene.site.url, "csk_no_such_key");
    // One of each kind.
    assert_eq!(unknown_key.get("/v1/relying-party").await.code(), "unauthorised");
    let mut used = prepared.redemption.clone();
    used.ticket = "no such ticket".into();
    assert_eq!(prepared.send(&used).await.code(), "invalid_ticket");
    let (id, compact) = device.asked(&scene.site, &scene.user).await;
    let stranger = {
        let other = scene.site.user("noor").await;
        scene.device_of(&other).await
    };
    assert_eq!(device.decide(&id, stranger.decision(&compact, Approve)).await.code(), "unknown_key");
    let claims = device.proof_claims("GET", "/v1/device/devices", b"");
    let proof = countersign_protocol::jws::sign_now(&claims, &stranger.request).unwrap();
    let theirs = device.send_with(Method::GET, "/v1/device/devices", b"", &proof).await;
    assert_ne!(theirs.status, 200, "{theirs:?}");
    while unknown_key.get("/v1/relying-party").await.status == 401 {}
    for refused in [
        unknown_key.get("/v1/relying-party").await,
        prepared.send(&used).await,
        device.decide(&id, stranger.decision(&compact, Approve)).await,
    ] {
        refuses(&refused, "too_many_failures", 1);
    }
    // All of it from one address, as behind a proxy; and nobody who is known notices.
    assert_eq!(scene.site.get("/v1/relying-party").await.status, 200);
    assert_eq!(device.send(Method::GET, "/v1/device/devices", b"").await.status, 200);
    assert_eq!(prepared.send(&prepared.redemption).await.status, 200);
    assert_eq!(device.decide(&id, device.approval(&scene.site, &compact).await).await.status, 200);
    assert_eq!(send(client().get(format!("{}/healthz", scene.site.url))).await.status, 200);
}
