//! What people met in public: fifty-eight links, in the order in which they were collected.
//!
//! The codes of step 1 were made by `oathtool`, those of Steam by hand after its alphabet.

use crate::{first_code, one, why};
use countersign_protocol::otpauth::{Generator, LinkRefusal, Warning};

/// Each link, with what is shown for it: code of step 1, period, issuer and account.
const BY_TIME: &[(&str, &str, u64, &str, &str)] = &[
    (
        "otpauth://totp/ACME:maya@example.org?secret=jbsw y3dp ehpk 3pxp&issuer=ACME",
        "996554",
        30,
        "ACME",
        "maya@example.org",
    ),
    (
        "otpauth://totp/ACME:maya@example.org?secret=jbsw-y3dp-ehpk-3pxp&issuer=ACME",
        "996554",
        30,
        "ACME",
        "maya@example.org",
    ),
    (
        "otpauth://totp/ACME:maya@example.org?secret=JBSW+Y3DP+EHPK+3PXP&issuer=ACME",
        "996554",
        30,
        "ACME",
        "maya@example.org",
    ),
    (
        "otpauth://totp/ACME:maya@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA%3D%3D%3D%3D&issuer=ACME",
        "104590",
        30,
        "ACME",
        "maya@example.org",
    ),
    (
        "otpauth://totp/ACME:maya@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA====&issuer=ACME",
        "104590",
        30,
        "ACME",
        "maya@example.org",
    ),
    (
        "otpauth://totp/ACME:maya@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY&issuer=ACME",
        "970934",
        30,
        "ACME",
        "maya@example.org",
    ),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&algorithm=SHA-1", "996554", 30, "ACME", "maya"),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&algorithm=sha-256", "344551", 30, "ACME", "maya"),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&algorithm=HmacSHA1", "996554", 30, "ACME", "maya"),
    (
        "otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&algorithm=HMAC-SHA-256",
        "344551",
        30,
        "ACME",
        "maya",
    ),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&algorithm=sha256", "344551", 30, "ACME", "maya"),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&algorithm=", "996554", 30, "ACME", "maya"),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&digits=7&period=10", "1996554", 10, "ACME", "maya"),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&digits=&period=", "996554", 30, "ACME", "maya"),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&period=600", "996554", 600, "ACME", "maya"),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&period=35", "996554", 35, "ACME", "maya"),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&period=30.0", "996554", 30, "ACME", "maya"),
    ("otpauth://totp/?secret=JBSWY3DPEHPK3PXP&issuer=ACME", "996554", 30, "ACME", ""),
    ("otpauth://totp/ACME:?secret=JBSWY3DPEHPK3PXP&issuer=ACME", "996554", 30, "ACME", ""),
    ("otpauth://totp/ACME%3A?secret=JBSWY3DPEHPK3PXP", "996554", 30, "ACME", ""),
    ("otpauth://totp?secret=JBSWY3DPEHPK3PXP&issuer=ACME", "996554", 30, "ACME", ""),
    ("otpauth://totp/?secret=JBSWY3DPEHPK3PXP", "996554", 30, "", ""),
    (
        "otpauth://totp/Cloud%3A%20maya%40example.org?secret=JBSWY3DPEHPK3PXP&digits=6&period=30&issuer=Cloud",
        "996554",
        30,
        "Cloud",
        "maya@example.org",
    ),
    (
        "otpauth://totp/Text%3A%20More%20Text:maya?secret=JBSWY3DPEHPK3PXP&issuer=Text%3A%20More%20Text",
        "996554",
        30,
        "Text: More Text",
        "maya",
    ),
    (
        "otpauth://totp/Git%20%28https://code.example.org%29:maya?algorithm=SHA1&digits=6&issuer=Git+%28https\
         %3A%2F%2Fcode.example.org%29&period=30&secret=JBSWY3DPEHPK3PXP",
        "996554",
        30,
        "Git (https://code.example.org)",
        "maya",
    ),
    (
        "otpauth://totp/App%2520name:maya@example.org?secret=JBSWY3DPEHPK3PXP&issuer=App%2520name",
        "996554",
        30,
        "App name",
        "maya@example.org",
    ),
    (
        "otpauth://totp/maya@cloud.example.org?secret=JBSWY3DPEHPK3PXP&issuer=http://cloud.example.org/ (Cloud)",
        "996554",
        30,
        "http://cloud.example.org/ (Cloud)",
        "maya@cloud.example.org",
    ),
    ("otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&issuer=ACME", "996554", 30, "ACME", "maya"),
    (
        "otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME&algorithm=SHA1&digits=6&period=30&algor\
         ithm=SHA1",
        "996554",
        30,
        "ACME",
        "maya",
    ),
    (
        "otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&amp;issuer=ACME&amp;digits=8&amp;period=60",
        "41996554",
        60,
        "ACME",
        "maya",
    ),
    ("otpauth://totp/ACME:maya?issuer=ACME&secret=JBSWY3DPEHPK3PXP&", "996554", 30, "ACME", "maya"),
    (
        "otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&lock=false&image=https%3A%2F%2Fexample.org%2Fa.png&\
         color=0288D1",
        "996554",
        30,
        "ACME",
        "maya",
    ),
    ("otpauth://totp/What? really:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME", "996554", 30, "ACME", "maya"),
    ("otpauth://totp/ACME%E2%80%8B:maya?secret=JBSWY3DPEHPK3PXP", "996554", 30, "ACME", "maya"),
    ("otpauth://totp/%D8%B4%D8%B1%D9%83%D8%A9%E2%80%8F:maya?secret=JBSWY3DPEHPK3PXP", "996554", 30, "شركة", "maya"),
    ("otpauth://totp/ACME:maya%0A?secret=JBSWY3DPEHPK3PXP", "996554", 30, "ACME", "maya"),
    (
        "otpauth://totp/Annual%20general%20assembly%20of%20the%20federation%20of%20regional%20housing%20coope\
         ratives%20and%20their%20members:maya?secret=JBSWY3DPEHPK3PXP",
        "996554",
        30,
        "Annual general assembly of the federation of regional housing cooperatives and their members",
        "maya",
    ),
    ("otpauth:///totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME", "996554", 30, "ACME", "maya"),
    ("otpauth://steam/Steam:maya?secret=JBSWY3DPEHPK3PXP&issuer=Steam", "2YXGV", 30, "Steam", "maya"),
    ("steam://JBSWY3DPEHPK3PXP", "2YXGV", 30, "Steam", ""),
    (
        "otpauth://totp/Steam:maya?secret=JBSWY3DPEHPK3PXP&issuer=Steam&digits=5&encoder=steam",
        "2YXGV",
        30,
        "Steam",
        "maya",
    ),
    ("otpauth://totp/Steam:maya?secret=JBSWY3DPEHPK3PXP&issuer=Steam&encoder=steam", "2YXGV", 30, "Steam", "maya"),
    ("apple-otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP&issuer=ACME", "996554", 30, "ACME", "maya"),
    (
        "otpauth://totp/Games:AB123456789:?secret=JBSWY3DPEHPK3PXP&issuer=Games&digits=8",
        "41996554",
        30,
        "Games",
        "AB123456789:",
    ),
    (
        "otpauth://totp/Forge.example:%20Free%20code:maya@example.org?algorithm=SHA1&digits=6&issuer=Forge.ex\
         ample%3A+Free+code&period=30&secret=JBSWY3DPEHPK3PXP",
        "996554",
        30,
        "Forge.example: Free code",
        "maya@example.org",
    ),
];

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
    for (text, code, period, issuer, account) in BY_TIME {
        let taken = one(text).unwrap_or_else(|why| panic!("{why}: {text}"));
        let shown = (taken.link.issuer().unwrap_or_default(), taken.link.account());
        assert_eq!(shown, (*issuer, *account), "{text}");
        assert_eq!(first_code(&taken.link), ((*code).to_owned(), *period), "{text}");
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
    assert_eq!(BY_TIME.len() + WARNED.len() + BY_COUNTER.len() + REFUSED.len() + batch, 58);
}
