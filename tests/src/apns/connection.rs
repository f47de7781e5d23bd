//! The network's side of a connection: TLS with HTTP/2 and nothing else.

use super::{Behaviour, Refusal, Taken, World, request};
use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{Request, Response};
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What a push does to the connection that it came on. Its stream stays as it is until the connection has ended.
enum Ending {
    GoAway,
    GoAwayUnanswered(SendResponse<Bytes>),
    Cut(SendResponse<Bytes>),
}

/// Serves until it is dropped, and every connection with it.
pub async fn accept_all(listener: TcpListener, world: Arc<World>) {
    let acceptor = TlsAcceptor::from(world.options.authority.server(&[b"h2"]));
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        connections.spawn(serve(stream, acceptor.clone(), Arc::clone(&world)));
        while connections.try_join_next().is_some() {}
    }
}

/// One connection among those that are open.
struct Open<'a>(&'a World);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, world: Arc<World>) {
    // Who does not speak TLS, or not HTTP/2, hears nothing more.
    let Ok(stream) = acceptor.accept(stream).await else { return };
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return;
    }
    let mut builder = server::Builder::new();
    builder.max_concurrent_streams(world.options.max_streams);
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
    let number = world.opened.fetch_add(1, Ordering::SeqCst) + 1;
    world.open.fetch_add(1, Ordering::SeqCst);
    let _open = Open(&world);
    let (end, mut ending) = mpsc::unbounded_channel();
    let (mut streams, mut unanswered) = (JoinSet::new(), Vec::new());
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    streams.spawn(answer(Arc::clone(&world), number, request, respond, end.clone()));
                }
                Some(Err(_)) | None => return,
            },
            Some(ending) = ending.recv() => match ending {
                Ending::GoAway => connection.graceful_shutdown(),
                Ending::GoAwayUnanswered(respond) => {
                    unanswered.push(respond);
                    connection.abrupt_shutdown(Reason::NO_ERROR);
                }
                Ending::Cut(_respond) => return,
            },
        }
    }
}

async fn answer(
    world: Arc<World>,
    connection: usize,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
    end: mpsc::UnboundedSender<Ending>,
) {
    let Some((parts, payload)) = read(request).await else { return };
    if !world.options.delay.is_zero() {
        tokio::time::sleep(world.options.delay).await;
    }
    let id = parts.headers.get("apns-id").cloned();
    let (event, behaviour) = match request::check(&world, parts, payload, connection) {
        Err(refusal) => (Err(refusal.clone()), Behaviour::Refuse(refusal)),
        Ok(taken) => {
            let behaviour = behaviour(&world, &taken.device);
            let status = match &behaviour {
                Behaviour::Accept | Behaviour::GoAway => Some(200),
                Behaviour::Refuse(refusal) => Some(refusal.status),
                _ => None,
            };
            (Ok(Taken { status, ..taken }), behaviour)
        }
    };
    // The test may have ended.
    let _ = world.events.send(event);
    let mut held = world.held.subscribe();
    let _ = held.wait_for(|held| !held).await;
    let builder = id.into_iter().fold(Response::builder(), |builder, id| builder.header("apns-id", id));
    act(behaviour, builder, respond, &end);
}

async fn read(request: Request<RecvStream>) -> Option<(Parts, Vec<u8>)> {
    let (parts, mut body) = request.into_parts();
    let mut payload = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.ok()?;
        payload.extend_from_slice(&chunk);
        body.flow_control().release_capacity(chunk.len()).ok()?;
    }
    Some((parts, payload))
}

fn behaviour(world: &World, device: &str) -> Behaviour {
    let mut script = world.script.lock().unwrap();
    if let Some(next) = script.next.pop_front() {
        return next;
    }
    script.of_device.get(device).cloned().unwrap_or(Behaviour::Accept)
}

fn act(
    behaviour: Behaviour,
    builder: axum::http::response::Builder,
    mut respond: SendResponse<Bytes>,
    end: &mpsc::UnboundedSender<Ending>,
) {
    // Whoever asked may have left.
    let accept = |mut respond: SendResponse<Bytes>, builder: axum::http::response::Builder| {
        drop(respond.send_response(builder.status(200).body(()).unwrap(), true));
    };
    match behaviour {
        Behaviour::Accept => accept(respond, builder),
        Behaviour::GoAway => {
            drop(end.send(Ending::GoAway));
            accept(respond, builder);
        }
        Behaviour::Refuse(refusal) => refuse(&refusal, builder, respond),
        Behaviour::Reset => respond.send_reset(Reason::INTERNAL_ERROR),
        Behaviour::RefuseStream => respond.send_reset(Reason::REFUSED_STREAM),
        Behaviour::GoAwayUnanswered => drop(end.send(Ending::GoAwayUnanswered(respond))),
        Behaviour::Cut => drop(end.send(Ending::Cut(respond))),
    }
}

fn refuse(refusal: &Refusal, mut builder: axum::http::response::Builder, mut respond: SendResponse<Bytes>) {
    if let Some(after) = &refusal.retry_after {
        builder = builder.header("retry-after", after);
    }
    let response = builder.status(refusal.status).body(()).unwrap();
    if let Ok(mut body) = respond.send_response(response, false) {
        drop(body.send_data(refusal.body().into(), true));
    }
}
