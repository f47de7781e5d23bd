//! What holds for every link.

use countersign_protocol::one_time_code::{Algorithm, Hotp, Secret, Steam, Totp};
use countersign_protocol::otpauth::{self, Generator, OtpauthLink, read_key};
use data_encoding::BASE64_NOPAD;
use proptest::prelude::*;

fn any_generator() -> impl Strategy<Value = Generator> {
    let algorithm = prop::sample::select(vec![Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]);
    let secret = prop::collection::vec(any::<u8>(), 1..=128);
    (secret, algorithm, 6..=8_u8, 1..=u16::MAX, any::<u64>(), 0..3_u8).prop_map(
        |(secret, algorithm, digits, period, counter, kind)| {
            let secret = Secret::foreign(&secret).unwrap();
            match kind {
                0 => Generator::Totp(Totp::foreign(secret, algorithm, digits, period).unwrap()),
                1 => Generator::Hotp(Hotp::new(secret, algorithm, digits, counter).unwrap()),
                _ => Generator::Steam(Steam::new(secret)),
            }
        },
    )
}

/// Names with much of what a link gives a meaning to.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c:%+&=?#/@. ]{0,12}",
        "(%|25|20|2|3A|:|/|a|\u{200d}| ){0,12}",
        "\\PC{1,100}",
        "[a:/]{95,105}",
        any::<String>(),
        Just("Steam".to_owned()),
        Just("a&digits=8?secret=b".to_owned()),
    ]
}

/// Parameters that are known and not, with values that are nearly right.
fn any_parameters() -> impl Strategy<Value = Vec<String>> {
    let value = prop_oneof![
        "[0-9]{0,3}",
        "(HMAC)?(SHA|sha|MD)-?(1|5|256|512)?",
        "[A-Z2-7]{0,40}",
        "steam|ACME|",
        "[ -~]{0,12}",
    ];
    let name = "secret|issuer|algorithm|digits|period|counter|encoder|image|Secret|DIGITS";
    prop::collection::vec((name, value).prop_map(|(name, value)| format!("{name}={value}")), 0..7)
}

proptest! {
    #[test]
    fn a_link_that_is_written_reads_the_same(
        issuer in prop::option::of(any_name()),
        account in any_name(),
        generator in any_generator(),
    ) {
        if let Ok(link) = OtpauthLink::new(issuer.as_deref(), &account, generator.clone()) {
            prop_assert!(OtpauthLink::parse(&link.to_text()) == Ok(link));
        }
        let typed = read_key("JBSWY3DPEHPK3PXP", issuer.as_deref(), &account).unwrap().link.with_generator(generator);
        let text = typed.to_text();
        prop_assert!(OtpauthLink::parse(&text) == Ok(typed), "{}", text.as_str());
        let in_a_text = OtpauthLink::parse(&format!("Your link: <{}>.", text.as_str())).is_ok();
        prop_assert!(in_a_text);
    }

    #[test]
    fn a_link_that_is_read_is_written_and_reads_the_same(
        kind in "[th]otp|steam|TOTP",
        label in any_name(),
        parameters in any_parameters(),
    ) {
        let text = format!("otpauth://{kind}/{label}?{}", parameters.join("&"));
        if let Ok(link) = OtpauthLink::parse(&text) {
            prop_assert!(OtpauthLink::parse(&link.to_text()) == Ok(link));
        }
    }

    #[test]
    fn the_order_of_the_parameters_does_not_matter(
        label in "[a-z:]{0,8}",
        parameters in any_parameters(),
        order in any::<prop::sample::Index>(),
    ) {
        // Free values may have separators of their own, which are moved with them.
        let read = |parameters: &[String]| {
            OtpauthLink::parse(&format!("otpauth://totp/{label}?x=1&{}&y=1", parameters.join("&")))
        };
        let mut turned = parameters.clone();
        turned.rotate_left(order.index(parameters.len().max(1)));
        let mut back = parameters.clone();
        back.reverse();
        let expected = read(&parameters).ok();
        prop_assert!(read(&turned).ok() == expected);
        prop_assert!(read(&back).ok() == expected);
    }

    #[test]
    fn a_text_from_anywhere(
        text in prop_oneof![
            any::<String>(),
            "(otpauth|steam|motp|apple-otpauth)://[ht]otp/\\PC{0,60}",
            "otpauth-migration://offline\\?data=[A-Za-z0-9+/_=%-]{0,60}",
            "[<\"( ]{0,2}otpauth(%3A|:)[/%2Fhtop]{0,8}[\\s\\S]{0,60}",
        ],
    ) {
        let _ = otpauth::read(&text);
    }

    #[test]
    fn a_batch_from_anywhere(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = otpauth::read(&format!("otpauth-migration://offline?data={}", BASE64_NOPAD.encode(&payload)));
    }
}
