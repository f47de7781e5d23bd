//! What this phone holds, as several commands need it.

use super::hint;
use super::show::Printer;
use crate::failure::Failure;
use crate::terminal::visible;
use countersign_device::{Account, AccountState, Authenticator, Pulled};
use countersign_protocol::device_api::EnrolmentState;
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
        message: format!("there is no account on this phone; add one with: {}", hint::phone("enrol 'LINK'")),
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

/// That the server calls the account void without its signed word on it. It is shown, and changes nothing here.
pub fn unsigned_end(pulled: &Pulled) -> Option<Failure> {
    let unsigned = pulled.state == EnrolmentState::Void && pulled.ended.is_none();
    unsigned.then(|| Failure {
        exit_code: 3,
        message: "the server says, without its signature, that this phone is not in use any more; nothing was removed"
            .into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::revocation::EndReason;

    #[test]
    fn a_void_without_a_revocation_is_said_and_one_with_it_is_an_end() {
        let pulled = |state, ended| Pulled {
            state,
            received: Vec::new(),
            push: None,
            webpush_public_key: None,
            push_failure: None,
            ended,
        };
        let bare = unsigned_end(&pulled(EnrolmentState::Void, None)).unwrap();
        assert!(bare.exit_code == 3 && bare.message.contains("nothing was removed"));
        assert!(unsigned_end(&pulled(EnrolmentState::Void, Some(EndReason::Revoked))).is_none());
        assert!(unsigned_end(&pulled(EnrolmentState::Confirmed, None)).is_none());
    }
}
