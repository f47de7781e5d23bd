//! What is said of a move before it is made: between which times, and why it is not.

use super::journal::a_moment;
use super::office::refused;
use crate::failure::Failure;
use clap::Args;
use countersign_protocol::time::{Clock, SystemClock, Timestamp};
use countersign_server::domain::refused::Refused;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Between which times a move can be made.
#[derive(Debug, Clone, Args)]
pub(super) struct Times {
    /// From when on the new phone can take over: a time such as 2026-12-01T08:00:00Z, or a day [default: now]
    #[arg(long, value_name = "WHEN", value_parser = a_moment)]
    pub from: Option<Timestamp>,
    /// For how many days; when they are over, the old phone simply goes on
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=30))]
    pub days: u8,
}

impl Times {
    /// From when on and until when, where it begins so many days later.
    pub(super) fn after(&self, days: u32) -> (Timestamp, Timestamp) {
        let from = self.from.unwrap_or_else(|| SystemClock.now()) + DAY * days;
        (from, from + DAY * u32::from(self.days))
    }
}

/// Says in the words of this command line why a move is not made.
pub(super) fn not_made(error: Refused) -> Failure {
    match error {
        Refused::NotFound(_) => refused("the user has no such phone in use (not_found)"),
        Refused::Malformed(why) => Failure { exit_code: 2, message: why },
        other => other.into(),
    }
}
