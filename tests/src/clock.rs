//! Clocks that a test moves.

use countersign_protocol::time::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// A clock that stands still until it is moved, beside a counter that nobody sets.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<(AtomicI64, AtomicU64)>);

impl ManualClock {
    /// A clock at a moment in 2027.
    #[expect(clippy::new_without_default, reason = "a clock at an arbitrary moment is no default")]
    pub fn new() -> Self {
        Self(Arc::new((AtomicI64::new(1_800_000_000_000), AtomicU64::new(86_400_000))))
    }

    /// So much time passes.
    pub fn advance(&self, by: Duration) {
        self.0.1.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
        self.set_ahead(by);
    }

    /// Sets the clock ahead, as a person does: no time passes.
    pub fn set_ahead(&self, by: Duration) {
        self.0.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Sets the clock back, as a person does: no time passes.
    pub fn set_back(&self, by: Duration) {
        self.0.0.fetch_sub(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Starts the machine anew: its counter begins at zero, and its clock goes on.
    pub fn reboot(&self) {
        self.0.1.store(0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.0.load(Ordering::SeqCst))
    }

    fn since_boot(&self) -> Option<Duration> {
        Some(Duration::from_millis(self.0.1.load(Ordering::SeqCst)))
    }
}

/// A clock that somebody has set wrong: so many milliseconds ahead of the true one, or behind it.
#[derive(Debug, Clone)]
pub struct SkewedClock {
    truth: ManualClock,
    ahead_ms: Arc<AtomicI64>,
    counts: bool,
}

impl SkewedClock {
    /// A clock that is right.
    pub fn new(truth: &ManualClock) -> Self {
        Self { truth: truth.clone(), ahead_ms: Arc::default(), counts: false }
    }

    /// The same, beside a counter that nobody sets.
    pub fn with_counter(self) -> Self {
        Self { counts: true, ..self }
    }

    /// Sets it so far ahead of the true one.
    pub fn set(&self, ahead_ms: i64) {
        self.ahead_ms.store(ahead_ms, Ordering::SeqCst);
    }

    /// How far it is ahead of the true one.
    pub fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::SeqCst)
    }
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.truth.now().shifted(self.ahead_ms())
    }

    fn since_boot(&self) -> Option<Duration> {
        self.truth.since_boot().filter(|_| self.counts)
    }
}
