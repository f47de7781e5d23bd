//! What is no link for codes: each kind is named, and nothing that is refused tells its secret.

use crate::{SECRET, one, why};
use countersign_protocol::otpauth::{self, LinkRefusal, Warning};
use std::collections::BTreeSet;

#[test]
fn whatever_else_is_scanned_is_named() {
    let enrolment = concat!(
        "https://login.example/enrol#t=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "&k=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    );
    for (text, reason) in [
        ("", LinkRefusal::NoLink),
        (" \n\u{feff}", LinkRefusal::NoLink),
        ("hello", LinkRefusal::NoLink),
        ("otpauth", LinkRefusal::NoLink),
        ("WIFI:S:home;T:WPA;P:secret;;", LinkRefusal::NoLink),
        ("123456", LinkRefusal::NoLink),
        ("jbsw y3dp ehpk 3pxp", LinkRefusal::BareKey),
        ("JBSW-Y3DP-EHPK-3PXP====", LinkRefusal::BareKey),
        ("JBSWY3DPEHPK3PX1", LinkRefusal::NoLink),
        (enrolment, LinkRefusal::EnrolmentLink),
        ("https://example.org/setup", LinkRefusal::WebPage),
        ("HTTP://EXAMPLE.ORG/totp", LinkRefusal::WebPage),
        ("phonefactor://activate_account?code=1&url=https%3A%2F%2Fx", LinkRefusal::OtherApp("Microsoft Authenticator")),
        ("duo://abc-bWF5YQ", LinkRefusal::OtherApp("Duo Mobile")),
        ("oktaverify://email/?t=abc", LinkRefusal::OtherApp("Okta Verify")),
        ("FIDO:/1234567890", LinkRefusal::Passkey),
        ("motp://Forge:maya?secret=0123", LinkRefusal::MobileOtp),
        ("otpauth://motp/maya?secret=JBSWY3DPEHPK3PXP", LinkRefusal::MobileOtp),
        ("mfa://enrol?x=1", LinkRefusal::UnknownScheme("mfa".into())),
        ("Bitwarden://x", LinkRefusal::UnknownScheme("bitwarden".into())),
        ("otpauth://ocra/maya?secret=JBSWY3DPEHPK3PXP", LinkRefusal::UnknownType),
        ("otpauth://", LinkRefusal::UnknownType),
        ("otpauth://ACME:maya?secret=JBSWY3DPEHPK3PXP", LinkRefusal::UnknownType),
        ("otpauth://totp:ACME?secret=JBSWY3DPEHPK3PXP", LinkRefusal::UnknownType),
        ("steam://run/440", LinkRefusal::SecretCharacters),
        ("steam://", LinkRefusal::NoSecret),
        ("otpauth-migration://offline", LinkRefusal::Batch),
    ] {
        assert_eq!(why(text), reason, "{text}");
    }
}

#[test]
fn every_reason_and_every_warning_has_a_word_of_its_own() {
    let all = LinkRefusal::all();
    let words: BTreeSet<&str> = all.iter().map(LinkRefusal::code).chain(Warning::ALL.map(Warning::code)).collect();
    assert_eq!(words.len(), all.len() + Warning::ALL.len());
    for reason in &all {
        let sentence = reason.to_string();
        assert!(sentence.contains(": ") || matches!(reason, LinkRefusal::UnknownScheme(_)), "what to do: {sentence}");
        assert!(!sentence.ends_with('.') && sentence.len() < 120, "{sentence}");
        assert!(reason.named().is_none_or(|(_, value)| sentence.contains(value)), "{sentence}");
    }
}

#[test]
fn nothing_that_is_printed_tells_a_secret() {
    let forms = [SECRET, "jbsw", "Hello!", "72, 101, 108", "48656c6c"];
    let hidden = |printed: String| {
        assert!(!forms.iter().any(|form| printed.to_lowercase().contains(&form.to_lowercase())), "{printed}");
    };
    for more in ["", "&counter=3", "&encoder=steam", "&issuer=ACME"] {
        for kind in ["totp", "hotp", "steam"] {
            if let Ok(taken) = one(&format!("otpauth://{kind}/maya?secret={SECRET}{more}")) {
                hidden(format!("{taken:?} {:?} {:?}", taken.link.generator(), taken.link));
            }
        }
    }
    for text in [
        SECRET.to_owned(),
        format!("otpauth://totp/maya?secret={SECRET}0"),
        format!("otpauth://totp/maya?secret={SECRET}&digits=99"),
        format!("otpauth://totp/maya?secret={SECRET}&secret={SECRET}AA"),
        format!("otpauth://totp/maya?secret={SECRET};digits=8"),
        format!("otpauth://{SECRET}/maya"),
        format!("steam://{SECRET}1"),
        format!("x://{SECRET}"),
        format!("{SECRET}:maya"),
    ] {
        let why = why(&text);
        hidden(format!("{why} {why:?}"));
    }
    let two = format!("otpauth://totp/secret={SECRET}\notpauth://totp/A:maya?secret={SECRET}&digits=99");
    hidden(format!("{:?}", otpauth::read(&two).unwrap()));
}
