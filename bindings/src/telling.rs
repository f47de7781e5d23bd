//! Which sentence a person reads about what the library gave: the core's own choice, for an app that words nothing.

use crate::error::AuthenticatorError as Failed;
use crate::records::{EndReason, Outcome, PushFailure};
use crate::sentences::Sentence;
use countersign_device::sentences::Sentence as Catalogue;
use countersign_protocol::AnyProblemCode::{self, Known, Unknown};

/// What a person reads about a call that failed. While a link is used, a refused message means `ErrorLinkNotTrusted`
/// instead of `ErrorMessageRefused`; while an answer is given, no answer from the server means
/// `ErrorUnreachableAnswerKept`: only the app knows which.
#[uniffi::export]
pub fn sentence_for_error(error: &Failed) -> Sentence {
    match error {
        Failed::Unreachable { .. } => Sentence::ErrorUnreachable,
        Failed::UnexpectedAnswer { .. } => Sentence::ErrorUnexpectedAnswer,
        Failed::AccountEnded { .. } => Sentence::ErrorDeviceNotInUse,
        Failed::NotConfirmed { .. } => Sentence::ErrorNotConfirmed,
        Failed::KeyInvalidated { .. } => Sentence::ErrorKeyInvalidated,
        Failed::KeyUnavailable { .. } => Sentence::ErrorKeyUnavailable,
        Failed::VaultLocked { .. } => Sentence::ErrorVaultLocked,
        Failed::VaultUnreadable { .. } => Sentence::ErrorVaultUnreadable,
        Failed::StoreNewer { .. } => Sentence::ErrorStoreNewer,
        Failed::StoreOfAnotherVault { .. } => Sentence::AccountRestoredStore,
        Failed::StoreDamaged { .. } => Sentence::ErrorStoreDamaged,
        Failed::StoreUnwritable { .. } => Sentence::ErrorStoreUnwritable,
        Failed::UnknownAccount { .. } => Sentence::ErrorUnknownAccount,
        Failed::UnknownChallenge { .. } => Sentence::ErrorUnknownRequest,
        Failed::QuestionChanged { .. } => Sentence::QuestionChanged,
        Failed::NoCodes { .. } => Sentence::ErrorNoCodes,
        Failed::PasswordNeeded { .. } => Sentence::LinkPasswordNeeded,
        Failed::WrongPassword { .. } => Sentence::LinkWrongPassword,
        Failed::ShortPassword { .. } => Sentence::ErrorShortPassword,
        // What this device and a server refuse by the same name is told in the core's words for that name.
        Failed::Malformed { .. }
        | Failed::UnknownClaim { .. }
        | Failed::TooLarge { .. }
        | Failed::WrongSize { .. }
        | Failed::WrongAlgorithm { .. }
        | Failed::WrongType { .. }
        | Failed::BadSignature { .. }
        | Failed::CannotOpen { .. }
        | Failed::WrongDevice { .. }
        | Failed::WrongAccount { .. }
        | Failed::WrongChallenge { .. }
        | Failed::WrongServer { .. }
        | Failed::OldCertificate { .. }
        | Failed::FutureTime { .. }
        | Failed::StaleTime { .. }
        | Failed::Expired { .. }
        | Failed::UnknownKey { .. }
        | Failed::Unavailable { .. }
        | Failed::Internal { .. }
        | Failed::InvalidTicket { .. }
        | Failed::RedeemedTwice { .. }
        | Failed::DeviceNotInUse { .. }
        | Failed::ServerRefused { .. } => of_problem(error.code()),
    }
}

fn of_problem(code: &str) -> Sentence {
    match AnyProblemCode::from(code.to_owned()) {
        // A server that answers a phone with what is meant for a page has refused, no more.
        Known(code) => Sentence::of_apps(Catalogue::for_problem(code)).unwrap_or(Sentence::ErrorServerRefused),
        Unknown(_) => Sentence::ErrorServerRefused,
    }
}

/// What a person reads when a request ends like this.
#[uniffi::export]
pub fn sentence_for_outcome(outcome: Outcome) -> Sentence {
    match outcome {
        Outcome::Approved => Sentence::OutcomeApproved,
        Outcome::Denied => Sentence::OutcomeDenied,
        Outcome::Reported => Sentence::OutcomeReported,
        Outcome::WrongNumber => Sentence::OutcomeWrongNumber,
        Outcome::AlreadyAnswered => Sentence::OutcomeAlreadyAnswered,
        Outcome::AnsweredByCode => Sentence::OutcomeAnsweredByCode,
        Outcome::Expired => Sentence::OutcomeExpired,
        Outcome::Cancelled => Sentence::OutcomeCancelled,
    }
}

/// The same in a list of past requests.
#[uniffi::export]
pub fn short_sentence_for_outcome(outcome: Outcome) -> Sentence {
    match outcome {
        Outcome::Approved => Sentence::OutcomeApprovedShort,
        Outcome::Denied => Sentence::OutcomeDeniedShort,
        Outcome::Reported => Sentence::OutcomeReportedShort,
        Outcome::WrongNumber => Sentence::OutcomeWrongNumberShort,
        Outcome::AlreadyAnswered => Sentence::OutcomeAlreadyAnsweredShort,
        Outcome::AnsweredByCode => Sentence::OutcomeAnsweredByCodeShort,
        Outcome::Expired => Sentence::OutcomeExpiredShort,
        Outcome::Cancelled => Sentence::OutcomeCancelledShort,
    }
}

/// What a person reads about an account that is over on this device.
#[uniffi::export]
pub fn sentence_for_end(reason: EndReason) -> Sentence {
    match reason {
        EndReason::Revoked => Sentence::AccountEndedRemoved,
        EndReason::Moved => Sentence::AccountEndedMoved,
        EndReason::RedeemedTwice => Sentence::AccountEndedRedeemedTwice,
        EndReason::WrongCode => Sentence::AccountEndedWrongCode,
        EndReason::Expired => Sentence::AccountEndedExpired,
    }
}

/// What a person reads about a question whose push did not get through.
#[uniffi::export]
pub fn sentence_for_push_failure(failure: PushFailure) -> Sentence {
    match failure {
        PushFailure::Unreachable => Sentence::AccountPushUnreachable,
        PushFailure::NotNow => Sentence::AccountPushNotNow,
        PushFailure::Refused => Sentence::AccountPushRefused,
        PushFailure::Gone => Sentence::AccountPushGone,
        PushFailure::WrongProject => Sentence::AccountPushWrongProject,
        PushFailure::Misconfigured => Sentence::AccountPushMisconfigured,
        PushFailure::Other => Sentence::AccountPushNone,
    }
}
