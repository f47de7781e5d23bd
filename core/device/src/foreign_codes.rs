//! The codes of other services: taken from their `otpauth` links, kept sealed, and shown by this device's clock.
//!
//! A link is kept as it is written ([`OtpauthLink::to_text`]), sealed so that it opens only while the device is
//! unlocked, as the seeds of our own codes are.

use crate::authenticator::Authenticator;
use crate::error::{Error, StoreError};
use crate::store::StoredForeignCode;
use crate::vault::{Opens, at_rest_key};
use countersign_protocol::at_rest::{AtRestKey, Location};
use countersign_protocol::handle::ForeignCodeId;
use countersign_protocol::one_time_code::Shown;
use countersign_protocol::otpauth::{self, Found, Generator, LinkRefusal, NotTaken, OtpauthLink, Taken, Warning};

/// A code of another service, at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignCode {
    /// Names it on this device.
    pub id: ForeignCodeId,
    /// The service, where its link names one.
    pub issuer: Option<String>,
    /// The account there; empty where the link names none.
    pub account: String,
    /// The code by time: digits, or the five characters of Steam. None is one by counter, which is shown only when it
    /// is asked for, since it serves once: [`Authenticator::next_foreign_code`].
    pub shown: Option<Shown>,
}

/// How a code that is offered stands to those that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is new.
    New,
    /// It is new, and another code is kept under the same names. Both are kept.
    SameNames,
    /// It is kept already: the same names, secret and form. It is not kept twice.
    Known,
}

impl Standing {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::SameNames => "same_names",
            Self::Known => "known",
        }
    }
}

/// A code that a link offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedCode {
    /// Names it on this device once it is kept; in a preview of what is new it names nothing yet.
    pub id: ForeignCodeId,
    /// The service, where its link names one.
    pub issuer: Option<String>,
    /// The account there; empty where the link names none.
    pub account: String,
    /// True when each code serves once, and is counted.
    pub by_counter: bool,
    /// What the person should know of it.
    pub warnings: Vec<Warning>,
    /// How it stands to those that are kept.
    pub standing: Standing,
}

/// What a person scanned, pasted or typed, whatever it is: a refusal is in the list, with its reason.
pub fn look(text: &str) -> Found {
    otpauth::read(text).unwrap_or_else(nothing_but)
}

/// The same of a key without a link, under these names.
pub fn look_at_key(key: &str, issuer: Option<&str>, account: &str) -> Found {
    otpauth::read_key(key, issuer, account)
        .map_or_else(nothing_but, |taken| Found { taken: vec![taken], ..Found::default() })
}

fn nothing_but(why: LinkRefusal) -> Found {
    Found { not_taken: vec![NotTaken { name: String::new(), why }], ..Found::default() }
}

impl Authenticator {
    /// The codes of other services at this moment, oldest first. No network is used.
    ///
    /// # Errors
    /// [`Error::Vault`] while the device is locked; [`Error::Store`] when the store cannot be read.
    pub fn foreign_codes(&self) -> Result<Vec<ForeignCode>, Error> {
        let now = self.platform.clock.now();
        let shown = |(id, link): (ForeignCodeId, OtpauthLink)| ForeignCode {
            id,
            issuer: link.issuer().map(str::to_owned),
            account: link.account().to_owned(),
            shown: match link.generator() {
                Generator::Totp(totp) => Some(totp.now(now)),
                Generator::Steam(steam) => Some(steam.now(now)),
                Generator::Hotp(_) => None,
            },
        };
        let stored = self.store.foreign_codes()?;
        Ok(if stored.is_empty() {
            Vec::new()
        } else {
            self.seal()?.open_all(&stored)?.into_iter().map(shown).collect()
        })
    }

    /// What would come of adding these codes. Nothing is kept: for the person to look at before they say yes.
    ///
    /// # Errors
    /// As [`Authenticator::foreign_codes`].
    pub fn preview_codes(&self, found: &[Taken]) -> Result<Vec<OfferedCode>, Error> {
        let known = self.seal()?.open_all(&self.store.foreign_codes()?)?;
        let id = || ForeignCodeId::random(&*self.platform.randomness);
        Ok(offer(known, found, id).into_iter().map(|(offered, _)| offered).collect())
    }

    /// Keeps these codes, but for those that are kept already.
    ///
    /// # Errors
    /// As [`Authenticator::foreign_codes`]; nothing is kept then.
    pub fn add_codes(&self, found: &[Taken]) -> Result<Vec<OfferedCode>, Error> {
        let seal = self.seal()?;
        self.store.change_foreign_codes(self.platform.clock.now(), |stored| {
            let known = seal.open_all(&stored)?;
            let offered = offer(known, found, || ForeignCodeId::random(&*self.platform.randomness));
            let kept = offered.iter().filter(|(one, _)| one.standing != Standing::Known);
            let kept = kept.map(|(one, link)| self.sealed(&seal, one.id, link)).collect();
            Ok((kept, offered.into_iter().map(|(one, _)| one).collect()))
        })
    }

    /// The next code by counter. The counter is kept before the code is given, so that none is given twice, also after
    /// a crash. Of a code by time it is that of this moment.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`]; otherwise as [`Authenticator::foreign_codes`].
    pub fn next_foreign_code(&self, id: ForeignCodeId) -> Result<String, Error> {
        let now = self.platform.clock.now();
        self.change(id, |link| match link.generator().clone() {
            Generator::Totp(totp) => (None, totp.now(now).code),
            Generator::Steam(steam) => (None, steam.now(now).code),
            Generator::Hotp(hotp) => {
                let (code, next) = hotp.take();
                (Some(link.with_generator(Generator::Hotp(next))), code)
            }
        })
    }

    /// Gives a code other names, cleaned as those of links are. Gives the names as they are kept.
    ///
    /// # Errors
    /// As [`Authenticator::next_foreign_code`].
    pub fn rename_foreign_code(
        &self,
        id: ForeignCodeId,
        issuer: Option<&str>,
        account: &str,
    ) -> Result<(Option<String>, String), Error> {
        self.change(id, |link| {
            let renamed = link.renamed(issuer, account);
            let names = (renamed.issuer().map(str::to_owned), renamed.account().to_owned());
            (Some(renamed), names)
        })
    }

    /// Removes a code of another service from this device. The service still asks for it: there should be another way
    /// in.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`] when it is not on this device; [`Error::Store`] when it cannot be taken out of the
    /// store.
    pub fn remove_foreign_code(&self, id: ForeignCodeId) -> Result<(), Error> {
        if self.store.delete_foreign_code(id)? { Ok(()) } else { Err(Error::UnknownAccount) }
    }

    fn change<T>(
        &self,
        id: ForeignCodeId,
        change: impl FnOnce(OtpauthLink) -> (Option<OtpauthLink>, T),
    ) -> Result<T, Error> {
        let seal = self.seal()?;
        self.store.change_foreign_codes(self.platform.clock.now(), |stored| {
            let one = stored.iter().find(|one| one.id == id).ok_or(Error::UnknownAccount)?;
            let (changed, result) = change(seal.open(one)?);
            Ok((changed.iter().map(|link| self.sealed(&seal, id, link)).collect(), result))
        })
    }

    fn seal(&self) -> Result<Seal, Error> {
        Ok(Seal(at_rest_key(&*self.platform.vault, Opens::WhileUnlocked)?))
    }

    fn sealed(&self, seal: &Seal, id: ForeignCodeId, link: &OtpauthLink) -> StoredForeignCode {
        let text = link.to_text();
        let link = seal.0.seal(location(&id.to_string()), text.as_bytes(), &*self.platform.randomness);
        StoredForeignCode { id, link }
    }
}

/// What opens and seals the links.
struct Seal(AtRestKey);

impl Seal {
    fn open(&self, stored: &StoredForeignCode) -> Result<OtpauthLink, Error> {
        let text = self.0.open(location(&stored.id.to_string()), &stored.link)?;
        let link = std::str::from_utf8(&text).ok().and_then(|text| OtpauthLink::parse(text).ok());
        Ok(link.ok_or_else(|| StoreError::Damaged("a code of another service".into()))?)
    }

    fn open_all(&self, stored: &[StoredForeignCode]) -> Result<Vec<(ForeignCodeId, OtpauthLink)>, Error> {
        stored.iter().map(|one| Ok((one.id, self.open(one)?))).collect()
    }
}

const fn location(id: &str) -> Location<'_> {
    Location { table: "foreign_code", row: id, column: "link" }
}

/// Each link beside those that are kept and those before it.
fn offer(
    mut known: Vec<(ForeignCodeId, OtpauthLink)>,
    found: &[Taken],
    fresh: impl Fn() -> ForeignCodeId,
) -> Vec<(OfferedCode, OtpauthLink)> {
    let mut offered = Vec::new();
    for Taken { link, warnings } in found {
        let named = |other: &&(ForeignCodeId, OtpauthLink)| {
            (other.1.issuer(), other.1.account()) == (link.issuer(), link.account())
        };
        let same = known.iter().filter(named).find(|(_, other)| same_codes(other.generator(), link.generator()));
        let (id, standing) = match same {
            Some((id, _)) => (*id, Standing::Known),
            None if known.iter().any(|one| named(&one)) => (fresh(), Standing::SameNames),
            None => (fresh(), Standing::New),
        };
        let (issuer, account) = (link.issuer().map(str::to_owned), link.account().to_owned());
        let by_counter = matches!(link.generator(), Generator::Hotp(_));
        offered.push((
            OfferedCode { id, issuer, account, by_counter, warnings: warnings.clone(), standing },
            link.clone(),
        ));
        known.push((id, link.clone()));
    }
    offered
}

/// True when both make the same codes, wherever their counters are.
fn same_codes(one: &Generator, other: &Generator) -> bool {
    match (one, other) {
        (Generator::Hotp(one), Generator::Hotp(other)) => {
            (one.secret(), one.algorithm(), one.digits()) == (other.secret(), other.algorithm(), other.digits())
        }
        _ => one == other,
    }
}
