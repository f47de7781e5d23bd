//! The lanes: how much may be in flight to each network, and whether it is well.

use super::breaker::{Allowed, Breaker, LONGEST_PAUSE};
use countersign_protocol::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most pushes in flight in one lane.
const PLACES: usize = 256;
/// The most pushes in flight in all lanes: whoever registers devices at many services must not use up the sockets.
const ALL_PLACES: usize = 1024;

/// One way to the phones.
struct Lane {
    places: Arc<Semaphore>,
    breaker: Arc<Mutex<Breaker>>,
}

/// A place in a lane, given back when it is dropped.
pub(super) struct Place {
    breaker: Arc<Mutex<Breaker>>,
    _of_lane: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Place {
    /// Says how the network did.
    pub fn report(&self, well: bool, now: Timestamp) {
        let mut breaker = lock(&self.breaker);
        if well { breaker.succeeded() } else { breaker.failed(now) }
    }
}

/// All lanes.
pub(super) struct Lanes {
    lanes: Mutex<HashMap<String, Lane>>,
    all: Arc<Semaphore>,
}

/// What a lane takes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// So many messages; zero while it is full.
    For(usize),
    /// Nothing before this moment.
    ClosedUntil(Timestamp),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lanes {
    pub fn new() -> Self {
        Self { lanes: Mutex::default(), all: Arc::new(Semaphore::new(ALL_PLACES)) }
    }

    /// How much this lane takes now.
    pub fn room(&self, name: &str, now: Timestamp) -> Room {
        let lanes = lock(&self.lanes);
        // No lane takes the last places: a few slow services of one stranger must not use up all.
        let of_all = self.all.available_permits().div_ceil(2);
        let Some(lane) = lanes.get(name) else { return Room::For(PLACES.min(of_all)) };
        let free = lane.places.available_permits().min(of_all);
        match lock(&lane.breaker).allowed(now) {
            Allowed::All => Room::For(free),
            // One at a time: another that is still in flight is the probe.
            Allowed::Probe => Room::For(usize::from(lane.places.available_permits() == PLACES && free > 0)),
            Allowed::NothingUntil(until) => Room::ClosedUntil(until),
        }
    }

    /// Takes a place; none when the lane, or everything, is full.
    pub fn take(&self, name: &str) -> Option<Place> {
        let mut lanes = lock(&self.lanes);
        let lane = lanes
            .entry(name.to_owned())
            .or_insert_with(|| Lane { places: Arc::new(Semaphore::new(PLACES)), breaker: Arc::default() });
        Some(Place {
            breaker: Arc::clone(&lane.breaker),
            _of_lane: Arc::clone(&lane.places).try_acquire_owned().ok()?,
            _of_all: Arc::clone(&self.all).try_acquire_owned().ok()?,
        })
    }

    /// Forgets the lanes in which nothing is in flight and that are well, or were last tried a while ago: a stranger's
    /// subscription names them.
    pub fn sweep(&self, now: Timestamp) {
        lock(&self.lanes).retain(|_, lane| {
            let rests = matches!(lock(&lane.breaker).allowed(now - LONGEST_PAUSE), Allowed::NothingUntil(_));
            lane.places.available_permits() < PLACES || rests
        });
    }

    /// How much is in flight in this lane.
    pub fn in_flight(&self, name: &str) -> usize {
        lock(&self.lanes).get(name).map_or(0, |lane| PLACES - lane.places.available_permits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn a_full_lane_leaves_the_others_their_places() {
        let lanes = Lanes::new();
        let held: Vec<Place> = std::iter::from_fn(|| lanes.take("slow")).collect();
        assert_eq!((held.len(), lanes.room("slow", NOW), lanes.in_flight("slow")), (PLACES, Room::For(0), PLACES));
        assert_eq!(lanes.room("quick", NOW), Room::For(PLACES));
        assert!(lanes.take("quick").is_some());
        drop(held);
        assert_eq!(lanes.room("slow", NOW), Room::For(PLACES));
    }

    #[test]
    fn a_lane_that_is_down_is_asked_once_when_its_pause_is_over() {
        let lanes = Lanes::new();
        for _ in 0..5 {
            lanes.take("down").unwrap().report(false, NOW);
        }
        let Room::ClosedUntil(until) = lanes.room("down", NOW) else { panic!("it is still asked") };
        assert_eq!(lanes.room("well", NOW), Room::For(PLACES));
        assert_eq!(lanes.room("down", until), Room::For(1));
        let probe = lanes.take("down").unwrap();
        assert_eq!(lanes.room("down", until), Room::For(0), "the probe is in flight");
        probe.report(true, until);
        drop(probe);
        assert_eq!(lanes.room("down", until), Room::For(PLACES));
        lanes.sweep(until + Duration::from_secs(1));
        assert_eq!(lanes.in_flight("down"), 0);
    }
}
