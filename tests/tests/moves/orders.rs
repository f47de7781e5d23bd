//! Whatever happens, in whatever order: one phone answers, and never two.

use crate::world::{NewPhone, World};
use countersign_protocol::handle::EnrolmentId;
use countersign_tests::phone::Phone;
use countersign_tests::simulation::generator::Generator;
use serde_json::json;
use std::time::Duration;

/// How many worlds there are, each with so many steps.
const WORLDS: u64 = 12;
const STEPS: usize = 40;

/// What has been made so far in a world.
struct Made {
    moving: Option<String>,
    links: Vec<String>,
    phones: Vec<NewPhone>,
}

/// A phone answers whatever waits for it, with what the page shows.
async fn answer(world: &World, phone: &Phone, id: EnrolmentId, says_yes: bool) {
    drop(phone.core.pull(id, 0).await);
    for prompt in phone.core.pending().unwrap_or_default() {
        let asked = prompt.challenge.challenge_id;
        let shown = world.site.get(&format!("/v1/challenges/{asked}")).await;
        let answered = match says_yes {
            true => phone.core.approve(asked, shown.body["number"].as_str()).await,
            false => phone.core.deny(asked).await,
        };
        drop(answered);
    }
}

/// What would bring the move on, as often as not; else anything.
async fn choose(world: &World, made: &Made, random: &mut Generator) -> usize {
    if random.chance(40) {
        return random.below(14);
    }
    let Some(moving) = &made.moving else { return 0 };
    let read = world.read(moving).await;
    match (read["state"].as_str().unwrap(), read["proof"].is_null()) {
        ("armed", true) => 2 + random.below(2),
        ("armed", false) => 4,
        ("offered", _) => 7 + random.below(3),
        ("rehearsing", _) => 10 + random.below(2),
        _ => 0,
    }
}

async fn step(world: &World, made: &mut Made, random: &mut Generator) {
    let moving = made.moving.clone().unwrap_or_default();
    match choose(world, made, random).await {
        0 | 1 => {
            if let Some(id) = world.wants(json!({})).await.body["id"].as_str() {
                made.moving = Some(id.to_owned());
            }
        }
        2 => drop(world.step(&moving, "ask").await),
        3 => {
            let says_yes = random.chance(85);
            answer(world, &world.old, world.old_id, says_yes).await;
        }
        4..=6 => {
            let offered = world.step(&moving, "offer").await;
            made.links.extend(offered.body["link"].as_str().map(str::to_owned));
        }
        7 | 8 => {
            let phone = Phone::at(&world.clock);
            if let Some(link) = made.links.last()
                && let Ok(account) = phone.core.enrol(link, "new phone").await
            {
                made.phones.push(NewPhone { phone, account });
            }
        }
        9 => {
            if let Some(new) = random.pick(&made.phones) {
                world.types_digits(new).await;
            }
        }
        10 => drop(world.step(&moving, "rehearse").await),
        11 => {
            for new in &made.phones {
                answer(world, &new.phone, new.id(), true).await;
            }
        }
        12 => world.clock.advance(Duration::from_secs(random.between(1, 900))),
        _ => {
            if random.chance(25) {
                world.step(&moving, "cancel").await;
            }
            drop(world.site.ask(&world.user).await);
        }
    }
}

#[tokio::test]
async fn in_any_order_one_phone_answers_and_never_two() {
    let mut switched = 0;
    for seed in 1..=WORLDS {
        let mut random = Generator::new(seed);
        let mut world = World::new().await;
        let mut made = Made { moving: None, links: Vec::new(), phones: Vec::new() };
        for at in 0..STEPS {
            if random.chance(5) {
                world = world.restart().await;
            }
            step(&world, &mut made, &mut random).await;
            let in_use = world.in_use();
            assert_eq!(in_use.len(), 1, "seed {seed}, step {at}: {in_use:?}");
        }
        let id = world.in_use().remove(0);
        if id == world.old_id.to_string() {
            assert!(world.signs_in(&world.old, world.old_id).await, "seed {seed}");
        } else {
            switched += 1;
            let new = made.phones.iter().find(|new| new.id().to_string() == id).expect("it is one of these");
            assert!(world.signs_in(&new.phone, new.id()).await, "seed {seed}");
        }
    }
    assert!(switched > 0, "no world has come to its switch: the orders show nothing");
}
