//! The values of SQL, in the few kinds that the engines share.

use crate::domain::rows::{
    AccountRow, AuthenticatorRow, ChallengeRow, DeviceRow, EventRow, JournalRow, MoveRow, OrganisationRow, PushRow,
    RegistrationRow, RelyingPartyRow,
};
use countersign_protocol::handle::{AccountId, AuthenticatorId, ChallengeId, EnrolmentId, MoveId};
use countersign_protocol::time::Timestamp;
use std::borrow::Cow;

/// A value that goes into a statement, or comes out of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A whole number; a truth is 0 or 1.
    Integer(i64),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

/// The values of a statement, in the order of its `$1`, `$2`, ….
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::engine::value::Value::from($value)),*] };
}
pub(in crate::store) use values;

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Value<'_> {
    /// A number beyond the range of SQL is the largest that there is.
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value<'_> {
    /// A number beyond the range of SQL is the largest that there is.
    fn from(value: usize) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

macro_rules! small_numbers {
    ($($kind:ty),+) => {$(
        impl From<$kind> for Value<'_> {
            fn from(value: $kind) -> Self {
                Self::Integer(value.into())
            }
        }
    )+};
}
small_numbers!(u8, u16, u32, bool);

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Integer(value.millis())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(value))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! handles {
    ($($kind:ty),+) => {$(
        impl From<$kind> for Value<'_> {
            fn from(value: $kind) -> Self {
                Self::Text(Cow::Owned(value.to_string()))
            }
        }
    )+};
}
handles!(AccountId, AuthenticatorId, ChallengeId, EnrolmentId, MoveId);

macro_rules! rows {
    ($($kind:ty),+) => {$(
        impl From<$kind> for Value<'_> {
            fn from(value: $kind) -> Self {
                Self::Integer(value.number())
            }
        }
    )+};
}
rows!(
    AccountRow,
    AuthenticatorRow,
    MoveRow,
    ChallengeRow,
    DeviceRow,
    EventRow,
    JournalRow,
    OrganisationRow,
    PushRow,
    RegistrationRow,
    RelyingPartyRow
);
