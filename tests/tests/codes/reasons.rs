//! Why a right code is refused, what that tells a thief, and clocks that are off: the authenticator's, and the
//! server's.

use crate::world::{Application, STEP, WRONG, World, shown};
use countersign_protocol::time::Clock;
use countersign_server::domain::code_steps::Drift;
use countersign_tests::clock::ManualClock;
use countersign_tests::http::Answer;
use serde_json::{Value, json};
use std::time::Duration;

/// The clock of an application that is so many seconds ahead.
fn clock_of_app(world: &World, seconds: i64) -> ManualClock {
    let clock = ManualClock::new();
    let now = world.clock.now().shifted(seconds * 1000);
    clock.advance(clock.now().until(now));
    clock.set_back(now.until(clock.now()));
    clock
}

/// The code of an application whose clock is so many seconds ahead.
fn code_ahead(world: &World, application: &Application, seconds: i64) -> String {
    application.code(&clock_of_app(world, seconds))
}

/// What is said of a code: whether it is right, how many wrong ones may follow, and why.
fn said(answer: &Answer) -> (bool, u64, Value) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = &answer.body;
    (body["valid"].as_bool().unwrap(), body["remaining_attempts"].as_u64().unwrap(), body["reason"].clone())
}

fn journal(world: &World, fact: &str) -> Vec<Option<String>> {
    let database = world.server.sqlite();
    let mut lines = database.prepare("SELECT reason FROM journal WHERE fact = ?1 ORDER BY row_id").unwrap();
    lines.query_map([fact], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_code_that_was_used_says_so_and_counts_no_failure() {
    let world = World::new().await;
    let application = world.application().await;
    let code = application.code(&world.clock);
    for _ in 0..20 {
        assert_eq!(
            said(&world.verify(&code).await),
            (false, 100, json!("used_before")),
            "it confirmed the application"
        );
    }
    world.clock.advance(STEP);
    let next = application.code(&world.clock);
    assert_eq!(said(&world.verify(&next).await), (true, 100, Value::Null));
    assert_eq!(said(&world.verify(&next).await), (false, 100, json!("used_before")));
    assert_eq!(said(&world.verify(&code).await), (false, 100, json!("used_before")), "and the one before still is");
    let challenge = world.site.ask(&world.user).await;
    let answered = world.answers(&challenge, &next).await;
    assert_eq!(
        (said(&answered), world.site.state(&challenge).await.as_str()),
        ((false, 100, json!("used_before")), "pending")
    );
    assert_eq!(journal(&world, "code.refused").len(), 23, "each is written down");
}

#[tokio::test]
async fn a_used_code_is_no_way_around_the_limits() {
    let world = World::new().await;
    let application = world.application().await;
    let used = application.code(&world.clock);
    for left in (95..100).rev() {
        assert_eq!(world.tries(WRONG).await, (false, left));
        if left > 95 {
            assert_eq!(said(&world.verify(&used).await), (false, left, json!("used_before")), "it forgives nothing");
        }
    }
    assert_eq!(world.verify(&used).await.code(), "throttled", "and it rests as any other");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.tries(WRONG).await, (false, 94));
    assert_eq!(world.verify(&used).await.code(), "throttled");
    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(said(&world.verify(&used).await), (false, 93, Value::Null), "what was long ago is a wrong code");
}

#[tokio::test]
async fn a_wrong_code_hears_no_reason() {
    let world = World::new().await;
    world.application().await;
    let answer = world.verify(WRONG).await;
    assert_eq!(said(&answer), (false, 99, Value::Null));
    assert_eq!(answer.body["clock_ahead_seconds"], Value::Null);
}

#[tokio::test]
async fn a_code_of_another_time_says_by_how_much_the_clock_seems_off_and_counts() {
    let world = World::new().await;
    let application = world.application().await;
    world.clock.advance(STEP * 4);
    for (left, seconds) in [(99, -300), (98, 300), (97, -75), (96, 120)] {
        let answer = world.verify(&code_ahead(&world, &application, seconds)).await;
        assert_eq!(said(&answer), (false, left, json!("clock")), "{seconds}");
        let told = answer.body["clock_ahead_seconds"].as_i64().unwrap();
        assert!((told - seconds).abs() <= 15, "{told} for {seconds}");
    }
    world.clock.advance(STEP);
    assert_eq!(said(&world.verify(&code_ahead(&world, &application, 3600)).await), (false, 95, Value::Null), "too far");
    world.clock.advance(STEP);
    assert_eq!(world.tries(&application.code(&world.clock)).await, (true, 100));
}

#[tokio::test]
async fn who_hears_that_a_guess_is_a_code_to_come_gains_nothing() {
    let world = World::new().await;
    let application = world.application().await;
    let guess = code_ahead(&world, &application, 300);
    assert_eq!(said(&world.verify(&guess).await), (false, 99, json!("clock")));
    world.clock.advance(STEP * 8);
    for left in [98, 97, 96] {
        world.clock.advance(STEP);
        assert_eq!(said(&world.verify(&guess).await), (false, left, json!("used_before")), "it is used up at its time");
    }
    assert_eq!(world.tries(&application.code(&world.clock)).await, (true, 100), "and stands in the way of no other");
}

#[tokio::test]
async fn a_drift_that_stays_is_learned_from_the_first_code() {
    for (seconds, right) in [(75, true), (-75, true), (20, true), (150, false), (-150, false)] {
        let world = World::new().await;
        let application = world.proposed().await;
        let confirmed = world.confirm(&application.id, &code_ahead(&world, &application, seconds)).await;
        if !right {
            assert_eq!((confirmed.status, confirmed.code()), (403, "wrong_number"), "{seconds}");
            let detail = confirmed.body["detail"].as_str().unwrap();
            let way = if seconds < 0 { "s behind" } else { "s ahead" };
            assert!(detail.contains(way) && detail.contains("left: 99"), "{detail}");
            continue;
        }
        assert_eq!(confirmed.status, 200, "{seconds}: {confirmed:?}");
        for _ in 0..10 {
            world.clock.advance(STEP);
            assert_eq!(world.tries(&code_ahead(&world, &application, seconds)).await, (true, 100), "{seconds}");
        }
        world.clock.advance(STEP * 4);
        assert_eq!(world.tries(&application.code(&world.clock)).await, (true, 100), "its clock was set right");
    }
}

#[tokio::test]
async fn a_clock_that_slowly_goes_wrong_is_followed_within_bounds() {
    let world = World::new().await;
    let application = world.application().await;
    let mut seconds = 0;
    while seconds < 60 {
        world.clock.advance(STEP * 20);
        seconds += 2;
        assert!(world.tries(&code_ahead(&world, &application, seconds)).await.0, "{seconds}");
    }
    world.clock.advance(STEP * 20);
    let far = world.verify(&code_ahead(&world, &application, 150)).await;
    assert_eq!(said(&far), (false, 99, json!("clock")), "no clock is followed so far");
}

#[tokio::test]
async fn strict_means_this_very_step_and_learns_nothing() {
    let world = World::with(|config| config.codes.strict = true).await;
    let application = world.proposed().await;
    let near = world.confirm(&application.id, &code_ahead(&world, &application, 30)).await;
    assert!(near.body["detail"].as_str().unwrap().contains("ahead"), "{near:?}");
    assert_eq!(world.confirm(&application.id, &application.code(&world.clock)).await.status, 200);
    world.clock.advance(STEP * 3);
    assert_eq!(said(&world.verify(&code_ahead(&world, &application, -30)).await), (false, 99, json!("clock")));
    assert_eq!(world.tries(&application.code(&world.clock)).await, (true, 100));
    assert_eq!(world.server.service().settings.code_drift, Drift::None);
}

#[tokio::test]
async fn a_clock_of_the_server_that_jumped_ahead_and_back_refuses_no_right_code() {
    let world = World::new().await;
    let application = world.application().await;
    let (phone, id) = world.phone().await;
    let before = application.code(&world.clock);
    let jump = Duration::from_secs(2 * 3600);
    world.clock.advance(jump);
    let ahead = application.code(&world.clock);
    assert_eq!(world.tries(&ahead).await, (true, 100));
    world.clock.set_back(jump);

    assert_eq!(
        said(&world.verify(&before).await),
        (false, 100, json!("used_before")),
        "used before the jump, and still"
    );
    world.clock.advance(STEP);
    assert_eq!(world.tries(&application.code(&world.clock)).await, (true, 100), "a right code is right at once");
    assert_eq!(journal(&world, "code.ahead"), [Some("put_back".to_owned())], "and the operator is told once");
    assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100), "the phone never was ahead");

    world.clock.advance(jump - STEP);
    assert_eq!(said(&world.verify(&ahead).await), (false, 100, json!("used_before")), "no code is spent twice");
    world.clock.advance(STEP);
    assert_eq!(world.tries(&application.code(&world.clock)).await, (true, 100));
}

#[tokio::test]
async fn codes_that_were_spent_stay_spent_under_any_clock() {
    let world = World::new().await;
    let application = world.application().await;
    let mut spent = vec![application.code(&world.clock)];
    // Forward and back and forward again, by a day and less than a step; each code is spent where it is right.
    for seconds in [30_i64, 86_400, -86_370, 60, -45, 7_200, -7_230, 3, 86_400, -30, -86_400, 90] {
        let by = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 {
            world.clock.set_back(by);
        } else {
            world.clock.advance(by);
        }
        let code = application.code(&world.clock);
        if world.verify(&code).await.body["valid"] == true {
            assert!(!spent.contains(&code), "{code} after {seconds} s");
            spent.push(code);
        }
        for code in &spent {
            assert_ne!(world.verify(code).await.body["valid"], true, "{code} again after {seconds} s");
        }
    }
    assert!(spent.len() > 5, "most were right: {spent:?}");
}

#[tokio::test]
async fn a_code_of_a_far_future_needs_the_operator() {
    let world = World::new().await;
    let application = world.application().await;
    let before = application.code(&world.clock);
    let jump = Duration::from_secs(30 * 86_400);
    world.clock.advance(jump);
    assert_eq!(world.tries(&application.code(&world.clock)).await, (true, 100));
    world.clock.set_back(jump);
    world.clock.advance(STEP);
    for left in [99, 98] {
        assert_eq!(said(&world.verify(&application.code(&world.clock)).await), (false, left, Value::Null));
    }
    assert_eq!(journal(&world, "code.ahead"), [Some("refused".to_owned())], "told once, however many come");
    let user = world.user.parse().unwrap();
    assert_eq!(world.server.service().operator().unlock_codes("Meridian", user).await.unwrap(), 1);
    assert_eq!(said(&world.verify(&before).await), (false, 100, json!("used_before")), "what was spent is spent");
    assert_eq!(world.tries(&application.code(&world.clock)).await, (true, 100));
}
