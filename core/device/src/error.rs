//! What can go wrong on a device, as the device's code sees it.

use crate::transport::Unreachable;
use crate::vault::VaultError;
use countersign_protocol::at_rest::AtRestError;
use countersign_protocol::key::KeyError;
use countersign_protocol::{AnyProblemCode, Refusal};

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
    /// The answer is no success and no problem document, so it is not our server's: a proxy, a captive portal or the
    /// page of somebody else answered in its place.
    #[error("something else answered in the server's place: HTTP status {status} without an explanation")]
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
}

impl Error {
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
