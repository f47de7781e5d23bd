//! Values in a path or a query, with errors that say what is wrong.

use crate::problem::Problem;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use countersign_protocol::device_api::{Known, MAX_WAIT_SECONDS};
use serde::Deserialize;
use std::str::FromStr;
use std::time::Duration;

/// A handle in the path. One that is malformed names nothing, as one that does not exist.
pub struct Handle<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Handle<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let unknown = || Problem::NotFound("id");
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        text.parse().map(Self).map_err(|_| unknown())
    }
}

/// How long the caller is ready to wait.
pub struct Wait(pub Duration);

#[derive(Deserialize)]
struct WaitQuery {
    #[serde(default)]
    wait: u32,
}

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong = || Problem::Malformed(format!("wait is 0 to {MAX_WAIT_SECONDS} seconds."));
        let Query(WaitQuery { wait }) = Query::from_request_parts(parts, state).await.map_err(|_| wrong())?;
        if wait > MAX_WAIT_SECONDS { Err(wrong()) } else { Ok(Self(Duration::from_secs(wait.into()))) }
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
        let wrong = || Problem::Malformed("known is at most 32 times ID.DIGEST, separated by commas.".into());
        let Query(KnownQuery { known }) = Query::from_request_parts(parts, state).await.map_err(|_| wrong())?;
        Known::list_from_text(&known).map(Self).map_err(|_| wrong())
    }
}

/// How a page asks its visitor to answer, as far as it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// Nothing is shown: YES is a tap.
    Tap,
    /// A number is shown.
    Number,
}

/// What the page shows that waits, when it says so.
pub struct PageShows(pub Option<Shown>);

#[derive(Deserialize)]
struct ShownQuery {
    shown: Option<Shown>,
}

impl<S: Send + Sync> FromRequestParts<S> for PageShows {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong = || Problem::Malformed("shown is tap or number.".into());
        let Query(ShownQuery { shown }) = Query::from_request_parts(parts, state).await.map_err(|_| wrong())?;
        Ok(Self(shown))
    }
}
