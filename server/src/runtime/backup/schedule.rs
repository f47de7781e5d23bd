//! Backups that the server makes by itself, and the end of old lines of the recovery journal.

use super::config::{BackupConfig, Schedule};
use super::make::{self, Server};
use super::{BackupError, keep, of_file};
use crate::runtime::config::Config;
use crate::service::Service;
use crate::store::{StoreError, recovery};
use countersign_protocol::time::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often the schedule is looked at.
const TICK: Duration = Duration::from_secs(30);
/// How long to wait after one that failed, at the most.
const RETRY: Duration = Duration::from_secs(10 * 60);
/// How often old lines of the recovery journal are looked for.
const FORGET: Duration = Duration::from_secs(24 * 3600);

/// Makes the scheduled backups of a server.
pub struct Scheduler {
    service: Arc<Service>,
    data_dir: PathBuf,
    config: BackupConfig,
    failed_at: Option<Timestamp>,
    forgot_at: Option<Timestamp>,
}

impl Scheduler {
    /// The schedule of this server.
    pub fn new(service: Arc<Service>, config: &Config) -> Self {
        let (data_dir, config) = (config.data_dir.clone(), config.backup.clone());
        Self { service, data_dir, config, failed_at: None, forgot_at: None }
    }

    /// Makes backups until the server stops.
    pub async fn run(mut self) {
        loop {
            self.look().await;
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = self.service.stopping.cancelled() => break,
            }
        }
    }

    /// Looks once, and makes a backup if one is due. For a caller that moves the time itself, in the place of
    /// [`Scheduler::run`].
    pub async fn look(&mut self) {
        let now = self.service.now();
        if self.forgot_at.is_none_or(|at| at > now || at + FORGET <= now) {
            self.forgot_at = Some(now);
            if let Err(error) = self.forget().await {
                tracing::warn!(%error, "old lines of the recovery journal cannot be removed now");
            }
        }
        let Some(schedule) = self.config.schedule.clone() else { return };
        let retry = RETRY.min(schedule.every);
        if self.failed_at.is_some_and(|at| at <= now && now < at + retry) {
            return;
        }
        self.failed_at = None;
        if let Err(error) = self.back_up(&schedule, now).await {
            if self.service.stopping.is_cancelled() {
                return;
            }
            self.failed_at = Some(now);
            if self.service.backups.failed(error.to_string()) {
                tracing::error!(%error, "the scheduled backup cannot be made; it is tried again every few minutes");
            }
        }
    }

    async fn back_up(&self, schedule: &Schedule, now: Timestamp) -> Result<(), BackupError> {
        let folder = &schedule.directory;
        let (backups, left) = keep::look(folder).map_err(of_file(folder))?;
        // One that is dated ahead was made by another clock, and says nothing about when the next is due.
        let newest = backups.iter().map(|(at, _)| *at).filter(|at| *at <= now).max();
        if let Some(newest) = newest.filter(|newest| now < *newest + schedule.every) {
            if self.service.backups.last_good() < Some(newest) {
                self.service.backups.succeeded(newest);
            }
            return Ok(());
        }
        for path in left {
            std::fs::remove_file(&path).map_err(of_file(&path))?;
        }
        let Service { store, keys, randomness, stopping, .. } = &*self.service;
        let (at_rest, data_dir, randomness) = (&keys.at_rest, &*self.data_dir, &**randomness);
        let server = Server { store, at_rest, data_dir, randomness, now };
        let (path, stopping) = (folder.join(keep::name(now)), stopping.clone());
        let go_on = Arc::new(move |_, _, _| !stopping.is_cancelled());
        let made = make::make(server, &path, self.config.recipient.as_ref(), go_on).await?;
        self.service.backups.succeeded(now);
        tracing::info!(file = %path.display(), bytes = made.bytes, "a backup was made");
        let (backups, _) = keep::look(folder).map_err(of_file(folder))?;
        for path in keep::superfluous(&backups, schedule.keep) {
            std::fs::remove_file(&path).map_err(of_file(&path))?;
        }
        Ok(())
    }

    /// Lines go by the time up to which the clock is believed, as all that is removed for good.
    async fn forget(&self) -> Result<(), StoreError> {
        let Some(believed) = self.service.store.retention_progress().await?.believed_at else { return Ok(()) };
        let (folder, before) = (self.config.journal(&self.data_dir), believed - self.config.journal_kept);
        let forgotten = tokio::task::spawn_blocking(move || recovery::forget(&folder, before)).await;
        let removed = forgotten.map_err(|_| StoreError::Closed)??;
        if removed > 0 {
            tracing::debug!(removed, "files of the recovery journal are past their age");
        }
        Ok(())
    }
}
