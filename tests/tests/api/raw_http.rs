//! HTTP/1.1 as bytes, right and wrong, on a raw connection: RFC 9112 and the limits that PROTOCOL.md states.

use countersign_tests::scene::Scene;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back: each answer's status, and its problem's code.
async fn sent(scene: &Scene, bytes: &[u8]) -> Vec<(u16, String)> {
    let address = scene.server.url.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    // A server that refuses a long request does not read all of it.
    drop(connection.write_all(bytes).await);
    let mut answers = Vec::new();
    let reading = async { while let Ok(1..) = connection.read_buf(&mut answers).await {} };
    // An answer after which the connection stays open has come long before this.
    drop(tokio::time::timeout(Duration::from_secs(1), reading).await);
    let text = String::from_utf8_lossy(&answers).into_owned();
    let answers = text.split("HTTP/1.").skip(1).map(|answer| {
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let problem: Value = serde_json::from_str(body).unwrap_or_default();
        (status.unwrap_or_default(), problem["code"].as_str().unwrap_or_default().to_owned())
    });
    answers.collect()
}

/// The only answer.
async fn answer(scene: &Scene, bytes: impl AsRef<[u8]>) -> (u16, String) {
    let mut answers = sent(scene, bytes.as_ref()).await;
    assert_eq!(answers.len(), 1, "{:?}: {answers:?}", String::from_utf8_lossy(bytes.as_ref()));
    answers.remove(0)
}

/// A request for what needs no key; the connection ends with it.
fn get(rest: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nConnection: close\r\n{rest}\r\n")
}

/// A creation of a challenge without a key, so that its body alone is in question.
fn post(rest: &str) -> String {
    format!("POST /v1/challenges HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{rest}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_no_head_of_http_is_refused() {
    let scene = Scene::new().await;
    let (ours, hypers) = ((400, "malformed"), (400, ""));
    for (what, bytes, expected) in [
        ("as it should be", get("Host: a\r\n"), (200, "")),
        ("an empty line before", format!("\r\n{}", get("Host: a\r\n")), (200, "")),
        ("no Host", get(""), ours),
        ("two Hosts", get("Host: a\r\nHost: b\r\n"), ours),
        ("the same Host twice", get("Host: a\r\nHost: a\r\n"), ours),
        ("an empty Host", get("Host:\r\n"), ours),
        ("a Host with a space", get("Host: a b\r\n"), ours),
        ("a Host with a user", get("Host: user@a\r\n"), ours),
        ("a Host with a path", get("Host: a/b\r\n"), ours),
        ("two Hosts in one", get("Host: a, b\r\n"), ours),
        ("HTTP/1.0 without Host", "GET /healthz HTTP/1.0\r\n\r\n".into(), (200, "")),
        ("HTTP/1.0 with two", "GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n".into(), ours),
        ("LF after the request line", "GET /healthz HTTP/1.1\nHost: a\r\n\r\n".into(), ours),
        ("LF after a header", get("Host: a\n"), ours),
        ("LF at the end", "GET /healthz HTTP/1.1\r\nHost: a\r\n\n".into(), ours),
        ("LF alone everywhere", "GET /healthz HTTP/1.1\nHost: a\n\n".into(), ours),
        ("LF before", format!("\n{}", get("Host: a\r\n")), ours),
        ("CR alone", get("Host: a\rX: b\r\n"), hypers),
        ("a folded line", get("Host: a\r\nX: b\r\n c\r\n"), hypers),
        ("space before the colon", get("Host : a\r\n"), hypers),
        ("no name", get("Host: a\r\n: b\r\n"), hypers),
        ("NUL in a value", get("Host: a\r\nX: \0\r\n"), hypers),
        ("no version", "GET /healthz\r\n\r\n".into(), hypers),
        ("a space in the target", "GET /healthz x HTTP/1.1\r\nHost: a\r\n\r\n".into(), hypers),
        ("absolute-form", get("Host: a\r\n").replace("/healthz", "http://login.example/healthz"), (200, "")),
        ("absolute-form without Host", get("").replace("/healthz", "http://a/healthz"), ours),
        ("authority-form", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n".into(), (405, "wrong_method")),
        ("asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".into(), (404, "not_found")),
        ("another method", get("Host: a\r\n").replace("GET", "get"), (405, "wrong_method")),
    ] {
        let (status, code) = answer(&scene, bytes).await;
        assert_eq!((status, code.as_str()), expected, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_whose_end_is_not_clear_is_refused() {
    let scene = Scene::new().await;
    let chunked = |chunks: &str| post(&format!("Transfer-Encoding: chunked\r\n\r\n{chunks}"));
    // Read to its end, the call goes on to what it lacks: a key.
    let (read, malformed, hypers) = ((401, "unauthorised"), (400, "malformed"), (400, ""));
    for (what, bytes, expected) in [
        ("a length", post("Content-Length: 2\r\n\r\n{}"), read),
        ("the same length twice", post("Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"), read),
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), hypers),
        ("a list of lengths", post("Content-Length: 2, 3\r\n\r\n{}"), hypers),
        ("a sign", post("Content-Length: +2\r\n\r\n{}"), hypers),
        ("less than nothing", post("Content-Length: -2\r\n\r\n{}"), hypers),
        ("hexadecimal", post("Content-Length: 0x2\r\n\r\n{}"), hypers),
        ("chunks", chunked("2\r\n{}\r\n0\r\n\r\n"), read),
        ("chunks with an extension and a trailer", chunked("2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n"), read),
        ("chunks and a length", post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"), malformed),
        ("a length and chunks", post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), malformed),
        ("another coding", post("Transfer-Encoding: gzip\r\n\r\n"), hypers),
        ("chunks not last", post("Transfer-Encoding: chunked, gzip\r\n\r\n"), hypers),
        ("no size", chunked("xyz\r\n{}\r\n0\r\n\r\n"), malformed),
        ("a size that is too small", chunked("1\r\n{}\r\n0\r\n\r\n"), malformed),
        ("a size below zero", chunked("-1\r\n{}\r\n0\r\n\r\n"), malformed),
        ("a size past all numbers", chunked("fffffffffffffffff\r\n{}\r\n0\r\n\r\n"), malformed),
        ("LF after a size", chunked("2\n{}\r\n0\r\n\r\n"), malformed),
        ("LF after a chunk", chunked("2\r\n{}\n0\r\n\r\n"), malformed),
    ] {
        let (status, code) = answer(&scene, bytes).await;
        assert_eq!((status, code.as_str()), expected, "{what}");
    }
    let old = "POST /v1/challenges HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(answer(&scene, old).await, (400, String::new()), "HTTP/1.0 knows no chunks");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled_behind_a_request() {
    let scene = Scene::new().await;
    let good = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let statuses = async |bytes: String| -> Vec<u16> {
        sent(&scene, bytes.as_bytes()).await.into_iter().map(|(status, _)| status).collect()
    };
    assert_eq!(statuses(format!("{good}{good}{}", get("Host: a\r\n"))).await, [200, 200, 200]);
    assert_eq!(statuses(format!("{good}GET /healthz HTTP/1.1\nHost: a\r\n\r\n{good}")).await, [200, 400]);
    let chunks = "POST /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(statuses(format!("{chunks}{good}")).await, [405], "the connection ends with a body in chunks");
    let two = "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(statuses(format!("{two}{good}")).await, [400]);
    let body = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", good.len());
    assert_eq!(
        statuses(format!("{body}{good}{}", get("Host: a\r\n"))).await,
        [200, 200],
        "a body of GET is no request"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_are_those_that_are_stated() {
    let scene = Scene::new().await;
    let head = |length: usize| {
        let rest = get("Host: a\r\nX: \r\n").len();
        get(&format!("Host: a\r\nX: {}\r\n", "x".repeat(length - rest)))
    };
    for (length, status) in [(32 * 1024, 200), (32 * 1024 + 1, 431), (40_000, 431), (60_000, 431)] {
        assert_eq!(answer(&scene, head(length)).await.0, status, "a head of {length} bytes");
    }
    let target = get("Host: a\r\n").replace("/healthz", &format!("/healthz?{}", "x".repeat(32 * 1024)));
    assert_eq!(answer(&scene, target).await.0, 431, "the target is a part of the head");
    for (count, status) in [(100, 200), (101, 431)] {
        let more: String = (2..count).map(|number| format!("X-{number}: x\r\n")).collect();
        assert_eq!(answer(&scene, get(&format!("Host: a\r\n{more}"))).await.0, status, "{count} header fields");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_as_long_as_is_stated_also_where_a_call_takes_none() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let (id, compact) = device.asked(&scene.site, &scene.user).await;
    device.answers(&compact, countersign_protocol::decision::Answer::Approve).await;
    let key = &scene.site.api_key;
    let start = |method: &str, path: &str| {
        format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n")
    };
    let (read, claim) = (format!("/v1/challenges/{id}"), format!("/v1/challenges/{id}/claim"));
    let longest = 64 * 1024;
    let too_long = || (413, "too_large".to_owned());
    for (method, path) in [("POST", claim.as_str()), ("GET", &read), ("GET", "/healthz"), ("POST", "/v1/users")] {
        let with = |length: usize| format!("Content-Length: {length}\r\n\r\n{}", "x".repeat(length));
        let chunks = format!("Transfer-Encoding: chunked\r\n\r\n10001\r\n{}\r\n0\r\n\r\n", "x".repeat(longest + 1));
        let broken = "Transfer-Encoding: chunked\r\n\r\nxyz\r\n".to_owned();
        assert_eq!(answer(&scene, start(method, path) + &with(longest + 1)).await, too_long(), "{method} {path}");
        assert_eq!(answer(&scene, start(method, path) + &chunks).await, too_long(), "{method} {path}, in chunks");
        assert_eq!(answer(&scene, start(method, path) + &broken).await, (400, "malformed".into()), "{method} {path}");
        if path != "/v1/users" && path != claim {
            assert_eq!(answer(&scene, start(method, path) + &with(longest)).await.0, 200, "{method} {path}");
        }
    }
    assert_eq!(scene.site.state(&id).await, "approved", "nothing of it was carried out");
    let exact = start("POST", &claim) + &format!("Content-Length: {longest}\r\n\r\n{}", "x".repeat(longest));
    assert_eq!(answer(&scene, exact).await.0, 200, "a body that nobody takes is ignored");
    assert_eq!(scene.site.state(&id).await, "claimed");
    let user = json!({ "name": "noor" }).to_string();
    let exact = user.clone() + &" ".repeat(longest - user.len());
    let exact = start("POST", "/v1/users") + &format!("Content-Length: {longest}\r\n\r\n{exact}");
    assert_eq!(answer(&scene, exact).await.0, 201);
}
