//! Step 1, create: a relying party asks, the challenge is signed for each device of the account and kept.

use crate::app::App;
use crate::authorisation::{IdempotencyKey, RelyingParty, StrictJson};
use crate::methods::{Method, Methods};
use crate::problem::Problem;
use crate::resource::{self, Challenge};
use crate::store::{Created, NewChallenge, Recipient};
use crate::user_agent;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_core::Refusal;
use countersign_core::challenge::{self, Context, DEFAULT_LIFETIME, IssueError, MAX_LIFETIME, Policy};
use countersign_core::handle::{AccountId, ChallengeId};
use countersign_core::key::sha256_text;
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// What a relying party asks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// The account that is asked.
    #[schema(value_type = String)]
    pub user_id: AccountId,
    /// What the person must do; default: look and tap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRequest>,
    /// A sentence that the phone shows, for example what is being paid; 120 characters at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding_message: Option<String>,
    /// Where the sign-in comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextRequest>,
    /// How it may be answered: a list of `push`, `code` or both, which is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<Method>>,
    /// How long the person has, in seconds: 1 to 600, default 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 600)]
    pub expires_in: Option<u32>,
}

/// What the person must do.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyRequest {
    /// The mode.
    pub mode: PolicyMode,
}

/// How a person answers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PolicyMode {
    /// Look at the context and tap YES or NO.
    Tap,
}

/// Where a sign-in comes from, as the relying party sees it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContextRequest {
    /// The address of the person's browser.
    #[serde(default)]
    pub ip: Option<String>,
    /// The browser's `User-Agent` header.
    #[serde(default)]
    pub user_agent: Option<String>,
}

/// Asks an account's devices a question. Answered before any push network has answered.
#[utoipa::path(post, path = "/v1/challenges", tag = "relying party", request_body = ChallengeRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same challenge again")),
    responses((status = 201, body = Challenge), (status = 200, description = "The same request came before", body = Challenge),
        (status = "default", description = "A problem", body = countersign_core::device_api::Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    StrictJson(request): StrictJson<ChallengeRequest>,
) -> Result<(StatusCode, Json<Challenge>), Problem> {
    let request_sha256 = sha256_text(&serde_json::to_vec(&request).map_err(|_| Problem::Internal)?);
    if let Some(key) = &idempotency_key {
        match app.store.created_before(relying_party.row_id, key.clone(), request_sha256.clone()).await? {
            Some(Created::Same(id)) => {
                return Ok((StatusCode::OK, Json(resource::challenge(&app, relying_party.row_id, id).await?)));
            }
            Some(Created::Mismatch) => return Err(Problem::IdempotencyMismatch),
            Some(Created::New) | None => {}
        }
    }
    let account = app.store.account(relying_party.organisation.row_id, request.user_id).await?;
    let account = account.ok_or(Problem::NotFound("user"))?;
    let methods = Methods::asked(request.methods.as_deref())?;
    let recipients = if methods.push { app.store.recipients(account.row_id).await? } else { Vec::new() };
    if recipients.is_empty() && !(methods.code && app.store.takes_codes(account.row_id).await?) {
        return Err(Problem::NoDevice);
    }
    let created_at = app.now();
    let expires_at = created_at + lifetime(request.expires_in)?;
    let question = Question {
        id: ChallengeId::random(&*app.randomness),
        relying_party: relying_party.name,
        account_id: account.id,
        account: account.name,
        binding_message: request.binding_message.clone(),
        context: context(request.context.as_ref())?,
        created_at,
        expires_at,
    };
    let signer = app.keys.signer(&app.store).await?;
    let devices = recipients
        .into_iter()
        .map(|recipient| {
            let compact = challenge::issue(&question.for_device(&app, &recipient)?, &signer.key)?;
            Ok((recipient, compact))
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    let new = NewChallenge {
        id: question.id,
        relying_party: relying_party.row_id,
        account: account.row_id,
        created_at,
        expires_at,
        certificate: signer.sequence,
        idempotency_key,
        request_sha256,
        methods,
        devices,
    };
    let (status, id) = match app.store.create_challenge(new).await? {
        Created::New => (StatusCode::CREATED, question.id),
        Created::Same(id) => (StatusCode::OK, id),
        Created::Mismatch => return Err(Problem::IdempotencyMismatch),
    };
    app.outbox.wake();
    app.device_waiting.wake(account.row_id);
    Ok((status, Json(resource::challenge(&app, relying_party.row_id, id).await?)))
}

/// A question, before it is addressed to a device.
struct Question {
    id: ChallengeId,
    relying_party: String,
    account_id: AccountId,
    account: String,
    binding_message: Option<String>,
    context: Context,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl Question {
    fn for_device(&self, app: &App, recipient: &Recipient) -> Result<challenge::Challenge, Problem> {
        Ok(challenge::Challenge {
            iss: app.keys.server_id.clone(),
            aud: recipient.key_id.parse().map_err(|_| Problem::Internal)?,
            sub: self.account_id,
            enrolment_id: recipient.enrolment_id,
            challenge_id: self.id,
            relying_party: self.relying_party.clone(),
            account: self.account.clone(),
            policy: Policy::Tap {},
            binding_message: self.binding_message.clone(),
            context: self.context.clone(),
            iat: self.created_at.seconds(),
            exp: self.expires_at.seconds_up(),
        })
    }
}

fn lifetime(expires_in: Option<u32>) -> Result<Duration, Problem> {
    let lifetime = expires_in.map_or(DEFAULT_LIFETIME, |seconds| Duration::from_secs(seconds.into()));
    if lifetime.is_zero() || lifetime > MAX_LIFETIME {
        return Err(Problem::Malformed("expires_in is 1 to 600 seconds.".into()));
    }
    Ok(lifetime)
}

fn context(request: Option<&ContextRequest>) -> Result<Context, Problem> {
    let Some(ContextRequest { ip, user_agent }) = request else { return Ok(Context::default()) };
    if let Some(ip) = ip {
        ip.parse::<IpAddr>().map_err(|_| Problem::Malformed("context.ip is not an IP address.".into()))?;
    }
    let (browser, system) = user_agent.as_deref().map_or((None, None), user_agent::describe);
    Ok(Context { ip: ip.clone(), place: None, browser, system })
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Refused(Refusal::Malformed(what)) => {
                Self::Malformed(format!("The {what} holds control or bidirectional characters, or is out of range."))
            }
            IssueError::Refused(refusal) => Self::Refused(refusal),
            IssueError::Key(error) => error.into(),
        }
    }
}
