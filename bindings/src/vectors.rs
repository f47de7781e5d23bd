//! The shared vectors, for suites in the languages of the apps. Not in a release.

use crate::error::AuthenticatorError;

/// What the check of this name (tests/vectors) gives for these inputs, both as JSON; a refusal is the error of its
/// code.
#[uniffi::export]
pub fn check_vector(check: &str, inputs: &str) -> Result<String, AuthenticatorError> {
    let malformed = |error: serde_json::Error| AuthenticatorError::internal(&error.to_string());
    let inputs = serde_json::from_str(inputs).map_err(malformed)?;
    Ok(countersign_vectors::run(check, &inputs)?.to_string())
}
