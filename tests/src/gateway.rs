//! What stands between a phone and its server and answers in the server's place: proxies while the server restarts,
//! captive portals, load balancers, filters.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A sign-in page, as captive portals have them.
const PAGE: &str = "<!doctype html><html><head><title>Sign in to the network</title></head><body>Hello</body></html>";

/// An answer whose length is said.
fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

fn html(status: &str) -> Vec<u8> {
    answer(status, "Content-Type: text/html\r\n", PAGE)
}

fn json(status: &str, body: &str) -> Vec<u8> {
    answer(status, "Content-Type: application/json\r\n", body)
}

fn problem(status: &str, media_type: &str, kind: &str, said_status: u16, code: &str) -> Vec<u8> {
    let document =
        serde_json::json!({ "type": kind, "title": "No", "status": said_status, "detail": "Blocked.", "code": code });
    answer(status, &format!("Content-Type: {media_type}\r\n"), &document.to_string())
}

/// Everything that such a thing answers here, by name. None of it is an answer of the server.
pub fn ways() -> Vec<(&'static str, Vec<u8>)> {
    let ours = "urn:countersign:problem:invalid_ticket";
    let problem_json = "application/problem+json";
    let moved = |status: &str| answer(status, "Location: http://127.0.0.1:9/portal\r\n", "");
    vec![
        ("html_502", html("502 Bad Gateway")),
        ("text_504", answer("504 Gateway Timeout", "Content-Type: text/plain\r\n", "upstream timed out")),
        ("empty_503", answer("503 Service Unavailable", "", "")),
        ("json_500", json("500 Internal Server Error", r#"{"message":"An invalid response was received"}"#)),
        ("html_200", html("200 OK")),
        ("empty_200", answer("200 OK", "", "")),
        ("empty_json_200", json("200 OK", "")),
        ("empty_object_200", json("200 OK", "{}")),
        ("list_200", json("200 OK", "[]")),
        ("list_of_values_200", json("200 OK", r#"["void",[]]"#)),
        ("null_200", json("200 OK", "null")),
        ("other_json_200", json("200 OK", r#"{"state":"ok","login":"http://portal.example"}"#)),
        ("confirmed_without_nonce_200", json("200 OK", r#"{"state":"void","challenges":[],"devices":[]}"#)),
        ("right_word_in_html_200", answer("200 OK", "Content-Type: text/html\r\n", r#"{"state":"approved"}"#)),
        ("accepted_202", json("202 Accepted", r#"{"state":"approved"}"#)),
        ("transformed_203", json("203 Non-Authoritative Information", r#"{"state":"approved"}"#)),
        ("nothing_204", b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec()),
        ("moved_301", moved("301 Moved Permanently")),
        ("moved_302", moved("302 Found")),
        ("moved_307", moved("307 Temporary Redirect")),
        ("refused_401", answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"proxy\"\r\n", "")),
        ("refused_403", html("403 Forbidden")),
        ("missing_404", html("404 Not Found")),
        ("proxy_407", answer("407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"p\"\r\n", "")),
        ("gone_410", html("410 Gone")),
        (
            "throttled_429",
            answer("429 Too Many Requests", "Retry-After: 1\r\nContent-Type: text/plain\r\n", "slow down"),
        ),
        ("portal_511", html("511 Network Authentication Required")),
        ("problem_of_another", problem("403 Forbidden", problem_json, "about:blank", 403, "invalid_ticket")),
        ("problem_in_html", problem("403 Forbidden", "text/html", ours, 403, "invalid_ticket")),
        ("problem_of_another_code", problem("403 Forbidden", problem_json, ours, 403, "unknown_key")),
        ("problem_of_another_status", problem("502 Bad Gateway", problem_json, ours, 403, "invalid_ticket")),
        (
            "cut",
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{\"state\":".to_vec(),
        ),
        ("cut_in_a_chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{\"state\":".to_vec()),
        ("broken_chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n".to_vec()),
        ("cut_in_the_head", b"HTTP/1.1 200 OK\r\nContent-Ty".to_vec()),
        ("no_http", b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        ("silence", Vec::new()),
        ("too_long", answer("200 OK", "Content-Type: application/json\r\n", &" ".repeat(300 * 1024))),
    ]
}

/// What the server itself answers while it cannot write.
pub fn unavailable() -> Vec<u8> {
    let kind = "urn:countersign:problem:unavailable";
    problem("503 Service Unavailable", "application/problem+json", kind, 503, "unavailable")
}

/// One of [`ways`].
pub fn way(name: &str) -> Option<Vec<u8>> {
    ways().into_iter().find(|(known, _)| *known == name).map(|(_, bytes)| bytes)
}

/// Takes one request from a connection and answers it with these bytes.
pub async fn answer_with(mut stream: TcpStream, bytes: &[u8]) {
    let mut request = Vec::new();
    // A connection that is closed with something unread is reset, and the answer with it.
    while !is_whole(&request) {
        match stream.read_buf(&mut request).await {
            Ok(1..) => {}
            _ => return,
        }
    }
    drop(stream.write_all(bytes).await);
    drop(stream.shutdown().await);
}

fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.split_once("\r\ncontent-length:").and_then(|(_, rest)| rest.lines().next()?.trim().parse().ok());
    request.len() >= end + 4 + length.unwrap_or(0)
}

/// A gateway that answers everything in one way at a time.
pub struct Gateway {
    answers: watch::Sender<Vec<u8>>,
    listening: JoinHandle<()>,
    /// Its address.
    pub url: String,
}

impl Gateway {
    /// On a free port.
    pub async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = watch::Sender::new(Vec::new());
        let said = answers.subscribe();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let bytes = said.borrow().clone();
                tokio::spawn(async move { answer_with(stream, &bytes).await });
            }
        });
        Self { answers, listening, url }
    }

    /// What it answers from now on.
    pub fn answers(&self, bytes: Vec<u8>) {
        self.answers.send_replace(bytes);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
