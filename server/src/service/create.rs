//! Step 1, create: a relying party asks, the challenge is signed for each device of the account and kept.

use super::Service;
use super::authenticate::RelyingParty;
use crate::domain::measure::Step;
use crate::domain::methods::Methods;
use crate::domain::refused::Refused;
use crate::domain::rows::{AccountRow, DeviceRow, MoveRow};
use crate::domain::{client_address, user_agent};
use crate::keys::server_keys::Signer;
use crate::store::{self, NewChallenge, Raise, Recipient, StoreError};
use countersign_protocol::Refusal;
use countersign_protocol::challenge::{
    self, Context, DEFAULT_LIFETIME, Detail, IssueError, MAX_LIFETIME, Policy, Purpose,
};
use countersign_protocol::handle::{AccountId, ChallengeId};
use countersign_protocol::key::{SoftwareKey, sha256_text};
use countersign_protocol::randomness::Randomness;
use countersign_protocol::relying_party_api::{
    ChallengeRequest, ContextRequest, PolicyMode, PolicyRequest, is_request_name,
};
use countersign_protocol::text;
use countersign_protocol::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Digits of a number where the request does not say: the bar of NIST SP 800-63B-4, section 3.1.3.
const DEFAULT_DIGITS: u8 = 6;
/// How long a person has for a question of a move: the phone may have to be fetched.
const MOVE_LIFETIME: Duration = Duration::from_secs(180);
/// Digits of a number that is asked for only because two questions wait side by side: enough to tell them apart.
const OVERLAP_DIGITS: u8 = 2;

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// A new challenge.
    New(ChallengeId),
    /// The challenge that the same request made before.
    Same(ChallengeId),
}

/// Asks an account's devices a question. It is answered before any push network has answered.
///
/// # Errors
/// `not_found` for an account that is not of this organisation, `no_device` for one that nothing can be asked of,
/// `idempotency_mismatch` for another request under the same key or of the same attempt, `malformed` and `too_large`
/// for what no phone would show; `too_many_open` and `too_many_creations`; `unavailable` when the database gives no
/// answer; `internal` when a key of the server does not sign.
pub async fn create(
    service: &Service,
    by: &RelyingParty,
    idempotency_key: Option<String>,
    request: ChallengeRequest,
) -> Result<Created, Refused> {
    service.timed(Step::Create, ask(service, by, idempotency_key, request)).await
}

async fn ask(
    service: &Service,
    by: &RelyingParty,
    idempotency_key: Option<String>,
    request: ChallengeRequest,
) -> Result<Created, Refused> {
    let request_sha256 = sha256_text(&serde_json::to_vec(&request).map_err(|_| Refused::Internal)?);
    if let Some(key) = &idempotency_key {
        match service.store.created_before(by.row(), key.clone(), request_sha256.clone()).await? {
            Some(store::Created::Same(id)) => return Ok(Created::Same(id)),
            Some(store::Created::Mismatch) => return Err(Refused::IdempotencyMismatch),
            Some(
                store::Created::New { .. }
                | store::Created::NoAccount
                | store::Created::TooManyOpen(_)
                | store::Created::MoveNotNow(_),
            )
            | None => {}
        }
    }
    // Before anything is read or signed for it.
    by.take(service, &service.rates.creations, Refused::TooManyCreations).await?;
    let attempt = request.attempt.as_deref().map(attempt).transpose()?;
    let account = service.store.account(by.organisation(), request.user_id).await?;
    let account = account.ok_or(Refused::NotFound("user"))?;
    let methods = Methods::asked(request.methods.as_deref())?;
    let recipients = if methods.push { service.store.recipients(account.row_id).await? } else { Vec::new() };
    if recipients.is_empty() && methods.and(service.store.code_methods(account.row_id).await?).is_empty() {
        return Err(Refused::NoDevice);
    }
    let created_at = service.now();
    let question = Question {
        id: ChallengeId::random(&*service.randomness),
        relying_party: by.name().to_owned(),
        account_id: account.id,
        account: account.name,
        purpose: None,
        policy: policy(request.policy)?,
        binding_message: binding_message(request.binding_message)?,
        details: details(request.details)?,
        context: context(by, request.context.as_ref())?,
        created_at,
        expires_at: created_at + lifetime(request.expires_in)?,
    };
    let kept = Kept { account: account.row_id, idempotency_key, attempt, request_sha256, methods, of_move: None };
    keep(service, by, &question, &recipients, kept).await
}

/// A question of a move, to one device.
pub(super) struct OfMove {
    /// The move.
    pub moving: MoveRow,
    /// What YES does.
    pub purpose: Purpose,
    /// How many digits the page shows; none where YES is a tap.
    pub digits: Option<u8>,
}

/// Asks one device of an account a question of a move.
///
/// # Errors
/// `not_found` for the account; `no_device` for a device that cannot be asked; `move_not_now` when the move has gone on
/// meanwhile; else as [`create`].
pub(super) async fn ask_one(
    service: &Service,
    by: &RelyingParty,
    (user, device): (AccountId, DeviceRow),
    of: OfMove,
) -> Result<ChallengeId, Refused> {
    by.take(service, &service.rates.creations, Refused::TooManyCreations).await?;
    let account = service.store.account(by.organisation(), user).await?.ok_or(Refused::NotFound("user"))?;
    let recipient = service.store.recipient(device, of.purpose, service.now()).await?.ok_or(Refused::NoDevice)?;
    let created_at = service.now();
    let id = ChallengeId::random(&*service.randomness);
    let question = Question {
        id,
        relying_party: by.name().to_owned(),
        account_id: account.id,
        account: account.name,
        purpose: Some(of.purpose),
        policy: of.digits.map_or(Policy::Tap {}, |digits| Policy::Number { digits }),
        binding_message: None,
        details: Vec::new(),
        context: Context::default(),
        created_at,
        expires_at: created_at + MOVE_LIFETIME,
    };
    let methods = Methods { code: false, backup_code: false, ..Methods::ALL };
    let of_move = Some((of.moving, of.purpose));
    let (row, request_sha256) = (account.row_id, sha256_text(id.as_bytes()));
    let kept = Kept { account: row, idempotency_key: None, attempt: None, request_sha256, methods, of_move };
    keep(service, by, &question, &[recipient], kept).await?;
    Ok(id)
}

/// What is kept of a question beside what is signed.
struct Kept {
    account: AccountRow,
    idempotency_key: Option<String>,
    attempt: Option<String>,
    request_sha256: String,
    methods: Methods,
    of_move: Option<(MoveRow, Purpose)>,
}

/// Signs a question for each of these devices, and keeps it.
async fn keep(
    service: &Service,
    by: &RelyingParty,
    question: &Question,
    recipients: &[Recipient],
    kept: Kept,
) -> Result<Created, Refused> {
    let signer = service.keys.signer(&service.store).await?;
    let new = NewChallenge {
        id: question.id,
        relying_party: by.row(),
        account: kept.account,
        created_at: question.created_at,
        expires_at: question.expires_at,
        certificate: signer.sequence,
        idempotency_key: kept.idempotency_key,
        attempt: kept.attempt,
        request_sha256: kept.request_sha256,
        // A number that no phone can be typed into is not shown.
        number: question
            .policy
            .digits()
            .filter(|_| !recipients.is_empty())
            .map(|digits| number(&*service.randomness, digits)),
        methods: kept.methods,
        of_move: kept.of_move,
        devices: question.for_devices(service, recipients, &signer.key)?,
    };
    let raising = Raising { signer, randomness: Arc::clone(&service.randomness) };
    let created = match service.store.create_challenge(by.actor(), new, raising).await? {
        store::Created::New { raised } => {
            raised.into_iter().for_each(|id| service.wake.challenges.wake(id));
            Created::New(question.id)
        }
        store::Created::Same(id) => {
            // It is no question more.
            service.rates.creations.give_back(by.row());
            Created::Same(id)
        }
        store::Created::Mismatch => return Err(Refused::IdempotencyMismatch),
        store::Created::NoAccount => return Err(Refused::NotFound("user")),
        store::Created::TooManyOpen(pause) => return Err(Refused::TooManyOpen(pause)),
        store::Created::MoveNotNow(state) => return Err(Refused::MoveNotNow(state)),
    };
    service.wake.challenge_changed(question.id, kept.account);
    Ok(created)
}

/// A question, before it is addressed to a device.
struct Question {
    id: ChallengeId,
    relying_party: String,
    account_id: AccountId,
    account: String,
    purpose: Option<Purpose>,
    policy: Policy,
    binding_message: Option<String>,
    details: Vec<Detail>,
    context: Context,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl Question {
    fn for_devices(
        &self,
        service: &Service,
        recipients: &[Recipient],
        key: &SoftwareKey,
    ) -> Result<Vec<(Recipient, String)>, Refused> {
        let issue = |recipient: &Recipient| {
            let asked = self.for_device(service, recipient)?;
            // It may have to ask for a number later, and must still fit then.
            let policy = Policy::Number { digits: OVERLAP_DIGITS };
            challenge::Challenge { policy, ..asked.clone() }.check_form().map_err(IssueError::Refused)?;
            Ok((recipient.clone(), challenge::issue(&asked, key)?))
        };
        recipients.iter().map(issue).collect()
    }

    fn for_device(&self, service: &Service, recipient: &Recipient) -> Result<challenge::Challenge, Refused> {
        Ok(challenge::Challenge {
            iss: service.keys.server_id.clone(),
            aud: recipient.key_id.parse().map_err(|_| Refused::Internal)?,
            sub: self.account_id,
            enrolment_id: recipient.enrolment_id,
            challenge_id: self.id,
            relying_party: self.relying_party.clone(),
            account: self.account.clone(),
            purpose: self.purpose,
            policy: self.policy,
            binding_message: self.binding_message.clone(),
            details: self.details.clone(),
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

fn policy(request: Option<PolicyRequest>) -> Result<Policy, Refused> {
    match request {
        None | Some(PolicyRequest { mode: PolicyMode::Tap, digits: None }) => Ok(Policy::Tap {}),
        Some(PolicyRequest { mode: PolicyMode::Tap, .. }) => {
            Err(Refused::malformed("policy.digits goes with the mode number."))
        }
        Some(PolicyRequest { mode: PolicyMode::Number, digits }) => match digits.unwrap_or(DEFAULT_DIGITS) {
            digits @ (2 | 6) => Ok(Policy::Number { digits }),
            _ => Err(Refused::malformed("policy.digits is 2 or 6.")),
        },
    }
}

/// The relying party's name for an attempt to sign in, of the same characters as an `Idempotency-Key`.
fn attempt(name: &str) -> Result<String, Refused> {
    if is_request_name(name) {
        Ok(name.to_owned())
    } else {
        Err(Refused::malformed("attempt is 1 to 255 printable ASCII characters; spaces only within."))
    }
}

fn lifetime(expires_in: Option<u32>) -> Result<Duration, Refused> {
    let lifetime = expires_in.map_or(DEFAULT_LIFETIME, |seconds| Duration::from_secs(seconds.into()));
    if lifetime.is_zero() || lifetime > MAX_LIFETIME {
        return Err(Refused::malformed("expires_in is 1 to 600 seconds."));
    }
    Ok(lifetime)
}

/// A sentence that no phone would show is refused also where no phone is asked, and a code is to settle it.
fn binding_message(said: Option<String>) -> Result<Option<String>, Refused> {
    text::check(said.as_deref().unwrap_or_default(), text::MAX_BINDING_MESSAGE, "binding message")
        .map_err(IssueError::Refused)?;
    Ok(said)
}

/// The same of what exactly is decided.
fn details(said: Option<Vec<Detail>>) -> Result<Vec<Detail>, Refused> {
    let details = said.unwrap_or_default();
    challenge::check_details(&details).map_err(IssueError::Refused)?;
    Ok(details)
}

/// What is shown of where a sign-in comes from. A browser can send any `User-Agent`, so nothing of that refuses.
fn context(by: &RelyingParty, request: Option<&ContextRequest>) -> Result<Context, Refused> {
    let Some(ContextRequest { ip, user_agent }) = request else { return Ok(Context::default()) };
    let address = ip.as_deref().map(client_address::read).transpose()?.flatten();
    if ip.is_some() && address.is_none() {
        tracing::info!(relying_party = by.name(), "context.ip holds no address, and the phone shows none");
    }
    let (browser, system) = user_agent.as_deref().map_or((None, None), user_agent::describe);
    Ok(Context { ip: address.map(|address| address.to_string()), place: None, browser, system })
}

impl From<IssueError> for Refused {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Refused(Refusal::Malformed(what)) => {
                Self::malformed(format!("The {what} holds control or bidirectional characters, or is out of range."))
            }
            IssueError::Refused(refusal) => Self::Message(refusal),
            IssueError::Key(error) => error.into(),
        }
    }
}
