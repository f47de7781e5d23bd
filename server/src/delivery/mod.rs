//! What leaves the server by itself: pushes to phones, and events to relying parties.

mod outbox;
pub mod outgoing;
pub mod push;
pub mod webhook;

use https_client::{UnreadableRoot, UnusableClient};

/// Why a way out of the server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configuration is wrong; the text names the setting.
    #[error("configuration: {0}")]
    Configuration(String),
    /// The system does not give what is needed.
    #[error("{0}")]
    System(String),
}

impl From<UnusableClient> for SetupError {
    fn from(error: UnusableClient) -> Self {
        Self::System(error.to_string())
    }
}

impl From<UnreadableRoot> for SetupError {
    fn from(error: UnreadableRoot) -> Self {
        Self::Configuration(error.to_string())
    }
}
