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
    /// The group in which the person keeps it.
    pub group: Option<String>,
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
    /// The group in which the other app has it, and in which it is kept when it is new.
    pub group: Option<String>,
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

pub(crate) fn nothing_but(why: LinkRefusal) -> Found {
    Found { not_taken: vec![NotTaken { name: String::new(), why }], ..Found::default() }
}

impl Authenticator {
    /// The codes of other services at this moment, in the person's order: as they were added, until
    /// [`Authenticator::arrange_foreign_codes`]. No network is used.
    ///
    /// # Errors
    /// [`Error::Vault`] while the device is locked; [`Error::Store`] when the store cannot be read.
    pub fn foreign_codes(&self) -> Result<Vec<ForeignCode>, Error> {
        self.find_foreign_codes("")
    }

    /// Those among them of whose service, account or group each word of a search is a part, in letters of either case.
    ///
    /// # Errors
    /// As [`Authenticator::foreign_codes`].
    pub fn find_foreign_codes(&self, search: &str) -> Result<Vec<ForeignCode>, Error> {
        let now = self.platform.clock.now();
        let words: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
        let shown = |Kept { id, link, group }: Kept| ForeignCode {
            id,
            issuer: link.issuer().map(str::to_owned),
            account: link.account().to_owned(),
            shown: match link.generator() {
                Generator::Totp(totp) => Some(totp.now(now)),
                Generator::Steam(steam) => Some(steam.now(now)),
                Generator::Hotp(_) => None,
            },
            group,
        };
        let all = self.kept_codes()?.into_iter();
        Ok(all.filter(|kept| kept.matches(&words)).map(shown).collect())
    }

    /// The codes of other services as they are kept.
    pub(crate) fn kept_codes(&self) -> Result<Vec<Kept>, Error> {
        let stored = self.store.foreign_codes()?;
        // A device that keeps none asks no vault.
        if stored.is_empty() { Ok(Vec::new()) } else { self.seal()?.open_all(&stored) }
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
            let kept = kept.map(|(one, link)| self.sealed(&seal, one.id, link, one.group.as_deref())).collect();
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
        self.change(id, |kept| match kept.link.generator().clone() {
            Generator::Totp(totp) => (None, totp.now(now).code),
            Generator::Steam(steam) => (None, steam.now(now).code),
            Generator::Hotp(hotp) => {
                let (code, next) = hotp.take();
                let link = kept.link.with_generator(Generator::Hotp(next));
                (Some(Kept { link, ..kept }), code)
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
        self.change(id, |kept| {
            let link = kept.link.renamed(issuer, account);
            let names = (link.issuer().map(str::to_owned), link.account().to_owned());
            (Some(Kept { link, ..kept }), names)
        })
    }

    /// Puts a code into the group of this name, cleaned as those of links are, or into none. Gives the name as it is
    /// kept.
    ///
    /// # Errors
    /// As [`Authenticator::next_foreign_code`].
    pub fn group_foreign_code(&self, id: ForeignCodeId, group: Option<&str>) -> Result<Option<String>, Error> {
        let group = group.and_then(otpauth::group_name);
        self.change(id, |kept| (Some(Kept { group: group.clone(), ..kept }), group))
    }

    /// Puts the codes into this order. Those that it does not name follow in the order that they had; what it names and
    /// is no longer here is passed over.
    ///
    /// # Errors
    /// [`Error::Store`] when the order cannot be kept; it is as it was then.
    pub fn arrange_foreign_codes(&self, order: &[ForeignCodeId]) -> Result<(), Error> {
        self.store.arrange_foreign_codes(order)
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

    fn change<T>(&self, id: ForeignCodeId, change: impl FnOnce(Kept) -> (Option<Kept>, T)) -> Result<T, Error> {
        let seal = self.seal()?;
        self.store.change_foreign_codes(self.platform.clock.now(), |stored| {
            let one = stored.iter().find(|one| one.id == id).ok_or(Error::UnknownAccount)?;
            let (changed, result) = change(seal.open(one)?);
            let sealed = changed.iter().map(|kept| self.sealed(&seal, id, &kept.link, kept.group.as_deref()));
            Ok((sealed.collect(), result))
        })
    }

    fn seal(&self) -> Result<Seal, Error> {
        Ok(Seal(at_rest_key(&*self.platform.vault, Opens::WhileUnlocked)?))
    }

    fn sealed(&self, seal: &Seal, id: ForeignCodeId, link: &OtpauthLink, group: Option<&str>) -> StoredForeignCode {
        let row = id.to_string();
        let sealed = |column, text: &str| {
            seal.0.seal(Location { column, ..location(&row) }, text.as_bytes(), &*self.platform.randomness)
        };
        StoredForeignCode { id, link: sealed(LINK, &link.to_text()), group: group.map(|name| sealed(GROUP, name)) }
    }
}

/// A code of another service, opened.
pub(crate) struct Kept {
    pub id: ForeignCodeId,
    pub link: OtpauthLink,
    pub group: Option<String>,
}

impl Kept {
    /// True when each of these words, in lower case, is in one of the names.
    fn matches(&self, words: &[String]) -> bool {
        let names =
            [self.link.issuer().unwrap_or_default(), self.link.account(), self.group.as_deref().unwrap_or_default()];
        let names = names.map(str::to_lowercase);
        words.iter().all(|word| names.iter().any(|name| name.contains(word)))
    }
}

/// What opens and seals the links.
struct Seal(AtRestKey);

impl Seal {
    fn open(&self, stored: &StoredForeignCode) -> Result<Kept, Error> {
        let row = stored.id.to_string();
        let damaged = || StoreError::Damaged("a code of another service".into());
        let text = self.0.open(location(&row), &stored.link)?;
        let link = std::str::from_utf8(&text).ok().and_then(|text| OtpauthLink::parse(text).ok());
        let group = match &stored.group {
            Some(sealed) => {
                let name = self.0.open(Location { column: GROUP, ..location(&row) }, sealed)?;
                Some(String::from_utf8(name.to_vec()).map_err(|_| damaged())?)
            }
            None => None,
        };
        Ok(Kept { id: stored.id, link: link.ok_or_else(damaged)?, group })
    }

    fn open_all(&self, stored: &[StoredForeignCode]) -> Result<Vec<Kept>, Error> {
        stored.iter().map(|one| self.open(one)).collect()
    }
}

/// The columns that are sealed.
const LINK: &str = "link";
const GROUP: &str = "group_name";

const fn location(id: &str) -> Location<'_> {
    Location { table: "foreign_code", row: id, column: LINK }
}

/// Each link beside those that are kept and those before it.
fn offer(mut known: Vec<Kept>, found: &[Taken], fresh: impl Fn() -> ForeignCodeId) -> Vec<(OfferedCode, OtpauthLink)> {
    let mut offered = Vec::new();
    for Taken { link, warnings, group } in found {
        let named = |other: &&Kept| (other.link.issuer(), other.link.account()) == (link.issuer(), link.account());
        let same = known.iter().filter(named).find(|other| same_codes(other.link.generator(), link.generator()));
        let (id, standing) = match same {
            Some(kept) => (kept.id, Standing::Known),
            None if known.iter().any(|one| named(&one)) => (fresh(), Standing::SameNames),
            None => (fresh(), Standing::New),
        };
        let (issuer, account) = (link.issuer().map(str::to_owned), link.account().to_owned());
        let by_counter = matches!(link.generator(), Generator::Hotp(_));
        offered.push((
            OfferedCode { id, issuer, account, by_counter, warnings: warnings.clone(), standing, group: group.clone() },
            link.clone(),
        ));
        known.push(Kept { id, link: link.clone(), group: None });
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
