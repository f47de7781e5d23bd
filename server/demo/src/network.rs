//! What connects a phone of the demo: its way to the server, which a switch cuts, and the port where its pushes arrive.

use super::said::Said;
use super::trace::{Party, Step, Trace, decision_said, read_jws};
use crate::error::DemoError;
use async_trait::async_trait;
use axum::Router;
use countersign_desktop::ReqwestTransport;
use countersign_device::PushRegistrar;
use countersign_device::transport::{HttpRequest, HttpResponse, Transport, Unreachable};
use countersign_protocol::Refusal;
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::randomness::{Randomness, SystemRandomness};
use countersign_protocol::webpush::{Receiver, Subscription};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The way to the server, with the decision and its answer written down for the panel.
pub(super) struct Network {
    inner: ReqwestTransport,
    trace: Trace,
    phone: u8,
    online: watch::Sender<bool>,
}

impl Network {
    pub fn new(phone: u8, trace: Trace) -> Result<Self, DemoError> {
        Ok(Self { inner: ReqwestTransport::new()?, trace, phone, online: watch::Sender::new(true) })
    }

    pub fn is_online(&self) -> bool {
        *self.online.borrow()
    }

    pub fn set_online(&self, online: bool) {
        self.online.send_replace(online);
    }

    /// Returns once the phone is online.
    pub async fn until_online(&self) {
        let mut online = self.online.subscribe();
        // It cannot be closed while `self` is there.
        drop(online.wait_for(|online| *online).await);
    }
}

async fn until_offline(mut online: watch::Receiver<bool>) {
    drop(online.wait_for(|online| !online).await);
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let offline = || Unreachable { reason: "this phone is offline".into() };
        if !self.is_online() {
            return Err(offline());
        }
        let decision = request.url.ends_with("/decision").then(|| String::from_utf8_lossy(&request.body).into_owned());
        if let Some(compact) = &decision {
            let way = (Party::Phone(self.phone), Party::Server);
            self.trace.add(
                Step::Decide,
                way,
                (decision_said(compact), "POST /v1/device/challenges/…/decision"),
                read_jws(compact),
            );
        }
        let response = tokio::select! {
            response = self.inner.send(request) => response?,
            () = until_offline(self.online.subscribe()) => return Err(offline()),
        };
        if decision.is_some() {
            let answer = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
            let settled = (200..300).contains(&response.status);
            let said = Said::of_demo(if settled { "demo_sent_settled" } else { "demo_sent_unsettled" });
            let way = (Party::Server, Party::Phone(self.phone));
            self.trace.add(Step::Settle, way, (said, format!("HTTP {}", response.status)), answer);
        }
        Ok(response)
    }
}

/// Where pushes arrive: a port of its own, as a push service's would be, and an address that nobody can guess.
struct Listening {
    endpoint: String,
    task: JoinHandle<()>,
}

/// The phone's subscription to pushes.
pub(super) struct Pushes {
    receiver: Receiver,
    listening: Mutex<Option<Listening>>,
}

impl Pushes {
    pub fn new() -> Self {
        Self { receiver: Receiver::generate(&SystemRandomness::new()), listening: Mutex::default() }
    }

    fn listening(&self) -> MutexGuard<'_, Option<Listening>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn are_on(&self) -> bool {
        self.listening().is_some()
    }

    pub fn decrypt(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.receiver.decrypt(body)
    }

    /// The subscription, made with this key of the server; none while pushes are off.
    pub fn registrations(&self, webpush_public_key: Option<String>) -> Vec<PushRegistration> {
        let endpoint = self.listening().as_ref().map(|listening| listening.endpoint.clone());
        let subscription = endpoint.map(|endpoint| Subscription {
            application_server_key: webpush_public_key,
            ..self.receiver.subscription(endpoint)
        });
        subscription.map(PushRegistration::WebPush).into_iter().collect()
    }

    /// Opens the port; `router` makes the handler of this path.
    pub async fn listen(&self, router: impl FnOnce(&str) -> Router) -> Result<(), DemoError> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut token = [0; 16];
        SystemRandomness::new().fill(&mut token);
        let path = format!("/push/{}", BASE64URL_NOPAD.encode(&token));
        let task = tokio::spawn(receive(listener, router(&path)));
        *self.listening() = Some(Listening { endpoint: format!("http://{address}{path}"), task });
        Ok(())
    }

    /// Closes the port, and waits until it is closed.
    pub async fn close(&self) {
        let listening = self.listening().take();
        if let Some(Listening { task, .. }) = listening {
            task.abort();
            let _ = task.await;
        }
    }
}

#[async_trait]
impl PushRegistrar for Pushes {
    async fn registrations(
        &self,
        _account: EnrolmentId,
        _rejected: bool,
        webpush_public_key: Option<String>,
    ) -> Vec<PushRegistration> {
        Self::registrations(self, webpush_public_key)
    }
}

async fn receive(listener: TcpListener, router: Router) {
    if let Err(error) = axum::serve(listener, router).await {
        tracing::warn!(%error, "a phone of the demo receives no more pushes");
    }
}
