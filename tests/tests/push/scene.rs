//! What the tests of pushes start from: the three networks, and a server that is configured for them.

use countersign_protocol::apns::{AppleDevice, Environment};
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::handle::EnrolmentId;
use countersign_server::delivery::push::config::{ApnsConfig, FcmConfig, PushConfig};
use countersign_server::runtime::config::Config;
use countersign_tests::apns::{Options, Provider, Simulator};
use countersign_tests::clock::ManualClock;
use countersign_tests::fcm::Fcm;
use countersign_tests::http::RelyingParty;
use countersign_tests::phone::Phone;
use countersign_tests::push_service::PushService;
use countersign_tests::server::TestServer;
use countersign_tests::tls::Authority;
use std::path::{Path, PathBuf};
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

/// `[push.fcm]` for a simulator whose files are written into this folder.
pub fn fcm_config(fcm: &Fcm, folder: &Path) -> FcmConfig {
    let (service_account, root) = fcm.write_files(folder);
    FcmConfig {
        service_account,
        base_url: fcm.url().to_owned(),
        token_url: None,
        extra_roots: vec![root],
        allow_private: true,
    }
}

/// A server that pushes through all networks, a person, and the clock of all.
pub struct Scene {
    /// The time of all.
    pub clock: ManualClock,
    /// Apple's network.
    pub apns: Simulator,
    /// Google's.
    pub fcm: Fcm,
    /// A Web Push service.
    pub web: PushService,
    /// The server.
    pub server: TestServer,
    /// The relying party.
    pub site: RelyingParty,
    /// The person.
    pub user: String,
    /// Where Google's files are.
    pub folder: TempDir,
    _apples_files: Files,
    config: Arc<Mutex<PushConfig>>,
}

/// A row of the queue.
#[derive(Debug)]
pub struct Outcome {
    /// What became of it.
    pub state: String,
    /// Why.
    pub reason: String,
    /// When it is tried again.
    pub due_at: i64,
}

impl Scene {
    /// A fresh one.
    pub async fn new() -> Self {
        let (clock, files, folder) = (ManualClock::new(), Files::new(), tempfile::tempdir().unwrap());
        let (apns, fcm) = (simulator(&clock).await, Fcm::start(Arc::new(clock.clone())).await);
        let mut config = PushConfig::default();
        config.webpush.allow_private = true;
        config.apns = files.config(&apns.url, &apns.url);
        config.fcm = Some(fcm_config(&fcm, folder.path()));
        let config = Arc::new(Mutex::new(config));
        let next = Arc::clone(&config);
        let configure = move |all: &mut Config| all.push = next.lock().unwrap().clone();
        let begun = countersign_tests::scene::Scene::at(clock, configure).await;
        let countersign_tests::scene::Scene { clock, server, site, user } = begun;
        Self {
            clock,
            apns,
            fcm,
            web: PushService::start().await,
            server,
            site,
            user,
            folder,
            _apples_files: files,
            config,
        }
    }

    /// The server stops, and starts again with something changed in `[push]`.
    pub async fn restart_with(self, change: impl FnOnce(&mut PushConfig)) -> Self {
        change(&mut self.config.lock().unwrap());
        Self { server: self.server.restart().await, ..self }
    }

    /// A phone that is reached at these places.
    pub async fn registered(&self, registrations: &[PushRegistration]) -> (Phone, EnrolmentId) {
        let phone = Phone::at(&self.clock);
        let id = phone.enrol(&self.site, &self.user).await;
        phone.core.register_push(id, registrations).await.unwrap();
        (phone, id)
    }

    /// A phone on which the app is installed with Google's library, and its registration token.
    pub async fn android(&self) -> (Phone, EnrolmentId, String) {
        let token = self.fcm.install();
        let (phone, id) = self.registered(&[PushRegistration::Fcm { token: token.clone() }]).await;
        (phone, id, token)
    }

    /// What became of the latest push, once it has been tried this often.
    pub async fn outcome(&self, attempts: u32) -> Outcome {
        let sql = "SELECT state, coalesce(reason, ''), due_at, attempts FROM push ORDER BY row_id DESC LIMIT 1";
        let database = self.server.sqlite();
        loop {
            let (outcome, tried) = database
                .query_row(sql, [], |row| {
                    let outcome = Outcome { state: row.get(0)?, reason: row.get(1)?, due_at: row.get(2)? };
                    Ok((outcome, row.get::<_, u32>(3)?))
                })
                .unwrap();
            if tried >= attempts {
                return outcome;
            }
            tokio::task::yield_now().await;
        }
    }
}
