//! What happens to phones and to the server now and then, by their owners and by the operator.

use super::handset::Errand;
use super::site::Site;
use super::world::World;
use countersign_server::domain::actor::Actor;
use countersign_server::keys::server_keys;

impl World {
    /// A person removes an account from a phone, or the operator does.
    ///
    /// # Errors
    /// What must not be.
    pub async fn remove(&mut self) -> Result<(), String> {
        let phone = self.choices.below(self.phones.len());
        let Some((id, _)) = self.choices.pick(&self.phones[phone].accounts).copied() else { return Ok(()) };
        if self.choices.chance(50) {
            self.errand(phone, Errand::Remove(id));
            return Ok(());
        }
        let store = &self.host.app.store;
        let failed = |error: countersign_server::store::StoreError| error.to_string();
        if let Some(account) = store.account_of_enrolment(id).await.map_err(failed)? {
            store.revoke_device(Actor::OPERATOR, account, id).await.map_err(failed)?;
            self.record.count("devices revoked");
            self.gateway.may_forget(phone);
            self.record.tell(format!("the operator removes {id}"));
        }
        Ok(())
    }

    /// A person sets a phone's clock.
    pub fn set_clock(&mut self) {
        let phone = self.choices.below(self.phones.len());
        let ahead = i64::try_from(self.choices.between(0, 1_200_000)).unwrap() - 600_000;
        self.record.count("clocks set");
        self.record.tell(format!("phone {phone} is set {ahead} ms ahead"));
        self.phones[phone].set_clock(ahead);
    }

    /// A phone is killed and started again.
    pub async fn restart_phone(&mut self) {
        let phone = self.choices.below(self.phones.len());
        self.record.count("phone restarts");
        self.record.tell(format!("phone {phone} restarts"));
        self.phones[phone].restart().await;
    }

    /// The operator rotates the signing key.
    ///
    /// # Errors
    /// What must not be.
    pub async fn rotate_key(&mut self) -> Result<(), String> {
        let app = &self.host.app;
        let rotated = server_keys::rotate(
            Actor::OPERATOR,
            &app.store,
            &app.keys.at_rest,
            self.host.directory(),
            app.now(),
            &*app.randomness,
        );
        rotated.await.map_err(|error| error.to_string())?;
        self.record.count("keys rotated");
        Ok(())
    }

    /// The operator retires a relying party, and makes another in its place.
    ///
    /// # Errors
    /// What must not be.
    pub async fn retire(&mut self) -> Result<(), String> {
        let number = self.any_site();
        let Site { handle, organisation, .. } = &self.sites[number];
        let (handle, organisation) = (handle.clone(), *organisation);
        let retired = self.host.app.store.revoke_relying_party(Actor::OPERATOR, handle.clone()).await;
        retired.map_err(|error| error.to_string())?;
        self.record.count("relying parties retired");
        self.record.tell(format!("relying party {number} is retired"));
        // What it asked is taken back, so there is nothing that its successor could be given.
        self.sites[number] = self.found(number, &format!("Successor of {handle}"), organisation).await;
        Ok(())
    }
}
