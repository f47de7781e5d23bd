//! The accept loop: bounded connections, a deadline for headers, and a stop that finishes what has begun.

mod places;

pub use places::Places;

use super::http_message::{self, Guarded, Heads, MAX_HEAD_LENGTH};
use super::startup::StartupError;
use crate::domain::measure::Present;
use crate::doors::extract::{Peer, Place as _, Placed};
use crate::doors::forwarded::Proxies;
use axum::Router;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use places::Place;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

/// How long a client may take to send its request's head, and before that for the handshake of TLS.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take where it has one of the last places.
const RESERVED_TIMEOUT: Duration = Duration::from_secs(3);
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
    /// The places that connections take.
    pub places: Arc<Places>,
    /// The operator's proxies.
    pub proxies: Arc<Proxies>,
    /// TLS, where the server speaks it itself.
    pub tls: Option<TlsAcceptor>,
    /// Counts the connections.
    pub open: Arc<Present>,
}

/// Binds, and says in plain words why not.
///
/// # Errors
/// [`StartupError::Listen`].
pub async fn bind(address: SocketAddr) -> Result<TcpListener, StartupError> {
    TcpListener::bind(address).await.map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program listens there; stop it or choose another port".to_owned(),
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need permission; choose another port".to_owned(),
            _ => error.to_string(),
        };
        StartupError::Listen { address: address.to_string(), reason }
    })
}

/// Serves until `stopping`, then finishes the requests that have begun.
pub async fn serve(listener: TcpListener, served: Served, stopping: CancellationToken) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &served) => accepted,
            () = stopping.cancelled() => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let connection = Connection {
            router: served.router.clone(),
            proxies: Arc::clone(&served.proxies),
            peer,
            place: Arc::new(place),
        };
        let watcher = graceful.watcher();
        let open = Arc::clone(&served.open);
        match served.tls.clone() {
            None => drop(tokio::spawn(async move {
                let _one = open.enter();
                connection.converse(stream, watcher).await;
            })),
            Some(tls) => {
                let stopping = stopping.clone();
                tokio::spawn(async move {
                    let _one = open.enter();
                    let stream = tokio::select! {
                        stream = shake_hands(&tls, stream, connection.patience()) => stream,
                        () = connection.place.dropped() => None,
                        () = stopping.cancelled() => None,
                    };
                    if let Some(stream) = stream {
                        connection.converse(stream, watcher).await;
                    }
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
async fn shake_hands(tls: &TlsAcceptor, stream: TcpStream, patience: Duration) -> Option<TlsStream<TcpStream>> {
    match tokio::time::timeout(patience, tls.accept(stream)).await {
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

/// A connection, and what its requests are answered with.
struct Connection {
    router: Router,
    proxies: Arc<Proxies>,
    peer: IpAddr,
    place: Arc<Place>,
}

impl Connection {
    /// How long it may take to say what it wants: less where it has one of the last places.
    fn patience(&self) -> Duration {
        if self.place.is_reserved() { RESERVED_TIMEOUT } else { HEADER_TIMEOUT }
    }

    /// Answers its requests until it ends, or has to make place.
    async fn converse<S>(self, stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // HTTP/1.1 alone, under TLS too: the guard over heads reads no other.
        let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
        builder.http1().timer(TokioTimer::new()).header_read_timeout(self.patience()).max_buf_size(MAX_BUFFER_LENGTH);
        let heads = Arc::new(Heads::default());
        let guarded = TokioIo::new(Guarded::new(stream, Arc::clone(&heads)));
        let place = Arc::clone(&self.place);
        let connection = Arc::new(self);
        let service = service_fn(move |request| {
            let refused = heads.refuse(&request);
            let connection = Arc::clone(&connection);
            async move { connection.answer(request, refused).await }
        });
        let serving = watcher.watch(builder.serve_connection(guarded, service).into_owned());
        tokio::select! {
            ended = serving => if let Err(error) = ended {
                tracing::debug!(error, "a connection ended early");
            },
            () = place.dropped() => tracing::debug!("an idle connection made place"),
        }
    }

    /// Answers one request, if nothing of HTTP itself refuses it.
    async fn answer(&self, mut request: Request<Incoming>, refused: Option<Response>) -> Result<Response, Infallible> {
        let close = HeaderValue::from_static("close");
        if let Some(refused) = refused {
            return Ok(refused);
        }
        if !self.place.begin() {
            return Ok((StatusCode::SERVICE_UNAVAILABLE, [(header::CONNECTION, close)]).into_response());
        }
        let busy = Busy(&self.place);
        let ends_connection = http_message::ends_connection(&request);
        let caller = self.proxies.caller(self.peer, request.headers());
        request.extensions_mut().insert(Peer(caller));
        request.extensions_mut().insert(Placed(Arc::clone(&self.place) as _));
        let mut response = self.router.clone().call(request).await?;
        if ends_connection {
            response.headers_mut().insert(header::CONNECTION, close);
        }
        drop(busy);
        Ok(response)
    }
}

/// A place on which a request is answered; idle again when that is over, also when the request is given up.
struct Busy<'a>(&'a Place);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The next connection, with its place.
async fn accept(listener: &TcpListener, served: &Served) -> Option<(TcpStream, IpAddr, Place)> {
    let (stream, address) = match listener.accept().await {
        Ok(accepted) => accepted,
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(EXHAUSTED_PAUSE).await;
            return None;
        }
    };
    let address = address.ip().to_canonical();
    let exempt = address.is_loopback() || served.proxies.trust(address);
    let place = served.places.take(address, exempt).await?;
    // Small answers must not wait for more to come.
    let _ = stream.set_nodelay(true);
    Some((stream, address, place))
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
        let places = Places::new(10, 10);
        let served = Served { router, places, proxies: Arc::default(), tls: None, open: Arc::default() };
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
