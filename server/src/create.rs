//! Step 1, create: a relying party asks, the challenge is signed for each device of the account and kept.

use crate::app::App;
use crate::authorisation::{IdempotencyKey, RelyingParty, StrictJson};
use crate::methods::{Method, Methods};
use crate::problem::Problem;
use crate::resource::{self, Challenge};
use crate::server_keys::Signer;
use crate::store::{Created, NewChallenge, Raise, Recipient, StoreError};
use crate::user_agent;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_protocol::Refusal;
use countersign_protocol::challenge::{self, Context, DEFAULT_LIFETIME, IssueError, MAX_LIFETIME, Policy};
use countersign_protocol::handle::{AccountId, ChallengeId};
use countersign_protocol::key::{SoftwareKey, sha256_text};
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::Timestamp;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyRequest {
    /// The mode.
    pub mode: PolicyMode,
    /// How many digits the page shows and the person types: 2 or 6, default 6; only with the mode `number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<u8>,
}

/// How a person answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PolicyMode {
    /// Look at the context and tap YES or NO.
    Tap,
    /// Type the number that the page shows to say YES.
    Number,
}

/// Digits of a number where the request does not say: the bar of NIST SP 800-63B-4, section 3.1.3.
const DEFAULT_DIGITS: u8 = 6;
/// Digits of a number that is asked for only because two questions wait side by side: enough to tell them apart.
const OVERLAP_DIGITS: u8 = 2;

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
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
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
            Some(Created::New { .. }) | None => {}
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
        policy: policy(request.policy)?,
        binding_message: request.binding_message.clone(),
        context: context(request.context.as_ref())?,
        created_at,
        expires_at,
    };
    let signer = app.keys.signer(&app.store).await?;
    let new = NewChallenge {
        id: question.id,
        relying_party: relying_party.row_id,
        account: account.row_id,
        created_at,
        expires_at,
        certificate: signer.sequence,
        idempotency_key,
        request_sha256,
        // A number that no phone can be typed into is not shown.
        number: question
            .policy
            .digits()
            .filter(|_| !recipients.is_empty())
            .map(|digits| number(&*app.randomness, digits)),
        methods,
        devices: question.for_devices(&app, &recipients, &signer.key)?,
    };
    let raising = Raising { signer, randomness: Arc::clone(&app.randomness) };
    let (status, id) = match app.store.create_challenge(new, raising).await? {
        Created::New { raised } => {
            raised.into_iter().for_each(|id| app.challenge_waiting.wake(id));
            (StatusCode::CREATED, question.id)
        }
        Created::Same(id) => (StatusCode::OK, id),
        Created::Mismatch => return Err(Problem::IdempotencyMismatch),
    };
    app.wake(id, account.row_id);
    Ok((status, Json(resource::challenge(&app, relying_party.row_id, id).await?)))
}

/// A question, before it is addressed to a device.
struct Question {
    id: ChallengeId,
    relying_party: String,
    account_id: AccountId,
    account: String,
    policy: Policy,
    binding_message: Option<String>,
    context: Context,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl Question {
    fn for_devices(
        &self,
        app: &App,
        recipients: &[Recipient],
        key: &SoftwareKey,
    ) -> Result<Vec<(Recipient, String)>, Problem> {
        let issue = |recipient: &Recipient| {
            let asked = self.for_device(app, recipient)?;
            // It may have to ask for a number later, and must still fit then.
            let policy = Policy::Number { digits: OVERLAP_DIGITS };
            challenge::Challenge { policy, ..asked.clone() }.check_form().map_err(IssueError::Refused)?;
            Ok((recipient.clone(), challenge::issue(&asked, key)?))
        };
        recipients.iter().map(issue).collect()
    }

    fn for_device(&self, app: &App, recipient: &Recipient) -> Result<challenge::Challenge, Problem> {
        Ok(challenge::Challenge {
            iss: app.keys.server_id.clone(),
            aud: recipient.key_id.parse().map_err(|_| Problem::Internal)?,
            sub: self.account_id,
            enrolment_id: recipient.enrolment_id,
            challenge_id: self.id,
            relying_party: self.relying_party.clone(),
            account: self.account.clone(),
            policy: self.policy,
            binding_message: self.binding_message.clone(),
            context: self.context.clone(),
            iat: self.created_at.seconds(),
            exp: self.expires_at.seconds_up(),
        })
    }
}

/// Makes questions that wait side by side ask for their numbers.
struct Raising {
    signer: Arc<Signer>,
    randomness: Arc<dyn Randomness>,
}

impl Raise for Raising {
    fn number(&self) -> String {
        number(&*self.randomness, OVERLAP_DIGITS)
    }

    fn raise(&self, compact: &str) -> Result<String, StoreError> {
        let raised = challenge::raise(compact, OVERLAP_DIGITS, &self.signer.key);
        raised.map_err(|error| StoreError::Unreadable(error.to_string()))
    }
}

/// A number of this many digits, each as likely as any other.
fn number(randomness: &dyn Randomness, digits: u8) -> String {
    let random = u64::from_be_bytes(randomness.bytes());
    format!("{:0width$}", random % 10_u64.pow(digits.into()), width = usize::from(digits))
}

fn policy(request: Option<PolicyRequest>) -> Result<Policy, Problem> {
    let wrong = |what: &str| Problem::Malformed(what.into());
    match request {
        None | Some(PolicyRequest { mode: PolicyMode::Tap, digits: None }) => Ok(Policy::Tap {}),
        Some(PolicyRequest { mode: PolicyMode::Tap, .. }) => Err(wrong("policy.digits goes with the mode number.")),
        Some(PolicyRequest { mode: PolicyMode::Number, digits }) => match digits.unwrap_or(DEFAULT_DIGITS) {
            digits @ (2 | 6) => Ok(Policy::Number { digits }),
            _ => Err(wrong("policy.digits is 2 or 6.")),
        },
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
