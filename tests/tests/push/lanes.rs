//! A push service that is down, slow or answers rubbish costs no challenge and no other service's pushes.

use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::webpush::Subscription;
use countersign_tests::phone::Phone;
use countersign_tests::push_service::{Down, PushService};
use countersign_tests::scene::Scene;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

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
