//! A disk that is full: what cannot be kept is refused, and what was kept stays.

use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Answer::Approve;
use countersign_tests::handmade::{HandmadeDevice, read_claims};
use countersign_tests::http::{Answer, RelyingParty, client, send};
use countersign_tests::program::{Program, init, relying_party, serve_command};
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
    (key, send(request).await)
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
    let url = server.url.clone();
    let ready = async || send(client().get(format!("{url}/readyz"))).await;
    let mut watch = server.watch();
    for _ in 0..2 {
        let full = ready().await;
        assert_eq!((full.status, full.code()), (503, "unavailable"), "{full:?}");
        assert!(full.body["detail"].as_str().unwrap().contains("full"), "{full:?}");
        watch.look().await;
    }
    assert_eq!(site.state(&before).await, "pending", "reading goes on");
    assert_eq!(site.state(&answered).await, "approved");
    let waited = site.get(&format!("/v1/challenges/{before}?wait=1")).await;
    assert_eq!(waited.body["state"], "pending", "{waited:?}");

    server.service().store.simulate_full_disk(false).await.unwrap();
    watch.look().await;
    assert_eq!(ready().await.status, 200, "it recovers by itself");
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

/// Sets how long a file of a process may become, in bytes; none for no bound. The process gets an error as on a full
/// disk, once it ignores the signal that goes with it.
fn bound_files(process: u32, bytes: Option<u64>) {
    let bytes = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
    let arguments = [format!("--pid={process}"), format!("--fsize={bytes}:unlimited")];
    assert!(std::process::Command::new("prlimit").args(arguments).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_a_line_when_the_disk_fills_up_and_one_when_it_has_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    init(&data).await;
    let serve = serve_command(&data);
    let serve = serve.as_std();
    let mut deaf = tokio::process::Command::new("sh");
    deaf.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(serve.get_program()).args(serve.get_args());
    deaf.env_clear().envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("RUST_LOG", "warn");
    deaf.kill_on_drop(true).stderr(std::fs::File::create(&log).unwrap());
    let server = Program::start(deaf).await;
    let site = relying_party(&data, &server.url).await;
    let user = site.user("maya").await;
    HandmadeDevice::enrol(&site, &user).await;

    let longest = std::fs::metadata(data.join("countersign.db-wal")).unwrap().len() + 100_000;
    bound_files(server.id(), Some(longest));
    let (kept, _) = fill(&site, &user).await;
    for round in 0..20 {
        assert_eq!(ask(site.clone(), user.clone(), format!("more {round}")).await.1.status, 503);
    }
    let ready = async || send(client().get(format!("{}/readyz", server.url))).await;
    let full = ready().await;
    assert!(full.status == 503 && full.body["detail"].as_str().unwrap().contains("cannot be written"), "{full:?}");
    assert_eq!(site.state(&kept[0]).await, "pending", "reading goes on");

    bound_files(server.id(), None);
    assert_eq!(ask(site.clone(), user.clone(), "after".into()).await.1.status, 201);
    while ready().await.status != 200 {
        tokio::task::yield_now().await;
    }
    assert!(server.stop().await.success());
    let log = std::fs::read_to_string(log).unwrap();
    let lines = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    assert_eq!((lines("cannot be written"), lines("takes writes again"), log.lines().count()), (1, 1, 2), "{log}");
}
