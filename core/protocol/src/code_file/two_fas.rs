//! The backup of 2FAS, `.2fas`: JSON, whose services are as they are or encrypted with AES-256-GCM under what PBKDF2
//! makes of a password. Its authors describe it nowhere; this is what the app writes, as other apps read it.

use super::entries::{damaged_entry, sorted};
use super::json::{List, Loose, Object, parse};
use super::password::{open, pbkdf2, text};
use crate::otpauth::{Beside, Entry, Found, LinkRefusal, NotTaken, Taken};
use data_encoding::BASE64;
use serde::Deserialize;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// The versions that are known. In the first two no group has a name that its services tell.
const VERSIONS: std::ops::RangeInclusive<u64> = 1..=4;
/// Iterations of PBKDF2, which no file names.
const ITERATIONS: u32 = 10_000;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default, rename = "schemaVersion")]
    version: Loose<'a>,
    #[serde(default)]
    services: List<Object<Service<'a>>>,
    #[serde(default, rename = "servicesEncrypted")]
    sealed: Loose<'a>,
    /// A known text, encrypted with the same password.
    #[serde(default)]
    reference: Loose<'a>,
    #[serde(default)]
    groups: List<Object<Group<'a>>>,
}

#[derive(Deserialize)]
struct Group<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(default)]
    name: Loose<'a>,
}

#[derive(Deserialize)]
struct Service<'a> {
    #[serde(borrow, default)]
    name: Loose<'a>,
    #[serde(default)]
    secret: Loose<'a>,
    #[serde(default, rename = "groupId")]
    group: Loose<'a>,
    #[serde(default)]
    otp: Object<Codes<'a>>,
}

#[derive(Default, Deserialize)]
struct Codes<'a> {
    #[serde(borrow, default)]
    issuer: Loose<'a>,
    #[serde(default)]
    account: Loose<'a>,
    #[serde(default)]
    label: Loose<'a>,
    #[serde(default)]
    algorithm: Loose<'a>,
    #[serde(default)]
    digits: Loose<'a>,
    #[serde(default)]
    period: Loose<'a>,
    #[serde(default)]
    counter: Loose<'a>,
    #[serde(default, rename = "tokenType")]
    kind: Loose<'a>,
}

pub(super) fn read(file: &str, password: Option<&str>) -> Result<Found, LinkRefusal> {
    let file: File<'_> = parse(file)?;
    match file.version.number() {
        Some(version) if VERSIONS.contains(&version) => {}
        Some(version) if version > *VERSIONS.end() => return Err(LinkRefusal::NewerFile),
        _ => return Err(LinkRefusal::DamagedFile),
    }
    let groups = file.groups.objects().map(|group| (group.id.name(), group.name.name())).collect();
    let Some(sealed) = Some(file.sealed.name()).filter(|sealed| !sealed.is_empty()) else {
        return services(&file.services, &groups);
    };
    let password = password.ok_or(LinkRefusal::PasswordNeeded)?;
    let opened = match Sealed::of(sealed)?.open(password)? {
        Some(opened) => opened,
        // What the app keeps to try a password with tells a wrong password from a file that was changed.
        None => match Sealed::of(file.reference.name()).and_then(|known| known.open(password)) {
            Ok(Some(_)) => return Err(LinkRefusal::DamagedFile),
            _ => return Err(LinkRefusal::WrongPassword),
        },
    };
    services(&parse(text(&opened)?)?, &groups)
}

/// Ciphertext with its tag, salt and nonce, each in base64, with colons between them.
struct Sealed([Vec<u8>; 3]);

impl Sealed {
    fn of(text: &str) -> Result<Self, LinkRefusal> {
        let parts: Result<Vec<_>, _> = text.split(':').map(|part| BASE64.decode(part.as_bytes())).collect();
        parts.ok().and_then(|parts| parts.try_into().ok()).map(Self).ok_or(LinkRefusal::DamagedFile)
    }

    fn open(&self, password: &str) -> Result<Option<Zeroizing<Vec<u8>>>, LinkRefusal> {
        let [sealed, salt, nonce] = &self.0;
        Ok(open(&pbkdf2(password, salt, ITERATIONS)?, nonce, sealed, &[]))
    }
}

fn services(services: &List<Object<Service<'_>>>, groups: &HashMap<&str, &str>) -> Result<Found, LinkRefusal> {
    let services = services.required()?.iter();
    Ok(sorted(services.map(|service| service.0.as_ref().ok_or_else(damaged_entry)?.read(groups))))
}

impl Service<'_> {
    fn read(&self, groups: &HashMap<&str, &str>) -> Result<Taken, NotTaken> {
        let nothing = Codes::default();
        let codes = self.otp.0.as_ref().unwrap_or(&nothing);
        let either = |first: &'_ Loose<'_>, second: &'_ Loose<'_>| {
            if first.name().trim().is_empty() { second.name().to_owned() } else { first.name().to_owned() }
        };
        // What the person named the service is what they know it by; what its link named it is the next best.
        let (issuer, account) = (either(&self.name, &codes.issuer), either(&codes.account, &codes.label));
        let kind = codes.kind.value();
        Entry {
            // The first versions had no other kind.
            kind: if kind.is_empty() { "totp" } else { &kind },
            issuer: &issuer,
            account: &account,
            secret: &self.secret.value(),
            algorithm: &codes.algorithm.value(),
            digits: &codes.digits.value(),
            period: &codes.period.value(),
            counter: &codes.counter.value(),
            beside: Beside {
                groups: groups.get(self.group.name()).map(|name| (*name).to_owned()).into_iter().collect(),
                ..Beside::default()
            },
        }
        .read()
    }
}
