//! FIDO's Credential Exchange Format, in which password managers hand everything on: of it, the credentials for codes
//! by time ("Credential Exchange Format", Proposed Standard of August 2025, sections 3.1, 3.2 and 3.3.14). The others
//! are named as what they are, and stay where they were.

use super::entries::{damaged_entry, sorted};
use super::json::{List, Loose, Object, parse};
use crate::otpauth::{Beside, Entry, Found, LinkRefusal, NotTaken, Taken};
use serde::Deserialize;
use std::collections::HashMap;

/// The version whose later minor numbers only add.
const MAJOR: u64 = 1;
/// The credential for codes by time.
const TOTP: &str = "totp";
/// How deep collections may lie in each other.
const DEEPEST: usize = 16;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default)]
    version: Object<Version<'a>>,
    #[serde(default)]
    accounts: List<Object<Account<'a>>>,
}

#[derive(Deserialize)]
struct Version<'a> {
    #[serde(borrow, default)]
    major: Loose<'a>,
}

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow, default)]
    collections: List<Object<Collection<'a>>>,
    #[serde(default)]
    items: List<Object<Item<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Collection<'a> {
    #[serde(borrow, default)]
    title: Loose<'a>,
    #[serde(default)]
    items: List<Object<Linked<'a>>>,
    #[serde(default)]
    sub_collections: List<Object<Collection<'a>>>,
}

/// That an item is in a collection.
#[derive(Deserialize)]
struct Linked<'a> {
    #[serde(borrow, default)]
    item: Loose<'a>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(default)]
    title: Loose<'a>,
    #[serde(default)]
    credentials: List<Object<Credential<'a>>>,
}

#[derive(Deserialize)]
struct Credential<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(default)]
    secret: Loose<'a>,
    #[serde(default)]
    period: Loose<'a>,
    #[serde(default)]
    digits: Loose<'a>,
    #[serde(default)]
    algorithm: Loose<'a>,
    #[serde(default)]
    username: Loose<'a>,
    #[serde(default)]
    issuer: Loose<'a>,
}

pub(super) fn read(file: &str) -> Result<Found, LinkRefusal> {
    let file: File<'_> = parse(file)?;
    match file.version.0.as_ref().and_then(|version| version.major.number()) {
        Some(MAJOR) => {}
        Some(major) if major > MAJOR => return Err(LinkRefusal::NewerFile),
        _ => return Err(LinkRefusal::DamagedFile),
    }
    let mut entries = Vec::new();
    for account in file.accounts.required()? {
        let Some(account) = &account.0 else { return Err(LinkRefusal::DamagedFile) };
        let mut groups = HashMap::new();
        collect(&account.collections, DEEPEST, &mut groups);
        for item in account.items.required()? {
            match &item.0 {
                Some(item) => entries.extend(item.read(&groups)),
                None => entries.push(Err(damaged_entry())),
            }
        }
    }
    Ok(sorted(entries))
}

/// The collections of each item, by the item's id.
fn collect<'a>(
    collections: &'a List<Object<Collection<'a>>>,
    deepest: usize,
    groups: &mut HashMap<&'a str, Vec<&'a str>>,
) {
    for collection in collections.objects() {
        for linked in collection.items.objects() {
            groups.entry(linked.item.name()).or_default().push(collection.title.name());
        }
        if deepest > 0 {
            collect(&collection.sub_collections, deepest - 1, groups);
        }
    }
}

impl Item<'_> {
    /// What becomes of each of its credentials.
    fn read(&self, groups: &HashMap<&str, Vec<&str>>) -> Vec<Result<Taken, NotTaken>> {
        let groups = groups.get(self.id.name()).map_or(&[][..], Vec::as_slice);
        let read = |credential: &Object<Credential<'_>>| match &credential.0 {
            Some(credential) if credential.kind.name() == TOTP => credential.read(self.title.name(), groups),
            Some(_) => Err(NotTaken { name: Entry::name_of(self.title.name()), why: LinkRefusal::NoCode }),
            None => Err(damaged_entry()),
        };
        self.credentials.elements().iter().map(read).collect()
    }
}

impl Credential<'_> {
    fn read(&self, title: &str, groups: &[&str]) -> Result<Taken, NotTaken> {
        let issuer = self.issuer.name();
        Entry {
            kind: TOTP,
            issuer: if issuer.trim().is_empty() { title } else { issuer },
            account: self.username.name(),
            secret: &self.secret.value(),
            algorithm: &self.algorithm.value(),
            digits: &self.digits.value(),
            period: &self.period.value(),
            counter: "",
            beside: Beside { groups: groups.iter().map(|name| (*name).to_owned()).collect(), ..Beside::default() },
        }
        .read()
    }
}
