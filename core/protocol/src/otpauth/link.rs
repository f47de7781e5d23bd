//! A link that was read, and how it is written.

use super::names;
use crate::one_time_code::{Hotp, Secret, Steam, Totp};
use crate::refusal::Refusal;
use crate::text;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// What is encoded when a link is written: all but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the codes of a link come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Generator {
    /// By time.
    Totp(Totp),
    /// By counter.
    Hotp(Hotp),
    /// Steam's five characters, by time.
    Steam(Steam),
}

impl Generator {
    /// The secret.
    pub const fn secret(&self) -> &Secret {
        match self {
            Self::Totp(totp) => totp.secret(),
            Self::Hotp(hotp) => hotp.secret(),
            Self::Steam(steam) => steam.secret(),
        }
    }
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

    /// A link with the names that a label and an issuer give, cleaned. Either may be missing.
    pub(super) fn named(label: &str, issuer: Option<&str>, generator: Generator) -> Self {
        let (issuer, account) = names::of(label, issuer);
        Self { issuer, account, generator }
    }

    /// The same codes under other names, as a person typed them.
    #[must_use]
    pub fn renamed(&self, issuer: Option<&str>, account: &str) -> Self {
        let issuer = issuer.filter(|issuer| !names::clean(issuer).is_empty());
        let label = issuer.map_or_else(|| account.to_owned(), |issuer| format!("{issuer}:{account}"));
        Self::named(&label, issuer, self.generator.clone())
    }

    /// The same names with other codes: those that follow, of a counter.
    #[must_use]
    pub fn with_generator(self, generator: Generator) -> Self {
        Self { generator, ..self }
    }

    /// The service, where the link names it.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The account at the service. Empty where the link names none.
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

    /// The link's text form, which reads as this same link. It holds the secret: it belongs in a QR code, and in no
    /// log.
    pub fn to_text(&self) -> Zeroizing<String> {
        let (kind, last) = match &self.generator {
            Generator::Totp(totp) => (
                "totp",
                format!("&algorithm={}&digits={}&period={}", totp.algorithm().as_str(), totp.digits(), totp.period()),
            ),
            Generator::Hotp(hotp) => (
                "hotp",
                format!("&algorithm={}&digits={}&counter={}", hotp.algorithm().as_str(), hotp.digits(), hotp.counter()),
            ),
            Generator::Steam(_) => ("steam", String::new()),
        };
        let (prefix, parameter) = self.issuer.as_deref().map_or_else(Default::default, |issuer| {
            (format!("{}:", encoded(issuer)), format!("&issuer={}", encoded(issuer)))
        });
        let (account, secret) = (encoded(&self.account), self.generator.secret().to_base32());
        Zeroizing::new(format!("otpauth://{kind}/{prefix}{account}?secret={}{parameter}{last}", secret.as_str()))
    }
}

/// Percent-encodes a name. What would look like an encoding in the name itself is written so that it is not taken for
/// one that was made twice: the digit behind the percent sign is encoded too.
fn encoded(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    let mut behind_percent = false;
    for character in name.chars() {
        if behind_percent && character.is_ascii_hexdigit() {
            written.push_str(&format!("%{:02X}", u32::from(character)));
        } else {
            written.extend(utf8_percent_encode(character.encode_utf8(&mut [0; 4]), RESERVED));
        }
        behind_percent = character == '%';
    }
    written
}

impl std::fmt::Debug for OtpauthLink {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("OtpauthLink")
    }
}
