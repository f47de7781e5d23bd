//! What can go wrong on a device, as the device's code sees it.

use crate::transport::Unreachable;
use crate::vault::VaultError;
use countersign_protocol::at_rest::AtRestError;
use countersign_protocol::key::KeyError;
use countersign_protocol::otpauth::LinkRefusal;
use countersign_protocol::{AnyProblemCode, ProblemCode, Refusal};

/// Why a device could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This device refused a message.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// The server refused, with a problem document.
    #[error("the server refused: {detail} ({code})")]
    ServerRefused {
        /// The stable code of the document. A newer server may have sent one that is not known here.
        code: AnyProblemCode,
        /// The HTTP status, which still tells a passing trouble from a final one where the code is not known here.
        status: u16,
        /// The server's sentence.
        detail: String,
    },
    /// The answer is neither what the call gives nor a problem document of ours, so it is not our server's: a proxy, a
    /// captive portal or the page of somebody else answered in its place. It is as good as no answer.
    #[error("something else answered in the server's place, with the HTTP status {status}")]
    UnexpectedAnswer {
        /// The HTTP status.
        status: u16,
    },
    /// The server cannot be reached.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// A key did not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The platform's vault gave nothing.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such account on this device.
    #[error("there is no such account on this device")]
    UnknownAccount,
    /// No such request on this device.
    #[error("there is no such request on this device")]
    UnknownChallenge,
    /// The account is over: its server said so in a signed revocation.
    #[error("the account is over on this device: enrol it again")]
    AccountEnded,
    /// A second sign-in came beside this one, so the request asks for its number now; the YES did not count.
    #[error("another sign-in is waiting too: look again, and type the number that the page shows")]
    QuestionChanged,
    /// The account was enrolled without one-time codes.
    #[error("this account has no one-time codes: enrol it again to have them")]
    NoCodes,
    /// A file of codes is encrypted, and no password was given.
    #[error("{}", LinkRefusal::PasswordNeeded)]
    PasswordNeeded,
    /// A file of codes does not open with this password.
    #[error("{}", LinkRefusal::WrongPassword)]
    WrongPassword,
    /// The password of an export is too short to protect it.
    #[error("{}", countersign_protocol::code_file::ShortPassword)]
    ShortPassword,
}

impl Error {
    /// True when time may mend it: the server was not heard, or said that it cannot do it now. Whatever was kept is
    /// kept still, and the same call may be made again.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::UnexpectedAnswer { .. } => true,
            // The server's time came too late to be of use, as over a slow network.
            Self::Refused(Refusal::StaleTime) => true,
            Self::ServerRefused { code, status, .. } => match code {
                AnyProblemCode::Known(code) => matches!(
                    code,
                    ProblemCode::Unavailable
                        | ProblemCode::Internal
                        | ProblemCode::Timeout
                        | ProblemCode::Throttled
                        | ProblemCode::TooManyOpen
                        | ProblemCode::TooManyWaits
                        | ProblemCode::TooManyCreations
                        | ProblemCode::TooManyEnrolments
                        | ProblemCode::TooManyFailures
                ),
                // Of a newer server's code the HTTP status tells. 408 and 429 (RFC 9110, section 15.5.9; RFC 6585,
                // section 4) ask for the same request again.
                AnyProblemCode::Unknown(_) => matches!(status, 408 | 429) || *status >= 500,
            },
            _ => false,
        }
    }

    /// True when the server will never take this message: its time is over, or it is wrong.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::ServerRefused { .. }) && !self.is_temporary()
    }

    /// The stable code that an app branches on.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(refusal) => refusal.code().as_str(),
            Self::ServerRefused { code, .. } => code.as_str(),
            Self::UnexpectedAnswer { .. } => "unexpected_answer",
            Self::Unreachable(_) => "unreachable",
            Self::Key(KeyError::NotConfirmed) => "not_confirmed",
            Self::Key(KeyError::Invalidated) => "key_invalidated",
            Self::Key(KeyError::Unavailable) => "key_unavailable",
            Self::Vault(VaultError::Locked) => "vault_locked",
            Self::Vault(VaultError::Unreadable) => "vault_unreadable",
            Self::Store(StoreError::Newer) => "store_newer",
            Self::Store(StoreError::OtherVault) => "store_of_another_vault",
            Self::Store(StoreError::Damaged(_)) => "store_damaged",
            Self::Store(StoreError::Unwritable(_)) => "store_unwritable",
            Self::UnknownAccount => "unknown_account",
            Self::UnknownChallenge => "unknown_challenge",
            Self::AccountEnded => "account_ended",
            Self::QuestionChanged => "question_changed",
            Self::NoCodes => "no_codes",
            Self::PasswordNeeded => "password_needed",
            Self::WrongPassword => "wrong_password",
            Self::ShortPassword => "short_password",
        }
    }
}

/// Why the device's store cannot be used. It is never deleted or made anew because of it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Written by a later version of this program.
    #[error("the store was written by a newer version: update this program")]
    Newer,
    /// Copied from another device, or the vault was replaced.
    #[error("the store belongs to another vault: it was copied or restored, enrol again")]
    OtherVault,
    /// Not readable as what it should be; the text says what.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The disk is full, or the place cannot be written.
    #[error("the store cannot be written: {0}")]
    Unwritable(String),
}

impl From<AtRestError> for StoreError {
    fn from(error: AtRestError) -> Self {
        match error {
            AtRestError::WrongKey => Self::OtherVault,
            AtRestError::Damaged => Self::Damaged(error.to_string()),
        }
    }
}

impl From<AtRestError> for Error {
    fn from(error: AtRestError) -> Self {
        Self::Store(error.into())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure};
        match error.sqlite_error_code() {
            Some(CannotOpen | DatabaseBusy | DiskFull | PermissionDenied | ReadOnly | SystemIoFailure) => {
                Self::Unwritable(error.to_string())
            }
            _ => Self::Damaged(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_that_time_cannot_mend_is_final() {
        let refused = |code: &str, status| {
            Error::ServerRefused { code: code.to_owned().into(), status, detail: "".into() }.is_final()
        };
        for (code, status) in [("expired", 410), ("invalid_ticket", 403), ("bad_signature", 403), ("from_2040", 422)] {
            assert!(refused(code, status), "{code}");
        }
        for (code, status) in [("unavailable", 503), ("internal", 500), ("timeout", 408), ("throttled", 429)] {
            assert!(!refused(code, status), "{code}");
        }
        for status in [408, 429, 500, 503] {
            assert!(!refused("from_2040", status), "a code that is not known here, with status {status}");
        }
        for no_answer in [
            Error::UnexpectedAnswer { status: 403 },
            Error::Unreachable(Unreachable { reason: "no route".into() }),
            Error::Refused(Refusal::StaleTime),
        ] {
            assert!(!no_answer.is_final() && no_answer.is_temporary(), "{no_answer}");
        }
        assert!(!Error::Refused(Refusal::WrongServer).is_temporary(), "another server stays another");
    }
}
