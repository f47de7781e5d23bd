//! What needs no server: opening, refusing, and saying which of them it was.

use crate::app::{AppClock, Unplugged, Vault};
use countersign_bindings::platform::{
    DeviceKey, HttpHeader, HttpRequest, HttpResponse, KeyError, KeyVault, Opens, Purpose, Transport, TransportError,
    VaultError,
};
use countersign_bindings::{ApnsEnvironment, Authenticator, AuthenticatorError, PushRegistration};
use countersign_protocol::device_api;
use countersign_protocol::time::SystemClock;
use std::path::Path;
use std::sync::Arc;

pub const LINK: &str = concat!(
    "https://login.example/enrol#t=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "&k=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
);

async fn open(
    directory: &Path,
    vault: Arc<dyn KeyVault>,
    transport: Arc<dyn Transport>,
) -> Result<Authenticator, AuthenticatorError> {
    let clock = Arc::new(AppClock(SystemClock));
    Authenticator::open(directory.to_str().unwrap().into(), vault, transport, clock, None).await
}

fn code_of<T>(result: Result<T, AuthenticatorError>) -> String {
    result.err().map_or("done".into(), |error| error.code().into())
}

#[tokio::test]
async fn a_new_store_is_empty_and_opens_again() {
    let (directory, vault) = (tempfile::tempdir().unwrap(), Vault::of_software());
    let inner = directory.path().join("made when missing");
    for _ in 0..2 {
        let authenticator = open(&inner, vault.clone(), Arc::new(Unplugged::default())).await.unwrap();
        assert_eq!(authenticator.accounts().await, Ok(vec![]));
        assert_eq!(authenticator.pending().await, Ok(vec![]));
        assert_eq!(authenticator.history(10).await, Ok(vec![]));
    }
    let first = open(&inner, vault.clone(), Arc::new(Unplugged::default())).await.unwrap();
    let second = open(&inner, vault, Arc::new(Unplugged::default())).await.unwrap();
    assert_eq!(first.accounts().await, second.accounts().await, "two at the same time can both read");
}

#[tokio::test]
async fn without_a_network_nothing_is_enrolled() {
    let (directory, network) = (tempfile::tempdir().unwrap(), Arc::new(Unplugged::default()));
    let vault = Vault::of_hardware();
    let authenticator = open(directory.path(), vault.clone(), network.clone()).await.unwrap();
    // A telephone that its person gave no name has one all the same.
    let refused = authenticator.enrol(LINK.into(), " ".into()).await.unwrap_err();
    assert_eq!(refused, AuthenticatorError::Unreachable { detail: "the server cannot be reached: unplugged".into() });
    assert_eq!((authenticator.accounts().await, vault.key_names()), (Ok(vec![]), vec![]));
    let [HttpRequest { method, url, headers, body, timeout, max_response_length }] =
        network.0.lock().unwrap().clone().try_into().unwrap();
    assert_eq!((method.as_str(), body.len(), timeout.as_secs(), max_response_length), ("GET", 0, 20, 262_144));
    assert!(url.starts_with("https://login.example/.well-known/countersign?nonce="), "{url}");
    assert_eq!(headers, [HttpHeader { name: "accept".into(), value: "application/json".into() }]);
}

#[tokio::test]
async fn an_id_is_checked_for_its_form_and_then_looked_up() {
    let directory = tempfile::tempdir().unwrap();
    let authenticator = open(directory.path(), Vault::of_software(), Arc::new(Unplugged::default())).await.unwrap();
    for (id, of_account, of_challenge) in
        [("no id", "malformed", "malformed"), ("AAAAAAAAAAAAAAAAAAAAAA", "unknown_account", "unknown_challenge")]
    {
        assert_eq!(code_of(authenticator.pull(id.into(), 0).await), of_account);
        assert_eq!(code_of(authenticator.devices(id.into()).await), of_account);
        assert_eq!(code_of(authenticator.remove(id.into()).await), of_account);
        assert_eq!(code_of(authenticator.forget(id.into()).await), of_account);
        let fcm = vec![PushRegistration::Fcm { token: String::new() }];
        assert_eq!(code_of(authenticator.register_push(id.into(), fcm).await), of_account);
        assert_eq!(code_of(authenticator.approve(id.into(), None).await), of_challenge);
        assert_eq!(code_of(authenticator.deny(id.into()).await), of_challenge);
    }
}

#[test]
fn a_device_token_of_apple_is_registered_as_the_app_gave_it() {
    let (token, topic) = ("0a".repeat(32), Some("com.example.app".to_owned()));
    for (environment, named) in [(ApnsEnvironment::Production, "production"), (ApnsEnvironment::Sandbox, "sandbox")] {
        let registration = PushRegistration::Apns { token: token.clone(), environment, topic: topic.clone() };
        let sent = serde_json::to_value(device_api::PushRegistration::from(registration)).unwrap();
        let wanted = serde_json::json!({ "gateway": "apns", "token": token, "environment": named, "topic": topic });
        assert_eq!(sent, wanted);
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_written_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let opened = open(&file.join("store"), Vault::of_software(), Arc::new(Unplugged::default())).await;
    assert_eq!(code_of(opened), "store_unwritable");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "in the way");
}

/// A vault that fails in one way.
struct Broken(Result<Vec<u8>, VaultError>);

#[async_trait::async_trait]
impl KeyVault for Broken {
    fn storage_key(&self, _: Opens) -> Result<Vec<u8>, VaultError> {
        self.0.clone()
    }
    async fn create(&self, _: String, _: Purpose, _: Option<Vec<u8>>) -> Result<bool, KeyError> {
        Err(KeyError::Unavailable)
    }
    fn load(&self, _: String) -> Result<Arc<dyn DeviceKey>, KeyError> {
        Err(KeyError::Unavailable)
    }
    fn destroy(&self, _: String) -> Result<(), VaultError> {
        Err(VaultError::Locked)
    }
}

#[tokio::test]
async fn a_vault_that_gives_no_key_opens_no_store() {
    let directory = tempfile::tempdir().unwrap();
    for (gives, code) in [
        (Err(VaultError::Locked), "vault_locked"),
        (Err(VaultError::Unreadable), "vault_unreadable"),
        (Ok(vec![7; 31]), "vault_unreadable"),
        (Ok(vec![7; 33]), "vault_unreadable"),
        (Ok(vec![7; 32]), "done"),
    ] {
        let opened = open(directory.path(), Arc::new(Broken(gives.clone())), Arc::new(Unplugged::default())).await;
        assert_eq!(code_of(opened), code, "{gives:?}");
    }
}

/// A network whose answers never end.
struct Endless;

#[async_trait::async_trait]
impl Transport for Endless {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let body = vec![b' '; request.max_response_length as usize + 1];
        Ok(HttpResponse { status: 200, headers: vec![], body })
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_no_answer() {
    let directory = tempfile::tempdir().unwrap();
    let authenticator = open(directory.path(), Vault::of_software(), Arc::new(Endless)).await.unwrap();
    assert_eq!(code_of(authenticator.enrol(LINK.into(), "Telephone".into()).await), "unreachable");
}

/// A failure that an app's own code does not declare reaches the core as one that it can handle, without its text.
#[test]
fn an_undeclared_failure_of_the_app_becomes_a_declared_one() {
    let thrown = || uniffi::UnexpectedUniFFICallbackError::new("java.lang.IllegalStateException: secret");
    assert_eq!(VaultError::from(thrown()), VaultError::Unreadable);
    assert_eq!(KeyError::from(thrown()), KeyError::Unavailable);
    let unreachable = TransportError::from(thrown());
    assert!(!unreachable.to_string().contains("secret"), "{unreachable}");
}
