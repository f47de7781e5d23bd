//! What the names of a link become: cleaned, and never a reason to refuse.

use crate::{SECRET, link};
use countersign_protocol::Refusal;
use countersign_protocol::one_time_code::{Secret, Totp};
use countersign_protocol::otpauth::{Generator, OtpauthLink, read_key};

/// Issuer and account of a link with this label and these further parameters.
fn named(label: &str, more: &str) -> (Option<String>, String) {
    let link = link(&format!("otpauth://totp/{label}?secret={SECRET}{more}"));
    (link.issuer().map(str::to_owned), link.account().to_owned())
}

/// Label, further parameters, issuer (`-` for none) and account.
const TABLE: &[(&str, &str, &str, &str)] = &[
    ("ACME:maya", "", "ACME", "maya"),
    ("ACME:maya", "&issuer=Example", "Example", "maya"),
    ("maya", "&issuer=Example", "Example", "maya"),
    ("ACME:maya", "&issuer=%20", "ACME", "maya"),
    ("ACME%3Amaya", "", "ACME", "maya"),
    ("ACME%253Amaya", "", "ACME", "maya"),
    ("ACME:%20maya", "", "ACME", "maya"),
    ("ACME%20%3A%20maya", "&issuer=ACME", "ACME", "maya"),
    (":maya", "", "-", "maya"),
    ("::maya", "", "-", "maya"),
    (":", "", "-", ""),
    ("", "", "-", ""),
    ("ACME:", "", "ACME", ""),
    ("ACME", "&issuer=ACME", "ACME", "ACME"),
    ("ACME:maya", "&issuer=ACME:", "ACME", "maya"),
    ("maya", "&issuer=ACME:", "ACME", "maya"),
    ("ACME::maya", "&issuer=ACME:", "ACME:", "maya"),
    ("Maya+Jo", "&issuer=A%2BB+C", "A+B C", "Maya+Jo"),
    ("a.example%3A8443:maya", "&issuer=a.example%3A8443", "a.example:8443", "maya"),
    ("ACME:role:maya", "", "ACME", "role:maya"),
    ("Git (https://code.example):maya", "", "Git (https://code.example)", "maya"),
    ("https://code.example/maya", "", "-", "https://code.example/maya"),
    ("%F0%9F%9A%80%20%D9%85%D8%A7%DB%8C%D8%A7", "", "-", "🚀 مایا"),
    ("Z%FCrich:maya", "", "Zürich", "maya"),
    ("100%:maya", "&issuer=100%", "100%", "maya"),
    ("50%zz:maya", "", "50%zz", "maya"),
    ("App%25252520name:maya", "", "App name", "maya"),
    ("What? really? yes:maya", "&issuer=What%3F%20really%3F%20yes", "What? really? yes", "maya"),
    ("a/b/c:maya", "", "a/b/c", "maya"),
    ("#1 bank:maya", "&issuer=#1 bank", "#1 bank", "maya"),
    ("AC%00ME%E2%80%AE:ma%E2%81%A6ya%EF%BB%BF", "", "ACME", "maya"),
    ("ACME%0D%0ALtd:maya%09Jo%E2%80%A8", "", "ACME Ltd", "maya Jo"),
    ("%E2%80%8B:maya", "", "-", "maya"),
    ("ACME:%E2%80%8B", "&issuer=%E2%80%8E", "ACME", ""),
    ("ACME:\u{200d}", "", "ACME", ""),
    ("\u{200f}شركة\u{200f}:maya", "&issuer=\u{200f}شركة", "شركة", "maya"),
    ("👩\u{200d}🚀:maya", "", "👩\u{200d}🚀", "maya"),
    ("ACME:maya&Jo", "", "ACME", "maya&Jo"),
];

#[test]
fn every_name_is_cleaned_and_none_is_refused() {
    for (label, more, issuer, account) in TABLE {
        let issuer = Some(*issuer).filter(|issuer| *issuer != "-").map(str::to_owned);
        assert_eq!(named(label, more), (issuer, (*account).to_owned()), "{label:?} {more:?}");
    }
}

#[test]
fn a_long_name_is_cut_where_it_can_be_shown() {
    let (hundred, more) = ("語".repeat(100), "語".repeat(101));
    let cut = format!("{}…", "語".repeat(99));
    assert_eq!(named(&format!("{hundred}:{hundred}"), ""), (Some(hundred.clone()), hundred.clone()));
    assert_eq!(named(&format!("{more}:{more}"), &format!("&issuer={more}")), (Some(cut.clone()), cut.clone()));
    assert_eq!(named(&more, ""), (None, cut));
    let address = format!("{}http://x", "a".repeat(94));
    assert_eq!(named(&address, ""), (Some(format!("{}http", "a".repeat(94))), "…".into()), "cut behind its colon");
}

#[test]
fn names_that_a_person_gives_are_kept_as_a_link_would_have_them() {
    let maya = link(&format!("otpauth://totp/ACME:maya?secret={SECRET}"));
    for (issuer, account, expected) in [
        (Some("Forge"), "maya", (Some("Forge"), "maya")),
        (Some(" Forge\u{200b}\n"), " maya ", (Some("Forge"), "maya")),
        (Some("Forge"), "role:maya", (Some("Forge"), "role:maya")),
        (None, "maya", (None, "maya")),
        (Some(""), "maya", (None, "maya")),
        (None, "Forge:maya", (Some("Forge"), "maya")),
        (Some("Forge"), "", (Some("Forge"), "")),
    ] {
        let renamed = maya.renamed(issuer, account);
        assert_eq!((renamed.issuer(), renamed.account()), expected, "{issuer:?} {account:?}");
        assert!(renamed.generator() == maya.generator());
        let typed = read_key("jbsw y3dp ehpk 3pxp", issuer, account).unwrap();
        assert!(typed.link == renamed && typed.warnings.is_empty(), "a key is as a link without more");
    }
}

#[test]
fn a_link_of_ours_is_written_for_every_reader() {
    let secret = Secret::new(b"12345678901234567890").unwrap();
    let by_time = || Generator::Totp(Totp::new(secret.clone(), Default::default(), 6, 30).unwrap());
    let link = OtpauthLink::new(Some("A+B & Söhne: 50%"), "maya/x?y#z@example.org", by_time()).unwrap();
    assert_eq!(
        link.to_text().as_str(),
        "otpauth://totp/A%2BB%20%26%20S%C3%B6hne%3A%2050%25:maya%2Fx%3Fy%23z%40example.org\
         ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A%2BB%20%26%20S%C3%B6hne%3A%2050%25\
         &algorithm=SHA1&digits=6&period=30"
    );
    let strange = OtpauthLink::new(Some("App%20name"), "%2525", by_time()).unwrap();
    let text = strange.to_text();
    assert!(text.starts_with("otpauth://totp/App%25%320name:%25%32525?"), "not taken for an encoding: {}", &text[..50]);
    assert!(OtpauthLink::parse(&text) == Ok(strange));
    for (issuer, account, part) in [
        (None, "ACME:maya", "account name"),
        (None, "", "account name"),
        (None, " maya", "account name"),
        (Some("ACME"), "ma\nya", "account name"),
        (Some(""), "maya", "issuer name"),
        (Some("ACME "), "maya", "issuer name"),
    ] {
        let refused = OtpauthLink::new(issuer, account, by_time());
        assert!(refused == Err(Refusal::Malformed(part)), "{issuer:?} {account:?}");
    }
}
