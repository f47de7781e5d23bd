//! Rows as they come out of a statement: their columns are read by name, and what cannot be read says where it stands.

use super::value::Value;
use crate::domain::rows::{
    AccountRow, AuthenticatorRow, ChallengeRow, DeviceRow, EventRow, JournalRow, MoveRow, OrganisationRow, PushRow,
    RegistrationRow, RelyingPartyRow,
};
use crate::store::StoreError;
use countersign_protocol::handle::{AccountId, AuthenticatorId, ChallengeId, EnrolmentId, MoveId};
use countersign_protocol::key::PublicKey;
use countersign_protocol::sealing::SealingPublicKey;
use countersign_protocol::time::Timestamp;
use std::rc::Rc;

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    table: &'static str,
    columns: Rc<[String]>,
    values: Vec<Value<'static>>,
}

impl Row {
    /// A row of this table, with a value for each column.
    pub fn new(table: &'static str, columns: Rc<[String]>, values: Vec<Value<'static>>) -> Self {
        Self { table, columns, values }
    }

    /// The value of a column.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], with table, column and row, for a column that is not there and a value that is not
    /// of this kind.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, StoreError> {
        let value = self.value(column).ok_or_else(|| self.unreadable(column, "is missing"))?;
        T::from_value(value).ok_or_else(|| self.unreadable(column, "cannot be read"))
    }

    /// An error that names this row's table and number, and the column.
    pub fn unreadable(&self, column: &str, what: &str) -> StoreError {
        let row = match self.value("row_id") {
            Some(Value::Integer(number)) => format!(" of row {number}"),
            _ => String::new(),
        };
        StoreError::Unreadable(format!("{}.{column}{row} {what}", self.table))
    }

    fn value(&self, column: &str) -> Option<&Value<'static>> {
        let place = self.columns.iter().position(|name| name == column)?;
        self.values.get(place)
    }
}

/// What can be read out of a column.
pub trait FromValue: Sized {
    /// Reads a value; none when it is of another kind.
    fn from_value(value: &Value<'static>) -> Option<Self>;
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value<'static>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: &Value<'static>) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

macro_rules! smaller_numbers {
    ($($kind:ty),+) => {$(
        impl FromValue for $kind {
            fn from_value(value: &Value<'static>) -> Option<Self> {
                <$kind>::try_from(i64::from_value(value)?).ok()
            }
        }
    )+};
}
smaller_numbers!(u8, u16, u32, u64, usize);

impl FromValue for bool {
    fn from_value(value: &Value<'static>) -> Option<Self> {
        match i64::from_value(value)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl FromValue for Timestamp {
    fn from_value(value: &Value<'static>) -> Option<Self> {
        i64::from_value(value).map(Self::from_millis)
    }
}

impl FromValue for String {
    fn from_value(value: &Value<'static>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone().into_owned()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value<'static>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.clone().into_owned()),
            _ => None,
        }
    }
}

impl FromValue for PublicKey {
    fn from_value(value: &Value<'static>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Self::from_uncompressed(bytes).ok(),
            _ => None,
        }
    }
}

impl FromValue for SealingPublicKey {
    fn from_value(value: &Value<'static>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(Self::from_bytes(<[u8; 32]>::try_from(bytes.as_ref()).ok()?)),
            _ => None,
        }
    }
}

macro_rules! handles {
    ($($kind:ty),+) => {$(
        impl FromValue for $kind {
            fn from_value(value: &Value<'static>) -> Option<Self> {
                match value {
                    Value::Text(text) => text.parse().ok(),
                    _ => None,
                }
            }
        }
    )+};
}
handles!(AccountId, AuthenticatorId, ChallengeId, EnrolmentId, MoveId);

macro_rules! rows {
    ($($kind:ty),+) => {$(
        impl FromValue for $kind {
            fn from_value(value: &Value<'static>) -> Option<Self> {
                i64::from_value(value).map(<$kind>::new)
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

/// The words under which the store keeps a closed list, one for each member: they go into statements and come out of
/// rows.
macro_rules! stored_words {
    ($kind:ty { $($member:ident = $word:literal),+ $(,)? }) => {
        impl From<$kind> for $crate::store::engine::value::Value<'_> {
            fn from(value: $kind) -> Self {
                Self::from(match value { $(<$kind>::$member => $word),+ })
            }
        }

        impl $crate::store::engine::row::FromValue for $kind {
            fn from_value(value: &$crate::store::engine::value::Value<'static>) -> Option<Self> {
                match value {
                    $crate::store::engine::value::Value::Text(text) => match text.as_ref() {
                        $($word => Some(<$kind>::$member),)+
                        _ => None,
                    },
                    _ => None,
                }
            }
        }
    };
}
pub(in crate::store) use stored_words;

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: Vec<Value<'static>>) -> Row {
        let columns = ["row_id", "state", "count"].map(str::to_owned);
        Row::new("challenge", Rc::from(columns), values)
    }

    #[test]
    fn what_cannot_be_read_names_table_column_and_row() {
        let row = row(vec![Value::from(7_u32), Value::from("pending"), Value::from(-1_i64)]);
        assert_eq!(row.get::<String>("state").unwrap(), "pending");
        assert_eq!(row.get::<Option<i64>>("count").unwrap(), Some(-1));
        for (error, expected) in [
            (row.get::<u32>("count").unwrap_err(), "challenge.count of row 7 cannot be read"),
            (row.get::<i64>("state").unwrap_err(), "challenge.state of row 7 cannot be read"),
            (row.get::<i64>("other").unwrap_err(), "challenge.other of row 7 is missing"),
        ] {
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
