//! One-time codes: a relying party asks whether a code is right, and with it may settle a challenge.
//!
//! Three steps. The attempt is counted, durably; it is compared; the code that fits is spent. A crash between them leaves
//! an attempt too many counted, never one too few.

use crate::app::App;
use crate::authorisation::{RelyingParty, StrictJson};
use crate::parameter::Handle;
use crate::problem::Problem;
use crate::store::{self, Accepted, Attempt, Begun, StoredCodes, ToSettle};
use axum::Json;
use axum::extract::State;
use countersign_protocol::at_rest::Location;
use countersign_protocol::handle::{AccountId, AuthenticatorId, ChallengeId};
use countersign_protocol::one_time_code::{Algorithm, DEFAULT_DIGITS, DEFAULT_PERIOD, Secret, Totp};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::sync::Arc;
use utoipa::ToSchema;

/// Digits that any code has.
const DIGITS: RangeInclusive<usize> = 6..=8;

/// A code that a person typed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    /// The digits; white space in them is ignored.
    pub code: String,
    /// The challenge that the code is to settle, if any.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub challenge_id: Option<ChallengeId>,
}

/// Whether a code is right.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CodeAnswer {
    /// True once for each code: it is spent by this answer.
    pub valid: bool,
    /// `totp`.
    pub method: String,
    /// How many wrong codes in a row are still taken before everything that makes codes is locked.
    pub remaining_attempts: u32,
}

/// Checks a code, and spends it. With `challenge_id` a right one also approves that challenge.
#[utoipa::path(post, path = "/v1/users/{id}/codes/verify", tag = "relying party", request_body = CodeRequest,
    params(("id" = String, Path, description = "The account")),
    responses((status = 200, body = CodeAnswer),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn verify(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    Handle(user): Handle<AccountId>,
    StrictJson(request): StrictJson<CodeRequest>,
) -> Result<Json<CodeAnswer>, Problem> {
    let code = typed(&request.code)?;
    let account = app.store.account(relying_party.organisation.row_id, user).await?.ok_or(Problem::NotFound("user"))?;
    let to_settle = request.challenge_id.map(|id| ToSettle { id, relying_party: relying_party.row_id });
    let attempt = match app.store.begin_code(account.row_id, to_settle).await? {
        Begun::Counted(attempt) => attempt,
        refused => return Err(refused.into()),
    };
    let valid = accept(&app, &attempt, &code).await?;
    if valid {
        if let Some(id) = request.challenge_id {
            app.wake(id, account.row_id);
        }
    } else {
        app.store.refuse_code(&attempt.counted).await?;
    }
    let remaining_attempts = app.store.remaining_attempts(account.row_id).await?;
    Ok(Json(CodeAnswer { valid, method: "totp".into(), remaining_attempts }))
}

/// Compares with every authenticator at which the attempt was counted, and spends the code where it fits.
async fn accept(app: &App, attempt: &Attempt, code: &str) -> Result<bool, Problem> {
    let mut fitting = Vec::new();
    for counted in &attempt.counted {
        // All are compared, so that the time tells nothing of which one fits.
        let step = open(app, &counted.codes)?.check(code, app.now(), app.code_drift, counted.last_step);
        fitting.extend(step.map(|step| (counted.row_id, step)));
    }
    for (row_id, step) in fitting {
        match app.store.accept_code(attempt.clone(), row_id, step).await? {
            Accepted::Yes => return Ok(true),
            Accepted::No => {}
            Accepted::Over(state) => return Err(over(state)),
        }
    }
    Ok(false)
}

/// The digits that a person typed: "123 456" is the same code as "123456".
///
/// # Errors
/// `malformed` for what no authenticator could show.
pub fn typed(text: &str) -> Result<String, Problem> {
    let code: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    if DIGITS.contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(code)
    } else {
        Err(Problem::Malformed("A code is 6 to 8 digits.".into()))
    }
}

fn location(id: &str) -> Location<'_> {
    Location { table: "code_authenticator", row: id, column: "secret" }
}

/// Fresh codes as every application knows them, with their sealed form.
///
/// # Errors
/// `internal`.
pub fn generate(app: &App) -> Result<(Totp, StoredCodes), Problem> {
    let secret = Secret::generate(Algorithm::Sha1, &*app.randomness);
    let totp = Totp::new(secret, Algorithm::Sha1, DEFAULT_DIGITS, DEFAULT_PERIOD).map_err(|_| Problem::Internal)?;
    let id = AuthenticatorId::random(&*app.randomness);
    let stored = StoredCodes {
        id,
        secret: app.keys.at_rest.seal(location(&id.to_string()), totp.secret().as_bytes(), &*app.randomness),
        algorithm: totp.algorithm().as_str().into(),
        digits: totp.digits(),
        period: totp.period(),
        created_at: app.now(),
    };
    Ok((totp, stored))
}

/// The codes of a sealed secret.
///
/// # Errors
/// `internal`, with the reason in the log.
pub fn open(app: &App, stored: &StoredCodes) -> Result<Totp, Problem> {
    let unreadable = |error: String| {
        tracing::error!(authenticator = %stored.id, %error, "the secret of one-time codes cannot be opened");
        Problem::Internal
    };
    let secret = app.keys.at_rest.open(location(&stored.id.to_string()), &stored.secret);
    let secret = secret.map_err(|error| unreadable(error.to_string()))?;
    let totp = Secret::new(&secret)
        .and_then(|secret| Totp::new(secret, stored.algorithm.parse()?, stored.digits, stored.period));
    totp.map_err(|refusal| unreadable(refusal.to_string()))
}

fn over(state: store::State) -> Problem {
    match state {
        store::State::Expired => Problem::Expired,
        store::State::Cancelled => Problem::Cancelled,
        _ => Problem::AlreadyAnswered,
    }
}

impl From<Begun> for Problem {
    fn from(refused: Begun) -> Self {
        match refused {
            Begun::NoAuthenticator => Self::NoDevice,
            Begun::Throttled(pause) => Self::Throttled(pause),
            Begun::Locked => Self::Locked,
            Begun::NoChallenge => Self::NotFound("challenge"),
            Begun::NotAllowed => Self::CodeNotAllowed,
            Begun::Over(state) => over(state),
            Begun::Counted(_) => Self::Internal,
        }
    }
}
