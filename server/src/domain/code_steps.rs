//! Which steps of RFC 6238 a code may be of, and what a code means that is of another: plain arithmetic on steps, that
//! the store and the use cases share.
//!
//! A guess is right with a chance of a few in a million, and nothing here may add to that. A code that was accepted
//! before is worth nothing any more, so its holder may hear that it was. A code of the recent past never becomes right
//! again. A code of the near future would: whoever hears that a guess is one could come back at its time, so a step is
//! used up by being told of, whichever it is.

use countersign_protocol::one_time_code::Totp;
use countersign_protocol::time::Timestamp;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How far the clocks of an authenticator and of the server may be apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drift {
    /// Only the code of this very step is right, and nothing is learned.
    None,
    /// The codes of the steps before and after are right too (RFC 6238, section 5.2), and a drift that stays is learned
    /// (section 6).
    Learned,
}

/// The most steps of drift that are learned, either way: a clock that is a minute off works, and one that is further
/// off is set.
const MOST_DRIFT: u64 = 2;
/// The steps beside the expected one whose codes are right too.
const REACH: u64 = 1;
/// Right codes it takes until a changed drift is half learned, and some: each moves it by a quarter of the difference.
const SLOWNESS: i64 = 4;
/// How far around the present a wrong code is looked for, to tell by how much a clock is off.
const LOOKED_FOR: Duration = Duration::from_secs(600);
/// For how long the steps that an authenticator used are known each by itself. A last step that is further ahead than
/// this is not put back by itself: an earlier use may be forgotten by then.
pub const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The step of a moment. All that is before the epoch is step 0.
pub fn step_at(now: Timestamp, period: u16) -> u64 {
    u64::try_from(now.seconds()).unwrap_or(0) / u64::from(period)
}

/// So many steps fit into a time.
pub const fn steps_in(time: Duration, period: u16) -> u64 {
    time.as_secs() / period as u64
}

/// The last step that a code can be accepted for at this step, by any drift. One beyond it was accepted under another
/// clock of the server.
pub const fn furthest(current: u64) -> u64 {
    current + MOST_DRIFT + REACH
}

/// The steps that are looked at, at this step.
pub fn looked_at(current: u64, period: u16) -> RangeInclusive<u64> {
    let reach = steps_in(LOOKED_FOR, period).max(MOST_DRIFT + REACH);
    current.saturating_sub(reach)..=current + reach
}

/// A step that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedStep {
    /// The step.
    pub step: u64,
    /// True when its code was accepted; false when it was told of before its time.
    pub accepted: bool,
}

/// What is known of an authenticator before a code is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Seconds by which its clock is ahead.
    pub drift: i64,
    /// The last step that was accepted: no code up to it is.
    pub last_step: Option<u64>,
    /// Those of the steps that are looked at which were used.
    pub used: Vec<UsedStep>,
}

/// For what a code is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The first code of an authenticator, of which it is learned how its clock goes.
    Confirmation,
    /// Any later one.
    Verification,
}

/// What a code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// Right, to be spent.
    Right(Right),
    /// Accepted before, this very code.
    UsedBefore,
    /// Older than one that was accepted, or told of before its time: the next one will do.
    Passed,
    /// The code of another time.
    OfAnotherTime(OtherTime),
    /// None of any time that is looked at.
    Wrong,
}

impl Judged {
    /// Of which time the code is, where it is none that is right.
    pub const fn other_time(&self) -> Option<OtherTime> {
        match self {
            Self::OfAnotherTime(other) => Some(*other),
            _ => None,
        }
    }
}

/// A right code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// Its step.
    pub step: u64,
    /// What is to be kept as the drift, in seconds.
    pub drift: i64,
}

/// A code of another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherTime {
    /// Seconds by which the authenticator's clock seems ahead; negative when it seems behind. Half a period more or
    /// less.
    pub seconds_ahead: i64,
    /// Its step, which is to be used up.
    pub step: u64,
}

/// Judges a code. The time this takes does not depend on the code, and what is found of it depends on one step alone.
pub fn judge(totp: &Totp, code: &str, now: Timestamp, drift: Drift, purpose: Purpose, known: &Known) -> Judged {
    let (current, period) = (totp.step(now), totp.period());
    let window = window(current, period, drift, purpose, known.drift);
    let is_used = |step: u64| known.used.iter().any(|used| used.step == step);
    let is_open = |step: &u64| known.last_step.is_none_or(|last| last < *step) && !is_used(*step);
    let looked_at = looked_at(current, period);

    let right = totp.find(code, window.clone().filter(is_open));
    let before = totp.find(code, known.used.iter().filter(|used| used.accepted).map(|used| used.step));
    let passed = totp.find(code, window.clone().filter(|step| !is_open(step)));
    let elsewhere = totp.find(code, looked_at.filter(|step| !window.contains(step)));
    let ahead = |step: u64| seconds_ahead(step, now, period);
    if let Some(step) = right {
        let drift = if drift == Drift::None { known.drift } else { learned(known.drift, ahead(step), period, purpose) };
        Judged::Right(Right { step, drift })
    } else if before.is_some() {
        Judged::UsedBefore
    } else if passed.is_some() && known.last_step.is_none_or(|last| last <= furthest(current)) {
        Judged::Passed
    } else if let Some(step) = elsewhere {
        Judged::OfAnotherTime(OtherTime { seconds_ahead: ahead(step), step })
    } else {
        Judged::Wrong
    }
}

/// The steps whose codes are right. A drift that was learned only adds to those around the present, so that an
/// authenticator whose clock was set right is never refused for it.
fn window(current: u64, period: u16, drift: Drift, purpose: Purpose, known_drift: i64) -> RangeInclusive<u64> {
    if drift == Drift::None {
        return current..=current;
    }
    let (behind, ahead) = match purpose {
        Purpose::Confirmation => (MOST_DRIFT, MOST_DRIFT),
        Purpose::Verification => {
            let half = i64::from(period) / 2;
            let steps = (known_drift.unsigned_abs() + half.unsigned_abs()) / u64::from(period);
            if known_drift < 0 { (steps.min(MOST_DRIFT), 0) } else { (0, steps.min(MOST_DRIFT)) }
        }
    };
    current.saturating_sub(behind + REACH)..=current + ahead + REACH
}

/// Seconds from the present to the middle of a step.
fn seconds_ahead(step: u64, now: Timestamp, period: u16) -> i64 {
    let period = i64::from(period);
    let middle = i64::try_from(step).unwrap_or(i64::MAX).saturating_mul(period).saturating_add(period / 2);
    middle.saturating_sub(now.seconds())
}

/// The drift after a right code that was so many seconds ahead. A first code that is within reach of the present shows
/// none: what it is off is how long somebody typed.
fn learned(known: i64, ahead: i64, period: u16, purpose: Purpose) -> i64 {
    let period = i64::from(period);
    let most = period * MOST_DRIFT.cast_signed();
    let drift = match purpose {
        Purpose::Confirmation if ahead.abs() <= period * (REACH.cast_signed() + 1) - period / 2 => 0,
        Purpose::Confirmation => ahead,
        Purpose::Verification => known + (ahead - known) / SLOWNESS,
    };
    drift.clamp(-most, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::one_time_code::{Algorithm, Secret};
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_012);
    const CURRENT: u64 = 60_000_000;

    fn totp() -> Totp {
        Totp::new(Secret::new(b"12345678901234567890").unwrap(), Algorithm::Sha1, 8, 30).unwrap()
    }

    /// What the code of this step is, counted from the present one.
    fn judged(step: i64, drift: Drift, purpose: Purpose, known: &Known) -> Judged {
        let totp = totp();
        let code = totp.code_at_step(CURRENT.checked_add_signed(step).unwrap());
        judge(&totp, &code, NOW, drift, purpose, known)
    }

    fn is_right(judged: Judged) -> bool {
        matches!(judged, Judged::Right(_))
    }

    fn of_drift(drift: i64) -> Known {
        Known { drift, ..Known::default() }
    }

    #[test]
    fn which_steps_are_right_depends_on_the_drift_that_was_learned() {
        use Drift::{Learned, None};
        use Purpose::{Confirmation, Verification};
        for (drift, purpose, known, first, last) in [
            (None, Verification, 60, 0, 0),
            (None, Confirmation, -60, 0, 0),
            (Learned, Verification, 0, -1, 1),
            (Learned, Verification, 14, -1, 1),
            (Learned, Verification, 15, -1, 2),
            (Learned, Verification, 60, -1, 3),
            (Learned, Verification, i64::MAX / 2, -1, 3),
            (Learned, Verification, -14, -1, 1),
            (Learned, Verification, -15, -2, 1),
            (Learned, Verification, -60, -3, 1),
            (Learned, Confirmation, 0, -3, 3),
        ] {
            for step in -25..=25 {
                let found = judged(step, drift, purpose, &of_drift(known));
                assert_eq!(is_right(found), (first..=last).contains(&step), "{drift:?} {purpose:?} {known} {step}");
            }
        }
    }

    #[test]
    fn what_was_used_is_never_right_and_says_so() {
        let used = |step: i64, accepted| UsedStep { step: CURRENT.checked_add_signed(step).unwrap(), accepted };
        let known =
            Known { drift: 0, last_step: Some(CURRENT), used: vec![used(-9, true), used(0, true), used(1, false)] };
        for (step, expected) in
            [(-9, Judged::UsedBefore), (0, Judged::UsedBefore), (-1, Judged::Passed), (1, Judged::Passed)]
        {
            assert_eq!(judged(step, Drift::Learned, Purpose::Verification, &known), expected, "{step}");
        }
    }

    #[test]
    fn a_last_step_ahead_of_the_time_is_no_reason_to_wait_for_the_next_code() {
        let known = Known { last_step: Some(furthest(CURRENT) + 1), ..Known::default() };
        assert_eq!(judged(0, Drift::Learned, Purpose::Verification, &known), Judged::Wrong);
    }

    #[test]
    fn a_code_of_another_time_tells_how_far_off_the_clock_seems() {
        for (step, seconds_ahead) in [(-20, -597), (-2, -57), (2, 63), (20, 603)] {
            let other = OtherTime { seconds_ahead, step: CURRENT.checked_add_signed(step).unwrap() };
            let found = judged(step, Drift::Learned, Purpose::Verification, &Known::default());
            assert_eq!(found, Judged::OfAnotherTime(other));
        }
        for step in [-21, 21] {
            assert_eq!(judged(step, Drift::Learned, Purpose::Verification, &Known::default()), Judged::Wrong);
        }
    }

    #[test]
    fn a_first_code_within_reach_shows_no_drift_and_any_other_all_of_it() {
        for (step, drift) in [(-3, -60), (-2, -57), (-1, 0), (0, 0), (1, 0), (2, 60), (3, 60)] {
            let Judged::Right(right) = judged(step, Drift::Learned, Purpose::Confirmation, &Known::default()) else {
                panic!("{step}")
            };
            assert_eq!(right.drift, drift, "{step}");
        }
    }

    #[test]
    fn at_the_beginning_of_time_nothing_overflows() {
        let totp = totp();
        for now in [i64::MIN / 1000, -1, 0, 1, 31] {
            let now = Timestamp::from_seconds(now);
            let known = of_drift(-60);
            let found =
                judge(&totp, &totp.code_at_step(totp.step(now)), now, Drift::Learned, Purpose::Verification, &known);
            assert!(is_right(found), "{now:?}");
        }
    }

    proptest! {
        #[test]
        fn the_drift_keeps_its_bounds_and_no_more_than_five_codes_are_right(
            steps in prop::collection::vec(-4_i64..=4, 1..40),
        ) {
            let mut known = Known::default();
            for step in steps {
                if let Judged::Right(right) = judged(step, Drift::Learned, Purpose::Verification, &known) {
                    known.drift = right.drift;
                }
                prop_assert!(known.drift.abs() <= 60);
                let right = (-25..=25).filter(|step| {
                    is_right(judged(*step, Drift::Learned, Purpose::Verification, &known))
                });
                prop_assert!((3..=5).contains(&right.count()));
                prop_assert!(is_right(judged(0, Drift::Learned, Purpose::Verification, &known)));
            }
        }
    }
}
