//! What is counted and measured of a server at work. The instruments are plain: they read no clock, know no network,
//! and take only labels that stand in the source, so that none can hold personal data, and their number has a bound.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The four steps of a login that happen on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A relying party asks.
    Create,
    /// The question goes to a push network, which answers.
    Push,
    /// A device's answer is checked and counts.
    Settle,
    /// The relying party takes the approval.
    Claim,
}

impl Step {
    /// Every step, in the order of a login.
    pub const ALL: [Self; 4] = [Self::Create, Self::Push, Self::Settle, Self::Claim];

    /// Its word, the same as in documents and in the code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Push => "push",
            Self::Settle => "settle",
            Self::Claim => "claim",
        }
    }
}

/// How often something came under each pair of labels.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<[&'static str; 2], u64>>);

impl Tally {
    /// Counts one more.
    pub fn count(&self, labels: [&'static str; 2]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(labels).or_default() += 1;
    }

    /// All that came, in the order of their labels.
    pub fn read(&self) -> BTreeMap<[&'static str; 2], u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How values are spread.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One more than there are bounds: the last holds what is above them all.
    buckets: Vec<AtomicU64>,
    /// In millionths.
    sum: AtomicU64,
}

/// What a histogram has seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Each upper bound, and how many values were not above it.
    pub up_to: Vec<(f64, u64)>,
    /// How many values there were.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

/// Bounds for what takes a moment, in seconds: from half a millisecond to ten seconds.
pub const SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Bounds for how many pieces of work one commit holds.
pub const PIECES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

impl Histogram {
    /// An empty one with these upper bounds, in ascending order.
    pub fn new(bounds: &'static [f64]) -> Self {
        let buckets = std::iter::repeat_with(AtomicU64::default).take(bounds.len() + 1).collect();
        Self { bounds, buckets, sum: AtomicU64::default() }
    }

    /// Takes a length of time.
    pub fn take(&self, passed: Duration) {
        self.add(passed.as_secs_f64(), u64::try_from(passed.as_micros()).unwrap_or(u64::MAX));
    }

    /// Takes a number.
    pub fn take_number(&self, number: usize) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.add(number.into(), u64::from(number) * 1_000_000);
    }

    fn add(&self, value: f64, millionths: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.buckets[place].fetch_add(1, Relaxed);
        self.sum.fetch_add(millionths, Relaxed);
    }

    /// What it has seen so far.
    pub fn read(&self) -> Distribution {
        let (mut count, mut up_to) = (0, Vec::with_capacity(self.bounds.len()));
        for (place, bucket) in self.buckets.iter().enumerate() {
            count += bucket.load(Relaxed);
            up_to.extend(self.bounds.get(place).map(|bound| (*bound, count)));
        }
        #[expect(clippy::cast_precision_loss, reason = "a sum of hours keeps its microseconds in a double")]
        let sum = self.sum.load(Relaxed) as f64 / 1e6;
        Distribution { up_to, count, sum }
    }
}

/// What the writer of the database measures of its commits.
#[derive(Debug)]
pub struct Commits {
    /// How many pieces of work each one held.
    pub pieces: Histogram,
    /// How long the disk was waited for.
    pub seconds: Histogram,
}

impl Default for Commits {
    fn default() -> Self {
        Self { pieces: Histogram::new(PIECES), seconds: Histogram::new(SECONDS) }
    }
}

/// How many of something there are now.
#[derive(Debug, Default)]
pub struct Present(AtomicUsize);

/// One of them, until it is dropped.
pub struct One<'a>(&'a Present);

impl Present {
    /// One more, until what is given is dropped.
    pub fn enter(&self) -> One<'_> {
        self.0.fetch_add(1, Relaxed);
        One(self)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Drop for One<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_a_bound_is_not_above_it_and_buckets_add_up() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0, 1, 2, 3] {
            histogram.take_number(value);
        }
        let read = histogram.read();
        assert_eq!(read, Distribution { up_to: vec![(1.0, 2), (2.0, 3)], count: 4, sum: 6.0 });
        histogram.take(Duration::from_millis(1500));
        assert_eq!(histogram.read().up_to, [(1.0, 2), (2.0, 4)]);
        assert!((histogram.read().sum - 7.5).abs() < 1e-9);
    }

    #[test]
    fn who_has_gone_is_present_no_more() {
        let present = Present::default();
        let one = present.enter();
        assert_eq!(present.count(), 1);
        drop(one);
        assert_eq!(present.count(), 0);
    }
}
