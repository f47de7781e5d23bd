//! The real server in this process: opened, called, closed and opened again on the same files.

use super::Plan;
use super::generator::{Generator, SeededRandomness};
use super::network::{Network, Packet, Request, SERVER_URL};
use crate::clock::ManualClock;
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use countersign_device::transport::{HttpResponse, MAX_RESPONSE_LENGTH};
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::randomness::Randomness;
use countersign_server::delivery::push::{Delivery, Gateway, Message, Sender};
use countersign_server::doors::routes;
use countersign_server::runtime::config::Config;
use countersign_server::runtime::open;
use countersign_server::service::Service;
use countersign_server::store::{Ages, PROOF_REMEMBERED, Place, Removed, Rules};
use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::Notify;
use tower::ServiceExt;

/// A push service in one of its moods each time; what it takes is on its way.
pub struct FickleGateway {
    network: Arc<Network>,
    moods: Mutex<Generator>,
    said: Mutex<BTreeMap<&'static str, u64>>,
    until_stall: Mutex<Option<usize>>,
    stalled: Notify,
}

impl FickleGateway {
    /// A push service on this network.
    pub fn new(network: Arc<Network>, moods: Generator) -> Self {
        Self {
            network,
            moods: Mutex::new(moods),
            said: Mutex::default(),
            until_stall: Mutex::default(),
            stalled: Notify::new(),
        }
    }

    /// True when this message gets no answer any more.
    fn stalls(&self) -> bool {
        let mut left = self.until_stall.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.and_then(|left| left.checked_sub(1));
        *left == Some(0)
    }

    /// How often it said what, since this was asked last.
    pub fn take_said(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Gateway for FickleGateway {
    async fn send(&self, registration: &PushRegistration, message: Message<'_>) -> Delivery {
        let PushRegistration::WebPush(subscription) = registration else { panic!("no phone of ours has another one") };
        let (mood, seconds) = {
            let mut moods = self.moods.lock().unwrap_or_else(PoisonError::into_inner);
            (moods.below(100), moods.between(0, 20))
        };
        // A retry may follow a message that was taken all the same.
        if mood < 85 {
            let envelope = message.envelope.as_bytes().to_vec();
            let endpoint = subscription.endpoint.trim_end_matches('/').to_owned();
            self.network.put(Packet::Push { endpoint, envelope });
        }
        if self.stalls() {
            self.stalled.notify_one();
            return std::future::pending().await;
        }
        let (word, delivery) = match mood {
            0..80 => ("pushes sent", Delivery::Sent),
            80..90 => {
                let after = (seconds < 10).then(|| Duration::from_secs(seconds));
                ("pushes put off", Delivery::RetryAfter(after, "busy".into()))
            }
            90..95 => ("pushes to nobody", Delivery::Gone(None)),
            _ => ("pushes failed", Delivery::Failed("refused".into())),
        };
        *self.said.lock().unwrap_or_else(PoisonError::into_inner).entry(word).or_default() += 1;
        delivery
    }
}

async fn service(
    config: &Config,
    store: &(Place, Rules),
    clock: &ManualClock,
    randomness: &Arc<dyn Randomness>,
) -> Arc<Service> {
    let (clock, randomness) = (Arc::new(clock.clone()), Arc::clone(randomness));
    open::service_over(config, store.clone(), SERVER_URL.into(), clock, randomness).await.unwrap()
}

const HOUR: Duration = Duration::from_secs(3600);

/// The server and its files.
pub struct Host {
    config: Config,
    store: (Place, Rules),
    clock: ManualClock,
    randomness: Arc<dyn Randomness>,
    gateway: Arc<FickleGateway>,
    /// Its parts.
    pub app: Arc<Service>,
    router: Router,
    sender: Sender,
}

impl Host {
    /// Opens a server in this folder.
    pub async fn open(
        plan: &Plan,
        directory: &Path,
        clock: ManualClock,
        randomness: Generator,
        gateway: Arc<FickleGateway>,
    ) -> Self {
        let mut config = Config::load(None, std::iter::empty()).unwrap();
        config.data_dir = directory.to_owned();
        let randomness: Arc<dyn Randomness> = Arc::new(SeededRandomness::new(randomness));
        let store = ((plan.engine.place)(directory), plan.rules);
        let app = service(&config, &store, &clock, &randomness).await;
        let router = routes::router(Arc::clone(&app));
        let sender = Sender::with_gateway(Arc::clone(&app), Arc::clone(&gateway) as Arc<dyn Gateway>);
        Self { config, store, clock, randomness, gateway, app, router, sender }
    }

    /// The answer to a request, once it is there.
    pub fn call(&self, request: &Request) -> impl Future<Output = HttpResponse> + Send + use<> {
        let mut builder = axum::http::Request::builder().method(request.method).uri(&request.target);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let answering = self.router.clone().oneshot(builder.body(Body::from(request.body.clone())).unwrap());
        async move {
            let response = answering.await.unwrap();
            let status = response.status().as_u16();
            let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
            let headers =
                response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
            let body = to_bytes(response.into_body(), MAX_RESPONSE_LENGTH).await.unwrap().to_vec();
            HttpResponse { status, headers, body }
        }
    }

    /// The caller goes away as soon as the server has begun.
    pub async fn call_and_leave(&self, request: &Request) {
        let mut call = pin!(self.call(request));
        std::future::poll_fn(move |context| {
            drop(call.as_mut().poll(context));
            Poll::Ready(())
        })
        .await;
    }

    /// Sends what is due. With `stalls_at`, the push service never answers this message, counted from one, and the
    /// server stops while it waits.
    pub async fn push(&self, stalls_at: Option<usize>) {
        *self.gateway.until_stall.lock().unwrap_or_else(PoisonError::into_inner) = stalls_at;
        tokio::select! {
            flushed = self.sender.flush() => flushed.unwrap(),
            () = self.gateway.stalled.notified() => {}
        }
    }

    /// Removes what is past its age, at ages so short that a world of a few hours has something to remove. Nobody in it
    /// may notice.
    pub async fn prune(&self) {
        let ages = Ages { proofs: PROOF_REMEMBERED, pushes: HOUR, links: HOUR, ..Ages::default() };
        for what in Removed::ALL {
            while self.app.store.remove_piece(what, &ages, self.app.now()).await.unwrap() >= what.piece() {}
        }
    }

    /// Ends: whoever waits hears at once, what was accepted is written.
    pub async fn close(&self) {
        self.app.stopping.cancel();
        self.app.store.close().await;
    }

    /// Opens everything again on the same files, after [`Host::close`].
    pub async fn reopen(&mut self) {
        self.app = service(&self.config, &self.store, &self.clock, &self.randomness).await;
        self.router = routes::router(Arc::clone(&self.app));
        let gateway = Arc::clone(&self.gateway) as Arc<dyn Gateway>;
        self.sender = Sender::with_gateway(Arc::clone(&self.app), gateway);
    }

    /// Where the files are.
    pub fn directory(&self) -> &Path {
        &self.config.data_dir
    }
}
