//! Connections to one of Apple's networks: one is kept warm, more are opened while its streams are all taken.
//!
//! A reqwest client keeps one HTTP/2 connection to a host and sends every request on it. When the peer's
//! `SETTINGS_MAX_CONCURRENT_STREAMS` is reached, h2 queues the others inside that connection, and a second one is never
//! opened. So each connection here is a client of its own, and what it carries is counted.

use crate::delivery::SetupError;
use crate::domain::address_guard::AddressGuard;
use https_client::UnusableClient;
use reqwest::Client;
use rustls::RootCertStore;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The most streams on one connection: as many as h2 opens before it has heard the peer's own limit.
pub const MAX_STREAMS: usize = 100;
/// The most connections: together they carry more than the sender ever has in flight.
const MAX_CONNECTIONS: usize = 4;
/// How often a connection is asked whether it still lives.
const PING_INTERVAL: Duration = Duration::from_secs(60);
/// How long the answer to such a ping may take before the connection counts as dead.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// When a connection that was opened under load is closed again.
const SPARE_IDLE: Duration = Duration::from_secs(90);

/// The connections to one network.
pub struct Connections {
    clients: Vec<Client>,
    /// How many streams of each are taken.
    taken: Mutex<[usize; MAX_CONNECTIONS]>,
    places: Semaphore,
}

/// A stream on a connection, given back when it is dropped.
pub struct Place<'a> {
    connections: &'a Connections,
    number: usize,
    _permit: SemaphorePermit<'a>,
}

impl Connections {
    /// Connections that are opened when they are wanted.
    ///
    /// # Errors
    /// [`SetupError::System`], when no HTTPS client can be made.
    pub fn new(guard: AddressGuard, roots: &RootCertStore) -> Result<Self, SetupError> {
        let client = |number: usize| {
            let builder = https_client::with_timeouts(https_client::http2_builder(roots.clone())?)
                .dns_resolver(guard)
                .http2_keep_alive_interval(PING_INTERVAL)
                .http2_keep_alive_timeout(PING_TIMEOUT)
                .http2_keep_alive_while_idle(true)
                .pool_idle_timeout((number > 0).then_some(SPARE_IDLE));
            https_client::build(builder)
        };
        let clients = (0..MAX_CONNECTIONS).map(client).collect::<Result<_, UnusableClient>>()?;
        Ok(Self { clients, taken: Mutex::default(), places: Semaphore::new(MAX_CONNECTIONS * MAX_STREAMS) })
    }

    fn taken(&self) -> MutexGuard<'_, [usize; MAX_CONNECTIONS]> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream on the first connection that has one free, so that little traffic stays on the warm one. Waits while
    /// all are taken.
    pub async fn place(&self) -> Option<Place<'_>> {
        let permit = self.places.acquire().await.ok()?;
        let mut taken = self.taken();
        let number = taken.iter().position(|streams| *streams < MAX_STREAMS)?;
        taken[number] += 1;
        Some(Place { connections: self, number, _permit: permit })
    }
}

impl Place<'_> {
    /// The client whose connection this is.
    pub fn client(&self) -> &Client {
        &self.connections.clients[self.number]
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.connections.taken()[self.number] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_warm_connection_is_filled_first_and_every_place_comes_back() {
        let connections = Connections::new(AddressGuard { allow_private: false }, &RootCertStore::empty()).unwrap();
        let taken = || *connections.taken();
        let mut places = Vec::new();
        for _ in 0..=MAX_STREAMS {
            places.push(connections.place().await.unwrap());
        }
        assert_eq!(taken(), [MAX_STREAMS, 1, 0, 0]);
        drop(places.remove(0));
        places.push(connections.place().await.unwrap());
        assert_eq!(taken(), [MAX_STREAMS, 1, 0, 0]);
        while places.len() < MAX_CONNECTIONS * MAX_STREAMS {
            places.push(connections.place().await.unwrap());
        }
        assert_eq!(taken(), [MAX_STREAMS; MAX_CONNECTIONS]);
        assert_eq!(connections.places.available_permits(), 0);
        drop(places);
        assert_eq!(taken(), [0; MAX_CONNECTIONS]);
    }
}
