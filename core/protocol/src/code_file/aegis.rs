//! The vault of Aegis: JSON, as it is or encrypted with AES-256-GCM under a key that lies in slots, each sealed under
//! what scrypt makes of a password (Aegis, `docs/vault.md`).

use super::entries::{damaged_entry, sorted};
use super::json::{List, Loose, Object, parse};
use super::password::{Key, ScryptCost, check_scrypt, open, scrypt, text};
use crate::otpauth::{Beside, Entry, Found, LinkRefusal, NotTaken, Taken};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use serde::Deserialize;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// The version of the file that is known.
const VERSION: u64 = 1;
/// The versions of what is in it. In the first two an entry has one group, by its name.
const CONTENTS: std::ops::RangeInclusive<u64> = 1..=3;
/// The slot that a password opens; others are for fingerprints.
const PASSWORD_SLOT: u64 = 1;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default)]
    version: Loose<'a>,
    #[serde(default)]
    header: Object<Header<'a>>,
    #[serde(default)]
    db: Loose<'a>,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow, default)]
    slots: List<Object<Slot<'a>>>,
    #[serde(default)]
    params: Object<Sealing<'a>>,
}

#[derive(Deserialize)]
struct Slot<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(default)]
    key: Loose<'a>,
    #[serde(default)]
    key_params: Object<Sealing<'a>>,
    #[serde(default)]
    n: Loose<'a>,
    #[serde(default)]
    r: Loose<'a>,
    #[serde(default)]
    p: Loose<'a>,
    #[serde(default)]
    salt: Loose<'a>,
}

/// What AES-GCM left beside a ciphertext, in hexadecimal.
#[derive(Deserialize)]
struct Sealing<'a> {
    #[serde(borrow, default)]
    nonce: Loose<'a>,
    #[serde(default)]
    tag: Loose<'a>,
}

#[derive(Deserialize)]
struct Plain<'a> {
    #[serde(borrow, default)]
    db: Object<Contents<'a>>,
}

#[derive(Deserialize)]
struct Contents<'a> {
    #[serde(borrow, default)]
    version: Loose<'a>,
    #[serde(default)]
    entries: List<Object<Account<'a>>>,
    #[serde(default)]
    groups: List<Object<Group<'a>>>,
}

#[derive(Deserialize)]
struct Group<'a> {
    #[serde(borrow, default)]
    uuid: Loose<'a>,
    #[serde(default)]
    name: Loose<'a>,
}

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(default)]
    name: Loose<'a>,
    #[serde(default)]
    issuer: Loose<'a>,
    #[serde(default)]
    note: Loose<'a>,
    #[serde(default)]
    group: Loose<'a>,
    #[serde(default)]
    groups: List<Loose<'a>>,
    #[serde(default)]
    info: Object<Info<'a>>,
}

#[derive(Default, Deserialize)]
struct Info<'a> {
    #[serde(borrow, default)]
    secret: Loose<'a>,
    #[serde(default)]
    algo: Loose<'a>,
    #[serde(default)]
    digits: Loose<'a>,
    #[serde(default)]
    period: Loose<'a>,
    #[serde(default)]
    counter: Loose<'a>,
}

pub(super) fn read(file: &str, password: Option<&str>) -> Result<Found, LinkRefusal> {
    let File { version, header, db } = parse(file)?;
    match version.number() {
        Some(VERSION) => {}
        Some(later) if later > VERSION => return Err(LinkRefusal::NewerFile),
        _ => return Err(LinkRefusal::DamagedFile),
    }
    let Loose::Text(sealed) = &db else {
        return contents(&parse::<Plain<'_>>(file)?.db.0.ok_or(LinkRefusal::DamagedFile)?);
    };
    let header = header.0.ok_or(LinkRefusal::DamagedFile)?;
    let master = master_key(&header, password)?;
    let mut sealed = BASE64.decode(sealed.as_bytes()).map_err(|_| LinkRefusal::DamagedFile)?;
    let Sealing { nonce, tag } = header.params.0.ok_or(LinkRefusal::DamagedFile)?;
    sealed.extend_from_slice(&hex(&tag)?);
    // The master key is right, so it is the file that is not.
    let opened = open(&master, &hex(&nonce)?, &sealed, &[]).ok_or(LinkRefusal::DamagedFile)?;
    contents(&parse(text(&opened)?)?)
}

/// The key of the contents, from the first slot that the password opens.
fn master_key(header: &Header<'_>, password: Option<&str>) -> Result<Key, LinkRefusal> {
    let slots: Vec<&Slot<'_>> =
        header.slots.objects().filter(|slot| slot.kind.number() == Some(PASSWORD_SLOT)).collect();
    if slots.is_empty() {
        return Err(LinkRefusal::NoPassword);
    }
    let password = password.ok_or(LinkRefusal::PasswordNeeded)?;
    let costs: Vec<ScryptCost> = slots.iter().map(|slot| slot.cost()).collect::<Result<_, _>>()?;
    check_scrypt(&costs)?;
    for (slot, cost) in slots.into_iter().zip(costs) {
        let Some(Sealing { nonce, tag }) = &slot.key_params.0 else { return Err(LinkRefusal::DamagedFile) };
        let sealed = [hex(&slot.key)?, hex(tag)?].concat();
        let key = scrypt(password, &hex(&slot.salt)?, cost)?;
        if let Some(opened) = open(&key, &hex(nonce)?, &sealed, &[]) {
            return opened.as_slice().try_into().map(Zeroizing::new).map_err(|_| LinkRefusal::DamagedFile);
        }
    }
    Err(LinkRefusal::WrongPassword)
}

impl Slot<'_> {
    fn cost(&self) -> Result<ScryptCost, LinkRefusal> {
        let number = |value: &Loose<'_>| value.number().ok_or(LinkRefusal::DamagedFile);
        Ok(ScryptCost { n: number(&self.n)?, r: number(&self.r)?, p: number(&self.p)? })
    }
}

fn hex(text: &Loose<'_>) -> Result<Vec<u8>, LinkRefusal> {
    HEXLOWER_PERMISSIVE.decode(text.name().as_bytes()).map_err(|_| LinkRefusal::DamagedFile)
}

fn contents(contents: &Contents<'_>) -> Result<Found, LinkRefusal> {
    match contents.version.number() {
        Some(version) if CONTENTS.contains(&version) => {}
        Some(version) if version > *CONTENTS.end() => return Err(LinkRefusal::NewerFile),
        _ => return Err(LinkRefusal::DamagedFile),
    }
    let groups: HashMap<&str, &str> =
        contents.groups.objects().map(|group| (group.uuid.name(), group.name.name())).collect();
    let entries = contents.entries.required()?;
    Ok(sorted(entries.iter().map(|entry| entry.0.as_ref().ok_or_else(damaged_entry)?.read(&groups))))
}

impl Account<'_> {
    fn read(&self, groups: &HashMap<&str, &str>) -> Result<Taken, NotTaken> {
        let named = self.groups.elements().iter().filter_map(|id| groups.get(id.name()).copied());
        let beside = Beside {
            groups: named.chain([self.group.name()]).map(str::to_owned).collect(),
            note: self.note.name().to_owned(),
            thrown_away: false,
        };
        let nothing = Info::default();
        let info = self.info.0.as_ref().unwrap_or(&nothing);
        Entry {
            kind: &self.kind.value(),
            issuer: self.issuer.name(),
            account: self.name.name(),
            secret: &info.secret.value(),
            algorithm: &info.algo.value(),
            digits: &info.digits.value(),
            period: &info.period.value(),
            counter: &info.counter.value(),
            beside,
        }
        .read()
    }
}
