//! Links from a page to the app: an address of the server, and what the app needs in the fragment, which no browser
//! sends and no log keeps.

use crate::handle::ChallengeId;
use crate::key::Thumbprint;
use crate::refusal::Refusal;
use crate::typed;
use url::{Host, Url};
use zeroize::Zeroizing;

/// The longest link that is read, in bytes.
const MAX_LENGTH: usize = 2048;

/// True for an address that can be spoken to without being overheard: TLS, or this machine.
pub fn is_trustworthy(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

/// Takes a link apart whose path ends in `page`: the server's address, the value of `name`, and the fingerprint in `k`.
/// The fragment holds these two in this order and nothing else.
pub(crate) fn take_apart(text: &str, page: &str, name: &str) -> Option<(String, String, Thumbprint)> {
    let url = Url::parse(text).ok()?;
    if !is_trustworthy(&url) || url.query().is_some() || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let path = url.path().strip_suffix(page)?;
    let (value, fingerprint) = url.fragment()?.strip_prefix(name)?.strip_prefix('=')?.split_once("&k=")?;
    let server_url = format!("{}{path}", url.origin().ascii_serialization());
    Some((server_url, value.to_owned(), fingerprint.parse().ok()?))
}

/// What was pasted without what was copied with it; refuses what is too long to be a link.
pub(crate) fn pasted(text: &str) -> Result<Zeroizing<String>, Refusal> {
    let link = typed::link(text);
    if link.len() > MAX_LENGTH { Err(Refusal::TooLarge) } else { Ok(link) }
}

/// Opens a request in the app on the same phone: `https://HOST/challenge#c=CHALLENGE&k=FINGERPRINT`. It answers
/// nothing, and never carries the number that the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeLink {
    /// The server's address, without a trailing slash.
    pub server_url: String,
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The thumbprint of the server's root.
    pub fingerprint: Thumbprint,
}

impl ChallengeLink {
    /// The link's text form.
    pub fn to_text(&self) -> String {
        format!("{}/challenge#c={}&k={}", self.server_url, self.challenge_id, self.fingerprint)
    }

    /// Reads a link.
    ///
    /// # Errors
    /// `too_large` when it is too long for a link; `malformed` when it is not the address of a server with a challenge
    /// and a fingerprint behind it, and nothing else.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("challenge link");
        let (server_url, challenge, fingerprint) = take_apart(&pasted(text)?, "/challenge", "c").ok_or(WRONG)?;
        Ok(Self { server_url, challenge_id: challenge.parse().map_err(|_| WRONG)?, fingerprint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SoftwareKey;
    use crate::randomness::SystemRandomness;

    #[test]
    fn a_link_opens_a_challenge_and_carries_nothing_else() {
        let link = ChallengeLink {
            server_url: "https://login.example/second".into(),
            challenge_id: ChallengeId::random(&SystemRandomness::new()),
            fingerprint: SoftwareKey::generate().unwrap().0.public().thumbprint(),
        };
        let text = link.to_text();
        for pasted in [format!(" {text}\n"), format!("<{text}>."), text.replace("&k", "\r\n&amp;k")] {
            assert_eq!(ChallengeLink::parse(&pasted).unwrap(), link, "{pasted:?}");
        }
        let wrong = Err(Refusal::Malformed("challenge link"));
        for other in [
            text.replace("https", "http"),
            text.replace("/challenge", "/enrol"),
            text.replace("#c=", "#t="),
            text.replace("#", "?n=42#"),
            format!("{text}&n=42"),
            text.replace("&k=", "&n=42&k="),
            text.replace("login", "me@login"),
            text[..text.len() - 1].to_owned(),
        ] {
            assert_eq!(ChallengeLink::parse(&other), wrong, "{other}");
        }
        assert_eq!(ChallengeLink::parse(&"x".repeat(2049)), Err(Refusal::TooLarge));
    }
}
