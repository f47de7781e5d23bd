//! The rows of the store, each kind a type of its own: an account's row cannot stand where a device's belongs. A row is
//! for the inside; outside, things have handles.

use std::fmt;

macro_rules! rows {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(i64);

        impl $name {
            /// The row of this number.
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// Its number.
            pub const fn number(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )+};
}

rows! {
    /// An organisation.
    OrganisationRow,
    /// A relying party.
    RelyingPartyRow,
    /// An account.
    AccountRow,
    /// An enrolment, and with it its device.
    DeviceRow,
    /// A challenge.
    ChallengeRow,
    /// What makes codes.
    AuthenticatorRow,
    /// A move.
    MoveRow,
    /// A place where a device is reached.
    RegistrationRow,
    /// A push that waits, or was sent.
    PushRow,
    /// An event that a relying party is told.
    EventRow,
    /// A line of the journal.
    JournalRow,
}
