//! What comes to a phone: pushes, what a pull brings, and what the page's link opens.

use super::{Handset, MOST_HELD};
use crate::said::{Notice, Said};
use crate::trace::{Party, Step, read_challenge};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use countersign_device::sentences::Sentence;
use countersign_device::{Error, Received};
use countersign_protocol::handle::ChallengeId;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::sync::Arc;

/// How a message came to the phone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    ByPush,
    ByPull,
    ByLink,
}

/// The door of the phone's port.
pub(super) async fn take_push(State(handset): State<Arc<Handset>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    handset.pushed(&headers, &body)
}

impl Handset {
    /// A push arrived: step 3.
    fn pushed(self: &Arc<Self>, headers: &HeaderMap, body: &[u8]) -> StatusCode {
        let shown = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let travelled = json!({
            "ttl": shown("ttl"), "urgency": shown("urgency"), "topic": shown("topic"),
            "authorization": shown("authorization"), "content-encoding": shown("content-encoding"),
            "body_bytes": body.len(), "body_base64url": BASE64URL_NOPAD.encode(body),
        });
        match self.pushes.decrypt(body) {
            Ok(message) => {
                let received = self.take_push(message);
                self.trace_push(received.as_ref(), travelled);
                if let Some(received) = received {
                    self.show(received, Came::ByPush);
                }
                StatusCode::CREATED
            }
            Err(refusal) => {
                tracing::warn!(%refusal, phone = self.number, "the demo's phone could not read a push");
                StatusCode::BAD_REQUEST
            }
        }
    }

    /// What the push was. From outside, one that takes a question back looks the same as one that asks.
    fn trace_push(&self, received: Option<&Result<Received, Error>>, travelled: Value) {
        let (step, what) = match received {
            Some(Ok(Received::Changed(_))) => (Step::Push, "demo_sent_push_again"),
            Some(Ok(Received::Retracted(_))) => (Step::Settle, "demo_sent_push_back"),
            _ => (Step::Push, "demo_sent_push"),
        };
        let said = Said::of_demo(what).with("number", self.number.to_string());
        self.trace.add(step, (Party::Server, Party::PushNetwork), (said, "POST /push/…"), travelled);
    }

    /// Takes a push in; while the phone is offline, it is held for later as a push service does.
    fn take_push(&self, message: Vec<u8>) -> Option<Result<Received, Error>> {
        if self.network.is_online() {
            return Some(self.receive_push(&message));
        }
        let mut state = self.state();
        if state.held.len() < MOST_HELD {
            state.held.push(message);
        }
        None
    }

    /// Under one lock, so that no screen shows a question and does not know yet that a push has brought it.
    pub(super) fn receive_push(&self, message: &[u8]) -> Result<Received, Error> {
        let mut state = self.state();
        let received = self.authenticator.receive(message);
        if let Ok(Received::New(id)) = &received {
            state.by_push.insert(*id);
        }
        received
    }

    pub(super) fn show(self: &Arc<Self>, received: Result<Received, Error>, came: Came) {
        match received {
            Ok(Received::New(id)) => self.ask(id, came, "demo_sent_opened"),
            Ok(Received::Changed(id)) => self.ask(id, came, "demo_sent_changed"),
            Ok(Received::Known(_) | Received::Retracted(_)) => {}
            Err(error) => tracing::warn!(%error, phone = self.number, "the demo's phone refused a message"),
        }
        self.tell_ends();
        self.changes.notify();
    }

    /// A question comes on the screen.
    pub(super) fn ask(self: &Arc<Self>, id: ChallengeId, came: Came, what: &'static str) {
        let pending = self.authenticator.pending().unwrap_or_default();
        let Some(prompt) = pending.iter().find(|prompt| prompt.challenge.challenge_id == id) else { return };
        let (from, title) = match came {
            Came::ByPush => (Party::PushNetwork, "web push"),
            Came::ByPull => (Party::Server, "GET /v1/device/challenges?wait=25"),
            Came::ByLink => (Party::Server, "GET /v1/device/challenges?known=…"),
        };
        let way = (from, Party::Phone(self.number));
        self.trace.add(Step::Receive, way, (Said::of_demo(what), title), read_challenge(&prompt.challenge));
        let overlaps = pending.len() > 1 && prompt.challenge.policy.digits().is_some();
        self.state().notice = overlaps.then(|| Notice::note(Sentence::QuestionOverlap));
        self.attend(prompt);
    }
}
