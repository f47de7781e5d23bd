//! Rates: how often somebody may do something. Each has a bucket that holds `burst` and is filled again at
//! `per_second`; what turns out to be wanted is given back, so that only the rest is ever slowed.
//!
//! In memory alone: after a restart every bucket is full.

use super::limits::{Limits, Rate};
use crate::domain::rows::RelyingPartyRow;
use countersign_protocol::time::Clock;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A thousandth of what is taken: a rate a second is that many thousandths a millisecond.
const WHOLE: u64 = 1_000;
/// The most buckets of a kind. Where more are wanted, whoever is new is not counted: what counts them is finite.
const MOST_BUCKETS: usize = 50_000;

/// How much is left of a bucket, and as of when.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: u64,
    at: Duration,
}

impl Rate {
    fn full(self) -> u64 {
        u64::from(self.burst) * WHOLE
    }

    /// A bucket as it is now. A clock that went back fills nothing, and takes nothing.
    fn filled(self, bucket: Bucket, now: Duration) -> Bucket {
        let passed = u64::try_from(now.saturating_sub(bucket.at).as_millis()).unwrap_or(u64::MAX);
        let left = bucket.left.saturating_add(passed.saturating_mul(self.per_second.into())).min(self.full());
        Bucket { left, at: now }
    }
}

/// The buckets of a kind.
pub struct Buckets<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash + Copy> Buckets<K> {
    fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes one of `key`'s.
    ///
    /// # Errors
    /// In how long there will be one, when none is left.
    pub fn take(&self, clock: &dyn Clock, key: K) -> Result<(), Duration> {
        let (now, rate) = (moment(clock), self.rate);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_BUCKETS && !buckets.contains_key(&key) {
            // A full bucket is as good as none.
            buckets.retain(|_, bucket| rate.filled(*bucket, now).left < rate.full());
            if buckets.len() >= MOST_BUCKETS {
                return Ok(());
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: rate.full(), at: now });
        *bucket = rate.filled(*bucket, now);
        match bucket.left.checked_sub(WHOLE) {
            Some(left) => {
                bucket.left = left;
                Ok(())
            }
            None => Err(Duration::from_millis((WHOLE - bucket.left).div_ceil(rate.per_second.into()))),
        }
    }

    /// Gives one back that was taken for `key`.
    pub fn give_back(&self, key: K) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&key) {
            bucket.left = bucket.left.saturating_add(WHOLE).min(self.rate.full());
        }
    }
}

/// The present, by the counter that nobody sets where there is one.
fn moment(clock: &dyn Clock) -> Duration {
    clock.since_boot().unwrap_or_else(|| Duration::from_millis(u64::try_from(clock.now().millis()).unwrap_or_default()))
}

/// Every rate.
pub struct Rates {
    /// Questions of a relying party that nobody has said YES to.
    pub creations: Buckets<RelyingPartyRow>,
    /// Links of a relying party with which no device was confirmed.
    pub enrolments: Buckets<RelyingPartyRow>,
    /// What an address has sent that nobody knows.
    pub failures: Buckets<IpAddr>,
}

impl Rates {
    /// Full buckets, by these limits.
    pub fn new(limits: &Limits) -> Self {
        Self {
            creations: Buckets::new(limits.creations()),
            enrolments: Buckets::new(limits.enrolments()),
            failures: Buckets::new(limits.failures()),
        }
    }
}

/// Who holds an address, for counting: of IPv6 the first 64 bits, which a single customer is given whole.
pub fn holder(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::time::Timestamp;
    use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

    /// A clock without a counter.
    struct At(AtomicI64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(SeqCst))
        }
    }

    #[test]
    fn a_burst_goes_through_then_the_rate_and_what_was_wanted_does_not_count() {
        let (clock, buckets) = (At(AtomicI64::new(1_000)), Buckets::new(Rate { per_second: 4, burst: 3 }));
        let take = |key: u8| buckets.take(&clock, key);
        for _ in 0..3 {
            assert_eq!(take(1), Ok(()));
        }
        assert_eq!(take(1), Err(Duration::from_millis(250)));
        assert_eq!(take(2), Ok(()), "others have buckets of their own");
        buckets.give_back(1);
        assert_eq!((take(1), take(1)), (Ok(()), Err(Duration::from_millis(250))));
        clock.0.fetch_add(249, SeqCst);
        assert_eq!(take(1), Err(Duration::from_millis(1)));
        clock.0.fetch_add(1, SeqCst);
        assert_eq!(take(1), Ok(()));
        clock.0.fetch_add(3_600_000, SeqCst);
        buckets.give_back(1);
        assert_eq!([take(1), take(1), take(1)], [Ok(()); 3], "never more than the burst");
        assert!(take(1).is_err());
    }

    #[test]
    fn a_clock_that_went_back_neither_fills_nor_locks() {
        let (clock, buckets) = (At(AtomicI64::new(7_200_000)), Buckets::new(Rate { per_second: 1, burst: 1 }));
        assert_eq!(buckets.take(&clock, 1), Ok(()));
        clock.0.store(1_000, SeqCst);
        assert_eq!(buckets.take(&clock, 1), Err(Duration::from_secs(1)));
        clock.0.store(2_000, SeqCst);
        assert_eq!(buckets.take(&clock, 1), Ok(()));
    }

    #[test]
    fn buckets_are_bounded() {
        let (clock, buckets) = (At(AtomicI64::new(1_000)), Buckets::new(Rate { per_second: 1, burst: 1 }));
        for key in 0..MOST_BUCKETS + 10 {
            assert_eq!(buckets.take(&clock, key), Ok(()));
        }
        assert_eq!(buckets.buckets.lock().unwrap().len(), MOST_BUCKETS);
        clock.0.fetch_add(1_000, SeqCst);
        assert_eq!(buckets.take(&clock, MOST_BUCKETS + 10), Ok(()));
        assert_eq!(buckets.buckets.lock().unwrap().len(), 1, "the full ones are gone");
    }

    #[test]
    fn an_address_is_counted_by_who_holds_it() {
        for (address, of) in
            [("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
        {
            assert_eq!(holder(address.parse().unwrap()), of.parse::<IpAddr>().unwrap());
        }
    }
}
