//! The methods with which a challenge may be answered.

use crate::problem::Problem;
use crate::store::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One way to answer a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The account's phones are asked, and one says YES or NO.
    Push,
    /// The person types a one-time code on the page.
    Code,
}

/// How the person of a challenge in this state was authenticated (RFC 8176); empty unless approved.
pub const fn amr(state: State, by_code: bool) -> &'static [&'static str] {
    match (state, by_code) {
        (State::Approved | State::Claimed, true) => &["otp"],
        // A software key (swk) on a second channel (mca), and a person who tapped (user).
        (State::Approved | State::Claimed, false) => &["swk", "mca", "user"],
        _ => &[],
    }
}

/// A set of methods; in the form for relying parties, a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Methods {
    /// The phones are asked.
    pub push: bool,
    /// A code is accepted.
    pub code: bool,
}

impl Methods {
    /// Every method there is.
    pub const ALL: Self = Self { push: true, code: true };

    /// The methods that a relying party names; all when it names none.
    ///
    /// # Errors
    /// `malformed` for an empty list, and for one that names a method twice.
    pub fn asked(named: Option<&[Method]>) -> Result<Self, Problem> {
        let Some(named) = named else { return Ok(Self::ALL) };
        let times = |method| named.iter().filter(|one| **one == method).count();
        let (push, code) = (times(Method::Push), times(Method::Code));
        if named.is_empty() || push > 1 || code > 1 {
            return Err(Problem::Malformed("methods is a list of push, code or both, each at most once.".into()));
        }
        Ok(Self { push: push == 1, code: code == 1 })
    }

    /// The words under which the store keeps the set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self { push: true, code: true } => "push code",
            Self { push: true, code: false } => "push",
            Self { push: false, code: true } => "code",
            Self { push: false, code: false } => "",
        }
    }

    /// The set of these words.
    pub fn read(words: &str) -> Self {
        let has = |word| words.split(' ').any(|one| one == word);
        Self { push: has("push"), code: has("code") }
    }

    /// What is in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { push: self.push && other.push, code: self.code && other.code }
    }

    /// The set as a list.
    pub fn list(self) -> Vec<Method> {
        let all = [(self.push, Method::Push), (self.code, Method::Code)];
        all.into_iter().filter_map(|(allowed, method)| allowed.then_some(method)).collect()
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
            (&[Method::Push, Method::Code], "push code"),
            (&[Method::Code, Method::Push], "push code"),
        ] {
            let methods = Methods::asked(Some(named)).unwrap();
            assert_eq!((methods.as_str(), Methods::read(words)), (words, methods));
        }
        assert_eq!(Methods::asked(None), Ok(Methods::ALL));
        for named in [&[][..], &[Method::Push, Method::Push], &[Method::Code, Method::Push, Method::Code]] {
            assert_eq!(Methods::asked(Some(named)).unwrap_err().code().as_str(), "malformed");
        }
    }
}
