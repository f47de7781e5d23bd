//! Making a server: its folder, its database and its keys. Nothing else makes one, so that a disk that is not mounted,
//! or a folder that was emptied, is never taken for a server that has not begun.

use super::config::Config;
use super::data_folder::{self, DataFolder, Standing};
use super::startup::StartupError;
use crate::keys::master_key;
use crate::keys::server_keys::{self, ServerKeys};
use crate::store::{Place, Store};
use countersign_protocol::key::Thumbprint;
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::Clock;
use std::path::PathBuf;
use std::sync::Arc;

/// A server that was made.
#[derive(Debug)]
pub struct Made {
    /// Its id.
    pub server_id: Thumbprint,
    /// The file that holds its root's private key, and should be moved away.
    pub root_key: PathBuf,
    /// The file that its master key was written to; none where the key is not in a file, or was there before.
    pub master_key: Option<PathBuf>,
}

/// Makes the server that is configured. One whose making was cut off is finished.
///
/// # Errors
/// [`StartupError::Exists`] where there is one, which is left as it is; [`StartupError::InUse`] while a server runs
/// there; the others as for a start.
pub async fn make(
    config: &Config,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
) -> Result<Made, StartupError> {
    config.public_url_at(config.listen)?;
    make_in(config, data_folder::place(&config.data_dir), clock, randomness).await
}

/// As [`make`], with its database in this place: for the simulation, which runs on every engine.
///
/// # Errors
/// As there.
#[doc(hidden)]
pub async fn make_in(
    config: &Config,
    place: Place,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
) -> Result<Made, StartupError> {
    let data_dir = &config.data_dir;
    let refuse_existing = || match data_folder::standing(data_dir, &place)? {
        Standing::Server(_) => Err(StartupError::Exists(data_dir.clone())),
        Standing::HalfMade | Standing::Nothing => Ok(()),
    };
    refuse_existing()?;
    let _folder = DataFolder::make(data_dir)?;
    // Once more, now that nobody else makes one there.
    refuse_existing()?;
    let store = Store::open(&place, Arc::clone(&clock))?;
    let made = make_keys(config, &store, &*clock, &*randomness).await;
    store.close().await;
    made
}

async fn make_keys(
    config: &Config,
    store: &Store,
    clock: &dyn Clock,
    randomness: &dyn Randomness,
) -> Result<Made, StartupError> {
    let data_dir = &config.data_dir;
    // What is sealed already is sealed under a key that is somewhere: another one would not open it.
    let begun = store.setting(server_keys::ROOT_SETTING).await?.is_some();
    let master_key = if begun { None } else { master_key::make(&config.master_key, data_dir, randomness)? };
    let at_rest = master_key::load(&config.master_key, data_dir)?;
    let keys = ServerKeys::make(store, at_rest, data_dir, clock, randomness).await?;
    Ok(Made { server_id: keys.server_id, root_key: server_keys::root_path(data_dir), master_key })
}
