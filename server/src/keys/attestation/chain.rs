//! The chain of certificates: from a key of a phone up to a root that is trusted.
//!
//! Not webpki, because these are no certificates of servers: older phones leave constraints out that RFC 5280 wants,
//! and their certificates outlive their dates. What is let through for them is said at each place.

use super::revocation::RevocationList;
use super::roots::Roots;
use crate::domain::attestation::Doubt;
use countersign_protocol::attestation::CertificateChain;
use countersign_protocol::time::Timestamp;
use der::asn1::AnyRef;
use der::{Decode, ErrorKind, Reader, SliceReader, Tag, Tagged};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use std::collections::BTreeSet;
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::oid;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Where a phone describes a key.
const KEY_DESCRIPTION: Oid<'static> = oid!(1.3.6.1.4.1.11129.2.1.17);
const BASIC_CONSTRAINTS: Oid<'static> = oid!(2.5.29.19);
const KEY_USAGE: Oid<'static> = oid!(2.5.29.15);

const EC_PUBLIC_KEY: Oid<'static> = oid!(1.2.840.10045.2.1);
const P256: Oid<'static> = oid!(1.2.840.10045.3.1.7);
const P384: Oid<'static> = oid!(1.3.132.0.34);
const RSA_ENCRYPTION: Oid<'static> = oid!(1.2.840.113549.1.1.1);

const ECDSA_SHA256: Oid<'static> = oid!(1.2.840.10045.4.3.2);
const ECDSA_SHA384: Oid<'static> = oid!(1.2.840.10045.4.3.3);
const RSA_SHA256: Oid<'static> = oid!(1.2.840.113549.1.1.11);
const RSA_SHA384: Oid<'static> = oid!(1.2.840.113549.1.1.12);
const RSA_SHA512: Oid<'static> = oid!(1.2.840.113549.1.1.13);

/// Parts of a subject's name: the number of a batch of keys, and what keeps them.
const SERIAL_NUMBER: Oid<'static> = oid!(2.5.4.5);
const TITLE: Oid<'static> = oid!(2.5.4.12);

/// A key's certificate, at least one that vouches for it, and a root.
const FEWEST: usize = 3;

/// Reads certificates, the key's own first.
pub(super) fn parse(chain: &CertificateChain) -> Result<Vec<X509Certificate<'_>>, Doubt> {
    let certificates: Vec<_> = chain.certificates().iter().map(|bytes| read(bytes)).collect::<Result<_, _>>()?;
    if certificates.len() < FEWEST { Err(Doubt::BrokenChain) } else { Ok(certificates) }
}

fn read(bytes: &[u8]) -> Result<X509Certificate<'_>, Doubt> {
    envelope(bytes).map_err(|_| Doubt::Unreadable)?;
    match X509Certificate::from_der(bytes) {
        Ok(([], certificate)) => well_formed(certificate),
        _ => Err(Doubt::Unreadable),
    }
}

/// Reads strictly what stands around the signed bytes, which no signature is over: one form of it, and the algorithm
/// byte by byte as it was signed.
fn envelope(bytes: &[u8]) -> Result<(), der::Error> {
    let mut whole = SliceReader::new(bytes)?;
    let content = AnyRef::decode(&mut whole)?;
    whole.finish()?;
    let mut parts = SliceReader::new(content.value())?;
    let signed = AnyRef::decode(&mut parts)?;
    let algorithm = parts.tlv_bytes()?;
    let signature = AnyRef::decode(&mut parts)?;
    parts.finish()?;
    let mut members = SliceReader::new(signed.value())?;
    let _version = AnyRef::decode(&mut members)?;
    let _serial = AnyRef::decode(&mut members)?;
    let kinds = [content.tag(), signed.tag(), signature.tag()] == [Tag::Sequence, Tag::Sequence, Tag::BitString];
    if kinds && members.tlv_bytes()? == algorithm { Ok(()) } else { Err(ErrorKind::Failed.into()) }
}

/// Refuses what a reader could take in two ways, or not at all.
fn well_formed(certificate: X509Certificate<'_>) -> Result<X509Certificate<'_>, Doubt> {
    let mut seen = BTreeSet::new();
    for extension in certificate.extensions() {
        if !seen.insert(extension.oid.as_bytes().to_vec()) {
            return Err(Doubt::Unreadable);
        }
        if matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. }) {
            return Err(Doubt::Unreadable);
        }
        let known = [KEY_DESCRIPTION, BASIC_CONSTRAINTS, KEY_USAGE].contains(&extension.oid);
        if extension.critical && !known {
            return Err(Doubt::BrokenChain);
        }
    }
    if certificate.signature_value.unused_bits == 0 { Ok(certificate) } else { Err(Doubt::BrokenChain) }
}

/// Verifies a chain up to one of the roots.
pub(super) fn verify(
    chain: &[X509Certificate<'_>],
    roots: &Roots,
    revoked: &RevocationList,
    now: Timestamp,
) -> Result<(), Doubt> {
    let Some(root) = chain.last() else { return Err(Doubt::BrokenChain) };
    // By name and key, not by bytes: Google has issued its root anew several times for the same key.
    if !roots.has(root) {
        return Err(Doubt::UnknownRoot);
    }
    for (place, certificate) in chain.iter().enumerate() {
        // The root has signed itself.
        let issuer = chain.get(place + 1).unwrap_or(root);
        let named = certificate.issuer().as_raw() == issuer.subject().as_raw();
        if !named || !is_signed(certificate, issuer.public_key()) {
            return Err(Doubt::BrokenChain);
        }
    }
    let factory = chain.get(chain.len() - 2).is_some_and(is_of_factory);
    for (place, certificate) in chain.iter().enumerate().skip(1) {
        may_issue(certificate, place, factory && chain.len() <= 4)?;
        let is_root = place == chain.len() - 1;
        // The root is trusted for its key. A phone whose keys were put there when it was made cannot get new
        // certificates, so its own outlive their dates, as Google's verifier has it; those are withdrawn by the list.
        if !is_root && !factory && !lasts(certificate, now) {
            return Err(Doubt::Expired);
        }
        if revoked.has(certificate.tbs_certificate.raw_serial()) {
            return Err(Doubt::Revoked);
        }
    }
    // The dates of the key's own certificate are written by the phone, by its clock, and say nothing.
    Ok(())
}

fn lasts(certificate: &X509Certificate<'_>, now: Timestamp) -> bool {
    let validity = certificate.validity();
    (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now.seconds())
}

/// Whether keys of this authority were put into phones when they were made: its name says what keeps them, and has the
/// number of the batch.
fn is_of_factory(certificate: &X509Certificate<'_>) -> bool {
    let has = |kind: &Oid<'_>, fits: &dyn Fn(&str) -> bool| {
        let attributes = certificate.subject().iter_attributes().filter(|part| part.attr_type() == kind);
        attributes.into_iter().any(|part| part.as_str().is_ok_and(fits))
    };
    has(&SERIAL_NUMBER, &|_| true) && has(&TITLE, &|title| matches!(title, "TEE" | "StrongBox"))
}

/// Whether a certificate may vouch for the one before it. `factory` says that the batch certificates of a factory's
/// phones are spared: some do not say that they are an authority's. What keeps others from extending such a chain is
/// that their own certificate has a description in it ([`description`]).
fn may_issue(certificate: &X509Certificate<'_>, place: usize, factory: bool) -> Result<(), Doubt> {
    let constraints = certificate.basic_constraints().map_err(|_| Doubt::Unreadable)?;
    let usage = certificate.key_usage().map_err(|_| Doubt::Unreadable)?;
    let below = u32::try_from(place - 1).unwrap_or(u32::MAX);
    let authority = constraints.as_ref().is_some_and(|constraints| constraints.value.ca)
        && usage.is_none_or(|usage| usage.value.key_cert_sign());
    let deep =
        constraints.and_then(|constraints| constraints.value.path_len_constraint).is_some_and(|most| most < below);
    if deep || !(authority || factory && place == 1) { Err(Doubt::BrokenChain) } else { Ok(()) }
}

/// The description of the key. It stands in the key's own certificate and in no other: an app whose key is attested
/// could sign further certificates with it, and describe in them whatever it likes. Only the description nearest the
/// root is the hardware's.
pub(super) fn description<'a>(chain: &[X509Certificate<'a>]) -> Result<&'a [u8], Doubt> {
    let found = |certificate: &X509Certificate<'a>| {
        certificate.extensions().iter().find(|one| one.oid == KEY_DESCRIPTION).map(|one| one.value)
    };
    if chain[1..].iter().any(|certificate| found(certificate).is_some()) {
        return Err(Doubt::ExtendedChain);
    }
    found(&chain[0]).ok_or(Doubt::Unreadable)
}

/// The curve of a key; none for a key of another kind.
fn curve<'a>(key: &'a SubjectPublicKeyInfo<'_>) -> Option<Oid<'a>> {
    (key.algorithm.algorithm == EC_PUBLIC_KEY).then_some(())?;
    key.algorithm.parameters.as_ref()?.as_oid().ok()
}

/// The point of a key on P-256, uncompressed; none for another key.
pub(super) fn p256_point<'a>(key: &'a SubjectPublicKeyInfo<'_>) -> Option<&'a [u8]> {
    (curve(key)? == P256).then_some(&*key.subject_public_key.data)
}

/// Whether this key signed the certificate, whose bytes are taken as they came.
fn is_signed(certificate: &X509Certificate<'_>, key: &SubjectPublicKeyInfo<'_>) -> bool {
    let Some(algorithm) = algorithm(&certificate.signature_algorithm.algorithm, key) else { return false };
    let key = UnparsedPublicKey::new(algorithm, &*key.subject_public_key.data);
    key.verify(certificate.tbs_certificate.as_ref(), &certificate.signature_value.data).is_ok()
}

/// How a signature of this name is verified with this key; none where they do not belong together.
fn algorithm(name: &Oid<'_>, key: &SubjectPublicKeyInfo<'_>) -> Option<&'static dyn VerificationAlgorithm> {
    if key.algorithm.algorithm == RSA_ENCRYPTION {
        let all: [(Oid<'_>, &'static dyn VerificationAlgorithm); 3] = [
            (RSA_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256),
            (RSA_SHA384, &signature::RSA_PKCS1_2048_8192_SHA384),
            (RSA_SHA512, &signature::RSA_PKCS1_2048_8192_SHA512),
        ];
        return all.into_iter().find(|(one, _)| one == name).map(|(_, algorithm)| algorithm);
    }
    let curve = curve(key)?;
    let all: [(Oid<'_>, Oid<'_>, &'static dyn VerificationAlgorithm); 4] = [
        (P256, ECDSA_SHA256, &signature::ECDSA_P256_SHA256_ASN1),
        (P256, ECDSA_SHA384, &signature::ECDSA_P256_SHA384_ASN1),
        (P384, ECDSA_SHA256, &signature::ECDSA_P384_SHA256_ASN1),
        (P384, ECDSA_SHA384, &signature::ECDSA_P384_SHA384_ASN1),
    ];
    all.into_iter().find(|(of, one, _)| *of == curve && one == name).map(|(_, _, algorithm)| algorithm)
}
