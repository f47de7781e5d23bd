//! The places that connections take: how many there are, who goes first when all are taken, and what is kept for those
//! who prove who they are.
//!
//! Of all places the last tenth is the reserve. What is idle, a connection without a request on it, goes first: the
//! longest idle stranger, and after all strangers the longest idle of those who proved themselves. So a newcomer always
//! finds a place while anybody is idle, and has to prove who it is where only the reserve is left.

use crate::domain::network::Network;
use crate::doors::extract::Place as Placed;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a connection is idle before it goes although the reserve is free: one that has just come is about to ask.
const QUIET: Duration = Duration::from_secs(1);

/// All places.
#[derive(Debug)]
pub struct Places {
    limit: usize,
    reserve: usize,
    per_address: usize,
    state: Mutex<State>,
    /// Somebody left, or became idle.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    held: HashMap<u64, Held>,
    /// Who is idle: strangers first, the longest idle first.
    idle: BTreeSet<(bool, Instant, u64)>,
    /// How many places strangers hold, by address.
    strangers: HashMap<IpAddr, usize>,
    /// Whether the log has said that the limit is reached.
    at_limit: bool,
    /// How many made place or were turned away since then.
    dropped: u64,
    refused: u64,
}

#[derive(Debug)]
struct Held {
    /// The address whose count this place is in.
    counted: Option<IpAddr>,
    reserved: bool,
    proven: bool,
    /// Since when it is idle.
    idle_since: Option<Instant>,
    dropped: CancellationToken,
}

impl State {
    /// Takes a place away, and gives back what it counted for.
    fn release(&mut self, id: u64) -> Option<Held> {
        let held = self.held.remove(&id)?;
        if let Some(since) = held.idle_since {
            self.idle.remove(&(held.proven, since, id));
        }
        self.forget(held.counted);
        Some(held)
    }

    fn forget(&mut self, counted: Option<IpAddr>) {
        let Some(address) = counted else { return };
        if let Some(count) = self.strangers.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.strangers.remove(&address);
            }
        }
    }

    /// Ends the connection that is idle longest, if there is one of which this holds.
    fn displace(&mut self, may_go: impl Fn(bool, Instant) -> bool) -> bool {
        let Some(&(proven, since, id)) = self.idle.first() else { return false };
        if !may_go(proven, since) {
            return false;
        }
        if let Some(held) = self.release(id) {
            held.dropped.cancel();
            self.dropped += 1;
        }
        true
    }

    fn set_idle(&mut self, id: u64, since: Option<Instant>) {
        let Some(held) = self.held.get_mut(&id) else { return };
        if let Some(before) = held.idle_since {
            self.idle.remove(&(held.proven, before, id));
        }
        held.idle_since = since;
        if let Some(since) = since {
            self.idle.insert((held.proven, since, id));
        }
    }
}

/// What came of asking for a place.
enum Asked {
    Taken(Place),
    /// This address has all that it may have.
    Refused,
    /// Everybody is busy.
    Full,
}

impl Places {
    /// So many places, of which strangers of one address hold so many.
    pub fn new(limit: usize, per_address: usize) -> Arc<Self> {
        let reserve = (limit / 10).max(3).min(limit / 2);
        Arc::new(Self { limit, reserve, per_address, state: Mutex::default(), changed: Notify::new() })
    }

    /// A place for a connection from this address, as soon as there is one. None where strangers of this address hold
    /// all that they may.
    pub async fn take(self: &Arc<Self>, address: IpAddr, exempt: bool) -> Option<Place> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Before asking, so that no change in between is missed.
            changed.as_mut().enable();
            match self.ask(address, exempt) {
                Asked::Taken(place) => return Some(place),
                Asked::Refused => return None,
                Asked::Full => changed.await,
            }
        }
    }

    fn ask(self: &Arc<Self>, address: IpAddr, exempt: bool) -> Asked {
        let now = Instant::now();
        let mut state = self.state();
        let counted = (!exempt).then(|| Network::of_one_customer(address));
        if counted.is_some_and(|address| state.strangers.get(&address).is_some_and(|held| *held >= self.per_address)) {
            state.refused += 1;
            return Asked::Refused;
        }
        let ordinary = self.limit - self.reserve;
        if state.held.len() >= ordinary {
            let made = state.displace(|proven, since| !proven && since + QUIET <= now);
            if !made && state.held.len() >= self.limit && !state.displace(|_, _| true) {
                self.say_full(&mut state);
                return Asked::Full;
            }
        }
        let reserved = state.held.len() >= ordinary;
        if reserved {
            self.say_full(&mut state);
        }
        state.next += 1;
        let id = state.next;
        let dropped = CancellationToken::new();
        if let Some(address) = counted {
            *state.strangers.entry(address).or_default() += 1;
        }
        let held = Held { counted, reserved, proven: false, idle_since: None, dropped: dropped.clone() };
        state.held.insert(id, held);
        state.set_idle(id, Some(now));
        Asked::Taken(Place { places: Arc::clone(self), id, dropped })
    }

    fn say_full(&self, state: &mut State) {
        if !state.at_limit {
            state.at_limit = true;
            (state.dropped, state.refused) = (0, 0);
            tracing::warn!(
                connections = state.held.len(),
                limit = self.limit,
                reserve = self.reserve,
                "at the connection limit: idle connections are closed, and new ones are served where they prove who \
                 they are. If this is no attack, raise limits.connections"
            );
        }
    }

    fn say_below(&self, state: &mut State) {
        // A tenth below, so that one connection more or less is no news.
        if state.at_limit && state.held.len() <= (self.limit - self.reserve) * 9 / 10 {
            state.at_limit = false;
            tracing::info!(
                connections = state.held.len(),
                closed_idle = state.dropped,
                refused = state.refused,
                "below the connection limit again"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    id: u64,
    dropped: CancellationToken,
}

impl Place {
    /// A request has come on it. False when the connection has just been ended as an idle one: nothing of the request
    /// is to be carried out.
    pub fn begin(&self) -> bool {
        let mut state = self.places.state();
        state.set_idle(self.id, None);
        state.held.contains_key(&self.id)
    }

    /// The request was answered.
    pub fn end(&self) {
        self.places.state().set_idle(self.id, Some(Instant::now()));
        self.places.changed.notify_one();
    }

    /// Completes when the connection has to make place.
    pub async fn dropped(&self) {
        self.dropped.cancelled().await;
    }
}

impl Placed for Place {
    fn is_reserved(&self) -> bool {
        self.places.state().held.get(&self.id).is_some_and(|held| held.reserved)
    }

    fn is_proven(&self) -> bool {
        self.places.state().held.get(&self.id).is_some_and(|held| held.proven)
    }

    fn prove(&self) {
        let mut state = self.places.state();
        let Some(held) = state.held.get(&self.id).filter(|held| !held.proven) else { return };
        let idle_since = held.idle_since;
        state.set_idle(self.id, None);
        let mut counted = None;
        if let Some(held) = state.held.get_mut(&self.id) {
            (held.proven, held.reserved) = (true, false);
            counted = held.counted.take();
        }
        state.forget(counted);
        state.set_idle(self.id, idle_since);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.state();
        state.release(self.id);
        self.places.say_below(&mut state);
        drop(state);
        self.places.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn taken(places: &Arc<Places>, address: IpAddr) -> Option<Place> {
        match places.ask(address, false) {
            Asked::Taken(place) => Some(place),
            Asked::Refused | Asked::Full => None,
        }
    }

    fn is_dropped(place: &Place) -> bool {
        place.dropped.is_cancelled()
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_stranger_goes_first_and_who_proved_itself_last() {
        let places = Places::new(10, 100);
        let mut held: Vec<Place> = (0..7).map(|_| taken(&places, HERE).unwrap()).collect();
        tokio::time::advance(QUIET).await;
        held[0].prove();
        assert!(held[1].begin());
        // Only the reserve is left, and the second stranger has been idle longest: the first is busy.
        held.push(taken(&places, HERE).unwrap());
        let dropped: Vec<bool> = held.iter().map(is_dropped).collect();
        assert_eq!(dropped.iter().filter(|dropped| **dropped).count(), 1);
        assert!(dropped[2] && !held[7].is_reserved(), "{dropped:?}");
        assert!(!held[2].begin(), "nothing of its next request is carried out");
        // Nobody is idle but who has just come, and who proved itself: the reserve serves.
        for one in &held[3..7] {
            assert!(one.begin());
        }
        for _ in 0..3 {
            held.push(taken(&places, HERE).unwrap());
            assert!(held.last().unwrap().is_reserved());
        }
        // All are taken: the newcomers who say nothing go, one after the other, before who proved itself.
        assert!(held[7..].iter().all(Place::begin));
        held.push(taken(&places, HERE).unwrap());
        assert!(is_dropped(&held[0]), "nobody else was idle");
        assert!(held[11].begin());
        assert!(taken(&places, HERE).is_none(), "everybody is busy");
        held[9].end();
        held.push(taken(&places, HERE).unwrap());
        assert!(is_dropped(&held[9]));
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_of_one_address_hold_so_many_and_who_proves_itself_counts_no_more() {
        let places = Places::new(100, 2);
        let (first, _second) = (taken(&places, HERE).unwrap(), taken(&places, HERE).unwrap());
        assert!(taken(&places, HERE).is_none());
        assert!(taken(&places, "192.0.2.8".parse().unwrap()).is_some());
        assert!(matches!(places.ask(HERE, true), Asked::Taken(_)), "a proxy of ours has no such limit");
        first.prove();
        first.prove();
        let third = taken(&places, HERE).unwrap();
        assert!(taken(&places, HERE).is_none());
        drop(third);
        assert!(taken(&places, HERE).is_some());
        let v6 = |last: &str| format!("2001:db8:1:2::{last}").parse().unwrap();
        let _held = (taken(&places, v6("1")).unwrap(), taken(&places, v6("2")).unwrap());
        assert!(taken(&places, v6("3")).is_none(), "64 bits are one customer's");
        drop((first, _second));
        assert_eq!(places.state().held.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_place_gets_the_one_that_becomes_free() {
        let places = Places::new(10, 100);
        let mut held: Vec<Place> = Vec::new();
        for _ in 0..10 {
            let place = taken(&places, HERE).unwrap();
            assert!(place.begin());
            held.push(place);
        }
        let waiting = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take(HERE, false).await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished() && places.state().at_limit);
        drop(held.pop());
        assert!(waiting.await.unwrap());
        held.clear();
        assert!(!places.state().at_limit && places.state().strangers.is_empty() && places.state().idle.is_empty());
    }
}
