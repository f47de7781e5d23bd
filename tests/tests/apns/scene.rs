//! What the tests of APNs start from: the network, a server that is configured for it, and pushes.

use countersign_protocol::apns::{AppleDevice, Environment};
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::handle::EnrolmentId;
use countersign_server::delivery::push::config::ApnsConfig;
use countersign_server::runtime::config::Config;
use countersign_tests::apns::{Options, Provider, Simulator};
use countersign_tests::clock::ManualClock;
use countersign_tests::http::RelyingParty;
use countersign_tests::phone::Phone;
use countersign_tests::server::TestServer;
use countersign_tests::tls::Authority;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};
use tempfile::TempDir;

/// A device token.
pub const TOKEN: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

/// One certificate authority and one key for all tests: they hold no state.
static AUTHORITY: LazyLock<Arc<Authority>> = LazyLock::new(|| Arc::new(Authority::new()));
static PROVIDER: LazyLock<Arc<Provider>> = LazyLock::new(|| Arc::new(Provider::new()));

/// Who vouches for the network.
pub fn authority() -> Arc<Authority> {
    Arc::clone(&AUTHORITY)
}

/// Who pushes.
pub fn provider() -> Arc<Provider> {
    Arc::clone(&PROVIDER)
}

/// A registration of this device token for the app that the server is configured for.
pub fn device(token: &str, environment: Environment) -> PushRegistration {
    PushRegistration::Apns(AppleDevice { token: token.into(), environment, topic: None })
}

/// The registration of [`TOKEN`].
pub fn registration() -> PushRegistration {
    device(TOKEN, Environment::Production)
}

/// The files that a configuration names.
pub struct Files(TempDir);

impl Files {
    /// Written into a folder of their own.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        provider().write(folder.path());
        authority().write(folder.path());
        Self(folder)
    }

    /// Where the key is.
    pub fn key(&self) -> PathBuf {
        self.0.path().join(format!("AuthKey_{}.p8", provider().key_id))
    }

    /// Where the certificate authority is.
    pub fn root(&self) -> PathBuf {
        self.0.path().join("authority.pem")
    }

    /// `[push.apns]` for networks at these addresses.
    pub fn config(&self, production: &str, sandbox: &str) -> ApnsConfig {
        ApnsConfig {
            key_file: Some(self.key()),
            key_id: Some(provider().key_id.clone()),
            team_id: Some(provider().team_id.clone()),
            topic: Some(provider().topics[0].clone()),
            base_url: production.into(),
            sandbox_base_url: sandbox.into(),
            extra_roots: vec![self.root()],
            allow_private: true,
        }
    }
}

/// A network on a clock that the test moves.
pub async fn simulator(clock: &ManualClock) -> Simulator {
    Simulator::start(options(clock)).await
}

/// How such a network is set up.
pub fn options(clock: &ManualClock) -> Options {
    Options { clock: Arc::new(clock.clone()), ..Options::new(provider(), authority()) }
}

/// A server that pushes through one network, and a person's account on it.
pub struct Scene {
    /// The time of all.
    pub clock: ManualClock,
    /// The network.
    pub apns: Simulator,
    /// The server.
    pub server: TestServer,
    /// The relying party.
    pub site: RelyingParty,
    /// The person.
    pub user: String,
    config: Arc<Mutex<ApnsConfig>>,
}

impl Scene {
    /// A fresh one.
    pub async fn new() -> Self {
        let clock = ManualClock::new();
        let apns = simulator(&clock).await;
        let files = Files::new();
        let config = Arc::new(Mutex::new(files.config(&apns.url, &apns.url)));
        let next = Arc::clone(&config);
        let change = move |all: &mut Config| all.push.apns = next.lock().unwrap().clone();
        let server = TestServer::start_with(Arc::new(clock.clone()), change).await;
        let site = server.relying_party("Meridian", "Customer area").await;
        let user = site.user("maya").await;
        Self { clock, apns, server, site, user, config }
    }

    /// The server stops, and starts again with another `[push.apns]`.
    pub async fn restart_with(self, config: ApnsConfig) -> Self {
        *self.config.lock().unwrap() = config;
        Self { server: self.server.restart().await, ..self }
    }

    /// A phone on the clock of all.
    pub fn phone(&self) -> Phone {
        Phone::with(Arc::new(self.clock.clone()), Phone::new().platform().transport.clone())
    }

    /// An enrolled phone that registered this way.
    pub async fn registered(&self, registration: &PushRegistration) -> (Phone, EnrolmentId) {
        let phone = self.phone();
        let id = phone.enrol(&self.site, &self.user).await;
        phone.core.register_push(id, std::slice::from_ref(registration)).await.unwrap();
        (phone, id)
    }
}
