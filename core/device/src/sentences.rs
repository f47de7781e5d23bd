//! Every sentence that a person reads on the phone and on the sign-in page, in five languages.
//!
//! One catalogue for both apps, the terminal's phone and the pages: a flat JSON file for each language in
//! `core/device/sentences/`, one line for each key, in the order of [`Sentence`]. What a relying party, a server or a
//! person wrote is never in it; it is a value for a placeholder.

mod table;

use crate::error::{Error, StoreError};
use crate::store::Outcome;
use crate::vault::VaultError;
use countersign_protocol::challenge::Purpose;
use countersign_protocol::device_api::PushFailure;
use countersign_protocol::key::KeyError;
use countersign_protocol::otpauth::{LinkRefusal, Warning};
use countersign_protocol::revocation::EndReason;
use countersign_protocol::{AnyProblemCode, ProblemCode};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A language of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// British English.
    English,
    /// French, with *vous*.
    French,
    /// German, with *Sie*.
    German,
    /// Italian, in impersonal forms.
    Italian,
    /// Spanish, with *usted*.
    Spanish,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::English, Self::French, Self::German, Self::Italian, Self::Spanish];

    /// The primary language subtag (RFC 5646, section 2.2.1).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::German => "de",
            Self::Italian => "it",
            Self::Spanish => "es",
        }
    }

    /// Reads a language tag, `fr-CH`, or the name of a locale, `fr_FR.UTF-8` (POSIX.1-2017, section 8.2). `None` is any
    /// other language, and the locales `C` and `POSIX`, which name none.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.', '@']).next()?;
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The whole catalogue as a JSON object from key to text, as a web page takes it.
    pub const fn catalogue(self) -> &'static str {
        match self {
            Self::English => include_str!("../sentences/en.json"),
            Self::French => include_str!("../sentences/fr.json"),
            Self::German => include_str!("../sentences/de.json"),
            Self::Italian => include_str!("../sentences/it.json"),
            Self::Spanish => include_str!("../sentences/es.json"),
        }
    }

    fn texts(self) -> &'static HashMap<&'static str, &'static str> {
        static TEXTS: LazyLock<[HashMap<&'static str, &'static str>; 5]> = LazyLock::new(|| {
            // A file that does not parse fails core/device/tests/sentences.rs; a person would read keys.
            Language::ALL.map(|language| serde_json::from_str(language.catalogue()).unwrap_or_default())
        });
        &TEXTS[self as usize]
    }
}

/// Declares [`Sentence`] from the table.
macro_rules! declare {
    ($($(#[$doc:meta])* $variant:ident = $key:literal,)*) => {
        /// A sentence or a label.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Sentence {
            $($(#[$doc])* $variant,)*
        }

        impl Sentence {
            /// All of them, in the order of the files.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The key in the files, which never changes its meaning.
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)*
                }
            }
        }
    };
}

crate::each_sentence!(declare);

impl Sentence {
    /// The sentence with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|sentence| sentence.key() == key)
    }

    /// The text, with its placeholders as they are.
    pub fn text(self, language: Language) -> &'static str {
        language.texts().get(self.key()).copied().unwrap_or_else(|| self.key())
    }

    /// The text, with each `{name}` replaced by the value of that name. A placeholder without a value stays, and a
    /// value is never searched for placeholders: a device may call itself `{digits}`.
    pub fn with(self, language: Language, values: &[(&str, &str)]) -> String {
        let mut rest = self.text(language);
        let mut whole = String::with_capacity(rest.len());
        while let Some((before, (name, after))) = next_placeholder(rest) {
            whole.push_str(before);
            match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => whole.push_str(value),
                None => whole.extend(["{", name, "}"]),
            }
            rest = after;
        }
        whole + rest
    }

    /// What a person reads about a failure of a device. While a link is used, a refused message means
    /// [`Self::ErrorLinkNotTrusted`] instead of [`Self::ErrorMessageRefused`], and while an answer is kept, no answer
    /// from the server means [`Self::ErrorUnreachableAnswerKept`]: only the caller knows which.
    pub fn for_error(error: &Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::for_problem(refusal.code()),
            Error::ServerRefused { .. } if error.is_temporary() => Self::ErrorServerBusy,
            Error::ServerRefused { code: AnyProblemCode::Known(code), .. } => Self::for_problem(*code),
            Error::ServerRefused { code: AnyProblemCode::Unknown(_), .. } => Self::ErrorServerRefused,
            Error::UnexpectedAnswer { .. } => Self::ErrorUnexpectedAnswer,
            Error::Unreachable(_) => Self::ErrorUnreachable,
            Error::Key(KeyError::NotConfirmed) => Self::ErrorNotConfirmed,
            Error::Key(KeyError::Invalidated) => Self::ErrorKeyInvalidated,
            Error::Key(KeyError::Unavailable) => Self::ErrorKeyUnavailable,
            Error::Vault(VaultError::Locked) => Self::ErrorVaultLocked,
            Error::Vault(VaultError::Unreadable) => Self::ErrorVaultUnreadable,
            Error::Store(StoreError::Newer) => Self::ErrorStoreNewer,
            Error::Store(StoreError::OtherVault) => Self::AccountRestoredStore,
            Error::Store(StoreError::Damaged(_)) => Self::ErrorStoreDamaged,
            Error::Store(StoreError::Unwritable(_)) => Self::ErrorStoreUnwritable,
            Error::UnknownAccount => Self::ErrorUnknownAccount,
            Error::UnknownChallenge => Self::ErrorUnknownRequest,
            Error::AccountEnded => Self::ErrorDeviceNotInUse,
            Error::QuestionChanged => Self::QuestionChanged,
            Error::NoCodes => Self::ErrorNoCodes,
            Error::PasswordNeeded => Self::LinkPasswordNeeded,
            Error::WrongPassword => Self::LinkWrongPassword,
            Error::ShortPassword => Self::ErrorShortPassword,
        }
    }

    /// What a person reads about a refusal with this code, of a server or of a device.
    pub const fn for_problem(code: ProblemCode) -> Self {
        match code {
            ProblemCode::Malformed
            | ProblemCode::UnknownClaim
            | ProblemCode::TooLarge
            | ProblemCode::WrongSize
            | ProblemCode::WrongAlgorithm
            | ProblemCode::WrongType
            | ProblemCode::BadSignature
            | ProblemCode::CannotOpen
            | ProblemCode::WrongDevice
            | ProblemCode::WrongAccount
            | ProblemCode::WrongChallenge
            | ProblemCode::FutureTime
            | ProblemCode::StaleTime => Self::ErrorMessageRefused,
            ProblemCode::WrongServer | ProblemCode::OldCertificate => Self::ErrorWrongServer,
            ProblemCode::AlreadyAnswered => Self::OutcomeAnsweredElsewhere,
            ProblemCode::Expired => Self::OutcomeExpired,
            ProblemCode::Cancelled => Self::OutcomeCancelled,
            ProblemCode::Unavailable
            | ProblemCode::Internal
            | ProblemCode::TooManyOpen
            | ProblemCode::TooManyWaits
            | ProblemCode::TooManyCreations
            | ProblemCode::TooManyEnrolments
            | ProblemCode::TooManyFailures => Self::ErrorServerBusy,
            ProblemCode::InvalidTicket => Self::ErrorLinkUsed,
            ProblemCode::RedeemedTwice => Self::AccountEndedRedeemedTwice,
            ProblemCode::AttestationRequired => Self::ErrorAttestationRequired,
            ProblemCode::DeviceNotInUse | ProblemCode::UnknownKey => Self::ErrorDeviceNotInUse,
            ProblemCode::NoDevice => Self::PageNoDevice,
            ProblemCode::NonceRequired | ProblemCode::Replayed | ProblemCode::Timeout => Self::ErrorOther,
            ProblemCode::NotFound
            | ProblemCode::WrongMethod
            | ProblemCode::Unauthorised
            | ProblemCode::GatewayNotConfigured
            | ProblemCode::TooManyRegistrations
            | ProblemCode::UnknownWebPushKey
            | ProblemCode::IdempotencyMismatch
            | ProblemCode::AlreadyClaimed
            | ProblemCode::NotApproved
            | ProblemCode::WrongNumber
            | ProblemCode::NotProposed
            | ProblemCode::AlreadyMoving
            | ProblemCode::MoveNotProven
            | ProblemCode::MoveNotNow
            | ProblemCode::Throttled
            | ProblemCode::Locked
            | ProblemCode::CodeNotAllowed => Self::ErrorServerRefused,
        }
    }
}

impl Sentence {
    /// What a person reads about a link for codes that is not taken. [`Self::told`] fills in what it names.
    pub const fn for_link_refusal(why: &LinkRefusal) -> Self {
        match why {
            LinkRefusal::NoLink => Self::LinkNone,
            LinkRefusal::TooLong => Self::LinkTooLong,
            LinkRefusal::NotAlone => Self::LinkNotAlone,
            LinkRefusal::BareKey => Self::LinkBareKey,
            LinkRefusal::EnrolmentLink => Self::LinkEnrolment,
            LinkRefusal::WebPage => Self::LinkWebPage,
            LinkRefusal::Passkey => Self::LinkPasskey,
            LinkRefusal::MobileOtp => Self::LinkMobileOtp,
            LinkRefusal::UnknownType => Self::LinkUnknownType,
            LinkRefusal::NoSecret => Self::LinkNoSecret,
            LinkRefusal::SecretCharacters => Self::LinkSecretCharacters,
            LinkRefusal::SecretTooLong => Self::LinkSecretTooLong,
            LinkRefusal::Md5 => Self::LinkOldAlgorithm,
            LinkRefusal::Algorithm => Self::LinkAlgorithm,
            LinkRefusal::Digits => Self::LinkDigits,
            LinkRefusal::Period => Self::LinkPeriod,
            LinkRefusal::Counter => Self::LinkCounter,
            LinkRefusal::Encoder => Self::LinkEncoder,
            LinkRefusal::Contradiction => Self::LinkContradiction,
            LinkRefusal::Garbled => Self::LinkGarbled,
            LinkRefusal::Batch => Self::LinkBatch,
            LinkRefusal::UnknownFile => Self::LinkUnknownFile,
            LinkRefusal::DamagedFile => Self::LinkDamagedFile,
            LinkRefusal::NewerFile => Self::LinkNewerFile,
            LinkRefusal::LargeFile => Self::LinkLargeFile,
            LinkRefusal::PasswordNeeded => Self::LinkPasswordNeeded,
            LinkRefusal::WrongPassword => Self::LinkWrongPassword,
            LinkRefusal::NoPassword => Self::LinkNoPassword,
            LinkRefusal::TooCostly => Self::LinkTooCostly,
            LinkRefusal::NoMemory => Self::LinkNoMemory,
            LinkRefusal::DamagedEntry => Self::LinkDamagedEntry,
            LinkRefusal::NoCode => Self::LinkNoCode,
            LinkRefusal::ThrownAway => Self::LinkThrownAway,
            LinkRefusal::OtherApp(_) => Self::LinkOtherApp,
            LinkRefusal::UnknownScheme(_) => Self::LinkUnknownScheme,
        }
    }

    /// The whole sentence about a link that is not taken.
    pub fn told(why: &LinkRefusal, language: Language) -> String {
        let values: Vec<(&str, &str)> = why.named().into_iter().collect();
        Self::for_link_refusal(why).with(language, &values)
    }

    /// What a person should know about codes that were taken.
    pub const fn for_warning(warning: Warning) -> Self {
        match warning {
            Warning::ShortSecret => Self::LinkShortSecret,
            Warning::UnevenSecret => Self::LinkUnevenSecret,
            Warning::CounterFromZero => Self::LinkCounterFromZero,
            Warning::TakenForSteam => Self::LinkTakenForSteam,
            Warning::OtherGroups => Self::LinkOtherGroups,
            Warning::NoteLeft => Self::LinkNoteLeft,
        }
    }

    /// What a person reads when a request ends like this.
    pub const fn for_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Approved => Self::OutcomeApproved,
            Outcome::Denied => Self::OutcomeDenied,
            Outcome::Reported => Self::OutcomeReported,
            Outcome::WrongNumber => Self::OutcomeWrongNumber,
            Outcome::AlreadyAnswered => Self::OutcomeAlreadyAnswered,
            Outcome::AnsweredByCode => Self::OutcomeAnsweredByCode,
            Outcome::Expired => Self::OutcomeExpired,
            Outcome::Cancelled => Self::OutcomeCancelled,
        }
    }

    /// The one question of the screen.
    pub const fn for_question(purpose: Option<Purpose>) -> Self {
        match purpose {
            None => Self::QuestionIsThisYou,
            Some(Purpose::Move) => Self::QuestionMove,
            Some(Purpose::Rehearsal) => Self::QuestionRehearsal,
        }
    }

    /// What a YES does, to be read below the question; none where it only signs in.
    pub const fn for_purpose(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Move => Self::QuestionMoveExplained,
            Purpose::Rehearsal => Self::QuestionRehearsalExplained,
        }
    }

    /// What a person reads about an account that is over on this phone.
    pub const fn for_end(reason: EndReason) -> Self {
        match reason {
            EndReason::Revoked => Self::AccountEndedRemoved,
            EndReason::Moved => Self::AccountEndedMoved,
            EndReason::RedeemedTwice => Self::AccountEndedRedeemedTwice,
            EndReason::WrongCode => Self::AccountEndedWrongCode,
            EndReason::Expired => Self::AccountEndedExpired,
        }
    }

    /// What a person reads about a question whose push did not get through.
    pub const fn for_push_failure(failure: PushFailure) -> Self {
        match failure {
            PushFailure::Unreachable => Self::AccountPushUnreachable,
            PushFailure::NotNow => Self::AccountPushNotNow,
            PushFailure::Refused => Self::AccountPushRefused,
            PushFailure::Gone => Self::AccountPushGone,
            PushFailure::WrongProject => Self::AccountPushWrongProject,
            PushFailure::Misconfigured => Self::AccountPushMisconfigured,
            PushFailure::Other => Self::AccountPushNone,
        }
    }
}

/// What stands before the next `{name}`, the name, and what follows.
fn next_placeholder(text: &str) -> Option<(&str, (&str, &str))> {
    let (before, inside) = text.split_once('{')?;
    Some((before, inside.split_once('}')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_or_a_locale_names_its_language() {
        for (tag, language) in [
            ("fr-CH", Some(Language::French)),
            ("fr_FR.UTF-8", Some(Language::French)),
            ("de", Some(Language::German)),
            ("de.UTF-8", Some(Language::German)),
            ("IT-it", Some(Language::Italian)),
            ("es_ES@euro", Some(Language::Spanish)),
            ("en-GB-oxendict", Some(Language::English)),
            ("C", None),
            ("C.UTF-8", None),
            ("POSIX", None),
            ("", None),
            ("-fr", None),
            ("pt-BR", None),
            ("frr", None),
            ("english", None),
        ] {
            assert_eq!(Language::from_tag(tag), language, "{tag:?}");
        }
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
    }

    #[test]
    fn values_take_the_places_of_their_names() {
        let (sentence, english) = (Sentence::AccountRemoveNamed, Language::English);
        let both = [("account", "maya@{organisation}"), ("organisation", "Harbour {account}")];
        assert_eq!(sentence.with(english, &both), "Remove Harbour {account}, maya@{organisation}");
        assert_eq!(sentence.with(Language::German, &both), "Harbour {account}, maya@{organisation} entfernen");
        assert_eq!(sentence.with(english, &both[..1]), "Remove {organisation}, maya@{organisation}");
        assert_eq!(Sentence::QuestionYes.with(Language::Spanish, &[("number", "7")]), "SÍ");
    }
}
