//! What the demo remembers between runs, and the folder that is its own.

use crate::error::DemoError;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A file that marks a folder as the demo's own, so that beginning anew deletes nothing else.
pub(crate) const MARK: &str = "demo.json";

/// What the demo remembers between runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub api_key: String,
    /// The other site's; empty after a demo that had none.
    #[serde(default)]
    pub webmail_api_key: String,
    /// True once a phone has been confirmed.
    pub enrolled: bool,
}

/// Deletes an earlier demo, and nothing that is not one.
///
/// # Errors
/// [`DemoError::Folder`] for a folder that is not a demo's.
pub fn remove_earlier(data: &Path) -> Result<(), DemoError> {
    if !data.exists() {
        return Ok(());
    }
    let empty = std::fs::read_dir(data)?.next().is_none();
    if !empty && !data.join(MARK).exists() {
        let message =
            format!("{} is not a demo's folder (it holds no {MARK}); choose another with --data", data.display());
        return Err(DemoError::Folder(message));
    }
    Ok(std::fs::remove_dir_all(data)?)
}

/// Writes down what is to be remembered.
pub(crate) fn write_remembered(data: &Path, remembered: &Remembered) -> Result<(), DemoError> {
    let text = serde_json::to_string_pretty(remembered).map_err(|error| DemoError::System(error.to_string()))?;
    Ok(private_file::replace(&data.join(MARK), text.as_bytes())?)
}
