//! Chains of real phones, as Google has published them; `published/README.md` says where.

use countersign_protocol::attestation::CertificateChain;
use countersign_protocol::key::PublicKey;
use countersign_protocol::time::Timestamp;
use countersign_server::domain::attestation::{Attested, BootState, Doubt, SecurityLevel};
use countersign_server::keys::attestation::{Expected, RevocationList, Roots, Trust};

/// 2023-03-10, while the phone's certificates lasted.
const THEN: Timestamp = Timestamp::from_seconds(1_678_400_000);
const NORMAL: &str = include_str!("published/normal_cert_chain.pem");
const FAKE: &str = include_str!("published/fake_cert_chain_with_attest_keys.pem");

fn read(pem: &str) -> CertificateChain {
    let blocks = https_client::pem::blocks(pem.as_bytes()).unwrap();
    CertificateChain::new(blocks.iter().map(|block| block.der.to_vec()).collect()).unwrap()
}

/// The key of the first certificate: the only point of P-256 in it.
fn key_of(chain: &CertificateChain) -> PublicKey {
    let leaf = &chain.certificates()[0];
    let before = [0x03, 0x42, 0x00];
    let at = leaf.windows(3).position(|bytes| bytes == before).unwrap() + 3;
    PublicKey::from_uncompressed(&leaf[at..at + 65]).unwrap()
}

fn google() -> Trust {
    Trust { roots: Roots::google(), ..Trust::default() }
}

fn found(trust: &Trust, chain: &CertificateChain, now: Timestamp) -> Result<Attested, Doubt> {
    trust.verify(chain, &Expected { key: &key_of(chain), challenge: b"challenge", now })
}

#[test]
fn a_real_phone_is_believed_up_to_googles_root_however_old_its_copy_of_that_is() {
    let chain = read(NORMAL);
    let expected = Attested { level: SecurityLevel::TrustedEnvironment, gated: false, boot: BootState::Verified };
    assert_eq!(found(&google(), &chain, THEN), Ok(expected));
    let app = "com.google.attestationexample";
    let named = |name: &str| Trust { packages: vec![name.into()], ..google() };
    assert_eq!(found(&named(app), &chain, THEN), Ok(expected));
    assert_eq!(found(&named("com.google.attestationexampl"), &chain, THEN), Err(Doubt::OtherApplication));
}

#[test]
fn a_real_phone_is_refused_with_one_thing_changed() {
    let chain = read(NORMAL);
    let later = Timestamp::from_seconds(1_800_000_000);
    assert_eq!(found(&google(), &chain, later), Err(Doubt::Expired));
    assert_eq!(found(&Trust::default(), &chain, THEN), Err(Doubt::UnknownRoot));
    let list = br#"{"entries": {"d05facf443ed53554 8d994f6845e6d3c": {"status": "REVOKED"}}}"#;
    assert!(RevocationList::parse(list).is_err(), "a space is no digit");
    let list =
        br#"{"entries": {"d05facf443ed535548d994f6845e6d3c": {"status": "SUSPENDED", "reason": "SOFTWARE_FLAW"}}}"#;
    let revoked = RevocationList::parse(list).unwrap();
    assert_eq!(found(&Trust { revoked, ..google() }, &chain, THEN), Err(Doubt::Revoked));
    let asked = Expected { key: &key_of(&chain), challenge: b"challengf", now: THEN };
    assert_eq!(google().verify(&chain, &asked), Err(Doubt::OtherChallenge));
}

#[test]
fn the_published_attack_is_refused() {
    let chain = read(FAKE);
    assert_eq!(found(&google(), &chain, THEN), Err(Doubt::ExtendedChain));
    // The phone's own certificates in it are good, and still a key that attests keys is none of ours.
    let own = CertificateChain::new(chain.certificates()[3..].to_vec()).unwrap();
    assert_eq!(found(&google(), &own, THEN), Err(Doubt::OtherUse));
}
