//! An account in a file of another app, which has in members of its own what a link has in its parameters.

use super::beside::Beside;
use super::found::unnamed;
use super::names;
use super::parameters::{Name, Parameters};
use super::refusal::{LinkRefusal, NotTaken, Taken};
use super::single::{self, Kind};
use zeroize::Zeroizing;

/// An account as a file has it. What is empty is left out, and means what it means in a link.
#[derive(Default)]
pub(crate) struct Entry<'a> {
    /// `totp`, `hotp`, `steam` and others, in letters of either case.
    pub kind: &'a str,
    /// The service.
    pub issuer: &'a str,
    /// The account there.
    pub account: &'a str,
    /// In base32.
    pub secret: &'a str,
    /// The hash beneath the HMAC, by name.
    pub algorithm: &'a str,
    /// How many.
    pub digits: &'a str,
    /// In seconds.
    pub period: &'a str,
    /// The next one.
    pub counter: &'a str,
    /// What stands beside it.
    pub beside: Beside,
}

impl Entry<'_> {
    /// A name as it can be shown, of what is no entry for codes.
    pub(crate) fn name_of(title: &str) -> String {
        names::of_group(title)
    }

    /// Reads it by the rules of links.
    pub(crate) fn read(self) -> Result<Taken, NotTaken> {
        let issuer = Some(self.issuer).filter(|issuer| !names::clean(issuer).is_empty());
        let name = issuer.map_or_else(|| self.account.to_owned(), |issuer| format!("{issuer}:{}", self.account));
        let shown = names::shown_together(&name, issuer);
        self.taken(issuer).map_err(|why| NotTaken { name: shown, why })
    }

    fn taken(self, issuer: Option<&str>) -> Result<Taken, LinkRefusal> {
        let kind = Kind::read(self.kind)?;
        let values = [
            (Name::Secret, self.secret),
            (Name::Algorithm, self.algorithm),
            (Name::Digits, self.digits),
            (Name::Period, self.period),
            (Name::Counter, self.counter),
        ];
        let parameters = Parameters::of(values.map(|(name, value)| (name, Zeroizing::new(value.to_owned()))));
        let mut warnings = Vec::new();
        let named_steam = || issuer.is_some_and(|issuer| single::is_steam(issuer.trim()));
        let generator = single::generator(kind, &parameters, named_steam, &mut warnings)?;
        self.beside.with(unnamed(generator).renamed(issuer, self.account), warnings)
    }
}
