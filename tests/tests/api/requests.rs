//! Each request has an id, which its answer repeats.

use countersign_tests::http::client;
use countersign_tests::server::TestServer;

#[tokio::test]
async fn a_sane_id_is_repeated_and_any_other_gives_way_to_a_new_one() {
    let server = TestServer::start().await;
    let answered = async |id: Option<&str>, path: &str| {
        let mut request = client().get(format!("{}{path}", server.url));
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        request.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(answered(Some("trace-7.1_a"), "/healthz").await, "trace-7.1_a");
    assert_eq!(answered(Some("trace-8"), "/v1/nothing").await, "trace-8", "of a refusal too");
    for wrong in ["two words", "\"quoted\"", &"a".repeat(65)] {
        let made = answered(Some(wrong), "/healthz").await;
        assert!(made != wrong && made.len() == 16, "{wrong}: {made}");
    }
    assert_ne!(answered(None, "/healthz").await, answered(None, "/healthz").await);
}
