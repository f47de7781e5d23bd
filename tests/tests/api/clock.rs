//! A server whose clock jumps: what was told as over stays over, nothing is accepted twice, and what begins after the
//! jump works at once.

use countersign_device::Outcome;
use countersign_protocol::decision::Answer::{Approve, Deny, Report};
use countersign_protocol::jws;
use countersign_server::runtime::retention::pruner::Pruner;
use countersign_server::runtime::watch::Jump;
use countersign_server::store::{Ages, PROOF_REMEMBERED};
use countersign_tests::clock::ManualClock;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::phone::Phone;
use countersign_tests::push_service::PushService;
use countersign_tests::scene::Scene;
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const HOURS: Duration = Duration::from_secs(2 * 3600);

/// A device of Maya's whose own clock is right.
async fn device(scene: &Scene) -> HandmadeDevice {
    HandmadeDevice::enrol_at(&scene.site, &scene.user, &ManualClock::new()).await
}

/// How somebody is told that the time of a question is over.
const TOLD: [&str; 5] = ["read", "claim", "cancel", "answer", "code"];

async fn tell(scene: &Scene, device: &HandmadeDevice, how: &str, id: &str, compact: &str) {
    let Scene { site, user, .. } = scene;
    let told = match how {
        "read" => return assert_eq!(site.state(id).await, "expired"),
        "claim" => site.claim(id, "k").await,
        "cancel" => site.cancel(id).await,
        // A report has no time limit, and its answer says how the question stands.
        "answer" => {
            let decision = jws::sign_now(&device.decision_claims(compact, Report), &device.request).unwrap();
            device.decide(&id.parse().unwrap(), decision).await
        }
        _ => {
            let body = json!({ "code": "123456", "challenge_id": id });
            site.post(&format!("/v1/users/{user}/codes/verify"), &body).await
        }
    };
    assert!(matches!((told.status, told.code()), (409, "not_approved") | (410, "expired") | (200, "")), "{told:?}");
}

#[tokio::test]
async fn a_question_that_was_told_as_over_stays_over_however_it_was_told() {
    for how in TOLD {
        let scene = Scene::new().await;
        let device = device(&scene).await;
        let (id, compact) = device.asked(&scene.site, &scene.user).await;
        // By a report, at a moment at which its signature still counts.
        scene.clock.set_ahead(if how == "answer" { Duration::from_secs(60) } else { HOURS });
        tell(&scene, &device, how, &id.to_string(), &compact).await;
        scene.clock.set_back(if how == "answer" { Duration::from_secs(60) } else { HOURS });
        let answered = device.decide(&id, device.decision(&compact, Approve)).await;
        assert_eq!((answered.status, answered.code()), (410, "expired"), "told by {how}");
        assert_eq!(scene.site.state(&id).await, "expired", "told by {how}");
        assert!(device.pull().await.is_empty(), "told by {how}: no phone finds it any more");
        assert_eq!(scene.site.claim(&id, "k").await.code(), "not_approved", "told by {how}");
    }
}

#[tokio::test]
async fn an_answer_that_counts_is_acknowledged_anew_whatever_the_clock_does() {
    for answer in [Approve, Deny, Report] {
        for back in [false, true] {
            let scene = Scene::new().await;
            let device = device(&scene).await;
            let (id, compact) = device.asked(&scene.site, &scene.user).await;
            let decision = device.decision(&compact, answer);
            let first = device.decide(&id, decision.clone()).await;
            assert_eq!(first.status, 200, "{answer:?}");
            if back {
                scene.clock.set_back(HOURS);
            } else {
                scene.clock.set_ahead(HOURS);
            }
            let again = device.decide(&id, decision).await;
            assert_eq!((again.status, again.body), (200, first.body), "{answer:?}, back: {back}");
            let anew = device.decide(&id, device.decision(&compact, answer)).await;
            assert_eq!(anew.code(), if back { "future_time" } else { "" }, "{answer:?}: signed anew");
        }
    }
}

#[tokio::test]
async fn what_nobody_was_told_goes_on_when_the_clock_is_right_again() {
    let scene = Scene::new().await;
    let device = device(&scene).await;
    for back_first in [true, false] {
        let (id, compact) = device.asked(&scene.site, &scene.user).await;
        if back_first {
            scene.clock.set_back(HOURS);
            scene.clock.set_ahead(HOURS);
        } else {
            scene.clock.set_ahead(HOURS);
            scene.clock.set_back(HOURS);
        }
        device.answers(&compact, Approve).await;
        assert_eq!(scene.site.claim(&id, "k").await.status, 200);
    }
}

#[tokio::test]
async fn an_approval_that_was_told_as_lapsed_stays_so() {
    let scene = Scene::new().await;
    let device = device(&scene).await;
    for ahead in [Duration::from_secs(60), HOURS] {
        let (id, compact) = device.asked(&scene.site, &scene.user).await;
        device.answers(&compact, Approve).await;
        scene.clock.set_ahead(ahead);
        assert_eq!(scene.site.claim(&id, "k").await.code(), "not_approved");
        scene.clock.set_back(ahead);
        assert_eq!(scene.site.claim(&id, "k").await.code(), "not_approved");
        assert_eq!(scene.site.state(&id).await, "lapsed");
    }
}

#[tokio::test]
async fn an_approval_whose_phone_was_removed_while_it_looked_lapsed_signs_nobody_in() {
    let scene = Scene::new().await;
    let device = device(&scene).await;
    let (id, compact) = device.asked(&scene.site, &scene.user).await;
    device.answers(&compact, Approve).await;
    scene.clock.set_ahead(HOURS);
    let operator = scene.server.service().operator();
    operator.revoke_device("Meridian", scene.user.parse().unwrap(), device.id()).await.unwrap();
    scene.clock.set_back(HOURS);
    assert_eq!(scene.site.claim(&id, "k").await.code(), "not_approved");
}

#[tokio::test]
async fn what_began_by_a_clock_that_was_ahead_is_over_and_does_not_live_for_hours() {
    let scene = Scene::new().await;
    let ahead = ManualClock::new();
    let device = HandmadeDevice::enrol_at(&scene.site, &scene.user, &ahead).await;
    scene.clock.set_ahead(HOURS);
    ahead.set_ahead(HOURS);
    let (pending, _) = device.asked(&scene.site, &scene.user).await;
    let (approved, compact) = device.asked(&scene.site, &scene.user).await;
    let approval = device.approval(&scene.site, &compact).await;
    assert_eq!(device.decide(&approved, approval).await.status, 200);
    let link = scene.site.link(&scene.user).await;
    scene.clock.set_back(HOURS);
    ahead.set_back(HOURS);
    assert_eq!(scene.site.claim(&approved, "k").await.code(), "not_approved");
    assert!(device.pull().await.is_empty());
    assert_eq!(scene.site.state(&pending).await, "expired");
    let late = Phone::at(&ahead).core.enrol(&link, "Phone").await.unwrap_err();
    assert_eq!(late.code(), "invalid_ticket", "the link too");
}

/// The jumps that a machine's clock makes: set ahead, set back, and each of them mended after ten minutes.
const JUMPS: [(&str, i64, i64); 6] = [
    ("ahead", 1, 0),
    ("back", -1, 0),
    ("ahead and back", 1, -1),
    ("back and ahead", -1, 1),
    ("ahead twice", 1, 1),
    ("back twice", -1, -1),
];

fn jump(clock: &ManualClock, by: i64) {
    match by {
        1 => clock.set_ahead(HOURS),
        -1 => clock.set_back(HOURS),
        _ => {}
    }
}

#[tokio::test]
async fn whatever_the_clock_does_the_next_sign_in_works_at_once() {
    for (what, first, second) in JUMPS {
        let scene = Scene::new().await;
        let mut push = PushService::start().await;
        let own = ManualClock::new();
        let phone = Phone::at(&own);
        let id = phone.enrol(&scene.site, &scene.user).await;
        phone.core.register_push(id, &[push.registration()]).await.unwrap();
        let mut watch = scene.server.watch();
        watch.look().await;
        for by in [first, second] {
            jump(&scene.clock, by);
            let noticed = watch.look().await;
            assert_eq!(
                noticed,
                [Some(Jump::Back(HOURS)), None, Some(Jump::Forward(HOURS))][usize::try_from(by + 1).unwrap()]
            );
            let question = scene.site.ask(&scene.user).await;
            push.next().await;
            let pulled = phone.core.pull(id, 0).await.unwrap();
            assert!(pulled.received.iter().any(Result::is_ok), "{what}: {pulled:?}");
            let answered = phone.core.approve(question.parse().unwrap(), None).await.unwrap();
            assert_eq!(answered, Outcome::Approved, "{what}");
            assert_eq!(scene.site.claim(&question, "k").await.status, 200, "{what}");
            let passes = Duration::from_secs(600);
            scene.clock.advance(passes);
            own.advance(passes);
            assert_eq!(watch.look().await, None, "{what}: time that passes is no jump");
        }
    }
}

#[tokio::test]
async fn a_proof_is_accepted_once_whatever_the_clock_does() {
    const TARGET: &str = "/v1/device/challenges";
    for restarts in [false, true] {
        for (what, first, second) in JUMPS {
            let mut scene = Scene::new().await;
            let device = device(&scene).await;
            device.warm_up().await;
            let proof = jws::sign_now(&device.proof_claims("GET", TARGET, b""), &device.request).unwrap();
            assert_eq!(device.send_with(Method::GET, TARGET, b"", &proof).await.status, 200);
            // Somebody has written it down, and sends it after each jump; meanwhile another phone calls, so that the
            // server forgets what it may forget.
            let other_clock = ManualClock::new();
            let other = Phone::at(&other_clock);
            let id = other.enrol(&scene.site, &scene.user).await;
            for by in [first, second] {
                jump(&scene.clock, by);
                for _ in 0..2 {
                    other.core.pull(id, 0).await.unwrap();
                    let again = device.send_with(Method::GET, TARGET, b"", &proof).await;
                    let refused = ["replayed", "nonce_required", "stale_time", "future_time"];
                    assert!(refused.contains(&again.code()), "{what}: {again:?}");
                }
                if restarts {
                    scene = scene.restart().await;
                }
            }
        }
    }
}

#[tokio::test]
async fn two_hours_of_work_later_a_clock_that_goes_back_brings_no_old_proof_back() {
    const TARGET: &str = "/v1/device/challenges";
    let scene = Scene::new().await;
    let device = scene.device().await;
    device.warm_up().await;
    let old = jws::sign_now(&device.proof_claims("GET", TARGET, b""), &device.request).unwrap();
    assert_eq!(device.send_with(Method::GET, TARGET, b"", &old).await.status, 200);
    let ages = Ages { proofs: PROOF_REMEMBERED, ..Ages::default() };
    let mut pruner = Pruner::new(Arc::clone(scene.server.service()), ages);
    for _ in 0..12 {
        scene.clock.advance(HOURS / 12);
        assert_eq!(device.send(Method::GET, TARGET, b"").await.status, 200);
        pruner.flush().await.unwrap();
    }
    let kept: u32 =
        scene.server.sqlite().query_row("SELECT count(*) FROM accepted_proof", [], |row| row.get(0)).unwrap();
    assert!(kept <= 3, "{kept} are remembered: the others could not serve any more");
    scene.clock.set_back(HOURS);
    for _ in 0..2 {
        let again = device.send_with(Method::GET, TARGET, b"", &old).await;
        assert_eq!(
            (again.status, again.code()),
            (401, "nonce_required"),
            "its nonce is fresh again, but of another era"
        );
    }
    assert_eq!(device.send(Method::GET, TARGET, b"").await.status, 200);
}

#[tokio::test]
async fn a_link_that_was_told_as_over_stays_over() {
    let scene = Scene::new().await;
    let phone = Phone::at(&ManualClock::new());
    let open = scene.site.post(&format!("/v1/users/{}/enrolments", scene.user), &json!({})).await.body;
    let link = scene.site.link(&scene.user).await;
    let proposed = phone.core.enrol(&link, "Phone").await.unwrap();
    let read = async |id: &str| scene.site.get(&format!("/v1/enrolments/{id}")).await.body["state"].clone();
    let (open_id, proposed_id) = (open["id"].as_str().unwrap().to_owned(), proposed.id.to_string());
    scene.clock.set_ahead(HOURS);
    assert_eq!((read(&open_id).await, read(&proposed_id).await), (json!("void"), json!("void")));
    scene.clock.set_back(HOURS);
    assert_eq!((read(&open_id).await, read(&proposed_id).await), (json!("void"), json!("void")));
    let late = Phone::at(&ManualClock::new()).core.enrol(open["link"].as_str().unwrap(), "Phone").await.unwrap_err();
    assert_eq!(late.code(), "invalid_ticket");
    let ended = phone.core.pull(proposed.id, 0).await.unwrap().ended;
    assert_eq!(ended, Some(countersign_protocol::revocation::EndReason::Expired));
}

#[tokio::test]
async fn questions_of_a_clock_that_was_ahead_do_not_silence_a_phone_for_hours() {
    let scene = Scene::new().await;
    let mut push = PushService::start().await;
    scene.pushed_phone(&[push.registration()]).await;
    scene.clock.set_ahead(HOURS);
    for _ in 0..3 {
        scene.site.ask(&scene.user).await;
        push.next().await;
    }
    let asked = async || scene.site.read(&scene.site.ask(&scene.user).await).await["push"].clone();
    assert_eq!(asked().await, "limited", "by that clock, three have rung");
    scene.clock.set_back(HOURS);
    assert_ne!(asked().await, "limited");
    push.next().await;
}

#[tokio::test]
async fn what_waits_for_another_attempt_does_not_wait_until_the_clock_has_come_as_far_again() {
    let scene = Scene::new().await;
    let nobody = PushService::start().await.registration();
    scene.pushed_phone(&[nobody]).await;
    let mut watch = scene.server.watch();
    scene.clock.set_ahead(HOURS);
    watch.look().await;
    scene.server.sqlite().execute_batch("UPDATE push_registration SET lane = 'nowhere'").unwrap();
    scene.site.ask(&scene.user).await;
    let database = scene.server.sqlite();
    let later = i64::try_from(HOURS.as_millis()).unwrap();
    database
        .execute("UPDATE push SET state = 'queued', leased_by = 'me', leased_until = due_at + ?1", [later])
        .unwrap();
    scene.clock.set_back(HOURS);
    assert_eq!(watch.look().await, Some(Jump::Back(HOURS)));
    let waits = "SELECT count(*) FROM push WHERE due_at > 1800000600000 OR leased_until > 1800000060000";
    let waits: u32 = database.query_row(waits, [], |row| row.get(0)).unwrap();
    assert_eq!(waits, 0, "it is due soon, and nobody holds it for hours");
}
