//! Parking: a request that waits costs a place in a map, and no thread and no query until something happens.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Who waits for what.
pub struct Waiting<K: Eq + Hash + Copy>(Mutex<HashMap<K, Parked>>);

struct Parked {
    notify: Arc<Notify>,
    waiters: usize,
}

impl<K: Eq + Hash + Copy> Default for Waiting<K> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

/// A place in the map, given back when it is dropped.
pub struct Place<'a, K: Eq + Hash + Copy> {
    waiting: &'a Waiting<K>,
    key: K,
    notify: Arc<Notify>,
}

impl<K: Eq + Hash + Copy> Drop for Place<'_, K> {
    fn drop(&mut self) {
        let mut map = self.waiting.map();
        if let Some(parked) = map.get_mut(&self.key) {
            parked.waiters -= 1;
            if parked.waiters == 0 {
                map.remove(&self.key);
            }
        }
    }
}

impl<K: Eq + Hash + Copy> Place<'_, K> {
    /// What is woken with this place.
    pub fn notify(&self) -> &Notify {
        &self.notify
    }
}

impl<K: Eq + Hash + Copy> Waiting<K> {
    fn map(&self) -> MutexGuard<'_, HashMap<K, Parked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for `key`.
    pub fn enter(&self, key: K) -> Place<'_, K> {
        let mut map = self.map();
        let parked = map.entry(key).or_insert_with(|| Parked { notify: Arc::default(), waiters: 0 });
        parked.waiters += 1;
        Place { waiting: self, key, notify: Arc::clone(&parked.notify) }
    }

    /// Takes a place for `key`, if fewer than `most` are taken.
    pub fn enter_within(&self, key: K, most: usize) -> Option<Place<'_, K>> {
        let mut map = self.map();
        let parked = map.entry(key).or_insert_with(|| Parked { notify: Arc::default(), waiters: 0 });
        if parked.waiters >= most {
            return None;
        }
        parked.waiters += 1;
        Some(Place { waiting: self, key, notify: Arc::clone(&parked.notify) })
    }

    /// Wakes everyone who waits for `key`.
    pub fn wake(&self, key: K) {
        if let Some(parked) = self.map().get(&key) {
            parked.notify.notify_waiters();
        }
    }

    /// True when nobody waits.
    pub fn is_empty(&self) -> bool {
        self.map().is_empty()
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.map().values().map(|parked| parked.waiters).sum()
    }

    /// Looks; when there is nothing worth answering with yet, parks until `key` is woken, `patience` is over or the
    /// server stops, and looks again; also when `caller`, by whom there may be a place too, is woken. `look` says how
    /// long its answer stays true, so that an expiry is not slept through.
    ///
    /// # Errors
    /// Those of `look`.
    pub async fn until<T, E, F: Future<Output = Result<Look<T>, E>>>(
        &self,
        key: K,
        Until { patience, stopping, caller }: Until<'_>,
        look: impl Fn() -> F,
    ) -> Result<T, E> {
        if patience.is_zero() {
            return Ok(look().await?.seen);
        }
        let place = self.enter(key);
        // Nobody wakes the one that stands in for a caller without a place.
        let nobody = Notify::new();
        let caller = caller.unwrap_or(&nobody);
        let over = tokio::time::sleep(patience);
        tokio::pin!(over);
        loop {
            let woken = place.notify.notified();
            tokio::pin!(woken);
            // From here on a wake is not missed, even one that comes while we look.
            woken.as_mut().enable();
            let called = caller.notified();
            tokio::pin!(called);
            called.as_mut().enable();
            let Look { seen, wait } = look().await?;
            let Some(changes_in) = wait else { return Ok(seen) };
            tokio::select! {
                () = &mut woken => {}
                () = &mut called => {}
                () = tokio::time::sleep(changes_in) => {}
                // What was seen may be minutes old.
                () = &mut over => return Ok(look().await?.seen),
                () = stopping.cancelled() => return Ok(look().await?.seen),
            }
        }
    }
}

/// How long somebody waits, beside what for.
#[derive(Clone, Copy)]
pub struct Until<'a> {
    /// How long at most.
    pub patience: Duration,
    /// Ends every wait at once.
    pub stopping: &'a CancellationToken,
    /// Woken when the caller itself may have changed; see [`Place::notify`].
    pub caller: Option<&'a Notify>,
}

/// What a look has shown.
pub struct Look<T> {
    /// The answer as of now.
    pub seen: T,
    /// `None` when it is worth answering with; otherwise how long until it changes by itself.
    pub wait: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    const LONG: Duration = Duration::from_secs(3600);

    fn until(patience: Duration, stopping: &CancellationToken) -> Until<'_> {
        Until { patience, stopping, caller: None }
    }

    #[tokio::test(start_paused = true)]
    async fn looks_once_when_parked_and_once_when_woken() {
        let waiting = Arc::new(Waiting::<u8>::default());
        let (looks, value) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let parked = tokio::spawn({
            let (waiting, looks, value) = (Arc::clone(&waiting), Arc::clone(&looks), Arc::clone(&value));
            async move {
                let look = || async {
                    looks.fetch_add(1, SeqCst);
                    let seen = value.load(SeqCst);
                    Ok::<_, ()>(Look { seen, wait: (seen == 0).then_some(LONG) })
                };
                let stopping = CancellationToken::new();
                waiting.until(1, until(LONG, &stopping), look).await
            }
        });
        while waiting.is_empty() || looks.load(SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        waiting.wake(2);
        value.store(7, SeqCst);
        waiting.wake(1);
        assert_eq!(parked.await.unwrap(), Ok(7));
        assert_eq!(looks.load(SeqCst), 2);
        assert!(waiting.is_empty(), "the place is given back");
    }

    #[tokio::test(start_paused = true)]
    async fn ends_with_patience_and_with_the_server() {
        let waiting = Waiting::<u8>::default();
        let pending = || async { Ok::<_, ()>(Look { seen: 0, wait: Some(LONG) }) };
        assert_eq!(waiting.until(1, until(Duration::from_secs(5), &CancellationToken::new()), pending).await, Ok(0));
        let stopping = CancellationToken::new();
        stopping.cancel();
        assert_eq!(waiting.until(1, until(LONG, &stopping), pending).await, Ok(0));
        assert!(waiting.is_empty());
    }
}
