//! One link: its kind, its codes and its names.

use super::decode::decode;
use super::link::{Generator, OtpauthLink};
use super::names;
use super::parameters::{Parameters, hides_parameter, read_secret};
use super::refusal::{LinkRefusal, Taken, Warning};
use crate::one_time_code::{Algorithm, DEFAULT_DIGITS, DEFAULT_PERIOD, Hotp, ReadSecret, Secret, Steam, Totp};

/// The longest link that is read, in bytes: the longest names, all of their characters encoded twice, fit.
const MAX_LINK_LENGTH: usize = 8192;
/// The name of the service whose codes are not digits.
const STEAM: &str = "Steam";

/// Reads a link, given what stands behind the colon of its scheme: `//totp/Issuer:account?secret=…`.
pub(super) fn read(rest: &str) -> Result<Taken, LinkRefusal> {
    if rest.len() > MAX_LINK_LENGTH {
        return Err(LinkRefusal::TooLong);
    }
    let (head, query) = split_query(rest);
    let head = head.trim_start_matches('/');
    let (kind, label) = head.split_once('/').unwrap_or((head, ""));
    if hides_parameter(label) {
        return Err(LinkRefusal::Garbled);
    }
    let kind = Kind::read(&names::clean(&decode(kind)))?;
    let parameters = Parameters::read(query)?;
    let (label, issuer) = (decode(label), parameters.issuer()?);
    // The names as they will be shown; the generator does not matter yet.
    let named_steam = || names::of(&label, issuer.as_deref()).0.is_some_and(|name| is_steam(&name));
    let mut warnings = Vec::new();
    let generator = generator(kind, &parameters, named_steam, &mut warnings)?;
    let link = OtpauthLink::named(&label, issuer.as_deref(), generator);
    parameters.beside.with(link, warnings)
}

/// Reads what stands behind `steam://`: the secret alone, or a link of that form.
pub(super) fn read_steam(rest: &str) -> Result<Taken, LinkRefusal> {
    if rest.contains(['?', '=']) {
        return read(&format!("//steam/{}", rest.trim_start_matches('/')));
    }
    let mut warnings = Vec::new();
    let secret = with_warnings(read_secret(&decode(rest.trim_matches('/')))?, &mut warnings);
    let link = OtpauthLink::named("", Some(STEAM), Generator::Steam(Steam::new(secret)));
    Ok(Taken { link, warnings, group: None })
}

/// What stands before and behind the question mark. A name may have one of its own, not encoded, so it is the first
/// behind which a parameter begins.
fn split_query(rest: &str) -> (&str, &str) {
    let begins_query = |at: &usize| {
        let name = rest[at + 1..].split(['=', '&', '?']).next().unwrap_or_default();
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '%');
        rest[at + 1 + name.len()..].starts_with('=') && !name.is_empty() && name.chars().all(is_name)
    };
    let marks = || rest.match_indices('?').map(|(at, _)| at);
    match marks().find(begins_query).or_else(|| marks().next()) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, ""),
    }
}

/// True for the name of the service whose codes are not digits.
pub(super) fn is_steam(issuer: &str) -> bool {
    issuer.eq_ignore_ascii_case(STEAM)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Totp,
    Hotp,
    Steam,
}

impl Kind {
    /// The kind of this name, in letters of either case.
    pub fn read(name: &str) -> Result<Self, LinkRefusal> {
        match name.to_ascii_lowercase().as_str() {
            "totp" => Ok(Self::Totp),
            "hotp" => Ok(Self::Hotp),
            "steam" => Ok(Self::Steam),
            "yaotp" | "yandex" => Err(LinkRefusal::OtherApp("Yandex Key")),
            "motp" => Err(LinkRefusal::MobileOtp),
            _ => Err(LinkRefusal::UnknownType),
        }
    }
}

/// The codes that a link asks for. Parameters of another kind of codes are ignored.
pub(super) fn generator(
    kind: Kind,
    parameters: &Parameters,
    named_steam: impl Fn() -> bool,
    warnings: &mut Vec<Warning>,
) -> Result<Generator, LinkRefusal> {
    let secret = with_warnings(parameters.secret()?, warnings);
    let (algorithm, asks_for_steam) = (parameters.algorithm()?, parameters.asks_for_steam()?);
    if kind == Kind::Hotp {
        if asks_for_steam {
            return Err(LinkRefusal::Encoder);
        }
        let counter = parameters.counter()?.unwrap_or_else(|| {
            warnings.push(Warning::CounterFromZero);
            0
        });
        let digits = parameters.digits()?.unwrap_or(DEFAULT_DIGITS);
        let hotp = Hotp::new(secret, algorithm, digits, counter).map_err(|_| LinkRefusal::Digits)?;
        return Ok(Generator::Hotp(hotp));
    }
    let period = parameters.period()?;
    if kind == Kind::Steam || asks_for_steam {
        return steam(secret, algorithm, period);
    }
    let digits = parameters.digits()?;
    // Steam's own links leave the digits out or say 5, and mean letters. No other service has five digits.
    if matches!(digits, None | Some(5)) && named_steam() {
        warnings.push(Warning::TakenForSteam);
        return steam(secret, algorithm, period);
    }
    let period = period.unwrap_or(DEFAULT_PERIOD);
    if period == 0 {
        return Err(LinkRefusal::Period);
    }
    let totp = Totp::foreign(secret, algorithm, digits.unwrap_or(DEFAULT_DIGITS), period);
    totp.map(Generator::Totp).map_err(|_| LinkRefusal::Digits)
}

/// Steam has one algorithm and one period; a link that says others is not Steam's, and its codes would be wrong.
fn steam(secret: Secret, algorithm: Algorithm, period: Option<u16>) -> Result<Generator, LinkRefusal> {
    if algorithm != Algorithm::Sha1 {
        return Err(LinkRefusal::Algorithm);
    }
    if period.is_some_and(|period| u64::from(period) != Steam::PERIOD) {
        return Err(LinkRefusal::Period);
    }
    Ok(Generator::Steam(Steam::new(secret)))
}

/// Takes the secret, and notes what is worth knowing of it.
pub(super) fn with_warnings(read: ReadSecret, warnings: &mut Vec<Warning>) -> Secret {
    let noted = [(read.short, Warning::ShortSecret), (read.uneven, Warning::UnevenSecret)];
    warnings.extend(noted.into_iter().filter(|(is, _)| *is).map(|(_, warning)| warning));
    read.secret
}
