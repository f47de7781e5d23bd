//! The use cases: what the server does, whoever asks and through whichever door.
//!
//! Each takes who asks, and plain values; it gives what came of it, or [`Refused`](crate::domain::refused::Refused).
//! Whoever waits for what has changed is woken here, so that no door can forget it.

pub mod api_key;
pub mod applications;
pub mod attestation;
pub mod authenticate;
pub mod backup_codes;
pub mod backup_status;
pub mod claim;
pub mod code_secrets;
pub mod codes;
pub mod create;
pub mod enrol;
pub mod failures;
pub mod figures;
pub mod heed;
pub mod limits;
pub mod moves;
pub mod names;
pub mod notices;
pub mod operator;
pub mod operator_moves;
pub mod people;
pub mod pull;
pub mod push_registrations;
pub mod rates;
pub mod readiness;
pub mod settle;
pub mod turns;
pub mod waiting;
pub mod wake;
pub mod webhooks;

use crate::domain::address_guard::AddressGuard;
use crate::domain::apps::Apps;
use crate::domain::code_steps::Drift;
use crate::domain::measure::Step;
use crate::keys::backup_code_hash::HashCost;
use crate::keys::server_keys::ServerKeys;
use crate::store::{Store, StoreError};
use attestation::Attestation;
use backup_status::BackupStatus;
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::{Clock, Timestamp};
use figures::{Figures, Told};
use limits::Limits;
use rates::Rates;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use turns::Turns;
use wake::Wake;

/// What the operator has decided, as far as use cases ask for it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address under which phones reach this server.
    pub public_url: String,
    /// Which addresses a device may name for its pushes.
    pub push_guard: AddressGuard,
    /// Whether APNs is configured.
    pub apns_configured: bool,
    /// Whether Firebase Cloud Messaging is configured.
    pub fcm_configured: bool,
    /// Which steps' one-time codes are accepted.
    pub code_drift: Drift,
    /// Whether a phone's own word on user verification is believed, without an attestation of its key.
    pub accept_unattested: bool,
    /// Whether the figures are read here, and not at an address of their own.
    pub metrics_here: bool,
    /// Whether each answer is a line of the log.
    pub access_log: bool,
    /// Whether such a line has the caller's address.
    pub log_addresses: bool,
    /// How much anybody may take of the server.
    pub limits: Limits,
    /// Which apps are the operator's own.
    pub apps: Apps,
    /// What the hash of a backup code costs.
    pub hash_cost: HashCost,
}

/// What every use case works with.
pub struct Service {
    /// What is durable.
    pub store: Store,
    /// The server's own keys.
    pub keys: ServerKeys,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The randomness.
    pub randomness: Arc<dyn Randomness>,
    /// What the operator has decided.
    pub settings: Settings,
    /// What is asked of phones beside their own word.
    pub attestation: Attestation,
    /// Who waits for what has changed.
    pub wake: Wake,
    /// How the scheduled backups stand.
    pub backups: BackupStatus,
    /// What is counted and measured.
    pub figures: Figures,
    /// How often who may do what.
    pub rates: Rates,
    /// Whose request is worked on when.
    pub turns: Turns,
    /// Places for answers that are held back.
    pub held: Semaphore,
    /// Places for hashes that are slow on purpose, one a processor.
    pub hashing: Semaphore,
    /// Cancelled when the server stops: whoever waits answers at once.
    pub stopping: CancellationToken,
}

impl Service {
    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Carries out a step, and takes how long it took. What was refused is not taken: it would make a busy attacker
    /// look like a fast server.
    pub(crate) async fn timed<T, E>(&self, step: Step, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let begun = self.clock.since_boot();
        let done = work.await?;
        if let Some(passed) = figures::passed(&*self.clock, begun) {
            self.figures.step(step).take(passed);
        }
        Ok(done)
    }

    /// What has become true since the server was started, and what waits now.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn told(&self) -> Result<Told, StoreError> {
        self.figures.tell(&self.store, self.now()).await
    }
}
