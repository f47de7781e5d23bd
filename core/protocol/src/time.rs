//! Time as a value that is handed in, never read from the air.

use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `milliseconds` after the Unix epoch.
    pub const fn from_millis(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// The moment that a `NumericDate` (RFC 7519, section 2) in whole seconds names.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down: what `iat` carries.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Whole seconds since the Unix epoch, rounded up: what `exp` carries, so that a lifetime is never cut short.
    pub const fn seconds_up(self) -> i64 {
        self.0.saturating_add(999).div_euclid(1000)
    }

    /// How long from `self` until `later`; zero when `later` has passed.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// The same moment on a clock that is `milliseconds` ahead of this one.
    pub const fn shifted(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        self.shifted(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// Where the present comes from.
pub trait Clock: Send + Sync {
    /// The present moment. Called often, from any thread and from several at once, so it returns at once. It has no way
    /// to fail.
    fn now(&self) -> Timestamp;

    /// How long this machine has run since it was started, asleep or awake, by a counter that nobody sets. Beside it a
    /// [`Clock::now`] that was set is noticed. None where there is no such counter; it has no other way to fail.
    fn since_boot(&self) -> Option<Duration> {
        None
    }
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the ambient clock becomes an argument")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn since_boot(&self) -> Option<Duration> {
        // CLOCK_BOOTTIME, see clock_gettime(2): the counters of the standard library stop while the machine sleeps.
        let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Some(Duration::new(since.tv_sec.try_into().ok()?, since.tv_nsec.try_into().ok()?))
    }
}
