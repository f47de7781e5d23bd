//! The HTTP API as it was reviewed last. A change of it that was not meant fails here; one that was meant shows in the
//! review, line by line.

use countersign_tests::http::client;
use countersign_tests::server::TestServer;
use serde_json::Value;
use std::path::Path;

/// Set to anything, the description is written anew.
const RENEW: &str = "COUNTERSIGN_RENEW";

#[tokio::test]
async fn the_description_is_the_one_that_was_reviewed() {
    let server = TestServer::start().await;
    let answer = client().get(format!("{}/openapi.json", server.url)).send().await.unwrap();
    let mut now: Value = answer.json().await.unwrap();
    // A new version alone is no change of the API.
    now["info"]["version"] = "the server's".into();
    let now = format!("{now:#}\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = (1..).zip(reviewed.lines().zip(now.lines())).find(|(_, (before, after))| before != after);
    assert!(
        reviewed == now,
        "/openapi.json is not tests/openapi.json any more; the first lines that differ: {differs:?}.\n\
         When that was meant: just openapi, or {RENEW}=1 cargo test --workspace --test openapi, and commit the file \
         with the change. What relying parties call may gain, and loses nothing that they rely on."
    );
}
