//! A phone: the real core, with a vault in memory and a store in a temporary folder.

use crate::clock::ManualClock;
use crate::http::RelyingParty;
use async_trait::async_trait;
use countersign_desktop::ReqwestTransport;
use countersign_device::transport::{HttpRequest, HttpResponse, Transport, Unreachable};
use countersign_device::vault::DesktopVault;
use countersign_device::{Authenticator, Platform, PushRegistrar};
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::{Clock, SystemClock};
use std::sync::{Arc, Mutex};
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

    /// A phone on a clock that the test moves.
    pub fn at(clock: &ManualClock) -> Self {
        Self::with(Arc::new(clock.clone()), Arc::new(ReqwestTransport::new().unwrap()))
    }

    /// A phone on another clock or another network.
    pub fn with(clock: Arc<dyn Clock>, transport: Arc<dyn Transport>) -> Self {
        let randomness = Arc::new(SystemRandomness::new());
        let vault = Arc::new(DesktopVault::in_memory(&*randomness));
        Self::of(Platform { vault, transport, clock, randomness, push: None })
    }

    /// A phone that knows by itself where pushes reach it.
    pub fn reached_by(push: Arc<dyn PushRegistrar>, clock: &ManualClock) -> Self {
        let platform = Self::at(clock).platform;
        Self::of(Platform { push: Some(push), ..platform })
    }

    fn of(platform: Platform) -> Self {
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
        let account = core.enrol(&relying_party.link(user).await, "Test phone").await.unwrap();
        let confirmed = relying_party.confirm_account(&account).await;
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

/// What somebody on the network makes of an answer.
type Change = Box<dyn Fn(&HttpRequest, HttpResponse) -> HttpResponse + Send>;

/// A network on which somebody may change what comes.
pub struct Tampering {
    network: Arc<dyn Transport>,
    change: Mutex<Option<Change>>,
}

impl Tampering {
    /// A network on which nobody changes anything yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { network: Arc::new(ReqwestTransport::new().unwrap()), change: Mutex::default() })
    }

    /// What becomes of answers from now on.
    pub fn change(&self, change: impl Fn(&HttpRequest, HttpResponse) -> HttpResponse + Send + 'static) {
        *self.change.lock().unwrap() = Some(Box::new(change));
    }

    /// Answers come as they are sent from now on.
    pub fn leave(&self) {
        *self.change.lock().unwrap() = None;
    }
}

#[async_trait]
impl Transport for Tampering {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let response = self.network.send(request.clone()).await?;
        let change = self.change.lock().unwrap();
        Ok(match &*change {
            Some(change) => change(&request, response),
            None => response,
        })
    }
}
