//! The parts that an app brings: a vault, a network and a clock.

use countersign_bindings::platform::{
    Clock, DeviceKey, HttpHeader, HttpRequest, HttpResponse, KeyError, KeyVault, Opens, Purpose, Transport,
    TransportError, VaultError,
};
use countersign_protocol::key::{SoftwareKey, sha256};
use countersign_protocol::time;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;

/// A vault in this process's memory.
pub struct Vault {
    seed: [u8; 32],
    /// Whether it makes hardware keys, and all that it made.
    hardware: bool,
    keys: Mutex<BTreeMap<String, Arc<Key>>>,
}

impl Vault {
    /// A phone without hardware for keys.
    pub fn of_software() -> Arc<Self> {
        Self::new(false)
    }

    /// A phone with hardware for keys.
    pub fn of_hardware() -> Arc<Self> {
        Self::new(true)
    }

    fn new(hardware: bool) -> Arc<Self> {
        let (_, seed) = SoftwareKey::generate().unwrap();
        Arc::new(Self { seed: sha256(&seed), hardware, keys: Mutex::default() })
    }

    /// The names of the keys in hardware.
    pub fn key_names(&self) -> Vec<String> {
        self.keys.lock().unwrap().keys().cloned().collect()
    }
}

#[async_trait::async_trait]
impl KeyVault for Vault {
    fn storage_key(&self, opens: Opens) -> Result<Vec<u8>, VaultError> {
        Ok(sha256(&[&self.seed[..], format!("{opens:?}").as_bytes()].concat()).to_vec())
    }

    async fn create(&self, name: String, purpose: Purpose, _: Option<Vec<u8>>) -> Result<bool, KeyError> {
        if self.hardware {
            let (key, _) = SoftwareKey::generate().unwrap();
            let asks = purpose == Purpose::Approval;
            self.keys.lock().unwrap().insert(name, Arc::new(Key { key, asks }));
        }
        Ok(self.hardware)
    }

    fn load(&self, name: String) -> Result<Arc<dyn DeviceKey>, KeyError> {
        let key = self.keys.lock().unwrap().get(&name).cloned();
        Ok(key.ok_or(KeyError::Invalidated)?)
    }

    fn destroy(&self, name: String) -> Result<(), VaultError> {
        self.keys.lock().unwrap().remove(&name);
        Ok(())
    }
}

/// A key that passes for hardware.
struct Key {
    key: SoftwareKey,
    asks: bool,
}

#[async_trait::async_trait]
impl DeviceKey for Key {
    fn public_key(&self) -> Result<Vec<u8>, KeyError> {
        Ok(self.key.public().as_uncompressed().to_vec())
    }

    fn asks_person(&self) -> Result<bool, KeyError> {
        Ok(self.asks)
    }

    fn attestation(&self) -> Result<Vec<Vec<u8>>, KeyError> {
        Ok(Vec::new())
    }

    async fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, KeyError> {
        Ok(self.key.sign_now(&message).unwrap().to_vec())
    }
}

/// No network. Keeps what it should have sent.
#[derive(Default)]
pub struct Unplugged(pub Mutex<Vec<HttpRequest>>);

#[async_trait::async_trait]
impl Transport for Unplugged {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.0.lock().unwrap().push(request);
        Err(TransportError::Unreachable { reason: "unplugged".into() })
    }
}

/// The network, over loopback. It gives header names in capitals, as some platforms do.
pub struct Network {
    client: reqwest::Client,
    /// Where its sockets live: the library's own thread has none.
    runtime: Handle,
}

impl Network {
    pub fn new(client: reqwest::Client) -> Arc<Self> {
        Arc::new(Self { client, runtime: Handle::current() })
    }
}

#[async_trait::async_trait]
impl Transport for Network {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let method = request.method.parse().unwrap();
        let mut sending = self.client.request(method, request.url).timeout(request.timeout).body(request.body);
        for HttpHeader { name, value } in request.headers {
            sending = sending.header(name, value);
        }
        self.runtime.spawn(respond(sending)).await.unwrap()
    }
}

async fn respond(sending: reqwest::RequestBuilder) -> Result<HttpResponse, TransportError> {
    let failed = |error: reqwest::Error| TransportError::Unreachable { reason: error.without_url().to_string() };
    let response = sending.send().await.map_err(failed)?;
    let header = |name: &str, value: &str| HttpHeader { name: name.to_uppercase(), value: value.to_owned() };
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| header(name.as_str(), value.to_str().unwrap())).collect();
    let status = response.status().as_u16();
    Ok(HttpResponse { status, headers, body: response.bytes().await.map_err(failed)?.to_vec() })
}

/// A clock of the core's kind, for an app.
pub struct AppClock<C>(pub C);

impl<C: time::Clock> Clock for AppClock<C> {
    fn now(&self) -> SystemTime {
        moment(self.0.now())
    }
}

/// The moment that a timestamp after the Unix epoch names.
pub fn moment(timestamp: time::Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(timestamp.millis().try_into().unwrap())
}
