//! What a Web Push service may answer, and what becomes of the push.

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::{Router, routing};
use countersign_protocol::device_api::{PushFailure, PushRegistration, PushStatus};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::webpush::Receiver;
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// What the service answers next: a status and one header.
type Next = Arc<Mutex<(u16, &'static str, String)>>;

/// A service that says what it is told to, and counts who follows its redirects.
async fn service(next: Next, followed: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let answer = move || {
        let (status, name, value) = next.lock().unwrap().clone();
        async move { (StatusCode::from_u16(status).unwrap(), [(name, value)]).into_response() }
    };
    let elsewhere = move || {
        followed.fetch_add(1, SeqCst);
        async { StatusCode::CREATED }
    };
    let router = Router::new().route("/subscriber", routing::post(answer)).route("/elsewhere", routing::any(elsewhere));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    origin
}

#[tokio::test]
async fn redirects_lead_nowhere_and_refusals_are_told_in_words() {
    let scene = Scene::new().await;
    let (phone, id) = scene.phone().await;
    let Scene { clock, server, site, user } = scene;
    let (next, followed) = (Arc::new(Mutex::new((201, "x-none", String::new()))), Arc::default());
    let origin = service(Arc::clone(&next), Arc::clone(&followed)).await;
    let receiver = Receiver::generate(&SystemRandomness::new());
    let subscription = receiver.subscription(format!("{origin}/subscriber"));
    phone.core.register_push(id, &[PushRegistration::WebPush(subscription)]).await.unwrap();

    let database = server.sqlite();
    let sql = "SELECT state, coalesce(reason, ''), due_at FROM push \
               WHERE attempts = 1 AND row_id = (SELECT max(row_id) FROM push)";
    let location = || (header::LOCATION.as_str(), format!("{origin}/elsewhere"));
    let none = || ("x-none", String::new());
    let after = |text: &str| (header::RETRY_AFTER.as_str(), text.to_owned());
    // The clock stands at 2027-01-15T08:00:00Z and goes an hour further for each.
    for (status, (name, value), state, words, pause) in [
        (201, none(), "sent", "", None),
        (301, location(), "failed", "no redirect is followed", None),
        (307, location(), "failed", "no redirect is followed", None),
        (308, location(), "failed", "no redirect is followed", None),
        (400, none(), "failed", "does not understand", None),
        (403, none(), "failed", "VAPID", None),
        (413, none(), "failed", "only shorter messages", None),
        (429, after("Fri, 15 Jan 2027 16:00:30 GMT"), "queued", "429", Some(30)),
        (503, after("Friday, 15-Jan-27 17:00:40 GMT"), "queued", "503", Some(40)),
        (503, after("25"), "queued", "503", Some(25)),
    ] {
        clock.advance(Duration::from_secs(3600));
        *next.lock().unwrap() = (status, name, value);
        let asked = site.ask_for(&user, json!({})).await;
        assert_eq!(asked.status, 201, "{asked:?}");
        let (found, reason, due_at) = loop {
            let row = database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            match row {
                Ok(row) => break row,
                Err(rusqlite::Error::QueryReturnedNoRows) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        };
        let (found, reason, due_at): (String, String, i64) = (found, reason, due_at);
        assert_eq!(found, state, "{status}: {reason}");
        assert!(reason.contains(words) && !reason.contains(&origin), "{status}: {reason}");
        if let Some(pause) = pause {
            let now = countersign_protocol::time::Clock::now(&clock);
            assert_eq!(due_at - now.millis(), pause * 1000, "{status}");
        }
        assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(PushStatus::Registered), "{status}");
        site.cancel(asked.body["id"].as_str().unwrap()).await;
    }
    assert_eq!(followed.load(SeqCst), 0);
}

#[tokio::test]
async fn a_limit_of_one_subscription_is_kept_for_it_and_for_no_other() {
    let scene = Scene::new().await;
    let (phone, id) = scene.phone().await;
    let Scene { clock, server, site, user } = scene;
    let next = Arc::new(Mutex::new((429, header::RETRY_AFTER.as_str(), "3600".to_owned())));
    let origin = service(Arc::clone(&next), Arc::default()).await;
    let receiver = Receiver::generate(&SystemRandomness::new());
    let registration = || PushRegistration::WebPush(receiver.subscription(format!("{origin}/subscriber")));
    phone.core.register_push(id, &[registration()]).await.unwrap();
    let asked = site.ask(&user).await;
    site.until(&asked, "push", "failed").await;
    *next.lock().unwrap() = (201, "x-none", String::new());

    // It asked for an hour, and no question lives longer than ten minutes.
    let asked = site.ask_for(&user, json!({ "expires_in": 60 })).await.body["id"].as_str().unwrap().to_owned();
    let read = site.read(&asked).await;
    assert_eq!(read["push"], "queued", "nothing is sent before its time");
    assert!(read["push_reason"].as_str().unwrap().contains("asked not to be sent"), "{read}");
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push_failure, Some(PushFailure::NotNow));
    let (other, noor) = (Phone::at(&clock), site.user("noor").await);
    let other_id = other.enrol(&site, &noor).await;
    let elsewhere = PushRegistration::WebPush(receiver.subscription(format!("{origin}/subscriber?other=1")));
    other.core.register_push(other_id, &[elsewhere]).await.unwrap();
    let beside = site.ask(&noor).await;
    site.until(&beside, "push", "sent").await;

    clock.advance(Duration::from_secs(600));
    let asked = site.ask(&user).await;
    site.until(&asked, "push", "sent").await;
    drop(server);
}
