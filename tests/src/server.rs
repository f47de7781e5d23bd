//! A server in this process, on loopback.

use crate::clock::ManualClock;
use crate::http::RelyingParty;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::{Clock, SystemClock};
use countersign_server::runtime::backup::make::{self, Made, Server};
use countersign_server::runtime::backup::schedule::Scheduler;
use countersign_server::runtime::config::Config;
use countersign_server::runtime::restore::restoring::{self, Restored, Wish};
use countersign_server::runtime::serve::{self, Running};
use countersign_server::runtime::watch::Watch;
use countersign_server::runtime::{init, listener};
use countersign_server::service::wake::Wake;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// What a test changes in the configuration.
type Configure = dyn Fn(&mut Config) + Send + Sync;

/// A server in this process.
pub struct TestServer {
    running: Running,
    directory: Arc<TempDir>,
    clock: Arc<dyn Clock>,
    configure: Arc<Configure>,
    /// How it is configured.
    pub config: Config,
    /// Its address.
    pub url: String,
}

impl TestServer {
    /// A fresh server on the system's clock.
    pub async fn start() -> Self {
        Self::start_with(Arc::new(SystemClock), |_| ()).await
    }

    /// A fresh server on a clock that the test moves.
    pub async fn start_at(clock: &ManualClock) -> Self {
        Self::start_with(Arc::new(clock.clone()), |_| ()).await
    }

    /// A fresh server with a configuration of its own.
    pub async fn start_with(clock: Arc<dyn Clock>, configure: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        Self::open(Arc::new(tempfile::tempdir().unwrap()), clock, Arc::new(configure), "127.0.0.1:0").await
    }

    async fn open(directory: Arc<TempDir>, clock: Arc<dyn Clock>, configure: Arc<Configure>, listen: &str) -> Self {
        let mut config = Config::load(None, std::iter::empty()).unwrap();
        config.data_dir = directory.path().to_owned();
        config.push.webpush.allow_private = true;
        configure(&mut config);
        let listener = listener::bind(listen.parse().unwrap()).await.unwrap();
        let randomness = Arc::new(SystemRandomness::new());
        if !config.data_dir.join("server.id").exists() {
            init::make(&config, Arc::clone(&clock), randomness.clone()).await.unwrap();
        }
        let running =
            serve::start_with(&config, listener, Arc::clone(&clock), randomness, |router| router).await.unwrap();
        let url = format!("http://{}", running.address);
        Self { running, directory, clock, configure, config, url }
    }

    /// Stops the server and starts it again on the same data and port.
    pub async fn restart(self) -> Self {
        self.restart_after(|_| ()).await
    }

    /// As [`TestServer::restart`]; in between, something happens to the data.
    pub async fn restart_after(self, happens: impl FnOnce(&Path)) -> Self {
        let address = self.running.address.to_string();
        self.running.stop().await;
        happens(self.directory.path());
        // A start is a large future, which every caller's would hold.
        Box::pin(Self::open(self.directory, self.clock, self.configure, &address)).await
    }

    /// Makes a backup beside it, as `countersign admin backup` does.
    pub async fn back_up(&self, file: &Path) -> Made {
        let service = self.service();
        let (store, at_rest) = (&service.store, &service.keys.at_rest);
        let (data_dir, now) = (self.directory.path(), self.clock.now());
        let server = Server { store, at_rest, data_dir, randomness: &*service.randomness, now };
        make::make(server, file, None, Arc::new(|_, _, _| true)).await.unwrap()
    }

    /// Stops the server, loses its database, restores it as `countersign admin restore` does, and starts it where it
    /// was. What happens in between happens to the data folder.
    pub async fn restore(self, wish: &Wish, happens: impl FnOnce(&Path)) -> (Self, Restored) {
        let address = self.running.address.to_string();
        self.running.stop().await;
        let folder = self.directory.path();
        for name in ["countersign.db", "countersign.db-wal", "countersign.db-shm", "server.id"] {
            // The second and third are gone when the server was stopped.
            let _ = std::fs::remove_file(folder.join(name));
        }
        happens(folder);
        let (clock, randomness) = (Arc::clone(&self.clock), SystemRandomness::new());
        let restored =
            restoring::restore(&self.config, wish, clock, &randomness, Arc::new(|_, _, _| true)).await.unwrap();
        (Self::open(self.directory, self.clock, self.configure, &address).await, restored)
    }

    /// Reads again what may have changed beside it, as at SIGHUP.
    pub fn reload(&self) {
        self.running.reload();
    }

    /// Where its data is.
    pub fn data_dir(&self) -> &Path {
        self.directory.path()
    }

    /// Stops the server.
    pub async fn stop(self) {
        self.running.stop().await;
    }

    /// From here on it sends no pushes and tells no events, so that a test can.
    pub fn send_nothing(&self) {
        self.running.send_nothing();
    }

    /// Where its figures are, when they have an address of their own.
    pub fn metrics_url(&self) -> Option<String> {
        self.running.metrics_address.map(|address| format!("http://{address}/metrics"))
    }

    /// Its parts.
    pub fn service(&self) -> &Arc<countersign_server::service::Service> {
        &self.running.service
    }

    /// Waits until so many wait for something.
    pub async fn until_waiting(&self, count: impl Fn(&Wake) -> usize, at_least: usize) {
        while count(&self.service().wake) < at_least {
            tokio::task::yield_now().await;
        }
    }

    /// Where its database is.
    pub fn database(&self) -> PathBuf {
        countersign_server::runtime::data_folder::database(self.directory.path())
    }

    /// Its database, beside it.
    pub fn sqlite(&self) -> rusqlite::Connection {
        let database = rusqlite::Connection::open(self.database()).unwrap();
        database.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        database
    }

    /// What `countersign admin key rotate` does; the sequence of the new key.
    pub async fn rotate_signing_key(&self) -> u64 {
        let service = self.service();
        service.operator().rotate_signing_key(&service.keys.at_rest, self.directory.path()).await.unwrap()
    }

    /// The operator takes the root's key away; gives it, to be put back.
    pub fn take_root_away(&self) -> Vec<u8> {
        let path = self.directory.path().join("root.key");
        let root = std::fs::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        root
    }

    /// The operator puts the root's key back.
    pub fn put_root_back(&self, root: &[u8]) {
        let path = self.directory.path().join("root.key");
        std::fs::write(&path, root).unwrap();
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// Its scheduled backups, made when the test says so.
    pub fn scheduler(&self) -> Scheduler {
        Scheduler::new(Arc::clone(self.service()), &self.config)
    }

    /// A watch over it that looks when the test says so.
    pub fn watch(&self) -> Watch {
        Watch::new(Arc::clone(self.service()), self.directory.path().to_owned())
    }

    /// What `countersign admin key rotate-vapid` does; the new key.
    pub async fn rotate_vapid_key(&self) -> String {
        let service = self.service();
        service.operator().rotate_vapid_key(&service.keys.at_rest).await.unwrap()
    }

    /// A new relying party of an organisation, which is made when it is new.
    pub async fn relying_party(&self, organisation: &str, name: &str) -> RelyingParty {
        let operator = self.service().operator();
        operator.create_organisation(organisation).await.unwrap();
        let made = operator.create_relying_party(organisation, name).await.unwrap();
        let api_key = made.expect("the name is new").api_key;
        RelyingParty::new(&self.url, &api_key)
    }
}
