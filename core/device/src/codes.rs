//! One-time codes on the device: the seed that came with the enrolment, and the code of this moment.
//!
//! A seed is sealed so that it opens only while the device is unlocked: what needs the person is apart from the push
//! keyring.

use crate::authenticator::Authenticator;
use crate::error::{Error, StoreError};
use crate::platform::Platform;
use crate::vault::{Opens, at_rest_key};
use countersign_protocol::at_rest::Location;
use countersign_protocol::challenge::Expected;
use countersign_protocol::code_seed::{self, CodeSeed};
use countersign_protocol::enrolment::EnrolmentStatement;
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::one_time_code::Shown;
use countersign_protocol::sealing::{Envelope, SealedTo, SealingKey};
use countersign_protocol::server_identity::PinnedServer;
use countersign_protocol::time::Timestamp;
use zeroize::Zeroizing;

impl Authenticator {
    /// The one-time code of an account at this moment, from this device alone: no network is used. The moment is the
    /// server's, so that a wrong clock of this device shows right codes.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`]; [`Error::NoCodes`] when the account was enrolled without them; [`Error::Vault`] while
    /// the device is locked; [`Error::Store`] when the store cannot be read.
    pub fn code(&self, id: EnrolmentId) -> Result<Shown, Error> {
        let sealed = self.store.enrolment(id)?.code_seed.ok_or(Error::NoCodes)?;
        let seed = open(&self.platform, id, &sealed)?;
        Ok(seed.totp()?.now(self.server_time(id)?))
    }

    /// Opens the code seed that came with a statement and checks it against that; gives the form to keep.
    pub(crate) fn keep_code_seed(
        &self,
        envelope: &Envelope,
        sealing_key: &SealingKey,
        server: &PinnedServer,
        statement: &EnrolmentStatement,
    ) -> Result<Vec<u8>, Error> {
        let to = SealedTo { server_id: &server.server_id, enrolment_id: statement.enrolment_id };
        let expected = Expected {
            server_id: &server.server_id,
            signing_key: &server.signing_key,
            device: &statement.aud,
            account_id: statement.sub,
            enrolment_id: statement.enrolment_id,
            now: Timestamp::from_seconds(statement.iat),
        };
        let seed = code_seed::open(&envelope.open(sealing_key, to)?, &expected)?;
        seal(&self.platform, &seed)
    }
}

const fn location(id: &str) -> Location<'_> {
    Location { table: "enrolment", row: id, column: "code_seed" }
}

fn damaged(error: &serde_json::Error) -> StoreError {
    StoreError::Damaged(format!("a code seed (line {}, column {})", error.line(), error.column()))
}

/// The form in which a seed lies in the store.
fn seal(platform: &Platform, seed: &CodeSeed) -> Result<Vec<u8>, Error> {
    let plain = Zeroizing::new(serde_json::to_vec(seed).map_err(|error| damaged(&error))?);
    let key = at_rest_key(&*platform.vault, Opens::WhileUnlocked)?;
    Ok(key.seal(location(&seed.enrolment_id.to_string()), &plain, &*platform.randomness))
}

/// The seed of an account, as it was kept.
fn open(platform: &Platform, id: EnrolmentId, sealed: &[u8]) -> Result<CodeSeed, Error> {
    let plain = at_rest_key(&*platform.vault, Opens::WhileUnlocked)?.open(location(&id.to_string()), sealed)?;
    Ok(serde_json::from_slice(&plain).map_err(|error| damaged(&error))?)
}
