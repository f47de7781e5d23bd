//! One-time codes: a relying party asks whether a code is right, and with it may settle a challenge.
//!
//! Three steps. The attempt is counted, durably; it is compared; the code that fits is spent. A crash between them
//! leaves an attempt too many counted, never one too few.

use super::Service;
use super::authenticate::RelyingParty;
use super::backup_codes::{self, Compared};
use super::code_secrets;
use crate::domain::backup_code::{self, BackupCode};
use crate::domain::code_steps::{self, Judged, Purpose};
use crate::domain::refused::Refused;
use crate::domain::rows::AuthenticatorRow;
use crate::domain::states::CodeKind;
use crate::store::{Accepted, Attempt, Begun, Spent, ToSettle};
use countersign_protocol::handle::{AccountId, ChallengeId};
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::typed;
use std::ops::RangeInclusive;

/// Digits that any code has.
const DIGITS: RangeInclusive<usize> = 6..=8;

/// What came of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// What kind of code it is.
    pub kind: CodeKind,
    /// Whether it was right.
    pub came: Came,
    /// How many wrong codes in a row are still taken before everything that makes codes is locked.
    pub remaining_attempts: u32,
    /// How many backup codes are left, after one that was right.
    pub backup_codes_left: Option<u8>,
}

/// What became of a typed code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// Right, once for each code: it is spent by this answer.
    Right,
    /// It was used before, or a later one was. Where it was itself, no failure is counted.
    UsedBefore,
    /// It is a code of another time.
    OfAnotherTime {
        /// Seconds by which its authenticator's clock seems ahead; negative when it seems behind.
        seconds_ahead: i64,
    },
    /// Wrong.
    Wrong,
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
    let kind = code.kind();
    let account = service.store.account(by.organisation(), user).await?.ok_or(Refused::NotFound("user"))?;
    let to_settle = challenge.map(|id| ToSettle { id, relying_party: by.row() });
    let attempt = match service.store.begin_code(account.row_id, to_settle, kind).await? {
        Begun::Counted(attempt) => attempt,
        refused => return Err(refused.into()),
    };
    let (came, backup_codes_left) = match code {
        TypedCode::OneTime(digits) => (check_one_time(service, by, &attempt, &digits).await?, None),
        TypedCode::Backup(code) => check_backup_code(service, by, &attempt, code).await?,
    };
    if let (Came::Right, Some(id)) = (came, challenge) {
        service.wake.challenge_changed(id, account.row_id);
        service.rates.creations.give_back(by.row());
    }
    let remaining_attempts = service.store.remaining_attempts(account.row_id, kind).await?;
    Ok(Checked { kind, came, remaining_attempts, backup_codes_left })
}

async fn check_one_time(
    service: &Service,
    by: &RelyingParty,
    attempt: &Attempt,
    digits: &str,
) -> Result<Came, Refused> {
    let judged = judge_all(service, attempt, digits)?;
    match accept(service, by, attempt, &judged).await? {
        Some(came) => Ok(came),
        None => refuse(service, by, attempt, &judged).await,
    }
}

/// Whether a backup code was right, and then how many are left.
async fn check_backup_code(
    service: &Service,
    by: &RelyingParty,
    attempt: &Attempt,
    code: BackupCode,
) -> Result<(Came, Option<u8>), Refused> {
    let number = code.number();
    let used_before = match backup_codes::compare(service, &attempt.counted, code).await? {
        Compared::Right(set) => {
            match service.store.accept_code(by.actor(), attempt.clone(), set, Spent::BackupCode(number)).await? {
                Accepted::Yes => return Ok((Came::Right, Some(service.store.backup_codes_left(set).await?))),
                // It was used, or its set ended, since it was compared.
                Accepted::No => true,
                Accepted::Over(state) => return Err(over(state)),
            }
        }
        Compared::UsedBefore => true,
        Compared::Wrong => false,
    };
    if used_before {
        service.store.excuse_code(by.actor(), &attempt.counted).await?;
        return Ok((Came::UsedBefore, None));
    }
    service.store.refuse_code(by.actor(), &attempt.counted, Vec::new()).await?;
    Ok((Came::Wrong, None))
}

/// Compares with every authenticator at which the attempt was counted. All are compared, so that the time tells nothing
/// of which one fits.
fn judge_all(service: &Service, attempt: &Attempt, code: &str) -> Result<Vec<(AuthenticatorRow, Judged)>, Refused> {
    let judged = attempt.counted.iter().map(|counted| {
        let totp = code_secrets::open(service, &counted.codes)?;
        let (drift, purpose) = (service.settings.code_drift, Purpose::Verification);
        Ok((counted.row_id, code_steps::judge(&totp, code, service.now(), drift, purpose, &counted.known)))
    });
    judged.collect()
}

/// Spends the code where it is right, or takes the attempt back where it was used before. None where it is neither.
async fn accept(
    service: &Service,
    by: &RelyingParty,
    attempt: &Attempt,
    judged: &[(AuthenticatorRow, Judged)],
) -> Result<Option<Came>, Refused> {
    for (row_id, judged) in judged {
        let Judged::Right(right) = judged else { continue };
        match service.store.accept_code(by.actor(), attempt.clone(), *row_id, Spent::Step(*right)).await? {
            Accepted::Yes => return Ok(Some(Came::Right)),
            Accepted::No => {}
            Accepted::Over(state) => return Err(over(state)),
        }
    }
    // One that was right and is not any more was spent meanwhile.
    if judged.iter().any(|(_, judged)| matches!(judged, Judged::Right(_) | Judged::UsedBefore)) {
        service.store.excuse_code(by.actor(), &attempt.counted).await?;
        return Ok(Some(Came::UsedBefore));
    }
    Ok(None)
}

/// Counts a failure, and uses up the steps of which is told.
async fn refuse(
    service: &Service,
    by: &RelyingParty,
    attempt: &Attempt,
    judged: &[(AuthenticatorRow, Judged)],
) -> Result<Came, Refused> {
    let of_other_times = || judged.iter().filter_map(|(row_id, judged)| Some((*row_id, judged.other_time()?)));
    let told = of_other_times().map(|(row_id, other)| (row_id, other.step)).collect();
    service.store.refuse_code(by.actor(), &attempt.counted, told).await?;
    let came = of_other_times().next().map(|(_, other)| Came::OfAnotherTime { seconds_ahead: other.seconds_ahead });
    let passed = judged.iter().any(|(_, judged)| *judged == Judged::Passed).then_some(Came::UsedBefore);
    Ok(came.or(passed).unwrap_or(Came::Wrong))
}

/// A code, of the kind that its length says.
enum TypedCode {
    OneTime(String),
    Backup(BackupCode),
}

impl TypedCode {
    const fn kind(&self) -> CodeKind {
        match self {
            Self::OneTime(_) => CodeKind::Totp,
            Self::Backup(_) => CodeKind::BackupCodes,
        }
    }
}

fn typed(text: &str) -> Result<TypedCode, Refused> {
    if let Some(code) = typed::digits(text).and_then(|digits| BackupCode::of_digits(&digits)) {
        return Ok(TypedCode::Backup(code));
    }
    typed_one_time(text)
        .map(TypedCode::OneTime)
        .map_err(|_| Refused::Malformed(format!("A code is 6 to 8 digits, and a backup code {}.", backup_code::DIGITS)))
}

/// The digits of a one-time code that a person typed, in whatever script and groups.
///
/// # Errors
/// `malformed` for what no authenticator could show.
pub fn typed_one_time(text: &str) -> Result<String, Refused> {
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
