//! No bit of a chain that is believed can be another one.

use super::chains::{CHALLENGE, key, verified};
use countersign_protocol::attestation::CertificateChain;
use countersign_tests::attestation::{Description, Maker};
use proptest::prelude::*;
use std::sync::LazyLock;

struct Believed {
    maker: Maker,
    chain: CertificateChain,
    key: countersign_protocol::key::PublicKey,
}

static BELIEVED: LazyLock<Believed> = LazyLock::new(|| {
    let (maker, key) = (Maker::sound(), key());
    let chain = maker.attest(&key, &Description::new(&CHALLENGE));
    Believed { maker, chain, key }
});

fn changed(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Option<CertificateChain> {
    let mut certificates = BELIEVED.chain.certificates().to_vec();
    change(&mut certificates);
    CertificateChain::new(certificates)
}

/// The bits that are turned: each one around the signed bytes, which no signature is over, and one in each byte of
/// them.
fn bits(certificate: &[u8]) -> Vec<usize> {
    let signed = 4..4 + 4 + usize::from(u16::from_be_bytes([certificate[6], certificate[7]]));
    assert_eq!(certificate[4..6], [0x30, 0x82], "the certificate is of the usual length");
    let turned = |bit: &usize| !signed.contains(&(bit / 8)) || bit % 8 == bit / 8 % 8;
    (0..certificate.len() * 8).filter(turned).collect()
}

#[test]
fn a_chain_with_one_bit_turned_is_believed_as_nothing() {
    let trust = BELIEVED.maker.trust();
    assert!(verified(&trust, &BELIEVED.chain, &BELIEVED.key).is_ok());
    for (place, certificate) in BELIEVED.chain.certificates().iter().enumerate() {
        for bit in bits(certificate) {
            let chain = changed(|chain| chain[place][bit / 8] ^= 1 << (bit % 8)).unwrap();
            let found = verified(&trust, &chain, &BELIEVED.key);
            assert!(found.is_err(), "bit {bit} of certificate {place}: {found:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_put_in_taken_out_or_replaced_are_believed_as_nothing(
        place in 0_usize..4,
        at: prop::sample::Index,
        put in prop::collection::vec(any::<u8>(), 0..6),
        out in 0_usize..6,
    ) {
        let original = &BELIEVED.chain.certificates()[place];
        let at = at.index(original.len());
        let end = (at + out).min(original.len());
        let chain = changed(|chain| drop(chain[place].splice(at..end, put)));
        prop_assume!(chain.as_ref() != Some(&BELIEVED.chain));
        if let Some(chain) = chain {
            prop_assert!(verified(&BELIEVED.maker.trust(), &chain, &BELIEVED.key).is_err());
        }
    }

    #[test]
    fn no_bytes_make_it_fall_over(
        certificates in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..5),
    ) {
        let chain = CertificateChain::new(certificates).unwrap();
        prop_assert!(verified(&BELIEVED.maker.trust(), &chain, &BELIEVED.key).is_err());
    }
}
