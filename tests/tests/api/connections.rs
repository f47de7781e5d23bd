//! What becomes of connections when all are taken, over real sockets.

use countersign_protocol::decision::Answer::Approve;
use countersign_protocol::time::SystemClock;
use countersign_server::runtime::listener::{Places, Served, serve};
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::{RelyingParty, client, send};
use countersign_tests::server::TestServer;
use countersign_tests::tls::Authority;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// So many connections, of which three are the reserve.
const ALL: usize = 10;
const ORDINARY: usize = 7;

async fn server() -> TestServer {
    TestServer::start_with(Arc::new(SystemClock), |config| config.limits.connections = ALL).await
}

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// What a stranger is answered on a connection of its own, to its end.
async fn stranger(server: &TestServer, path: &str, headers: &str) -> String {
    let mut connection = connect(server).await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
    let mut answer = String::new();
    if connection.write_all(request.as_bytes()).await.is_ok() {
        // One that is cut has said what it says so far.
        let _ = connection.read_to_string(&mut answer).await;
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_limit_who_proves_it_is_served_and_strangers_are_sent_away() {
    let server = server().await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;
    let id = site.ask(&user).await;
    // Each waits on a connection of its own.
    let waits: Vec<_> = (0..ORDINARY)
        .map(|_| RelyingParty::new(&server.url, &site.api_key).waits(format!("/v1/challenges/{id}?wait=50")))
        .collect();
    let full = async {
        while !stranger(&server, "/.well-known/countersign", "Connection: close\r\n").await.contains(" 503 ") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), full).await.expect("the ordinary places are taken");

    let sent_away = stranger(&server, "/.well-known/countersign", "").await;
    assert!(sent_away.contains("\"unavailable\"") && sent_away.contains("connection: close"), "{sent_away}");
    let wrong_key = stranger(&server, "/v1/relying-party", "Authorization: Bearer csk_wrong\r\n").await;
    assert!(wrong_key.starts_with("HTTP/1.1 503 "), "{wrong_key}");
    let body = stranger(&server, "/healthz", "Content-Length: 60000\r\n").await;
    assert!(!body.contains(" 200 "), "nobody's body is waited for: {body}");
    let well = stranger(&server, "/healthz", "").await;
    assert!(well.starts_with("HTTP/1.1 200 ") && well.contains("connection: close"), "{well}");

    // A site with its key, and a phone with its proof and its answer, are served.
    let other = RelyingParty::new(&server.url, &site.api_key);
    assert_eq!(other.state(&id).await, "pending");
    let compact = device.pull().await.pop().unwrap();
    device.answers(&compact, Approve).await;
    for wait in waits {
        let answer = wait.await.unwrap();
        assert_eq!((answer.status, answer.body["state"].as_str()), (200, Some("approved")), "{answer:?}");
    }
    let below = async {
        while send(client().get(format!("{}/.well-known/countersign", server.url))).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), below).await.expect("strangers are served again");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_connections_and_says_nothing_makes_place_for_who_asks() {
    let server = server().await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let mut first = connect(&server).await;
    first.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    // As many as there are places, again and again, and none of them says a word.
    let mut silent = Vec::new();
    for _ in 0..3 * ALL {
        silent.push(connect(&server).await);
        assert_eq!(RelyingParty::new(&server.url, &site.api_key).get("/v1/relying-party").await.status, 200);
    }
    let ended = tokio::time::timeout(Duration::from_secs(5), first.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "the longest idle went first");
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_within_ten_seconds_is_cut() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let stopping = CancellationToken::new();
    let served = Served {
        router: axum::Router::new(),
        places: Places::new(100, 100),
        proxies: Arc::default(),
        tls: Some(TlsAcceptor::from(Authority::new().server(&[b"http/1.1"]))),
        open: Arc::default(),
    };
    tokio::spawn(serve(listener, served, stopping.clone()));
    let mut connection = TcpStream::connect(address).await.unwrap();
    // The beginning of a record of TLS, and no more.
    connection.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    let begun = tokio::time::Instant::now();
    let _ = connection.read_to_end(&mut Vec::new()).await;
    assert_eq!(begun.elapsed().as_secs(), 10);
    stopping.cancel();
}
