//! A disk that is full: what cannot be kept is refused, and what was kept stays.

use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Answer::Approve;
use countersign_tests::handmade::read_claims;
use countersign_tests::http::{Answer, RelyingParty};
use countersign_tests::scene::Scene;
use countersign_tests::server::TestServer;
use reqwest::Method;
use serde_json::json;

/// How many requests side by side, so that the writer's groups hold several.
const SIDE_BY_SIDE: usize = 16;
/// How many rounds of them at most: the free space in the last pages ends long before.
const MOST_ROUNDS: usize = 100;

async fn ask(site: RelyingParty, user: String, key: String) -> (String, Answer) {
    let question = json!({ "user_id": user, "expires_in": 600 });
    let request = site.request(Method::POST, "/v1/challenges").header("idempotency-key", &key).json(&question);
    (key, countersign_tests::http::send(request).await)
}

/// Asks until the disk is full; gives the ids that were acknowledged and the keys of the requests that were refused.
async fn fill(site: &RelyingParty, user: &str) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for round in 0..MOST_ROUNDS {
        let asking = (0..SIDE_BY_SIDE).map(|lane| ask(site.clone(), user.to_owned(), format!("{round}-{lane}")));
        for (key, answer) in asking.collect::<tokio::task::JoinSet<_>>().join_all().await {
            match answer.status {
                201 => kept.push(answer.body["id"].as_str().unwrap().to_owned()),
                503 => {
                    assert_eq!(answer.code(), "unavailable", "{answer:?}");
                    refused.push(key);
                }
                _ => panic!("{answer:?}"),
            }
        }
        if !refused.is_empty() {
            return (kept, refused);
        }
    }
    panic!("the disk is never full");
}

fn challenges(server: &TestServer) -> usize {
    let count: isize = server.sqlite().query_row("SELECT count(*) FROM challenge", [], |row| row.get(0)).unwrap();
    count.unsigned_abs()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_it_cannot_keep_and_keeps_what_it_acknowledged() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let Scene { server, site, user, .. } = scene;
    let (answered, compact) = device.asked(&site, &user).await;
    device.answers(&compact, Approve).await;
    let before = site.ask(&user).await;

    server.service().store.simulate_full_disk(true).await.unwrap();
    let (kept, refused) = fill(&site, &user).await;
    assert_eq!(challenges(&server), 2 + kept.len(), "what was refused left nothing behind");
    assert_eq!(site.state(&before).await, "pending", "reading goes on");
    assert_eq!(site.state(&answered).await, "approved");
    let waited = site.get(&format!("/v1/challenges/{before}?wait=1")).await;
    assert_eq!(waited.body["state"], "pending", "{waited:?}");

    server.service().store.simulate_full_disk(false).await.unwrap();
    for id in &kept {
        assert_eq!(site.state(&id).await, "pending");
    }
    for key in refused {
        let (_, again) = ask(site.clone(), user.clone(), key).await;
        assert_eq!(again.status, 201, "the refused request is new when it is repeated: {again:?}");
    }
    let claimed = site.claim(&answered, "once").await;
    assert_eq!(claimed.body["state"], "claimed", "{claimed:?}");
    let compact = device.pull().await.into_iter().next().unwrap();
    let id = read_claims::<Challenge>(&compact).challenge_id;
    assert_eq!(device.decide(&id, device.approval(&site, &compact).await).await.status, 200);
    assert_eq!(site.state(&id).await, "approved");

    let server = server.restart().await;
    assert_eq!(site.state(&answered).await, "claimed");
    assert_eq!(site.state(&id).await, "approved");
    server.stop().await;
}
