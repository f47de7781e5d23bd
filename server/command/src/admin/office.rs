//! The operator's office: an open database, and what commands on it need.

use crate::failure::Failure;
use countersign_protocol::at_rest::AtRestKey;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::text::misleads;
use countersign_protocol::time::SystemClock;
use countersign_protocol::typed;
use countersign_server::domain::refused::Refused;
use countersign_server::keys::master_key;
use countersign_server::runtime::config::Config;
use countersign_server::service::operator::Operator;
use countersign_server::service::wake::Wake;
use countersign_server::store::Store;

/// An open database, and what commands on it need.
pub(super) struct Office {
    pub config: Config,
    pub store: Store,
    pub wake: Wake,
    pub randomness: SystemRandomness,
    /// Why it is done, for the journal.
    pub reason: Option<String>,
}

pub(super) fn refused(message: impl Into<String>) -> Failure {
    Failure { exit_code: 3, message: message.into() }
}

/// Says in the words of this command line what to do about a thing that is not there.
pub(super) fn or_unknown<T>(result: Result<T, Refused>, unknown: impl FnOnce() -> String) -> Result<T, Failure> {
    result.map_err(|error| match error {
        // The code stands at the end, as in every refusal of a use case.
        Refused::NotFound(_) => refused(format!("{} (not_found)", unknown())),
        other => other.into(),
    })
}

/// Who the operating system says is at work: whoever became another user with `sudo` first.
fn operator_name(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let names = ["SUDO_USER", "USER", "LOGNAME"].into_iter().filter_map(variable);
    let name = names.map(|name| typed::clean(&name)).find(|name| !name.is_empty())?;
    // A line of the journal stays forever: nobody writes a book into it.
    Some(name.chars().filter(|letter| !misleads(*letter)).take(64).collect())
}

pub(super) fn no_organisation(name: &str) -> String {
    format!("there is no organisation {name:?}; make it with: countersign admin organisation create {name:?}")
}

impl Office {
    /// The operator at work.
    pub fn operator(&self) -> Operator<'_> {
        let operator = Operator::new(&self.store, &self.wake, &SystemClock, &self.randomness);
        operator.known_as(operator_name(|name| std::env::var(name).ok()), self.reason.clone())
    }

    /// The key that seals secrets in this database.
    pub fn at_rest(&self) -> Result<AtRestKey, Failure> {
        Ok(master_key::load(&self.config.master_key, &self.config.data_dir)?)
    }
}
