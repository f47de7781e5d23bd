//! A relying party's receiver of webhooks: takes what comes, answers what it is told to, and verifies with nothing but
//! the secret. It knows nothing of the server's code.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A request that came.
#[derive(Debug, Clone)]
pub struct Told {
    /// Where to.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as it came.
    pub body: Vec<u8>,
}

impl Told {
    /// A header that must be there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("{name} is missing: {self:?}")).to_str().unwrap()
    }

    /// The body.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// What happened.
    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    /// The id.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// True when one of the signatures is the one of this secret (Standard Webhooks).
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
        assert_eq!(key.len(), 32);
        let mut signed = format!("{}.{}.", self.id(), self.header("webhook-timestamp")).into_bytes();
        signed.extend_from_slice(&self.body);
        let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key), &signed);
        let right = format!("v1,{}", BASE64.encode(tag.as_ref()));
        self.header("webhook-signature").split(' ').any(|one| one == right)
    }
}

/// What to answer once.
#[derive(Debug, Clone)]
pub enum Reply {
    /// This status.
    Status(u16),
    /// A redirect to this address.
    Redirect(String),
    /// Never.
    Silence,
}

#[derive(Default)]
struct Script(Mutex<VecDeque<Reply>>);

/// A receiver on a free port of loopback. What it is not told otherwise it answers with 204.
pub struct WebhookReceiver {
    /// Its address.
    pub url: String,
    script: Arc<Script>,
    told: mpsc::UnboundedReceiver<Told>,
    listening: JoinHandle<()>,
}

impl WebhookReceiver {
    /// A receiver.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let (sender, told) = mpsc::unbounded_channel();
        let script = Arc::<Script>::default();
        let router = Router::new().fallback(take).with_state((Arc::clone(&script), sender));
        let listening = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, script, told, listening }
    }

    /// Answers so, once, after what it was told before.
    pub fn reply(&self, reply: Reply) {
        self.script.0.lock().unwrap().push_back(reply);
    }

    /// Answers with these statuses, one after the other.
    pub fn statuses(&self, statuses: &[u16]) {
        statuses.iter().for_each(|status| self.reply(Reply::Status(*status)));
    }

    /// What has come and was not looked at.
    pub fn taken(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }

    /// What happened, of everything that has come and was not looked at.
    pub fn kinds(&mut self) -> Vec<String> {
        self.taken().iter().map(Told::kind).collect()
    }

    /// The next request. Fails the test when none comes.
    pub async fn next(&mut self) -> Told {
        let patience = std::time::Duration::from_secs(60);
        tokio::time::timeout(patience, self.told.recv()).await.expect("a webhook comes").unwrap()
    }
}

impl Drop for WebhookReceiver {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn take(
    State((script, told)): State<(Arc<Script>, mpsc::UnboundedSender<Told>)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // The test may have ended.
    let _ = told.send(Told { path: uri.path().to_owned(), headers, body: body.to_vec() });
    let reply = script.0.lock().unwrap().pop_front().unwrap_or(Reply::Status(204));
    match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Reply::Silence => std::future::pending().await,
    }
}
