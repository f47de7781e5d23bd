//! The codes of other services, as an app shows them: what was scanned, what is kept, and why something is not.

use crate::error::AuthenticatorError;
use crate::records::OneTimeCode;
use crate::sentences::Sentence;
use crate::worker;
use countersign_device::look_at_file;
use countersign_device::sentences::Sentence as Catalogue;
use countersign_protocol::code_file::MAX_FILE;
use countersign_protocol::otpauth;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// A code of another service that this device keeps.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ForeignCode {
    /// Names it on this device.
    pub id: String,
    /// The service, where its link names one.
    pub issuer: Option<String>,
    /// The account there; empty where the link names none.
    pub account: String,
    /// The code of this moment. None is one by counter, which serves once: `next_foreign_code` makes it.
    pub shown: Option<OneTimeCode>,
    /// The group in which the person keeps it.
    #[uniffi(default = None)]
    pub group: Option<String>,
}

/// How a code that is offered stands to those that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum CodeStanding {
    /// It is new.
    New,
    /// It is new, and another code is kept under the same names. Both are kept: say so.
    SameNames,
    /// It is kept already, and not kept twice.
    Known,
}

/// A code that a link offers.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OfferedCode {
    /// Names it on this device once it is kept.
    pub id: String,
    /// The service, where its link names one.
    pub issuer: Option<String>,
    /// The account there; empty where the link names none.
    pub account: String,
    /// True when each code serves once, and is counted.
    pub by_counter: bool,
    /// What the person should know of it.
    pub warnings: Vec<Sentence>,
    /// How it stands to those that are kept.
    pub standing: CodeStanding,
    /// The group in which the other app has it, and in which it is kept when it is new.
    #[uniffi(default = None)]
    pub group: Option<String>,
}

/// What is not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RefusedCode {
    /// Its names; empty where it has none, or is no link at all.
    pub name: String,
    /// The stable word of the reason, for a log.
    pub reason: String,
    /// What the person reads.
    pub sentence: Sentence,
    /// The values of the sentence's placeholders.
    pub values: HashMap<String, String>,
}

/// That an export came in several codes, of which this is one: ask for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct CodePart {
    /// Which, from 1.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}

/// What was found in what a person scanned or pasted.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FoundCodes {
    /// What is taken.
    pub codes: Vec<OfferedCode>,
    /// What is not, each with its reason.
    pub not_taken: Vec<RefusedCode>,
    /// That there are more to scan.
    pub part: Option<CodePart>,
}

/// A file of codes that was opened: an export of another app, or our own. It holds secrets in memory until it is let
/// go.
#[derive(uniffi::Object)]
pub struct CodeFile(pub(crate) otpauth::Found);

#[uniffi::export]
impl CodeFile {
    /// Opens the bytes of a file, with the password where it is encrypted. `PasswordNeeded` and `WrongPassword` ask for
    /// another try; everything else that is wrong with it is in the list that `preview_code_file` gives. It may take
    /// some seconds, on a thread of the library. The password is not kept.
    #[uniffi::constructor]
    pub async fn open(file: Vec<u8>, password: Option<String>) -> Result<Self, AuthenticatorError> {
        let password = password.map(Zeroizing::new);
        let open = async move { Ok(look_at_file(&file, password.as_deref().map(String::as_str))?) };
        worker::run(open).await.map(Self)
    }
}

/// The most bytes of a file that `CodeFile.open` reads. Whoever reads a file for it stops one byte after them: that
/// much it refuses as too large, with its sentence, whatever follows.
#[uniffi::export]
pub fn most_bytes_of_code_file() -> u64 {
    MAX_FILE as u64
}

impl From<countersign_device::ForeignCode> for ForeignCode {
    fn from(code: countersign_device::ForeignCode) -> Self {
        let countersign_device::ForeignCode { id, issuer, account, shown, group } = code;
        Self { id: id.to_string(), issuer, account, shown: shown.map(Into::into), group }
    }
}

impl From<countersign_device::Standing> for CodeStanding {
    fn from(standing: countersign_device::Standing) -> Self {
        match standing {
            countersign_device::Standing::New => Self::New,
            countersign_device::Standing::SameNames => Self::SameNames,
            countersign_device::Standing::Known => Self::Known,
        }
    }
}

impl From<countersign_device::OfferedCode> for OfferedCode {
    fn from(code: countersign_device::OfferedCode) -> Self {
        let warning = |warning: &otpauth::Warning| Catalogue::for_warning(*warning).into();
        Self {
            id: code.id.to_string(),
            issuer: code.issuer,
            account: code.account,
            by_counter: code.by_counter,
            warnings: code.warnings.iter().map(warning).collect(),
            standing: code.standing.into(),
            group: code.group,
        }
    }
}

impl From<otpauth::NotTaken> for RefusedCode {
    fn from(refused: otpauth::NotTaken) -> Self {
        let otpauth::NotTaken { name, why } = refused;
        Self {
            name,
            reason: why.code().into(),
            sentence: Catalogue::for_link_refusal(&why).into(),
            values: why.named().into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        }
    }
}

impl FoundCodes {
    /// What was found, with the standing of what is taken.
    pub(crate) fn of(offered: Vec<countersign_device::OfferedCode>, found: &otpauth::Found) -> Self {
        Self {
            codes: offered.into_iter().map(Into::into).collect(),
            not_taken: found.not_taken.iter().cloned().map(Into::into).collect(),
            part: found.part.map(|otpauth::Part { number, of }| CodePart { number, of }),
        }
    }
}
