//! Opening what a server consists of: its database, its keys, and the service over them.

use super::config::Config;
use super::startup::StartupError;
use crate::domain::address_guard::AddressGuard;
use crate::keys::master_key;
use crate::keys::server_keys::ServerKeys;
use crate::service::wake::Wake;
use crate::service::{Service, Settings};
use crate::store::{Place, Rules, Store, StoreError};
use countersign_protocol::one_time_code::Drift;
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::Clock;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The name of the database file in the data directory.
pub const DATABASE_FILE: &str = "countersign.db";

/// Opens the database and the keys. `public_url` is where phones reach this server.
///
/// # Errors
/// [`StartupError`].
pub async fn service(
    config: &Config,
    public_url: String,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
) -> Result<Arc<Service>, StartupError> {
    service_with_rules(config, public_url, clock, randomness, Rules::RIGHT).await
}

/// As [`service`], under other rules: for the simulation, which must notice every broken one.
///
/// # Errors
/// [`StartupError`].
#[doc(hidden)]
pub async fn service_with_rules(
    config: &Config,
    public_url: String,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    rules: Rules,
) -> Result<Arc<Service>, StartupError> {
    let store = store_with_rules(config, Arc::clone(&clock), rules)?;
    let keys = match open_keys(config, &store, &*clock, &*randomness).await {
        Ok(keys) => keys,
        Err(error) => {
            // Closed in order, so that the database is left as it was found.
            store.close().await;
            return Err(error);
        }
    };
    let settings = Settings {
        public_url,
        push_guard: AddressGuard { allow_private: config.push.webpush.allow_private },
        apns_configured: config.push.apns.is_configured(),
        fcm_configured: config.push.fcm.is_some(),
        code_drift: if config.codes.strict { Drift::None } else { Drift::OneStep },
        accept_unattested: config.approval.accept_unattested,
    };
    let (wake, stopping) = (Wake::default(), CancellationToken::new());
    Ok(Arc::new(Service { store, keys, clock, randomness, settings, wake, stopping }))
}

/// Opens the database in the configured folder, which is made when it is missing.
///
/// # Errors
/// [`StartupError`].
pub fn store(config: &Config, clock: Arc<dyn Clock>) -> Result<Store, StartupError> {
    store_with_rules(config, clock, Rules::RIGHT)
}

fn store_with_rules(config: &Config, clock: Arc<dyn Clock>, rules: Rules) -> Result<Store, StartupError> {
    let data_dir = &config.data_dir;
    private_file::create_folder(data_dir)
        .map_err(|error| StartupError::Configuration(format!("{} cannot be made: {error}", data_dir.display())))?;
    let path = data_dir.join(DATABASE_FILE);
    // SQLite would make it readable for everybody.
    private_file::touch(&path).map_err(|error| StoreError::Unwritable(format!("{}: {error}", path.display())))?;
    Ok(Store::open_with_rules(&Place::File(path), clock, rules)?)
}

async fn open_keys(
    config: &Config,
    store: &Store,
    clock: &dyn Clock,
    randomness: &dyn Randomness,
) -> Result<ServerKeys, StartupError> {
    let new_database = store.setting("root").await?.is_none();
    let at_rest = master_key::load(&config.master_key, &config.data_dir, new_database, randomness)?;
    Ok(ServerKeys::open(store, at_rest, &config.data_dir, clock, randomness).await?)
}
