//! The chain of certificates: each test begins with one that is believed, and changes one thing.

use countersign_protocol::attestation::CertificateChain;
use countersign_protocol::key::{PublicKey, SoftwareKey};
use countersign_protocol::time::Timestamp;
use countersign_server::domain::attestation::{Attested, BootState, Doubt, SecurityLevel};
use countersign_server::keys::attestation::{Expected, RevocationList, Trust};
use countersign_tests::attestation::{BATCH_SERIAL, Description, Maker, NOW, Plan, extend};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};

/// What a good chain proves.
pub const GATED: Attested =
    Attested { level: SecurityLevel::TrustedEnvironment, gated: true, boot: BootState::Verified };
/// The challenge of these tests.
pub const CHALLENGE: [u8; 32] = [0xc4; 32];

/// A key as a phone has one.
pub fn key() -> PublicKey {
    SoftwareKey::generate().unwrap().0.public()
}

/// What a server makes of a chain for this key, now.
pub fn verified(trust: &Trust, chain: &CertificateChain, key: &PublicKey) -> Result<Attested, Doubt> {
    trust.verify(chain, &Expected { key, challenge: &CHALLENGE, now: NOW })
}

fn chain(certificates: Vec<Vec<u8>>) -> CertificateChain {
    CertificateChain::new(certificates).unwrap()
}

#[test]
fn a_chain_up_to_a_trusted_root_is_believed() {
    let (maker, key) = (Maker::sound(), key());
    let good = maker.attest(&key, &Description::new(&CHALLENGE));
    assert_eq!(verified(&maker.trust(), &good, &key), Ok(GATED));
    assert_eq!(verified(&Maker::sound().trust(), &good, &key), Err(Doubt::UnknownRoot), "of another maker");
    assert_eq!(verified(&Trust::default(), &good, &key), Err(Doubt::UnknownRoot), "without any root");
}

#[test]
fn a_chain_that_is_cut_mixed_or_forged_is_refused() {
    let (maker, other, key) = (Maker::sound(), Maker::sound(), key());
    let trust = maker.trust();
    let description = Description::new(&CHALLENGE);
    let good = maker.attest(&key, &description).certificates().to_vec();
    let theirs = other.attest(&key, &description).certificates().to_vec();
    let refused = |what: &str, certificates: Vec<Vec<u8>>, doubt: Doubt| {
        assert_eq!(verified(&trust, &chain(certificates), &key), Err(doubt), "{what}");
    };
    refused("no root", good[..3].to_vec(), Doubt::UnknownRoot);
    refused("the key's own alone", good[..1].to_vec(), Doubt::BrokenChain);
    refused("a link is missing", vec![good[0].clone(), good[2].clone(), good[3].clone()], Doubt::BrokenChain);
    refused("the other way round", good.iter().rev().cloned().collect(), Doubt::ExtendedChain);
    refused("a link twice", [&good[..2], &good[1..]].concat(), Doubt::BrokenChain);
    refused("signed by another maker of the same name", [&theirs[..3], &good[3..]].concat(), Doubt::BrokenChain);
    refused("another maker's key's own", [&theirs[..1], &good[1..]].concat(), Doubt::BrokenChain);
    refused("another maker's root", [&good[..3], &theirs[3..]].concat(), Doubt::UnknownRoot);
    for place in 0..4 {
        let mut forged = good.clone();
        *forged[place].last_mut().unwrap() ^= 1;
        assert!(verified(&trust, &chain(forged), &key).is_err(), "the signature of {place}");
        let mut longer = good.clone();
        longer[place].push(0);
        refused("a byte after the end", longer, Doubt::Unreadable);
    }
}

#[test]
fn whoever_holds_an_attested_key_cannot_attest_another_with_it() {
    let (maker, thief) = (Maker::sound(), key());
    let trust = maker.trust();
    let attested = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let description = Description::new(&CHALLENGE);
    let extended = |held: KeyPair, in_their_own: &[Vec<u8>], in_the_new: Option<&Description>| {
        let theirs = maker.attest_with(&held, in_their_own).certificates().to_vec();
        chain([vec![extend(held, &thief, in_the_new)], theirs].concat())
    };
    let twice = extended(attested(), &[description.encode()], Some(&description));
    let in_their_own_alone = extended(attested(), &[description.encode()], None);
    let in_the_new_one_alone = extended(attested(), &[], Some(&description));
    assert_eq!(verified(&trust, &twice, &thief), Err(Doubt::ExtendedChain));
    assert_eq!(verified(&trust, &in_their_own_alone, &thief), Err(Doubt::ExtendedChain));
    // The certificate of a key is no authority's.
    assert_eq!(verified(&trust, &in_the_new_one_alone, &thief), Err(Doubt::BrokenChain));
}

#[test]
fn a_key_that_is_described_nowhere_or_twice_is_refused() {
    let maker = Maker::sound();
    let held = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let key = PublicKey::from_uncompressed(rcgen::PublicKeyData::der_bytes(&held)).unwrap();
    let good = Description::new(&CHALLENGE).encode();
    let with = |descriptions: &[Vec<u8>]| verified(&maker.trust(), &maker.attest_with(&held, descriptions), &key);
    assert_eq!(with(&[good.clone()]), Ok(GATED));
    assert_eq!(with(&[]), Err(Doubt::Unreadable));
    assert_eq!(with(&[good.clone(), good]), Err(Doubt::Unreadable));
}

#[test]
fn another_key_and_another_curve_are_refused() {
    let (maker, key) = (Maker::sound(), key());
    let good = maker.attest(&key, &Description::new(&CHALLENGE));
    assert_eq!(verified(&maker.trust(), &good, &self::key()), Err(Doubt::OtherKey));
    let wide = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let chain = maker.attest_with(&wide, &[Description::new(&CHALLENGE).encode()]);
    assert_eq!(verified(&maker.trust(), &chain, &key), Err(Doubt::OtherKey));
}

#[test]
fn dates_count_but_for_the_keys_own_certificate_the_root_and_a_factorys() {
    let key = key();
    let description = Description::new(&CHALLENGE);
    let at = |plan: &Plan, now: Timestamp| {
        let maker = Maker::new(plan);
        let chain = maker.attest(&key, &description);
        maker.trust().verify(&chain, &Expected { key: &key, challenge: &CHALLENGE, now })
    };
    let (sound, over) = (Plan::default(), Plan { until: 2026, ..Plan::default() });
    let year = |years: i64| Timestamp::from_seconds(years * 31_556_952 - 62_167_219_200);
    assert_eq!(at(&sound, year(2029)), Ok(GATED));
    assert_eq!(at(&sound, year(2031)), Err(Doubt::Expired));
    assert_eq!(at(&sound, year(2019)), Err(Doubt::Expired), "not begun");
    assert_eq!(at(&over, NOW), Err(Doubt::Expired));
    assert_eq!(at(&Plan { factory: true, ..over }, NOW), Ok(GATED), "its phones cannot get others");
    assert_eq!(at(&Plan { factory: true, ..sound }, year(2050)), Ok(GATED));
}

#[test]
fn who_may_vouch_is_limited() {
    let key = key();
    let description = Description::new(&CHALLENGE);
    let of = |plan: Plan| {
        let maker = Maker::new(&plan);
        verified(&maker.trust(), &maker.attest(&key, &description), &key)
    };
    let plain = Plan { batch_is_authority: false, ..Plan::default() };
    assert_eq!(of(plain.clone()), Err(Doubt::BrokenChain));
    assert_eq!(of(Plan { factory: true, ..plain }), Ok(GATED), "some batches of a factory do not say so");
    assert_eq!(of(Plan { path_length: 1, ..Plan::default() }), Ok(GATED));
    assert_eq!(of(Plan { path_length: 0, ..Plan::default() }), Err(Doubt::BrokenChain));
}

#[test]
fn what_the_maker_has_withdrawn_is_refused() {
    let (maker, key) = (Maker::sound(), key());
    let good = maker.attest(&key, &Description::new(&CHALLENGE));
    let with = |serial: &str| {
        let list = format!(r#"{{"entries": {{"{serial}": {{"status": "REVOKED", "reason": "KEY_COMPROMISE"}}}}}}"#);
        let revoked = RevocationList::parse(list.as_bytes()).unwrap();
        verified(&Trust { revoked, ..maker.trust() }, &good, &key)
    };
    assert_eq!(with(&data_encoding::HEXLOWER.encode(&BATCH_SERIAL)), Err(Doubt::Revoked));
    assert_eq!(with("abcdef1"), Err(Doubt::Revoked), "without the zero before it, as Google writes it");
    assert_eq!(with("1"), Ok(GATED), "a phone numbers its own certificates");
    assert_eq!(with("abcdef10"), Ok(GATED));
}
