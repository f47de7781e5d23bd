//! A code that settles a challenge, and the methods of one.

use crate::world::{STEP, World, shown};
use countersign_device::Outcome;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_server::domain::actor::Actor;
use countersign_server::domain::code_steps::Right;
use countersign_server::domain::states::CodeKind;
use countersign_server::store::{Accepted, Attempt, Begun, Spent, ToSettle};
use countersign_tests::http::Answer;
use serde_json::{Value, json};

async fn ask(world: &World, methods: &Value) -> Answer {
    world.site.ask_for(&world.user, json!({ "methods": methods, "expires_in": 600 })).await
}

#[tokio::test]
async fn a_code_settles_the_challenge_and_moves_the_waiting_page_on() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let challenge = world.site.ask(&world.user).await;
    assert_eq!(world.site.read(&challenge).await["methods"], json!(["push", "code"]));
    phone.core.pull(id, 0).await.unwrap();
    let prompt = phone.only_prompt();
    let waiting = world.site.waits(format!("/v1/challenges/{challenge}?wait=60"));
    world.server.until_waiting(|wake| wake.challenges.count(), 1).await;

    let code = shown(&phone, id);
    let answered = world.answers(&challenge, &code).await;
    assert_eq!((answered.status, &answered.body["valid"]), (200, &json!(true)), "{answered:?}");
    let seen = waiting.await.unwrap().body;
    assert_eq!((&seen["state"], &seen["amr"], &seen["receipt"]), (&json!("approved"), &json!(["otp"]), &Value::Null));
    assert_eq!(phone.core.approve(prompt, None).await.unwrap(), Outcome::AlreadyAnswered);
    assert_eq!(phone.core.pull(id, 0).await.unwrap().received.len(), 0);
    assert_eq!(world.answers(&challenge, &phone.core.code(id).unwrap().next).await.code(), "already_answered");

    let claimed = world.site.claim(&challenge, "page-1").await;
    assert_eq!((claimed.status, &claimed.body["state"]), (200, &json!("claimed")));
    assert_eq!((&claimed.body["amr"], &claimed.body["receipt"]), (&json!(["otp"]), &Value::Null));
    assert_eq!(world.site.claim(&challenge, "page-1").await.body, claimed.body);
    assert_eq!(world.site.claim(&challenge, "page-2").await.code(), "already_claimed");
    assert!(!world.tries(&code).await.0, "and the code is spent");
    let world = world.restart().await;
    assert_eq!(world.site.read(&challenge).await["amr"], json!(["otp"]));
}

#[tokio::test]
async fn an_answer_on_the_phone_is_told_apart_and_a_wrong_code_settles_nothing() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let challenge = world.site.ask(&world.user).await;
    let wrong = world.answers(&challenge, crate::world::WRONG).await;
    assert_eq!((&wrong.body["valid"], &wrong.body["remaining_attempts"]), (&json!(false), &json!(99)));
    assert_eq!(world.site.state(&challenge).await, "pending");
    phone.core.pull(id, 0).await.unwrap();
    assert_eq!(phone.core.approve(phone.only_prompt(), None).await.unwrap(), Outcome::Approved);
    let seen = world.site.read(&challenge).await;
    assert_eq!(seen["amr"], json!(["swk", "mca", "user"]));
    assert!(seen["receipt"].is_object());
}

#[tokio::test]
async fn a_challenge_that_takes_no_answer_spends_and_counts_nothing() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let new = async || world.site.ask(&world.user).await;
    let denied = new().await;
    phone.core.pull(id, 0).await.unwrap();
    phone.core.deny(phone.only_prompt()).await.unwrap();
    let expired = new().await;
    world.clock.advance(STEP * 3);
    let cancelled = new().await;
    world.site.cancel(&cancelled).await;
    let push_only = ask(&world, &json!(["push"])).await.body["id"].as_str().unwrap().to_owned();
    let shop = world.server.relying_party("Meridian", "Shop").await;
    let of_another_site = shop.ask(&world.user).await;
    let noor = world.site.user("noor").await;
    world.device_of(&noor).await;
    let of_another_person = world.site.ask(&noor).await;

    let code = shown(&phone, id);
    for (challenge, status, refusal) in [
        (&denied, 409, "already_answered"),
        (&expired, 410, "expired"),
        (&cancelled, 410, "cancelled"),
        (&push_only, 409, "code_not_allowed"),
        (&of_another_site, 404, "not_found"),
        (&of_another_person, 404, "not_found"),
        (&"AAAAAAAAAAAAAAAAAAAAAA".to_owned(), 404, "not_found"),
    ] {
        let before = world.counts();
        let answer = world.answers(challenge, &code).await;
        assert_eq!((answer.status, answer.code()), (status, refusal), "{answer:?}");
        assert_eq!(world.counts(), before, "{refusal}");
    }
    assert_eq!(world.answers("no handle", &code).await.code(), "malformed");
    assert_eq!(world.site.state(&push_only).await, "pending");
    let challenge = new().await;
    assert_eq!(world.answers(&challenge, &code).await.body["valid"], true, "the code was right all the time");
}

/// Counts an attempt at a challenge, as the first half of a request does.
async fn begin(world: &World, challenge: &str) -> Attempt {
    let store = &world.server.service().store;
    let organisation = store.organisations().await.unwrap()[0].row_id;
    let account = store.account(organisation, world.user.parse().unwrap()).await.unwrap().unwrap();
    let relying_party = store.relying_parties().await.unwrap()[0].row_id;
    let to_settle = ToSettle { id: challenge.parse::<ChallengeId>().unwrap(), relying_party };
    match store.begin_code(account.row_id, Some(to_settle), CodeKind::Totp).await.unwrap() {
        Begun::Counted(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_right_code_that_comes_second_is_not_spent() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let challenge = world.site.ask(&world.user).await;
    phone.core.pull(id, 0).await.unwrap();
    let attempt = begin(&world, &challenge).await;
    assert_eq!(world.counts(), [(1, None)]);
    phone.core.deny(phone.only_prompt()).await.unwrap();
    let row = attempt.counted[0].row_id;
    let accepted = world
        .server
        .service()
        .store
        .accept_code(Actor::OPERATOR, attempt, row, Spent::Step(Right { step: 60_000_000, drift: 0 }))
        .await
        .unwrap();
    assert_eq!(accepted, Accepted::Over(ChallengeState::Denied));
    assert_eq!((world.counts(), world.site.state(&challenge).await.as_str()), (vec![(0, None)], "denied"));
    assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100));
}

#[tokio::test]
async fn a_code_that_was_spent_meanwhile_settles_nothing() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let challenge = world.site.ask(&world.user).await;
    let attempt = begin(&world, &challenge).await;
    assert!(world.tries(&shown(&phone, id)).await.0);
    let (row, step) = (attempt.counted[0].row_id, world.counts()[0].1.unwrap().unsigned_abs());
    let accepted = world
        .server
        .service()
        .store
        .accept_code(Actor::OPERATOR, attempt, row, Spent::Step(Right { step, drift: 0 }))
        .await
        .unwrap();
    assert_eq!((accepted, world.site.state(&challenge).await.as_str()), (Accepted::No, "pending"));
}

#[tokio::test(flavor = "multi_thread")]
async fn code_and_no_at_one_time_settle_once() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    for race in 0..40 {
        let challenge = world.site.ask(&world.user).await;
        phone.core.pull(id, 0).await.unwrap();
        let (prompt, code) = (phone.only_prompt(), shown(&phone, id));
        let (answer, outcome) = if race % 2 == 0 {
            tokio::join!(world.answers(&challenge, &code), phone.core.deny(prompt))
        } else {
            let (outcome, answer) = tokio::join!(phone.core.deny(prompt), world.answers(&challenge, &code));
            (answer, outcome)
        };
        let state = world.site.state(&challenge).await;
        match (answer.body["valid"] == true, outcome.unwrap()) {
            (true, Outcome::AlreadyAnswered) => assert_eq!(state, "approved"),
            (false, Outcome::Denied) => {
                assert_eq!((answer.code(), state.as_str()), ("already_answered", "denied"));
                assert!(world.tries(&code).await.0, "not spent");
            }
            both => panic!("{both:?} {answer:?}"),
        }
        world.clock.advance(STEP * 2);
    }
}

#[tokio::test]
async fn the_methods_say_who_is_asked_and_what_a_page_may_offer() {
    let world = World::new().await;
    for methods in [json!(["push"]), json!(["code"]), json!(["push", "code"]), Value::Null] {
        let asked = ask(&world, &methods).await;
        assert_eq!((asked.status, asked.code()), (409, "no_device"), "{methods}");
    }
    let application = world.application().await;
    world.clock.advance(STEP);
    assert_eq!(ask(&world, &json!(["push"])).await.code(), "no_device", "an application is asked nothing");
    for methods in [json!(["code"]), json!(["push", "code"]), Value::Null] {
        let asked = ask(&world, &methods).await;
        assert_eq!((asked.status, &asked.body["methods"]), (201, &json!(["code"])), "{methods}");
        assert_eq!(asked.body["push"], "none");
    }

    let (phone, id) = world.phone().await;
    let by_code = ask(&world, &json!(["code"])).await.body;
    assert_eq!(by_code["methods"], json!(["code"]));
    assert!(phone.core.pull(id, 0).await.unwrap().received.is_empty(), "the phone is not asked");
    let answered = world.answers(by_code["id"].as_str().unwrap(), &application.code(&world.clock)).await;
    assert_eq!(answered.body["valid"], true);
    assert_eq!(ask(&world, &json!(["push"])).await.body["methods"], json!(["push"]));
    let both = ask(&world, &json!(["code", "push"])).await.body;
    assert_eq!(both["methods"], json!(["push", "code"]));
    assert_eq!(phone.core.pull(id, 0).await.unwrap().received.len(), 2);
    phone.core.remove(id).await.unwrap();
    let both = world.site.read(both["id"].as_str().unwrap()).await;
    assert_eq!(both["methods"], json!(["code"]), "what the person has now");

    for wrong in [json!([]), json!(["push", "push"]), json!(["sms"]), json!("push"), json!([1])] {
        let asked = ask(&world, &wrong).await;
        assert_eq!((asked.status, asked.code()), (400, "malformed"), "{wrong}");
    }
}

#[tokio::test]
async fn what_a_code_approved_is_revoked_with_what_made_it() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let challenge = world.site.ask(&world.user).await;
    assert_eq!(world.answers(&challenge, &shown(&phone, id)).await.body["valid"], true);
    phone.core.remove(id).await.unwrap();
    assert_eq!(world.site.state(&challenge).await, "revoked");
    let claim = world.site.claim(&challenge, "k").await;
    assert_eq!(claim.code(), "not_approved");
}
