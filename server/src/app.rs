//! What every handler works with.

use crate::config::Config;
use crate::master_key;
use crate::outgoing::AddressGuard;
use crate::push::Outbox;
use crate::server_keys::ServerKeys;
use crate::startup::StartupError;
use crate::store::{Rules, Store, StoreError};
use crate::waiting::Waiting;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::one_time_code::Drift;

use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::{Clock, Timestamp};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The name of the database file in the data directory.
pub const DATABASE_FILE: &str = "countersign.db";

/// A running server's parts.
pub struct App {
    /// What is durable.
    pub store: Store,
    /// The server's own keys.
    pub keys: ServerKeys,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The randomness.
    pub randomness: Arc<dyn Randomness>,
    /// The address under which phones reach this server.
    pub public_url: String,
    /// Relying parties that wait for a challenge.
    pub challenge_waiting: Waiting<ChallengeId>,
    /// Devices that wait for a challenge of their account, by the account's row.
    pub device_waiting: Waiting<i64>,
    /// Pages that wait for an enrolment.
    pub enrolment_waiting: Waiting<EnrolmentId>,
    /// Which addresses a device may name for its pushes.
    pub push_guard: AddressGuard,
    /// Whether APNs is configured.
    pub apns_configured: bool,
    /// Whether Firebase Cloud Messaging is configured.
    pub fcm_configured: bool,
    /// Which steps' one-time codes are accepted.
    pub code_drift: Drift,
    /// Whether a phone's own word on user verification is believed.
    pub accept_unattested: bool,
    /// Wakes the sending of pushes.
    pub outbox: Outbox,
    /// Wakes the telling of webhook events.
    pub webhook_outbox: Notify,
    /// Cancelled when the server stops: whoever waits answers at once.
    pub stopping: CancellationToken,
}

impl App {
    /// Opens the database and the keys. `public_url` is where phones reach this server.
    ///
    /// # Errors
    /// [`StartupError`].
    pub async fn open(
        config: &Config,
        public_url: String,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Arc<Self>, StartupError> {
        Self::open_with_rules(config, public_url, clock, randomness, Rules::RIGHT).await
    }

    /// As [`App::open`], under other rules: for the simulation, which must notice every broken one.
    ///
    /// # Errors
    /// [`StartupError`].
    #[doc(hidden)]
    pub async fn open_with_rules(
        config: &Config,
        public_url: String,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        rules: Rules,
    ) -> Result<Arc<Self>, StartupError> {
        let store = open_store_with_rules(config, Arc::clone(&clock), rules)?;
        let keys = match open_keys(config, &store, &*clock, &*randomness).await {
            Ok(keys) => keys,
            Err(error) => {
                // Closed in order, so that the database is left as it was found.
                store.close().await;
                return Err(error);
            }
        };
        Ok(Arc::new(Self {
            store,
            keys,
            clock,
            randomness,
            public_url,
            challenge_waiting: Waiting::default(),
            device_waiting: Waiting::default(),
            enrolment_waiting: Waiting::default(),
            push_guard: AddressGuard { allow_private: config.push.webpush.allow_private },
            apns_configured: config.push.apns.is_configured(),
            fcm_configured: config.push.fcm.is_some(),
            code_drift: if config.codes.strict { Drift::None } else { Drift::OneStep },
            accept_unattested: config.approval.accept_unattested,
            outbox: Outbox::default(),
            webhook_outbox: Notify::new(),
            stopping: CancellationToken::new(),
        }))
    }

    /// Wakes everyone whom a change of a challenge concerns: the page that waits, the devices of the account, the
    /// senders.
    pub fn wake(&self, challenge: ChallengeId, account: i64) {
        self.challenge_waiting.wake(challenge);
        self.device_waiting.wake(account);
        self.outbox.wake();
        self.webhook_outbox.notify_one();
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Opens the database in the configured folder, which is made when it is missing.
///
/// # Errors
/// [`StartupError`].
pub fn open_store(config: &Config, clock: Arc<dyn Clock>) -> Result<Store, StartupError> {
    open_store_with_rules(config, clock, Rules::RIGHT)
}

fn open_store_with_rules(config: &Config, clock: Arc<dyn Clock>, rules: Rules) -> Result<Store, StartupError> {
    let data_dir = &config.data_dir;
    private_file::create_folder(data_dir)
        .map_err(|error| StartupError::Configuration(format!("{} cannot be made: {error}", data_dir.display())))?;
    let path = data_dir.join(DATABASE_FILE);
    // SQLite would make it readable for everybody.
    private_file::touch(&path).map_err(|error| StoreError::Unwritable(format!("{}: {error}", path.display())))?;
    Ok(Store::open_with_rules(&path, clock, rules)?)
}

async fn open_keys(
    config: &Config,
    store: &Store,
    clock: &dyn Clock,
    randomness: &dyn Randomness,
) -> Result<ServerKeys, StartupError> {
    let new_database = store.setting("root").await?.is_none();
    let at_rest = master_key::load(&config.master_key, &config.data_dir, new_database, randomness)?;
    ServerKeys::open(store, at_rest, &config.data_dir, clock, randomness).await
}
