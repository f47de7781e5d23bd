//! A challenge as its relying party reads it.

use crate::app::App;
use crate::methods::Method;
use crate::problem::Problem;
use crate::store::{ChallengeRecord, State};
use countersign_core::handle::ChallengeId;
use countersign_core::receipt::Receipt;
use countersign_core::time::Timestamp;
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
    /// When it was asked (RFC 3339).
    pub created_at: String,
    /// When it ends (RFC 3339).
    pub expires_at: String,
    /// How far its pushes have come.
    pub push: PushState,
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
}

/// A moment in RFC 3339.
pub fn rfc3339(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.millis()).map_or_else(|_| String::new(), |moment| moment.to_string())
}

impl From<ChallengeRecord> for Challenge {
    fn from(record: ChallengeRecord) -> Self {
        let has = |word: &str| record.pushes.iter().any(|state| state == word);
        let push = match () {
            () if record.pushes.is_empty() => PushState::None,
            () if has("sent") => PushState::Sent,
            () if has("queued") || has("dropped") => PushState::Queued,
            () if has("failed") => PushState::Failed,
            () => PushState::Gone,
        };
        let approved = matches!(record.state, State::Approved | State::Claimed);
        let amr: &[&str] = match (approved, record.settled_by_code) {
            (false, _) => &[],
            (true, true) => &["otp"],
            // A software key (swk) on a second channel (mca), and a person who tapped (user).
            (true, false) => &["swk", "mca", "user"],
        };
        Self {
            id: record.id,
            state: record.state,
            created_at: rfc3339(record.created_at),
            expires_at: rfc3339(record.expires_at),
            push,
            methods: record.methods.list(),
            amr: amr.iter().map(|&word| word.to_owned()).collect(),
            receipt: record.receipt,
        }
    }
}

/// Reads a challenge of this relying party.
///
/// # Errors
/// `not_found`, `unavailable`.
pub async fn challenge(app: &App, relying_party: i64, id: ChallengeId) -> Result<Challenge, Problem> {
    let record = app.store.challenge(relying_party, id, app.now()).await?;
    record.map(Challenge::from).ok_or(Problem::NotFound("challenge"))
}
