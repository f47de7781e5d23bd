//! The description of the key: each test begins with one that is believed, and changes one thing.

use super::chains::{CHALLENGE, GATED, key, verified};
use countersign_server::domain::attestation::{Attested, BootState, Doubt, SecurityLevel};
use countersign_server::keys::attestation::Trust;
use countersign_tests::attestation::{
    APP, APP_SIGNATURE, BOOT_KEY, Description, Maker, application, element, entry, integer, purposes, root_of_trust,
    sequence,
};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use std::sync::LazyLock;

static MAKER: LazyLock<Maker> = LazyLock::new(Maker::sound);

fn good() -> Description {
    Description::new(&CHALLENGE)
}

fn found_with(trust: &Trust, description: &Description) -> Result<Attested, Doubt> {
    let key = key();
    verified(trust, &MAKER.attest(&key, description), &key)
}

fn found(description: &Description) -> Result<Attested, Doubt> {
    found_with(&MAKER.trust(), description)
}

/// What is made of a description that is encoded by hand.
fn found_of(encoded: Vec<u8>) -> Result<Attested, Doubt> {
    let held = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let key = countersign_protocol::key::PublicKey::from_uncompressed(held.der_bytes()).unwrap();
    verified(&MAKER.trust(), &MAKER.attest_with(&held, &[encoded]), &key)
}

#[test]
fn a_challenge_of_another_enrolment_is_refused() {
    for challenge in [vec![0xc5; 32], vec![0xc4; 31], vec![0xc4; 33], vec![]] {
        assert_eq!(found(&Description::new(&challenge)), Err(Doubt::OtherChallenge), "{}", challenge.len());
    }
}

#[test]
fn the_lower_of_the_two_levels_counts() {
    for (levels, expected) in [
        ([2, 2], Ok(SecurityLevel::StrongBox)),
        ([2, 1], Ok(SecurityLevel::TrustedEnvironment)),
        ([1, 2], Ok(SecurityLevel::TrustedEnvironment)),
        ([1, 0], Err(Doubt::Software)),
        ([0, 1], Err(Doubt::Software)),
        ([0, 0], Err(Doubt::Software)),
    ] {
        assert_eq!(found(&Description { levels, ..good() }).map(|found| found.level), expected, "{levels:?}");
    }
    let unknown = found(&Description { levels: [3, 3], ..good() });
    assert_eq!(unknown, Err(Doubt::Software), "a level that nobody knows is worth nothing");
}

#[test]
fn a_key_that_does_more_than_sign_or_is_of_another_kind_is_refused() {
    for (what, wrong) in [
        ("no purpose", good().without(1)),
        ("verifies alone", good().hardware(1, purposes(&[3]))),
        ("encrypts too", good().hardware(1, purposes(&[2, 0]))),
        ("attests keys", good().hardware(1, purposes(&[2, 7]))),
        ("purposes by the system's word", good().without(1).software(1, purposes(&[2]))),
        ("more purposes by the system's word", good().software(1, purposes(&[7]))),
        ("no algorithm", good().without(2)),
        ("RSA", good().hardware(2, integer(1))),
        ("P-384", good().hardware(10, integer(2)).hardware(3, integer(384))),
        ("P-384 by its curve", good().hardware(10, integer(2))),
        ("384 bits", good().hardware(3, integer(384))),
        ("neither curve nor size", good().without(10).without(3)),
        ("for all apps", good().hardware(600, vec![5, 0])),
        ("for all apps, by the system's word", good().software(600, vec![5, 0])),
    ] {
        assert_eq!(found(&wrong), Err(Doubt::OtherUse), "{what}");
    }
    assert_eq!(found(&good().without(10)), Ok(GATED), "the first phones named the size alone");
    assert_eq!(found(&good().without(3)), Ok(GATED));
    assert_eq!(found(&good().hardware(1, purposes(&[2, 3]))), Ok(GATED), "it may verify as well");
}

#[test]
fn a_key_that_was_not_made_where_it_lives_is_refused() {
    for (what, wrong) in [
        ("nobody says", good().without(702)),
        ("derived", good().hardware(702, integer(1))),
        ("imported", good().hardware(702, integer(2))),
        ("imported wrapped", good().hardware(702, integer(4))),
        ("the system says so alone", good().without(702).software(702, integer(0))),
    ] {
        assert_eq!(found(&wrong), Err(Doubt::Imported), "{what}");
    }
}

#[test]
fn a_phone_that_is_unlocked_or_started_something_else_is_refused() {
    let own = root_of_trust(&BOOT_KEY, 0xff, 1);
    for (what, wrong) in [
        ("nobody says", good().without(704)),
        ("the system says so alone", good().without(704).software(704, root_of_trust(&BOOT_KEY, 0xff, 0))),
        ("unlocked", good().hardware(704, root_of_trust(&BOOT_KEY, 0, 0))),
        ("unlocked and unverified", good().hardware(704, root_of_trust(&BOOT_KEY, 0, 2))),
        ("unverified", good().hardware(704, root_of_trust(&BOOT_KEY, 0xff, 2))),
        ("failed", good().hardware(704, root_of_trust(&BOOT_KEY, 0xff, 3))),
        ("a state that nobody knows", good().hardware(704, root_of_trust(&BOOT_KEY, 0xff, 4))),
        ("another system", good().hardware(704, own.clone())),
    ] {
        assert_eq!(found(&wrong), Err(Doubt::UnverifiedBoot), "{what}");
    }
    let trust = Trust { boot_keys: vec![BOOT_KEY], ..MAKER.trust() };
    let with = |root: Vec<u8>| found_with(&trust, &good().hardware(704, root)).map(|found| found.boot);
    assert_eq!(with(own), Ok(BootState::SelfSigned), "a system that the operator has named");
    assert_eq!(with(root_of_trust(&[1; 32], 0xff, 1)), Err(Doubt::UnverifiedBoot), "and no other");
    assert_eq!(with(root_of_trust(&BOOT_KEY, 0, 1)), Err(Doubt::UnverifiedBoot), "and not unlocked");
    assert_eq!(with(root_of_trust(&BOOT_KEY, 0xff, 2)), Err(Doubt::UnverifiedBoot));
}

#[test]
fn another_app_is_refused_where_one_is_named() {
    let trust = Trust { packages: vec![APP.into()], signatures: vec![APP_SIGNATURE], ..MAKER.trust() };
    let with = |value: Vec<u8>| found_with(&trust, &good().software(709, value));
    assert_eq!(found_with(&trust, &good()), Ok(GATED));
    for (what, value) in [
        ("another name", application(&["io.github.countersigm"], &[&APP_SIGNATURE])),
        ("another name too", application(&[APP, "io.thief"], &[&APP_SIGNATURE])),
        ("another signature", application(&[APP], &[&[1; 32]])),
        ("another signature too", application(&[APP], &[&APP_SIGNATURE, &[1; 32]])),
        ("no name", application(&[], &[&APP_SIGNATURE])),
        ("no signature", application(&[APP], &[])),
    ] {
        assert_eq!(with(value.clone()), Err(Doubt::OtherApplication), "{what}");
        assert_eq!(found(&good().software(709, value)), Ok(GATED), "{what}, where nobody asks");
    }
    let mut unnamed = good();
    unnamed.software.retain(|(tag, _)| *tag != 709);
    assert_eq!(found_with(&trust, &unnamed), Err(Doubt::OtherApplication), "no app at all");
}

#[test]
fn only_hardware_that_asks_each_time_is_gated() {
    let gated = |description: Description| found(&description).unwrap().gated;
    assert!(gated(good()));
    assert!(gated(good().hardware(504, integer(0xffff_ffff))), "by whatever it has");
    assert!(gated(good().hardware(505, integer(0))));
    for (what, open) in [
        ("nobody is asked", good().without(504).hardware(503, vec![5, 0])),
        ("nothing is said", good().without(504)),
        ("asked by no means", good().hardware(504, integer(0))),
        ("contradicted", good().hardware(503, vec![5, 0])),
        ("contradicted by the system", good().software(503, vec![5, 0])),
        ("for half a minute", good().hardware(505, integer(30))),
        ("for half a minute, by the system's word", good().software(505, integer(30))),
        ("by the system's word alone", good().without(504).software(504, integer(2))),
    ] {
        assert!(!gated(open), "{what}");
    }
}

#[test]
fn what_does_not_have_its_form_to_the_last_byte_is_refused() {
    let members = good().members();
    let with = |place: usize, member: Vec<u8>| {
        let mut members = members.clone();
        members[place] = member;
        sequence(&members)
    };
    let list = |entries: &[Vec<u8>]| sequence(entries);
    let whole = good().encode();
    assert_eq!(found_of(whole.clone()), Ok(GATED));
    let long_form = |bytes: &[u8]| [&[0x30, 0x83, 0, (bytes.len() >> 8) as u8, bytes.len() as u8], bytes].concat();
    for (what, wrong) in [
        ("nothing", vec![]),
        ("a byte after the end", [whole.clone(), vec![0]].concat()),
        ("cut", whole[..whole.len() - 1].to_vec()),
        ("a ninth member", sequence(&[members.clone(), vec![integer(1)]].concat())),
        ("seven members", sequence(&members[..7])),
        ("a set", element(&[0x31], &members.concat())),
        ("a length with zeros before it", long_form(&members.concat())),
        ("a length without an end", [vec![0x30, 0x80], members.concat(), vec![0, 0]].concat()),
        ("a length beyond everything", [vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff], members.concat()].concat()),
        ("a length of nine bytes", [vec![0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0], members.concat()].concat()),
        ("version 0", with(0, integer(0))),
        ("a version below zero", with(0, element(&[2], &[0xff]))),
        ("a version without end", with(0, element(&[2], &[1; 9]))),
        ("a version with zeros before it", with(0, element(&[2], &[0, 3]))),
        ("a level as a number", with(1, integer(1))),
        ("a level of two bytes", with(3, element(&[0x0a], &[0, 1]))),
        ("a level below zero", with(3, element(&[0x0a], &[0xff]))),
        ("a level of no byte", with(3, element(&[0x0a], &[]))),
        ("a challenge as text", with(4, element(&[0x0c], &CHALLENGE))),
        ("a list as a set", with(7, element(&[0x31], &[]))),
        ("an entry that is none", with(7, list(&[integer(1)]))),
        ("an entry without a value", with(7, list(&[element(&[0xa1], &[])]))),
        ("an entry with two values", with(7, list(&[entry(2, &[integer(3), integer(3)].concat())]))),
        ("an entry twice", with(7, list(&[entry(2, &integer(3)), entry(2, &integer(3))]))),
        ("entries out of order", with(7, list(&[entry(3, &integer(256)), entry(2, &integer(3))]))),
        ("a tag with zeros before it", with(7, list(&[element(&[0xbf, 0x80, 0x83, 0x78], &[5, 0])]))),
        ("a small tag in the long form", with(7, list(&[element(&[0xbf, 2], &integer(3))]))),
        ("a tag beyond everything", with(7, list(&[element(&[0xbf, 0xff, 0xff, 0xff, 0xff, 0x7f], &[5, 0])]))),
        ("purposes as a sequence", good().hardware(1, sequence(&[integer(2)])).encode()),
        ("a purpose that is none", good().hardware(1, element(&[0x31], &[5, 0])).encode()),
        ("null with something in it", good().hardware(503, vec![5, 1, 0]).encode()),
        ("locked as 1", good().hardware(704, root_of_trust(&BOOT_KEY, 1, 0)).encode()),
        ("a root of trust cut", good().hardware(704, sequence(&[element(&[4], &BOOT_KEY)])).encode()),
        ("an app that is none", good().software(709, element(&[4], &[1, 2, 3])).encode()),
        (
            "an app with a byte after its end",
            good()
                .software(709, {
                    let whole = application(&[APP], &[&APP_SIGNATURE]);
                    element(&[4], &[&whole[2..], &[0]].concat())
                })
                .encode(),
        ),
    ] {
        assert_eq!(found_of(wrong), Err(Doubt::Unreadable), "{what}");
    }
}

#[test]
fn what_a_later_android_adds_is_passed_over() {
    let later = good().hardware(60_000, sequence(&[integer(1), element(&[4], b"new")])).software(900, integer(7));
    assert_eq!(found(&Description { version: 900, ..later }), Ok(GATED));
    let empty = Description { hardware: vec![], software: vec![], ..good() };
    assert_eq!(found(&empty), Err(Doubt::OtherUse), "empty lists say nothing");
}
