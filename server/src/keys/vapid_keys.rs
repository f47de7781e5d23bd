//! The keys that name this server to Web Push services (VAPID, RFC 8292). A subscription is bound to the key that it
//! was made with (section 4 there), so an earlier key is kept for as long as a registration needs it.

use super::KeysError;
use crate::domain::actor::Actor;
use crate::store::{Store, StoredVapidKey};
use countersign_protocol::at_rest::{AtRestKey, Location};
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::randomness::Randomness;
use data_encoding::BASE64URL_NOPAD;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::Zeroizing;

/// Where the only key lay before there could be a second one.
const EARLIER_SETTING: &str = "vapid_key";
const EARLIER_LOCATION: Location<'_> = Location { table: "setting", row: EARLIER_SETTING, column: "value" };

type ByPublicKey = HashMap<String, Arc<SoftwareKey>>;

/// The keys at hand.
pub struct VapidKeys(RwLock<ByPublicKey>);

impl VapidKeys {
    /// Opens all keys; in a new database the first one is made.
    ///
    /// # Errors
    /// [`KeysError::Damaged`] and [`KeysError::Store`].
    pub async fn open(store: &Store, at_rest: &AtRestKey, randomness: &dyn Randomness) -> Result<Self, KeysError> {
        ensure_first(store, at_rest, randomness).await?;
        Ok(Self(RwLock::new(open_all(store, at_rest).await?)))
    }

    /// The key with this public half, in base64url; none when the server does not hold it. Asks the store for one that
    /// is not at hand, so that a rotation by `countersign admin` counts at once.
    ///
    /// # Errors
    /// [`KeysError::Store`]; [`KeysError::Damaged`] for a key that cannot be opened.
    pub async fn find(
        &self,
        store: &Store,
        at_rest: &AtRestKey,
        public_key: &str,
    ) -> Result<Option<Arc<SoftwareKey>>, KeysError> {
        if let Some(key) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(public_key) {
            return Ok(Some(Arc::clone(key)));
        }
        // All of them anew: those that were dropped meanwhile go from memory, too.
        let fresh = open_all(store, at_rest).await?;
        let found = fresh.get(public_key).map(Arc::clone);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(found)
    }
}

/// The public half as push services and phones are told it: uncompressed, in base64url.
pub fn public_text(key: &SoftwareKey) -> String {
    BASE64URL_NOPAD.encode(key.public().as_uncompressed())
}

/// Makes a new key the current one, and gives its public half. The earlier one goes at once when no registration was
/// made with it, and else with the last of those.
///
/// # Errors
/// [`KeysError::Damaged`] and [`KeysError::Store`].
pub async fn rotate(
    by: Actor,
    store: &Store,
    at_rest: &AtRestKey,
    randomness: &dyn Randomness,
) -> Result<String, KeysError> {
    ensure_first(store, at_rest, randomness).await?;
    let sequence = store.vapid_keys().await?.last().map_or(1, |latest| latest.sequence + 1);
    let (_, pkcs8) = SoftwareKey::generate().map_err(damaged)?;
    let fresh = sealed(sequence, &pkcs8, at_rest, randomness)?;
    let public_key = fresh.public_key.clone();
    store.put_vapid_key(by, fresh).await?;
    Ok(public_key)
}

/// Makes the first key, or takes over the one of an older database.
async fn ensure_first(store: &Store, at_rest: &AtRestKey, randomness: &dyn Randomness) -> Result<(), KeysError> {
    if store.webpush_public_key().await?.is_some() {
        return Ok(());
    }
    let pkcs8 = match store.setting(EARLIER_SETTING).await? {
        Some(earlier) => at_rest.open(EARLIER_LOCATION, &earlier).map_err(damaged)?,
        None => SoftwareKey::generate().map_err(damaged)?.1,
    };
    Ok(store.put_first_vapid_key(Actor::SERVER, sealed(1, &pkcs8, at_rest, randomness)?).await?)
}

fn sealed(
    sequence: u64,
    pkcs8: &Zeroizing<Vec<u8>>,
    at_rest: &AtRestKey,
    randomness: &dyn Randomness,
) -> Result<StoredVapidKey, KeysError> {
    let public_key = public_text(&SoftwareKey::from_pkcs8(pkcs8).map_err(damaged)?);
    let private_key = at_rest.seal(location(&sequence.to_string()), pkcs8, randomness);
    Ok(StoredVapidKey { sequence, public_key, private_key })
}

async fn open_all(store: &Store, at_rest: &AtRestKey) -> Result<ByPublicKey, KeysError> {
    let mut keys = ByPublicKey::new();
    for stored in store.vapid_keys().await? {
        let pkcs8 = at_rest.open(location(&stored.sequence.to_string()), &stored.private_key).map_err(damaged)?;
        let key = SoftwareKey::from_pkcs8(&pkcs8).map_err(damaged)?;
        if public_text(&key) != stored.public_key {
            return Err(KeysError::Damaged("a VAPID key is not the one that its row names".into()));
        }
        keys.insert(stored.public_key, Arc::new(key));
    }
    Ok(keys)
}

fn location(row: &str) -> Location<'_> {
    Location { table: "vapid_key", row, column: "private_key" }
}

fn damaged(error: impl std::fmt::Display) -> KeysError {
    KeysError::Damaged(format!("a key cannot be opened with this master key: {error}"))
}
