//! A push service that is down, slow or answers rubbish costs no challenge and no other service's pushes.

use axum::http::{StatusCode, Uri};
use axum::{Router, routing};
use countersign_protocol::device_api::{PushFailure, PushRegistration, PushStatus};
use countersign_protocol::webpush::Subscription;
use countersign_tests::phone::Phone;
use countersign_tests::push_service::{Down, PushService};
use countersign_tests::scene::Scene;
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// More than there are places for pushes in all, each of which the stalled service holds until its time is over.
const QUEUED: u32 = 2_000;

/// What a service does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Stalls,
    TalksRubbish,
    IsDown,
}

/// A service of this manner, and its address.
async fn service(manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    if manner == Manner::IsDown {
        return format!("http://{address}");
    }
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut connection, _)) = listener.accept().await {
            if manner == Manner::TalksRubbish {
                drop(connection.write_all(b"HTTP/9.9 who knows\r\n\0\xff\r\n").await);
            } else {
                held.push(connection);
            }
        }
    });
    format!("http://{address}")
}

/// The registration of a subscriber at this address.
fn at(origin: &str) -> PushRegistration {
    let PushRegistration::WebPush(subscription) = Down::new().registration() else { unreachable!() };
    PushRegistration::WebPush(Subscription { endpoint: format!("{origin}/subscriber"), ..subscription })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_well_holds_up_no_other() {
    for manner in [Manner::Stalls, Manner::TalksRubbish, Manner::IsDown] {
        let scene = Scene::new().await;
        let (unlucky, id) = scene.pushed_phone(&[at(&service(manner).await)]).await;
        let Scene { clock, server, site, user: maya } = scene;
        let (noor, lucky, mut well) = (site.user("noor").await, Phone::at(&clock), PushService::start().await);
        let other = lucky.enrol(&site, &noor).await;
        lucky.core.register_push(other, &[well.registration()]).await.unwrap();

        let asked = site.ask_for(&maya, json!({ "expires_in": 600 })).await;
        assert_eq!(asked.status, 201, "{manner:?}: the challenge does not wait for its push");
        let database = server.sqlite();
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                   INSERT INTO push (challenge, enrolment, registration, lane, state, due_at, expires_at)
                   SELECT challenge, enrolment, registration, lane, 'queued', due_at, expires_at FROM push, n";
        assert_eq!(database.execute(sql, [QUEUED]).unwrap(), QUEUED as usize);
        server.service().wake.pushes.notify_one();

        site.ask(&noor).await;
        well.next().await;
        let waiting = site.read(asked.body["id"].as_str().unwrap()).await;
        assert_eq!(waiting["state"], "pending", "{manner:?}");
        assert_ne!(waiting["push"], "sent", "{manner:?}");
        unlucky.core.pull(id, 0).await.unwrap();
        unlucky.core.approve(unlucky.only_prompt(), None).await.unwrap();
    }
}

/// A push service on one address: each path answers with its status, `/good` is well, and every request is told.
async fn answering(status: u16) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (told, asked) = mpsc::unbounded_channel();
    let answer = move |uri: Uri| {
        // The test may have ended.
        let _ = told.send(uri.path().to_owned());
        let status = if uri.path() == "/good" { 201 } else { status };
        async move { StatusCode::from_u16(status).unwrap() }
    };
    let router = Router::new().fallback(routing::any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (origin, asked)
}

/// A registration of this path.
fn registered_at(origin: &str, path: &str) -> PushRegistration {
    let PushRegistration::WebPush(subscription) = Down::new().registration() else { unreachable!() };
    PushRegistration::WebPush(Subscription { endpoint: format!("{origin}/{path}?up=1"), ..subscription })
}

/// How many phones are away, on a service whose answer for them is this; and what they hear. Which status is of which
/// kind is a table beside the gateway.
const AWAY: [(u16, usize, PushFailure); 6] = [
    (507, 3, PushFailure::NotNow),
    (507, 7, PushFailure::NotNow),
    (505, 6, PushFailure::Refused),
    (403, 6, PushFailure::Misconfigured),
    (404, 6, PushFailure::Gone),
    // Of the service, and so many that its lane rests.
    (502, 7, PushFailure::NotNow),
];

#[tokio::test]
async fn phones_that_are_away_hold_up_none_that_is_there() {
    for (status, count, failure) in AWAY {
        let scene = Scene::new().await;
        let (origin, mut asked) = answering(status).await;
        let Scene { clock, server, site, .. } = scene;
        let mut away = Vec::new();
        for number in 0..count {
            let (phone, user) = (Phone::at(&clock), site.user(&format!("away {number}")).await);
            let id = phone.enrol(&site, &user).await;
            phone.core.register_push(id, &[registered_at(&origin, &format!("dead{number}"))]).await.unwrap();
            away.push((phone, id, user));
        }
        let (here, noor) = (Phone::at(&clock), site.user("noor").await);
        let id = here.enrol(&site, &noor).await;
        here.core.register_push(id, &[registered_at(&origin, "good")]).await.unwrap();

        for (_, _, user) in &away {
            assert_eq!(site.ask_for(user, json!({ "expires_in": 60 })).await.status, 201);
        }
        // Six seconds, in which each is tried again and again.
        let database = server.sqlite();
        let untried = "SELECT count(*) FROM push WHERE attempts = 0 OR leased_until IS NOT NULL AND state = 'queued'";
        for _ in 0..12 {
            while database.query_row(untried, [], |row| row.get::<_, i64>(0)).unwrap() > 0 {
                tokio::task::yield_now().await;
            }
            clock.advance(Duration::from_millis(500));
            server.service().wake.pushes.notify_one();
        }
        let challenge = site.ask(&noor).await;
        let patience = Duration::from_secs(20);
        loop {
            let path = tokio::time::timeout(patience, asked.recv()).await.expect("a push comes").unwrap();
            if path == "/good" {
                break;
            }
        }
        site.until(&challenge, "push", "sent").await;
        assert_eq!(here.core.pull(id, 0).await.unwrap().push_failure, None, "{status}");
        for (phone, id, _) in &away {
            let pulled = phone.core.pull(*id, 0).await.unwrap();
            assert_eq!(pulled.push_failure, Some(failure), "{status}");
            assert_eq!(pulled.push == Some(PushStatus::Gone), status == 404, "{status}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_phone_nor_relying_party_hears_what_a_resolver_or_a_connection_says() {
    for manner in [Manner::TalksRubbish, Manner::IsDown] {
        let scene = Scene::new().await;
        let (phone, id) = scene.pushed_phone(&[at(&service(manner).await)]).await;
        let Scene { server, site, user, .. } = scene;
        let asked = site.ask_for(&user, json!({ "expires_in": 60 })).await;
        let challenge = asked.body["id"].as_str().unwrap().to_owned();
        let reason = loop {
            let read = site.read(&challenge).await;
            if !read["push_reason"].is_null() {
                break read["push_reason"].as_str().unwrap().to_owned();
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(reason, "the push service cannot be reached", "{manner:?}");
        let pulled = phone.core.pull(id, 0).await.unwrap();
        assert_eq!(pulled.push_failure, Some(PushFailure::Unreachable), "{manner:?}");
        drop(server);
    }
}

/// A question whose push is refused for now, and which `passes` without another try; then its push has failed.
async fn fails_once(passes: impl AsyncFn(&Scene, &str)) {
    let scene = Scene::new().await;
    let (origin, mut asked) = answering(507).await;
    let (phone, id) = scene.pushed_phone(&[registered_at(&origin, "dead")]).await;
    let challenge = scene.site.ask(&scene.user).await;
    asked.recv().await.unwrap();
    scene.site.until(&challenge, "push_reason", "the push service answered 507 Insufficient Storage").await;
    assert_eq!(scene.site.read(&challenge).await["push"], "queued", "it is tried again");
    passes(&scene, &challenge).await;
    scene.server.service().wake.pushes.notify_one();
    scene.site.until(&challenge, "push", "failed").await;
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push_failure, Some(PushFailure::NotNow));
}

#[tokio::test]
async fn a_push_that_was_refused_until_its_question_ended_has_failed() {
    fails_once(async |scene: &Scene, _: &str| scene.clock.advance(Duration::from_secs(61))).await;
}

#[tokio::test]
async fn a_push_whose_question_was_told_as_over_leaves_the_queue_although_the_clock_went_back() {
    fails_once(async |scene: &Scene, challenge: &str| {
        scene.clock.set_back(Duration::from_secs(7200));
        assert_eq!(scene.site.state(challenge).await, "expired", "it began by a clock that was ahead");
        // Later than the longest time between two looks through the queue, and two hours before the question ends.
        scene.clock.advance(Duration::from_secs(31));
    })
    .await;
}
