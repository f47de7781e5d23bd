//! The one way in which this project makes an HTTPS client: rustls with ring, roots that are given, no redirects, and
//! no proxy from the environment. And the one reader of the PEM files that name roots and keys.

pub mod pem;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made: {0}")]
pub struct UnusableClient(String);

/// Why a certificate authority that was named is not trusted.
#[derive(Debug, thiserror::Error)]
#[error("extra_roots: {}: {reason}", path.display())]
pub struct UnreadableRoot {
    /// The PEM file.
    path: PathBuf,
    /// What is wrong with it.
    reason: String,
}

/// Bounds how long a connection and a request may take.
pub fn with_timeouts(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder.connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT)
}

/// A client builder over rustls with ring and these roots; no redirects, no proxy from the environment.
///
/// # Errors
/// [`UnusableClient`] when ring and rustls do not fit each other.
pub fn builder(roots: RootCertStore) -> Result<reqwest::ClientBuilder, UnusableClient> {
    speaking(&[b"h2", b"http/1.1"], roots)
}

/// As [`builder`], for HTTP/2 and nothing else: all requests to a host go over one connection.
///
/// # Errors
/// [`UnusableClient`] when ring and rustls do not fit each other.
pub fn http2_builder(roots: RootCertStore) -> Result<reqwest::ClientBuilder, UnusableClient> {
    Ok(speaking(&[b"h2"], roots)?.http2_prior_knowledge())
}

fn speaking(protocols: &[&[u8]], roots: RootCertStore) -> Result<reqwest::ClientBuilder, UnusableClient> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| UnusableClient(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    Ok(builder.tls_backend_preconfigured(config))
}

/// Builds a client.
///
/// # Errors
/// [`UnusableClient`] when the system does not let it be made.
pub fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, UnusableClient> {
    builder.build().map_err(|error| UnusableClient(error.to_string()))
}

/// The roots that the system trusts. One that cannot be read is left out.
pub fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// The system's roots and those in these PEM files.
///
/// # Errors
/// [`UnreadableRoot`] for a file that cannot be read, or holds no certificate: left out in silence, it would be missed
/// only where a connection fails.
pub fn roots(extra: &[PathBuf]) -> Result<RootCertStore, UnreadableRoot> {
    let mut roots = system_roots();
    for path in extra {
        let wrong = |reason: String| UnreadableRoot { path: path.clone(), reason };
        let bytes = std::fs::read(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        let mut blocks = pem::blocks(&bytes).map_err(|error| wrong(error.to_string()))?;
        blocks.retain(|block| matches!(block.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE"));
        if blocks.is_empty() {
            return Err(wrong("it holds no certificate (-----BEGIN CERTIFICATE-----)".into()));
        }
        for block in blocks {
            let certificate = CertificateDer::from(block.der.to_vec());
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
    }
    Ok(roots)
}

/// What went wrong, without the address.
pub fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    reason
}
