//! The description of a key inside the certificate: Android's `KeyDescription`, read as DER and no other way.
//!
//! The form is <https://source.android.com/docs/security/features/keystore/attestation#schema>. A newer Android may
//! have tags that are not known here; they are passed over, as long as they have their form and stand in their order.

use crate::domain::attestation::Doubt;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Error, ErrorKind, Reader, SliceReader, Tag, Tagged};

/// The maker's system, with the bootloader's word.
pub(super) const ROOT_OF_TRUST_VERIFIED: u8 = 0;
/// A system with a key that the phone's owner has put there.
pub(super) const ROOT_OF_TRUST_SELF_SIGNED: u8 = 1;

/// The newest form that is known is 500; a later one has to keep these eight members to be read.
const MOST_VERSION: u64 = 100_000;

/// What a phone says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyDescription<'a> {
    /// What vouches: 0 software, 1 TEE, 2 `StrongBox`.
    pub attestation_level: u8,
    /// What keeps the key.
    pub keymint_level: u8,
    /// What the key was made for.
    pub challenge: &'a [u8],
    /// What the system says.
    pub software: AuthorizationList<'a>,
    /// What the hardware enforces.
    pub hardware: AuthorizationList<'a>,
}

/// What a key may do, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct AuthorizationList<'a> {
    pub purposes: Vec<u64>,
    pub algorithm: Option<u64>,
    pub key_size: Option<u64>,
    pub ec_curve: Option<u64>,
    pub no_auth_required: bool,
    pub user_auth_type: Option<u64>,
    /// In seconds; none where each use is asked for.
    pub auth_timeout: Option<u64>,
    pub all_applications: bool,
    pub origin: Option<u64>,
    pub root_of_trust: Option<RootOfTrust<'a>>,
    pub application: Option<ApplicationId<'a>>,
}

/// What the phone had started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RootOfTrust<'a> {
    pub verified_boot_key: &'a [u8],
    pub device_locked: bool,
    pub verified_boot_state: u8,
}

/// Which app holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApplicationId<'a> {
    pub packages: Vec<&'a [u8]>,
    pub signatures: Vec<&'a [u8]>,
}

impl<'a> KeyDescription<'a> {
    /// Reads the value of the extension.
    ///
    /// # Errors
    /// [`Doubt::Unreadable`], when it does not have its form to the last byte.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Doubt> {
        whole(bytes, description).map_err(|_| Doubt::Unreadable)
    }
}

type Parsed<T> = Result<T, Error>;

/// Reads a text to its end.
fn whole<'a, T>(bytes: &'a [u8], read: impl FnOnce(&mut SliceReader<'a>) -> Parsed<T>) -> Parsed<T> {
    let mut reader = SliceReader::new(bytes)?;
    let value = read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// The content of an element that must have this tag.
fn content<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> Parsed<&'a [u8]> {
    let any = AnyRef::decode(reader)?;
    if any.tag() == tag { Ok(any.value()) } else { Err(wrong()) }
}

fn wrong() -> Error {
    ErrorKind::Failed.into()
}

fn octets<'a>(reader: &mut SliceReader<'a>) -> Parsed<&'a [u8]> {
    <&OctetStringRef>::decode(reader).map(OctetStringRef::as_bytes)
}

/// A level or a state: all that are known are below 128.
fn enumerated(reader: &mut SliceReader<'_>) -> Parsed<u8> {
    match content(reader, Tag::Enumerated)? {
        [value] if *value < 0x80 => Ok(*value),
        _ => Err(wrong()),
    }
}

fn description<'a>(reader: &mut SliceReader<'a>) -> Parsed<KeyDescription<'a>> {
    whole(content(reader, Tag::Sequence)?, |reader| {
        let version = u64::decode(reader)?;
        let attestation_level = enumerated(reader)?;
        let keymint_version = u64::decode(reader)?;
        let keymint_level = enumerated(reader)?;
        if version == 0 || version.max(keymint_version) > MOST_VERSION {
            return Err(wrong());
        }
        let challenge = octets(reader)?;
        let _unique_id = octets(reader)?;
        let software = whole(content(reader, Tag::Sequence)?, list)?;
        let hardware = whole(content(reader, Tag::Sequence)?, list)?;
        Ok(KeyDescription { attestation_level, keymint_level, challenge, software, hardware })
    })
}

fn list<'a>(reader: &mut SliceReader<'a>) -> Parsed<AuthorizationList<'a>> {
    let mut list = AuthorizationList::default();
    let mut last = 0;
    while !reader.is_finished() {
        let entry = AnyRef::decode(reader)?;
        let Tag::ContextSpecific { constructed: true, number } = entry.tag() else { return Err(wrong()) };
        // In their order, so none comes twice.
        if number.value() <= last {
            return Err(wrong());
        }
        last = number.value();
        whole(entry.value(), |reader| list.take(number.value(), reader))?;
    }
    Ok(list)
}

impl<'a> AuthorizationList<'a> {
    /// Takes the value behind a tag; the numbers are those of Keymaster's tags.
    fn take(&mut self, tag: u32, reader: &mut SliceReader<'a>) -> Parsed<()> {
        match tag {
            1 => {
                self.purposes = whole(content(reader, Tag::Set)?, |reader| each(reader, |reader| u64::decode(reader)))?;
            }
            2 => self.algorithm = Some(u64::decode(reader)?),
            3 => self.key_size = Some(u64::decode(reader)?),
            10 => self.ec_curve = Some(u64::decode(reader)?),
            503 => self.no_auth_required = null(reader)?,
            504 => self.user_auth_type = Some(u64::decode(reader)?),
            505 => self.auth_timeout = Some(u64::decode(reader)?),
            600 => self.all_applications = null(reader)?,
            702 => self.origin = Some(u64::decode(reader)?),
            704 => self.root_of_trust = Some(whole(content(reader, Tag::Sequence)?, root_of_trust)?),
            709 => self.application = Some(whole(octets(reader)?, application)?),
            _ => drop(AnyRef::decode(reader)?),
        }
        Ok(())
    }
}

/// Something that is there or not, without a value.
fn null(reader: &mut SliceReader<'_>) -> Parsed<bool> {
    content(reader, Tag::Null).and_then(|value| if value.is_empty() { Ok(true) } else { Err(wrong()) })
}

fn each<'a, T>(
    reader: &mut SliceReader<'a>,
    mut read: impl FnMut(&mut SliceReader<'a>) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    let mut all = Vec::new();
    while !reader.is_finished() {
        all.push(read(reader)?);
    }
    Ok(all)
}

fn root_of_trust<'a>(reader: &mut SliceReader<'a>) -> Parsed<RootOfTrust<'a>> {
    let verified_boot_key = octets(reader)?;
    let device_locked = bool::decode(reader)?;
    let verified_boot_state = enumerated(reader)?;
    // The hash of what was started came later, and is not asked for here.
    if !reader.is_finished() {
        octets(reader)?;
    }
    Ok(RootOfTrust { verified_boot_key, device_locked, verified_boot_state })
}

fn application<'a>(reader: &mut SliceReader<'a>) -> Parsed<ApplicationId<'a>> {
    whole(content(reader, Tag::Sequence)?, |reader| {
        let package = |reader: &mut SliceReader<'a>| {
            whole(content(reader, Tag::Sequence)?, |reader| {
                let name = octets(reader)?;
                let _version = i64::decode(reader)?;
                Ok(name)
            })
        };
        let packages = whole(content(reader, Tag::Set)?, |reader| each(reader, package))?;
        let signatures = whole(content(reader, Tag::Set)?, |reader| each(reader, octets))?;
        Ok(ApplicationId { packages, signatures })
    })
}
