//! Access tokens: one for many pushes, renewed in time, replaced when refused, and what is said when there is none.

use crate::scene::{Scene, fcm_config};
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::time::Clock;
use countersign_server::delivery::SetupError;
use countersign_server::delivery::push::config::FcmConfig;
use countersign_server::delivery::push::{Delivery, Fcm as Sending, Gateway, Kind, Message};
use countersign_tests::fcm::{FOREIGN_KEY, Fault};
use std::sync::Arc;
use std::time::Duration;

/// The gateway of a scene, by itself.
fn gateway(scene: &Scene) -> Arc<Sending> {
    let config = fcm_config(&scene.fcm, scene.folder.path());
    Arc::new(Sending::new(&config, Arc::clone(scene.server.service())).unwrap())
}

async fn send(scene: &Scene, gateway: &Sending, registration: &PushRegistration) -> Delivery {
    let message = Message {
        envelope: "{}",
        kind: Kind::Challenge,
        time_to_live: Duration::from_secs(60),
        expires_at: scene.clock.now() + Duration::from_secs(60),
        topic: "topic",
        attempts: 0,
    };
    gateway.send(registration, message).await
}

/// The reason for which a push is given up.
#[track_caller]
fn failed(delivery: Delivery) -> String {
    let Delivery::Misconfigured(reason) = delivery else { panic!("{delivery:?}") };
    reason
}

#[tokio::test]
async fn a_hundred_pushes_at_once_fetch_one_token() {
    let scene = Scene::new().await;
    let (gateway, registration) = (gateway(&scene), scene.fcm.registration());
    scene.fcm.hold(true);
    let sending = async { join((0..100).map(|_| send(&scene, &gateway, &registration)).collect()).await };
    let release = async {
        // Every push has been begun by the time this is polled.
        scene.fcm.hold(false);
    };
    let (deliveries, ()) = tokio::join!(sending, release);
    assert_eq!((deliveries, scene.fcm.token_fetches()), (vec![Delivery::Sent; 100], 1));
}

/// Runs all side by side.
async fn join<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.into_iter().map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (one, output) in &mut all {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = one.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        let done = all.iter().all(|(_, output)| output.is_some());
        if done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn a_token_serves_until_five_minutes_before_its_end() {
    let scene = Scene::new().await;
    let (gateway, registration) = (gateway(&scene), scene.fcm.registration());
    for (moment, advance, fetches) in [
        ("at first", 0, 1),
        ("at once again", 0, 1),
        ("just before", 3298, 1),
        ("five minutes before", 1, 2),
        ("later", 3298, 2),
    ] {
        scene.clock.advance(Duration::from_secs(advance));
        assert_eq!(send(&scene, &gateway, &registration).await, Delivery::Sent, "{moment}");
        assert_eq!(scene.fcm.token_fetches(), fetches, "{moment}");
    }
    scene.clock.advance(Duration::from_secs(10));
    scene.fcm.refuse_assertions(Some(Fault::Unavailable(None)));
    assert_eq!(send(&scene, &gateway, &registration).await, Delivery::Sent, "the old one serves to its end");
    assert_eq!(scene.fcm.token_fetches(), 3);
    assert_eq!(send(&scene, &gateway, &registration).await, Delivery::Sent);
    assert_eq!(scene.fcm.token_fetches(), 3, "a busy endpoint is not asked at once again");
    scene.clock.advance(Duration::from_secs(300));
    assert!(matches!(send(&scene, &gateway, &registration).await, Delivery::Down(None, _)));
    scene.fcm.refuse_assertions(None);
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(send(&scene, &gateway, &registration).await, Delivery::Sent);

    scene.fcm.give_tokens_for(20);
    scene.clock.advance(Duration::from_secs(3600));
    let before = scene.fcm.token_fetches();
    for (advance, more) in [(0, 1), (9, 1), (1, 2)] {
        scene.clock.advance(Duration::from_secs(advance));
        assert_eq!(send(&scene, &gateway, &registration).await, Delivery::Sent);
        assert_eq!(scene.fcm.token_fetches() - before, more, "a short one serves half its life");
    }
}

#[tokio::test]
async fn a_token_that_google_refuses_is_replaced_once() {
    let mut scene = Scene::new().await;
    let (gateway, registration) = (gateway(&scene), scene.fcm.registration());
    assert_eq!(send(&scene, &gateway, &registration).await, Delivery::Sent);
    scene.fcm.next().await;
    scene.fcm.revoke_access_tokens();
    let all = (0..10).map(|_| send(&scene, &gateway, &registration)).collect();
    assert!(join(all).await.into_iter().all(|delivery| delivery == Delivery::Sent));
    assert_eq!(scene.fcm.token_fetches(), 2, "one more for all that were refused");
    for _ in 0..10 {
        assert_eq!(scene.fcm.next().await.status, 200);
    }

    let PushRegistration::Fcm { token } = &registration else { panic!("{registration:?}") };
    scene.fcm.answer(token, Some(Fault::Unauthenticated));
    let reason = failed(send(&scene, &gateway, &registration).await);
    assert!(reason.contains("401") && reason.contains("is the Firebase Cloud Messaging API enabled"), "{reason}");
    assert_eq!(scene.fcm.token_fetches(), 3);
    for _ in 0..2 {
        assert_eq!(scene.fcm.next().await.status, 401);
    }
    assert!(scene.fcm.is_quiet(), "twice, and not again");
}

#[tokio::test]
async fn where_there_is_no_token_the_log_says_what_to_do() {
    let mut scene = Scene::new().await;
    let (gateway, registration) = (gateway(&scene), scene.fcm.registration());
    scene.fcm.refuse_assertions(Some(Fault::InvalidGrant));
    for _ in 0..3 {
        let reason = failed(send(&scene, &gateway, &registration).await);
        assert!(reason.contains("invalid_grant") && reason.contains("clock") && reason.contains("key"), "{reason}");
    }
    assert_eq!(scene.fcm.token_fetches(), 1, "the endpoint is not asked for each push");
    scene.clock.set_back(Duration::from_secs(60));
    failed(send(&scene, &gateway, &registration).await);
    assert_eq!(scene.fcm.token_fetches(), 2, "a clock that was set back does not stop it for longer");
    let mut fetches = 2;
    for (fault, word) in [
        (Fault::QuotaExceeded(Some("3".into())), "429"),
        (Fault::BadGateway, "502"),
        (Fault::Nonsense, "something else"),
        (Fault::Reset, "cannot be reached"),
    ] {
        let down = |delivery| match delivery {
            Delivery::Down(after, reason) => (after, reason),
            Delivery::Unreachable(none) => (None, none.said()),
            other => panic!("{fault:?}: {other:?}"),
        };
        scene.clock.advance(Duration::from_secs(10));
        scene.fcm.refuse_assertions(Some(fault.clone()));
        let (after, reason) = down(send(&scene, &gateway, &registration).await);
        assert!(reason.contains(word), "{fault:?}: {reason}");
        assert_eq!(after, (word == "429").then_some(Duration::from_secs(3)), "{fault:?}");
        fetches += 1;
        assert_eq!(scene.fcm.token_fetches(), fetches);
        scene.clock.advance(Duration::from_millis(if word == "429" { 2999 } else { 999 }));
        down(send(&scene, &gateway, &registration).await);
        assert_eq!(scene.fcm.token_fetches(), fetches, "{fault:?}: not asked before its time");
    }
    assert!(scene.fcm.is_quiet());
    scene.clock.advance(Duration::from_secs(10));
    scene.fcm.refuse_assertions(None);
    assert_eq!(send(&scene, &gateway, &registration).await, Delivery::Sent);
}

#[tokio::test]
async fn a_key_that_is_not_the_account_s_gets_no_token() {
    let scene = Scene::new().await;
    let config = fcm_config(&scene.fcm, scene.folder.path());
    let mut account = scene.fcm.service_account();
    account["private_key"] = FOREIGN_KEY.into();
    std::fs::write(&config.service_account, account.to_string()).unwrap();
    let gateway = Sending::new(&config, Arc::clone(scene.server.service())).unwrap();
    let reason = failed(send(&scene, &gateway, &scene.fcm.registration()).await);
    assert!(reason.contains("invalid_grant Invalid JWT Signature."), "{reason}");
}

#[tokio::test]
async fn what_cannot_be_used_stops_the_start_with_what_to_do() {
    let scene = Scene::new().await;
    let right = fcm_config(&scene.fcm, scene.folder.path());
    let start = |config: &FcmConfig| Sending::new(config, Arc::clone(scene.server.service())).map(drop);
    start(&right).unwrap();
    let missing = FcmConfig { service_account: scene.folder.path().join("missing.json"), ..right.clone() };
    let empty = FcmConfig { service_account: scene.folder.path().join("empty.json"), ..right.clone() };
    std::fs::write(&empty.service_account, "{}").unwrap();
    for (config, words) in [
        (missing, ["missing.json", "Generate new private key"]),
        (empty, ["empty.json", "not a service account's key file"]),
        (FcmConfig { base_url: "firebase".into(), ..right.clone() }, ["base_url", "firebase"]),
        (
            FcmConfig { base_url: "http://fcm.example".into(), allow_private: false, ..right.clone() },
            ["base_url", "https"],
        ),
        (FcmConfig { allow_private: false, ..right.clone() }, ["base_url", "private address"]),
        (FcmConfig { token_url: Some("ftp".into()), ..right.clone() }, ["token_url", "ftp"]),
        (FcmConfig { extra_roots: vec!["/nowhere.pem".into()], ..right }, ["extra_roots", "/nowhere.pem"]),
    ] {
        let error = start(&config).unwrap_err();
        assert!(matches!(error, SetupError::Configuration(_)), "{error}");
        for word in words {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
