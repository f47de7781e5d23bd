//! The methods with which a challenge may be answered.

use super::refused::Refused;
use super::states::{CodeKind, SettledMethod};
use countersign_protocol::relying_party_api::{ChallengeState, Method};

/// How the person of a challenge in this state was authenticated (RFC 8176); empty unless approved.
pub const fn amr(state: ChallengeState, method: Option<SettledMethod>) -> &'static [&'static str] {
    match (state, method) {
        (ChallengeState::Approved | ChallengeState::Claimed, Some(SettledMethod::Code)) => &["otp"],
        // A password that is good once (otp). The registry has no word that tells it from a code of the minute.
        (ChallengeState::Approved | ChallengeState::Claimed, Some(SettledMethod::BackupCode)) => {
            &["otp", "backup_code"]
        }
        // A software key (swk) on a second channel (mca), and a person who tapped (user).
        (ChallengeState::Approved | ChallengeState::Claimed, _) => &["swk", "mca", "user"],
        _ => &[],
    }
}

/// A set of methods; in the form for relying parties, a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Methods {
    /// The phones are asked.
    pub push: bool,
    /// A one-time code is accepted.
    pub code: bool,
    /// A backup code is accepted.
    pub backup_code: bool,
}

impl Methods {
    /// Every method there is.
    pub const ALL: Self = Self { push: true, code: true, backup_code: true };
    /// No method.
    const NONE: Self = Self { push: false, code: false, backup_code: false };

    /// The methods that a relying party names; all when it names none.
    ///
    /// # Errors
    /// `malformed` for an empty list, and for one that names a method twice.
    pub fn asked(named: Option<&[Method]>) -> Result<Self, Refused> {
        let Some(named) = named else { return Ok(Self::ALL) };
        let mut methods = Self::NONE;
        let new = named.iter().all(|method| !std::mem::replace(methods.place(*method), true));
        if named.is_empty() || !new {
            let sentence = "methods is a list of push, code and backup_code, or some of them, each at most once.";
            return Err(Refused::malformed(sentence));
        }
        Ok(methods)
    }

    const fn place(&mut self, method: Method) -> &mut bool {
        match method {
            Method::Push => &mut self.push,
            Method::Code => &mut self.code,
            Method::BackupCode => &mut self.backup_code,
        }
    }

    /// Whether a code of this kind is accepted.
    pub const fn takes(self, kind: CodeKind) -> bool {
        match kind {
            CodeKind::Totp => self.code,
            CodeKind::BackupCodes => self.backup_code,
        }
    }

    /// The words under which the store keeps the set.
    pub fn words(self) -> String {
        self.list().iter().map(|method| method.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The set of these words.
    pub fn read(words: &str) -> Self {
        let mut methods = Self::NONE;
        for method in Method::ALL.into_iter().filter(|method| words.split(' ').any(|one| one == method.as_str())) {
            *methods.place(method) = true;
        }
        methods
    }

    /// What is in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            push: self.push && other.push,
            code: self.code && other.code,
            backup_code: self.backup_code && other.backup_code,
        }
    }

    /// True when nothing is in it.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The set as a list.
    pub fn list(mut self) -> Vec<Method> {
        Method::ALL.into_iter().filter(|method| *self.place(*method)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_survives_the_store_and_a_list_is_a_set() {
        for (named, words) in [
            (&[Method::Push][..], "push"),
            (&[Method::Code], "code"),
            (&[Method::BackupCode], "backup_code"),
            (&[Method::Push, Method::Code], "push code"),
            (&[Method::Code, Method::Push], "push code"),
            (&[Method::BackupCode, Method::Code, Method::Push], "push code backup_code"),
        ] {
            let methods = Methods::asked(Some(named)).unwrap();
            assert_eq!((methods.words().as_str(), Methods::read(words)), (words, methods));
        }
        assert_eq!(Methods::asked(None), Ok(Methods::ALL));
        assert_eq!(Methods::ALL.list(), Method::ALL);
        for named in [&[][..], &[Method::Push, Method::Push], &[Method::Code, Method::Push, Method::Code]] {
            assert!(matches!(Methods::asked(Some(named)), Err(Refused::Malformed(_))));
        }
    }
}
