//! What a phone of the demo shows. A number that a page shows is never in it: the person carries it over.

use super::said::{Notice, Said};
use countersign_device::sentences::Sentence;
use countersign_device::{Account, AccountState, Past, Prompt};
use countersign_protocol::challenge::Detail;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::one_time_code::{DEFAULT_PERIOD, Shown};
use serde::Serialize;

/// What the phone shows.
#[derive(Debug, Serialize)]
pub(super) struct Screen {
    /// Which phone: 1 or 2.
    pub phone: u8,
    pub accounts: Vec<AccountShown>,
    pub prompts: Vec<PromptShown>,
    pub history: Vec<PastShown>,
    /// A sentence about what happened last.
    pub notice: Option<Notice>,
    /// The question that a link on the page has opened.
    pub opened: Option<ChallengeId>,
    /// Whether pushes arrive.
    pub push_on: bool,
    /// Whether the phone has no network.
    pub offline: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct AccountShown {
    id: EnrolmentId,
    organisation: String,
    account: String,
    confirmation_code: Option<String>,
    /// Why it is over, when it is.
    ended: Option<Said>,
}

#[derive(Debug, Serialize)]
pub(super) struct PromptShown {
    pub id: ChallengeId,
    relying_party: String,
    account: String,
    binding_message: Option<String>,
    details: Vec<Detail>,
    ip: Option<String>,
    place: Option<String>,
    browser: Option<String>,
    system: Option<String>,
    /// The one question, by its key.
    question: &'static str,
    /// What a YES does that is no sign-in, by its key.
    explanation: Option<&'static str>,
    /// How many digits of a number are asked for, when one is.
    digits: Option<u8>,
    asked_at: i64,
    lifetime_seconds: i64,
    milliseconds_left: u64,
    answering: bool,
    /// Whether a push brought it, so that it arrives as a notification.
    pub by_push: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct PastShown {
    id: ChallengeId,
    relying_party: String,
    account: String,
    asked_at: i64,
    outcome: &'static str,
}

/// The one-time code of this moment.
#[derive(Serialize)]
pub(super) struct CodeShown {
    code: String,
    next: String,
    seconds_left: u64,
    period: u16,
}

impl From<Account> for AccountShown {
    fn from(account: Account) -> Self {
        let (confirmation_code, ended) = match account.state {
            AccountState::Proposed { confirmation_code } => (Some(confirmation_code), None),
            AccountState::Confirmed => (None, None),
            AccountState::Ended { reason } => (None, Some(Sentence::for_end(reason).into())),
        };
        let Account { id, organisation, account, .. } = account;
        Self { id, organisation, account, confirmation_code, ended }
    }
}

impl From<Prompt> for PromptShown {
    fn from(prompt: Prompt) -> Self {
        let Prompt { challenge, time_left, answering, .. } = prompt;
        Self {
            id: challenge.challenge_id,
            asked_at: challenge.iat,
            lifetime_seconds: challenge.exp - challenge.iat,
            question: Sentence::for_question(challenge.purpose).key(),
            explanation: challenge.purpose.map(|purpose| Sentence::for_purpose(purpose).key()),
            digits: challenge.policy.digits(),
            relying_party: challenge.relying_party,
            account: challenge.account,
            binding_message: challenge.binding_message,
            details: challenge.details,
            ip: challenge.context.ip,
            place: challenge.context.place,
            browser: challenge.context.browser,
            system: challenge.context.system,
            milliseconds_left: u64::try_from(time_left.as_millis()).unwrap_or(u64::MAX),
            answering,
            by_push: false,
        }
    }
}

impl From<Past> for PastShown {
    fn from(past: Past) -> Self {
        Self {
            id: past.challenge.challenge_id,
            relying_party: past.challenge.relying_party,
            account: past.challenge.account,
            asked_at: past.challenge.iat,
            outcome: past.outcome.as_str(),
        }
    }
}

impl From<Shown> for CodeShown {
    fn from(shown: Shown) -> Self {
        let Shown { code, seconds_left, next } = shown;
        Self { code, next, seconds_left, period: DEFAULT_PERIOD }
    }
}
