//! What is known of a person, and what goes when they go: for the relying parties of their organisation, and for the
//! operator.

use super::authenticate::RelyingParty;
use super::operator::Operator;
use super::{Service, names};
use crate::domain::refused::Refused;
use crate::store::{
    Account, AuthenticatorRecord, Deleted, DeviceRecord, JournalFilter, JournalLine, MoveRecord, Person, Question,
};
use countersign_protocol::handle::{AccountId, EnrolmentId};

/// The most people that a search gives.
pub const MOST_FOUND: usize = 100;
/// How many questions are read of a person at most: all of 90 days, for somebody who signs in every few minutes.
const MOST_QUESTIONS: usize = 100_000;
/// How many lines of the journal are read at a time.
const PAGE: usize = 1000;

/// The account of this organisation.
async fn account(service: &Service, by: &RelyingParty, user: AccountId) -> Result<Account, Refused> {
    service.store.account(by.organisation(), user).await?.ok_or(Refused::NotFound("user"))
}

/// A person of the relying party's organisation.
///
/// # Errors
/// `not_found`, `unavailable`.
pub async fn read(service: &Service, by: &RelyingParty, user: AccountId) -> Result<Person, Refused> {
    let account = account(service, by, user).await?;
    service.store.person(account).await?.ok_or(Refused::NotFound("user"))
}

/// The devices of a person, also those that are not in use any more.
///
/// # Errors
/// `not_found`, `unavailable`.
pub async fn devices(service: &Service, by: &RelyingParty, user: AccountId) -> Result<Vec<DeviceRecord>, Refused> {
    let account = account(service, by, user).await?;
    Ok(service.store.all_devices(account.row_id, service.now()).await?)
}

/// Ends a device of a person; also when it was before.
///
/// # Errors
/// `not_found`, `unavailable`.
pub async fn revoke_device(
    service: &Service,
    by: &RelyingParty,
    user: AccountId,
    device: EnrolmentId,
) -> Result<(), Refused> {
    let account = account(service, by, user).await?;
    let known = service.store.all_devices(account.row_id, service.now()).await?;
    if !known.iter().any(|one| one.id == device) {
        return Err(Refused::NotFound("device"));
    }
    service.store.revoke_device(by.actor(), account.row_id, device).await?;
    service.wake.account_changed(account.row_id);
    service.wake.enrolments.wake(device);
    Ok(())
}

/// Deletes a person.
///
/// # Errors
/// `not_found`, `unavailable`.
pub async fn delete(service: &Service, by: &RelyingParty, user: AccountId) -> Result<Deleted, Refused> {
    let account = account(service, by, user).await?;
    let deleted = service.store.delete_account(by.actor(), account.row_id).await?.ok_or(Refused::NotFound("user"))?;
    deleted.cancelled.iter().for_each(|challenge| service.wake.challenges.wake(*challenge));
    service.wake.account_changed(account.row_id);
    Ok(deleted)
}

/// Everything that is kept of a person, but no secret.
pub struct Kept {
    /// The person.
    pub person: Person,
    /// The name of their organisation.
    pub organisation: String,
    /// Every device that they have had.
    pub devices: Vec<DeviceRecord>,
    /// Whatever makes codes for them.
    pub authenticators: Vec<AuthenticatorRecord>,
    /// Their moves to new phones, oldest first.
    pub moves: Vec<MoveRecord>,
    /// What they were asked, newest first.
    pub questions: Vec<Question>,
    /// The lines of the journal about them, newest first.
    pub journal: Vec<JournalLine>,
}

impl Operator<'_> {
    /// A person, their devices, what makes codes for them, and the last so many questions.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn person(&self, organisation: &str, user: AccountId, questions: usize) -> Result<Kept, Refused> {
        let account = self.user(organisation, user).await?;
        let (store, now, row) = (self.store, self.clock.now(), account.row_id);
        Ok(Kept {
            person: store.person(account).await?.ok_or(Refused::NotFound("user"))?,
            organisation: self.organisation(organisation).await?.name,
            devices: store.all_devices(row, now).await?,
            authenticators: store.authenticators(row, now).await?,
            moves: store.moves(row).await?,
            questions: store.questions(row, questions, now).await?,
            journal: Vec::new(),
        })
    }

    /// Everything that is kept of a person, to be given to them. The journal keeps that it was read.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn export(&self, organisation: &str, user: AccountId) -> Result<Kept, Refused> {
        let mut kept = self.person(organisation, user, MOST_QUESTIONS).await?;
        self.store.note_export(self.actor(), kept.person.account.row_id).await?;
        let filter = JournalFilter { account: Some(user.to_string()), ..JournalFilter::default() };
        loop {
            let last = kept.journal.last().map(|line| line.number);
            let page = self.store.journal_before(filter.clone(), last, PAGE).await?;
            let is_last = page.len() < PAGE;
            kept.journal.extend(page);
            if is_last {
                return Ok(kept);
            }
        }
    }

    /// The people of an organisation whose name holds this text, those that begin with it first.
    ///
    /// # Errors
    /// `not_found` for the organisation, `unavailable`.
    pub async fn search(&self, organisation: &str, text: &str) -> Result<Vec<Account>, Refused> {
        let organisation = self.organisation(organisation).await?;
        Ok(self.store.search_accounts(organisation.row_id, text.trim(), MOST_FOUND).await?)
    }

    /// Gives a person another name; none when somebody else of the organisation has it.
    ///
    /// # Errors
    /// `malformed`, `not_found`, `unavailable`.
    pub async fn rename_user(
        &self,
        organisation: &str,
        user: AccountId,
        name: &str,
    ) -> Result<Option<Account>, Refused> {
        let name = names::typed(name)?;
        let account = self.user(organisation, user).await?;
        let organisation = self.organisation(organisation).await?;
        let by = self.actor();
        let renamed = self.store.rename_account(by, organisation.row_id, account.row_id, name.clone()).await?;
        Ok(renamed.then_some(Account { name, ..account }))
    }

    /// Deletes a person.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn delete_user(&self, organisation: &str, user: AccountId) -> Result<Deleted, Refused> {
        let account = self.user(organisation, user).await?;
        let deleted =
            self.store.delete_account(self.actor(), account.row_id).await?.ok_or(Refused::NotFound("user"))?;
        self.heed().await?;
        Ok(deleted)
    }

    /// Ends all devices of a person; how many there were.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn revoke_all_devices(&self, organisation: &str, user: AccountId) -> Result<usize, Refused> {
        let account = self.user(organisation, user).await?;
        let revoked = self.store.revoke_all_devices(self.actor(), account.row_id).await?;
        self.heed().await?;
        Ok(revoked)
    }

    /// Every device that a person has had, oldest first.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn all_devices(&self, organisation: &str, user: AccountId) -> Result<Vec<DeviceRecord>, Refused> {
        let account = self.user(organisation, user).await?;
        Ok(self.store.all_devices(account.row_id, self.clock.now()).await?)
    }

    /// Makes people of these names, which [`names::typed`] has taken: all of them or none. For each, whether they are
    /// new.
    ///
    /// # Errors
    /// `not_found` for the organisation, `unavailable`.
    pub async fn import_users(&self, organisation: &str, names: &[String]) -> Result<Vec<bool>, Refused> {
        let organisation = self.organisation(organisation).await?;
        let people = names.iter().map(|name| (AccountId::random(self.randomness), name.clone())).collect();
        Ok(self.store.create_accounts(self.actor(), organisation.row_id, people).await?)
    }
}
