//! The network between phones and one server: clear, down, cut after so many bytes, or with something on it that
//! answers in the server's place.

use crate::gateway::answer_with;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// It goes through.
    Clear,
    /// It ends at once.
    Down,
    /// It ends once so many bytes went through it, both ways together.
    CutAfter(usize),
    /// Its one request is answered with these bytes, and the server hears nothing of it.
    Answers(Arc<[u8]>),
}

/// How things are now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Now {
    behaviour: Behaviour,
    /// Where the server listens; none while it is stopped.
    server: Option<SocketAddr>,
}

/// A network that listens in the server's place. A change ends every connection that is open.
pub struct Network {
    now: watch::Sender<Now>,
    listening: JoinHandle<()>,
    /// Its address, which stays the same whatever becomes of the server.
    pub url: String,
}

impl Network {
    /// On a free port, with no server behind it yet.
    pub async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let now = watch::Sender::new(Now { behaviour: Behaviour::Clear, server: None });
        let listening = tokio::spawn(accept_all(listener, now.clone()));
        Self { now, listening, url }
    }

    /// What becomes of connections from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.now.send_modify(|now| now.behaviour = behaviour);
    }

    /// Where the server is from now on.
    pub fn lead_to(&self, server: Option<SocketAddr>) {
        self.now.send_modify(|now| now.server = server);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn accept_all(listener: TcpListener, now: watch::Sender<Now>) {
    loop {
        let (phone, _) = listener.accept().await.unwrap();
        let mut changes = now.subscribe();
        tokio::spawn(async move {
            let Now { behaviour, server } = changes.borrow_and_update().clone();
            tokio::select! {
                () = connect(phone, server, behaviour) => {}
                _ = changes.changed() => {}
            }
        });
    }
}

async fn connect(phone: TcpStream, server: Option<SocketAddr>, behaviour: Behaviour) {
    let most = match behaviour {
        Behaviour::Clear => usize::MAX,
        Behaviour::Down => return,
        Behaviour::CutAfter(bytes) => bytes,
        Behaviour::Answers(bytes) => return answer_with(phone, &bytes).await,
    };
    let Some(server) = server else { return };
    let Ok(server) = TcpStream::connect(server).await else { return };
    let left = Arc::new(AtomicUsize::new(most));
    let ((from_phone, to_phone), (from_server, to_server)) = (phone.into_split(), server.into_split());
    // Whichever ends first ends the connection.
    tokio::select! {
        () = pump(from_phone, to_server, &left) => {}
        () = pump(from_server, to_phone, &left) => {}
    }
}

async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, left: &AtomicUsize) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        let before = left.load(Ordering::SeqCst);
        let passes = length.min(before);
        left.store(before - passes, Ordering::SeqCst);
        if to.write_all(&buffer[..passes]).await.is_err() || passes == before {
            // What was written is delivered before the end.
            drop(to.shutdown().await);
            return;
        }
    }
}
