//! Whose thread does what: an app's own thread only waits.

use crate::app::{AppClock, Vault};
use countersign_bindings::platform::{
    Clock, DeviceKey, HttpRequest, HttpResponse, KeyError, KeyVault, Opens, Purpose, Transport, TransportError,
    VaultError,
};
use countersign_bindings::{Authenticator, AuthenticatorError};
use countersign_protocol::time::SystemClock;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::SystemTime;
use tokio::sync::Notify;

const LINK: &str = concat!(
    "https://login.example/enrol#t=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "&k=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
);

async fn open(directory: &Path, transport: Arc<dyn Transport>) -> Authenticator {
    let clock = Arc::new(AppClock(SystemClock));
    let directory = directory.to_str().unwrap().to_owned();
    Authenticator::open(directory, Vault::of_software(), transport, clock, None).await.unwrap()
}

/// Remembers on which threads an app's parts were called.
#[derive(Default)]
struct Watched(Mutex<BTreeSet<String>>, Mutex<Vec<ThreadId>>);

impl Watched {
    fn saw(&self, part: &str) {
        self.0.lock().unwrap().insert(part.to_owned());
        self.1.lock().unwrap().push(thread::current().id());
    }
}

/// A platform that remembers, and has no network.
struct WatchedPlatform(Arc<Watched>, Arc<Vault>);

#[async_trait::async_trait]
impl KeyVault for WatchedPlatform {
    fn storage_key(&self, opens: Opens) -> Result<Vec<u8>, VaultError> {
        self.0.saw("storage_key");
        self.1.storage_key(opens)
    }
    async fn create(&self, name: String, purpose: Purpose, challenge: Option<Vec<u8>>) -> Result<bool, KeyError> {
        self.0.saw("create");
        self.1.create(name, purpose, challenge).await
    }
    fn load(&self, name: String) -> Result<Arc<dyn DeviceKey>, KeyError> {
        self.0.saw("load");
        self.1.load(name)
    }
    fn destroy(&self, name: String) -> Result<(), VaultError> {
        self.0.saw("destroy");
        self.1.destroy(name)
    }
}

#[async_trait::async_trait]
impl Transport for WatchedPlatform {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.0.saw("send");
        Err(TransportError::Unreachable { reason: "unplugged".into() })
    }
}

impl Clock for WatchedPlatform {
    fn now(&self) -> SystemTime {
        self.0.saw("now");
        AppClock(SystemClock).now()
    }
}

#[tokio::test]
async fn no_part_of_an_app_is_called_on_the_thread_that_waits() {
    let (directory, watched) = (tempfile::tempdir().unwrap(), Arc::new(Watched::default()));
    let platform = Arc::new(WatchedPlatform(Arc::clone(&watched), Vault::of_hardware()));
    let path = directory.path().to_str().unwrap().to_owned();
    let app = Authenticator::open(path, platform.clone(), platform.clone(), platform, None).await.unwrap();
    app.enrol(LINK.into(), "Telephone".into()).await.unwrap_err();
    assert_eq!(*watched.0.lock().unwrap(), ["now", "send", "storage_key"].map(str::to_owned).into());
    assert!(!watched.1.lock().unwrap().contains(&thread::current().id()));
}

/// A network that never answers, and says when it is asked and when it is let go.
struct Silent {
    asked: Arc<Notify>,
    let_go: Arc<Notify>,
}

struct TellsItsEnd(Arc<Notify>);

impl Drop for TellsItsEnd {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[async_trait::async_trait]
impl Transport for Silent {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        let _ends = TellsItsEnd(Arc::clone(&self.let_go));
        self.asked.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_lets_the_network_go() {
    let directory = tempfile::tempdir().unwrap();
    let (asked, let_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let silent = Arc::new(Silent { asked: Arc::clone(&asked), let_go: Arc::clone(&let_go) });
    let app = open(directory.path(), silent).await;
    let mut enrolling = Box::pin(app.enrol(LINK.into(), "Telephone".into()));
    tokio::select! {
        _ = &mut enrolling => panic!("the network never answers"),
        () = asked.notified() => {}
    }
    drop(enrolling);
    let_go.notified().await;
    assert_eq!(app.accounts().await, Ok(vec![]), "the rest goes on");
}

#[tokio::test]
async fn an_object_that_is_dropped_holds_nothing_of_the_app() {
    let directory = tempfile::tempdir().unwrap();
    let asked = Arc::new(Notify::new());
    let silent = Arc::new(Silent { asked: Arc::clone(&asked), let_go: Arc::default() });
    let app = open(directory.path(), Arc::clone(&silent) as Arc<dyn Transport>).await;
    let held = Arc::strong_count(&silent);
    drop(app);
    assert_eq!((held, Arc::strong_count(&silent)), (2, 1), "nothing of the app's is held any more");
}

/// A network with a fault in it.
struct Faulty;

#[async_trait::async_trait]
impl Transport for Faulty {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        panic!("a fault")
    }
}

#[tokio::test]
async fn a_fault_is_an_error_and_the_next_call_works() {
    let directory = tempfile::tempdir().unwrap();
    let app = open(directory.path(), Arc::new(Faulty)).await;
    let failed = app.enrol(LINK.into(), "Telephone".into()).await.unwrap_err();
    assert_eq!(failed, AuthenticatorError::Internal { detail: "a fault in the library".into() });
    assert_eq!(app.accounts().await, Ok(vec![]));
}
