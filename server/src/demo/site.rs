//! The demo's sign-in site: a relying party that knows the server only through its API, as anybody's would.

use super::trace::{Step, Trace, read_jws};
use super::{Changes, PERSON, Remembered, write_remembered};
use crate::create::{ChallengeRequest, ContextRequest};
use crate::enrolments::{Enrolment, NewEnrolment, User};
use crate::failure::Failure;
use crate::outgoing;
use crate::resource::Challenge;
use crate::startup::StartupError;
use crate::store::State;
use countersign_core::device_api::Problem;
use countersign_core::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_core::server_identity::WellKnown;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The demo person's password. Every site has a first factor of its own; this one is for show.
const PASSWORD: &str = "lighthouse";

/// What the site shows.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "view", rename_all = "snake_case")]
pub(super) enum View {
    /// No phone yet: a link to enrol one.
    Enrol { link: String, qr_svg: String, expires_at: String },
    /// A phone has come: its six digits are asked for.
    Confirm { device_name: String },
    /// Name and password.
    SignIn { person: &'static str, password: &'static str },
    /// The phone is asked.
    Waiting { expires_at: String, push: String },
    /// Signed in.
    SignedIn { person: &'static str, proof: Proof },
    /// The person said no.
    Stopped,
    /// Nobody answered.
    Expired,
}

/// What the receipt of a sign-in proves, as the site verified it by itself.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Proof {
    /// When the person answered, in seconds.
    answered_at: i64,
    /// The thumbprint of the key that signed.
    approval_key: String,
    /// The receipt's size in bytes.
    receipt_bytes: usize,
}

/// What the site says to the page when it does not do something.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refusal {
    pub message: String,
}

impl From<&str> for Refusal {
    fn from(message: &str) -> Self {
        Self { message: message.to_owned() }
    }
}

/// What is known once the server runs.
struct Opened {
    url: String,
    data: PathBuf,
    api_key: String,
    user: AccountId,
}

struct Shown {
    view: View,
    enrolment: Option<EnrolmentId>,
    challenge: Option<ChallengeId>,
}

pub(super) struct Site {
    http: reqwest::Client,
    opened: OnceLock<Opened>,
    shown: Mutex<Shown>,
    changes: Changes,
    trace: Trace,
}

const SIGN_IN: View = View::SignIn { person: PERSON, password: PASSWORD };

impl Site {
    pub fn new(changes: Changes, trace: Trace) -> Result<Arc<Self>, StartupError> {
        let http = outgoing::build(outgoing::builder(rustls::RootCertStore::empty())?)?;
        let shown = Mutex::new(Shown { view: SIGN_IN, enrolment: None, challenge: None });
        Ok(Arc::new(Self { http, opened: OnceLock::new(), shown, changes, trace }))
    }

    /// Begins once the server answers: knows its person, and shows the sign-in or, at the first visit, the enrolment.
    pub async fn open(self: &Arc<Self>, url: &str, data: &Path, remembered: Remembered) -> Result<(), Failure> {
        let failed = |refusal: Refusal| StartupError::System(format!("the demo's site: {}", refusal.message));
        let Remembered { api_key, enrolled } = remembered;
        let created =
            self.send_to(url, &api_key, Method::POST, "/v1/users", Some(json!({ "name": PERSON })), None).await;
        let user: User = created.map_err(failed)?;
        // Opened once; a second call would be a bug of the demo and changes nothing.
        let _ = self.opened.set(Opened { url: url.to_owned(), data: data.to_owned(), api_key, user: user.id });
        if !enrolled {
            self.new_enrolment().await.map_err(failed)?;
        }
        Ok(())
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, view: View) {
        self.shown().view = view;
        self.changes.notify();
    }

    pub fn view(&self) -> View {
        self.shown().view.clone()
    }

    /// The link that the page shows now, if it does.
    pub fn link(&self) -> Option<String> {
        match &self.shown().view {
            View::Enrol { link, .. } => Some(link.clone()),
            _ => None,
        }
    }

    fn opened(&self) -> Result<&Opened, Refusal> {
        self.opened.get().ok_or_else(|| "The demo is still starting.".into())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        idempotency_key: Option<&str>,
    ) -> Result<T, Refusal> {
        let Opened { url, api_key, .. } = self.opened()?;
        self.send_to(url, api_key, method, path, body, idempotency_key).await
    }

    async fn send_to<T: DeserializeOwned>(
        &self,
        url: &str,
        api_key: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
        idempotency_key: Option<&str>,
    ) -> Result<T, Refusal> {
        let unreachable = |error: reqwest::Error| Refusal {
            message: format!("The server cannot be reached: {}", outgoing::reason(error)),
        };
        let mut request = self.http.request(method, format!("{url}{path}")).bearer_auth(api_key);
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(unreachable)?;
        if response.status().is_success() {
            return response.json().await.map_err(unreachable);
        }
        let problem: Problem = response.json().await.map_err(unreachable)?;
        // The API speaks to developers; a site finds words for its visitors.
        let message = match problem.code.as_str() {
            "no_device" => "No phone is enrolled for this account. Use \u{201c}Enrol another phone\u{201d}.".to_owned(),
            _ => problem.detail,
        };
        Err(Refusal { message })
    }

    /// Opens an enrolment and waits beside for a phone to come.
    pub async fn new_enrolment(self: &Arc<Self>) -> Result<(), Refusal> {
        let user = self.opened()?.user;
        let new: NewEnrolment = self.call(Method::POST, &format!("/v1/users/{user}/enrolments"), None, None).await?;
        let id = new.id;
        {
            let mut shown = self.shown();
            shown.view = View::Enrol { link: new.link, qr_svg: new.qr_svg, expires_at: new.expires_at };
            shown.enrolment = Some(id);
        }
        self.changes.notify();
        tokio::spawn(Arc::clone(self).await_phone(id));
        Ok(())
    }

    async fn await_phone(self: Arc<Self>, id: EnrolmentId) {
        loop {
            let read = self.call::<Enrolment>(Method::GET, &format!("/v1/enrolments/{id}?wait=60"), None, None).await;
            if self.shown().enrolment != Some(id) {
                return;
            }
            match read {
                Ok(enrolment) if enrolment.state == "proposed" => {
                    return self.show(View::Confirm { device_name: enrolment.device_name.unwrap_or_default() });
                }
                Ok(enrolment) if enrolment.state == "open" => {}
                // Over: the page keeps the link, whose end is written beside it, and offers a new one.
                _ => return,
            }
        }
    }

    /// The person typed the digits that the phone shows.
    pub async fn confirm(self: &Arc<Self>, code: &str) -> Result<(), Refusal> {
        let id = self.shown().enrolment.ok_or("There is no enrolment to confirm.")?;
        let path = format!("/v1/enrolments/{id}/confirm");
        self.call::<Enrolment>(Method::POST, &path, Some(json!({ "code": code })), None).await?;
        let Opened { data, api_key, .. } = self.opened()?;
        if write_remembered(data, &Remembered { api_key: api_key.clone(), enrolled: true }).is_err() {
            tracing::warn!("the demo will ask for an enrolment again at its next start: its folder cannot be written");
        }
        self.show(SIGN_IN);
        Ok(())
    }

    /// Back to the sign-in, from wherever the page is.
    pub fn back_to_sign_in(&self) {
        self.shown().enrolment = None;
        self.show(SIGN_IN);
    }

    /// Step 1: the password is right, so the phone is asked.
    pub async fn sign_in(
        self: &Arc<Self>,
        password: &str,
        user_agent: Option<String>,
        ip: String,
    ) -> Result<(), Refusal> {
        if password != PASSWORD {
            return Err("The password is wrong.".into());
        }
        let request = ChallengeRequest {
            methods: None,
            user_id: self.opened()?.user,
            policy: None,
            binding_message: None,
            context: Some(ContextRequest { ip: Some(ip), user_agent }),
            expires_in: None,
        };
        let body = serde_json::to_value(&request).map_err(|_| "The request cannot be written.")?;
        self.trace.clear();
        self.trace.add(Step::Create, "site to server", "POST /v1/challenges", body.clone());
        let challenge: Challenge = self.call(Method::POST, "/v1/challenges", Some(body), None).await?;
        self.trace.add(Step::Create, "server to site", "201 Created", to_value(&challenge));
        {
            let mut shown = self.shown();
            shown.challenge = Some(challenge.id);
            shown.view = waiting(&challenge);
        }
        self.changes.notify();
        tokio::spawn(Arc::clone(self).await_answer(challenge.id));
        Ok(())
    }

    /// The person went back: the question is taken back too.
    pub async fn cancel(&self) -> Result<(), Refusal> {
        let challenge = self.shown().challenge.take();
        if let Some(id) = challenge {
            let cancelled =
                self.call::<Challenge>(Method::POST, &format!("/v1/challenges/{id}/cancel"), None, None).await;
            drop(cancelled);
        }
        self.show(SIGN_IN);
        Ok(())
    }

    /// One wait, repeated while the challenge is pending: the page goes on by itself.
    async fn await_answer(self: Arc<Self>, id: ChallengeId) {
        let mut patience = "2";
        loop {
            let read =
                self.call::<Challenge>(Method::GET, &format!("/v1/challenges/{id}?wait={patience}"), None, None).await;
            patience = "60";
            if self.shown().challenge != Some(id) {
                return;
            }
            let view = match read {
                Ok(challenge) => match challenge.state {
                    State::Pending => {
                        self.show(waiting(&challenge));
                        continue;
                    }
                    State::Approved => self.claim(id).await,
                    State::Denied | State::Reported => {
                        self.trace.add(Step::Settle, "server to site", "the wait ends", to_value(&challenge));
                        View::Stopped
                    }
                    _ => View::Expired,
                },
                Err(refusal) => {
                    tracing::warn!(refusal.message, "the demo's site heard no answer");
                    View::Expired
                }
            };
            return self.show(view);
        }
    }

    /// Step 6: takes the approval, at most once, and verifies the receipt by itself.
    async fn claim(&self, id: ChallengeId) -> View {
        let path = format!("/v1/challenges/{id}/claim");
        // The challenge's own id names this claim: a repetition after a lost answer is the same claim.
        self.trace.add(Step::Claim, "site to server", format!("POST {path}"), json!({ "Idempotency-Key": id }));
        let claimed = self.call::<Challenge>(Method::POST, &path, None, Some(&id.to_string())).await;
        let (challenge, proof) = match claimed {
            Ok(challenge) => {
                let proof = self.verify(&challenge).await;
                (challenge, proof)
            }
            Err(_) => return View::Expired,
        };
        self.trace.add(Step::Claim, "server to site", "200 OK", to_value(&challenge));
        match proof {
            Some(proof) => View::SignedIn { person: PERSON, proof },
            None => {
                tracing::error!("a receipt did not verify; nobody is signed in");
                View::Stopped
            }
        }
    }

    async fn verify(&self, challenge: &Challenge) -> Option<Proof> {
        let receipt = challenge.receipt.as_ref()?;
        let identity: WellKnown = self.call(Method::GET, "/.well-known/countersign", None, None).await.ok()?;
        let proven = receipt.verify(&identity.root).ok()?;
        let about_this = proven.challenge.challenge_id == challenge.id && proven.approved(None);
        about_this.then(|| Proof {
            answered_at: proven.decision.iat,
            approval_key: proven.enrolment.approval_key.thumbprint().to_string(),
            receipt_bytes: [&receipt.certificate, &receipt.enrolment, &receipt.challenge, &receipt.decision]
                .iter()
                .map(|part| part.len())
                .sum(),
        })
    }
}

fn waiting(challenge: &Challenge) -> View {
    let push = to_value(challenge.push).as_str().unwrap_or_default().to_owned();
    View::Waiting { expires_at: challenge.expires_at.clone(), push }
}

/// A challenge for reading, its receipt taken apart.
fn to_value<T: Serialize>(value: T) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or(Value::Null);
    if let Some(Value::Object(receipt)) = value.get_mut("receipt") {
        for compact in receipt.values_mut() {
            *compact = compact.as_str().map_or(Value::Null, read_jws);
        }
    }
    value
}
