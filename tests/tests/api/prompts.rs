//! What keeps a person from tapping YES to make it stop: prompts are limited, and "this was not me" means something.

use countersign_device::Outcome;
use countersign_protocol::decision::{Answer, Decision};
use countersign_protocol::device_api::PushFailure;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::jws;
use countersign_server::runtime::config::Config;
use countersign_server::store::{PushOutcome, Trace, Untaken};
use countersign_tests::clock::ManualClock;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::RelyingParty;
use countersign_tests::phone::Phone;
use countersign_tests::push_service::PushService;
use countersign_tests::scene::Scene;
use countersign_tests::server::TestServer;
use serde_json::json;
use std::time::Duration;

/// A person with a phone that is pushed to, and two sites of one organisation.
struct Pushed {
    server: TestServer,
    clock: ManualClock,
    site: RelyingParty,
    webmail: RelyingParty,
    user: String,
    phone: Phone,
    push: PushService,
}

impl Pushed {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(configure: fn(&mut Config)) -> Self {
        let (scene, push) = (Scene::with(configure).await, PushService::start().await);
        let webmail = scene.server.relying_party("Meridian", "Webmail").await;
        let (phone, _) = scene.pushed_phone(&[push.registration()]).await;
        let Scene { server, clock, site, user } = scene;
        Self { server, clock, site, webmail, user, phone, push }
    }

    /// Asks, and says what became of the pushes: `queued` or `sent` where they were let through.
    async fn ask(&self, site: &RelyingParty) -> (ChallengeId, String) {
        let asked = site.ask_for(&self.user, json!({})).await;
        assert_eq!(asked.status, 201, "{asked:?}");
        (asked.body["id"].as_str().unwrap().parse().unwrap(), asked.body["push"].as_str().unwrap().to_owned())
    }

    async fn cancel(&self, site: &RelyingParty, id: ChallengeId) {
        assert_eq!(site.cancel(&id).await.status, 200);
    }

    /// Asks and takes it back, so that each prompt stands alone.
    async fn unwanted(&self, site: &RelyingParty) -> String {
        let (id, push) = self.ask(site).await;
        self.cancel(site, id).await;
        push
    }

    async fn pull(&self) {
        let id = self.phone.core.accounts().unwrap()[0].id;
        self.phone.core.pull(id, 0).await.unwrap();
    }
}

fn rang(push: &str) -> bool {
    match push {
        "queued" | "sent" => true,
        "limited" | "stopped" => false,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn three_unwanted_prompts_an_hour_by_one_site_and_five_in_all() {
    let scene = Pushed::new().await;
    for _ in 0..3 {
        assert!(rang(&scene.unwanted(&scene.site).await));
        scene.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(scene.unwanted(&scene.site).await, "limited", "cancelled ones count");
    for _ in 0..2 {
        assert!(rang(&scene.unwanted(&scene.webmail).await), "another site is not held back by the first");
    }
    assert_eq!(scene.unwanted(&scene.webmail).await, "limited", "the person's five are used up");

    // Past the limit nothing rings, and the request is found in the app.
    let (id, push) = scene.ask(&scene.site).await;
    assert_eq!(push, "limited");
    scene.pull().await;
    assert_eq!(scene.phone.core.approve(id, None).await.unwrap(), Outcome::Approved);
    assert_eq!(scene.site.state(&id).await, "approved");

    // The first prompt was three minutes before the last of the site; an hour after it, one more may ring.
    scene.clock.advance(Duration::from_secs(3600 - 181));
    assert_eq!(scene.unwanted(&scene.site).await, "limited", "a moment before the hour is over");
    scene.clock.advance(Duration::from_secs(1));
    assert!(rang(&scene.unwanted(&scene.site).await));
    assert_eq!(scene.unwanted(&scene.site).await, "limited");
}

#[tokio::test]
async fn what_ends_in_approval_does_not_count_and_everything_else_does() {
    let scene = Pushed::new().await;
    for _ in 0..6 {
        let (id, push) = scene.ask(&scene.site).await;
        assert!(rang(&push), "an approved prompt is not an unwanted one");
        scene.pull().await;
        assert_eq!(scene.phone.core.approve(id, None).await.unwrap(), Outcome::Approved);
    }
    // Denied, expired, and approved but taken back.
    let (denied, _) = scene.ask(&scene.site).await;
    scene.pull().await;
    scene.phone.core.deny(denied).await.unwrap();
    scene.ask(&scene.site).await;
    scene.clock.advance(Duration::from_secs(60));
    let (revoked, _) = scene.ask(&scene.site).await;
    scene.pull().await;
    scene.phone.core.approve(revoked, None).await.unwrap();
    scene.cancel(&scene.site, revoked).await;
    assert_eq!(scene.site.state(&revoked).await, "revoked");
    assert_eq!(scene.ask(&scene.site).await.1, "limited");
}

#[tokio::test]
async fn a_report_stops_the_sign_in_and_every_further_push() {
    let mut scene = Pushed::new().await;
    let (id, _) = scene.ask(&scene.site).await;
    scene.phone.core.receive(&scene.push.next().await.message).unwrap();
    assert_eq!(scene.phone.core.report(id).await.unwrap(), Outcome::Reported);
    assert_eq!(scene.phone.core.report(id).await.unwrap(), Outcome::Reported, "again");
    assert_eq!(scene.phone.core.approve(id, None).await.unwrap(), Outcome::Reported, "no YES comes after it");
    let read = scene.site.read(&id).await;
    assert_eq!((&read["state"], &read["reported"]), (&json!("reported"), &json!(true)));
    assert_eq!(scene.site.claim(&id, "k").await.code(), "not_approved");
    assert_eq!(scene.phone.core.history(1).unwrap()[0].outcome, Outcome::Reported);

    for site in [&scene.site, &scene.webmail] {
        let (next, push) = scene.ask(site).await;
        assert_eq!(push, "stopped");
        scene.cancel(site, next).await;
    }
    let (next, _) = scene.ask(&scene.site).await;
    scene.pull().await;
    assert_eq!(scene.phone.core.approve(next, None).await.unwrap(), Outcome::Approved, "the app still answers");
    assert_eq!(scene.ask(&scene.site).await.1, "stopped", "a tap that verified nobody lifts nothing");
    assert!(scene.push.is_quiet());
    let account = scene.phone.core.accounts().unwrap().remove(0);
    let code = scene.phone.core.code(account.id).unwrap().code;
    let verified = scene.site.verify(&scene.user, &code).await;
    assert_eq!(verified.body["valid"], true, "other methods go on");
}

#[tokio::test]
async fn after_a_report_no_question_rings_again_because_another_came_beside_it() {
    let scene = Pushed::new().await;
    let (reported, _) = scene.ask(&scene.webmail).await;
    scene.pull().await;
    scene.phone.core.deny(reported).await.unwrap();
    let (waits, push) = scene.ask(&scene.site).await;
    assert!(rang(&push));
    scene.phone.core.report(reported).await.unwrap();
    let database = scene.server.sqlite();
    let pushes = || database.query_row("SELECT count(*) FROM push", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = pushes();
    assert_eq!(scene.ask(&scene.webmail).await.1, "stopped");
    let raised = scene.site.read(&waits).await;
    assert_eq!(raised["policy"]["mode"], "number", "it asks for its number by now, and rings no more");
    assert_eq!(pushes(), before);
}

#[tokio::test]
async fn a_push_that_is_tried_again_does_not_ring_after_a_report() {
    let scene = Pushed::new().await;
    let (reported, _) = scene.ask(&scene.webmail).await;
    scene.pull().await;
    scene.phone.core.deny(reported).await.unwrap();
    scene.ask(&scene.site).await;
    let database = scene.server.sqlite();
    let latest = || {
        let sql = "SELECT row_id, state FROM push ORDER BY row_id DESC LIMIT 1";
        database.query_row(sql, [], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).unwrap()
    };
    while latest().1 != "sent" {
        tokio::task::yield_now().await;
    }
    let (push, _): (i64, _) = latest();
    // In flight when the report comes, and put off by its network afterwards.
    database.execute("UPDATE push SET state = 'queued', due_at = due_at + 3600000 WHERE row_id = ?1", [push]).unwrap();
    scene.phone.core.report(reported).await.unwrap();
    let busy = Untaken { failure: PushFailure::NotNow, reason: "busy".into(), trace: Trace::None };
    let later = PushOutcome::RetryAt(scene.server.service().now() + Duration::from_secs(1), busy);
    scene
        .server
        .service()
        .store
        .finish_push(countersign_server::domain::rows::PushRow::new(push), None, later)
        .await
        .unwrap();
    assert_eq!(latest().1, "dropped");
}

#[tokio::test]
async fn a_report_is_heard_whatever_became_of_the_request() {
    let scene = Pushed::new().await;
    let mut ended = Vec::new();
    for state in ["claimed", "denied", "expired", "cancelled", "lapsed"] {
        let (id, _) = scene.ask(&scene.site).await;
        scene.pull().await;
        match state {
            "claimed" => {
                scene.phone.core.approve(id, None).await.unwrap();
                scene.site.claim(&id, "k").await;
            }
            "denied" => drop(scene.phone.core.deny(id).await.unwrap()),
            "cancelled" => scene.cancel(&scene.site, id).await,
            "lapsed" => drop(scene.phone.core.approve(id, None).await.unwrap()),
            _ => {}
        }
        scene.clock.advance(Duration::from_secs(61));
        assert_eq!(scene.site.state(&id).await, state);
        ended.push((id, state));
    }
    for (id, state) in ended {
        assert_eq!(scene.phone.core.report(id).await.unwrap(), Outcome::Reported, "{state}");
        let read = scene.site.read(&id).await;
        assert_eq!((&read["state"], &read["reported"]), (&json!(state), &json!(true)), "it stays what it was");
        assert!(lift(&scene).await, "each of them stops the pushes");
    }
}

#[tokio::test]
async fn an_operator_lifts_the_limit_and_the_limit_stays_in_force() {
    let scene = Pushed::new().await;
    let user = scene.user.parse().unwrap();
    for lifted in [false, true] {
        if lifted {
            scene.server.service().operator().lift_prompt_limit("Meridian", user).await.unwrap();
            scene.clock.advance(Duration::from_secs(1));
        }
        for _ in 0..3 {
            let (id, push) = scene.ask(&scene.site).await;
            assert!(rang(&push), "{push}");
            scene.cancel(&scene.site, id).await;
        }
        assert_eq!(scene.ask(&scene.site).await.1, "limited");
        scene.clock.advance(Duration::from_secs(61));
    }
    let nobody = countersign_protocol::handle::AccountId::from_bytes([0; 16]);
    let refused = scene.server.service().operator().lift_prompt_limit("Meridian", nobody).await;
    assert!(refused.is_err(), "no such person");
}

/// What `countersign admin user resume-prompts` does; false when they were not stopped.
async fn lift(scene: &Pushed) -> bool {
    scene.server.service().operator().resume_prompts("Meridian", scene.user.parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn an_administrator_or_a_verified_person_lets_prompts_through_again() {
    let scene = Pushed::new().await;
    let (id, _) = scene.ask(&scene.site).await;
    scene.pull().await;
    scene.phone.core.report(id).await.unwrap();
    assert!(lift(&scene).await);
    assert!(!lift(&scene).await, "once");
    assert_eq!(scene.phone.core.report(id).await.unwrap(), Outcome::Reported);
    let (next, push) = scene.ask(&scene.site).await;
    assert!(rang(&push), "the same report does not stop what was lifted");
    scene.cancel(&scene.site, next).await;

    let device = reporting(&scene).await;
    approve(&scene, &device, false).await;
    assert_eq!(scene.ask(&scene.site).await.1, "stopped");
    approve(&scene, &device, true).await;
    assert_ne!(scene.ask(&scene.site).await.1, "stopped");
}

/// A device of the person that has reported a prompt, after which none rings.
async fn reporting(scene: &Pushed) -> HandmadeDevice {
    let device = HandmadeDevice::enrol_at(&scene.site, &scene.user, &scene.clock).await;
    let reported = scene.site.ask(&scene.user).await;
    let compact = device.pull().await.pop().unwrap();
    let report = device.decision(&compact, Answer::Report);
    assert_eq!(device.decide(&reported.parse().unwrap(), report).await.status, 200);
    assert_eq!(scene.ask(&scene.site).await.1, "stopped");
    device
}

/// Asks, and answers YES with what the page shows; the device says whether it verified its owner.
async fn approve(scene: &Pushed, device: &HandmadeDevice, user_verified: bool) {
    let asked = scene.site.ask(&scene.user).await;
    let compact = device.pull().await.pop().unwrap();
    let number = scene.site.read(&asked).await["number"].clone();
    let claims = Decision {
        user_verified,
        number: number.as_str().map(str::to_owned),
        ..device.decision_claims(&compact, Answer::Approve)
    };
    let decision = jws::sign_now(&claims, &device.approval).unwrap();
    assert_eq!(device.decide(&asked.parse().unwrap(), decision).await.status, 200);
}

#[tokio::test]
async fn a_verification_that_the_operator_does_not_believe_lifts_nothing() {
    let scene = Pushed::with(|config| config.approval.accept_unattested = false).await;
    let device = reporting(&scene).await;
    approve(&scene, &device, true).await;
    assert_eq!(scene.ask(&scene.site).await.1, "stopped");
    assert!(lift(&scene).await, "an administrator lifts it");
    assert_ne!(scene.ask(&scene.site).await.1, "stopped");
}

#[tokio::test]
async fn a_report_that_somebody_else_signs_changes_nothing() {
    let scene = Pushed::new().await;
    let device = HandmadeDevice::enrol_at(&scene.site, &scene.user, &scene.clock).await;
    let stranger = HandmadeDevice::enrol_at(&scene.site, &scene.site.user("noor").await, &scene.clock).await;
    let (id, _) = scene.ask(&scene.site).await;
    let compact = device.pull().await.pop().unwrap();
    let claims = device.decision_claims(&compact, Answer::Report);
    let refused = async |what: &str, decision: String, status: u16, code: &str| {
        let answer = device.decide(&id, decision).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{what}");
        let read = scene.site.read(&id).await;
        assert_eq!((&read["state"], &read["reported"]), (&json!("pending"), &json!(false)), "{what}");
    };
    let signed = |claims: &Decision, key| jws::sign_now(claims, key).unwrap();
    refused("another account's device", signed(&claims, &stranger.request), 403, "unknown_key").await;
    let answer = device.decide(&id, signed(&claims, &device.request)).await;
    assert_eq!((answer.status, &answer.body["state"]), (200, &json!("reported")));
    let late = device.decide(&id, device.decision(&compact, Answer::Approve)).await;
    assert_eq!(late.code(), "already_answered");
}
