//! A challenge as its relying party reads it.

use crate::app::App;
use crate::create::{PolicyMode, PolicyRequest};
use crate::methods::{Method, amr};
use crate::problem::Problem;
use crate::store::{ChallengeRecord, Prompt, State};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::link::ChallengeLink;
use countersign_protocol::receipt::Receipt;
use countersign_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Challenge {
    /// Names it.
    #[schema(value_type = String)]
    pub id: ChallengeId,
    /// Its state.
    pub state: State,
    /// What the person must do to say YES. A question that was a tap asks for a number once another comes beside it.
    pub policy: PolicyRequest,
    /// What the page shows and the person types on the phone; only while it is pending and asks for a number.
    pub number: Option<String>,
    /// Opens the question in the app on the same phone; only while it is pending. It never carries the number.
    pub link: Option<String>,
    /// True once the person has said "this was not me", also after it was claimed.
    pub reported: bool,
    /// When it was asked (RFC 3339).
    pub created_at: String,
    /// When it ends (RFC 3339).
    pub expires_at: String,
    /// How far its pushes have come.
    pub push: PushState,
    /// What a push network said that did not take one, in words for who looks into it; none once one has gone through.
    pub push_reason: Option<String>,
    /// How it may be answered by what the account has now.
    pub methods: Vec<Method>,
    /// How the person was authenticated (RFC 8176); empty until approved.
    pub amr: Vec<String>,
    /// The signed question and answer, once there is one. Keep it: it can be verified without this server.
    pub receipt: Option<Receipt>,
}

/// How far the pushes of a challenge have come; the best of all devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PushState {
    /// No device can be pushed to: the person opens the app.
    None,
    /// On its way.
    Queued,
    /// A push network took it.
    Sent,
    /// The networks know no such device any more.
    Gone,
    /// It could not be sent.
    Failed,
    /// Nothing was sent: too many prompts within the hour did not end in approval. The app and codes still work.
    Limited,
    /// Nothing is sent: the person has reported a prompt. The app and codes still work.
    Stopped,
}

/// A moment in RFC 3339.
pub fn rfc3339(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.millis()).map_or_else(|_| String::new(), |moment| moment.to_string())
}

fn push_state(record: &ChallengeRecord) -> PushState {
    let has = |word: &str| record.pushes.iter().any(|(state, _)| state == word);
    match record.prompt {
        Prompt::Limited => PushState::Limited,
        Prompt::Stopped => PushState::Stopped,
        _ if record.pushes.is_empty() => PushState::None,
        _ if has("sent") => PushState::Sent,
        _ if has("queued") || has("dropped") => PushState::Queued,
        _ if has("failed") => PushState::Failed,
        _ => PushState::Gone,
    }
}

/// A challenge as its relying party reads it.
pub fn of(app: &App, record: ChallengeRecord) -> Challenge {
    let push = push_state(&record);
    let push_reason = match push {
        PushState::Sent => None,
        _ => record.pushes.iter().rev().find_map(|(_, reason)| reason.clone()),
    };
    let amr = amr(record.state, record.settled_by_code);
    let pending = record.state == State::Pending;
    let link = ChallengeLink {
        server_url: app.public_url.clone(),
        challenge_id: record.id,
        fingerprint: app.keys.server_id.clone(),
    };
    Challenge {
        id: record.id,
        state: record.state,
        policy: PolicyRequest {
            mode: if record.digits.is_some() { PolicyMode::Number } else { PolicyMode::Tap },
            digits: record.digits,
        },
        number: record.number.filter(|_| pending),
        link: (pending && record.methods.push).then(|| link.to_text()),
        reported: record.reported,
        created_at: rfc3339(record.created_at),
        expires_at: rfc3339(record.expires_at),
        push,
        push_reason,
        methods: record.methods.list(),
        amr: amr.iter().map(|&word| word.to_owned()).collect(),
        receipt: record.receipt,
    }
}

/// Reads a challenge of this relying party.
///
/// # Errors
/// `not_found`, `unavailable`.
pub async fn challenge(app: &App, relying_party: i64, id: ChallengeId) -> Result<Challenge, Problem> {
    let record = app.store.challenge(relying_party, id, app.now()).await?;
    record.map(|record| of(app, record)).ok_or(Problem::NotFound("challenge"))
}
