//! What is held of an app while a call runs, and after. Whose thread does what is shown where an app's thread is: in
//! the tests of Kotlin and of Swift.

use crate::app::{AppClock, Vault};
use crate::border::LINK;
use countersign_bindings::platform::{HttpRequest, HttpResponse, Transport, TransportError};
use countersign_bindings::{Authenticator, AuthenticatorError};
use countersign_protocol::time::SystemClock;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;

async fn open(directory: &Path, transport: Arc<dyn Transport>) -> Authenticator {
    let clock = Arc::new(AppClock(SystemClock));
    let directory = directory.to_str().unwrap().to_owned();
    Authenticator::open(directory, Vault::of_software(), transport, clock, None).await.unwrap()
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
