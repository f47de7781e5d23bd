//! What the operator of a server does: whoever can open its database. `countersign admin` does it from another process,
//! the demo's help desk and the benchmark from the server's own.

use super::wake::Wake;
use super::{Service, api_key, heed, names};
use crate::domain::actor::Actor;
use crate::domain::refused::Refused;
use crate::keys::{KeysError, server_keys, vapid_keys};
use crate::store::{Account, Organisation, RelyingParty, Renamed, Store};
use countersign_protocol::at_rest::AtRestKey;
use countersign_protocol::device_api::Device;
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::Clock;
use countersign_protocol::typed;
use std::path::Path;

/// The operator at work.
#[derive(Clone)]
pub struct Operator<'a> {
    pub(super) store: &'a Store,
    pub(super) wake: &'a Wake,
    pub(super) clock: &'a dyn Clock,
    pub(super) randomness: &'a dyn Randomness,
    by: Actor,
}

/// A relying party that was made, with its first key.
pub struct NewRelyingParty {
    /// The relying party.
    pub relying_party: RelyingParty,
    /// Its API key, which is shown this once.
    pub api_key: String,
}

impl Service {
    /// The operator of this running server.
    pub fn operator(&self) -> Operator<'_> {
        Operator {
            store: &self.store,
            wake: &self.wake,
            clock: &*self.clock,
            randomness: &*self.randomness,
            by: Actor::OPERATOR,
        }
    }
}

impl<'a> Operator<'a> {
    /// The operator with the database at hand. `wake` is who waits in this very process; a server that runs in another
    /// one looks by itself.
    pub const fn new(store: &'a Store, wake: &'a Wake, clock: &'a dyn Clock, randomness: &'a dyn Randomness) -> Self {
        Self { store, wake, clock, randomness, by: Actor::OPERATOR }
    }

    /// The same operator, under this name and for this reason, which every line of the journal then has.
    #[must_use]
    pub fn known_as(self, name: Option<String>, reason: Option<String>) -> Self {
        Self { by: name.map_or(self.actor(), Actor::operator).because(reason), ..self }
    }

    /// Who acts.
    pub(super) fn actor(&self) -> Actor {
        self.by.clone()
    }

    /// Wakes whom the operator's acts concern, where they wait in this process.
    pub(super) async fn heed(&self) -> Result<(), Refused> {
        Ok(heed::heed(self.store, self.wake).await?)
    }

    /// External handles are random; a challenge's form serves for those that have no type of their own.
    fn new_handle(&self) -> String {
        ChallengeId::random(self.randomness).to_string()
    }

    /// Makes an organisation; none when the name is taken.
    ///
    /// # Errors
    /// `malformed`, `unavailable`.
    pub async fn create_organisation(&self, name: &str) -> Result<Option<Organisation>, Refused> {
        let name = names::typed(name)?;
        Ok(self.store.create_organisation(self.actor(), self.new_handle(), name).await?)
    }

    /// Every organisation, by name.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn organisations(&self) -> Result<Vec<Organisation>, Refused> {
        Ok(self.store.organisations().await?)
    }

    /// The organisation of this name, or else of this name cleaned, as it was when it was typed to make the
    /// organisation.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn organisation(&self, name: &str) -> Result<Organisation, Refused> {
        let mut all = self.store.organisations().await?;
        let at = all.iter().position(|one| one.name == name);
        let at = at.or_else(|| all.iter().position(|one| one.name == typed::clean(name)));
        at.map(|at| all.swap_remove(at)).ok_or(Refused::NotFound("organisation"))
    }

    /// Gives an organisation another name; none when another one has it.
    ///
    /// # Errors
    /// `malformed`, `not_found`, `unavailable`.
    pub async fn rename_organisation(&self, name: &str, new_name: &str) -> Result<Option<Organisation>, Refused> {
        let new_name = names::typed(new_name)?;
        let organisation = self.organisation(name).await?;
        let renamed = self.store.rename_organisation(self.actor(), organisation.row_id, new_name.clone()).await?;
        Ok(renamed.then_some(Organisation { name: new_name, ..organisation }))
    }

    /// Gives a relying party another name, and says it; none when another one of its organisation has it.
    ///
    /// # Errors
    /// `malformed`, `not_found`, `unavailable`.
    pub async fn rename_relying_party(&self, relying_party: &str, name: &str) -> Result<Option<String>, Refused> {
        let name = names::typed(name)?;
        match self.store.rename_relying_party(self.actor(), relying_party.to_owned(), name.clone()).await? {
            Renamed::Now => Ok(Some(name)),
            Renamed::Taken => Ok(None),
            Renamed::NotFound => Err(Refused::NotFound("relying party")),
        }
    }

    /// Makes a relying party of an organisation; none when the name is taken there.
    ///
    /// # Errors
    /// `malformed`, `not_found` for the organisation, `unavailable`.
    pub async fn create_relying_party(
        &self,
        organisation: &str,
        name: &str,
    ) -> Result<Option<NewRelyingParty>, Refused> {
        let name = names::typed(name)?;
        let organisation = self.organisation(organisation).await?;
        let api_key = api_key::generate(self.randomness);
        let digest = api_key::digest(&api_key);
        let made = self.store.create_relying_party(self.actor(), organisation, self.new_handle(), name, digest).await?;
        Ok(made.map(|relying_party| NewRelyingParty { relying_party, api_key }))
    }

    /// Every relying party, by organisation and name.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn relying_parties(&self) -> Result<Vec<RelyingParty>, Refused> {
        Ok(self.store.relying_parties().await?)
    }

    /// Gives a relying party a new API key, and ends the ones before.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn rotate_api_key(&self, relying_party: &str) -> Result<String, Refused> {
        let api_key = api_key::generate(self.randomness);
        let rotated =
            self.store.rotate_api_key(self.actor(), relying_party.to_owned(), api_key::digest(&api_key)).await?;
        self.heed().await?;
        if rotated { Ok(api_key) } else { Err(Refused::NotFound("relying party")) }
    }

    /// Ends a relying party, and takes back what it has asked.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn revoke_relying_party(&self, relying_party: &str) -> Result<(), Refused> {
        let revoked = self.store.revoke_relying_party(self.actor(), relying_party.to_owned()).await?;
        self.heed().await?;
        if revoked { Ok(()) } else { Err(Refused::NotFound("relying party")) }
    }

    /// Makes an account, or finds the one of this name; true when it is new.
    ///
    /// # Errors
    /// `malformed`, `not_found` for the organisation, `unavailable`.
    pub async fn create_user(&self, organisation: &str, name: &str) -> Result<(Account, bool), Refused> {
        let name = names::typed(name)?;
        let organisation = self.organisation(organisation).await?;
        let id = AccountId::random(self.randomness);
        Ok(self.store.create_account(self.actor(), organisation.row_id, id, name).await?)
    }

    /// Every account of an organisation, by name.
    ///
    /// # Errors
    /// `not_found` for the organisation, `unavailable`.
    pub async fn users(&self, organisation: &str) -> Result<Vec<Account>, Refused> {
        let organisation = self.organisation(organisation).await?;
        Ok(self.store.accounts(organisation.row_id).await?)
    }

    /// An account of an organisation.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn user(&self, organisation: &str, user: AccountId) -> Result<Account, Refused> {
        let organisation = self.organisation(organisation).await?;
        let found = self.store.account(organisation.row_id, user).await?;
        found.ok_or(Refused::NotFound("user"))
    }

    /// Lets prompts through again that a report has stopped; false when none has.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn resume_prompts(&self, organisation: &str, user: AccountId) -> Result<bool, Refused> {
        let account = self.user(organisation, user).await?;
        let resumed = self.store.resume_prompts(self.actor(), account.row_id).await?;
        self.heed().await?;
        Ok(resumed)
    }

    /// Lifts the limits of prompts to this person: the unwanted ones so far count no more.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn lift_prompt_limit(&self, organisation: &str, user: AccountId) -> Result<(), Refused> {
        let account = self.user(organisation, user).await?;
        Ok(self.store.lift_prompt_limit(self.actor(), account.row_id).await?)
    }

    /// Takes one-time codes again after too many wrong ones; how many authenticators had any.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn unlock_codes(&self, organisation: &str, user: AccountId) -> Result<usize, Refused> {
        let account = self.user(organisation, user).await?;
        Ok(self.store.unlock_account(self.actor(), account.row_id).await?)
    }

    /// The devices of an account that are not void, oldest first.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn devices(&self, organisation: &str, user: AccountId) -> Result<Vec<Device>, Refused> {
        let account = self.user(organisation, user).await?;
        Ok(self.store.devices(account.row_id, None, self.clock.now()).await?)
    }

    /// Ends a device of an account, and takes back what it approved and nobody claimed.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn revoke_device(&self, organisation: &str, user: AccountId, id: EnrolmentId) -> Result<(), Refused> {
        let account = self.user(organisation, user).await?;
        let revoked = self.store.revoke_device(self.actor(), account.row_id, id).await?;
        self.heed().await?;
        if revoked { Ok(()) } else { Err(Refused::NotFound("device")) }
    }

    /// Makes a new signing key, certified by the root in this folder; gives its sequence.
    ///
    /// # Errors
    /// [`KeysError::Damaged`] when the root's private key is not at hand, [`KeysError::Store`].
    pub async fn rotate_signing_key(&self, at_rest: &AtRestKey, data_dir: &Path) -> Result<u64, KeysError> {
        server_keys::rotate(self.actor(), self.store, at_rest, data_dir, self.clock.now(), self.randomness).await
    }

    /// Makes a new key for Web Push, and gives its public half.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn rotate_vapid_key(&self, at_rest: &AtRestKey) -> Result<String, KeysError> {
        vapid_keys::rotate(self.actor(), self.store, at_rest, self.randomness).await
    }
}
