//! The move as it should go.

use crate::world::World;
use countersign_device::Outcome;
use countersign_protocol::challenge::Purpose;
use countersign_protocol::device_api::EnrolmentState;
use countersign_protocol::revocation::EndReason;
use serde_json::{Value, json};

#[tokio::test]
async fn the_old_phone_says_yes_the_new_one_shows_that_it_works_and_takes_over() {
    let world = World::new().await;
    let moving = world.moving().await;
    assert_eq!(world.step(&moving, "offer").await.code(), "move_not_proven", "an offer alone opens nothing");

    let (asked, number) = world.asks_old(&moving).await;
    assert_eq!(number.len(), 6);
    let prompt = world.old.core.pending().unwrap().remove(0);
    assert_eq!(prompt.challenge.purpose, Some(Purpose::Move), "the phone asks in other words than those of a sign-in");
    assert_eq!(world.old.core.approve(asked, Some(&number)).await.unwrap(), Outcome::Approved);
    assert_eq!(world.site.claim(&asked, "page").await.code(), "not_approved", "it signs nobody in");
    assert_eq!(world.read(&moving).await["proof"], "old_phone");

    let new = world.takes(&world.link(&moving).await).await;
    assert_eq!(world.state(&moving).await, "offered");
    let typed = world.types_digits(&new).await;
    assert_eq!((typed.status, &typed.body["state"]), (200, &json!("proposed")), "it is not in use yet");
    let read = world.read(&moving).await;
    assert_eq!((&read["state"], &read["new_device_id"]), (&json!("rehearsing"), &json!(new.id())));
    assert_eq!(new.phone.core.pull(new.id(), 0).await.unwrap().state, EnrolmentState::Confirmed);
    assert_eq!(world.in_use(), [world.old_id.to_string()]);
    assert!(!world.signs_in(&new.phone, new.id()).await, "it answers the rehearsal and nothing else");
    assert!(world.signs_in(&world.old, world.old_id).await, "and the old phone goes on");
    let list = new.phone.core.devices(new.id()).await;
    assert!(list.is_err(), "nor does it read what the person has: {list:?}");

    let asked = world.asks_new(&moving, &new).await;
    let prompt = new.phone.core.pending().unwrap().remove(0);
    assert_eq!((prompt.challenge.challenge_id, prompt.challenge.purpose), (asked, Some(Purpose::Rehearsal)));
    assert_eq!(new.phone.core.approve(asked, None).await.unwrap(), Outcome::Approved);
    assert_eq!(world.site.claim(&asked, "page").await.code(), "not_approved");
    assert_eq!(world.state(&moving).await, "switched");
    assert_eq!(world.in_use(), [new.id().to_string()]);
    assert!(world.signs_in(&new.phone, new.id()).await);
    assert!(!world.signs_in(&world.old, world.old_id).await);
    let pulled = world.old.core.pull(world.old_id, 0).await;
    let ended = pulled.as_ref().is_ok_and(|pulled| pulled.ended == Some(EndReason::Moved));
    assert!(ended || pulled.is_err(), "the server's signed word ends it there: {pulled:?}");

    let code = new.phone.core.code(new.id()).unwrap().code;
    assert_eq!(world.site.verify(&world.user, &code).await.body["valid"], true, "its codes count from now on");
    let words: Vec<String> = world.journal().into_iter().map(|(fact, _)| fact).collect();
    assert_eq!(words, ["move.created", "move.proven", "move.offered", "move.rehearsing", "move.switched"]);
    assert_eq!(world.journal()[1].1.as_deref(), Some("old_phone"));
}

#[tokio::test]
async fn a_code_takes_the_place_of_a_phone_that_is_lost() {
    let world = World::new().await;
    let made = world.site.post(&format!("/v1/users/{}/backup-codes", world.user), &Value::Null).await;
    let paper: Vec<String> = serde_json::from_value(made.body["codes"].clone()).unwrap();
    let moving = world.moving().await;
    let wrong = world.prove(&moving, "999999999999").await;
    assert_eq!((wrong.status, &wrong.body["valid"]), (200, &json!(false)));
    assert_eq!(world.step(&moving, "offer").await.code(), "move_not_proven");
    let right = world.prove(&moving, &paper[0]).await;
    assert_eq!((&right.body["valid"], &right.body["backup_codes_left"]), (&json!(true), &json!(9)));
    assert_eq!(world.read(&moving).await["proof"], "backup_code");
    assert_eq!(world.prove(&moving, &paper[1]).await.code(), "move_not_now", "one is enough, and no other is spent");

    let new = world.takes(&world.link(&moving).await).await;
    world.types_digits(&new).await;
    let asked = world.asks_new(&moving, &new).await;
    new.phone.core.approve(asked, None).await.unwrap();
    assert_eq!(world.in_use(), [new.id().to_string()]);
    let left = world.site.verify(&world.user, &paper[1]).await.body;
    assert_eq!((&left["valid"], &left["backup_codes_left"]), (&json!(true), &json!(8)), "the paper stays good");
}

#[tokio::test]
async fn a_move_can_be_made_ahead_of_its_day() {
    let world = World::new().await;
    let day = |days: u64| {
        use countersign_protocol::time::Clock;
        let at = world.clock.now() + std::time::Duration::from_secs(days * 24 * 3600);
        countersign_server::domain::moment::rfc3339(at)
    };
    for wrong in [
        json!({ "valid_until": day(0) }),
        json!({ "valid_from": day(3), "valid_until": day(2) }),
        json!({ "valid_from": day(3), "valid_until": day(34) }),
        json!({ "valid_from": "tomorrow" }),
        json!({ "reason": "\u{202e}" }),
    ] {
        assert_eq!(world.wants(wrong.clone()).await.code(), "malformed", "{wrong}");
    }
    let made = world.wants(json!({ "valid_from": day(3), "valid_until": day(5) })).await;
    let moving = made.body["id"].as_str().unwrap();
    assert_eq!(world.step(moving, "ask").await.code(), "move_not_now");
    assert_eq!(world.step(moving, "offer").await.code(), "move_not_now");
    world.clock.advance(std::time::Duration::from_secs(3 * 24 * 3600));
    let (new, asked) = world.rehearses(moving).await;
    new.phone.core.approve(asked, None).await.unwrap();
    assert_eq!(world.state(moving).await, "switched");
}
