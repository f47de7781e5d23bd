//! A move that stops in the middle: the old phone goes on.

use crate::world::World;
use countersign_protocol::device_api::EnrolmentState;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How far a move has come.
const STEPS: [&str; 5] = ["made", "asked", "proven", "offered", "rehearsing"];

/// Brings a move so far; the server is stopped and started again after each step where that is wanted.
async fn up_to(step: usize, restarts: bool) -> (World, String) {
    let mut world = World::new().await;
    let moving = world.moving().await;
    for name in &STEPS[1..=step] {
        if restarts {
            world = world.restart().await;
        }
        match *name {
            "asked" => drop(world.asks_old(&moving).await),
            "proven" => {
                let pending = world.old.core.pending().unwrap();
                let asked = pending[0].challenge.challenge_id;
                let number = world.site.read(&asked).await["number"].as_str().unwrap().to_owned();
                world.old.core.approve(asked, Some(&number)).await.unwrap();
            }
            "offered" => drop(world.link(&moving).await),
            _ => {
                let new = world.takes(&world.link(&moving).await).await;
                world.types_digits(&new).await;
                world.asks_new(&moving, &new).await;
            }
        }
    }
    (world, moving)
}

#[tokio::test]
async fn its_time_goes_by_at_any_step_and_the_old_phone_goes_on() {
    for (step, name) in STEPS.iter().enumerate() {
        let (world, moving) = Box::pin(up_to(step, false)).await;
        world.clock.advance(DAY * 7);
        assert_eq!(world.state(&moving).await, "expired", "{name}");
        assert_eq!(world.in_use(), [world.old_id.to_string()], "{name}");
        assert!(world.signs_in(&world.old, world.old_id).await, "{name}");
        assert_eq!(world.journal().last().unwrap().1.as_deref(), Some("expired"), "{name}");
        world.moving().await;
    }
}

#[tokio::test]
async fn it_is_taken_back_at_any_step_and_the_old_phone_goes_on() {
    for (step, name) in STEPS.iter().enumerate() {
        let (world, moving) = Box::pin(up_to(step, false)).await;
        assert_eq!(world.step(&moving, "cancel").await.body["state"], "cancelled", "{name}");
        assert!(world.signs_in(&world.old, world.old_id).await, "{name}");
        let waiting = world.old.core.pending().unwrap();
        assert!(waiting.iter().all(|prompt| prompt.challenge.purpose.is_none()), "its question is gone: {name}");
    }
}

#[tokio::test]
async fn the_server_stops_at_any_step_and_the_move_goes_on_after_it() {
    for step in 0..STEPS.len() {
        let (world, moving) = Box::pin(up_to(step, true)).await;
        let world = world.restart().await;
        let new = match step {
            // Proven already: only the link is missing.
            2.. => {
                let new = world.takes(&world.link(&moving).await).await;
                world.types_digits(&new).await;
                let asked = world.asks_new(&moving, &new).await;
                new.phone.core.approve(asked, None).await.unwrap();
                new
            }
            _ => {
                if let Some(waiting) = world.old.core.pending().unwrap().first() {
                    world.site.cancel(&waiting.challenge.challenge_id).await;
                }
                let (new, asked) = world.rehearses(&moving).await;
                new.phone.core.approve(asked, None).await.unwrap();
                new
            }
        };
        assert_eq!(world.state(&moving).await, "switched", "step {step}");
        assert_eq!(world.in_use(), [new.id().to_string()]);
        let world = world.restart().await;
        assert!(world.signs_in(&new.phone, new.id()).await);
    }
}

#[tokio::test]
async fn the_new_phone_dies_before_it_answers_and_another_one_is_offered() {
    let world = World::new().await;
    let moving = world.moving().await;
    let (dead, _) = world.rehearses(&moving).await;
    world.clock.advance(Duration::from_secs(11 * 60));
    assert_eq!(dead.phone.core.pull(dead.id(), 0).await.unwrap().state, EnrolmentState::Void, "its time is over");
    assert_eq!(world.in_use(), [world.old_id.to_string()]);
    assert_eq!(world.step(&moving, "offer").await.code(), "move_not_proven", "the second half is too old");
    let answer = world.prove(&moving, &world.old.core.code(world.old_id).unwrap().code).await;
    assert_eq!(answer.body["valid"], true, "{answer:?}");
    let new = world.takes(&world.link(&moving).await).await;
    world.types_digits(&new).await;
    let asked = world.asks_new(&moving, &new).await;
    new.phone.core.approve(asked, None).await.unwrap();
    assert_eq!(world.in_use(), [new.id().to_string()]);
}

#[tokio::test]
async fn the_rehearsal_is_asked_again_when_nobody_answered_in_time() {
    let world = World::new().await;
    let moving = world.moving().await;
    let (new, late) = world.rehearses(&moving).await;
    world.clock.advance(Duration::from_secs(200));
    drop(new.phone.core.approve(late, None).await);
    assert_eq!(world.state(&moving).await, "rehearsing", "an answer after its time takes nothing over");
    let asked = world.asks_new(&moving, &new).await;
    new.phone.core.approve(asked, None).await.unwrap();
    assert_eq!(world.state(&moving).await, "switched");
}

#[tokio::test]
async fn the_old_phone_is_removed_meanwhile_and_the_new_one_takes_over_all_the_same() {
    let world = World::new().await;
    let moving = world.moving().await;
    let (new, asked) = world.rehearses(&moving).await;
    world.old.core.remove(world.old_id).await.unwrap();
    new.phone.core.approve(asked, None).await.unwrap();
    assert_eq!(world.in_use(), [new.id().to_string()]);
}
