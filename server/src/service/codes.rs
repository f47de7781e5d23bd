//! One-time codes: a relying party asks whether a code is right, and with it may settle a challenge.
//!
//! Three steps. The attempt is counted, durably; it is compared; the code that fits is spent. A crash between them
//! leaves an attempt too many counted, never one too few.

use super::Service;
use super::authenticate::RelyingParty;
use super::code_secrets;
use crate::domain::refused::Refused;
use crate::store::{Accepted, Attempt, Begun, ToSettle};
use countersign_protocol::handle::{AccountId, ChallengeId};
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::typed;
use std::ops::RangeInclusive;

/// Digits that any code has.
const DIGITS: RangeInclusive<usize> = 6..=8;

/// What came of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// True once for each code: it is spent by this answer.
    pub valid: bool,
    /// How many wrong codes in a row are still taken before everything that makes codes is locked.
    pub remaining_attempts: u32,
}

/// Checks a code, and spends it. With `challenge` a right one also approves that challenge.
///
/// # Errors
/// `malformed` for what no authenticator could show; `not_found` for an account or a challenge that is not here;
/// `no_device` when nothing makes codes for the account; `throttled` and `locked` after too many wrong codes;
/// `code_not_allowed` for a challenge that takes none; `expired`, `cancelled` and `already_answered` for one that is
/// over; `unavailable` when the database gives no answer.
pub async fn verify(
    service: &Service,
    by: &RelyingParty,
    user: AccountId,
    typed_code: &str,
    challenge: Option<ChallengeId>,
) -> Result<Checked, Refused> {
    let code = typed(typed_code)?;
    let account = service.store.account(by.organisation(), user).await?.ok_or(Refused::NotFound("user"))?;
    let to_settle = challenge.map(|id| ToSettle { id, relying_party: by.row() });
    let attempt = match service.store.begin_code(account.row_id, to_settle).await? {
        Begun::Counted(attempt) => attempt,
        refused => return Err(refused.into()),
    };
    let valid = accept(service, by, &attempt, &code).await?;
    if !valid {
        service.store.refuse_code(by.actor(), &attempt.counted).await?;
    } else if let Some(id) = challenge {
        service.wake.challenge_changed(id, account.row_id);
    }
    let remaining_attempts = service.store.remaining_attempts(account.row_id).await?;
    Ok(Checked { valid, remaining_attempts })
}

/// Compares with every authenticator at which the attempt was counted, and spends the code where it fits.
async fn accept(service: &Service, by: &RelyingParty, attempt: &Attempt, code: &str) -> Result<bool, Refused> {
    let mut fitting = Vec::new();
    for counted in &attempt.counted {
        // All are compared, so that the time tells nothing of which one fits.
        let totp = code_secrets::open(service, &counted.codes)?;
        let step = totp.check(code, service.now(), service.settings.code_drift, counted.last_step);
        fitting.extend(step.map(|step| (counted.row_id, step)));
    }
    for (row_id, step) in fitting {
        match service.store.accept_code(by.actor(), attempt.clone(), row_id, step).await? {
            Accepted::Yes => return Ok(true),
            Accepted::No => {}
            Accepted::Over(state) => return Err(over(state)),
        }
    }
    Ok(false)
}

/// The digits that a person typed, in whatever script and groups.
///
/// # Errors
/// `malformed` for what no authenticator could show.
pub fn typed(text: &str) -> Result<String, Refused> {
    let code = typed::digits(text).filter(|code| DIGITS.contains(&code.len()));
    code.ok_or_else(|| Refused::malformed("A code is 6 to 8 digits."))
}

const fn over(state: ChallengeState) -> Refused {
    match state {
        ChallengeState::Expired => Refused::Expired,
        ChallengeState::Cancelled => Refused::Cancelled,
        _ => Refused::AlreadyAnswered,
    }
}

impl From<Begun> for Refused {
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
