//! The accept loop: bounded connections, a deadline for headers, and a stop that finishes what has begun.

use super::http_message::{self, Guarded, Heads, MAX_HEAD_LENGTH};
use crate::domain::measure::Present;
use crate::doors::extract::Peer;
use axum::Router;
use axum::http::{HeaderValue, Request, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

/// How long a client may take to send its request's head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take for the handshake of TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How much hyper reads of a head that never ends, in bytes. Of one that ends, [`MAX_HEAD_LENGTH`] is the limit.
const MAX_BUFFER_LENGTH: usize = 2 * MAX_HEAD_LENGTH;
/// How long a stop waits for requests that have begun.
const GRACE: Duration = Duration::from_secs(20);
/// How long accepting rests when the system has no more file descriptors.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// What is served, and how.
pub struct Served {
    /// What answers.
    pub router: Router,
    /// The most connections at one time.
    pub connections: usize,
    /// TLS, where the server speaks it itself.
    pub tls: Option<TlsAcceptor>,
    /// Counts the connections.
    pub open: Arc<Present>,
}

/// Serves until `stopping`, then finishes the requests that have begun.
pub async fn serve(listener: TcpListener, served: Served, stopping: CancellationToken) {
    let places = Arc::new(Semaphore::new(served.connections));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stopping.cancelled() => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let (router, watcher, open) = (served.router.clone(), graceful.watcher(), Arc::clone(&served.open));
        match served.tls.clone() {
            None => drop(tokio::spawn(async move {
                let _one = open.enter();
                converse(stream, peer, router, watcher).await;
                drop(place);
            })),
            Some(tls) => {
                let stopping = stopping.clone();
                tokio::spawn(async move {
                    let _one = open.enter();
                    let stream = tokio::select! {
                        stream = shake_hands(&tls, stream) => stream,
                        () = stopping.cancelled() => None,
                    };
                    if let Some(stream) = stream {
                        converse(stream, peer, router, watcher).await;
                    }
                    drop(place);
                });
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end within {} seconds and were cut", GRACE.as_secs());
    }
}

/// The handshake of TLS, within its time.
async fn shake_hands(tls: &TlsAcceptor, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!("a handshake took too long");
            None
        }
    }
}

/// Answers the requests of one connection until it ends.
async fn converse<S>(stream: S, peer: Peer, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // HTTP/1.1 alone, under TLS too: the guard over heads reads no other.
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(MAX_BUFFER_LENGTH);
    let heads = Arc::new(Heads::default());
    let guarded = TokioIo::new(Guarded::new(stream, Arc::clone(&heads)));
    let service = service_fn(move |request| {
        let refused = heads.refuse(&request);
        answer(router.clone(), request, peer, refused)
    });
    let connection = builder.serve_connection(guarded, service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(error, "a connection ended early");
    }
}

/// Answers one request of this peer, if nothing of HTTP itself refuses it.
async fn answer(
    mut router: Router,
    mut request: Request<Incoming>,
    peer: Peer,
    refused: Option<Response>,
) -> Result<Response, Infallible> {
    if let Some(refused) = refused {
        return Ok(refused);
    }
    let ends_connection = http_message::ends_connection(&request);
    request.extensions_mut().insert(peer);
    let mut response = router.call(request).await?;
    if ends_connection {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            // Small answers must not wait for more to come.
            let _ = stream.set_nodelay(true);
            Some((stream, Peer(address.ip()), place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(EXHAUSTED_PAUSE).await;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_within_ten_seconds_is_cut() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", routing::get(async || "here"));
        let stopping = CancellationToken::new();
        let served = Served { router, connections: 10, tls: None, open: Arc::default() };
        tokio::spawn(serve(listener, served, stopping.clone()));
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n").await.unwrap();
        let (begun, mut answer) = (Instant::now(), Vec::new());
        connection.read_to_end(&mut answer).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), HEADER_TIMEOUT.as_secs(), "{}", String::from_utf8_lossy(&answer));
        assert!(!answer.windows(4).any(|window| window == b"here"));
        stopping.cancel();
    }
}
