//! The figures at an address of their own.

pub mod config;

use super::listener::{self, Places, Served, bind};
use super::startup::StartupError;
use crate::doors::routes;
use crate::service::Service;
use config::MetricsConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The most connections to them.
const CONNECTIONS: usize = 64;

/// The figures' own address, taken before anything else is begun.
pub struct Reserved {
    listener: TcpListener,
    /// Where it is, with the port that was given when none was named.
    pub address: SocketAddr,
}

impl MetricsConfig {
    /// Takes the address, when there is one.
    ///
    /// # Errors
    /// [`StartupError::Listen`], when it is taken or not allowed.
    pub(super) async fn reserve(&self) -> Result<Option<Reserved>, StartupError> {
        let Some(address) = self.listen else { return Ok(None) };
        let listener = bind(address).await?;
        let address = listener.local_addr().map_err(|error| StartupError::System(error.to_string()))?;
        Ok(Some(Reserved { listener, address }))
    }
}

impl Reserved {
    /// Serves the figures there until the server stops.
    pub(super) fn serve(self, service: &Arc<Service>) -> JoinHandle<()> {
        tracing::info!(address = %self.address, "the figures are at /metrics");
        let served = Served {
            router: routes::metrics_router(Arc::clone(service)),
            places: Places::new(CONNECTIONS, CONNECTIONS),
            proxies: Arc::default(),
            tls: None,
            open: Arc::default(),
        };
        tokio::spawn(listener::serve(self.listener, served, service.stopping.clone()))
    }
}
