//! The circuit breaker of one lane: what is down is left alone for a while, and then asked once.

use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// How many failures in a row open it.
const THRESHOLD: u32 = 5;
/// The first pause; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: no challenge should wait longer for a network that is well again.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// As much as there are places for.
    All,
    /// One message, to see whether the network is well again.
    Probe,
    /// Nothing before this moment.
    NothingUntil(Timestamp),
}

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open_until: Option<Timestamp>,
}

impl Breaker {
    pub fn allowed(&self, now: Timestamp) -> Allowed {
        match self.open_until {
            None => Allowed::All,
            // An end that lies further ahead than any pause is long is of a clock that went back.
            Some(until) if until <= now || until > now + LONGEST_PAUSE * 2 => Allowed::Probe,
            Some(until) => Allowed::NothingUntil(until),
        }
    }

    /// The network took a message, or said something sensible about it.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The network could not be reached, or is not well.
    pub fn failed(&mut self, now: Timestamp) {
        // What was sent before it opened fails late, and says nothing new.
        if matches!(self.allowed(now), Allowed::NothingUntil(_)) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if let Some(times) = self.failures.checked_sub(THRESHOLD) {
            let pause = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX)).min(LONGEST_PAUSE);
            self.open_until = Some(now + pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn it_opens_after_failures_in_a_row_and_asks_once_before_it_closes() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed(NOW);
        }
        breaker.succeeded();
        for _ in 0..4 {
            breaker.failed(NOW);
            assert_eq!(breaker.allowed(NOW), Allowed::All, "a success between them begins anew");
        }
        breaker.failed(NOW);
        assert_eq!(breaker.allowed(NOW), Allowed::NothingUntil(NOW + FIRST_PAUSE));
        breaker.failed(NOW);
        assert_eq!(breaker.allowed(NOW), Allowed::NothingUntil(NOW + FIRST_PAUSE), "late failures add nothing");
        let later = NOW + FIRST_PAUSE;
        assert_eq!(breaker.allowed(later), Allowed::Probe);
        breaker.failed(later);
        assert_eq!(breaker.allowed(later), Allowed::NothingUntil(later + FIRST_PAUSE * 2), "the pause doubles");
        breaker.succeeded();
        assert_eq!(breaker.allowed(later), Allowed::All);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_keep_it_open() {
        let mut breaker = Breaker::default();
        for _ in 0..THRESHOLD {
            breaker.failed(NOW);
        }
        assert_eq!(breaker.allowed(NOW - Duration::from_secs(7200)), Allowed::Probe);
    }

    #[test]
    fn no_pause_is_longer_than_half_a_minute() {
        let (mut breaker, mut now) = (Breaker::default(), NOW);
        for _ in 0..200 {
            breaker.failed(now);
            if let Allowed::NothingUntil(until) = breaker.allowed(now) {
                assert!(now.until(until) <= LONGEST_PAUSE);
                now = until;
            }
        }
        assert_eq!(breaker.allowed(now), Allowed::Probe);
    }
}
