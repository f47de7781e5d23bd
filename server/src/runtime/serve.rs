//! Starting the server and stopping it.

use super::attestation::AttestationConfig;
use super::backup::schedule::Scheduler;
use super::config::Config;
use super::data_folder::{self, DataFolder};
use super::listener::{Places, Served};
use super::retention::pruner::Pruner;
use super::startup::StartupError;
use super::tls::Tls;
use super::upgrade::{self, Upgraded};
use super::watch::Watch;
use super::{file_limit, listener, open};
use crate::delivery::{push, webhook};
use crate::doors::routes;
use crate::service::Service;
use crate::store::recovery::Writer;
use axum::Router;
use countersign_protocol::randomness::{Randomness, SystemRandomness};
use countersign_protocol::time::{Clock, SystemClock};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server that listens.
pub struct Running {
    /// Its use cases, and what they work with.
    pub service: Arc<Service>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where the figures are, when they have an address of their own.
    pub metrics_address: Option<SocketAddr>,
    tls: Option<Tls>,
    attestation: AttestationConfig,
    listening: JoinHandle<()>,
    pushing: JoinHandle<()>,
    telling: JoinHandle<()>,
    /// What ends by itself once the server stops.
    ending: Vec<JoinHandle<()>>,
    _folder: DataFolder,
}

/// Opens everything and starts to serve on the system's clock and randomness. `more` adds routes of its own, which the
/// demo uses.
///
/// # Errors
/// [`StartupError`].
pub async fn start(
    config: &Config,
    listener: TcpListener,
    more: impl FnOnce(Router) -> Router,
) -> Result<Running, StartupError> {
    start_with(config, listener, Arc::new(SystemClock), Arc::new(SystemRandomness::new()), more).await
}

/// As [`start`], on the caller's clock and randomness.
///
/// # Errors
/// [`StartupError`].
pub async fn start_with(
    config: &Config,
    listener: TcpListener,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    more: impl FnOnce(Router) -> Router,
) -> Result<Running, StartupError> {
    let address = listener.local_addr().map_err(|error| StartupError::System(error.to_string()))?;
    let public_url = config.public_url_at(address)?;
    data_folder::server(&config.data_dir, &data_folder::place(&config.data_dir))?;
    let tls = config.tls.as_ref().map(|tls| Tls::open(tls, &public_url, clock.now())).transpose()?;
    let connections = file_limit::raise(&config.limits)?;
    let measured = config.metrics.reserve().await?;
    let mut folder = DataFolder::take(&config.data_dir)?;
    if let Some(Upgraded { step, copy, took }) = upgrade::bring_up_to_date(config, &*clock, &folder)? {
        tracing::info!(
            from = step.from, to = step.to, copy = %copy.display(), milliseconds = took.as_millis(),
            "the database of an earlier version was brought up to date; the copy is of before"
        );
    }
    let service = open::service(config, Writer::Server, public_url, clock, randomness).await?;
    for warning in config.attestation.warnings(&config.apps.apps()) {
        tracing::warn!("{warning}");
    }
    service.store.health.guard(folder.lock_file());
    let (sender, teller) = match senders(config, &service).await {
        Ok(senders) => senders,
        Err(error) => {
            // Closed in order, so that the database is left as it was found.
            service.store.close().await;
            return Err(error);
        }
    };
    let owner = format!("process {}, listening on {address}", std::process::id());
    if let Err(error) = folder.name_owner(&owner) {
        tracing::warn!(%error, "another server that is started on this data folder will not be told whose it is");
    }
    let mut watch = Watch::new(Arc::clone(&service), config.data_dir.clone());
    // Before anything is signed: a certificate that is over is renewed where that can be done.
    watch.look().await;
    let watching = tokio::spawn(watch.run());
    let pushing = tokio::spawn(sender.run());
    let telling = tokio::spawn(teller.run());
    let pruning = tokio::spawn(Pruner::new(Arc::clone(&service), config.retention.0).run());
    let backing_up = tokio::spawn(Scheduler::new(Arc::clone(&service), config).run());
    let router = more(routes::router(Arc::clone(&service)));
    let served = Served {
        router,
        places: Places::new(connections, config.limits.connections_per_address),
        proxies: Arc::new(config.proxies()),
        tls: tls.as_ref().map(Tls::acceptor),
        open: Arc::clone(&service.figures.connections),
    };
    let listening = tokio::spawn(listener::serve(listener, served, service.stopping.clone()));
    let metrics_address = measured.as_ref().map(|measured| measured.address);
    let measuring = measured.map(|measured| measured.serve(&service));
    let ending = [pruning, watching, backing_up].into_iter().chain(measuring).collect();
    let attestation = config.attestation.clone();
    Ok(Running {
        address,
        metrics_address,
        tls,
        attestation,
        listening,
        pushing,
        telling,
        ending,
        service,
        _folder: folder,
    })
}

/// What sends by itself. The folder is this process's alone, so whoever held a lease is gone.
async fn senders(config: &Config, service: &Arc<Service>) -> Result<(push::Sender, webhook::Sender), StartupError> {
    service.store.release_leases().await?;
    let pushes = push::Sender::new(&config.push, Arc::clone(service))?;
    Ok((pushes, webhook::Sender::new(&config.webhook, Arc::clone(service))?))
}

impl Running {
    /// Sends no pushes and tells no events from here on: for a test that sends them when it likes.
    #[doc(hidden)]
    pub fn send_nothing(&self) {
        self.pushing.abort();
        self.telling.abort();
    }

    /// Where it listens, as an address.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.address)
    }

    /// Reads again what may have changed beside a server that runs: certificate and key of TLS, and whom to believe
    /// about phones' keys. Connections go on.
    pub fn reload(&self) {
        match self.attestation.read(&self.service.settings.apps) {
            Ok(trust) => {
                tracing::info!(withdrawn = trust.revoked.len(), "the files of [attestation] were read again");
                self.service.attestation.replace(trust);
            }
            Err(error) => tracing::error!(
                %error, "the files of [attestation] were not read again; what they said before holds. Mend them, and \
                         send SIGHUP"
            ),
        }
        match &self.tls {
            Some(tls) => tls.reload(self.service.clock.now()),
            None => tracing::info!("asked to read the certificate of TLS again, and there is no [tls]; serving on"),
        }
    }

    /// Completes when the database is lost to this server: the folder was deleted or replaced, or another version has
    /// changed the database. Nothing is acknowledged from then on, and it remains to stop.
    pub async fn lost(&self) -> StartupError {
        self.service.store.health.lost().await.into()
    }

    /// Stops: no new requests, waiting ones answer at once, begun ones finish, and what was accepted is written.
    pub async fn stop(self) {
        self.service.stopping.cancel();
        // A task that panicked has said so; there is nothing left to wait for.
        let _ = self.listening.await;
        let _ = self.pushing.await;
        let _ = self.telling.await;
        for task in self.ending {
            let _ = task.await;
        }
        self.service.store.close().await;
    }
}

/// The system's requests to read again what may have changed (SIGHUP). From the making of this on, none of them ends
/// this process.
#[cfg(unix)]
pub struct Hangups(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Hangups {
    /// Listens from now on.
    pub fn listen() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok())
    }

    /// Completes at each.
    pub async fn next(&mut self) {
        let heard = match &mut self.0 {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if heard.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Elsewhere there are none.
#[cfg(not(unix))]
pub struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    /// Listens from now on.
    pub fn listen() -> Self {
        Self
    }

    /// Never completes.
    pub async fn next(&mut self) {
        std::future::pending().await
    }
}

/// Completes when the system asks this process to stop. Listens from the call on, not from the first `await`: a process
/// that is asked to stop while it starts is not cut.
#[cfg(unix)]
pub fn stop_signal() -> impl Future<Output = ()> + Send {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
            tracing::error!("the system's requests to stop cannot be heard; it will have to end this process");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// Completes when the person asks this process to stop.
#[cfg(not(unix))]
pub async fn stop_signal() {
    drop(tokio::signal::ctrl_c().await);
}
