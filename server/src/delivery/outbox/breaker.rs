//! The circuit breaker of one lane: what is down is left alone for a while, and then asked once.
//!
//! It opens on what concerns the whole lane, and never on what a few endpoints answer: failures of the connection
//! itself count each, an endpoint that finds its service unwell counts once, however often it does.

use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// How much evidence in a row opens it: connections that were not made, and different endpoints.
const THRESHOLD: usize = 5;
/// The first pause; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: no challenge should wait longer for a network that is well again.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What one attempt shows of its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::delivery) enum Shown {
    /// Nothing: the network was not asked.
    Nothing,
    /// It carries. Also an answer that refuses one thing, or one endpoint, shows that.
    Well,
    /// Nothing gets through, whatever it is and to whichever endpoint.
    Cut,
    /// This endpoint finds the service unwell. The number is the same for one endpoint, however often it is tried.
    Unwell(u64),
}

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// As much as there are places for.
    All,
    /// One thing, to see whether the network is well again.
    Probe,
    /// Nothing before `until`; but where `unfailed`, one thing at a time to an endpoint that has not failed. The
    /// service answers, so what others hear from it says little about that endpoint. Each is asked once in an outage.
    Resting { until: Timestamp, unfailed: bool },
}

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Connections that were not made.
    cut: usize,
    /// The endpoints that found their service unwell; no more of them than open it.
    unwell: Vec<u64>,
    /// How often it has opened in a row.
    openings: u32,
    open_until: Option<Timestamp>,
    /// Whether the last failure was of the connection.
    last_was_cut: bool,
}

impl Breaker {
    pub fn allowed(&self, now: Timestamp) -> Allowed {
        match self.open_until {
            None => Allowed::All,
            // An end that lies further ahead than any pause is long is of a clock that went back.
            Some(until) if until <= now || until > now + LONGEST_PAUSE * 2 => Allowed::Probe,
            Some(until) => Allowed::Resting { until, unfailed: !self.last_was_cut },
        }
    }

    /// Takes in what an attempt has shown.
    pub fn report(&mut self, shown: Shown, now: Timestamp) {
        match shown {
            Shown::Nothing => return,
            Shown::Well => return *self = Self::default(),
            // What was sent before it opened fails late, and says nothing new.
            _ if matches!(self.allowed(now), Allowed::Resting { .. }) => return,
            Shown::Cut => self.cut = self.cut.saturating_add(1),
            Shown::Unwell(endpoint) if self.unwell.len() < THRESHOLD && !self.unwell.contains(&endpoint) => {
                self.unwell.push(endpoint);
            }
            Shown::Unwell(_) => {}
        }
        self.last_was_cut = shown == Shown::Cut;
        if self.cut.saturating_add(self.unwell.len()) >= THRESHOLD {
            let longer = 1_u32.checked_shl(self.openings).unwrap_or(u32::MAX);
            self.openings = self.openings.saturating_add(1);
            self.open_until = Some(now + FIRST_PAUSE.saturating_mul(longer).min(LONGEST_PAUSE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn resting(until: Timestamp, unfailed: bool) -> Allowed {
        Allowed::Resting { until, unfailed }
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_asks_once_before_it_closes() {
        let mut breaker = Breaker::default();
        let fail = |breaker: &mut Breaker, now| breaker.report(Shown::Cut, now);
        for _ in 0..4 {
            fail(&mut breaker, NOW);
        }
        breaker.report(Shown::Well, NOW);
        for _ in 0..4 {
            fail(&mut breaker, NOW);
            assert_eq!(breaker.allowed(NOW), Allowed::All, "a success between them begins anew");
        }
        fail(&mut breaker, NOW);
        assert_eq!(breaker.allowed(NOW), resting(NOW + FIRST_PAUSE, false));
        fail(&mut breaker, NOW);
        assert_eq!(breaker.allowed(NOW), resting(NOW + FIRST_PAUSE, false), "late failures add nothing");
        let later = NOW + FIRST_PAUSE;
        assert_eq!(breaker.allowed(later), Allowed::Probe);
        fail(&mut breaker, later);
        assert_eq!(breaker.allowed(later), resting(later + FIRST_PAUSE * 2, false), "the pause doubles");
        breaker.report(Shown::Well, later);
        assert_eq!(breaker.allowed(later), Allowed::All);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_keep_it_open() {
        let mut breaker = Breaker::default();
        for _ in 0..THRESHOLD {
            breaker.report(Shown::Cut, NOW);
        }
        assert_eq!(breaker.allowed(NOW - Duration::from_secs(7200)), Allowed::Probe);
    }

    #[test]
    fn no_pause_is_longer_than_half_a_minute() {
        let (mut breaker, mut now) = (Breaker::default(), NOW);
        for _ in 0..200 {
            breaker.report(Shown::Cut, now);
            if let Allowed::Resting { until, .. } = breaker.allowed(now) {
                assert!(now.until(until) <= LONGEST_PAUSE);
                now = until;
            }
        }
        assert_eq!(breaker.allowed(now), Allowed::Probe);
    }

    #[test]
    fn a_few_endpoints_never_open_it_however_often_they_fail() {
        let mut breaker = Breaker::default();
        for attempt in 0..10_000 {
            breaker.report(Shown::Unwell(attempt % 4), NOW);
            assert_eq!(breaker.allowed(NOW), Allowed::All, "{attempt}");
        }
        assert!(breaker.unwell.len() <= THRESHOLD);
        breaker.report(Shown::Unwell(4), NOW);
        assert_eq!(breaker.allowed(NOW), resting(NOW + FIRST_PAUSE, true), "five different ones speak of the service");
    }

    #[test]
    fn what_many_endpoints_hear_holds_up_none_that_has_not_failed_and_a_cut_connection_holds_up_all() {
        let mut breaker = Breaker::default();
        (0..1_000_000).for_each(|endpoint| breaker.report(Shown::Unwell(endpoint), NOW));
        assert_eq!(breaker.unwell.len(), THRESHOLD, "its memory is bounded");
        assert_eq!(breaker.allowed(NOW), resting(NOW + FIRST_PAUSE, true));
        breaker.report(Shown::Well, NOW);
        assert_eq!(breaker.allowed(NOW), Allowed::All, "one that gets through closes it");
        (0..3).for_each(|endpoint| breaker.report(Shown::Unwell(endpoint), NOW));
        (0..2).for_each(|_| breaker.report(Shown::Cut, NOW));
        assert_eq!(breaker.allowed(NOW), resting(NOW + FIRST_PAUSE, false));
    }
}
