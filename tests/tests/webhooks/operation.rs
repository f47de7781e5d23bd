//! Webhooks as an operator runs them: the real binary, its admin commands, a receiver in another language, a crash.

use countersign_protocol::decision::Answer::{self, Approve, Deny};
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::client;
use countersign_tests::program::{Installation, admin_command, run};
use countersign_tests::webhook_receiver::{Reply, Told, WebhookReceiver};
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A server with a person and their phone, and the id of the relying party.
struct Scene {
    here: Installation,
    id: String,
    device: HandmadeDevice,
}

impl Scene {
    async fn new() -> Self {
        let here = Installation::with(&[("COUNTERSIGN_WEBHOOK__ALLOW_PRIVATE", "true")]).await;
        let id = here.admin(&["relying-party", "list"]).await[0]["id"].as_str().unwrap().to_owned();
        Self { device: here.device().await, id, here }
    }

    /// What `admin webhook` printed.
    async fn webhook(&self, arguments: &[&str]) -> Value {
        self.here.admin(&[&["webhook"], arguments].concat()).await
    }

    /// `admin webhook` does nothing, and says why.
    async fn refused(&self, arguments: &[&str], code: i32, words: &str) {
        self.here.refuses(&[&["webhook"], arguments].concat(), code, words).await;
    }

    async fn set(&self, url: &str) -> Value {
        self.webhook(&["set", &self.id, url]).await
    }

    async fn answered(&self, answer: Answer) -> String {
        let (id, compact) = self.device.asked(&self.here.site, &self.here.user).await;
        self.device.answers(&compact, answer).await;
        id.to_string()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sets_lists_and_replays_beside_the_running_server() {
    let scene = Scene::new().await;
    let mut receiver = WebhookReceiver::start().await;
    for (url, code) in [(receiver.url.as_str(), 2), ("https://10.0.0.1/", 2)] {
        // Without what this installation allows.
        let set = admin_command(scene.here.data.path(), &["webhook", "set", &scene.id, url]);
        assert!(run(set).await.expect(code).err.contains("not usable"), "{url}");
    }
    scene.refused(&["set", "nobody", "https://site.example/"], 3, "relying-party list").await;
    scene.refused(&["rotate", &scene.id], 3, "webhook set").await;
    scene.refused(&["remove", &scene.id], 3, "webhook set").await;
    assert_eq!(scene.webhook(&["list"]).await, json!([]));

    let set = scene.set(&receiver.url).await;
    let secret = set["secret"].as_str().unwrap().to_owned();
    assert!(scene.set(&receiver.url).await.get("secret").is_none(), "it is shown once");
    receiver.statuses(&[410]);
    let id = scene.answered(Deny).await;
    let first = receiver.next().await;
    let listed = async || scene.webhook(&["list"]).await[0].clone();
    while listed().await["disabled"] == false {}
    let expected = json!({
        "id": scene.id, "name": "Customer area", "url": receiver.url, "disabled": true, "queued": 0, "dead": 1,
    });
    assert_eq!(listed().await, expected);
    let dead = scene.webhook(&["dead", &scene.id]).await[0].clone();
    assert_eq!((&dead["event"], &dead["challenge"]), (&json!(first.id()), &json!(id)));
    assert!(dead["reason"].as_str().unwrap().contains("410"), "{dead}");
    scene.refused(&["replay", first.id()], 3, "webhook set").await;
    scene.refused(&["replay"], 2, "--all").await;

    scene.set(&receiver.url).await;
    assert_eq!(scene.webhook(&["replay", "--all", &scene.id]).await, json!({ "replayed": 1 }));
    // What happens next also wakes the server, which would otherwise look within half a minute.
    scene.answered(Deny).await;
    let again = receiver.next().await;
    assert_eq!(again.id(), first.id());
    assert!(again.is_signed_with(&secret));
    assert_eq!(receiver.next().await.kind(), "challenge.denied");

    let later = scene.webhook(&["rotate", &scene.id]).await["secret"].as_str().unwrap().to_owned();
    scene.answered(Deny).await;
    let told = receiver.next().await;
    assert!(told.is_signed_with(&later) && told.is_signed_with(&secret));
    assert_eq!(scene.webhook(&["remove", &scene.id]).await["removed"], true);
    assert_eq!(scene.webhook(&["list"]).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_flight_when_the_server_is_killed_comes_again_after_the_start() {
    let scene = Scene::new().await;
    let mut receiver = WebhookReceiver::start().await;
    scene.set(&receiver.url).await;
    receiver.reply(Reply::Silence);
    let id = scene.answered(Approve).await;
    let first = receiver.next().await;
    let _here = scene.here.kill_and_start().await;
    let again = receiver.next().await;
    assert_eq!((again.id(), &again.json()["data"]["id"]), (first.id(), &json!(id)));
}

/// The receiver of docs/, started as its first lines say.
struct PythonReceiver {
    url: String,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl PythonReceiver {
    async fn start(secret: &str) -> Self {
        let mut process = Command::new("/usr/bin/python3")
            .args([concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/webhook_receiver.py"), "0"])
            .env("WEBHOOK_SECRET", secret)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().unwrap();
        let url = first.strip_prefix("Listening on ").unwrap().to_owned();
        Self { url, lines, _process: process }
    }

    /// The next event that it believed.
    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(std::time::Duration::from_secs(60), self.lines.next_line());
        serde_json::from_str(&line.await.expect("it prints an event").unwrap().unwrap()).unwrap()
    }

    /// The status with which it answers these headers and this body.
    async fn answer(&self, told: &Told, id: &str, timestamp: &str, signature: &str, body: &[u8]) -> u16 {
        let request = client().post(&self.url).header("webhook-id", id).header("webhook-timestamp", timestamp);
        let request =
            request.header("webhook-signature", signature).header("content-type", told.header("content-type"));
        request.body(body.to_vec()).send().await.unwrap().status().as_u16()
    }
}

fn signature(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
    let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key), &signed);
    format!("v1,{}", BASE64.encode(tag.as_ref()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_of_the_documentation_believes_the_server_and_no_forger() {
    let scene = Scene::new().await;
    // One request is taken by another receiver, to be changed afterwards.
    let mut recorder = WebhookReceiver::start().await;
    let secret = scene.set(&recorder.url).await["secret"].as_str().unwrap().to_owned();
    scene.answered(Deny).await;
    let told = recorder.next().await;
    while scene.webhook(&["list"]).await[0]["queued"] != 0 {}

    let mut receiver = PythonReceiver::start(&secret).await;
    scene.set(&receiver.url).await;
    let id = scene.answered(Approve).await;
    let event = receiver.next().await;
    assert_eq!((&event["type"], &event["data"]["id"]), (&json!("challenge.approved"), &json!(id)));

    let (name, sent_at, signed) = (told.id(), told.header("webhook-timestamp"), told.header("webhook-signature"));
    let other_body = String::from_utf8(told.body.clone()).unwrap().replace("denied", "approved");
    let old = (sent_at.parse::<i64>().unwrap() - 400).to_string();
    let long_ago = signature(&secret, name, &old, &told.body);
    let stranger = signature("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", name, sent_at, &told.body);
    let refused: [(&str, &str, &str, &[u8]); 6] = [
        (name, sent_at, signed, other_body.as_bytes()),
        ("evt_another", sent_at, signed, &told.body),
        (name, "soon", signed, &told.body),
        (name, &old, &long_ago, &told.body),
        (name, sent_at, &stranger, &told.body),
        (name, sent_at, "v1,", &told.body),
    ];
    for (id, timestamp, signature, body) in refused {
        assert_eq!(receiver.answer(&told, id, timestamp, signature, body).await, 401, "{id} {timestamp} {signature}");
    }
    for _ in 0..2 {
        let two = format!("{stranger} {signed}");
        assert_eq!(receiver.answer(&told, name, sent_at, &two, &told.body).await, 204, "as it was sent");
    }
    assert_eq!(receiver.next().await, told.json(), "none of the forged ones was printed");
    let id = scene.answered(Deny).await;
    assert_eq!(receiver.next().await["data"]["id"], json!(id), "and the repeated one only once");
}
