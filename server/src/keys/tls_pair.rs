//! The certificate and the key with which this server speaks TLS itself, read as others made them.

use super::key_file;
use crate::domain::moment::rfc3339;
use countersign_protocol::time::Timestamp;
use https_client::pem::{self, NotPem};
use rustls::client::verify_server_name;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer, ServerName,
};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use x509_parser::prelude::{FromDer, X509Certificate};

/// How long before its end a certificate is spoken of. Those of Let's Encrypt are renewed thirty days before theirs, so
/// that half of it is a renewal that has failed for two weeks.
pub const NOTICE: Duration = Duration::from_secs(15 * 24 * 3600);

/// A certificate, its chain, and the key that belongs to it.
#[derive(Debug)]
pub struct TlsPair {
    /// What rustls serves with.
    pub certified: Arc<CertifiedKey>,
    /// From when on the certificate serves.
    pub begins: Timestamp,
    /// Until when.
    pub ends: Timestamp,
}

/// The two files, to be named in every error.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// The certificate, followed by those between it and the root.
    pub cert: &'a Path,
    /// The key.
    pub key: &'a Path,
}

impl TlsPair {
    /// Reads both files.
    ///
    /// # Errors
    /// The file, what was found and what was expected, without anything of the key.
    pub fn read(files: Files<'_>) -> Result<Self, String> {
        let wrong_cert = |reason: String| format!("tls.cert: {}: {reason}", files.cert.display());
        let wrong_key = |reason: String| format!("tls.key: {}: {reason}", files.key.display());
        let chain = chain(&key_file::read(files.cert).map_err(wrong_cert)?).map_err(wrong_cert)?;
        let first = chain.first().ok_or_else(|| wrong_cert(NO_CERTIFICATE.into()))?;
        let (begins, ends) = validity(first).map_err(wrong_cert)?;
        let key = private_key(&key_file::read(files.key).map_err(wrong_key)?).map_err(wrong_key)?;
        let provider = rustls::crypto::ring::default_provider();
        // ring's message names its own types; what people have is one of two algorithms.
        let signing = provider.key_provider.load_private_key(key).map_err(|_| {
            wrong_key(
                "found a key that cannot be used; expected ECDSA on P-256 or P-384, RSA of 2048 bits or more, or \
                       Ed25519"
                    .into(),
            )
        })?;
        let certified = CertifiedKey::new(chain, signing);
        match certified.keys_match() {
            // Without its public half the key cannot be compared; no key of ring's is so.
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                return Err(wrong_key(format!(
                    "found the key of another certificate; expected the one of the first certificate in {}",
                    files.cert.display()
                )));
            }
            Err(error) => return Err(wrong_cert(error.to_string())),
        }
        Ok(Self { certified: Arc::new(certified), begins, ends })
    }

    /// What an operator should know although the pair can be used: one sentence each.
    pub fn warnings(&self, host: Option<&str>, now: Timestamp) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.ends <= now {
            warnings.push(format!("the certificate ended at {}: phones refuse the connection", rfc3339(self.ends)));
        } else if now < self.begins {
            warnings.push(format!("the certificate begins at {} only, by this machine's clock", rfc3339(self.begins)));
        } else if self.ends <= now + NOTICE {
            warnings.push(format!("the certificate ends at {}: renew it, and send SIGHUP", rfc3339(self.ends)));
        }
        if let Some(host) = host.filter(|host| !self.covers(host)) {
            warnings.push(format!("the certificate is not for {host}, the host of public_url: phones refuse it"));
        }
        warnings
    }

    /// Whether a client that asks for this host (RFC 6125) is served by the certificate.
    fn covers(&self, host: &str) -> bool {
        // A URL has brackets around an IPv6 address, a certificate none.
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let Ok(name) = ServerName::try_from(bare) else { return false };
        let first = self.certified.cert.first().and_then(|first| ParsedCertificate::try_from(first).ok());
        first.is_some_and(|first| verify_server_name(&first, &name).is_ok())
    }
}

const NO_CERTIFICATE: &str = "found no certificate; expected -----BEGIN CERTIFICATE-----";

fn chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let blocks = match pem::blocks(text) {
        Ok(blocks) => blocks,
        Err(NotPem::NoBlock) => return Err(NO_CERTIFICATE.into()),
        Err(error) => return Err(error.to_string()),
    };
    let is_certificate = |block: &pem::Block| matches!(block.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE");
    let chain: Vec<_> = blocks
        .iter()
        .filter(|block| is_certificate(block))
        .map(|block| CertificateDer::from(block.der.to_vec()))
        .collect();
    match (chain.is_empty(), blocks.first()) {
        (true, Some(other)) if other.label.contains("PRIVATE KEY") => {
            Err("found a private key; expected a certificate. Are tls.cert and tls.key the wrong way round?".into())
        }
        (true, _) => Err(NO_CERTIFICATE.into()),
        (false, _) => Ok(chain),
    }
}

fn validity(certificate: &CertificateDer<'_>) -> Result<(Timestamp, Timestamp), String> {
    let damaged = || "found a certificate that is damaged; expected one in X.509".to_owned();
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| damaged())?;
    ParsedCertificate::try_from(certificate).map_err(|_| damaged())?;
    let validity = parsed.validity();
    let moment = Timestamp::from_seconds;
    Ok((moment(validity.not_before.timestamp()), moment(validity.not_after.timestamp())))
}

fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let block = key_file::private_key(text)?;
    let der = block.der.to_vec();
    Ok(match block.label.as_str() {
        "EC PRIVATE KEY" => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
        "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
        _ => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
    })
}
