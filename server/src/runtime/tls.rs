//! TLS of the server's own: what it serves with, and a new certificate in its place while connections go on.

use super::startup::StartupError;
use crate::domain::moment::rfc3339;
use crate::keys::tls_pair::{Files, TlsPair};
use countersign_protocol::time::Timestamp;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;

/// `[tls]`: the server speaks TLS itself. Both are PEM files, and are read again on SIGHUP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate, followed by those between it and the root.
    pub cert: PathBuf,
    /// Its private key, without a passphrase.
    pub key: PathBuf,
}

impl TlsConfig {
    /// Reads the two files.
    ///
    /// # Errors
    /// [`StartupError::Configuration`], with file, found and expected.
    pub fn read(&self) -> Result<TlsPair, StartupError> {
        TlsPair::read(Files { cert: &self.cert, key: &self.key }).map_err(StartupError::Configuration)
    }
}

/// The present certificate, for handshakes that begin now. A connection keeps the one it began with.
#[derive(Debug)]
struct Present(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Present {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// TLS as it is served.
pub struct Tls {
    config: TlsConfig,
    /// The host of `public_url`, under which phones ask.
    host: Option<String>,
    present: Arc<Present>,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Reads certificate and key, and says in the log what is doubtful about them.
    ///
    /// # Errors
    /// [`StartupError::Configuration`], with file, found and expected.
    pub fn open(config: &TlsConfig, public_url: &str, now: Timestamp) -> Result<Self, StartupError> {
        let pair = config.read()?;
        let host = host(public_url);
        warn(&pair, host.as_deref(), now);
        let present = Arc::new(Present(RwLock::new(pair.certified)));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // These are TLS 1.2 and 1.3; rustls knows nothing older.
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| StartupError::System(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&present) as Arc<dyn ResolvesServerCert>);
        // The guard over heads (`http_message`) reads HTTP/1.1, and nothing that it does not read may reach a handler.
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: config.clone(), host, present, acceptor: TlsAcceptor::from(Arc::new(server)) })
    }

    /// What takes handshakes.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Reads both files again and serves with them from the next handshake on; where they cannot be used, what was
    /// served before stays.
    pub fn reload(&self, now: Timestamp) {
        match self.config.read() {
            Ok(pair) => {
                warn(&pair, self.host.as_deref(), now);
                tracing::info!(
                    ends = rfc3339(pair.ends),
                    "the certificate of TLS was read again; new connections are served with it"
                );
                *self.present.0.write().unwrap_or_else(PoisonError::into_inner) = pair.certified;
            }
            Err(error) => tracing::error!(
                %error,
                "the certificate of TLS was not read again; what was served before is served on. Mend it, and send \
                 SIGHUP"
            ),
        }
    }
}

/// The host of an address.
pub fn host(public_url: &str) -> Option<String> {
    url::Url::parse(public_url).ok()?.host_str().map(str::to_owned)
}

fn warn(pair: &TlsPair, host: Option<&str>, now: Timestamp) {
    for warning in pair.warnings(host, now) {
        tracing::warn!("tls.cert: {warning}");
    }
}
