//! What this phone holds, as several commands need it.

use super::show::Printer;
use crate::failure::Failure;
use countersign_device::{Account, AccountState, Authenticator};
use countersign_protocol::handle::ChallengeId;

/// How many past requests the history shows.
pub const HISTORY_LENGTH: u32 = 50;

/// The accounts that are not over.
pub fn living(authenticator: &Authenticator) -> Result<Vec<Account>, Failure> {
    let mut accounts = authenticator.accounts()?;
    accounts.retain(|account| !matches!(account.state, AccountState::Ended { .. }));
    Ok(accounts)
}

/// Shows how a request ended.
pub fn print_past(authenticator: &Authenticator, printer: Printer, id: ChallengeId) -> Result<(), Failure> {
    let history = authenticator.history(HISTORY_LENGTH)?;
    match history.iter().find(|past| past.challenge.challenge_id == id) {
        Some(past) => Ok(printer.over(past)?),
        None => Ok(()),
    }
}

/// What a command ends with that needs an account and finds none.
pub fn no_account() -> Failure {
    Failure {
        exit_code: 3,
        message: "there is no account on this phone; add one with: countersign phone enrol LINK".into(),
    }
}

/// The one id that starts like this; an error when there are several.
pub fn only_match<T: std::fmt::Display>(
    ids: impl Iterator<Item = T>,
    start: &str,
    what: &str,
) -> Result<Option<T>, Failure> {
    let mut matching = ids.filter(|id| !start.is_empty() && id.to_string().starts_with(start));
    let (first, second) = (matching.next(), matching.next());
    if second.is_some() {
        return Err(Failure {
            exit_code: 2,
            message: format!("more than one {what} starts with {}; say more of its id", visible(start)),
        });
    }
    Ok(first)
}
