//! What the values of a link mean: one table for each parameter.

use crate::{SECRET, first_code, link, one, secret, why};
use countersign_protocol::one_time_code::{Algorithm, Hotp, Totp};
use countersign_protocol::otpauth::{Generator, LinkRefusal, Warning};

/// A link of these further parameters.
fn with(more: &str) -> String {
    format!("otpauth://totp/ACME:maya?secret={SECRET}&issuer=ACME{more}")
}

fn totp(algorithm: Algorithm, digits: u8, period: u16) -> Generator {
    Generator::Totp(Totp::foreign(secret(), algorithm, digits, period).unwrap())
}

#[test]
fn an_algorithm_is_known_by_all_its_names() {
    let table = [
        (Algorithm::Sha1, "SHA1 sha1 SHA-1 sha_1 Sha%201 SHA HmacSHA1 HMAC-SHA1 hmac-sha-1 HMAC_SHA_1"),
        (Algorithm::Sha256, "SHA256 sha256 SHA-256 HmacSHA256 HMAC-SHA-256 SHA2-256 sha%2D256 %53HA256 SHA+256"),
        (Algorithm::Sha512, "SHA512 sha-512 HmacSHA512 hmacsha512 SHA/512 SHA2-512"),
    ];
    for (algorithm, names) in table {
        for name in names.split(' ') {
            let read = link(&with(&format!("&algorithm={name}")));
            assert!(*read.generator() == totp(algorithm, 6, 30), "{name}");
        }
    }
    for name in ["MD5", "md5", "HmacMD5", "HMAC-MD5"] {
        assert_eq!(why(&with(&format!("&algorithm={name}"))), LinkRefusal::Md5, "{name}");
    }
    for name in ["SHA224", "SHA384", "SHA3-256", "SM3", "256", "1", "null", "SHA1SHA1", "SHA%D0%86"] {
        assert_eq!(why(&with(&format!("&algorithm={name}"))), LinkRefusal::Algorithm, "{name}");
    }
}

#[test]
fn digits_and_periods_are_read_where_they_are_exact() {
    for (value, digits) in [("6", 6), ("7", 7), ("8", 8), ("06", 6), ("8.0", 8), ("%208+", 8), ("", 6), ("%20", 6)] {
        let read = link(&with(&format!("&digits={value}")));
        assert!(*read.generator() == totp(Algorithm::Sha1, digits, 30), "{value:?}");
    }
    for value in ["0", "5", "9", "10", "-6", "%2B6", "6.5", "0x6", "six", "null", "undefined", "262", "٦", "6,0"] {
        assert_eq!(why(&with(&format!("&digits={value}"))), LinkRefusal::Digits, "{value}");
    }
    for period in [1, 10, 15, 20, 30, 35, 60, 90, 300, 301, 600, 3600, u16::MAX] {
        let read = link(&with(&format!("&period={period}")));
        assert!(*read.generator() == totp(Algorithm::Sha1, 6, period), "{period}");
        assert_eq!(first_code(&read), ("996554".into(), period.into()));
    }
    for value in ["30.0", "030", "30.", "30.000", "+30"] {
        assert!(*link(&with(&format!("&period={value}"))).generator() == totp(Algorithm::Sha1, 6, 30), "{value}");
    }
    for value in ["0", "00", "0.0", "-30", "30.5", ".", "3e1", "30s", "65536", "99999999999999999999", "null", "NaN"] {
        assert_eq!(why(&with(&format!("&period={value}"))), LinkRefusal::Period, "{value}");
    }
}

#[test]
fn a_counter_begins_where_the_link_says() {
    let by_counter = |more: &str| format!("otpauth://hotp/ACME:maya?secret={SECRET}{more}");
    for counter in [0, 1, 893, u64::from(u32::MAX) + 1, i64::MAX.unsigned_abs(), u64::MAX] {
        let taken = one(&by_counter(&format!("&counter={counter}&period=nothing"))).unwrap();
        let expected = Generator::Hotp(Hotp::new(secret(), Algorithm::Sha1, 6, counter).unwrap());
        assert!(*taken.link.generator() == expected && taken.warnings.is_empty(), "{counter}");
    }
    for none in ["", "&counter=", "&counter=+"] {
        let taken = one(&by_counter(none)).unwrap();
        let expected = Generator::Hotp(Hotp::new(secret(), Algorithm::Sha1, 6, 0).unwrap());
        assert!(*taken.link.generator() == expected, "{none}");
        assert_eq!(taken.warnings, [Warning::CounterFromZero], "{none}");
    }
    for wrong in ["-1", "1.5", "18446744073709551616", "null", "0x10"] {
        assert_eq!(why(&by_counter(&format!("&counter={wrong}"))), LinkRefusal::Counter, "{wrong}");
    }
    assert_eq!(why(&by_counter("&counter=1&digits=5")), LinkRefusal::Digits);
    assert!(*link(&with("&counter=none")).generator() == totp(Algorithm::Sha1, 6, 30), "of the other kind: ignored");
}

#[test]
fn a_secret_is_read_as_it_is_written_and_never_guessed() {
    let with = |secret: &str| format!("otpauth://totp/ACME:maya?secret={secret}&issuer=ACME");
    for written in [
        "jbswy3dpehpk3pxp",
        "JBSW%20Y3DP%20EHPK%203PXP",
        "JBSW%2BY3DP%2BEHPK%2B3PXP",
        "JBSW%C2%A0Y3DP%C2%A0EHPK%C2%A03PXP",
        "JBSW\u{2011}Y3DP\u{2013}EHPK-3PXP",
        "%E2%80%8BJBSWY3DPEHPK3PXP%EF%BB%BF",
        "JBSWY3DPEHPK3PXP%3D%3D%3D%3D%3D%3D",
        "JBSWY3DPEHPK3PXP%253D%253D",
        "JBSWY3DPEHPK3PXP=",
        "%4ABSWY3DPEHPK3PXP%0A",
        "+JBSWY3DP++EHPK3PXP+",
    ] {
        assert_eq!(*link(&with(written)).generator().secret(), secret(), "{written}");
    }
    for wrong in [
        "JBSWY3DPEHPK3PX0",
        "JBSWY3DPEHPK3PX1",
        "JBSWY3DPEHPK3PX8",
        "JBSWY3DPEHPK3PX9",
        "JBSWY3DPEHPK3P%D0%A5P",
        "%EF%BC%AABSWY3DPEHPK3PXP",
        "48656c6c6f21deadbeef",
        "SGVsbG8h3q2+7w==",
        "JBSW_Y3DP",
        "JBSWY3DP%zzEHPK3PXP",
        "JBSW=Y3DPEHPK3PXP",
    ] {
        assert_eq!(why(&with(wrong)), LinkRefusal::SecretCharacters, "{wrong}");
    }
    for none in ["null", "undefined", "None", "", "%20", "====", "A", "-", "%E2%80%8B"] {
        assert_eq!(why(&with(none)), LinkRefusal::NoSecret, "{none:?}");
    }
    for missing in ["otpauth://totp/ACME:maya", "otpauth://totp/ACME:maya?issuer=ACME", "otpauth://totp/?secrets=A"] {
        assert_eq!(why(missing), LinkRefusal::NoSecret, "{missing}");
    }
    assert_eq!(why(&with(&"A".repeat(513))), LinkRefusal::SecretTooLong);
    assert_eq!(why(&with(&"A".repeat(207))), LinkRefusal::SecretTooLong);
    assert_eq!(one(&with(&"A".repeat(205))).unwrap().link.generator().secret().as_bytes().len(), 128);
    assert_eq!(one(&with("AA")).unwrap().warnings, [Warning::ShortSecret]);
}

#[test]
fn what_comes_twice_counts_once_and_not_when_it_differs() {
    for same in [
        "&issuer=ACME%20",
        "&ISSUER=ACME",
        "&algorithm=SHA1&algorithm=sha-1",
        "&digits=6&digits=06&digits=",
        "&period=30&Period=30.0",
        "&secret=jbsw%20y3dp%20ehpk%203pxp",
        "&secret=",
    ] {
        assert!(*link(&with(same)).generator() == totp(Algorithm::Sha1, 6, 30), "{same}");
    }
    for differs in [
        "&issuer=Other",
        "&algorithm=SHA1&algorithm=SHA256",
        "&digits=6&digits=8",
        "&period=30&PERIOD=60",
        "&secret=JBSWY3DPEHPK3PXQ",
    ] {
        assert_eq!(why(&with(differs)), LinkRefusal::Contradiction, "{differs}");
    }
    let by_counter = format!("otpauth://hotp/maya?secret={SECRET}&counter=1&counter=2");
    assert_eq!(why(&by_counter), LinkRefusal::Contradiction);
}

#[test]
fn an_ampersand_is_one_whatever_was_made_of_it() {
    for and in ["&", "&amp;", "&AMP;", "&amp;amp;", "&#38;", "&#x26;", "\\u0026", "&&", "& "] {
        let text = format!("otpauth://totp/ACME:maya?secret={SECRET}&issuer=ACME&digits=8&period=60").replace('&', and);
        assert!(*link(&text).generator() == totp(Algorithm::Sha1, 8, 60), "{text}");
    }
}

#[test]
fn a_parameter_is_never_lost_on_the_way() {
    for hidden in [
        ";digits=8",
        "?digits=8",
        "%26digits=8",
        "&amp%3Bdigits=8",
        "&x;digits=8",
        "&x=1;period=60",
        "#digits=8",
        "&color=#fff;algorithm=SHA256",
        "+digits=8",
        "%0Adigits=8",
        "&amp digits=8",
        "&image=a?digits=8",
        "&=digits=8",
    ] {
        assert_eq!(why(&with(hidden)), LinkRefusal::Garbled, "{hidden}");
    }
    let in_label = format!("otpauth://totp/ACME:maya&digits=8?secret={SECRET}");
    assert_eq!(why(&in_label), LinkRefusal::Garbled);
    for plain in ["&x_digits=8", "&mydigits=8", "&x=digits", "&image=https%3A%2F%2Fexample.org%2F%3Fdigits%3D8"] {
        assert!(*link(&with(plain)).generator() == totp(Algorithm::Sha1, 6, 30), "{plain}");
    }
    let sharp = format!("otpauth://totp/C#:maya?secret={SECRET}&issuer=C#&digits=8&color=#0288D1&period=60");
    assert!(*link(&sharp).generator() == totp(Algorithm::Sha1, 8, 60), "there is no fragment in such a link");
    assert_eq!((link(&sharp).issuer(), link(&sharp).account()), (Some("C#"), "maya"));
}

#[test]
fn steam_is_five_letters_and_never_six_digits() {
    let steam = |text: String| first_code(&link(&text)) == ("2YXGV".into(), 30);
    for kind in ["steam", "STEAM", "Steam"] {
        assert!(steam(format!("otpauth://{kind}/Steam:maya?secret={SECRET}")));
    }
    for more in ["&encoder=steam", "&encoder=Steam&digits=6", "&encoder=steam&algorithm=SHA1&digits=5&period=30"] {
        assert!(steam(format!("otpauth://totp/Games:maya?secret={SECRET}{more}")), "{more}");
    }
    for form in ["steam://jbswy3dpehpk3pxp", "STEAM://JBSWY3DPEHPK3PXP/", "steam://Steam:maya?secret=JBSWY3DPEHPK3PXP"]
    {
        assert!(steam(form.into()), "{form}");
    }
    for digits in ["", "&digits=5"] {
        let taken = one(&format!("otpauth://totp/steam:maya?secret={SECRET}{digits}")).unwrap();
        assert_eq!((first_code(&taken.link).0.as_str(), &taken.warnings[..]), ("2YXGV", &[Warning::TakenForSteam][..]));
    }
    for (more, reason) in [
        ("&encoder=steam&period=60", LinkRefusal::Period),
        ("&encoder=steam&algorithm=SHA256", LinkRefusal::Algorithm),
        ("&encoder=hex", LinkRefusal::Encoder),
        ("&digits=5", LinkRefusal::Digits),
    ] {
        assert_eq!(why(&with(more)), reason, "{more}");
    }
    let by_counter = format!("otpauth://hotp/Steam:maya?secret={SECRET}&counter=1&encoder=steam");
    assert_eq!(why(&by_counter), LinkRefusal::Encoder);
    assert!(*link(&with("&encoder=")).generator() == totp(Algorithm::Sha1, 6, 30));
}
