//! Opening what a server consists of: its database, its keys, and the service over them.

use super::config::Config;
use super::data_folder;
use super::startup::StartupError;
use crate::domain::address_guard::AddressGuard;
use crate::domain::code_steps::Drift;
use crate::keys::server_keys::{self, ServerKeys};
use crate::keys::{KeysError, master_key};
use crate::service::attestation::Attestation;
use crate::service::backup_status::BackupStatus;
use crate::service::failures::MOST_HELD;
use crate::service::figures::Figures;
use crate::service::heed::heed;
use crate::service::rates::Rates;
use crate::service::turns::Turns;
use crate::service::wake::Wake;
use crate::service::{Service, Settings};
use crate::store::recovery::Writer;
use crate::store::{Place, Rules, Seen, Store, StoreError};
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::Clock;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Opens the database and the keys, for the server itself or a command beside it. `public_url` is where phones reach
/// this server.
///
/// # Errors
/// [`StartupError`].
pub async fn service(
    config: &Config,
    who: Writer,
    public_url: String,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
) -> Result<Arc<Service>, StartupError> {
    let place = data_folder::place(&config.data_dir);
    let rules = Rules {
        questions_per_person: config.limits.questions_per_person,
        questions_per_relying_party: config.limits.questions_per_person_and_relying_party,
        ..Rules::RIGHT
    };
    let service = service_over(config, (place, rules), public_url, clock, randomness).await?;
    if let Err(error) = keep_recovery_journal(config, &service.store, who).await {
        service.store.close().await;
        return Err(error);
    }
    Ok(service)
}

/// As [`service`], over a store in this place and under these rules: for the simulation, which runs on every engine and
/// must notice every broken rule.
///
/// # Errors
/// [`StartupError`].
#[doc(hidden)]
pub async fn service_over(
    config: &Config,
    (place, rules): (Place, Rules),
    public_url: String,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
) -> Result<Arc<Service>, StartupError> {
    data_folder::server(&config.data_dir, &place)?;
    let apps = config.apps.apps();
    let attestation = Attestation::new(config.attestation.android, config.attestation.read(&apps)?);
    let store = open_known(config, place, Arc::clone(&clock), rules)?;
    let keys = match open_keys(config, &store, &*clock, &*randomness).await {
        Ok(keys) => keys,
        Err(error) => {
            // Closed in order, so that the database is left as it was found.
            store.close().await;
            return Err(error);
        }
    };
    let settings = Settings {
        push_guard: AddressGuard { allow_private: config.push.webpush.allow_private },
        apns_configured: config.push.apns.is_configured(),
        fcm_configured: config.push.fcm.is_some(),
        code_drift: if config.codes.strict { Drift::None } else { Drift::Learned },
        accept_unattested: config.approval.accept_unattested,
        // Plain http is for phones on this very machine.
        metrics_here: config.metrics.listen.is_none() && public_url.starts_with("http://"),
        access_log: config.log.access,
        log_addresses: config.log.addresses,
        public_url,
        limits: config.limits,
        apps,
        hash_cost: config.hash_cost,
    };
    let figures = Figures::new(Seen { line: store.newest_journal_line().await?, at: clock.now() });
    let (wake, stopping) = (Wake::default(), CancellationToken::new());
    if let Err(error) = heed(&store, &wake).await {
        store.close().await;
        return Err(error.into());
    }
    let hashing = Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from));
    let (rates, held) = (Rates::new(&config.limits), Semaphore::new(MOST_HELD));
    let turns = Turns::new(config.limits.turns_per_relying_party);
    let backups = BackupStatus::default();
    Ok(Arc::new(Service {
        store,
        keys,
        clock,
        randomness,
        settings,
        attestation,
        wake,
        backups,
        figures,
        rates,
        turns,
        held,
        hashing,
        stopping,
    }))
}

/// Opens the database of the server that is configured, beside that server or while it rests.
///
/// # Errors
/// As [`data_folder::server`], and [`StartupError::Store`] for a database that cannot be opened or brought up to date.
pub fn store(config: &Config, clock: Arc<dyn Clock>) -> Result<Store, StartupError> {
    let place = data_folder::place(&config.data_dir);
    data_folder::server(&config.data_dir, &place)?;
    open_known(config, place, clock, Rules::RIGHT)
}

/// Keeps the recovery journal of this database from now on: every process that writes to it does.
///
/// # Errors
/// [`StartupError::Store`], when it cannot be written.
pub async fn keep_recovery_journal(config: &Config, store: &Store, who: Writer) -> Result<(), StartupError> {
    // A database without keys has nothing yet that could be lost.
    let Some(id) = server_keys::server_id(store).await? else { return Ok(()) };
    Ok(store.keep_recovery_journal(config.backup.journal(&config.data_dir), &id, who).await?)
}

fn open_known(config: &Config, place: Place, clock: Arc<dyn Clock>, rules: Rules) -> Result<Store, StartupError> {
    Store::open_with_rules(&place.known(), clock, rules).map_err(|error| match error {
        StoreError::Empty => KeysError::OtherDatabase(config.data_dir.clone()).into(),
        other => other.into(),
    })
}

async fn open_keys(
    config: &Config,
    store: &Store,
    clock: &dyn Clock,
    randomness: &dyn Randomness,
) -> Result<ServerKeys, StartupError> {
    let at_rest = master_key::load(&config.master_key, &config.data_dir)?;
    Ok(ServerKeys::open(store, at_rest, &config.data_dir, clock, randomness).await?)
}
