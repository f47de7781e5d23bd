//! A phone: the real core, with a vault in memory and a store in a temporary folder.

use crate::http::RelyingParty;
use countersign_desktop::ReqwestTransport;
use countersign_device::transport::Transport;
use countersign_device::vault::DesktopVault;
use countersign_device::{AccountState, Authenticator, Platform};
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::{Clock, SystemClock};
use std::sync::Arc;
use tempfile::TempDir;

/// A phone.
pub struct Phone {
    /// Its core.
    pub core: Authenticator,
    directory: TempDir,
    platform: Platform,
}

impl Phone {
    /// A phone on the system's clock.
    pub fn new() -> Self {
        Self::with(Arc::new(SystemClock), Arc::new(ReqwestTransport::new().unwrap()))
    }

    /// A phone on another clock or another network.
    pub fn with(clock: Arc<dyn Clock>, transport: Arc<dyn Transport>) -> Self {
        let randomness = Arc::new(SystemRandomness::new());
        let vault = Arc::new(DesktopVault::in_memory(&*randomness));
        let platform = Platform { vault, transport, clock, randomness, push: None };
        let directory = tempfile::tempdir().unwrap();
        let core = Authenticator::open(directory.path(), platform.clone()).unwrap();
        Self { core, directory, platform }
    }

    /// The process was killed and the app opened again.
    pub fn restart(self) -> Self {
        let Self { core, directory, platform } = self;
        drop(core);
        let core = Authenticator::open(directory.path(), platform.clone()).unwrap();
        Self { core, directory, platform }
    }

    /// Where its store is.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// What its platform brings.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Enrols for a user, and types the digits on the page.
    pub async fn enrol(&self, relying_party: &RelyingParty, user: &str) -> EnrolmentId {
        Self::enrol_on(&self.core, relying_party, user).await
    }

    /// The same for any core.
    pub async fn enrol_on(core: &Authenticator, relying_party: &RelyingParty, user: &str) -> EnrolmentId {
        let opened = relying_party.post(&format!("/v1/users/{user}/enrolments"), &serde_json::Value::Null).await;
        let link = opened.body["link"].as_str().unwrap_or_else(|| panic!("{opened:?}"));
        let account = core.enrol(link, "Test phone").await.unwrap();
        let AccountState::Proposed { confirmation_code } = &account.state else { panic!("{account:?}") };
        let path = format!("/v1/enrolments/{}/confirm", account.id);
        let confirmed = relying_party.post(&path, &serde_json::json!({ "code": confirmation_code })).await;
        assert_eq!(confirmed.body["state"], "confirmed", "{confirmed:?}");
        account.id
    }

    /// The only request that waits.
    pub fn only_prompt(&self) -> ChallengeId {
        let pending = self.core.pending().unwrap();
        assert_eq!(pending.len(), 1, "{pending:?}");
        pending[0].challenge.challenge_id
    }
}

impl Default for Phone {
    fn default() -> Self {
        Self::new()
    }
}
