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

    /// Whether a report has stopped the prompts to this person.
    ///
    /// # Errors
    /// The reason, for the log.
    async fn prompts_are_stopped(&self, user: AccountId) -> Result<bool, String>;

    /// Lifts the limits of prompts to this person: the unwanted ones so far count no more.
    ///
    /// # Errors
    /// The reason, for the log.
    async fn lift_limit(&self, user: AccountId) -> Result<(), String>;

    /// Ends the demo and begins it anew, with nothing of what it remembered.
    fn start_anew(&self);

    /// Lets prompts to this person through again after a report.
    ///
    /// # Errors
    /// The reason, for the log.
    async fn resume_prompts(&self, user: AccountId) -> Result<(), String>;
}
