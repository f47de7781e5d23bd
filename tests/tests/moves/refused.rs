//! What a thief would try, and what a person says no to.

use crate::world::World;
use countersign_device::Outcome;
use countersign_protocol::device_api::EnrolmentState;
use countersign_tests::phone::Phone;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_yes_to_a_sign_in_moves_nothing() {
    let world = World::new().await;
    let moving = world.moving().await;
    assert!(world.signs_in(&world.old, world.old_id).await, "the thief has the password, and the person is tired");
    assert_eq!(world.read(&moving).await["proof"], Value::Null);
    assert_eq!(world.step(&moving, "offer").await.code(), "move_not_proven");
    assert_eq!(world.step(&moving, "rehearse").await.code(), "move_not_now");
}

#[tokio::test]
async fn a_second_half_that_was_not_used_does_not_lie_there_for_the_next_one() {
    let world = World::new().await;
    let moving = world.moving().await;
    world.proves_by_old(&moving).await;
    let link = world.link(&moving).await;
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(world.read(&moving).await["proof"], Value::Null);
    assert_eq!(world.step(&moving, "offer").await.code(), "move_not_proven", "the thief signs in a day later");
    let late = Phone::at(&world.clock).core.enrol(&link, "late").await;
    assert!(late.is_err(), "nor does the link serve");
    world.proves_by_old(&moving).await;
    world.link(&moving).await;
    let proven = world.journal().into_iter().filter(|(fact, _)| fact == "move.proven").count();
    assert_eq!(proven, 2, "each is a line of the journal");
}

#[tokio::test]
async fn a_wrong_number_proves_nothing_and_can_be_asked_again() {
    let world = World::new().await;
    let moving = world.moving().await;
    let (asked, number) = world.asks_old(&moving).await;
    let wrong = if number == "000000" { "000001" } else { "000000" };
    world.old.core.approve(asked, Some(wrong)).await.unwrap();
    assert_eq!(world.read(&moving).await["proof"], Value::Null);
    assert_eq!(world.state(&moving).await, "armed");
    world.proves_by_old(&moving).await;
}

#[tokio::test]
async fn the_old_phones_no_ends_it() {
    let world = World::new().await;
    let moving = world.moving().await;
    let (asked, _) = world.asks_old(&moving).await;
    world.old.core.deny(asked).await.unwrap();
    assert_eq!(world.state(&moving).await, "refused");
    for step in ["ask", "offer", "rehearse", "cancel"] {
        assert_eq!(world.step(&moving, step).await.code(), "move_not_now", "{step}");
    }
    assert!(world.signs_in(&world.old, world.old_id).await);
    world.moving().await;
}

#[tokio::test]
async fn this_was_not_me_ends_it_whatever_question_it_is_said_to() {
    for step in 0..3 {
        let world = World::new().await;
        let moving = world.moving().await;
        let rehearsing = match step {
            0 => None,
            1 => {
                world.proves_by_old(&moving).await;
                None
            }
            _ => Some(world.rehearses(&moving).await),
        };
        let sign_in = world.site.ask(&world.user).await;
        world.old.core.pull(world.old_id, 0).await.unwrap();
        world.old.core.report(sign_in.parse().unwrap()).await.unwrap();
        assert_eq!(world.state(&moving).await, "reported", "step {step}");
        assert_eq!(world.in_use(), [world.old_id.to_string()]);
        if let Some((new, asked)) = rehearsing {
            let answered = new.phone.core.approve(asked, None).await;
            assert!(!matches!(answered, Ok(Outcome::Approved)), "{answered:?}");
            assert_eq!(new.phone.core.pull(new.id(), 0).await.unwrap().state, EnrolmentState::Void);
        }
        assert_eq!(world.in_use(), [world.old_id.to_string()], "the old phone goes on");
    }
}

#[tokio::test]
async fn nobody_moves_what_is_not_theirs_and_one_move_goes_on_at_a_time() {
    let world = World::new().await;
    let noor = world.site.user("noor").await;
    let others = world.device_of(&noor).await;
    let wanted = world.wants(json!({ "device_id": others.id() })).await;
    assert_eq!((wanted.status, wanted.code()), (404, "not_found"), "another person's phone");
    let elsewhere = world.server.relying_party("Rival", "Shop").await;
    let request = json!({ "user_id": world.user, "device_id": world.old_id, "reason": "theft" });
    assert_eq!(elsewhere.post("/v1/moves", &request).await.code(), "not_found");

    let moving = world.moving().await;
    assert_eq!(world.wants(json!({})).await.code(), "already_moving");
    assert_eq!(elsewhere.get(&format!("/v1/moves/{moving}")).await.code(), "not_found");
    for step in ["ask", "offer", "rehearse", "cancel"] {
        let answer = elsewhere.post(&format!("/v1/moves/{moving}/{step}"), &Value::Null).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{step}");
    }
    assert_eq!(world.step(&moving, "cancel").await.body["state"], "cancelled");
    world.moving().await;
}

#[tokio::test]
async fn a_phone_that_has_the_link_and_not_the_digits_takes_nothing_over() {
    let world = World::new().await;
    let moving = world.moving().await;
    world.proves_by_old(&moving).await;
    let thief = world.takes(&world.link(&moving).await).await;
    assert_eq!(world.step(&moving, "rehearse").await.code(), "move_not_now", "nobody typed its digits");
    // The person sees digits of a phone that is not theirs, and opens the offer anew.
    let new = world.takes(&world.link(&moving).await).await;
    assert_eq!(thief.phone.core.pull(thief.id(), 0).await.unwrap().state, EnrolmentState::Void);
    assert_ne!(world.types_digits(&thief).await.status, 200);
    world.types_digits(&new).await;
    let asked = world.asks_new(&moving, &new).await;
    new.phone.core.approve(asked, None).await.unwrap();
    assert_eq!(world.in_use(), [new.id().to_string()]);
}

#[tokio::test]
async fn a_deleted_person_moves_nowhere() {
    let world = World::new().await;
    let moving = world.moving().await;
    let (new, asked) = world.rehearses(&moving).await;
    let path = format!("/v1/users/{}", world.user);
    assert_eq!(world.site.request(Method::DELETE, &path).send().await.unwrap().status(), 204);
    drop(new.phone.core.approve(asked, None).await);
    assert_eq!(world.in_use(), Vec::<String>::new());
    let reasons = "SELECT count(*) FROM move WHERE reason <> ''";
    assert_eq!(world.server.sqlite().query_row(reasons, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
}

#[tokio::test]
async fn whoever_has_the_old_phone_ended_ends_the_move_that_it_said_yes_to() {
    let world = World::new().await;
    let moving = world.moving().await;
    let (new, asked) = world.rehearses(&moving).await;
    let path = format!("/v1/users/{}/devices/{}", world.user, world.old_id);
    assert_eq!(world.site.request(Method::DELETE, &path).send().await.unwrap().status(), 204, "it was stolen");
    assert_eq!(world.state(&moving).await, "cancelled");
    drop(new.phone.core.approve(asked, None).await);
    assert_eq!(world.in_use(), Vec::<String>::new(), "the thief's own phone comes in its place");
}

#[tokio::test]
async fn a_new_phone_is_asked_within_its_time_and_never_after() {
    let world = World::new().await;
    let moving = world.moving().await;
    world.proves_by_old(&moving).await;
    let new = world.takes(&world.link(&moving).await).await;
    world.types_digits(&new).await;
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(world.step(&moving, "rehearse").await.code(), "no_device", "days later it would still take over");
    assert_eq!(world.in_use(), [world.old_id.to_string()]);
    world.proves_by_old(&moving).await;
    world.takes(&world.link(&moving).await).await;
}

#[tokio::test]
async fn a_question_that_was_asked_twice_is_over_with_the_switch() {
    let world = World::new().await;
    let moving = world.moving().await;
    let (new, asked) = world.rehearses(&moving).await;
    let again = world.asks_new(&moving, &new).await;
    let shown = world.site.get(&format!("/v1/challenges/{asked}")).await;
    new.phone.core.approve(asked, shown.body["number"].as_str()).await.unwrap();
    assert_eq!(world.in_use(), [new.id().to_string()]);
    assert_eq!(world.site.get(&format!("/v1/challenges/{again}")).await.body["state"], "cancelled");
}
