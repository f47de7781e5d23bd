//! The export of our own.

use crate::why;
use countersign_protocol::code_file::{self, MIN_PASSWORD, ShortPassword};
use countersign_protocol::otpauth::{self, Found, LinkRefusal, OtpauthLink};
use countersign_protocol::randomness::SystemRandomness;
use serde_json::Value;

const PASSWORD: &str = "four or five words";

fn codes() -> Vec<(OtpauthLink, Option<String>)> {
    let link = |text: &str| OtpauthLink::parse(text).unwrap();
    vec![
        (link("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP"), Some("Work \"one\" \\ é".into())),
        (link("otpauth://totp/Bank%20%25%3A:m%3Aa?secret=GEZDGNBV&algorithm=SHA512&digits=8&period=45"), None),
        (link("otpauth://steam/Steam:maya?secret=JBSWY3DPEHPK3PXP"), None),
        (link("otpauth://hotp/?secret=JBSWY3DPEHPK3PXP&counter=18446744073709551615"), Some("Home".into())),
    ]
}

fn written() -> String {
    code_file::write(&codes(), PASSWORD, &SystemRandomness::new()).unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    let file = written();
    let Found { taken, not_taken, part } = code_file::read(file.as_bytes(), Some(PASSWORD)).unwrap();
    assert_eq!((not_taken, part), (vec![], None));
    assert_eq!(taken.into_iter().map(|one| (one.link, one.group)).collect::<Vec<_>>(), codes());
    assert_eq!(why(&file, None), LinkRefusal::PasswordNeeded);
    assert_eq!(why(&file, Some("four or five word")), LinkRefusal::WrongPassword);
    let none = code_file::write(&[], PASSWORD, &SystemRandomness::new()).unwrap();
    assert_eq!(code_file::read(none.as_bytes(), Some(PASSWORD)), Ok(Found::default()));
}

#[test]
fn it_costs_what_is_documented_and_is_never_the_same_twice() {
    let (file, again) = (written(), written());
    let [file, again]: [Value; 2] = [&file, &again].map(|text| serde_json::from_str(text).unwrap());
    assert_eq!(file["format"], "countersign-codes");
    assert_eq!(file["version"], 1);
    let kdf = &file["kdf"];
    assert_eq!((&kdf["name"], &kdf["memory_kib"]), (&"argon2id".into(), &65536.into()));
    assert_eq!((&kdf["passes"], &kdf["lanes"]), (&3.into(), &4.into()));
    assert_eq!(file["cipher"]["name"], "AES-256-GCM");
    for (one, other) in [
        (&kdf["salt"], &again["kdf"]["salt"]),
        (&file["cipher"]["nonce"], &again["cipher"]["nonce"]),
        (&file["ciphertext"], &again["ciphertext"]),
    ] {
        assert!(one.is_string() && one != other, "{one}");
    }
}

#[test]
fn nothing_of_a_code_lies_open() {
    let file = written();
    for hidden in ["ACME", "maya", "JBSWY3DP", "Work", "otpauth", PASSWORD] {
        assert!(!file.contains(hidden), "{hidden}");
    }
}

#[test]
fn a_short_password_protects_nothing() {
    let write = |password: &str| code_file::write(&codes(), password, &SystemRandomness::new());
    for short in ["", "password", &"é".repeat(MIN_PASSWORD - 1)] {
        assert_eq!(write(short), Err(ShortPassword), "{short}");
    }
    let file = write(&"é".repeat(MIN_PASSWORD)).unwrap();
    assert!(code_file::read(file.as_bytes(), Some(&"é".repeat(MIN_PASSWORD))).is_ok(), "characters, not bytes");
}

#[test]
fn links_alone_are_what_every_app_reads() {
    let all = codes();
    let text = code_file::links(all.iter().map(|(link, _)| link));
    assert_eq!(text.lines().count(), 4);
    let read = otpauth::read(&text).unwrap();
    assert!(read.taken.iter().map(|one| &one.link).eq(all.iter().map(|(link, _)| link)));
    assert!(code_file::links([]).is_empty());
}
