//! The server's own keys: the root's public half, the certified signing key, the VAPID keys, the webhook key, the nonce
//! key.

use super::certificate::{Standing, Term};
use super::nonce::Nonces;
use super::vapid_keys::VapidKeys;
use super::{KeysError, only_for_us};
use crate::domain::actor::Actor;
use crate::store::{Store, StoreError, StoredSigningKey};
use countersign_protocol::at_rest::{AtRestKey, Location};
use countersign_protocol::jws;
use countersign_protocol::key::{PublicKey, SoftwareKey, Thumbprint};
use countersign_protocol::randomness::Randomness;
use countersign_protocol::server_identity::{self, Certificate};
use countersign_protocol::time::{Clock, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a certificate serves.
const CERTIFICATE_LIFETIME: Duration = Duration::from_secs(2 * 365 * 24 * 3600);
/// How long before the moment at which it is made a certificate begins: a clock that is set back a little afterwards
/// must not be before it.
const BACKDATED: Duration = Duration::from_secs(3600);
/// The file that holds the root's private key until the operator takes it offline.
const ROOT_FILE: &str = "root.key";
/// The file that holds the server's id, which is no secret: it tells whether the database beside it is this server's.
const ID_FILE: &str = "server.id";
/// The setting that holds the root's public half.
pub const ROOT_SETTING: &str = "root";
/// The setting that holds the root's sealed private half from the moment when it is made until it is in its file.
const NEW_ROOT_SETTING: &str = "new_root";

/// The key that signs challenges now, with the root's word on it.
#[derive(Debug)]
pub struct Signer {
    /// The key.
    pub key: SoftwareKey,
    /// Its certificate.
    pub certificate: String,
    /// The sequence of the certificate.
    pub sequence: u64,
    /// How long the certificate serves.
    pub term: Term,
}

/// All keys of a server.
pub struct ServerKeys {
    /// The root's public key.
    pub root: PublicKey,
    /// The thumbprint of the root: the server's id.
    pub server_id: Thumbprint,
    /// Sign VAPID tokens (RFC 8292).
    pub vapid: VapidKeys,
    /// Signs the events that relying parties are told.
    pub webhook: SoftwareKey,
    /// The nonces that this server hands out.
    pub nonces: Nonces,
    /// Knows again where devices are reached, without that being readable. It is the key of the nonces, whose digests
    /// begin otherwise.
    pub place_key: ring::hmac::Key,
    /// Seals secrets in the database.
    pub at_rest: AtRestKey,
    signer: RwLock<Arc<Signer>>,
}

impl ServerKeys {
    /// Makes the keys of a new server. What an earlier call made that was cut off is kept.
    ///
    /// # Errors
    /// [`KeysError::Damaged`], [`KeysError::OtherDatabase`] and [`KeysError::Store`].
    pub async fn make(
        store: &Store,
        at_rest: AtRestKey,
        data_dir: &Path,
        clock: &dyn Clock,
        randomness: &dyn Randomness,
    ) -> Result<Self, KeysError> {
        begin_root(store, &at_rest, data_dir, randomness).await?;
        open_root(store, data_dir).await?;
        if store.signing_key().await?.is_none() {
            rotate(Actor::SERVER, store, &at_rest, data_dir, clock.now(), randomness).await?;
        }
        Self::open(store, at_rest, data_dir, clock, randomness).await
    }

    /// Opens the server's keys. Those that its version of the database did not know yet are made.
    ///
    /// # Errors
    /// [`KeysError::Damaged`], [`KeysError::OtherDatabase`] and [`KeysError::Store`].
    pub async fn open(
        store: &Store,
        at_rest: AtRestKey,
        data_dir: &Path,
        clock: &dyn Clock,
        randomness: &dyn Randomness,
    ) -> Result<Self, KeysError> {
        only_for_us::check(&root_path(data_dir)).map_err(KeysError::Damaged)?;
        let root = open_root(store, data_dir).await?;
        let vapid = VapidKeys::open(store, &at_rest, randomness).await?;
        let webhook = secret_setting(store, &at_rest, "webhook_key", randomness, new_key).await?;
        let webhook = SoftwareKey::from_pkcs8(&webhook).map_err(damaged)?;
        let nonce_key = secret_setting(store, &at_rest, "nonce_key", randomness, |randomness| {
            Ok(Zeroizing::new(randomness.bytes::<32>().to_vec()))
        })
        .await?;
        let nonce_key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &nonce_key);
        let place_key = nonce_key.clone();
        let nonces = Nonces::new(nonce_key, store.proof_era(clock.now()).await?);
        let stored = store.signing_key().await?.ok_or_else(|| KeysError::Damaged("there is no signing key".into()))?;
        // One that is over is no reason not to start: the watch says so and renews it where it can, and until then the
        // approvals that wait are claimed, and codes are checked.
        let signer = open_signer(&at_rest, &root, stored)?;
        let server_id = root.thumbprint();
        let signer = RwLock::new(Arc::new(signer));
        Ok(Self { root, server_id, vapid, webhook, nonces, place_key, at_rest, signer })
    }

    /// The key that signs now. Asks the store, so that a rotation by `countersign admin` counts at once.
    ///
    /// # Errors
    /// [`StoreError`]; a key that cannot be opened counts as unreadable.
    pub async fn signer(&self, store: &Store) -> Result<Arc<Signer>, StoreError> {
        let known = Arc::clone(&self.signer.read().unwrap_or_else(PoisonError::into_inner));
        let stored =
            store.signing_key().await?.ok_or_else(|| StoreError::Unreadable("there is no signing key".into()))?;
        if stored.sequence == known.sequence {
            return Ok(known);
        }
        let fresh = Arc::new(
            open_signer(&self.at_rest, &self.root, stored)
                .map_err(|error| StoreError::Unreadable(error.to_string()))?,
        );
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Ok(fresh)
    }
}

fn damaged(error: impl std::fmt::Display) -> KeysError {
    KeysError::Damaged(format!("a key cannot be opened with this master key: {error}"))
}

fn new_key(_: &dyn Randomness) -> Result<Zeroizing<Vec<u8>>, KeysError> {
    SoftwareKey::generate().map(|(_, pkcs8)| pkcs8).map_err(damaged)
}

fn signing_key_row(sequence: u64) -> String {
    sequence.to_string()
}

fn open_signer(at_rest: &AtRestKey, root: &PublicKey, stored: StoredSigningKey) -> Result<Signer, KeysError> {
    let row = signing_key_row(stored.sequence);
    let location = Location { table: "signing_key", row: &row, column: "private_key" };
    let pkcs8 = at_rest.open(location, &stored.private_key).map_err(damaged)?;
    let key = SoftwareKey::from_pkcs8(&pkcs8).map_err(damaged)?;
    let certificate: Certificate = jws::verify(&stored.certificate, root).map_err(|refusal| {
        KeysError::Damaged(format!(
            "the signing key's certificate is not the root's ({refusal}); make a new one with: countersign admin key \
             rotate"
        ))
    })?;
    let term = Term::from(&certificate);
    Ok(Signer { key, certificate: stored.certificate, sequence: stored.sequence, term })
}

/// A secret setting, made when it is missing.
async fn secret_setting(
    store: &Store,
    at_rest: &AtRestKey,
    name: &'static str,
    randomness: &dyn Randomness,
    make: impl FnOnce(&dyn Randomness) -> Result<Zeroizing<Vec<u8>>, KeysError>,
) -> Result<Zeroizing<Vec<u8>>, KeysError> {
    let location = Location { table: "setting", row: name, column: "value" };
    if let Some(sealed) = store.setting(name).await? {
        return at_rest.open(location, &sealed).map_err(damaged);
    }
    store.put_setting(name, at_rest.seal(location, &make(randomness)?, randomness)).await?;
    // Read back: the one that was written first is the one that counts.
    let kept = store.setting(name).await?.ok_or_else(|| KeysError::Damaged(format!("{name} was not kept")))?;
    at_rest.open(location, &kept).map_err(damaged)
}

/// The file that holds the root's private key of the server in this folder, until the operator moves it away.
pub fn root_path(data_dir: &Path) -> PathBuf {
    data_dir.join(ROOT_FILE)
}

const ROOT_LOCATION: Location<'_> = Location { table: ROOT_FILE, row: "", column: "" };

/// True when a server's keys, or its name, are in this folder: then its database belongs there, too.
pub fn knows_a_server(data_dir: &Path) -> bool {
    root_path(data_dir).exists() || data_dir.join(ID_FILE).exists()
}

/// Makes the root of a new server. Its private half goes through the database to a file of its own ([`open_root`]),
/// which the operator may then move away: so no file is there before the database knows of it, and a crash anywhere is
/// made good when the server is opened again.
async fn begin_root(
    store: &Store,
    at_rest: &AtRestKey,
    data_dir: &Path,
    randomness: &dyn Randomness,
) -> Result<(), KeysError> {
    if store.setting(ROOT_SETTING).await?.is_none() {
        if knows_a_server(data_dir) {
            return Err(KeysError::OtherDatabase(data_dir.to_owned()));
        }
        let pkcs8 = new_key(randomness)?;
        let public = SoftwareKey::from_pkcs8(&pkcs8).map_err(damaged)?.public();
        let sealed = at_rest.seal(ROOT_LOCATION, &pkcs8, randomness);
        store.begin_root(public.as_uncompressed().to_vec(), sealed).await?;
    }
    Ok(())
}

/// The root's public key.
async fn open_root(store: &Store, data_dir: &Path) -> Result<PublicKey, KeysError> {
    let public = store.setting(ROOT_SETTING).await?.unwrap_or_default();
    let public = PublicKey::from_uncompressed(&public).map_err(damaged)?;
    if let Some(sealed) = store.setting(NEW_ROOT_SETTING).await? {
        let path = root_path(data_dir);
        private_file::replace(&path, &sealed).map_err(|error| unwritable(&path, &error))?;
        store.end_root().await?;
    }
    check_id(data_dir, &public)?;
    Ok(public)
}

/// Refuses the database of another server than the one whose name is in the folder; the first time, the name is
/// written.
fn check_id(data_dir: &Path, root: &PublicKey) -> Result<(), KeysError> {
    let (path, id) = (data_dir.join(ID_FILE), root.thumbprint());
    match std::fs::read_to_string(&path) {
        Ok(known) if known.trim() == id.as_str() => Ok(()),
        Ok(_) => Err(KeysError::OtherDatabase(data_dir.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            private_file::replace(&path, format!("{id}\n").as_bytes()).map_err(|error| unwritable(&path, &error))
        }
        Err(error) => Err(KeysError::Damaged(format!("{} cannot be read: {error}", path.display()))),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> KeysError {
    KeysError::Damaged(format!("{} cannot be written: {error}", path.display()))
}

fn read_root(at_rest: &AtRestKey, data_dir: &Path) -> Result<SoftwareKey, KeysError> {
    let path = root_path(data_dir);
    only_for_us::check(&path).map_err(KeysError::Damaged)?;
    let sealed = std::fs::read(&path).map_err(|error| {
        KeysError::Damaged(format!(
            "{} cannot be read ({error}); put the root key back from where you keep it",
            path.display()
        ))
    })?;
    SoftwareKey::from_pkcs8(&at_rest.open(ROOT_LOCATION, &sealed).map_err(damaged)?).map_err(damaged)
}

/// Makes a new signing key, certified by the root with the next sequence, and gives that sequence.
///
/// # Errors
/// [`KeysError::Damaged`] when the root's private key is not at hand.
pub async fn rotate(
    by: Actor,
    store: &Store,
    at_rest: &AtRestKey,
    data_dir: &Path,
    now: Timestamp,
    randomness: &dyn Randomness,
) -> Result<u64, KeysError> {
    let root = read_root(at_rest, data_dir)?;
    if store.setting(ROOT_SETTING).await?.is_some_and(|known| known != root.public().as_uncompressed()) {
        let path = root_path(data_dir);
        return Err(KeysError::Damaged(format!("{} is the root of another server", path.display())));
    }
    let sequence = store.signing_key().await?.map_or(1, |latest| latest.sequence + 1);
    let (key, pkcs8) = SoftwareKey::generate().map_err(damaged)?;
    let certificate =
        server_identity::certify(&root, key.public(), sequence, now - BACKDATED, CERTIFICATE_LIFETIME + BACKDATED)
            .map_err(damaged)?;
    let row = signing_key_row(sequence);
    let location = Location { table: "signing_key", row: &row, column: "private_key" };
    let private_key = at_rest.seal(location, &pkcs8, randomness);
    store.put_signing_key(by, StoredSigningKey { sequence, private_key, certificate }).await?;
    Ok(sequence)
}

/// What [`renew`] found, and did.
#[derive(Debug)]
pub enum Renewal {
    /// There was nothing to do.
    NotDue,
    /// The signing key of this sequence signs from now on.
    Renewed(u64),
    /// The certificate stands so, and the root is not at hand.
    Needed(Standing, Term, KeysError),
}

/// Makes a new signing key where the certificate of the present one is near its end, past it, or has not begun, if the
/// root's private key is at hand.
///
/// # Errors
/// [`KeysError::Store`], when the database gives no answer; [`KeysError::Damaged`] for a key that cannot be opened.
pub async fn renew(
    keys: &ServerKeys,
    store: &Store,
    data_dir: &Path,
    now: Timestamp,
    randomness: &dyn Randomness,
) -> Result<Renewal, KeysError> {
    let term = keys.signer(store).await?.term;
    let standing = term.standing(now);
    if standing == Standing::Serves {
        return Ok(Renewal::NotDue);
    }
    match rotate(Actor::SERVER, store, &keys.at_rest, data_dir, now, randomness).await {
        Ok(sequence) => Ok(Renewal::Renewed(sequence)),
        Err(KeysError::Store(error)) => Err(error.into()),
        Err(without_root) => Ok(Renewal::Needed(standing, term, without_root)),
    }
}
