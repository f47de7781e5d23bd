//! A push service and the subscriber behind it: takes Web Push requests, checks what RFC 8030 and RFC 8292 ask for, and
//! decrypts. It knows nothing of the server's code.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::{Router, routing};
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::key::PublicKey;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::webpush::{Receiver, Subscription};
use data_encoding::BASE64URL_NOPAD;
use std::sync::{Arc, Mutex};
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A push that was taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The path of the subscription that it came for.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Vec<u8>,
    /// The body, decrypted.
    pub message: Vec<u8>,
}

struct Shared {
    receiver: Receiver,
    origin: String,
    /// What to answer.
    status: Mutex<StatusCode>,
    /// The keys that subscriptions were made with, in their order.
    restricted_to: Mutex<Vec<String>>,
    taken: mpsc::UnboundedSender<Taken>,
}

/// A push service that is down: its address is held, so that nobody else takes it, and whoever connects is refused.
pub struct Down {
    socket: TcpSocket,
    receiver: Receiver,
    origin: String,
}

impl Down {
    /// A service on a free port that does not listen yet.
    #[expect(clippy::new_without_default, reason = "an address that is taken is no default")]
    pub fn new() -> Self {
        Self::on(0)
    }

    /// The same on this port.
    pub fn on(port: u16) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], port).into()).expect("the port is free");
        let origin = format!("http://{}", socket.local_addr().unwrap());
        Self { socket, receiver: Receiver::generate(&SystemRandomness::new()), origin }
    }

    /// What the subscriber gives its server.
    pub fn registration(&self) -> PushRegistration {
        registration(&self.receiver, &self.origin)
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.origin
    }

    /// The service comes up, with the same subscriber at the same address.
    pub fn start(self) -> PushService {
        let Self { socket, receiver, origin } = self;
        let listener = socket.listen(128).unwrap();
        let (sender, taken) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            receiver,
            origin,
            status: Mutex::new(StatusCode::CREATED),
            restricted_to: Mutex::default(),
            taken: sender,
        });
        let router = Router::new()
            .route("/subscriber", routing::post(take))
            .route("/subscriber/{number}", routing::post(take))
            .with_state(Arc::clone(&shared));
        let listening = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        PushService { shared, taken, listening }
    }
}

fn registration(receiver: &Receiver, origin: &str) -> PushRegistration {
    PushRegistration::WebPush(receiver.subscription(format!("{origin}/subscriber")))
}

/// A push service with one subscriber.
pub struct PushService {
    shared: Arc<Shared>,
    taken: mpsc::UnboundedReceiver<Taken>,
    listening: JoinHandle<()>,
}

impl PushService {
    /// A service on a free port.
    pub async fn start() -> Self {
        Down::new().start()
    }

    /// What the subscriber gives its server.
    pub fn registration(&self) -> PushRegistration {
        registration(&self.shared.receiver, &self.shared.origin)
    }

    /// A fresh subscription that is bound to this key of the server's (RFC 8292, section 4): its path is `/subscriber/`
    /// and its number, from 1 on, and what another key has signed is answered 403.
    pub fn subscribe(&self, application_server_key: &str) -> PushRegistration {
        let mut restricted_to = self.shared.restricted_to.lock().unwrap();
        restricted_to.push(application_server_key.to_owned());
        let endpoint = format!("{}/subscriber/{}", self.shared.origin, restricted_to.len());
        PushRegistration::WebPush(Subscription {
            application_server_key: Some(application_server_key.to_owned()),
            ..self.shared.receiver.subscription(endpoint)
        })
    }

    /// The next push. Fails the test when none comes.
    pub async fn next(&mut self) -> Taken {
        let patience = std::time::Duration::from_secs(20);
        tokio::time::timeout(patience, self.taken.recv()).await.expect("a push comes").unwrap()
    }

    /// True when no push has come that was not looked at.
    pub fn is_quiet(&mut self) -> bool {
        self.taken.try_recv().is_err()
    }

    /// What to answer from now on.
    pub fn answer(&self, status: StatusCode) {
        *self.shared.status.lock().unwrap() = status;
    }
}

/// Runs until it is stopped, and tells `say` first what the subscriber gives its server, then each message it reads.
pub async fn run_by_hand(port: u16, mut say: impl FnMut(String)) {
    let mut service = Down::on(port).start();
    let registration = serde_json::to_string(&service.registration()).unwrap();
    say(format!(
        "Listening on {}\n\n[push.webpush]\nallow_private = true\n\nA subscriber, for PUT /v1/device/push: \
         {registration}\n",
        service.shared.origin
    ));
    while let Some(taken) = service.taken.recv().await {
        say(format!("{:?}\n{}", taken.headers, String::from_utf8_lossy(&taken.message)));
    }
}

impl Drop for PushService {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn take(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let key = match check(&shared, &headers, &body) {
        Ok(key) => key,
        Err(reason) => {
            tracing::error!(reason, "the push service refuses");
            return StatusCode::BAD_REQUEST;
        }
    };
    let number = uri.path().strip_prefix("/subscriber/").map(|number| number.parse::<usize>().unwrap());
    if number.is_some_and(|number| shared.restricted_to.lock().unwrap().get(number - 1) != Some(&key)) {
        return StatusCode::FORBIDDEN;
    }
    let status = *shared.status.lock().unwrap();
    let message = shared.receiver.decrypt(&body).expect("the subscriber can read it");
    // The test may have ended.
    let _ = shared.taken.send(Taken { path: uri.path().to_owned(), headers, body: body.to_vec(), message });
    status
}

/// RFC 8030, section 5 (`TTL` is required; `Urgency` and `Topic` have forms), RFC 8291 (`aes128gcm`), RFC 8292 (the
/// token is signed by the key beside it, for this origin, for at most 24 hours). Gives that key.
fn check(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Result<String, &'static str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).ok_or("a header is missing");
    header("ttl")?.parse::<u32>().map_err(|_| "ttl")?;
    if header("urgency")? != "high" || header("content-encoding")? != "aes128gcm" {
        return Err("urgency or encoding");
    }
    let topic = header("topic")?;
    if topic.len() > 32 || !topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err("topic");
    }
    if body.len() > 4096 {
        return Err("more than 4096 bytes");
    }
    let (token, key) =
        header("authorization")?.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k=")).ok_or("vapid")?;
    let point = BASE64URL_NOPAD.decode(key.as_bytes()).map_err(|_| "key")?;
    let point = PublicKey::from_uncompressed(&point).map_err(|_| "key")?;
    let (input, signature) = token.rsplit_once('.').ok_or("token")?;
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| "signature")?;
    point.verify(input.as_bytes(), &signature).map_err(|_| "signature")?;
    let claims = input.split('.').nth(1).ok_or("token")?;
    let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).map_err(|_| "claims")?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).map_err(|_| "claims")?;
    if claims["aud"] != shared.origin {
        return Err("aud is another origin");
    }
    let subject = claims["sub"].as_str().unwrap_or_default();
    if !(subject.starts_with("https:") || subject.starts_with("mailto:") || subject.starts_with("http://127.0.0.1")) {
        return Err("sub");
    }
    claims["exp"].as_i64().map(|_| key.to_owned()).ok_or("exp")
}
