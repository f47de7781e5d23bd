//! How a command ends when it has not done what was asked: an exit code and a sentence.

use crate::startup::StartupError;
use crate::store::StoreError;

/// Why a command ended without having done what was asked.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit_code: u8,
    /// What to tell the person.
    pub message: String,
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
