//! Where relying parties hear what became of their challenges: made, changed and removed by the operator.

use super::operator::Operator;
use crate::domain::address_guard::AddressGuard;
use crate::domain::rows::RelyingPartyRow;
use crate::domain::webhook_address;
use crate::keys::sealed;
use crate::store::{DeadEvent, Replayed, StoreError, WebhookRecord};
use countersign_protocol::at_rest::AtRestKey;
use zeroize::Zeroizing;

/// Why a webhook is not as was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WebhookRefused {
    /// The address is not one to send to.
    #[error("the address is not usable: {0}")]
    Address(&'static str),
    /// There is no such relying party in use.
    #[error("there is no relying party of this id in use; list them with: countersign admin relying-party list")]
    NoRelyingParty,
    /// It has no webhook.
    #[error("the relying party has no webhook; make it with: countersign admin webhook set ID URL")]
    NoWebhook,
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Operator<'_> {
    /// The row of a relying party in use.
    async fn relying_party_in_use(&self, handle: &str) -> Result<RelyingPartyRow, WebhookRefused> {
        let all = self.store.relying_parties().await?;
        let found = all.into_iter().find(|one| one.handle == handle && !one.revoked);
        found.map(|one| one.row_id).ok_or(WebhookRefused::NoRelyingParty)
    }

    /// Tells a relying party's events to this address from now on. Gives the secret where it had no webhook; otherwise
    /// the secret stays, and one that the receiver has disabled is used again.
    ///
    /// # Errors
    /// [`WebhookRefused::Address`], [`WebhookRefused::NoRelyingParty`], [`WebhookRefused::Store`].
    pub async fn set_webhook(
        &self,
        at_rest: &AtRestKey,
        guard: AddressGuard,
        relying_party: &str,
        url: &str,
    ) -> Result<Option<Zeroizing<String>>, WebhookRefused> {
        let url = webhook_address::check(url, guard).map_err(WebhookRefused::Address)?;
        let row = self.relying_party_in_use(relying_party).await?;
        let secret = sealed::new_webhook_secret(self.randomness);
        let sealed = sealed::seal_webhook_secret(at_rest, row, &secret, self.randomness);
        let made = self.store.set_webhook(self.actor(), row, url.into(), sealed).await?;
        Ok(made.then_some(secret))
    }

    /// Gives a webhook a new secret, beside which the earlier one signs for a day.
    ///
    /// # Errors
    /// [`WebhookRefused::NoRelyingParty`], [`WebhookRefused::NoWebhook`], [`WebhookRefused::Store`].
    pub async fn rotate_webhook(
        &self,
        at_rest: &AtRestKey,
        relying_party: &str,
    ) -> Result<Zeroizing<String>, WebhookRefused> {
        let row = self.relying_party_in_use(relying_party).await?;
        let secret = sealed::new_webhook_secret(self.randomness);
        let sealed = sealed::seal_webhook_secret(at_rest, row, &secret, self.randomness);
        let rotated = self.store.rotate_webhook(self.actor(), row, sealed).await?;
        if rotated { Ok(secret) } else { Err(WebhookRefused::NoWebhook) }
    }

    /// Tells a relying party no more events; those that wait are dead.
    ///
    /// # Errors
    /// [`WebhookRefused::NoRelyingParty`], [`WebhookRefused::NoWebhook`], [`WebhookRefused::Store`].
    pub async fn remove_webhook(&self, relying_party: &str) -> Result<(), WebhookRefused> {
        let row = self.relying_party_in_use(relying_party).await?;
        let removed = self.store.remove_webhook(self.actor(), row).await?;
        if removed { Ok(()) } else { Err(WebhookRefused::NoWebhook) }
    }

    /// Every webhook, and how many of its events wait and are dead.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webhooks(&self) -> Result<Vec<WebhookRecord>, StoreError> {
        self.store.webhooks().await
    }

    /// The events that a relying party's receiver did not take within a day.
    ///
    /// # Errors
    /// [`WebhookRefused::NoRelyingParty`], [`WebhookRefused::Store`].
    pub async fn dead_events(&self, relying_party: &str) -> Result<Vec<DeadEvent>, WebhookRefused> {
        let row = self.relying_party_in_use(relying_party).await?;
        Ok(self.store.dead_events(row).await?)
    }

    /// Tells one dead event once more, for another day; how many were, of relying parties whose webhook is in use.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay_event(&self, event: String) -> Result<usize, StoreError> {
        let replayed = self.store.replay_events(self.actor(), Replayed::One(event)).await;
        self.wake.events.notify_one();
        replayed
    }

    /// Tells all dead events of a relying party once more, for another day; how many were.
    ///
    /// # Errors
    /// [`WebhookRefused::NoRelyingParty`], [`WebhookRefused::Store`].
    pub async fn replay_events_of(&self, relying_party: &str) -> Result<usize, WebhookRefused> {
        let row = self.relying_party_in_use(relying_party).await?;
        let replayed = self.store.replay_events(self.actor(), Replayed::AllOf(row)).await;
        self.wake.events.notify_one();
        Ok(replayed?)
    }
}
