//! Links that carry the secret of one-time codes: `otpauth://totp/Issuer:account?secret=…` and `otpauth://hotp/…`.
//!
//! Google's "Key Uri Format" is the description that services follow. Where it is silent or services stray from it,
//! this reads what Google Authenticator reads.

use crate::one_time_code::{Algorithm, DEFAULT_DIGITS, DEFAULT_PERIOD, Hotp, Secret, Totp};
use crate::refusal::Refusal;
use crate::text;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The longest link that is read, in bytes: the longest names, all of their characters encoded, fit.
const MAX_LINK_LENGTH: usize = 4096;
/// What is encoded when a link is written: all but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const WRONG: Refusal = Refusal::Malformed("otpauth link");

/// Where the codes of a link come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Generator {
    /// By time.
    Totp(Totp),
    /// By counter.
    Hotp(Hotp),
}

/// What an `otpauth` link carries.
#[derive(Clone, PartialEq, Eq)]
pub struct OtpauthLink {
    issuer: Option<String>,
    account: String,
    generator: Generator,
}

impl OtpauthLink {
    /// A link for this account. Without an issuer the account's name has no colon, since what stands before a colon
    /// would be read as the issuer.
    ///
    /// # Errors
    /// `malformed` and `too_large` as [`text::check_name`] says, for each name; `malformed` for an account with a colon
    /// and no issuer.
    pub fn new(issuer: Option<&str>, account: &str, generator: Generator) -> Result<Self, Refusal> {
        if let Some(issuer) = issuer {
            text::check_name(issuer, "issuer name")?;
        }
        text::check_name(account, "account name")?;
        if issuer.is_none() && account.contains(':') {
            return Err(Refusal::Malformed("account name"));
        }
        Ok(Self { issuer: issuer.map(str::to_owned), account: account.to_owned(), generator })
    }

    /// The service, where the link names it.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The account at the service.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Where the codes come from.
    pub const fn generator(&self) -> &Generator {
        &self.generator
    }

    /// The same, taken out of the link.
    pub fn into_generator(self) -> Generator {
        self.generator
    }

    /// Reads a link of any service.
    ///
    /// Parameters of other names are ignored, those of the other kind too; one that is known and comes twice is
    /// refused. Where the label and the parameter name different issuers, the parameter is right.
    ///
    /// # Errors
    /// `too_large` when it is longer than any such link; `malformed` when a part is missing, comes twice or has a value
    /// that is not allowed.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        if text.len() > MAX_LINK_LENGTH {
            return Err(Refusal::TooLarge);
        }
        let (before_fragment, _) = text.split_once('#').unwrap_or((text, ""));
        let (head, query) = before_fragment.split_once('?').ok_or(WRONG)?;
        let (scheme, rest) = head.split_once("://").ok_or(WRONG)?;
        let (kind, label) = rest.split_once('/').ok_or(WRONG)?;
        if !scheme.eq_ignore_ascii_case("otpauth") {
            return Err(WRONG);
        }
        let parameters = Parameters::read(query)?;
        let generator = parameters.generator(kind)?;
        let label = decode(label)?;
        let (issuer, account) = names(&label, parameters.get("issuer"));
        Self::new(issuer, account, generator)
    }

    /// The link's text form. It holds the secret: it belongs in a QR code, and in no log.
    pub fn to_text(&self) -> Zeroizing<String> {
        let encoded = |text| utf8_percent_encode(text, RESERVED);
        let (kind, secret, algorithm, digits, last) = match &self.generator {
            Generator::Totp(totp) => {
                ("totp", totp.secret(), totp.algorithm(), totp.digits(), format!("period={}", totp.period()))
            }
            Generator::Hotp(hotp) => {
                ("hotp", hotp.secret(), hotp.algorithm(), hotp.digits(), format!("counter={}", hotp.counter()))
            }
        };
        let (prefix, parameter) = self.issuer.as_deref().map_or_else(Default::default, |issuer| {
            (format!("{}:", encoded(issuer)), format!("&issuer={}", encoded(issuer)))
        });
        let (account, secret, algorithm) = (encoded(&self.account), secret.to_base32(), algorithm.as_str());
        Zeroizing::new(format!(
            "otpauth://{kind}/{prefix}{account}?secret={}{parameter}&algorithm={algorithm}&digits={digits}&{last}",
            secret.as_str()
        ))
    }
}

impl std::fmt::Debug for OtpauthLink {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("OtpauthLink")
    }
}

/// The parameters that are known, decoded.
struct Parameters(BTreeMap<&'static str, Zeroizing<String>>);

impl Parameters {
    const KNOWN: [&str; 6] = ["secret", "issuer", "algorithm", "digits", "period", "counter"];

    /// A plus sign is a space, as in a form, which is how many services write their issuer. To be read as a plus sign
    /// it is encoded.
    fn read(query: &str) -> Result<Self, Refusal> {
        let mut found = BTreeMap::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            let Some(known) = Self::KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(&name)) else { continue };
            let spaced = Zeroizing::new(value.replace('+', " "));
            if found.insert(known, decode(&spaced)?).is_some() {
                return Err(WRONG);
            }
        }
        Ok(Self(found))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }

    fn number<T: std::str::FromStr>(&self, name: &str, refusal: Refusal) -> Result<Option<T>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refusal);
        }
        text.parse().map(Some).map_err(|_| refusal)
    }

    fn generator(&self, kind: &str) -> Result<Generator, Refusal> {
        let secret = Secret::from_base32(self.get("secret").ok_or(WRONG)?)?;
        let algorithm = self.get("algorithm").map_or(Ok(Algorithm::default()), str::parse)?;
        let digits = self.number("digits", Refusal::Malformed("one-time code digits"))?.unwrap_or(DEFAULT_DIGITS);
        if kind.eq_ignore_ascii_case("totp") {
            let period = self.number("period", Refusal::Malformed("one-time code period"))?.unwrap_or(DEFAULT_PERIOD);
            Totp::new(secret, algorithm, digits, period).map(Generator::Totp)
        } else if kind.eq_ignore_ascii_case("hotp") {
            let counter = self.number("counter", Refusal::Malformed("one-time code counter"))?.ok_or(WRONG)?;
            Hotp::new(secret, algorithm, digits, counter).map(Generator::Hotp)
        } else {
            Err(WRONG)
        }
    }
}

/// The issuer and the account of a decoded label, given the parameter. The issuer that both name may have a colon; any
/// other ends at the first one.
fn names<'a>(label: &'a str, parameter: Option<&'a str>) -> (Option<&'a str>, &'a str) {
    let trimmed = |text: &'a str| text.trim_matches(' ');
    let issuer = parameter.map(trimmed).filter(|issuer| !issuer.is_empty());
    let after_issuer = issuer.and_then(|issuer| label.strip_prefix(issuer)?.strip_prefix(':'));
    let (prefix, account) = match after_issuer {
        Some(account) => ("", account),
        None => label.split_once(':').unwrap_or(("", label)),
    };
    let prefix = Some(trimmed(prefix)).filter(|prefix| !prefix.is_empty());
    (issuer.or(prefix), trimmed(account))
}

/// Undoes percent-encoding (RFC 3986, section 2.1). Refuses a percent sign that begins none, and what is not UTF-8.
fn decode(text: &str) -> Result<Zeroizing<String>, Refusal> {
    let begins_two_digits = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !text.split('%').skip(1).all(begins_two_digits) {
        return Err(WRONG);
    }
    percent_decode_str(text).decode_utf8().map(|text| Zeroizing::new(text.into_owned())).map_err(|_| WRONG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "otpauth://totp/ACME%20Co:maya@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
                        &issuer=ACME%20Co&algorithm=SHA256&digits=8&period=60";

    fn secret() -> Secret {
        Secret::new(b"12345678901234567890").unwrap()
    }

    fn by_time() -> Generator {
        Generator::Totp(Totp::new(secret(), Algorithm::Sha1, 6, 30).unwrap())
    }

    /// Issuer and account of a link with this label and these further parameters.
    fn named(label: &str, more: &str) -> Result<(Option<String>, String), Refusal> {
        let text = format!("otpauth://totp/{label}?secret={}{more}", secret().to_base32().as_str());
        OtpauthLink::parse(&text).map(|link| (link.issuer, link.account))
    }

    #[test]
    fn every_part_of_a_link_is_read() {
        let link = OtpauthLink::parse(GOOD).unwrap();
        assert_eq!((link.issuer(), link.account()), (Some("ACME Co"), "maya@example.org"));
        let expected = Generator::Totp(Totp::new(secret(), Algorithm::Sha256, 8, 60).unwrap());
        assert!(*link.generator() == expected && link.into_generator() == expected);
        let by_counter = GOOD.replace("totp", "hotp").replace("period=60", "counter=18446744073709551615");
        let expected = Generator::Hotp(Hotp::new(secret(), Algorithm::Sha256, 8, u64::MAX).unwrap());
        assert!(OtpauthLink::parse(&by_counter).unwrap().generator == expected);
    }

    #[test]
    fn what_a_link_leaves_out_is_as_everywhere() {
        let (short, _) = GOOD.split_once("&issuer").unwrap();
        let link = OtpauthLink::parse(&short.replace("ACME%20Co:", "")).unwrap();
        assert!(link == OtpauthLink::new(None, "maya@example.org", by_time()).unwrap());
    }

    #[test]
    fn what_does_not_matter_changes_nothing() {
        let link = OtpauthLink::parse(GOOD).unwrap();
        let same = [
            format!(" {GOOD}\n"),
            format!("{GOOD}#fragment?secret=&issuer=Thief"),
            format!("{GOOD}&image=https%3A%2F%2Fexample.org%2Flogo&image=%zz"),
            format!("{GOOD}&counter=none"),
            format!("{GOOD}&&"),
            GOOD.replace("otpauth://totp", "OTPAUTH://TOTP"),
            GOOD.replace("secret=", "SECRET="),
            GOOD.replace("secret=", "%73ecret="),
            GOOD.replace("SHA256", "sha256"),
            GOOD.replace("GEZDGNBV", "gezd%20gnbv-"),
            GOOD.replace("QOJQ&", "QOJQ====&"),
            GOOD.replace("ACME%20Co:maya", "ACME%20Co%3A%20maya"),
            GOOD.replace("ACME%20Co:maya", "ACME Co:maya"),
            GOOD.replace("ACME%20Co:maya", "maya"),
            GOOD.replace("issuer=ACME%20Co", "issuer=ACME+Co"),
            GOOD.replace("&issuer=ACME%20Co", ""),
            GOOD.replace("issuer=ACME%20Co", "issuer="),
        ];
        for text in same {
            assert!(OtpauthLink::parse(&text) == Ok(link.clone()), "{text}");
        }
    }

    #[test]
    fn one_changed_part_of_a_link_is_refused() {
        let wrong = [
            (GOOD.replace("otpauth:", "https:"), "otpauth link"),
            (GOOD.replace("totp", "steam"), "otpauth link"),
            (GOOD.replace("totp", "hotp"), "otpauth link"),
            (GOOD.replace("totp/", "totp"), "otpauth link"),
            (GOOD.replace('?', "&"), "otpauth link"),
            (GOOD.replace("secret=", "secrets="), "otpauth link"),
            (GOOD.replace("ACME%20Co:", "%"), "otpauth link"),
            (GOOD.replace("ACME%20Co:", "%4"), "otpauth link"),
            (GOOD.replace("ACME%20Co:", "%+4"), "otpauth link"),
            (GOOD.replace("ACME%20Co:", "%ff:"), "otpauth link"),
            (GOOD.replace("issuer=ACME", "issuer=%zz"), "otpauth link"),
            (GOOD.replace("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", ""), "one-time code secret"),
            (GOOD.replace("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOI"), "one-time code secret"),
            (GOOD.replace("GEZD", "0000"), "one-time code secret"),
            (GOOD.replace("SHA256", "MD5"), "one-time code algorithm"),
            (GOOD.replace("digits=8", "digits=9"), "one-time code digits"),
            (GOOD.replace("digits=8", "digits=264"), "one-time code digits"),
            (GOOD.replace("digits=8", "digits="), "one-time code digits"),
            (GOOD.replace("digits=8", "digits=%2B8"), "one-time code digits"),
            (GOOD.replace("period=60", "period=0"), "one-time code period"),
            (GOOD.replace("period=60", "period=301"), "one-time code period"),
            (GOOD.replace("period=60", "period=-30"), "one-time code period"),
            (GOOD.replace("totp", "hotp").replace("period=60", "counter=-1"), "one-time code counter"),
            (
                GOOD.replace("totp", "hotp").replace("period=60", "counter=18446744073709551616"),
                "one-time code counter",
            ),
            (GOOD.replace("maya@example.org", ""), "account name"),
            (String::new(), "otpauth link"),
            ("otpauth://totp/".into(), "otpauth link"),
            ("otpauth-migration://offline?data=CjEK".into(), "otpauth link"),
        ];
        for (text, part) in wrong {
            assert!(OtpauthLink::parse(&text) == Err(Refusal::Malformed(part)), "{text}");
        }
        for name in Parameters::KNOWN {
            let once = if GOOD.contains(name) { String::new() } else { format!("&{name}=1") };
            let twice = format!("{GOOD}{once}&{}=1", name.to_uppercase());
            assert!(OtpauthLink::parse(&twice) == Err(WRONG), "{twice}");
        }
        assert!(OtpauthLink::parse(&format!("{GOOD}&image={}", "a".repeat(4096))) == Err(Refusal::TooLarge));
        assert_eq!(named(&"a".repeat(101), ""), Err(Refusal::TooLarge));
    }

    #[test]
    fn what_could_mislead_a_person_is_refused() {
        for character in ["%0A", "%00", "%E2%80%AE", "%E2%81%A6", "%EF%BB%BF", "\u{202e}", "%7F"] {
            let account = Err(Refusal::Malformed("account name"));
            let issuer = Err(Refusal::Malformed("issuer name"));
            assert_eq!(named(&format!("maya{character}"), ""), account, "{character}");
            assert_eq!(named(&format!("ma{character}ya"), "&issuer=ACME"), account, "{character}");
            assert_eq!(named(&format!("{character}ACME:maya"), ""), issuer, "{character}");
            assert_eq!(named("maya", &format!("&issuer=ACME{character}")), issuer, "{character}");
        }
    }

    #[test]
    fn the_parameter_names_the_issuer_before_the_label_does() {
        let is = |issuer: Option<&str>, account: &str| Ok((issuer.map(str::to_owned), account.to_owned()));
        assert_eq!(named("ACME:maya", ""), is(Some("ACME"), "maya"));
        assert_eq!(named("ACME:maya", "&issuer=Example"), is(Some("Example"), "maya"));
        assert_eq!(named("maya", "&issuer=Example"), is(Some("Example"), "maya"));
        assert_eq!(named("ACME:maya", "&issuer=%20"), is(Some("ACME"), "maya"));
        assert_eq!(named(":maya", ""), is(None, "maya"));
        assert_eq!(named("Maya+Jo", "&issuer=A%2BB+C"), is(Some("A+B C"), "Maya+Jo"));
        assert_eq!(named("a.example%3A8443:maya", "&issuer=a.example%3A8443"), is(Some("a.example:8443"), "maya"));
        assert_eq!(named("ACME:role:maya", ""), is(Some("ACME"), "role:maya"));
        assert_eq!(named("%F0%9F%9A%80%20%D9%85%D8%A7%DB%8C%D8%A7", ""), is(None, "🚀 مایا"));
    }

    #[test]
    fn a_link_is_written_for_every_reader() {
        let link = OtpauthLink::new(Some("A+B & Söhne: 50%"), "maya/x?y#z@example.org", by_time()).unwrap();
        assert_eq!(
            link.to_text().as_str(),
            "otpauth://totp/A%2BB%20%26%20S%C3%B6hne%3A%2050%25:maya%2Fx%3Fy%23z%40example.org\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A%2BB%20%26%20S%C3%B6hne%3A%2050%25\
             &algorithm=SHA1&digits=6&period=30"
        );
        let counted = Generator::Hotp(Hotp::new(secret(), Algorithm::Sha512, 7, 9).unwrap());
        assert_eq!(
            OtpauthLink::new(None, "..", counted).unwrap().to_text().as_str(),
            "otpauth://hotp/..?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA512&digits=7&counter=9"
        );
        assert_eq!(format!("{link:?}"), "OtpauthLink");
    }

    #[test]
    fn names_that_would_be_read_otherwise_are_refused() {
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

    fn any_generator() -> impl Strategy<Value = Generator> {
        let algorithm = prop::sample::select(vec![Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]);
        let secret = prop::collection::vec(any::<u8>(), 10..=128);
        (secret, algorithm, 6..=8_u8, 1..=300_u16, any::<u64>(), any::<bool>()).prop_map(
            |(secret, algorithm, digits, period, counter, by_time)| {
                let secret = Secret::foreign(&secret).unwrap();
                if by_time {
                    Generator::Totp(Totp::new(secret, algorithm, digits, period).unwrap())
                } else {
                    Generator::Hotp(Hotp::new(secret, algorithm, digits, counter).unwrap())
                }
            },
        )
    }

    /// Names with much of what a link gives a meaning to.
    fn any_name() -> impl Strategy<Value = String> {
        prop_oneof!["[a-c:%+&=?#/@. ]{1,12}", "\\PC{1,100}"]
    }

    proptest! {
        #[test]
        fn a_link_that_is_written_reads_the_same(
            issuer in prop::option::of(any_name()),
            account in any_name(),
            generator in any_generator(),
        ) {
            let link = OtpauthLink::new(issuer.as_deref(), &account, generator);
            prop_assume!(link.is_ok());
            prop_assert!(OtpauthLink::parse(&link.as_ref().unwrap().to_text()) == link);
        }

        #[test]
        fn a_link_that_is_read_is_written_and_reads_the_same(
            label in any_name(),
            issuer in any_name(),
            more in "(&(digits|period|counter|secret|x)=[0-9]{0,3}){0,3}",
        ) {
            let text = format!("otpauth://totp/{label}?secret=GEZDGNBVGY3TQOJQ&issuer={issuer}{more}");
            if let Ok(link) = OtpauthLink::parse(&text) {
                prop_assert!(OtpauthLink::parse(&link.to_text()) == Ok(link));
            }
        }

        #[test]
        fn a_link_from_anywhere(text in prop_oneof![any::<String>(), "otpauth://[ht]otp/\\PC{0,60}"]) {
            let _ = OtpauthLink::parse(&text);
        }
    }
}
