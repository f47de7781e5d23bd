//! Turns: of each relying party so many requests are worked on at one time, and its others wait in its own line. One
//! that sends thousands at once waits for itself; whoever else comes finds the readers, the writer and the processors
//! with no more than a few pieces of its work in front.
//!
//! A request that waits for its turn costs its connection and nothing else. One that is parked has none: it takes one
//! for each look.

use crate::domain::rows::RelyingPartyRow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The lines, one for each relying party that has called since the start.
pub struct Turns {
    at_once: usize,
    lines: Mutex<HashMap<RelyingPartyRow, Arc<Semaphore>>>,
    /// Whose key it was when it was looked up last. It may be revoked since: it only says in which line to wait.
    keys: Mutex<HashMap<[u8; 32], RelyingPartyRow>>,
}

/// A turn, given back when it is dropped.
pub struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// So many turns for each.
    pub fn new(at_once: usize) -> Self {
        Self { at_once: at_once.min(Semaphore::MAX_PERMITS), lines: Mutex::default(), keys: Mutex::default() }
    }

    /// Waits for a turn of this relying party.
    pub async fn take(&self, relying_party: RelyingPartyRow) -> Turn {
        let line = {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(lines.entry(relying_party).or_insert_with(|| Arc::new(Semaphore::new(self.at_once))))
        };
        // Nobody closes a line.
        Turn { _permit: line.acquire_owned().await.ok() }
    }

    /// Waits for a turn of whoever called with this key before; none for a key that is new here.
    pub async fn take_by_key(&self, key_sha256: &[u8; 32]) -> Option<Turn> {
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(key_sha256).copied();
        match known {
            Some(relying_party) => Some(self.take(relying_party).await),
            None => None,
        }
    }

    /// Remembers whose key it is, or that it is nobody's.
    pub fn remember(&self, key_sha256: [u8; 32], owner: Option<RelyingPartyRow>) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        match owner {
            Some(owner) => drop(keys.insert(key_sha256, owner)),
            None => drop(keys.remove(&key_sha256)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[tokio::test]
    async fn one_waits_for_itself_and_another_goes_on() {
        let turns = Arc::new(Turns::new(2));
        let [flooding, other] = [RelyingPartyRow::new(1), RelyingPartyRow::new(2)];
        let held = [turns.take(flooding).await, turns.take(flooding).await];
        let served = Arc::new(AtomicUsize::new(0));
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let (turns, served) = (Arc::clone(&turns), Arc::clone(&served));
                tokio::spawn(async move {
                    let _turn = turns.take(flooding).await;
                    served.fetch_add(1, SeqCst);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(turns.take(other).await);
        assert_eq!(served.load(SeqCst), 0);
        drop(held);
        for one in waiting {
            one.await.unwrap();
        }
        assert_eq!(served.load(SeqCst), 100);
    }

    #[tokio::test]
    async fn a_key_leads_to_its_owners_line_until_it_is_nobodys() {
        let turns = Turns::new(1);
        let key = [7; 32];
        assert!(turns.take_by_key(&key).await.is_none());
        turns.remember(key, Some(RelyingPartyRow::new(1)));
        assert!(turns.take_by_key(&key).await.is_some());
        turns.remember(key, None);
        assert!(turns.take_by_key(&key).await.is_none());
        assert!(turns.keys.lock().unwrap().is_empty(), "what nobody owns is not kept");
    }
}
