//! What travelled at each of the six steps of the latest sign-in, for the panel that shows it.

use crate::changes::Changes;
use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Decision;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The six steps, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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

/// One thing that travelled.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Travelled {
    pub step: Step,
    /// From whom to whom.
    pub way: String,
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

    pub fn add(&self, step: Step, way: impl Into<String>, title: impl Into<String>, content: Value) {
        self.lock().push(Travelled { step, way: way.into(), title: title.into(), content });
        self.changes.notify();
    }

    /// In the order of the steps; what belongs to one step in the order in which it came.
    pub fn all(&self) -> Vec<Travelled> {
        let mut all = self.lock().clone();
        all.sort_by_key(|one| one.step);
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

/// The kind of a decision, for a title.
pub(super) fn decision_word(compact: &str) -> String {
    let word = countersign_protocol::jws::Unverified::parse::<Decision>(compact);
    let claims = read_jws(compact);
    let word = word.ok().and_then(|_| claims["claims"]["decision"].as_str().map(str::to_owned));
    word.unwrap_or_else(|| "answer".to_owned())
}
