//! Webhooks: a relying party hears what became of its challenges. They inform and never claim: an approval is worth
//! something only to who claims it.
//!
//! An event is a row of the transaction in which it happened (`store/webhooks.rs`). It is told at least once, the events of
//! one challenge in their order, in the form of Standard Webhooks around a signed event (RFC 8417).

mod event;
mod sender;

pub use event::{CHALLENGE_EVENT, Events, SecurityEvent};
pub use sender::Sender;

use crate::outgoing::AddressGuard;
use crate::store::{Store, StoreError};
use countersign_protocol::at_rest::{AtRestKey, Location};
use countersign_protocol::randomness::Randomness;
use data_encoding::BASE64;
use url::Url;
use zeroize::Zeroizing;

/// What the text form of a secret starts with (Standard Webhooks).
const SECRET_PREFIX: &str = "whsec_";
/// The longest address, in bytes.
const MAX_URL_LENGTH: usize = 2048;

/// Why a webhook is not as was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
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

/// Checks what can be told of an address before its name is resolved; where that leads is checked at each connection.
///
/// # Errors
/// [`Refused::Address`].
pub fn check_url(text: &str, guard: AddressGuard) -> Result<Url, Refused> {
    let url = Url::parse(text).map_err(|_| Refused::Address("it is not an address"))?;
    if text.len() > MAX_URL_LENGTH || !matches!(url.scheme(), "https" | "http") {
        return Err(Refused::Address("it is not an https address of at most 2048 bytes"));
    }
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if !plain || url.port() == Some(0) {
        return Err(Refused::Address("it holds a user name, a password, a fragment or port 0"));
    }
    guard.check_url(&url).map_err(Refused::Address)?;
    Ok(url)
}

fn location(relying_party: &str) -> Location<'_> {
    Location { table: "webhook", row: relying_party, column: "secret" }
}

/// A fresh secret in its text form.
fn new_secret(randomness: &dyn Randomness) -> Zeroizing<String> {
    Zeroizing::new(format!("{SECRET_PREFIX}{}", BASE64.encode(&randomness.bytes::<32>())))
}

/// Makes and changes webhooks.
pub struct Registry<'a> {
    /// Where they are.
    pub store: &'a Store,
    /// Seals their secrets.
    pub at_rest: &'a AtRestKey,
    /// Makes their secrets.
    pub randomness: &'a dyn Randomness,
    /// Which addresses they may have.
    pub guard: AddressGuard,
}

impl Registry<'_> {
    /// The row of a relying party in use.
    ///
    /// # Errors
    /// [`Refused::NoRelyingParty`], [`Refused::Store`].
    pub async fn relying_party(store: &Store, handle: &str) -> Result<i64, Refused> {
        let all = store.relying_parties().await?;
        let found = all.into_iter().find(|one| one.handle == handle && !one.revoked);
        found.map(|one| one.row_id).ok_or(Refused::NoRelyingParty)
    }

    fn seal(&self, relying_party: i64, secret: &str) -> Vec<u8> {
        self.at_rest.seal(location(&relying_party.to_string()), secret.as_bytes(), self.randomness)
    }

    /// Tells a relying party's events to this address from now on. Gives the secret where it had no webhook; otherwise the
    /// secret stays.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn set(&self, relying_party: &str, url: &str) -> Result<Option<Zeroizing<String>>, Refused> {
        let url = check_url(url, self.guard)?;
        let row = Registry::relying_party(self.store, relying_party).await?;
        let secret = new_secret(self.randomness);
        let made = self.store.set_webhook(row, url.into(), self.seal(row, &secret)).await?;
        Ok(made.then_some(secret))
    }

    /// Gives a webhook a new secret, beside which the earlier one signs for a day.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn rotate(&self, relying_party: &str) -> Result<Zeroizing<String>, Refused> {
        let row = Registry::relying_party(self.store, relying_party).await?;
        let secret = new_secret(self.randomness);
        let rotated = self.store.rotate_webhook(row, self.seal(row, &secret)).await?;
        if rotated { Ok(secret) } else { Err(Refused::NoWebhook) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_public_addresses_are_sent_to() {
        let check = |text: &str| check_url(text, AddressGuard { allow_private: false });
        assert!(check("https://site.example/hooks?of=countersign").is_ok());
        for wrong in [
            "http://site.example/hooks",
            "ftp://site.example/hooks",
            "https://me:secret@site.example/hooks",
            "https://site.example/hooks#here",
            "https://site.example:0/hooks",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/hooks",
            "site.example/hooks",
        ] {
            assert!(matches!(check(wrong), Err(Refused::Address(_))), "{wrong}");
        }
        let long = format!("https://site.example/{}", "a".repeat(MAX_URL_LENGTH));
        assert!(matches!(check(&long), Err(Refused::Address(_))));
        assert!(check_url("http://127.0.0.1:9/", AddressGuard { allow_private: true }).is_ok());
    }
}
