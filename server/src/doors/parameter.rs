//! Values in a path or a query, with errors that say what is wrong.

use super::problem::Problem;
use crate::domain::moment::from_rfc3339;
use crate::domain::refused::Refused;
use crate::service::moves::MovesAsked;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use countersign_protocol::device_api::{Known, MAX_WAIT_SECONDS};
use countersign_protocol::relying_party_api::{MoveState, PolicyMode};
use serde::Deserialize;
use std::str::FromStr;
use std::time::Duration;

/// A handle in the path. One that is malformed names nothing, as one that does not exist.
pub struct Handle<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Handle<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let unknown = || Problem::Refused(Refused::NotFound("id"));
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        text.parse().map(Self).map_err(|_| unknown())
    }
}

/// Two handles in the path, the one below the other.
pub struct Handles<T, U>(pub T, pub U);

impl<T: FromStr, U: FromStr, S: Send + Sync> FromRequestParts<S> for Handles<T, U> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let unknown = || Problem::Refused(Refused::NotFound("id"));
        let Path((one, two)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        match (one.parse(), two.parse()) {
            (Ok(one), Ok(two)) => Ok(Self(one, two)),
            _ => Err(unknown()),
        }
    }
}

/// How long the caller is ready to wait.
pub struct Wait(pub Duration);

#[derive(Deserialize)]
struct WaitQuery {
    wait: Option<String>,
}

/// A number as it is written plainly: digits alone, no sign, no zero before others.
fn plain_decimal(text: &str) -> Option<u32> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    if plain { text.parse().ok() } else { None }
}

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong =
            || Problem::malformed(format!("wait comes once and is 0 to {MAX_WAIT_SECONDS} seconds, in digits."));
        let Query(WaitQuery { wait }) = Query::from_request_parts(parts, state).await.map_err(|_| wrong())?;
        match wait.as_deref().map_or(Some(0), plain_decimal) {
            Some(seconds @ 0..=MAX_WAIT_SECONDS) => Ok(Self(Duration::from_secs(seconds.into()))),
            _ => Err(wrong()),
        }
    }
}

/// What a device holds already.
pub struct KnownChallenges(pub Vec<Known>);

#[derive(Deserialize)]
struct KnownQuery {
    #[serde(default)]
    known: String,
}

impl<S: Send + Sync> FromRequestParts<S> for KnownChallenges {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong = || Problem::malformed("known comes once and is at most 32 times ID.DIGEST, separated by commas.");
        let Query(KnownQuery { known }) = Query::from_request_parts(parts, state).await.map_err(|_| wrong())?;
        Known::list_from_text(&known).map(Self).map_err(|_| wrong())
    }
}

/// Which moves are listed.
pub struct ListedMoves(pub MovesAsked);

#[derive(Deserialize)]
struct MovesQuery {
    user_id: Option<String>,
    state: Option<String>,
    due: Option<String>,
    before: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for ListedMoves {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong = || {
            Problem::malformed(
                "user_id, state, due and before come once: a user's id, a state of a move, a time as in RFC 3339, and \
                 the id of a move.",
            )
        };
        let Query(query) = Query::<MovesQuery>::from_request_parts(parts, state).await.map_err(|_| wrong())?;
        let state = match query.state {
            Some(word) => Some(MoveState::ALL.into_iter().find(|one| one.as_str() == word).ok_or_else(wrong)?),
            None => None,
        };
        let due = match query.due {
            Some(text) => Some(from_rfc3339(&text).ok_or_else(wrong)?),
            None => None,
        };
        let user = query.user_id.map(|text| text.parse().map_err(|_| wrong())).transpose()?;
        let before = query.before.map(|text| text.parse().map_err(|_| wrong())).transpose()?;
        Ok(Self(MovesAsked { user, state, due, before }))
    }
}

/// What the page shows that waits, when it says so.
pub struct PageShows(pub Option<PolicyMode>);

#[derive(Deserialize)]
struct ShownQuery {
    shown: Option<PolicyMode>,
}

impl<S: Send + Sync> FromRequestParts<S> for PageShows {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong = || Problem::malformed("shown comes once and is tap or number.");
        let Query(ShownQuery { shown }) = Query::from_request_parts(parts, state).await.map_err(|_| wrong())?;
        Ok(Self(shown))
    }
}
