//! The operator's office: an open database, and what commands on it need.

use crate::failure::Failure;
use countersign_protocol::at_rest::AtRestKey;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::SystemClock;
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
}

pub(super) fn refused(message: impl Into<String>) -> Failure {
    Failure { exit_code: 3, message: message.into() }
}

/// Says in the words of this command line what to do about a thing that is not there.
pub(super) fn or_unknown<T>(result: Result<T, Refused>, unknown: impl FnOnce() -> String) -> Result<T, Failure> {
    result.map_err(|error| match error {
        Refused::NotFound(_) => refused(unknown()),
        other => other.into(),
    })
}

impl Office {
    /// The operator at work.
    pub fn operator(&self) -> Operator<'_> {
        Operator::new(&self.store, &self.wake, &SystemClock, &self.randomness)
    }

    /// The key that seals secrets in this database.
    pub fn at_rest(&self) -> Result<AtRestKey, Failure> {
        Ok(master_key::load(&self.config.master_key, &self.config.data_dir)?)
    }
}
