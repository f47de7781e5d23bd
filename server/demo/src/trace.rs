//! What travelled at each of the six steps of the latest sign-in, for the panel that shows it.

use super::said::Said;
use crate::changes::Changes;
use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Decision;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The six steps, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Step {
    /// The site asks.
    Create,
    /// The server seals and sends.
    Push,
    /// The phone opens and shows.
    Receive,
    /// The person decides and the device signs.
    Decide,
    /// The server verifies and settles.
    Settle,
    /// The site takes it.
    Claim,
}

/// Who sends and who receives: a lane of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub(super) enum Party {
    /// The demo's site.
    Site,
    /// The server.
    Server,
    /// What brings pushes to phones.
    PushNetwork,
    /// A phone, by its number.
    Phone(u8),
}

impl From<Party> for String {
    fn from(party: Party) -> Self {
        match party {
            Party::Site => "site".into(),
            Party::Server => "server".into(),
            Party::PushNetwork => "push".into(),
            Party::Phone(number) => format!("phone-{number}"),
        }
    }
}

/// One thing that travelled.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Travelled {
    pub step: Step,
    pub from: Party,
    pub to: Party,
    /// What it is, for people.
    pub what: Said,
    /// The request or response line.
    pub title: String,
    /// What was in it: JSON for people, or the bytes as they were.
    pub content: Value,
}

/// The record of the latest sign-in.
#[derive(Clone)]
pub(super) struct Trace {
    travelled: Arc<Mutex<Vec<Travelled>>>,
    changes: Changes,
}

impl Trace {
    pub fn new(changes: Changes) -> Self {
        Self { travelled: Arc::default(), changes }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Travelled>> {
        self.travelled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new sign-in begins.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Something has travelled `from` one `to` another; `what` is a key of the demo's sentences.
    pub fn add(
        &self,
        step: Step,
        (from, to): (Party, Party),
        (what, title): (Said, impl Into<String>),
        content: Value,
    ) {
        self.lock().push(Travelled { step, from, to, what, title: title.into(), content });
        self.changes.notify();
    }

    /// In the order in which it came. The site's own request and its answer stand first, though a push may overtake
    /// the answer.
    pub fn all(&self) -> Vec<Travelled> {
        let mut all = self.lock().clone();
        all.sort_by_key(|one| one.step != Step::Create);
        all
    }
}

/// A compact JWS, taken apart for reading.
pub(super) fn read_jws(compact: &str) -> Value {
    let part = |text: &str| -> Value {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    };
    let mut parts = compact.split('.');
    let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    json!({ "header": part(header), "claims": part(claims), "signature": parts.next().unwrap_or_default() })
}

/// The claims of a challenge, for reading.
pub(super) fn read_challenge(challenge: &Challenge) -> Value {
    serde_json::to_value(challenge).unwrap_or(Value::Null)
}

/// What a decision says, in the words of the page.
pub(super) fn decision_said(compact: &str) -> Said {
    let known = countersign_protocol::jws::Unverified::parse::<Decision>(compact).is_ok();
    let claims = read_jws(compact);
    match claims["claims"]["decision"].as_str().filter(|_| known) {
        Some("approve") => Said::of_demo("demo_sent_yes"),
        Some("deny") => Said::of_demo("demo_sent_no"),
        Some("report") => Said::of_demo("demo_sent_report"),
        _ => Said::of_demo("demo_sent_answer"),
    }
}
