//! A maker of phones of a test's own: a root, two authorities below it, and certificates that describe a key as Android
//! does. Every part of a description, and every part of the chain, can be wrong.

use countersign_protocol::attestation::CertificateChain;
use countersign_protocol::key::PublicKey;
use countersign_protocol::time::Timestamp;
use countersign_server::keys::attestation::{Roots, Trust};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PublicKeyData, SerialNumber, SignatureAlgorithm,
};

/// Where Android describes a key.
const KEY_DESCRIPTION: [u64; 10] = [1, 3, 6, 1, 4, 1, 11129, 2, 1, 17];
/// When everything that a maker signs is good: 2027-01-15.
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// The serial number of a maker's lower authority.
pub const BATCH_SERIAL: [u8; 4] = [0x0a, 0xbc, 0xde, 0xf1];
/// The certificate that a test's app is signed with.
pub const APP_SIGNATURE: [u8; 32] = [0x5a; 32];
/// The name of a test's app.
pub const APP: &str = "io.github.countersign";
/// The key of the system that a phone has started.
pub const BOOT_KEY: [u8; 32] = [0xb0; 32];

/// An element of DER: its tag as it is, its length, its content.
pub fn element(tag: &[u8], content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = tag.to_vec();
    match length {
        0..0x80 => bytes.push(length as u8),
        0x80..0x100 => bytes.extend([0x81, length as u8]),
        _ => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    bytes.extend_from_slice(content);
    bytes
}

/// A whole number.
pub fn integer(value: u64) -> Vec<u8> {
    let bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let sign = bytes.first().is_none_or(|first| *first >= 0x80);
    element(&[0x02], &[if sign { vec![0] } else { vec![] }, bytes].concat())
}

/// An entry of an authorization list.
pub fn entry(tag: u32, value: &[u8]) -> Vec<u8> {
    let head = match tag {
        0..31 => vec![0xa0 | tag as u8],
        31..128 => vec![0xbf, tag as u8],
        _ => vec![0xbf, 0x80 | (tag >> 7) as u8, (tag & 0x7f) as u8],
    };
    element(&head, value)
}

/// Elements one after the other.
pub fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    element(&[0x30], &elements.concat())
}

fn set(elements: &[Vec<u8>]) -> Vec<u8> {
    element(&[0x31], &elements.concat())
}

fn octets(bytes: &[u8]) -> Vec<u8> {
    element(&[0x04], bytes)
}

/// What a phone says of a key: at first, of one in its TEE that asks the person each time.
#[derive(Debug, Clone)]
pub struct Description {
    /// The form's version.
    pub version: u64,
    /// What vouches, and what keeps the key.
    pub levels: [u8; 2],
    /// What the key was made for.
    pub challenge: Vec<u8>,
    /// What the system says: tag and value.
    pub software: Vec<(u32, Vec<u8>)>,
    /// What the hardware enforces: tag and value.
    pub hardware: Vec<(u32, Vec<u8>)>,
}

impl Description {
    /// A good one.
    pub fn new(challenge: &[u8]) -> Self {
        Self {
            version: 300,
            levels: [1, 1],
            challenge: challenge.to_vec(),
            software: vec![(701, integer(1_800_000_000_000)), (709, application(&[APP], &[&APP_SIGNATURE]))],
            hardware: vec![
                (1, set(&[integer(2)])),
                (2, integer(3)),
                (3, integer(256)),
                (5, set(&[integer(4)])),
                (10, integer(1)),
                (504, integer(2)),
                (702, integer(0)),
                (704, root_of_trust(&BOOT_KEY, 0xff, 0)),
                (705, integer(160_000)),
                (718, integer(20_270_105)),
            ],
        }
    }

    /// The same with another value behind a tag of the hardware's list.
    #[must_use]
    pub fn hardware(mut self, tag: u32, value: Vec<u8>) -> Self {
        self.hardware.retain(|(one, _)| *one != tag);
        self.hardware.push((tag, value));
        self.hardware.sort_by_key(|(tag, _)| *tag);
        self
    }

    /// The same without a tag of the hardware's list.
    #[must_use]
    pub fn without(mut self, tag: u32) -> Self {
        self.hardware.retain(|(one, _)| *one != tag);
        self
    }

    /// The same with another value behind a tag of the system's list.
    #[must_use]
    pub fn software(mut self, tag: u32, value: Vec<u8>) -> Self {
        self.software.retain(|(one, _)| *one != tag);
        self.software.push((tag, value));
        self.software.sort_by_key(|(tag, _)| *tag);
        self
    }

    /// The value of the extension.
    pub fn encode(&self) -> Vec<u8> {
        sequence(&self.members())
    }

    /// Its eight members.
    pub fn members(&self) -> Vec<Vec<u8>> {
        let list = |entries: &[(u32, Vec<u8>)]| {
            sequence(&entries.iter().map(|(tag, value)| entry(*tag, value)).collect::<Vec<_>>())
        };
        vec![
            integer(self.version),
            element(&[0x0a], &[self.levels[0]]),
            integer(self.version),
            element(&[0x0a], &[self.levels[1]]),
            octets(&self.challenge),
            octets(&[]),
            list(&self.software),
            list(&self.hardware),
        ]
    }
}

/// What a phone has started; `locked` is the byte that says whether its bootloader is.
pub fn root_of_trust(key: &[u8], locked: u8, state: u8) -> Vec<u8> {
    sequence(&[octets(key), element(&[0x01], &[locked]), element(&[0x0a], &[state]), octets(&[7; 32])])
}

/// Which app holds a key.
pub fn application(packages: &[&str], signatures: &[&[u8]]) -> Vec<u8> {
    let packages: Vec<_> = packages.iter().map(|name| sequence(&[octets(name.as_bytes()), integer(1)])).collect();
    let signatures: Vec<_> = signatures.iter().map(|digest| octets(digest)).collect();
    octets(&sequence(&[set(&packages), set(&signatures)]))
}

/// The purposes of a key.
pub fn purposes(all: &[u64]) -> Vec<u8> {
    set(&all.iter().map(|one| integer(*one)).collect::<Vec<_>>())
}

/// How a maker signs: at first, rightly, as for phones that get their certificates over the network.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whether the lower authority says that it is one.
    pub batch_is_authority: bool,
    /// How many authorities may stand below the upper one.
    pub path_length: u8,
    /// Until which year the lower authority's certificate lasts.
    pub until: i32,
    /// Whether the authorities are named as those of a factory.
    pub factory: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { batch_is_authority: true, path_length: 2, until: 2030, factory: false }
    }
}

/// A maker of phones: a root on P-384, an authority on P-384, and one on P-256 below it.
pub struct Maker {
    /// The root's certificate.
    root: Certificate,
    upper: Certificate,
    batch: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

fn authority(name: &str, path_length: u8) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    params
}

impl Maker {
    /// A fresh one that signs rightly.
    pub fn sound() -> Self {
        Self::new(&Plan::default())
    }

    /// A fresh one.
    pub fn new(plan: &Plan) -> Self {
        let key = || KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let (root_key, upper_key) = (key(), key());
        let batch_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let root_params = authority("Maker of phones", 5);
        let root = root_params.self_signed(&root_key).unwrap();
        let mut upper_params = authority("Maker's phones of 2027", plan.path_length);
        let mut batch_params = authority("Batch 1", 0);
        if plan.factory {
            for params in [&mut upper_params, &mut batch_params] {
                params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), "c6047571d8f0d17c");
                params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 12]), "TEE");
            }
        }
        if !plan.batch_is_authority {
            batch_params.is_ca = IsCa::NoCa;
            batch_params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        }
        batch_params.serial_number = Some(SerialNumber::from_slice(&BATCH_SERIAL));
        batch_params.not_after = rcgen::date_time_ymd(plan.until, 1, 1);
        let root_issuer = Issuer::new(root_params, root_key);
        let upper = upper_params.signed_by(&upper_key, &root_issuer).unwrap();
        let upper_issuer = Issuer::new(upper_params, upper_key);
        let batch = batch_params.signed_by(&batch_key, &upper_issuer).unwrap();
        Self { root, upper, batch, issuer: Issuer::new(batch_params, batch_key) }
    }

    /// A server that trusts this maker alone.
    pub fn trust(&self) -> Trust {
        Trust { roots: Roots::parse(self.root_pem().as_bytes()).unwrap(), ..Trust::default() }
    }

    /// The root's certificate, in PEM.
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// The certificates above a key's own.
    pub fn above(&self) -> Vec<Vec<u8>> {
        [&self.batch, &self.upper, &self.root].map(|certificate| certificate.der().to_vec()).to_vec()
    }

    /// The chain of a key.
    pub fn attest(&self, key: &PublicKey, description: &Description) -> CertificateChain {
        self.chain(self.leaf(key.as_uncompressed(), &PKCS_ECDSA_P256_SHA256, &[description.encode()]))
    }

    /// The chain of any key, described by these extensions.
    pub fn attest_with(&self, key: &KeyPair, descriptions: &[Vec<u8>]) -> CertificateChain {
        self.chain(self.leaf(key.der_bytes(), key.algorithm(), descriptions))
    }

    fn chain(&self, leaf: Vec<u8>) -> CertificateChain {
        CertificateChain::new([vec![leaf], self.above()].concat()).unwrap()
    }

    fn leaf(&self, point: &[u8], algorithm: &'static SignatureAlgorithm, descriptions: &[Vec<u8>]) -> Vec<u8> {
        let key = Point(point.to_vec(), algorithm);
        described(descriptions).signed_by(&key, &self.issuer).unwrap().der().to_vec()
    }
}

/// The certificate of a key as a phone writes it.
fn described(descriptions: &[Vec<u8>]) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Android Keystore Key");
    params.serial_number = Some(SerialNumber::from_slice(&[1]));
    params.not_before = rcgen::date_time_ymd(1970, 1, 1);
    params.not_after = rcgen::date_time_ymd(1971, 1, 1);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let extension = |content: &Vec<u8>| CustomExtension::from_oid_content(&KEY_DESCRIPTION, content.clone());
    params.custom_extensions = descriptions.iter().map(extension).collect();
    params
}

/// A certificate for another key, signed by a key that is attested itself.
pub fn extend(attested: KeyPair, key: &PublicKey, description: Option<&Description>) -> Vec<u8> {
    let issuer = Issuer::new(described(&[]), attested);
    let point = Point(key.as_uncompressed().to_vec(), &PKCS_ECDSA_P256_SHA256);
    let descriptions: Vec<_> = description.iter().map(|one| one.encode()).collect();
    described(&descriptions).signed_by(&point, &issuer).unwrap().der().to_vec()
}

/// A public key whose private half is elsewhere.
struct Point(Vec<u8>, &'static SignatureAlgorithm);

impl PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.1
    }
}
