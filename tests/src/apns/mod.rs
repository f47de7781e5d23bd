//! Apple's push network, as far as its documentation tells how it behaves: HTTP/2 over TLS, provider tokens, the form
//! of a request, every reason to refuse one. It knows nothing of the server's code.

mod answer;
mod by_hand;
mod connection;
mod provider_token;
mod request;

pub use answer::{Behaviour, REASONS, Refusal};
pub use by_hand::{ByHand, run_by_hand};

use crate::tls::Authority;
use axum::http::HeaderMap;
use connection::accept_all;
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::time::{Clock, SystemClock};
use data_encoding::BASE64;
use provider_token::Seen;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// A key for pushes, as a developer team holds it.
pub struct Provider {
    /// The key's id.
    pub key_id: String,
    /// The team's id.
    pub team_id: String,
    /// The apps that it may push to.
    pub topics: Vec<String>,
    key: SoftwareKey,
    pkcs8: Vec<u8>,
}

impl Provider {
    /// A fresh key of a team with one app.
    #[expect(clippy::new_without_default, reason = "a fresh key is no default")]
    pub fn new() -> Self {
        let (key, pkcs8) = SoftwareKey::generate().unwrap();
        let (key_id, team_id) = ("ABC123DEFG".into(), "DEF123GHIJ".into());
        Self { key_id, team_id, topics: vec!["net.countersign.app".into()], key, pkcs8: pkcs8.to_vec() }
    }

    /// Writes the key as Apple gives it, and says where.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("AuthKey_{}.p8", self.key_id));
        let text = BASE64.encode(&self.pkcs8);
        std::fs::write(&path, format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")).unwrap();
        path
    }

    /// The key itself.
    pub const fn key(&self) -> &SoftwareKey {
        &self.key
    }
}

/// How a simulator is set up.
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who may push.
    pub provider: Arc<Provider>,
    /// Who vouches for it.
    pub authority: Arc<Authority>,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// The device tokens that this network knows; none: every one.
    pub devices: Option<Vec<String>>,
    /// What it announces as `SETTINGS_MAX_CONCURRENT_STREAMS`.
    pub max_streams: u32,
    /// How long it takes for each push.
    pub delay: Duration,
}

impl Options {
    /// On a free port of loopback, on the system's clock, with every device.
    pub fn new(provider: Arc<Provider>, authority: Arc<Authority>) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let (devices, delay) = (None, Duration::ZERO);
        Self { listen, provider, authority, clock: Arc::new(SystemClock), devices, max_streams: 1000, delay }
    }
}

/// A push whose form and provider token were right.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Which connection it came on, counted from 1.
    pub connection: usize,
    /// The device token.
    pub device: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// The payload as it came.
    pub payload: Vec<u8>,
    /// What was answered; none: nothing at all.
    pub status: Option<u16>,
}

impl Taken {
    /// A header's value.
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The payload.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap()
    }

    /// What the app on the phone takes out of the payload and hands to its core.
    pub fn envelope(&self) -> Vec<u8> {
        serde_json::to_vec(&self.json()["envelope"]).unwrap()
    }
}

/// What all connections share.
struct World {
    options: Options,
    seen: Mutex<Seen>,
    script: Mutex<Script>,
    held: watch::Sender<bool>,
    events: mpsc::UnboundedSender<Result<Taken, Refusal>>,
    opened: AtomicUsize,
    open: AtomicUsize,
}

/// What to answer to requests that are right.
#[derive(Default)]
struct Script {
    next: VecDeque<Behaviour>,
    of_device: HashMap<String, Behaviour>,
}

/// A push network that listens.
pub struct Simulator {
    world: Arc<World>,
    events: mpsc::UnboundedReceiver<Result<Taken, Refusal>>,
    listening: JoinHandle<()>,
    /// Its address.
    pub url: String,
}

impl Simulator {
    /// Starts to listen.
    pub async fn start(options: Options) -> Self {
        let listener = TcpListener::bind(options.listen).await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let (events_in, events) = mpsc::unbounded_channel();
        let world = Arc::new(World {
            options,
            seen: Mutex::default(),
            script: Mutex::default(),
            held: watch::Sender::new(false),
            events: events_in,
            opened: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
        });
        let listening = tokio::spawn(accept_all(listener, Arc::clone(&world)));
        Self { world, events, listening, url }
    }

    /// The next request, whenever it comes: a push, or why it was refused for its form or its provider token.
    pub async fn next_event(&mut self) -> Result<Taken, Refusal> {
        self.events.recv().await.expect("the simulator holds the other end")
    }

    /// As [`Simulator::next_event`]. Fails the test when none comes.
    pub async fn next_request(&mut self) -> Result<Taken, Refusal> {
        tokio::time::timeout(Duration::from_secs(20), self.next_event()).await.expect("a request comes")
    }

    /// The next push. Fails the test when none comes, and when what comes is not right.
    pub async fn next(&mut self) -> Taken {
        self.next_request().await.unwrap_or_else(|refusal| panic!("the network refuses: {refusal:?}"))
    }

    /// True when no request has come that was not looked at.
    pub fn is_quiet(&mut self) -> bool {
        self.events.try_recv().is_err()
    }

    /// What becomes of the next push that is right; after those that were said before.
    pub fn answer_next(&self, behaviour: Behaviour) {
        self.world.script.lock().unwrap().next.push_back(behaviour);
    }

    /// What becomes of every push to this device, from now on.
    pub fn answer_device(&self, device: &str, behaviour: Behaviour) {
        self.world.script.lock().unwrap().of_device.insert(device.to_owned(), behaviour);
    }

    /// Takes pushes and does not answer, until [`Simulator::release`].
    pub fn hold(&self) {
        self.world.held.send_replace(true);
    }

    /// Answers what was held.
    pub fn release(&self) {
        self.world.held.send_replace(false);
    }

    /// How many connections there are now.
    pub fn open_connections(&self) -> usize {
        self.world.open.load(Ordering::SeqCst)
    }

    /// How many connections there ever were.
    pub fn all_connections(&self) -> usize {
        self.world.opened.load(Ordering::SeqCst)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
