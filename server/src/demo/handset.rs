//! The demo's phone: the same core as in a phone, a receiver of encrypted pushes on loopback, and buttons behind HTTP.

use super::Changes;
use super::site::Refusal;
use super::trace::{Step, Trace, decision_word, read_challenge, read_jws};
use crate::failure::Failure;
use crate::phone::{self, ReqwestTransport};
use crate::startup::StartupError;
use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing;
use countersign_core::device_api::PushRegistration;
use countersign_core::handle::{ChallengeId, EnrolmentId};
use countersign_core::randomness::{Randomness, SystemRandomness};
use countersign_core::transport::{HttpRequest, HttpResponse, Transport, Unreachable};
use countersign_core::webpush::Receiver;
use countersign_core::{Account, AccountState, Authenticator, Error, Outcome, Past, Prompt, Received};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How long a pull is parked while a new account waits for its confirmation, in seconds.
const CONFIRMATION_WAIT: u32 = 50;
/// How many past requests the phone shows.
const HISTORY_LENGTH: u32 = 20;
/// The name of the demo's phone in the account's list.
const DEVICE_NAME: &str = "Phone in the demo";

/// What the phone shows.
#[derive(Debug, Serialize)]
pub(super) struct Screen {
    accounts: Vec<AccountShown>,
    prompts: Vec<PromptShown>,
    history: Vec<PastShown>,
    /// A sentence about what happened last.
    notice: Option<String>,
    /// Whether pushes arrive.
    push_on: bool,
}

#[derive(Debug, Serialize)]
struct AccountShown {
    id: EnrolmentId,
    organisation: String,
    account: String,
    confirmation_code: Option<String>,
}

#[derive(Debug, Serialize)]
struct PromptShown {
    id: ChallengeId,
    relying_party: String,
    account: String,
    binding_message: Option<String>,
    ip: Option<String>,
    place: Option<String>,
    browser: Option<String>,
    system: Option<String>,
    asked_at: i64,
    lifetime_seconds: i64,
    milliseconds_left: u64,
    answering: bool,
}

#[derive(Debug, Serialize)]
struct PastShown {
    relying_party: String,
    account: String,
    asked_at: i64,
    outcome: &'static str,
}

impl From<Account> for AccountShown {
    fn from(account: Account) -> Self {
        let confirmation_code = match account.state {
            AccountState::Proposed { confirmation_code } => Some(confirmation_code),
            AccountState::Confirmed | AccountState::Ended { .. } => None,
        };
        Self { id: account.id, organisation: account.organisation, account: account.account, confirmation_code }
    }
}

impl From<Prompt> for PromptShown {
    fn from(prompt: Prompt) -> Self {
        let Prompt { challenge, time_left, answering, .. } = prompt;
        Self {
            id: challenge.challenge_id,
            asked_at: challenge.iat,
            lifetime_seconds: challenge.exp - challenge.iat,
            relying_party: challenge.relying_party,
            account: challenge.account,
            binding_message: challenge.binding_message,
            ip: challenge.context.ip,
            place: challenge.context.place,
            browser: challenge.context.browser,
            system: challenge.context.system,
            milliseconds_left: u64::try_from(time_left.as_millis()).unwrap_or(u64::MAX),
            answering,
        }
    }
}

impl From<Past> for PastShown {
    fn from(past: Past) -> Self {
        Self {
            relying_party: past.challenge.relying_party,
            account: past.challenge.account,
            asked_at: past.challenge.iat,
            outcome: past.outcome.as_str(),
        }
    }
}

/// Where pushes arrive: a port of its own, as a push service's would be, and an address that nobody can guess.
struct PushReceiver {
    endpoint: String,
    listening: JoinHandle<()>,
}

struct HandsetState {
    notice: Option<String>,
    receiver: Option<PushReceiver>,
}

pub(super) struct Handset {
    authenticator: Authenticator,
    receiver: Receiver,
    state: Mutex<HandsetState>,
    trace: Trace,
    changes: Changes,
}

impl Handset {
    pub async fn open(directory: &Path, trace: Trace, changes: Changes) -> Result<Arc<Self>, Failure> {
        let transport = TracingTransport { inner: ReqwestTransport::new()?, trace: trace.clone() };
        let authenticator = phone::open(directory, Arc::new(transport))?;
        let receiver = Receiver::generate(&SystemRandomness::new());
        let state = Mutex::new(HandsetState { notice: None, receiver: None });
        let handset = Arc::new(Self { authenticator, receiver, state, trace, changes });
        handset.listen().await?;
        Ok(handset)
    }

    fn state(&self) -> MutexGuard<'_, HandsetState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notice(&self, text: impl Into<String>) {
        self.state().notice = Some(text.into());
        self.changes.notify();
    }

    pub fn screen(&self) -> Result<Screen, Error> {
        let (notice, push_on) = {
            let state = self.state();
            (state.notice.clone(), state.receiver.is_some())
        };
        Ok(Screen {
            prompts: self.authenticator.pending()?.into_iter().map(PromptShown::from).collect(),
            accounts: self.authenticator.accounts()?.into_iter().map(AccountShown::from).collect(),
            history: self.authenticator.history(HISTORY_LENGTH)?.into_iter().map(PastShown::from).collect(),
            notice,
            push_on,
        })
    }

    /// Opens the port for pushes.
    async fn listen(self: &Arc<Self>) -> Result<(), StartupError> {
        let listener = crate::serve::bind(([127, 0, 0, 1], 0).into()).await?;
        let address = listener.local_addr().map_err(|error| StartupError::System(error.to_string()))?;
        let mut token = [0; 16];
        SystemRandomness::new().fill(&mut token);
        let path = format!("/push/{}", BASE64URL_NOPAD.encode(&token));
        let router = axum::Router::new().route(&path, routing::post(take_push)).with_state(Arc::clone(self));
        let listening = tokio::spawn(receive_pushes(listener, router));
        self.state().receiver = Some(PushReceiver { endpoint: format!("http://{address}{path}"), listening });
        Ok(())
    }

    /// After a start: the server may be at another address, and pushes come to another port.
    pub async fn settle_in(self: &Arc<Self>, url: &str) {
        for account in self.authenticator.accounts().unwrap_or_default() {
            if account.server_url != url
                && let Err(error) = self.authenticator.relocate(account.id, url).await
            {
                tracing::warn!(%error, "the demo's phone does not find its server");
                continue;
            }
            if account.state != AccountState::Confirmed {
                tokio::spawn(Arc::clone(self).await_confirmation(account.id));
            }
            self.register_push(account.id).await;
        }
        self.changes.notify();
    }

    async fn register_push(&self, id: EnrolmentId) {
        let endpoint = self.state().receiver.as_ref().map(|receiver| receiver.endpoint.clone());
        let Some(endpoint) = endpoint else { return };
        let registration = PushRegistration::WebPush(self.receiver.subscription(endpoint));
        if let Err(error) = self.authenticator.register_push(id, &registration).await {
            tracing::warn!(%error, "the demo's phone could not register for pushes");
        }
    }

    /// The switch on the page: pushes arrive, or the port is closed.
    pub async fn set_push(self: &Arc<Self>, on: bool) -> Result<(), Refusal> {
        let receiver = self.state().receiver.take();
        if let Some(receiver) = receiver {
            receiver.listening.abort();
            // Waits until the port is really closed.
            let _ = receiver.listening.await;
        }
        if on {
            self.listen().await.map_err(|error| Refusal { message: error.to_string() })?;
            for account in self.authenticator.accounts().map_err(sentence)? {
                self.register_push(account.id).await;
            }
        }
        self.notice(if on { "Pushes arrive again." } else { "No pushes arrive. Use \u{201c}Check now\u{201d}." });
        Ok(())
    }

    /// The phone scanned the code.
    pub async fn enrol(self: &Arc<Self>, link: &str) -> Result<(), Refusal> {
        let account = self.authenticator.enrol(link, DEVICE_NAME).await.map_err(sentence)?;
        self.register_push(account.id).await;
        tokio::spawn(Arc::clone(self).await_confirmation(account.id));
        self.notice("Type the six digits on the page.");
        Ok(())
    }

    async fn await_confirmation(self: Arc<Self>, id: EnrolmentId) {
        loop {
            let pulled = self.authenticator.pull(id, CONFIRMATION_WAIT).await;
            if self.authenticator.is_confirmed(id).unwrap_or(false) {
                return self.notice("Ready. Sign in on the page.");
            }
            match pulled {
                Ok(pulled) if pulled.state == countersign_core::device_api::EnrolmentState::Proposed => {}
                _ => return self.notice("This account was not confirmed. Remove it and start again."),
            }
        }
    }

    /// A push arrived: step 3.
    fn pushed(&self, headers: &HeaderMap, body: &[u8]) -> StatusCode {
        let shown = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let travelled = json!({
            "ttl": shown("ttl"), "urgency": shown("urgency"), "topic": shown("topic"),
            "authorization": shown("authorization"), "content-encoding": shown("content-encoding"),
            "body_bytes": body.len(), "body_base64url": BASE64URL_NOPAD.encode(body),
        });
        self.trace.add(Step::Push, "server to push receiver", "POST /push/…", travelled);
        let envelope = match self.receiver.decrypt(body) {
            Ok(envelope) => envelope,
            Err(refusal) => {
                tracing::warn!(%refusal, "the demo's phone could not read a push");
                return StatusCode::BAD_REQUEST;
            }
        };
        let received = self.authenticator.receive(&envelope);
        self.show_received(received, "push receiver to phone");
        StatusCode::CREATED
    }

    fn show_received(&self, received: Result<Received, Error>, way: &'static str) {
        match received {
            Ok(Received::New(id)) => {
                let pending = self.authenticator.pending().unwrap_or_default();
                if let Some(prompt) = pending.iter().find(|prompt| prompt.challenge.challenge_id == id) {
                    self.trace.add(Step::Receive, way, "opened and checked", read_challenge(&prompt.challenge));
                }
                self.state().notice = None;
            }
            Ok(Received::Known(_) | Received::Changed(_) | Received::Retracted(_)) => {}
            Err(error) => tracing::warn!(%error, "the demo's phone refused a message"),
        }
        self.changes.notify();
    }

    /// "Check now": works when no push comes.
    pub async fn check(&self) -> Result<(), Refusal> {
        let mut new = 0;
        for account in self.authenticator.accounts().map_err(sentence)? {
            let pulled = self.authenticator.pull(account.id, 0).await.map_err(sentence)?;
            for received in pulled.received {
                new += usize::from(matches!(received, Ok(Received::New(_))));
                self.show_received(received.map_err(Error::Refused), "server to phone, by pull");
            }
        }
        if new == 0 {
            self.notice("Checked. Nothing new.");
        }
        Ok(())
    }

    /// YES or NO: step 4.
    pub async fn answer(&self, id: ChallengeId, approve: bool) -> Result<(), Refusal> {
        let answered =
            if approve { self.authenticator.approve(id, None).await } else { self.authenticator.deny(id).await };
        let outcome = match answered {
            Ok(outcome) => outcome,
            Err(error) => {
                let refusal = sentence(error);
                self.notice(refusal.message.as_str());
                return Err(refusal);
            }
        };
        self.notice(match outcome {
            Outcome::Approved => "Approved. The page goes on by itself.",
            Outcome::Denied => "Denied. The sign-in was stopped.",
            Outcome::Reported => "Reported. No more prompts come until you allow them again.",
            Outcome::WrongNumber => "The number was wrong. The sign-in was stopped.",
            Outcome::AlreadyAnswered => "Answered on your other phone.",
            Outcome::Expired => "Expired: start the sign-in again.",
            Outcome::Cancelled => "The site took the question back.",
        });
        Ok(())
    }

    pub async fn remove(&self, id: EnrolmentId) -> Result<(), Refusal> {
        self.authenticator.remove(id).await.map_err(sentence)?;
        self.notice("The account is no longer on this phone.");
        Ok(())
    }
}

/// What went wrong, in words for the person who holds the phone.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn sentence(error: Error) -> Refusal {
    let message = match &error {
        Error::Refused(_) => {
            "This is not the link of a server that can be trusted. Copy it again from the page.".to_owned()
        }
        Error::ServerRefused { detail, .. } => detail.clone(),
        Error::Unreachable(_) => "The server cannot be reached. Your answer is kept and sent again.".to_owned(),
        other => format!("The phone cannot do this: {other}."),
    };
    Refusal { message }
}

async fn take_push(State(handset): State<Arc<Handset>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    handset.pushed(&headers, &body)
}

async fn receive_pushes(listener: TcpListener, router: axum::Router) {
    let never = tokio_util::sync::CancellationToken::new();
    crate::listener::serve(listener, router, 64, never).await;
}

/// The way to the network, with the decision and its answer written down for the panel.
struct TracingTransport {
    inner: ReqwestTransport,
    trace: Trace,
}

#[async_trait]
impl Transport for TracingTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let decision = request.url.ends_with("/decision").then(|| String::from_utf8_lossy(&request.body).into_owned());
        if let Some(compact) = &decision {
            let title = format!("the device signs: {}", decision_word(compact));
            self.trace.add(Step::Decide, "phone to server", title, read_jws(compact));
        }
        let response = self.inner.send(request).await?;
        if decision.is_some() {
            let answer = serde_json::from_slice(&response.body).unwrap_or(serde_json::Value::Null);
            self.trace.add(Step::Settle, "server to phone", format!("HTTP {}", response.status), answer);
        }
        Ok(response)
    }
}
