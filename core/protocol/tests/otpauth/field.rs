//! What people met in public: fifty-eight links, in the order in which they were collected.
//!
//! The codes of step 1 were made by `oathtool`, those of Steam by hand after its alphabet.

use crate::{first_code, one, why};
use countersign_protocol::otpauth::{Generator, LinkRefusal, Warning};

/// Each link with what is shown for it: code of step 1, period, issuer, account, and then the link itself.
const BY_TIME: &str = include_str!("field.json");

/// What is taken with a warning.
const WARNED: &[(&str, &str, &[Warning])] = &[
    ("otpauth://totp/ACME:maya@example.org?secret=GEZDGNBV&issuer=ACME", "662488", &[Warning::ShortSecret]),
    ("otpauth://totp/ACME:maya@example.org?secret=JBSWY3DPEHPK3PX&issuer=ACME", "631024", &[Warning::ShortSecret]),
    ("otpauth://totp/ACME:maya@example.org?secret=JBSWY3DPEHPK3PXPJ&issuer=ACME", "996554", &[Warning::UnevenSecret]),
    ("otpauth://totp/ACME:maya@example.org?secret=JBSWY3DPEHPK3PXPJBS&issuer=ACME", "083538", &[Warning::UnevenSecret]),
];

/// Codes by counter, with the next code.
const BY_COUNTER: &[(&str, u64, &str, &[Warning])] = &[
    ("otpauth://hotp/T000042?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=893", 893, "967928", &[]),
    ("otpauth://hotp/forge?secret=GEZDGNBV&counter=0", 0, "734055", &[Warning::ShortSecret]),
];

/// What is refused, each for a reason that has a sentence of its own.
const REFUSED: &[(&str, LinkRefusal)] = &[
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&algorithm=MD5", LinkRefusal::Md5),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&period=0", LinkRefusal::Period),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&period=null", LinkRefusal::Period),
    ("otpauth://yaotp/maya?secret=JBSWY3DPEHPK3PXP", LinkRefusal::OtherApp("Yandex Key")),
    ("motp://ACME:maya?secret=aabbccddeeff0011", LinkRefusal::MobileOtp),
    ("JBSWY3DPEHPK3PXP", LinkRefusal::BareKey),
];

#[test]
fn every_link_of_the_field_ends_in_the_expected_way() {
    let by_time: Vec<(&str, u64, &str, &str, &str)> = serde_json::from_str(BY_TIME).unwrap();
    for &(code, period, issuer, account, text) in &by_time {
        let taken = one(text).unwrap_or_else(|why| panic!("{why}: {text}"));
        let shown = (taken.link.issuer().unwrap_or_default(), taken.link.account());
        assert_eq!(shown, (issuer, account), "{text}");
        assert_eq!(first_code(&taken.link), (code.to_owned(), period), "{text}");
        assert_eq!(taken.warnings, [], "{text}");
    }
    for (text, code, warnings) in WARNED {
        let taken = one(text).unwrap_or_else(|why| panic!("{why}: {text}"));
        assert_eq!((first_code(&taken.link).0.as_str(), &taken.warnings[..]), (*code, *warnings), "{text}");
    }
    for (text, counter, code, warnings) in BY_COUNTER {
        let taken = one(text).unwrap_or_else(|why| panic!("{why}: {text}"));
        let Generator::Hotp(hotp) = taken.link.generator() else { panic!("{text}") };
        assert_eq!((hotp.counter(), &taken.warnings[..]), (*counter, *warnings), "{text}");
        assert_eq!(hotp.code_at(*counter), *code, "{text}");
    }
    for (text, reason) in REFUSED {
        assert_eq!(why(text), *reason, "{text}");
    }
    let batch = 1;
    assert_eq!(by_time.len() + WARNED.len() + BY_COUNTER.len() + REFUSED.len() + batch, 58);
}
