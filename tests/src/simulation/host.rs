//! The real server in this process: opened, called, closed and opened again on the same files.

use super::Plan;
use super::generator::{Generator, SeededRandomness};
use super::limits;
use super::network::{Request, SERVER_URL};
use super::push_service::FickleGateway;
use crate::clock::SkewedClock;
use axum::Router;
use axum::body::{Body, to_bytes};
use countersign_device::transport::{HttpResponse, MAX_RESPONSE_LENGTH};
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::Clock;
use countersign_server::delivery::push::{Gateway, Sender};
use countersign_server::doors::routes;
use countersign_server::keys::backup_code_hash::HashCost;
use countersign_server::runtime::config::Config;
use countersign_server::runtime::watch::Watch;
use countersign_server::runtime::{init, open};
use countersign_server::service::Service;
use countersign_server::store::{Ages, PROOF_REMEMBERED, Place, Removed, Rules};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tower::ServiceExt;

async fn service(
    config: &Config,
    store: &(Place, Rules),
    clock: &SkewedClock,
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
    /// Its clock.
    pub clock: SkewedClock,
    randomness: Arc<dyn Randomness>,
    gateway: Arc<FickleGateway>,
    /// Its parts.
    pub app: Arc<Service>,
    router: Router,
    sender: Sender,
    watch: Watch,
}

impl Host {
    /// Opens a server in this folder.
    pub async fn open(
        plan: &Plan,
        directory: &Path,
        clock: SkewedClock,
        randomness: Generator,
        gateway: Arc<FickleGateway>,
    ) -> Self {
        let mut config = Config::load(None, std::iter::empty()).unwrap();
        config.data_dir = directory.to_owned();
        config.limits = limits::tight();
        config.hash_cost = HashCost { memory: 8, passes: 1 };
        let randomness: Arc<dyn Randomness> = Arc::new(SeededRandomness::new(randomness));
        let store = ((plan.engine.place)(directory), plan.rules);
        let of_host: Arc<dyn Clock> = Arc::new(clock.clone());
        init::make_in(&config, store.0.clone(), of_host, Arc::clone(&randomness)).await.unwrap();
        let app = service(&config, &store, &clock, &randomness).await;
        let router = routes::router(Arc::clone(&app));
        let sender = Sender::with_gateway(Arc::clone(&app), Arc::clone(&gateway) as Arc<dyn Gateway>);
        let watch = Watch::new(Arc::clone(&app), config.data_dir.clone());
        Self { config, store, clock, randomness, gateway, app, router, sender, watch }
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
        self.gateway.stall_at(stalls_at);
        tokio::select! {
            flushed = self.sender.flush() => flushed.unwrap(),
            () = self.gateway.stalled() => {}
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

    /// Looks at its clock and its certificate, as it does every few seconds.
    pub async fn look(&mut self) {
        self.watch.look().await;
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
        self.watch = Watch::new(Arc::clone(&self.app), self.config.data_dir.clone());
        self.look().await;
    }

    /// Where the files are.
    pub fn directory(&self) -> &Path {
        &self.config.data_dir
    }
}
