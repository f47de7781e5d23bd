//! The certificate of the signing key, near its end and past it: the server says so, and renews it where it can.

use countersign_device::{Error, Outcome};
use countersign_server::domain::fact::Fact;
use countersign_tests::clock::ManualClock;
use countersign_tests::http::{Answer, client, send};
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use countersign_tests::server::TestServer;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
const TWO_YEARS: Duration = Duration::from_secs(2 * 365 * 24 * 3600);

/// What the figures of the server say of its certificate.
async fn seconds_left(server: &TestServer) -> i64 {
    let text = client().get(format!("{}/metrics", server.url)).send().await.unwrap().text().await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix("countersign_certificate_seconds_left "));
    value.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

async fn readyz(server: &TestServer) -> Answer {
    send(client().get(format!("{}/readyz", server.url))).await
}

/// How many signing keys the server has made by itself, as the journal says.
fn keys_made(server: &TestServer) -> u32 {
    let sql = "SELECT count(*) FROM journal WHERE fact = ?1 AND actor_kind = 'server'";
    server.sqlite().query_row(sql, [Fact::SigningKeyMade.as_str()], |row| row.get(0)).unwrap()
}

async fn sequence(server: &TestServer) -> u64 {
    server.service().keys.signer(&server.service().store).await.unwrap().sequence
}

#[tokio::test]
async fn it_is_renewed_by_itself_where_the_root_is_at_hand_and_once() {
    let scene = Scene::new().await;
    let (phone, id) = scene.phone().await;
    // A certificate begins an hour before it is made.
    scene.clock.advance(DAY * 365 - Duration::from_secs(3630));
    scene.server.watch().look().await;
    assert_eq!(sequence(&scene.server).await, 1, "it is not a year old");
    // Two questions wait while the key is renewed. They and their answers are as good as before.
    let questions = [scene.site.ask(&scene.user).await, scene.site.ask(&scene.user).await];
    assert!(phone.core.pull(id, 0).await.unwrap().received.iter().all(Result::is_ok));
    scene.clock.advance(Duration::from_secs(40));
    let mut watch = scene.server.watch();
    watch.look().await;
    assert_eq!(sequence(&scene.server).await, 2);
    for question in &questions {
        let number = scene.site.read(question).await["number"].as_str().map(str::to_owned);
        let answered = phone.core.approve(question.parse().unwrap(), number.as_deref()).await.unwrap();
        assert_eq!(answered, Outcome::Approved);
        let claimed = scene.site.claim(question, "k").await;
        assert_eq!((claimed.status, claimed.body["receipt"].is_object()), (200, true), "{claimed:?}");
    }
    for _ in 0..3 {
        scene.clock.advance(Duration::from_secs(3601));
        watch.look().await;
    }
    assert_eq!(sequence(&scene.server).await, 2, "it is renewed once");
    assert_eq!(keys_made(&scene.server), 2, "the journal says who made them");
    // And the phone learns of the new one by itself.
    scene.site.ask(&scene.user).await;
    assert!(phone.core.pull(id, 0).await.unwrap().received.iter().all(Result::is_ok));
}

#[tokio::test]
async fn without_the_root_readiness_says_what_to_do_and_how_it_stands() {
    let scene = Scene::new().await;
    let root = scene.server.take_root_away();
    let mut watch = scene.server.watch();
    let mut passed = Duration::ZERO;
    for (after, status, says) in [
        (DAY, 200, ""),
        (DAY * 400, 200, ""),
        (TWO_YEARS - DAY * 91, 200, ""),
        (TWO_YEARS - DAY * 89, 200, "ends at 2029-01-14T08:00:00Z"),
        (TWO_YEARS - DAY * 6, 200, "no phone believes this server any more"),
        (TWO_YEARS, 503, "ended at 2029-01-14T08:00:00Z"),
        (TWO_YEARS + DAY * 30, 503, "ended at 2029-01-14T08:00:00Z"),
    ] {
        scene.clock.advance(after - passed);
        passed = after;
        watch.look().await;
        let ready = readyz(&scene.server).await;
        assert_eq!(ready.status, status, "{ready:?}");
        let left = i64::try_from(TWO_YEARS.as_secs()).unwrap() - i64::try_from(after.as_secs()).unwrap();
        assert_eq!(seconds_left(&scene.server).await, left, "the figure says it too");
        let said = match status {
            200 => ready.body["warnings"].to_string(),
            _ => ready.body["detail"].to_string(),
        };
        assert_eq!(said == "[]", says.is_empty(), "{said}");
        assert!(said.contains(says), "{said}");
        assert!(says.is_empty() || said.contains("countersign admin key rotate"), "{said}");
    }
    assert_eq!(sequence(&scene.server).await, 1, "there was nothing to renew it with");
    let refused = Phone::at(&scene.clock).core.enrol(&scene.site.link(&scene.user).await, "Phone").await.unwrap_err();
    assert_eq!(refused.code(), "expired", "what phones say of it");

    scene.server.put_root_back(&root);
    scene.clock.advance(Duration::from_secs(3601));
    watch.look().await;
    assert_eq!(sequence(&scene.server).await, 2);
    let ready = readyz(&scene.server).await;
    assert_eq!((ready.status, ready.body["warnings"].to_string()), (200, "[]".into()));
    scene.phone().await;
}

#[tokio::test]
async fn another_servers_root_certifies_nothing_here() {
    let (scene, other) = (Scene::new().await, TestServer::start_at(&ManualClock::new()).await);
    scene.server.take_root_away();
    scene.server.put_root_back(&other.take_root_away());
    scene.clock.advance(TWO_YEARS);
    scene.server.watch().look().await;
    assert_eq!((sequence(&scene.server).await, readyz(&scene.server).await.status), (1, 503));
}

#[tokio::test]
async fn a_server_whose_certificate_ended_while_it_was_stopped_starts() {
    for root_at_hand in [true, false] {
        let scene = Scene::new().await;
        let (phone, id) = scene.phone().await;
        if !root_at_hand {
            scene.server.take_root_away();
        }
        scene.clock.advance(TWO_YEARS + DAY);
        let scene = scene.restart().await;
        let expected = if root_at_hand { (2, 200) } else { (1, 503) };
        assert_eq!((sequence(&scene.server).await, readyz(&scene.server).await.status), expected);
        let question = scene.site.ask(&scene.user).await;
        let pulled = phone.core.pull(id, 0).await.unwrap();
        match &pulled.received[..] {
            [Ok(_)] if root_at_hand => {}
            [Err(refusal)] if !root_at_hand => assert_eq!(refusal.code().as_str(), "expired"),
            other => panic!("{other:?}"),
        }
        assert_eq!(scene.site.state(&question).await, "pending");
    }
}

#[tokio::test]
async fn a_clock_before_its_begin_is_a_warning_and_renewed_where_it_can_be() {
    let scene = Scene::new().await;
    let root = scene.server.take_root_away();
    scene.clock.set_back(Duration::from_secs(50 * 60));
    assert_eq!(readyz(&scene.server).await.body["warnings"].to_string(), "[]", "clocks are set a little all the time");
    scene.clock.set_back(DAY);
    let ready = readyz(&scene.server).await;
    assert_eq!(ready.status, 200, "{ready:?}");
    assert!(ready.body["warnings"][0].as_str().unwrap().contains("before"), "{ready:?}");
    scene.server.put_root_back(&root);
    scene.server.watch().look().await;
    assert_eq!(readyz(&scene.server).await.body["warnings"].to_string(), "[]");
    let (phone, id) = scene.phone().await;
    let question = scene.site.ask(&scene.user).await;
    phone.core.pull(id, 0).await.unwrap();
    let answered: Result<Outcome, Error> = phone.core.approve(question.parse().unwrap(), None).await;
    assert_eq!(answered.unwrap(), Outcome::Approved);
}
