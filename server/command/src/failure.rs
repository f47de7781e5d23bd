//! How a command ends when it has not done what was asked: an exit code and a sentence.

use countersign_demo::DemoError;
use countersign_desktop::Unusable;
use countersign_protocol::ProblemCode;
use countersign_server::delivery::SetupError;
use countersign_server::delivery::push::check::CheckError;
use countersign_server::domain::refused::Refused;
use countersign_server::doors::problem::Problem;
use countersign_server::keys::KeysError;
use countersign_server::runtime::startup::StartupError;
use countersign_server::store::StoreError;
use https_client::{UnreadableRoot, UnusableClient};

/// Why a command ended without having done what was asked.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit_code: u8,
    /// What to tell the person.
    pub message: String,
}

impl Failure {
    /// The stable word for programs: the code of the problem, with which what a use case says of itself ends, or else
    /// the class of the exit code.
    pub fn code(&self) -> &'static str {
        let last = self.message.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
        if let Some(code) = last.and_then(|(_, word)| word.parse::<ProblemCode>().ok()) {
            return code.as_str();
        }
        match self.exit_code {
            2 => "usage",
            3 => "refused",
            4 => "unreachable",
            5 => "unavailable",
            _ => "internal",
        }
    }

    /// What is wrong, without the code at its end.
    pub fn detail(&self) -> &str {
        let end = format!(" ({})", self.code());
        self.message.strip_suffix(end.as_str()).unwrap_or(&self.message)
    }
}

impl From<StartupError> for Failure {
    fn from(error: StartupError) -> Self {
        Self { exit_code: error.exit_code(), message: error.to_string() }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self { exit_code: 1, message: error.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        StartupError::Store(error).into()
    }
}

impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Self {
        StartupError::Keys(error).into()
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        StartupError::from(error).into()
    }
}

impl From<UnusableClient> for Failure {
    fn from(error: UnusableClient) -> Self {
        SetupError::from(error).into()
    }
}

impl From<UnreadableRoot> for Failure {
    fn from(error: UnreadableRoot) -> Self {
        SetupError::from(error).into()
    }
}

impl From<Unusable> for Failure {
    fn from(error: Unusable) -> Self {
        Self { exit_code: 5, message: error.to_string() }
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        let exit_code = match error {
            DemoError::Folder(_) => 2,
            DemoError::Phone(_) => 5,
            DemoError::System(_) => 1,
        };
        Self { exit_code, message: error.to_string() }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let exit_code = match refused {
            Refused::Malformed(_) => 2,
            Refused::StoreUnavailable => 5,
            Refused::Internal => 1,
            _ => 3,
        };
        Self { exit_code, message: Problem::Refused(refused).to_string() }
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::NoRegistration => Self { exit_code: 3, message: error.to_string() },
            CheckError::Unreadable(_) | CheckError::Refused(_) => Self { exit_code: 1, message: error.to_string() },
            CheckError::Setup(error) => error.into(),
            CheckError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_told_the_code_of_a_problem_or_the_class_of_the_end() {
        let told = |failure: Failure| (failure.code(), failure.detail().to_owned());
        let not_found = Failure::from(Refused::NotFound("user"));
        assert_eq!(told(not_found).0, "not_found");
        for (exit_code, code) in [(1, "internal"), (2, "usage"), (3, "refused"), (4, "unreachable"), (5, "unavailable")]
        {
            let message = "this is not (quite) so (really)";
            assert_eq!(told(Failure { exit_code, message: message.into() }), (code, message.to_owned()));
        }
        let with_code = Failure { exit_code: 3, message: "there is no such user (not_found)".into() };
        assert_eq!(told(with_code), ("not_found", "there is no such user".to_owned()));
    }
}
