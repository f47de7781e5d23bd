//! What only the operator of the server can do.

use async_trait::async_trait;
use countersign_protocol::handle::AccountId;

/// What only the operator of the server can do, in a call of this process: nothing of it is in the HTTP API.
#[async_trait]
pub trait Operator: Send + Sync {
    /// A fresh API key of the relying party of this name in [`ORGANISATION`](crate::ORGANISATION); both are made when
    /// they are missing.
    ///
    /// # Errors
    /// The reason, for the log.
    async fn new_api_key(&self, relying_party: &str) -> Result<String, String>;

    /// Lets prompts to this person through again after a report.
    ///
    /// # Errors
    /// The reason, for the log.
    async fn resume_prompts(&self, user: AccountId) -> Result<(), String>;
}
