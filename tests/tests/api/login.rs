//! A whole login over real sockets: the six steps as the page sees them, and what is open to everybody.

use countersign_device::Outcome;
use countersign_protocol::receipt::Receipt;
use countersign_tests::clock::ManualClock;
use countersign_tests::http::client;
use countersign_tests::push_service::PushService;
use countersign_tests::scene::Scene;
use countersign_tests::server::TestServer;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_push_wakes_the_phone_and_yes_moves_the_waiting_page_on() {
    let (scene, mut push) = (Scene::new().await, PushService::start().await);
    let (phone, _) = scene.pushed_phone(&[push.registration()]).await;
    let Scene { server: _server, site, user, .. } = scene;
    let context = json!({
        "ip": "198.51.100.7",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    });
    let details = json!([{ "label": "Amount", "value": "12,00 €" }, { "label": "To", "value": "Zoë & Söhne" }]);
    let asked = json!({
        "user_id": user, "binding_message": "Order 4711, 12 €", "details": details, "context": context,
    });
    let challenge = site.post("/v1/challenges", &asked).await;
    assert_eq!((challenge.status, &challenge.body["state"]), (201, &json!("pending")));
    let challenge_id = challenge.body["id"].as_str().unwrap().to_owned();
    let waiting = site.waits(format!("/v1/challenges/{challenge_id}?wait=60"));

    let pushed = push.next().await;
    let body = String::from_utf8_lossy(&pushed.body).into_owned();
    assert!(!body.contains("maya") && !body.contains("Meridian"), "a push network reads no names");
    phone.core.receive(&pushed.message).unwrap();
    let prompt = phone.core.pending().unwrap().remove(0);
    assert_eq!(prompt.challenge.context.browser.as_deref(), Some("Firefox"));
    assert!(prompt.time_left <= Duration::from_secs(61) && prompt.time_left > Duration::from_secs(30));
    assert_eq!(phone.core.approve(prompt.challenge.challenge_id, None).await.unwrap(), Outcome::Approved);
    let waited = waiting.await.unwrap();
    assert_eq!(waited.body["state"], "approved");
    assert_eq!(waited.body["amr"], json!(["swk", "mca", "user"]));
    assert_eq!(waited.body["push"], "sent");

    let first = site.claim(&challenge_id, "page-1").await;
    assert_eq!((first.status, &first.body["state"]), (200, &json!("claimed")));
    assert_eq!(site.claim(&challenge_id, "page-1").await.body, first.body, "a lost answer is not a lost login");
    assert_eq!(site.claim(&challenge_id, "page-2").await.code(), "already_claimed");
    let unnamed = site.post(&format!("/v1/challenges/{challenge_id}/claim"), &Value::Null).await;
    assert_eq!(unnamed.code(), "already_claimed");

    let identity = site.get("/.well-known/countersign").await;
    let root = serde_json::from_value(identity.body["root"].clone()).unwrap();
    let receipt: Receipt = serde_json::from_value(first.body["receipt"].clone()).unwrap();
    let proven = receipt.verify(&root).unwrap();
    assert!(proven.approved(None));
    assert_eq!(proven.challenge.challenge_id.to_string(), challenge_id);
    assert_eq!(json!(proven.challenge.details), details, "what was decided is proven word by word");
}

#[tokio::test]
async fn a_phone_follows_a_moved_server_only_with_the_pinned_root() {
    let (scene, other) = (Scene::new().await, TestServer::start().await);
    let (phone, id) = scene.phone().await;
    assert_eq!(phone.core.relocate(id, &other.url).await.unwrap_err().code(), "wrong_server");
    let same = scene.server.url.replace("127.0.0.1", "localhost");
    phone.core.relocate(id, &same).await.unwrap();
    assert_eq!(phone.core.accounts().unwrap()[0].server_url, same);
}

#[tokio::test]
async fn the_probes_answer_and_a_page_loads_nothing_from_elsewhere() {
    let server = TestServer::start().await;
    let get = async |path: &str| client().get(format!("{}{path}", server.url)).send().await.unwrap();
    assert_eq!(get("/healthz").await.status(), 200);
    assert_eq!(get("/readyz").await.status(), 200);
    let page = get("/enrol").await;
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let german = client().get(format!("{}/enrol", server.url)).header("accept-language", "de-CH, en;q=0.8").send();
    assert!(german.await.unwrap().text().await.unwrap().contains("<html lang=\"de\">"), "in the person's language");
    let nowhere = get("/v2/nothing").await;
    assert_eq!(
        (nowhere.status().as_u16(), nowhere.headers()["content-type"].to_str().unwrap()),
        (404, "application/problem+json")
    );
}

#[tokio::test]
async fn a_link_opens_in_the_apps_that_the_operator_names_and_in_no_others() {
    const ANDROID: &str = "/.well-known/assetlinks.json";
    const APPLE: &str = "/.well-known/apple-app-site-association";
    let get =
        async |server: &TestServer, path: &str| client().get(format!("{}{path}", server.url)).send().await.unwrap();
    let none = TestServer::start().await;
    for path in [ANDROID, APPLE] {
        assert_eq!(get(&none, path).await.status(), 404, "{path}");
    }
    let named = TestServer::start_with(Arc::new(ManualClock::new()), |config| {
        config.apps.android = vec!["org.example.login".into(), "org.example.test".into()];
        config.apps.android_signatures = vec!["0a".repeat(32)];
        config.apps.apple = vec!["A1B2C3D4E5.org.example.login".into()];
    });
    let named = named.await;
    let fingerprint = ["0A"; 32].join(":");
    let statements: Value = get(&named, ANDROID).await.json().await.unwrap();
    assert_eq!(
        statements[1],
        json!({
            "relation": ["delegate_permission/common.handle_all_urls"],
            "target": {
                "namespace": "android_app",
                "package_name": "org.example.test",
                "sha256_cert_fingerprints": [fingerprint],
            },
        })
    );
    let association = get(&named, APPLE).await;
    assert_eq!(association.headers()["content-type"], "application/json", "as iOS wants it, without an ending");
    let association: Value = association.json().await.unwrap();
    let details = &association["applinks"]["details"][0];
    assert_eq!(details["appIDs"], json!(["A1B2C3D4E5.org.example.login"]));
    assert_eq!(details["components"], json!([{ "/": "*/enrol" }, { "/": "*/challenge" }]));
    // A name alone would let whoever takes it in another shop open the links.
    let unsigned = TestServer::start_with(Arc::new(ManualClock::new()), |config| {
        config.apps.android = vec!["org.example.login".into()];
    });
    assert_eq!(get(&unsigned.await, ANDROID).await.status(), 404);
}
