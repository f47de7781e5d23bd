//! Requests that leave the server: no redirects, no proxies by surprise, and no way into the private network through an
//! address that a stranger chose.

use crate::startup::StartupError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Decides which addresses may be connected to.
#[derive(Debug, Clone, Copy)]
pub struct AddressGuard {
    /// Whether private and loopback addresses may be.
    pub allow_private: bool,
}

impl AddressGuard {
    /// Checks what can be told before a name is resolved: the scheme, and an address written out.
    ///
    /// # Errors
    /// The reason.
    pub fn check_url(self, url: &Url) -> Result<(), &'static str> {
        if url.scheme() != "https" && !self.allow_private {
            return Err("the endpoint is not https");
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err("the endpoint names no host"),
        };
        match literal {
            Some(address) if !self.allows(address) => Err("the endpoint is a private address"),
            _ => Ok(()),
        }
    }

    fn allows(self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }
}

/// Resolves names and leaves out the addresses that may not be connected to; asked at every new connection.
impl Resolve for AddressGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = found.filter(|address| guard.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err("the name resolves to private addresses only".into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// True for an address of the public internet (the special-purpose registries of RFC 6890 say which are not).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol_assignments = a == 192 && b == 0 && c == 0;
    let benchmarking = a == 198 && (18..20).contains(&b);
    let reserved = a >= 240;
    !(address.is_unspecified()
        || a == 0
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || shared
        || protocol_assignments
        || benchmarking
        || reserved)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // 2000::/3 is all of the public space; NAT64 and 6to4 would smuggle a private IPv4 address through.
    let global_unicast = (first & 0xe000) == 0x2000;
    let documentation = first == 0x2001 && second == 0x0db8;
    let six_to_four = first == 0x2002;
    let teredo_and_protocols = first == 0x2001 && second < 0x0200;
    global_unicast && !documentation && !six_to_four && !teredo_and_protocols
}

/// A client that trusts the system's certificate authorities and those in `extra_roots`.
///
/// # Errors
/// [`StartupError::Configuration`] for a root that cannot be read.
pub fn client(guard: AddressGuard, extra_roots: &[PathBuf]) -> Result<reqwest::Client, StartupError> {
    build(with_timeouts(builder(roots(extra_roots)?)?.dns_resolver(guard)))
}

/// Bounds how long a connection and a request may take.
pub fn with_timeouts(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder.connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT)
}

/// A client builder over rustls with ring and these roots; no redirects, no proxy from the environment.
///
/// # Errors
/// [`StartupError::System`] when ring and rustls do not fit each other.
pub fn builder(roots: RootCertStore) -> Result<reqwest::ClientBuilder, StartupError> {
    speaking(&[b"h2", b"http/1.1"], roots)
}

/// As [`builder`], for HTTP/2 and nothing else: all requests to a host go over one connection.
///
/// # Errors
/// [`StartupError::System`] when ring and rustls do not fit each other.
pub fn http2_builder(roots: RootCertStore) -> Result<reqwest::ClientBuilder, StartupError> {
    Ok(speaking(&[b"h2"], roots)?.http2_prior_knowledge())
}

fn speaking(protocols: &[&[u8]], roots: RootCertStore) -> Result<reqwest::ClientBuilder, StartupError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StartupError::System(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    Ok(builder.tls_backend_preconfigured(config))
}

/// Builds a client.
///
/// # Errors
/// [`StartupError::System`].
pub fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, StartupError> {
    builder.build().map_err(|error| StartupError::System(format!("the HTTP client cannot be made: {error}")))
}

/// The system's roots and those in these PEM files.
///
/// # Errors
/// [`StartupError::Configuration`] for a file that cannot be read.
pub fn roots(extra: &[PathBuf]) -> Result<RootCertStore, StartupError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for path in extra {
        let wrong = |reason: String| StartupError::Configuration(format!("extra_roots: {}: {reason}", path.display()));
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for address in ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "100.63.255.255", "100.128.0.1"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_endpoint_is_judged_before_and_after_its_name_is_resolved() {
        let guard = AddressGuard { allow_private: false };
        let check = |text: &str| guard.check_url(&Url::parse(text).unwrap());
        assert_eq!(check("https://push.example/1"), Ok(()));
        assert!(check("http://push.example/1").is_err());
        assert!(check("https://127.0.0.1/1").is_err());
        assert!(check("https://2130706433/1").is_err(), "127.0.0.1 as one number");
        assert!(check("https://[::1]/1").is_err());
        assert!(check("https://[::ffff:10.0.0.1]/1").is_err());
    }

    #[tokio::test]
    async fn a_name_for_this_machine_resolves_to_nothing() {
        let resolve = |guard: AddressGuard| guard.resolve("localhost".parse().unwrap());
        assert!(resolve(AddressGuard { allow_private: false }).await.is_err());
        assert!(resolve(AddressGuard { allow_private: true }).await.unwrap().count() > 0);
    }
}
