//! The lanes: how much may be on its way in each, and whether it is well.

use super::breaker::{Allowed, Breaker, LONGEST_PAUSE, Shown};
use crate::store::Choice;
use countersign_protocol::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much may be on its way at one time.
#[derive(Debug, Clone, Copy)]
pub(in crate::delivery) struct Places {
    /// In one lane.
    pub lane: usize,
    /// In all lanes: a stranger's registrations must not use up the sockets.
    pub all: usize,
}

/// What can be down as one.
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
    /// Says what the attempt has shown of the lane.
    pub fn report(&self, shown: Shown, now: Timestamp) {
        lock(&self.breaker).report(shown, now);
    }
}

/// All lanes.
pub(super) struct Lanes {
    lanes: Mutex<HashMap<String, Lane>>,
    places: Places,
    all: Arc<Semaphore>,
}

/// What a lane takes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// So many of these; zero while it is full.
    For(usize, Choice),
    /// Nothing before this moment, but for so many to endpoints that have not failed: one or none.
    ClosedUntil(Timestamp, usize),
}

impl Room {
    /// How many may be started now, and which.
    pub const fn open(self) -> (usize, Choice) {
        match self {
            Self::For(free, choice) => (free, choice),
            Self::ClosedUntil(_, unfailed) => (unfailed, Choice::Unfailed),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lanes {
    pub fn new(places: Places) -> Self {
        Self { lanes: Mutex::default(), places, all: Arc::new(Semaphore::new(places.all)) }
    }

    /// How much this lane takes now.
    pub fn room(&self, name: &str, now: Timestamp) -> Room {
        let lanes = lock(&self.lanes);
        // No lane takes the last places: a few slow services of one stranger must not use up all.
        let of_all = self.all.available_permits().div_ceil(2);
        let Some(lane) = lanes.get(name) else { return Room::For(self.places.lane.min(of_all), Choice::Any) };
        let free = lane.places.available_permits().min(of_all);
        // One at a time: another that is still in flight is the probe.
        let one = usize::from(lane.places.available_permits() == self.places.lane && free > 0);
        match lock(&lane.breaker).allowed(now) {
            Allowed::All => Room::For(free, Choice::Any),
            Allowed::Probe => Room::For(one, Choice::BestFirst),
            Allowed::Resting { until, unfailed } => Room::ClosedUntil(until, if unfailed { one } else { 0 }),
        }
    }

    /// Takes a place; none when the lane, or everything, is full.
    pub fn take(&self, name: &str) -> Option<Place> {
        let mut lanes = lock(&self.lanes);
        let lane = lanes
            .entry(name.to_owned())
            .or_insert_with(|| Lane { places: Arc::new(Semaphore::new(self.places.lane)), breaker: Arc::default() });
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
            let rests = matches!(lock(&lane.breaker).allowed(now - LONGEST_PAUSE), Allowed::Resting { .. });
            lane.places.available_permits() < self.places.lane || rests
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const PLACES: usize = 256;
    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn lanes() -> Lanes {
        Lanes::new(Places { lane: PLACES, all: 4 * PLACES })
    }

    const ALL: Room = Room::For(PLACES, Choice::Any);

    #[test]
    fn a_full_lane_leaves_the_others_their_places() {
        let lanes = lanes();
        let held: Vec<Place> = std::iter::from_fn(|| lanes.take("slow")).collect();
        assert_eq!((held.len(), lanes.room("slow", NOW)), (PLACES, Room::For(0, Choice::Any)));
        assert_eq!(lanes.room("quick", NOW), ALL);
        assert!(lanes.take("quick").is_some());
        drop(held);
        assert_eq!(lanes.room("slow", NOW), ALL);
    }

    #[test]
    fn a_lane_that_is_down_is_asked_once_when_its_pause_is_over() {
        let lanes = lanes();
        for _ in 0..5 {
            lanes.take("down").unwrap().report(Shown::Cut, NOW);
        }
        let Room::ClosedUntil(until, 0) = lanes.room("down", NOW) else { panic!("it is still asked") };
        assert_eq!(lanes.room("well", NOW), ALL);
        assert_eq!(lanes.room("down", until), Room::For(1, Choice::BestFirst));
        let probe = lanes.take("down").unwrap();
        assert_eq!(lanes.room("down", until), Room::For(0, Choice::BestFirst), "the probe is in flight");
        probe.report(Shown::Well, until);
        drop(probe);
        assert_eq!(lanes.room("down", until), ALL);
        lanes.sweep(until + Duration::from_secs(1));
        assert!(lock(&lanes.lanes).is_empty());
    }

    #[test]
    fn a_lane_that_answers_lets_those_pass_that_have_not_failed_one_by_one() {
        let lanes = lanes();
        for endpoint in 0..5 {
            lanes.take("unwell").unwrap().report(Shown::Unwell(endpoint), NOW);
        }
        let Room::ClosedUntil(until, 1) = lanes.room("unwell", NOW) else { panic!("no other may try") };
        let unfailed = lanes.take("unwell").unwrap();
        assert_eq!(lanes.room("unwell", NOW), Room::ClosedUntil(until, 0), "one is in flight");
        unfailed.report(Shown::Unwell(5), NOW);
        drop(unfailed);
        assert_eq!(lanes.room("unwell", NOW), Room::ClosedUntil(until, 1), "its failure makes no pause longer");
        lanes.take("unwell").unwrap().report(Shown::Well, NOW);
        assert_eq!(lanes.room("unwell", NOW), ALL);
    }
}
