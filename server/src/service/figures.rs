//! The figures of a server at work: what its use cases count, beside what the store has to say.

use crate::domain::fact::Fact;
use crate::domain::measure::{Histogram, Present, SECONDS, Step, Tally};
use crate::store::{Seen, Store, StoreError, StoreFigures};
use countersign_protocol::time::{Clock, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// What is counted since the server was started.
pub struct Figures {
    /// How long each step took that was carried out.
    steps: [Histogram; 4],
    /// What became of attempts to push: gateway and outcome.
    pub pushes: Tally,
    /// Refusals by code, through whichever door; the second label is empty.
    pub refusals: Tally,
    /// Connections that are open.
    pub connections: Arc<Present>,
    journal: Mutex<Counted>,
}

/// What the store has told so far.
#[derive(Debug, Clone)]
struct Counted {
    seen: Seen,
    facts: BTreeMap<&'static str, u64>,
    expired: u64,
    lapsed: u64,
}

/// What has become true since the server was started, and what waits now.
#[derive(Debug, Clone)]
pub struct Told {
    /// Lines of the journal, by the word of their fact. Every fact is there.
    pub facts: BTreeMap<&'static str, u64>,
    /// Questions that the clock has ended.
    pub expired: u64,
    /// Approvals that the clock has ended.
    pub lapsed: u64,
    /// What waits now.
    pub now: StoreFigures,
}

impl Figures {
    /// New ones, which count from here on.
    pub fn new(seen: Seen) -> Self {
        let facts = Fact::ALL.iter().map(|fact| (fact.as_str(), 0)).collect();
        Self {
            steps: Step::ALL.map(|_| Histogram::new(SECONDS)),
            pushes: Tally::default(),
            refusals: Tally::default(),
            connections: Arc::default(),
            journal: Mutex::new(Counted { seen, facts, expired: 0, lapsed: 0 }),
        }
    }

    /// What the store has to say, added to what it said before. Two who ask at once do not count the same twice.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub(super) async fn tell(&self, store: &Store, now: Timestamp) -> Result<Told, StoreError> {
        let mut counted = self.journal.lock().await;
        let now = store.figures(counted.seen, now).await?;
        for (fact, more) in &now.facts {
            *counted.facts.entry(fact.as_str()).or_default() += more;
        }
        counted.expired += now.expired;
        counted.lapsed += now.lapsed;
        counted.seen = now.seen;
        let Counted { facts, expired, lapsed, .. } = counted.clone();
        drop(counted);
        Ok(Told { facts, expired, lapsed, now })
    }

    /// How long this step took.
    pub const fn step(&self, step: Step) -> &Histogram {
        &self.steps[step as usize]
    }
}

/// How long something has taken that began at this reading of the counter; none where there is no counter.
pub fn passed(clock: &dyn Clock, begun: Option<Duration>) -> Option<Duration> {
    Some(clock.since_boot()?.saturating_sub(begun?))
}
