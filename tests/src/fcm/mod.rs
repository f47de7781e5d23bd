//! Firebase Cloud Messaging and the token endpoint beside it, as Google documents them: takes what is right, refuses
//! what is not, errs on demand, and remembers what it took. It knows nothing of the server's code.

mod fault;
mod listener;
mod messages;
mod oauth;

pub use fault::Fault;

use self::listener::Scissors;
use crate::tls::Authority;
use axum::http::{HeaderMap, Version};
use axum::serve::Listener;
use axum::{Router, routing};
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::randomness::{Randomness, SystemRandomness};
use countersign_protocol::time::{Clock, Timestamp};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// The service account's key, for tests only: anybody may read it.
pub const KEY: &str = include_str!("rsa-for-tests-only.pem");
/// A key that is nobody's, for tests only.
pub const FOREIGN_KEY: &str = include_str!("another-rsa-for-tests-only.pem");
/// The Firebase project.
pub const PROJECT: &str = "harbour-hosting";
/// The service account.
pub const ACCOUNT: &str = "sender@harbour-hosting.iam.gserviceaccount.com";
/// The name of the service account's key.
pub const KEY_ID: &str = "4b1d60b5c3f2a1e0";

/// A message that came with a valid access token and in a valid form.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The version of HTTP.
    pub version: Version,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Value,
    /// What was answered.
    pub status: u16,
}

impl Taken {
    /// The data, as the app gets it.
    pub fn envelope(&self) -> &[u8] {
        self.body["message"]["data"]["envelope"].as_str().expect("there is an envelope").as_bytes()
    }
}

/// What changes while it runs.
#[derive(Default)]
struct State {
    /// App instances that are registered.
    devices: HashSet<String>,
    /// What to answer to each message for a token.
    faults: HashMap<String, Fault>,
    /// What to answer to the next messages, whoever they are for.
    once: VecDeque<Fault>,
    /// Access tokens, and until when they serve.
    access_tokens: HashMap<String, Timestamp>,
    /// What to answer at the token endpoint in the place of a token.
    token_fault: Option<Fault>,
    /// How long an access token serves, in seconds.
    lifetime: u32,
    /// How many assertions came that were right.
    token_fetches: usize,
}

struct Shared {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    randomness: SystemRandomness,
    origin: String,
    authority: Authority,
    connections: Scissors,
    taken: mpsc::UnboundedSender<Taken>,
    /// While true, neither endpoint answers.
    held: watch::Sender<bool>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Something of this many random bytes that nobody guesses.
    fn unguessable<const N: usize>(&self) -> String {
        let randomness: &dyn Randomness = &self.randomness;
        HEXLOWER.encode(&randomness.bytes::<N>())
    }

    async fn gate(&self) {
        self.held.subscribe().wait_for(|held| !held).await.expect("it lives as long as its requests");
    }
}

/// Google, on this machine.
pub struct Fcm {
    shared: Arc<Shared>,
    taken: mpsc::UnboundedReceiver<Taken>,
    listening: JoinHandle<()>,
}

impl Fcm {
    /// On a free port and this clock.
    pub async fn start(clock: Arc<dyn Clock>) -> Self {
        Self::start_on(0, clock).await
    }

    /// On this port and clock.
    pub async fn start_on(port: u16, clock: Arc<dyn Clock>) -> Self {
        let authority = Authority::new();
        let (listener, connections) = listener::listen(port, &authority).await;
        let origin = format!("https://{}", listener.local_addr().unwrap());
        let (sender, taken) = mpsc::unbounded_channel();
        let state = Mutex::new(State { lifetime: 3599, ..State::default() });
        let randomness = SystemRandomness::new();
        let held = watch::Sender::new(false);
        let shared = Arc::new(Shared { state, clock, randomness, origin, authority, connections, taken: sender, held });
        let router = Router::new()
            .route("/token", routing::post(oauth::token))
            .route("/v1/projects/{project}/{call}", routing::post(messages::send))
            .with_state(Arc::clone(&shared));
        let listening = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { shared, taken, listening }
    }

    /// Where it listens, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.shared.origin
    }

    /// Where messages are sent.
    pub fn send_url(&self) -> String {
        format!("{}/v1/projects/{PROJECT}/messages:send", self.url())
    }

    /// Where access tokens come from.
    pub fn token_url(&self) -> String {
        format!("{}/token", self.url())
    }

    /// The service account's key file, as Google's console gives it.
    pub fn service_account(&self) -> Value {
        json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": KEY_ID,
            "private_key": KEY,
            "client_email": ACCOUNT,
            "client_id": "104657938201475620318",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": self.token_url(),
            "universe_domain": "googleapis.com",
        })
    }

    /// Writes the key file and the certificate authority into a folder, and gives their paths.
    pub fn write_files(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let account = folder.join("service-account.json");
        std::fs::write(&account, format!("{:#}\n", self.service_account())).unwrap();
        (account, self.shared.authority.write(folder))
    }

    /// The certificate authority, in PEM.
    pub fn authority_pem(&self) -> &str {
        self.shared.authority.pem()
    }

    /// An app is installed: its registration token.
    pub fn install(&self) -> String {
        // Of the form and length that Google's have.
        let token = format!("{}:APA91b{}", self.shared.unguessable::<11>(), self.shared.unguessable::<67>());
        self.shared.state().devices.insert(token.clone());
        token
    }

    /// What an app that was installed gives its server.
    pub fn registration(&self) -> PushRegistration {
        PushRegistration::Fcm { token: self.install() }
    }

    /// The app is gone from the phone.
    pub fn uninstall(&self, token: &str) {
        assert!(self.shared.state().devices.remove(token), "it was installed");
    }

    /// What to answer to every message for this token from now on; none is the truth.
    pub fn answer(&self, token: &str, fault: Option<Fault>) {
        let faults = &mut self.shared.state().faults;
        match fault {
            Some(fault) => faults.insert(token.to_owned(), fault),
            None => faults.remove(token),
        };
    }

    /// What to answer to the next message, whoever it is for; asked again, to the one after it.
    pub fn answer_once(&self, fault: Fault) {
        self.shared.state().once.push_back(fault);
    }

    /// What to answer at the token endpoint from now on; none is the truth.
    pub fn refuse_assertions(&self, fault: Option<Fault>) {
        self.shared.state().token_fault = fault;
    }

    /// How long access tokens serve that are given from now on, in seconds.
    pub fn give_tokens_for(&self, seconds: u32) {
        self.shared.state().lifetime = seconds;
    }

    /// Every access token that was given serves no more, whatever was said.
    pub fn revoke_access_tokens(&self) {
        self.shared.state().access_tokens.clear();
    }

    /// How many access tokens were given or, when told to, refused.
    pub fn token_fetches(&self) -> usize {
        self.shared.state().token_fetches
    }

    /// Answers nobody while held.
    pub fn hold(&self, held: bool) {
        self.shared.held.send_replace(held);
    }

    /// The next message. Fails the test when none comes.
    pub async fn next(&mut self) -> Taken {
        let patience = std::time::Duration::from_secs(20);
        tokio::time::timeout(patience, self.taken.recv()).await.expect("a message comes").unwrap()
    }

    /// True when no message has come that was not looked at.
    pub fn is_quiet(&mut self) -> bool {
        self.taken.try_recv().is_err()
    }
}

impl Drop for Fcm {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Runs until it is stopped, and tells `say` first how to configure a server for it, then each message it takes.
pub async fn run_by_hand(port: u16, mut say: impl FnMut(String)) {
    let mut fcm = Fcm::start_on(port, Arc::new(countersign_protocol::time::SystemClock)).await;
    let folder = tempfile::tempdir().unwrap();
    let (account, root) = fcm.write_files(folder.path());
    say(format!(
        "Listening on {}\n\n[push.fcm]\nservice_account = {account:?}\nbase_url = {:?}\nextra_roots = [{root:?}]\n\
         allow_private = true\n\nAn app that is installed: {}\n",
        fcm.url(),
        fcm.url(),
        fcm.install(),
    ));
    while let Some(taken) = fcm.taken.recv().await {
        say(format!("{} {}", taken.status, taken.body));
    }
}
