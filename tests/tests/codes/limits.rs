//! How often one may guess, and what lifts the lock.

use crate::world::{STEP, WRONG, World, shown};
use countersign_protocol::decision::Answer::Approve;
use countersign_protocol::jws;
use countersign_server::domain::states::CodeKind;
use countersign_server::runtime::config::Config;
use countersign_server::store::Begun;
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn from_the_fifth_failure_on_each_next_attempt_waits_twice_as_long() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    for left in (95..100).rev() {
        assert_eq!(world.tries(WRONG).await, (false, left));
    }
    let mut left = 95;
    for pause in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        let throttled = world.verify(&shown(&phone, id)).await;
        assert_eq!((throttled.status, throttled.code()), (429, "throttled"), "also the right code");
        assert_eq!(throttled.headers["retry-after"].to_str().unwrap(), pause.to_string());
        world.clock.advance(Duration::from_secs(pause) - Duration::from_millis(1));
        let throttled = world.verify(WRONG).await;
        assert_eq!(throttled.code(), "throttled");
        assert_eq!(throttled.headers["retry-after"], "1", "rounded up");
        world.clock.advance(Duration::from_millis(1));
        left -= 1;
        assert_eq!(world.tries(WRONG).await, (false, left), "what was throttled did not count");
    }
    world.clock.advance(Duration::from_secs(900));
    assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100));
    for left in (95..100).rev() {
        assert_eq!(world.tries(WRONG).await, (false, left), "from the start again");
    }
}

#[tokio::test]
async fn a_hundred_failures_lock_that_authenticator_and_no_other() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    world.fails(60).await;
    let application = world.application().await;
    world.clock.advance(STEP);
    world.fails(39).await;
    assert_eq!(world.tries(WRONG).await, (false, 60), "of the application");
    let locked: Vec<_> = world.authenticators().await.iter().map(|one| one["locked"].clone()).collect();
    assert_eq!(locked, [true, false]);
    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(world.tries(&shown(&phone, id)).await, (false, 59), "right, and locked");
    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(world.tries(&application.code(&world.clock)).await, (true, 100));

    world.fails(99).await;
    assert_eq!(world.tries(WRONG).await, (false, 0));
    world.clock.advance(Duration::from_secs(15 * 60));
    for code in [application.code(&world.clock), shown(&phone, id), WRONG.into()] {
        let locked = world.verify(&code).await;
        assert_eq!((locked.status, locked.code()), (403, "locked"));
    }
    let challenge = world.site.ask(&world.user).await;
    let read = world.site.get(&format!("/v1/challenges/{challenge}")).await;
    assert_eq!(read.body["methods"], json!(["push"]), "a page need not offer the field");
}

#[tokio::test]
async fn the_hundredth_attempt_is_an_attempt() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    world.fails(99).await;
    assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100));
}

#[tokio::test]
async fn a_right_code_counts_nowhere_as_a_failure() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let application = world.application().await;
    world.clock.advance(STEP);
    world.fails(2).await;
    assert!(world.tries(&shown(&phone, id)).await.0);
    let failures = || world.counts().into_iter().map(|(failures, _)| failures).collect::<Vec<_>>();
    assert_eq!(failures(), [0, 2]);
    assert!(world.tries(&application.code(&world.clock)).await.0);
    assert_eq!(failures(), [0, 0]);
    world.fails(4).await;
    assert!(world.tries(&shown(&phone, id)).await.0);
    assert_eq!(failures(), [0, 4], "and no pause is left behind");
    assert_eq!(world.tries(&application.code(&world.clock)).await, (true, 100));
}

#[tokio::test]
async fn an_attempt_counts_although_a_crash_comes_before_it_is_compared() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let organisation = world.server.service().store.organisations().await.unwrap()[0].row_id;
    let account =
        world.server.service().store.account(organisation, world.user.parse().unwrap()).await.unwrap().unwrap();
    let begun = world.server.service().store.begin_code(account.row_id, None, CodeKind::Totp).await.unwrap();
    assert!(matches!(begun, Begun::Counted(_)), "{begun:?}");
    let world = world.restart().await;
    assert_eq!(world.tries(WRONG).await, (false, 98));
    assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100));
}

#[tokio::test]
async fn an_attempt_counts_although_its_caller_goes_away() {
    let world = World::new().await;
    world.phone().await;
    let body = json!({ "code": WRONG }).to_string();
    let request = format!(
        "POST /v1/users/{}/codes/verify HTTP/1.1\r\nHost: x\r\n\
         Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        world.user,
        world.site.api_key,
        body.len()
    );
    let address = world.server.url.strip_prefix("http://").unwrap();
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    drop(connection);
    while world.counts()[0].0 == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.tries(WRONG).await, (false, 98));
}

/// Locks what a person has, answers a question on the phone with YES, and tells whether it is unlocked.
async fn unlocks(configure: fn(&mut Config), user_verified: bool) -> bool {
    let world = World::with(configure).await;
    let device = world.device().await;
    world.server.sqlite().execute("UPDATE code_authenticator SET failures = 100, locked_at = 1", []).unwrap();
    assert_eq!(world.verify(WRONG).await.code(), "locked");

    let (challenge, compact) = device.asked(&world.site, &world.user).await;
    let mut claims = device.decision_claims(&compact, Approve);
    claims.user_verified = user_verified;
    let decided = device.decide(&challenge, jws::sign_now(&claims, &device.approval).unwrap()).await;
    assert_eq!(decided.status, 200, "{decided:?}");
    let after = world.verify(WRONG).await;
    if after.status == 200 {
        assert_eq!(after.body["remaining_attempts"], 99, "the failures are forgotten");
    }
    after.status == 200
}

#[tokio::test]
async fn an_approval_unlocks_when_the_phone_verified_the_person_and_is_believed() {
    assert!(unlocks(|_| (), true).await);
    assert!(!unlocks(|_| (), false).await);
    assert!(!unlocks(|config| config.approval.accept_unattested = false, true).await);
}
