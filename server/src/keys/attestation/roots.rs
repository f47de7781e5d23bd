//! The roots that are trusted: Google's, or the operator's own.

use countersign_protocol::key::sha256;
use https_client::pem;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// Google's roots, old and new.
const GOOGLE: &str = include_str!("google.pem");

/// Roots by name and key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots(Vec<Root>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Root {
    /// Its name, in DER.
    subject: Vec<u8>,
    /// Its key with its kind, in DER.
    key: Vec<u8>,
    fingerprint: String,
}

impl Roots {
    /// Google's.
    pub fn google() -> Self {
        // They came with the program, and a test reads them.
        Self::parse(GOOGLE.as_bytes()).unwrap_or_default()
    }

    /// Reads a file of PEM, or the list as Google publishes it, which is one of PEM in JSON.
    ///
    /// # Errors
    /// What was found, and what was expected.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let blocks = pem::blocks(text).map_err(|error| error.to_string())?;
        let read = |block: &pem::Block| match X509Certificate::from_der(&block.der) {
            Ok(([], certificate)) => Ok(Root {
                subject: certificate.subject().as_raw().to_vec(),
                key: certificate.public_key().raw.to_vec(),
                fingerprint: data_encoding::HEXLOWER.encode(&sha256(&block.der)),
            }),
            _ => Err("found a certificate that is damaged; expected one in X.509".to_owned()),
        };
        let certificates = blocks.iter().filter(|block| block.label == "CERTIFICATE");
        let roots: Vec<Root> = certificates.map(read).collect::<Result<_, _>>()?;
        if roots.is_empty() {
            Err("found no certificate; expected -----BEGIN CERTIFICATE-----".into())
        } else {
            Ok(Self(roots))
        }
    }

    /// Whether a certificate has the name and the key of one of them.
    pub(super) fn has(&self, certificate: &X509Certificate<'_>) -> bool {
        let (subject, key) = (certificate.subject().as_raw(), certificate.public_key().raw);
        self.0.iter().any(|root| root.subject == subject && root.key == key)
    }

    /// The SHA-256 of each, in hexadecimal, as operators compare them.
    pub fn fingerprints(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|root| root.fingerprint.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_roots_are_those_that_google_publishes() {
        let roots = Roots::google();
        assert_eq!(
            roots.fingerprints().collect::<Vec<_>>(),
            [
                "cedb1cb6dc896ae5ec797348bce9286753c2b38ee71ce0fbe34a9a1248800dfc",
                "6d9db4ce6c5c0b293166d08986e05774a8776ceb525d9e4329520de12ba4bcc0",
            ]
        );
    }

    #[test]
    fn the_published_list_is_read_as_it_is() {
        let blocks: Vec<&str> = GOOGLE.split_inclusive("-----END CERTIFICATE-----\n").collect();
        let published = serde_json::to_string(&blocks[..2]).unwrap();
        assert_eq!(Roots::parse(published.as_bytes()).unwrap(), Roots::google());
        assert!(Roots::parse(b"").is_err());
        assert!(Roots::parse(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----").is_err());
        assert!(Roots::parse(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----").is_err());
    }
}
