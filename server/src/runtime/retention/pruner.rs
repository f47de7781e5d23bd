//! The task that removes what is older than its age: a piece at a time, with a rest after each, so that no login feels
//! it.

use super::belief::Belief;
use crate::service::Service;
use crate::store::{Ages, Removed, StoreError};
use countersign_protocol::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How long to rest when nothing more is old enough, and when the database gives no answer.
const ROUND: Duration = Duration::from_secs(60);
/// How long to rest after a piece, so that the writer is free for most of the time.
const REST: Duration = Duration::from_millis(50);
/// How often the believed time is kept, and a clock that is not believed is told of.
const KEEP: Duration = Duration::from_secs(3600);

/// Removes what is older than its age.
pub struct Pruner {
    service: Arc<Service>,
    ages: Ages,
    belief: Option<Belief>,
    kept_at: Option<Timestamp>,
    doubted_at: Option<Timestamp>,
}

impl Pruner {
    /// A pruner with these ages.
    pub const fn new(service: Arc<Service>, ages: Ages) -> Self {
        Self { service, ages, belief: None, kept_at: None, doubted_at: None }
    }

    /// Removes all that is old enough, without a rest, and says how many rows that were. For a caller that moves the
    /// time itself, in the place of [`Pruner::run`].
    ///
    /// # Errors
    /// [`StoreError`]; what was removed until then stays removed.
    pub async fn flush(&mut self) -> Result<usize, StoreError> {
        let at = self.believed().await?;
        let mut all = 0;
        loop {
            let mut full = false;
            for what in Removed::ALL {
                let removed = self.piece(what, at).await?;
                full |= removed >= what.piece();
                all += removed;
            }
            if !full {
                return Ok(all);
            }
        }
    }

    /// Removes until the server stops. What is not done then is found again after the next start.
    pub async fn run(mut self) {
        while self.rests(ROUND).await {
            if let Err(error) = self.round().await
                && !error.was_told()
            {
                tracing::error!(%error, "what is past its age cannot be removed now");
            }
        }
    }

    /// Removes what is old enough, each kind in turn, with a rest after each piece.
    async fn round(&mut self) -> Result<(), StoreError> {
        loop {
            let at = self.believed().await?;
            let mut full = false;
            for what in Removed::ALL {
                let removed = self.piece(what, at).await?;
                full |= removed >= what.piece();
                if removed > 0 && !self.rests(REST).await {
                    return Ok(());
                }
            }
            if !full {
                return Ok(());
            }
        }
    }

    async fn piece(&self, what: Removed, at: Timestamp) -> Result<usize, StoreError> {
        let removed = self.service.store.remove_piece(what, &self.ages, at).await?;
        if removed > 0 {
            tracing::debug!(removed, "{} past their age", what.name());
        }
        Ok(removed)
    }

    /// Rests; false when the server stops.
    async fn rests(&self, long: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(long) => true,
            () = self.service.stopping.cancelled() => false,
        }
    }

    /// The moment by which ages are counted. Until one was kept, the last line of the journal says when the server was
    /// surely alive.
    async fn believed(&mut self) -> Result<Timestamp, StoreError> {
        let now = self.service.now();
        let mut belief = match self.belief {
            Some(belief) => belief,
            None => {
                let progress = self.service.store.retention_progress().await?;
                Belief::new(progress.believed_at.or(progress.last_line_at).unwrap_or(now))
            }
        };
        let at = belief.look(now);
        self.belief = Some(belief);
        let due = |last: Option<Timestamp>| last.is_none_or(|last| last > now || last + KEEP <= now);
        if at < now && due(self.doubted_at) {
            self.doubted_at = Some(now);
            let days = at.until(now).as_secs() / (24 * 3600);
            tracing::warn!(
                days,
                "the clock is that far ahead of what the server has lived through, so removal by age comes after it \
                 slowly, a day each hour. If the server rested, all is well; if not, set the clock right"
            );
        }
        if due(self.kept_at) {
            self.service.store.keep_believed(at).await?;
            self.kept_at = Some(now);
        }
        Ok(at)
    }
}
