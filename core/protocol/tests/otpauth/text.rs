//! Where a link is found in what a person pasted, and where it ends.

use crate::{SECRET, first_code, link, one, why};
use countersign_protocol::otpauth::{self, LinkRefusal, OtpauthLink};

const LINK: &str = "otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&digits=8&period=60";

#[test]
fn a_link_is_found_with_what_was_pasted_around_it() {
    let expected = link(LINK);
    let encoded = LINK.replace(':', "%3A").replace('/', "%2F").replace('?', "%3F").replace('=', "%3D");
    let encoded = encoded.replace('&', "%26");
    for text in [
        format!(" {LINK}\n"),
        format!("\u{feff}{LINK}\u{200b}"),
        format!("\r\n\t{LINK}\r\n\r\n"),
        format!("<{LINK}>"),
        format!("\"{LINK}\""),
        format!("'{LINK}'"),
        format!("`{LINK}`"),
        format!("“{LINK}”"),
        format!("«{LINK}»"),
        format!("({LINK})"),
        format!("[your code]({LINK})"),
        format!("<a href=\"{}\">your code</a>", LINK.replace('&', "&amp;")),
        format!("Your link: {LINK}"),
        format!("Your link is {LINK}."),
        format!("Scan {LINK} with your phone, please."),
        format!("Dear Maya,\n\nyour link:\n{LINK}\n\nBest regards"),
        format!("Link={LINK}"),
        format!("https://chart.example/chart?cht=qr&chs=200x200&chl={encoded}&choe=UTF-8"),
        format!("https://chart.example/chart?chl={LINK}&chs=200x200"),
        encoded.clone(),
        format!("<img src=\"https://qr.example/?data={encoded}\">"),
        format!("{{\"uri\":\"{}\",\"x\":1}}", LINK.replace('/', "\\/").replace('&', "\\u0026")),
        LINK.replace("totp", "%74otp"),
        LINK.replace("totp", "\u{200b}totp "),
        LINK.replace("otpauth://totp", "OTPAUTH://TOTP"),
        LINK.replace("otpauth://totp", "OtpAuth://Totp"),
        LINK.replace("otpauth://", "otpauth:///"),
        LINK.replace("otpauth://", "otpauth:/"),
        LINK.replace("otpauth://", "apple-otpauth://"),
        LINK.replace("secret=", "SECRET="),
        LINK.replace("secret=", "%73ecret="),
        LINK.replace("secret=", "%20secret%20="),
        format!("{LINK}&"),
        format!("{LINK}&&image=%zz&x"),
    ] {
        assert!(link(&text) == expected, "{text}");
    }
}

#[test]
fn a_link_whose_end_cannot_be_told_is_refused() {
    let secret_last = format!("otpauth://totp/ACME:maya?secret={SECRET}");
    for text in [
        format!("{secret_last} please"),
        format!("{secret_last} is yours"),
        format!("Your link: {secret_last} please"),
        format!("{secret_last}\nMaya"),
        format!("{secret_last}\nBest regards"),
        "otpauth://totp/ACME:maya?secret=JBSWY3DP\nEHPK3PXP&issuer=ACME".into(),
        "otpauth://totp/ACME:maya?secret=jbsw y3dp\r\nehpk 3pxp".into(),
        "otpauth://totp/ACME:maya?issuer=ACME&\nsecret=JBSWY3DPEHPK3PXP".into(),
        format!("steam://{SECRET} please"),
    ] {
        assert_eq!(why(&text), LinkRefusal::NotAlone, "{text}");
    }
    for spaces in ["jbsw y3dp ehpk 3pxp", "JBSWY3DP EHPK3PXP", "jbs wy3 dpe hpk 3px p"] {
        let text = format!("otpauth://totp/ACME:maya?secret={spaces}");
        assert_eq!(first_code(&link(&text)).0, "996554", "groups belong to the secret: {spaces}");
        assert_eq!(first_code(&link(&format!("Link: \"{text}\" please"))).0, "996554", "in quotes: {spaces}");
    }
    let spaced = format!("Link: otpauth://totp/Big Corp:maya?secret={SECRET}&issuer=Big Corp&digits=8");
    assert_eq!(first_code(&link(&spaced)).0, "41996554", "nothing behind a space is lost");
}

#[test]
fn several_links_are_read_one_a_line() {
    let steam = format!("steam://{SECRET}");
    let text = format!("# exported\n{LINK}\n\n## more\n{steam}\notpauth://totp/Forge:noor?secret=JBSWY3DPEHPK3PX0\n");
    let found = otpauth::read(&text).unwrap();
    assert_eq!(found.taken, [one(LINK).unwrap(), one(&steam).unwrap()]);
    let not_taken: Vec<_> = found.not_taken.iter().map(|one| (one.name.as_str(), one.why.clone())).collect();
    assert_eq!(not_taken, [("Forge, noor", LinkRefusal::SecretCharacters)], "it leaves the others");
    assert_eq!(OtpauthLink::parse(&text), Err(LinkRefusal::NotAlone));
    let all: Vec<String> = (0..300).map(|number| format!("otpauth://totp/S{number}:maya?secret={SECRET}")).collect();
    assert_eq!(otpauth::read(&all.join("\n")).unwrap().taken.len(), 300);
}

#[test]
fn what_is_too_long_is_no_link() {
    assert_eq!(why(&format!("{LINK}&image={}", "a".repeat(9000))), LinkRefusal::TooLong);
    assert_eq!(why(&"x".repeat(300_000)), LinkRefusal::TooLong);
    assert_eq!(why(&format!("otpauth-migration://offline?data={}", "A".repeat(20_000))), LinkRefusal::TooLong);
}
