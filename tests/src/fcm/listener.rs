//! A listener for TLS whose connections can be torn.

use crate::tls::Authority;
use axum::serve::Listener;
use std::net::SocketAddr;
use tokio::io::{DuplexStream, copy_bidirectional, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// Bytes between a connection and the server behind it.
const BUFFER: usize = 64 * 1024;

/// A listener on loopback.
pub(super) struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    torn: watch::Receiver<u32>,
}

/// Tears every connection that is open, without a word.
pub(super) struct Scissors(watch::Sender<u32>);

impl Scissors {
    pub fn cut(&self) {
        self.0.send_modify(|times| *times += 1);
    }
}

/// Listens on a port of 127.0.0.1; 0 is any free one.
pub(super) async fn listen(port: u16, authority: &Authority) -> (TlsListener, Scissors) {
    let tcp = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    let acceptor = TlsAcceptor::from(authority.server(&[b"h2", b"http/1.1"]));
    let (sender, torn) = watch::channel(0);
    (TlsListener { tcp, acceptor, torn }, Scissors(sender))
}

/// Carries bytes between the network and the server behind it, until either ends or all is torn.
async fn carry(outer: TcpStream, mut inner: DuplexStream, acceptor: TlsAcceptor, mut torn: watch::Receiver<u32>) {
    let talk = async {
        if let Ok(mut outer) = acceptor.accept(outer).await {
            // However it ends, it is over.
            let _ = copy_bidirectional(&mut outer, &mut inner).await;
        }
    };
    tokio::select! {
        () = talk => {}
        _ = torn.changed() => {}
    }
}

impl Listener for TlsListener {
    type Io = DuplexStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (DuplexStream, SocketAddr) {
        let (outer, address) = self.tcp.accept().await.unwrap();
        let (near, far) = duplex(BUFFER);
        let mut torn = self.torn.clone();
        torn.mark_unchanged();
        tokio::spawn(carry(outer, far, self.acceptor.clone(), torn));
        (near, address)
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
