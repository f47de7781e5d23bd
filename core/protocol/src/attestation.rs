//! What a phone's platform says of the place where an approval key lives: certificates that a server verifies.
//!
//! Here is what both sides must agree on: the challenge that is inside such certificates, and how they travel.

use crate::key::{Thumbprint, sha256};
use data_encoding::BASE64URL_NOPAD;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The word with which a server says that it reads Android's key attestation.
pub const ANDROID: &str = "android";
/// The most certificates of one chain. Android's have three to six.
pub const MAX_CERTIFICATES: usize = 8;
/// The longest certificate, in bytes. Android's have a few hundred, and up to 1,400 where they are of RSA.
pub const MAX_CERTIFICATE_LENGTH: usize = 4096;

/// The 32 bytes that the attestation of an approval key carries. They name one server and one ticket, which serves one
/// device, once: an attestation that was made for anything else does not fit. Keys are not in it, since it is needed
/// before there are any.
pub fn challenge(server_id: &Thumbprint, ticket_sha256: &str) -> [u8; 32] {
    sha256(format!("countersign attestation v1\n{server_id}\n{ticket_sha256}\n").as_bytes())
}

/// A chain of certificates (X.509, DER), the key's own first and the root last. On the wire it is a list of texts in
/// base64url. That the bytes are certificates is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateChain(Vec<Vec<u8>>);

impl CertificateChain {
    /// The chain of these certificates; none when there are none, too many, or one is too long.
    pub fn new(certificates: Vec<Vec<u8>>) -> Option<Self> {
        let fits = |one: &Vec<u8>| (1..=MAX_CERTIFICATE_LENGTH).contains(&one.len());
        let fit = (1..=MAX_CERTIFICATES).contains(&certificates.len()) && certificates.iter().all(fits);
        fit.then_some(Self(certificates))
    }

    /// The certificates, the key's own first.
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.0
    }
}

impl Serialize for CertificateChain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|one| BASE64URL_NOPAD.encode(one)))
    }
}

impl<'de> Deserialize<'de> for CertificateChain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ChainVisitor)
    }
}

struct ChainVisitor;

impl<'de> Visitor<'de> for ChainVisitor {
    type Value = CertificateChain;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "1 to {MAX_CERTIFICATES} certificates in base64url, of at most {MAX_CERTIFICATE_LENGTH} bytes each"
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Self::Value, A::Error> {
        let wrong = || A::Error::custom(format_args!("a chain is {}", &self as &dyn serde::de::Expected));
        let mut certificates = Vec::new();
        while let Some(text) = texts.next_element::<String>()? {
            if certificates.len() == MAX_CERTIFICATES {
                return Err(wrong());
            }
            certificates.push(BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| wrong())?);
        }
        CertificateChain::new(certificates).ok_or_else(wrong)
    }
}

/// What was found of the place where a device's approval key lives, when it was enrolled. A newer server may have more
/// words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceAttestation {
    /// Whether what its maker says was believed.
    pub attested: bool,
    /// What keeps the key: `trusted_environment` or `strong_box`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Whether that itself asks the person (biometric or PIN) for each approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gated: Option<bool>,
    /// What the phone had started: `verified`, or `self_signed` for another system that the operator takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// Why it was not believed, such as `absent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was looked at (RFC 3339).
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::Time))]
    pub at: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::sha256_text;

    #[test]
    fn the_challenge_names_one_server_and_one_ticket() {
        let (server, other) = (sha256_text(b"server").parse().unwrap(), sha256_text(b"other").parse().unwrap());
        let challenge = challenge(&server, &sha256_text(b"ticket"));
        assert_eq!(challenge, super::challenge(&server, &sha256_text(b"ticket")));
        assert_ne!(challenge, super::challenge(&other, &sha256_text(b"ticket")));
        assert_ne!(challenge, super::challenge(&server, &sha256_text(b"another")));
        assert_ne!(challenge, super::challenge(&sha256_text(b"ticket").parse().unwrap(), server.as_str()));
    }

    #[test]
    fn a_chain_travels_as_texts_and_keeps_its_bounds() {
        let chain = CertificateChain::new(vec![vec![1, 2, 3], vec![0xff; MAX_CERTIFICATE_LENGTH]]).unwrap();
        let text = serde_json::to_string(&chain).unwrap();
        assert!(text.starts_with(r#"["AQID","____"#));
        assert_eq!(serde_json::from_str::<CertificateChain>(&text).unwrap(), chain);
        let too_long = BASE64URL_NOPAD.encode(&[7; MAX_CERTIFICATE_LENGTH + 1]);
        let too_many = format!("[{}]", [r#""AQID""#; MAX_CERTIFICATES + 1].join(","));
        for wrong in ["[]", r#"[""]"#, r#""AQID""#, "{}", r#"["AQID=="]"#, r#"["AQI D"]"#, "[1]", &too_many] {
            assert!(serde_json::from_str::<CertificateChain>(wrong).is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<CertificateChain>(&format!(r#"["{too_long}"]"#)).is_err());
        assert!(CertificateChain::new(vec![]).is_none());
    }
}
