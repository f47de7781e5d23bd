//! Key files that others made, as people have them: read wherever they can be, and else refused with the real cause.

use countersign_protocol::key::SoftwareKey;
use https_client::pem;
use ring::rsa::KeyPair;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// The longest key file that is read, in bytes; those of Google and Apple are shorter than 3 KB.
const MOST_BYTES: u64 = 64 * 1024;
/// `AlgorithmIdentifier` for a P-256 key, and the version before it (RFC 5208, section 5; RFC 5480, section 2).
const PKCS8_OF_P256: &[u8] = b"\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\
                               \x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
/// The object identifiers of keys, as they stand in DER, with the names that people know.
const KINDS: [(&[u8], &str); 8] = [
    (b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", P256),
    (b"\x06\x05\x2b\x81\x04\x00\x22", "an EC key on the curve P-384"),
    (b"\x06\x05\x2b\x81\x04\x00\x23", "an EC key on the curve P-521"),
    (b"\x06\x05\x2b\x81\x04\x00\x0a", "an EC key on the curve secp256k1"),
    (b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", RSA),
    (b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "an RSA-PSS key"),
    (b"\x06\x03\x2b\x65\x70", "an Ed25519 key"),
    (b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", "an EC key on another curve than P-256"),
];
const P256: &str = "an EC key on the curve P-256";
const RSA: &str = "an RSA key";

/// The bytes of a key file.
///
/// # Errors
/// The cause: it is not there, is a folder, may not be read, or is much longer than a key.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    if path.is_dir() {
        return Err("it is a folder; name the file in it".into());
    }
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "it cannot be read: there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "it cannot be read: the user that runs this server may not".to_owned(),
        _ => format!("it cannot be read: {error}"),
    })?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
    if bytes.len() as u64 > MOST_BYTES { Err("it is far too long for a key file".into()) } else { Ok(bytes) }
}

/// The private key for P-256 in a text: PKCS#8, or the older form of openssl (SEC 1).
///
/// # Errors
/// The cause, without anything of the key.
pub fn p256(text: &[u8]) -> Result<SoftwareKey, String> {
    let block = private_key(text)?;
    let pkcs8 = match block.label.as_str() {
        "EC PRIVATE KEY" => match named(&block.der) {
            None | Some(P256) => pkcs8_of_sec1(&block.der),
            Some(other) => return Err(format!("its key is {other}, and not one for P-256 (ES256)")),
        },
        "PRIVATE KEY" => block.der.clone(),
        _ => return Err(format!("its key is {RSA}, and not one for P-256 (ES256)")),
    };
    match kind(&pkcs8) {
        Some(P256) => SoftwareKey::from_pkcs8(&pkcs8)
            .map_err(|_| "its key is damaged, or lacks its public half: it is not one for P-256 (ES256)".into()),
        Some(other) => Err(format!("its key is {other}, and not one for P-256 (ES256)")),
        None => Err("what it holds is damaged: it is no key for P-256 (ES256)".into()),
    }
}

/// The private RSA key in a text: PKCS#8, or the older form of openssl (PKCS#1).
///
/// # Errors
/// The cause, without anything of the key.
pub fn rsa(text: &[u8]) -> Result<KeyPair, String> {
    let block = private_key(text)?;
    let read = match block.label.as_str() {
        "EC PRIVATE KEY" => return Err("it is an EC key, and not an RSA key".into()),
        "RSA PRIVATE KEY" => KeyPair::from_der(&block.der),
        _ => match kind(&block.der) {
            Some(RSA) => KeyPair::from_pkcs8(&block.der),
            Some(other) => return Err(format!("it is {other}, and not an RSA key")),
            None => return Err("it is damaged: what stands between BEGIN and END is no key".into()),
        },
    };
    read.map_err(|reason| format!("it is not an RSA key of 2048 bits or more ({reason})"))
}

/// The first private key in a text.
///
/// # Errors
/// The cause: what it holds instead.
pub fn private_key(text: &[u8]) -> Result<pem::Block, String> {
    let blocks = match pem::blocks(text) {
        Ok(blocks) => blocks,
        Err(pem::NotPem::NoBlock) => return Err("it holds no -----BEGIN PRIVATE KEY-----".into()),
        Err(error) => return Err(error.to_string()),
    };
    let mut others = Vec::new();
    for block in blocks {
        match block.label.as_str() {
            "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY" => return Ok(block),
            other => others.push(match other {
                "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => "a certificate",
                "PUBLIC KEY" | "RSA PUBLIC KEY" | "EC PUBLIC KEY" => "a public key",
                "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => "a request for a certificate",
                "OPENSSH PRIVATE KEY" => "a key for SSH",
                "EC PARAMETERS" => "the parameters of a key",
                _ => "something else",
            }),
        }
    }
    others.dedup();
    Err(format!("it holds {}, and no -----BEGIN PRIVATE KEY-----", others.join(" and ")))
}

/// What a key in PKCS#8 is for; none when it is no such key.
fn kind(pkcs8: &[u8]) -> Option<&'static str> {
    // The algorithm stands at the beginning, before the key itself.
    named(&pkcs8[..pkcs8.len().min(40)])
}

/// The first of [`KINDS`] that these bytes name.
fn named(der: &[u8]) -> Option<&'static str> {
    let holds = |identifier: &[u8]| der.windows(identifier.len()).any(|window| window == identifier);
    KINDS.iter().find(|(identifier, _)| holds(identifier)).map(|(_, name)| *name)
}

/// An `ECPrivateKey` (RFC 5915, section 3) in the wrapping of PKCS#8, which names its curve.
fn pkcs8_of_sec1(sec1: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut inner = Zeroizing::new(PKCS8_OF_P256.to_vec());
    inner.extend(der_header(0x04, sec1.len()));
    inner.extend_from_slice(sec1);
    let mut pkcs8 = Zeroizing::new(der_header(0x30, inner.len()));
    pkcs8.extend_from_slice(&inner);
    pkcs8
}

/// The tag and length of a DER element.
fn der_header(tag: u8, length: usize) -> Vec<u8> {
    let bytes = length.to_be_bytes();
    let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    match (u8::try_from(length), u8::try_from(significant.len())) {
        (Ok(length), _) if length < 0x80 => vec![tag, length],
        (_, Ok(count)) => [&[tag, 0x80 | count], significant].concat(),
        // No machine has lengths of more than 127 bytes.
        (_, Err(_)) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::{BASE64, HEXLOWER};

    const RSA_KEY: &str = include_str!("../../../tests/src/fcm/rsa-for-tests-only.pem");

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(der))
    }

    fn from_hex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.replace(' ', "").as_bytes()).unwrap()
    }

    /// `ECPrivateKey` of a key that [`SoftwareKey::generate`] made: with its curve, as openssl writes it, or without.
    fn sec1(pkcs8: &[u8], curve: &str) -> Vec<u8> {
        let (private, public) = (&pkcs8[36..68], &pkcs8[pkcs8.len() - 65..]);
        let inner = [&from_hex("020101 0420"), private, &from_hex(curve), &from_hex("a144 034200"), public].concat();
        [der_header(0x30, inner.len()), inner].concat()
    }

    #[test]
    fn a_key_for_p_256_is_read_as_apple_openssl_and_others_write_it() {
        let (key, pkcs8) = SoftwareKey::generate().unwrap();
        let openssl = sec1(&pkcs8, "a00a 06082a8648ce3d030107");
        for (what, text) in [
            ("PKCS#8", pem("PRIVATE KEY", &pkcs8)),
            ("PKCS#8 of Apple's, with the curve a second time", pem("PRIVATE KEY", &pkcs8_of_sec1(&openssl))),
            ("SEC 1", pem("EC PRIVATE KEY", &openssl)),
            ("SEC 1 without its curve", pem("EC PRIVATE KEY", &sec1(&pkcs8, ""))),
            (
                "as openssl ecparam writes it",
                pem("EC PARAMETERS", &from_hex("06082a8648ce3d030107")) + &pem("EC PRIVATE KEY", &openssl),
            ),
            ("after its certificate", pem("CERTIFICATE", b"x") + &pem("PRIVATE KEY", &pkcs8)),
            (
                "on one line, after a byte order mark",
                format!("\u{feff}{}", pem("PRIVATE KEY", &pkcs8).replace('\n', " ")),
            ),
        ] {
            assert_eq!(p256(text.as_bytes()).unwrap_or_else(|why| panic!("{what}: {why}")).public(), key.public());
        }
    }

    /// PKCS#8 with this algorithm and nothing that would be a key.
    fn of_algorithm(identifiers: &str) -> String {
        pem("PRIVATE KEY", &from_hex(&format!("3020 020100 30 10 {identifiers}")))
    }

    #[test]
    fn what_is_no_such_key_is_named_by_its_cause() {
        let (_, pkcs8) = SoftwareKey::generate().unwrap();
        let p384 = sec1(&pkcs8, "a007 06052b81040022");
        let ec_key = pem("PRIVATE KEY", &pkcs8);
        for (text, of_p256, of_rsa) in [
            (pem("CERTIFICATE", b"x"), "it holds a certificate, and no -----BEGIN PRIVATE KEY", "a certificate"),
            (pem("PUBLIC KEY", b"x"), "a public key", "a public key"),
            (pem("CERTIFICATE", b"x") + &pem("PUBLIC KEY", b"x"), "a certificate and a public key", "a public key"),
            (pem("OPENSSH PRIVATE KEY", b"x"), "a key for SSH", "a key for SSH"),
            (pem("EC PARAMETERS", b"x"), "the parameters of a key", "the parameters of a key"),
            (pem("ENCRYPTED PRIVATE KEY", b"x"), "passphrase", "passphrase"),
            (RSA_KEY.to_owned(), "an RSA key, and not one for P-256", ""),
            (pem("RSA PRIVATE KEY", b"x"), "an RSA key, and not one for P-256", "2048"),
            (ec_key.clone(), "", "an EC key on the curve P-256, and not an RSA key"),
            (pem("EC PRIVATE KEY", &p384), "on the curve P-384", "an EC key, and not an RSA key"),
            (of_algorithm("06072a8648ce3d0201 06052b8104000a"), "secp256k1", "secp256k1"),
            (of_algorithm("06032b6570"), "Ed25519", "Ed25519"),
            (of_algorithm("06092a864886f70d01010a"), "RSA-PSS", "RSA-PSS"),
            (pem("PRIVATE KEY", b"not a key"), "P-256", "no key"),
            (pem("PRIVATE KEY", &pkcs8[..90]), "damaged", "not an RSA key"),
            ("{}".to_owned(), "it holds no -----BEGIN PRIVATE KEY-----", "it holds no -----BEGIN PRIVATE KEY-----"),
            (String::new(), "it is empty", "it is empty"),
            (ec_key.split("-----END").next().unwrap().to_owned(), "cut off", "cut off"),
        ] {
            for (found, expected) in [(p256(text.as_bytes()).err(), of_p256), (rsa(text.as_bytes()).err(), of_rsa)] {
                match found {
                    None => assert!(expected.is_empty(), "it is read: {text}"),
                    Some(why) => assert!(!expected.is_empty() && why.contains(expected), "{expected}: {why}"),
                }
            }
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.p8");
        let why = |path: &Path| read(path).unwrap_err();
        assert!(why(folder.path()).contains("folder"));
        assert!(why(&path).contains("no such file"));
        std::fs::write(&path, vec![b'x'; 70_000]).unwrap();
        assert!(why(&path).contains("too long"));
        std::fs::write(&path, b"").unwrap();
        assert!(read(&path).unwrap().is_empty(), "the reader of its content says that it is empty");
    }
}
