//! What can go wrong, as an app sees it: a closed list, one variant for each stable code.

use countersign_device::{Error, StoreError, vault};
use countersign_protocol::AnyProblemCode::{self, Known};
use countersign_protocol::{ProblemCode, Refusal, key};

/// Declares the error from its one table of documentation, variant and code.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// Why a call did nothing. The variant is what an app branches on, and the stable code in the spelling of the
        /// app's language; `detail` is for a log and may change.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
        pub enum AuthenticatorError {
            $(
                $(#[$doc])*
                #[error("{detail}")]
                $variant {
                    /// What happened, in English, for a log.
                    detail: String,
                },
            )*
            /// The server refused for another reason: `code` is the one of its problem document.
            #[error("{detail}")]
            ServerRefused {
                /// The server's stable code.
                code: String,
                /// The server's sentence, for a log.
                detail: String,
            },
        }

        impl AuthenticatorError {
            /// The stable code.
            pub fn code(&self) -> &str {
                match self {
                    $(Self::$variant { .. } => $code,)*
                    Self::ServerRefused { code, .. } => code,
                }
            }
        }
    };
}

impl AuthenticatorError {
    /// A fault that is the library's own.
    pub(crate) fn internal(detail: &str) -> Self {
        Self::Internal { detail: detail.to_owned() }
    }
}

codes! {
    /// A link, a message or an id does not have its form.
    Malformed = "malformed",
    /// A message has a part that this version does not know.
    UnknownClaim = "unknown_claim",
    /// A message or a name is too long.
    TooLarge = "too_large",
    /// A sealed message does not have the one size that all of them have.
    WrongSize = "wrong_size",
    /// A message is signed with another algorithm.
    WrongAlgorithm = "wrong_algorithm",
    /// A signed message is of another type.
    WrongType = "wrong_type",
    /// Of a push: the server may have a new signing key, and a pull learns it. Of the server: it does not know this
    /// device for this; keep the account.
    UnknownKey = "unknown_key",
    /// A signature does not fit.
    BadSignature = "bad_signature",
    /// No key of this device opens the message.
    CannotOpen = "cannot_open",
    /// The message is for another device.
    WrongDevice = "wrong_device",
    /// The message is for another account.
    WrongAccount = "wrong_account",
    /// The server is not the one of the link, or not the one that was enrolled: stop.
    WrongServer = "wrong_server",
    /// The message is about another request.
    WrongChallenge = "wrong_challenge",
    /// The server shows an older certificate than before: stop.
    OldCertificate = "old_certificate",
    /// The message is dated in the future.
    FutureTime = "future_time",
    /// The message is dated too far in the past, or the server's time came too late to be of use.
    StaleTime = "stale_time",
    /// The request's time is over.
    Expired = "expired",
    /// The server cannot be reached. Nothing is lost: try again.
    Unreachable = "unreachable",
    /// Something else answered in the server's place, such as a sign-in page of the network. As good as no answer.
    UnexpectedAnswer = "unexpected_answer",
    /// The server cannot do it now and has changed nothing. Try again later.
    Unavailable = "unavailable",
    /// The server failed, or this library did. Try again.
    Internal = "internal",
    /// The link is unknown to the server, too old or used: ask for a new one.
    InvalidTicket = "invalid_ticket",
    /// Two devices used the link, and neither is enrolled: warn the person, and ask for a new link.
    RedeemedTwice = "redeemed_twice",
    /// The server has this device as not confirmed yet, or removed. Say so; keep the account.
    DeviceNotInUse = "device_not_in_use",
    /// The person did not confirm the use of the key. The request still waits.
    NotConfirmed = "not_confirmed",
    /// The platform has destroyed the key: only a new enrolment helps.
    KeyInvalidated = "key_invalidated",
    /// The key cannot be used now. Trying again later may help.
    KeyUnavailable = "key_unavailable",
    /// The vault is locked. Later it may open.
    VaultLocked = "vault_locked",
    /// The vault is damaged, or not readable by this app.
    VaultUnreadable = "vault_unreadable",
    /// The store was written by a later version: update the app.
    StoreNewer = "store_newer",
    /// The store was copied from another device, or restored: enrol again.
    StoreOfAnotherVault = "store_of_another_vault",
    /// The store is damaged. It is never made anew by itself.
    StoreDamaged = "store_damaged",
    /// The disk is full, or the store's place cannot be written.
    StoreUnwritable = "store_unwritable",
    /// No such account on this device.
    UnknownAccount = "unknown_account",
    /// No such request on this device.
    UnknownChallenge = "unknown_challenge",
    /// The account is over on this device, as its server said in a signed message: enrol it again.
    AccountEnded = "account_ended",
    /// A second sign-in came beside this one, so the request asks for its number by now; the YES did not count.
    QuestionChanged = "question_changed",
    /// The account was enrolled without one-time codes: enrol it again to have them.
    NoCodes = "no_codes",
    /// The file is encrypted: ask for its password, and open it again.
    PasswordNeeded = "password_needed",
    /// The file does not open with this password: ask again.
    WrongPassword = "wrong_password",
    /// The password of an export has fewer than 15 characters.
    ShortPassword = "short_password",
}

/// The stable code of an error, as PROTOCOL.md writes it: for logs, and for what an app tells its own server. Of
/// `ServerRefused` it is the server's.
#[uniffi::export]
#[expect(clippy::needless_pass_by_value, reason = "an error comes from an app as a value")]
pub fn error_code(error: AuthenticatorError) -> String {
    error.code().to_owned()
}

impl From<Refusal> for AuthenticatorError {
    fn from(refusal: Refusal) -> Self {
        Error::from(refusal).into()
    }
}

impl From<Error> for AuthenticatorError {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        let is_temporary = error.is_temporary();
        match error {
            Error::Refused(refusal) => of_refusal(refusal, detail),
            // Whatever the word of a busy server is: what was kept is kept, and the same call may be made again.
            Error::ServerRefused { code, .. } if is_temporary && code != Known(ProblemCode::Internal) => {
                Self::Unavailable { detail }
            }
            Error::ServerRefused { code, .. } => of_server(&code, detail),
            Error::UnexpectedAnswer { .. } => Self::UnexpectedAnswer { detail },
            Error::Unreachable(_) => Self::Unreachable { detail },
            Error::Key(key::KeyError::NotConfirmed) => Self::NotConfirmed { detail },
            Error::Key(key::KeyError::Invalidated) => Self::KeyInvalidated { detail },
            Error::Key(key::KeyError::Unavailable) => Self::KeyUnavailable { detail },
            Error::Vault(vault::VaultError::Locked) => Self::VaultLocked { detail },
            Error::Vault(vault::VaultError::Unreadable) => Self::VaultUnreadable { detail },
            Error::Store(StoreError::Newer) => Self::StoreNewer { detail },
            Error::Store(StoreError::OtherVault) => Self::StoreOfAnotherVault { detail },
            Error::Store(StoreError::Damaged(_)) => Self::StoreDamaged { detail },
            Error::Store(StoreError::Unwritable(_)) => Self::StoreUnwritable { detail },
            Error::UnknownAccount => Self::UnknownAccount { detail },
            Error::UnknownChallenge => Self::UnknownChallenge { detail },
            Error::AccountEnded => Self::AccountEnded { detail },
            Error::QuestionChanged => Self::QuestionChanged { detail },
            Error::NoCodes => Self::NoCodes { detail },
            Error::PasswordNeeded => Self::PasswordNeeded { detail },
            Error::WrongPassword => Self::WrongPassword { detail },
            Error::ShortPassword => Self::ShortPassword { detail },
        }
    }
}

fn of_refusal(refusal: Refusal, detail: String) -> AuthenticatorError {
    match refusal {
        Refusal::Malformed(_) => AuthenticatorError::Malformed { detail },
        Refusal::UnknownClaim => AuthenticatorError::UnknownClaim { detail },
        Refusal::TooLarge => AuthenticatorError::TooLarge { detail },
        Refusal::WrongSize => AuthenticatorError::WrongSize { detail },
        Refusal::WrongAlgorithm => AuthenticatorError::WrongAlgorithm { detail },
        Refusal::WrongType => AuthenticatorError::WrongType { detail },
        Refusal::UnknownKey => AuthenticatorError::UnknownKey { detail },
        Refusal::BadSignature => AuthenticatorError::BadSignature { detail },
        Refusal::CannotOpen => AuthenticatorError::CannotOpen { detail },
        Refusal::WrongDevice => AuthenticatorError::WrongDevice { detail },
        Refusal::WrongAccount => AuthenticatorError::WrongAccount { detail },
        Refusal::WrongServer => AuthenticatorError::WrongServer { detail },
        Refusal::WrongChallenge => AuthenticatorError::WrongChallenge { detail },
        Refusal::OldCertificate => AuthenticatorError::OldCertificate { detail },
        Refusal::FutureTime => AuthenticatorError::FutureTime { detail },
        Refusal::StaleTime => AuthenticatorError::StaleTime { detail },
        Refusal::Expired => AuthenticatorError::Expired { detail },
    }
}

/// Gives a variant of its own to what an app does something about, and leaves the rest as `ServerRefused`. A server's
/// code must not pass for something that this device found: `malformed` would blame the link, and `key_invalidated`
/// would throw the account away.
fn of_server(code: &AnyProblemCode, detail: String) -> AuthenticatorError {
    match code {
        Known(ProblemCode::DeviceNotInUse) => AuthenticatorError::DeviceNotInUse { detail },
        Known(ProblemCode::Internal) => AuthenticatorError::Internal { detail },
        Known(ProblemCode::InvalidTicket) => AuthenticatorError::InvalidTicket { detail },
        Known(ProblemCode::RedeemedTwice) => AuthenticatorError::RedeemedTwice { detail },
        Known(ProblemCode::Unavailable) => AuthenticatorError::Unavailable { detail },
        Known(ProblemCode::UnknownKey) => AuthenticatorError::UnknownKey { detail },
        code => AuthenticatorError::ServerRefused { code: code.to_string(), detail },
    }
}
