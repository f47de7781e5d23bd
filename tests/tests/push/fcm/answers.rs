//! Every answer that Google gives, and what becomes of the push and of the registration.

use crate::scene::Scene;
use countersign_protocol::device_api::{PushFailure, PushRegistration, PushStatus};
use countersign_tests::fcm::Fault;
use countersign_tests::phone::Phone;
use serde_json::json;
use std::time::Duration;

/// What is expected of a push.
enum Expected {
    /// It is given up, and the log holds this.
    Failed(&'static str),
    /// It is tried again after so many seconds, and up to half as many more.
    Later(u64),
    /// It is tried again after exactly so many seconds.
    LaterBy(u64),
}

#[tokio::test]
async fn every_error_has_its_consequence_and_none_drops_the_registration() {
    use Expected::{Failed, Later, LaterBy};
    let mut scene = Scene::new().await;
    let (phone, id, token) = scene.android().await;
    let elsewhere = scene.fcm.send_url();
    for (fault, status, expected) in [
        (Fault::InvalidArgument, 400, Failed("INVALID_ARGUMENT")),
        (Fault::ThirdPartyAuthError, 401, Failed("THIRD_PARTY_AUTH_ERROR")),
        (Fault::PermissionDenied, 403, Failed("Firebase Cloud Messaging API Admin")),
        (Fault::Unlisted, 400, Failed("400 A_CODE_OF_TOMORROW: A reason of tomorrow.")),
        (Fault::Redirect(elsewhere), 307, Failed("no redirect is followed")),
        (Fault::QuotaExceeded(None), 429, Later(60)),
        (Fault::QuotaExceeded(Some("5".into())), 429, LaterBy(5)),
        (Fault::Unavailable(None), 503, Later(10)),
        (Fault::Unavailable(Some("17".into())), 503, LaterBy(17)),
        (Fault::Internal, 500, Later(10)),
        (Fault::BadGateway, 502, Later(10)),
    ] {
        // The bound on unanswered prompts is another test's.
        scene.clock.advance(Duration::from_secs(3600));
        scene.fcm.answer(&token, Some(fault.clone()));
        let asked = scene.site.ask_for(&scene.user, json!({ "expires_in": 600 })).await;
        assert_eq!(asked.status, 201, "{asked:?}");
        assert_eq!(scene.fcm.next().await.status, status, "{fault:?}");
        let outcome = scene.outcome(1).await;
        let now = countersign_protocol::time::Clock::now(&scene.clock).millis();
        let after = outcome.due_at - now;
        let seconds = |seconds: u64| i64::try_from(seconds).unwrap() * 1000;
        match expected {
            Failed(words) => {
                assert_eq!(outcome.state, "failed", "{fault:?}");
                assert!(outcome.reason.contains(words), "{fault:?}: {}", outcome.reason);
            }
            Later(least) => {
                assert_eq!(outcome.state, "queued", "{fault:?}");
                assert!((seconds(least)..seconds(least) * 3 / 2).contains(&after), "{fault:?}: {after} ms");
            }
            LaterBy(exactly) => assert_eq!((outcome.state.as_str(), after), ("queued", seconds(exactly)), "{fault:?}"),
        }
        assert!(!outcome.reason.contains(&token), "a token is a capability: {}", outcome.reason);
        assert!(scene.fcm.is_quiet(), "{fault:?}: it is sent once");
        assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(PushStatus::Registered), "{fault:?}");
        scene.site.cancel(asked.body["id"].as_str().unwrap()).await;
    }
}

#[tokio::test]
async fn a_torn_connection_is_replaced_by_another() {
    let mut scene = Scene::new().await;
    let (phone, _, _) = scene.android().await;
    scene.fcm.answer_once(Fault::Reset);
    scene.site.ask(&scene.user).await;
    assert_eq!(scene.fcm.next().await.status, 0);
    let outcome = scene.outcome(1).await;
    assert_eq!(outcome.state, "queued");
    assert!(outcome.reason.contains("cannot be reached"), "{outcome:?}");
    scene.clock.advance(Duration::from_secs(1));
    scene.server.service().wake.pushes.notify_one();
    let taken = scene.fcm.next().await;
    assert_eq!(taken.status, 200);
    phone.core.receive(taken.envelope()).unwrap();
    phone.only_prompt();
}

#[tokio::test]
async fn a_token_that_can_never_work_again_is_gone_however_google_says_it() {
    for (fault, failure) in [
        (None, PushFailure::Gone),
        (Some(Fault::InvalidToken), PushFailure::Gone),
        (Some(Fault::NotAToken), PushFailure::Gone),
        (Some(Fault::SenderIdMismatch), PushFailure::WrongProject),
    ] {
        let mut scene = Scene::new().await;
        let (phone, id, token) = scene.android().await;
        match &fault {
            None => scene.fcm.uninstall(&token),
            fault => scene.fcm.answer(&token, fault.clone()),
        }
        let challenge = scene.site.ask(&scene.user).await;
        scene.fcm.next().await;
        assert_eq!(scene.outcome(1).await.state, "gone", "{fault:?}");
        let read = scene.site.read(&challenge).await;
        assert_eq!(read["push"], "gone", "{fault:?}");
        assert!(!read["push_reason"].as_str().unwrap().contains(&token), "{fault:?}");
        let pulled = phone.core.pull(id, 0).await.unwrap();
        assert_eq!((pulled.push, pulled.push_failure), (Some(PushStatus::Gone), Some(failure)), "{fault:?}");
    }
}

#[tokio::test]
async fn a_mistake_of_our_own_does_not_throw_every_registration_away() {
    let mut scene = Scene::new().await;
    let mut phones = Vec::new();
    for number in 0..8 {
        let user = scene.site.user(&format!("person {number}")).await;
        let (phone, token) = (Phone::at(&scene.clock), scene.fcm.install());
        let id = phone.enrol(&scene.site, &user).await;
        phone.core.register_push(id, &[PushRegistration::Fcm { token: token.clone() }]).await.unwrap();
        // As when the service account was exchanged for one of another project.
        scene.fcm.answer(&token, Some(Fault::SenderIdMismatch));
        phones.push((phone, id, user, token));
    }
    let mut kept = 0;
    for (phone, id, user, _) in &phones {
        let challenge = scene.site.ask(user).await;
        scene.fcm.next().await;
        scene.outcome(1).await;
        let pulled = phone.core.pull(*id, 0).await.unwrap();
        assert_eq!(pulled.push_failure, Some(PushFailure::WrongProject));
        let push = scene.site.read(&challenge).await["push"].clone();
        match pulled.push {
            Some(PushStatus::Gone) => assert_eq!(push, "gone"),
            Some(PushStatus::Registered) => {
                assert_eq!(push, "failed");
                kept += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(kept, 5, "three in a row are believed");

    // The operator puts the right file back: whoever was kept is reached at once, and the network is believed again.
    let (phone, _, user, token) = phones.last().unwrap();
    scene.fcm.answer(token, None);
    scene.site.ask(user).await;
    phone.core.receive(scene.fcm.next().await.envelope()).unwrap();
    let (phone, id, user, _) = &phones[6];
    scene.site.ask(user).await;
    scene.fcm.next().await;
    scene.outcome(1).await;
    assert_eq!(phone.core.pull(*id, 0).await.unwrap().push, Some(PushStatus::Gone));
}
