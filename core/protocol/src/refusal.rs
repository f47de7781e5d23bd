//! Why a message was refused. One closed list, with one stable code for each reason.

use crate::problem_code::ProblemCode;

/// A reason to refuse a message, the same on both sides of the wire.
///
/// The code is what programs branch on (PROTOCOL.md lists them); it never changes its meaning. A refusal carries no
/// value out of the message, so that it can be logged and answered without telling anybody anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Not the form that PROTOCOL.md gives; the text names the part.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// A member that this version does not know (RFC 8725, section 3.1: nothing is ignored).
    #[error("a claim or header that is not known here")]
    UnknownClaim,
    /// Longer than the form allows.
    #[error("too large")]
    TooLarge,
    /// A sealed message whose size is not the one size that all of them have.
    #[error("a sealed message has the wrong size")]
    WrongSize,
    /// `alg` is not ES256.
    #[error("the signature algorithm is not ES256")]
    WrongAlgorithm,
    /// `typ` is not the one that belongs here (RFC 8725, section 3.11).
    #[error("the type of the signed message is not the one expected here")]
    WrongType,
    /// `kid` is not among the keys of this enrolment for this purpose.
    #[error("the key is not known here for this purpose")]
    UnknownKey,
    /// The signature does not fit the bytes.
    #[error("the signature does not fit")]
    BadSignature,
    /// Opened by none of the keys of this device.
    #[error("the sealed message cannot be opened with any key of this device")]
    CannotOpen,
    /// Meant for another device.
    #[error("meant for another device")]
    WrongDevice,
    /// Meant for another account.
    #[error("meant for another account")]
    WrongAccount,
    /// From, or for, another server than the one pinned at enrolment.
    #[error("from another server than the one that was enrolled")]
    WrongServer,
    /// About another challenge, or about other bytes than the challenge that was sent.
    #[error("about another challenge than the one that was sent")]
    WrongChallenge,
    /// The server's certificate carries a lower sequence than one seen before.
    #[error("the server's certificate is older than one seen before")]
    OldCertificate,
    /// Dated in the future.
    #[error("dated in the future")]
    FutureTime,
    /// Dated too far in the past.
    #[error("dated too far in the past")]
    StaleTime,
    /// Its time is over.
    #[error("expired")]
    Expired,
}

impl Refusal {
    /// The stable code, as in a problem document.
    pub const fn code(self) -> ProblemCode {
        match self {
            Self::Malformed(_) => ProblemCode::Malformed,
            Self::UnknownClaim => ProblemCode::UnknownClaim,
            Self::TooLarge => ProblemCode::TooLarge,
            Self::WrongSize => ProblemCode::WrongSize,
            Self::WrongAlgorithm => ProblemCode::WrongAlgorithm,
            Self::WrongType => ProblemCode::WrongType,
            Self::UnknownKey => ProblemCode::UnknownKey,
            Self::BadSignature => ProblemCode::BadSignature,
            Self::CannotOpen => ProblemCode::CannotOpen,
            Self::WrongDevice => ProblemCode::WrongDevice,
            Self::WrongAccount => ProblemCode::WrongAccount,
            Self::WrongServer => ProblemCode::WrongServer,
            Self::WrongChallenge => ProblemCode::WrongChallenge,
            Self::OldCertificate => ProblemCode::OldCertificate,
            Self::FutureTime => ProblemCode::FutureTime,
            Self::StaleTime => ProblemCode::StaleTime,
            Self::Expired => ProblemCode::Expired,
        }
    }
}
