//! What a person scanned, pasted or typed: the links in it, and what it is where there are none.

use super::decode::{decode, position};
use super::link::{Generator, OtpauthLink};
use super::names;
use super::parameters::{hides_parameter, read_secret};
use super::refusal::{LinkRefusal, NotTaken, Part, Taken};
use super::{batch, single};
use crate::enrolment::EnrolmentLink;
use crate::one_time_code::{Algorithm, DEFAULT_DIGITS, DEFAULT_PERIOD, Totp};
use crate::typed;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// The longest text that is pasted, in bytes: some hundred links, or the largest batch.
const MAX_TEXT: usize = 256 * 1024;
/// The fewest characters of what is taken for a key and not for a word.
const SHORTEST_KEY: usize = 8;

/// The schemes whose links are read or known by their form, as far as a text must have it to mean one.
const SCHEMES: [(Scheme, &str); 6] = [
    (Scheme::Batch, "otpauth-migration:/"),
    // Apple's own name for the same: a page that uses it opens the passwords of an iPhone and no other app.
    (Scheme::Otpauth, "apple-otpauth:/"),
    (Scheme::Otpauth, "otpauth:/"),
    (Scheme::Encoded, "otpauth%3A"),
    (Scheme::Steam, "steam://"),
    (Scheme::MobileOtp, "motp:/"),
];

/// What may stand around a link.
const QUOTES: [(char, char); 10] = [
    ('<', '>'),
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('(', ')'),
    ('[', ']'),
    ('\u{201c}', '\u{201d}'),
    ('\u{201e}', '\u{201c}'),
    ('\u{2018}', '\u{2019}'),
    ('\u{ab}', '\u{bb}'),
];
/// The longest groups in which a secret is written, in characters.
const LONGEST_GROUP: usize = 8;
/// The longest scheme that is named in a refusal, in characters.
const LONGEST_SCHEME: usize = 20;

/// Schemes of apps that show the codes of one service alone, and of what is no link for codes.
const OTHERS: [(&str, LinkRefusal); 9] = [
    ("phonefactor:", LinkRefusal::OtherApp("Microsoft Authenticator")),
    ("msauth:", LinkRefusal::OtherApp("Microsoft Authenticator")),
    ("microsoft-authenticator:", LinkRefusal::OtherApp("Microsoft Authenticator")),
    ("duo:", LinkRefusal::OtherApp("Duo Mobile")),
    ("oktaverify:", LinkRefusal::OtherApp("Okta Verify")),
    ("yandexkey:", LinkRefusal::OtherApp("Yandex Key")),
    ("fido:", LinkRefusal::Passkey),
    ("http://", LinkRefusal::WebPage),
    ("https://", LinkRefusal::WebPage),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Otpauth,
    /// A link that was percent-encoded as a whole, as in the address of a picture.
    Encoded,
    Batch,
    Steam,
    MobileOtp,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// What was taken, in its order.
    pub taken: Vec<Taken>,
    /// What was not, of several.
    pub not_taken: Vec<NotTaken>,
    /// That there are more codes to scan: the last part that was found.
    pub part: Option<Part>,
}

/// Reads what a person scanned, pasted or typed: a link, alone or in a text; several, one a line; a batch of Google
/// Authenticator.
///
/// # Errors
/// A [`LinkRefusal`] when there is one link and it is not taken, or none, or when it cannot be told where one ends. Of
/// several each is refused by itself.
pub fn read(text: &str) -> Result<Found, LinkRefusal> {
    if text.len() > MAX_TEXT {
        return Err(LinkRefusal::TooLong);
    }
    // Programs hand a link on as JSON writes it.
    let text = Zeroizing::new(text.replace("\\/", "/"));
    let links = links_in(&text)?;
    if links.iter().any(|link| !link.is_whole) { Err(LinkRefusal::NotAlone) } else { read_each(links) }
}

/// As [`read`], of a file, whose length was checked: a link whose end cannot be told is refused by itself.
pub(crate) fn read_file(text: &str) -> Result<Found, LinkRefusal> {
    read_each(links_in(text)?)
}

fn read_each(links: Vec<Place>) -> Result<Found, LinkRefusal> {
    let alone = links.len() == 1;
    let mut found = Found::default();
    for Place { scheme, link, is_whole } in links {
        let one = match scheme {
            _ if !is_whole => Err(LinkRefusal::NotAlone),
            Scheme::Otpauth | Scheme::Encoded => single::read(&link),
            Scheme::Steam => single::read_steam(&link),
            Scheme::MobileOtp => Err(LinkRefusal::MobileOtp),
            Scheme::Batch => match batch::read(&link) {
                Ok((taken, not_taken, part)) => {
                    found.taken.extend(taken);
                    found.not_taken.extend(not_taken);
                    found.part = part.or(found.part);
                    continue;
                }
                Err(why) => Err(why),
            },
        };
        match one {
            Ok(taken) => found.taken.push(taken),
            Err(why) if alone => return Err(why),
            Err(why) => found.not_taken.push(NotTaken { name: label_of(&link), why }),
        }
    }
    Ok(found)
}

/// Reads a secret that was typed without a link, for codes by time as every service has them where it gives a key to
/// type: SHA-1, 6 digits, 30 seconds.
///
/// # Errors
/// [`LinkRefusal::NoSecret`], [`LinkRefusal::SecretCharacters`], [`LinkRefusal::SecretTooLong`].
pub fn read_key(key: &str, issuer: Option<&str>, account: &str) -> Result<Taken, LinkRefusal> {
    let mut warnings = Vec::new();
    let secret = single::with_warnings(read_secret(&typed::key(key))?, &mut warnings);
    let totp = Totp::foreign(secret, Algorithm::Sha1, DEFAULT_DIGITS, DEFAULT_PERIOD);
    let generator = totp.map(Generator::Totp).map_err(|_| LinkRefusal::Digits)?;
    Ok(Taken { link: unnamed(generator).renamed(issuer, account), warnings, group: None })
}

/// Codes that have no names yet.
pub(super) fn unnamed(generator: Generator) -> OtpauthLink {
    OtpauthLink::named("", None, generator)
}

impl OtpauthLink {
    /// Reads one link of any service, and leaves out what is worth knowing of it: [`read`] says that too.
    ///
    /// # Errors
    /// As [`read`], and [`LinkRefusal::NotAlone`] when there are several.
    pub fn parse(text: &str) -> Result<Self, LinkRefusal> {
        match <[Taken; 1]>::try_from(read(text)?.taken) {
            Ok([Taken { link, .. }]) => Ok(link),
            Err(_) => Err(LinkRefusal::NotAlone),
        }
    }
}

/// The names in the label of a link that is not taken. A secret is not among them: a label that holds an equals sign is
/// none.
fn label_of(link: &str) -> String {
    let head = link.split('?').next().unwrap_or_default().trim_start_matches('/');
    match head.split_once('/') {
        Some((_, label)) if !label.contains('=') => names::shown_together(&decode(label), None),
        _ => String::new(),
    }
}

/// A link of a text.
struct Place {
    scheme: Scheme,
    /// From behind the name of its scheme.
    link: Zeroizing<String>,
    /// False where its end cannot be told from the text around it, or it was broken into lines.
    is_whole: bool,
}

/// The links of a text, one a line.
fn links_in(text: &str) -> Result<Vec<Place>, LinkRefusal> {
    let mut links: Vec<Place> = Vec::new();
    let mut behind_link = false;
    let lines = text.split(['\n', '\u{2028}', '\u{2029}', '\u{85}']);
    for line in lines.flat_map(|line| line.trim_end_matches('\r').split('\r')) {
        let line = line.trim_matches(shows_nothing);
        let places = SCHEMES.iter().filter_map(|(scheme, form)| Some((position(line, form)?, *scheme, form.len())));
        if let Some((at, scheme, length)) = places.min_by_key(|(at, ..)| *at) {
            let (before, rest) = (&line[..at], &line[at + length..]);
            let link = whole_link(scheme, before.trim_end(), rest);
            let is_whole = link.is_ok();
            links.push(Place { scheme, link: Zeroizing::new(link.unwrap_or_else(|_| rest.to_owned())), is_whole });
        } else if behind_link && !line.is_empty() && !line.starts_with('#') {
            // It may be the rest of a link that was broken into lines, and nobody would miss what was cut off.
            links.last_mut().into_iter().for_each(|link| link.is_whole = false);
        }
        behind_link = !links.is_empty() && !line.is_empty() && !line.starts_with('#');
    }
    if links.is_empty() { Err(what_else(text.trim_matches(shows_nothing))) } else { Ok(links) }
}

fn shows_nothing(character: char) -> bool {
    names::clean(character.encode_utf8(&mut [0; 4])).is_empty()
}

/// The link that begins with `rest`, without the text around it. Spaces may belong to a link, so where it is not plain
/// whether a word behind it is part of the secret, it is refused.
fn whole_link(scheme: Scheme, before: &str, rest: &str) -> Result<String, LinkRefusal> {
    if scheme == Scheme::Encoded {
        let end = rest.find(|end: char| end.is_whitespace() || "&\"'<>)".contains(end)).unwrap_or(rest.len());
        return Ok(percent_decode_str(&rest[..end]).decode_utf8_lossy().into_owned());
    }
    let quoted = before.chars().next_back().and_then(|quote| QUOTES.iter().find(|(opens, _)| *opens == quote));
    if let Some(end) = quoted.and_then(|(_, closes)| rest.find(*closes)) {
        return Ok(rest[..end].to_owned());
    }
    let (word, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if before.is_empty() || behind.contains('&') || hides_parameter(behind) {
        return if ends_in_odd_words(scheme, rest) { Err(LinkRefusal::NotAlone) } else { Ok(rest.to_owned()) };
    }
    if !behind.trim().is_empty() && last_secret(scheme, word).is_some() {
        return Err(LinkRefusal::NotAlone);
    }
    Ok(word
        .trim_end_matches(|end: char| ".,;:!?".contains(end) || QUOTES.iter().any(|(_, closes)| *closes == end))
        .to_owned())
}

/// The secret, where the link ends with it.
fn last_secret(scheme: Scheme, link: &str) -> Option<&str> {
    match link.rsplit(['&', '?', '/']).next()?.split_once('=') {
        Some((name, secret)) => name.trim().eq_ignore_ascii_case("secret").then_some(secret),
        // A link of Steam may be nothing but the secret.
        None => (scheme == Scheme::Steam).then(|| link.trim_start_matches('/')),
    }
}

/// True when the link ends with the secret and words that may not belong to it: a secret that is written in groups has
/// groups of one length, but for the last.
fn ends_in_odd_words(scheme: Scheme, link: &str) -> bool {
    let Some(secret) = last_secret(scheme, link) else { return false };
    let lengths: Vec<usize> = secret.split_whitespace().map(str::len).collect();
    let Some((first, others)) = lengths.split_first() else { return false };
    let Some((last, middle)) = others.split_last() else { return false };
    *first > LONGEST_GROUP || middle.iter().any(|length| length != first) || last > first
}

/// What a text without a link for codes is.
fn what_else(text: &str) -> LinkRefusal {
    if EnrolmentLink::parse(text).is_ok() || text.contains("/enrol#t=") {
        return LinkRefusal::EnrolmentLink;
    }
    if let Some((_, refusal)) = OTHERS.iter().find(|(scheme, _)| position(text, scheme) == Some(0)) {
        return refusal.clone();
    }
    if let Some((scheme, _)) = text.split_once("://") {
        let of_scheme = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '.' | '-');
        if !scheme.is_empty() && scheme.len() <= LONGEST_SCHEME && scheme.chars().all(of_scheme) {
            return LinkRefusal::UnknownScheme(scheme.to_ascii_lowercase());
        }
    }
    let is_key = text.chars().count() >= SHORTEST_KEY && read_secret(text).is_ok();
    if is_key { LinkRefusal::BareKey } else { LinkRefusal::NoLink }
}
