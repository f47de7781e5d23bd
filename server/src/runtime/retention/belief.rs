//! Up to which moment the clock is believed, where something is removed for good by what it says.
//!
//! A clock that jumps ahead by years makes everything old at once. So removal goes by a time of its own: that is the
//! clock's for as long as it runs on from what was believed before. After a jump it comes after the clock only slowly,
//! a day for each hour that the server runs on: whoever reads the log has time to set the clock right, and then nothing
//! more goes than would have gone. Where the jump is the truth, because the server rested, a month is caught up within
//! a day and a half.

use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// How far the clock may go on from what was believed: a day in which the server rested.
const PLAUSIBLE: Duration = Duration::from_secs(24 * 3600);
/// How much faster than the clock the believed time comes after it.
const CATCH_UP: u32 = 24;
/// The longest time between two looks that counts as time in which the server ran: more is a jump.
const LONGEST_LOOK: Duration = Duration::from_secs(5 * 60);

/// The believed time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Belief {
    at: Timestamp,
    looked_at: Option<Timestamp>,
}

impl Belief {
    /// What was believed until now.
    pub const fn new(at: Timestamp) -> Self {
        Self { at, looked_at: None }
    }

    /// Looks at the clock, and gives the believed time. A clock that was set back is believed.
    pub fn look(&mut self, now: Timestamp) -> Timestamp {
        let passed = self.looked_at.map(|earlier| earlier.until(now));
        let ran = passed.filter(|passed| *passed <= LONGEST_LOOK).unwrap_or_default();
        self.looked_at = Some(now);
        self.at = if self.at + PLAUSIBLE >= now { now } else { self.at + ran * CATCH_UP };
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// Looks at the clock each minute, for so long.
    fn run(belief: &mut Belief, from: Timestamp, long: Duration) -> Timestamp {
        let minutes = u32::try_from(long.as_secs() / 60).unwrap();
        (0..=minutes).map(|minute| belief.look(from + MINUTE * minute)).last().unwrap()
    }

    #[test]
    fn a_clock_that_runs_on_is_believed() {
        let mut belief = Belief::new(START);
        assert_eq!(run(&mut belief, START, DAY * 3), START + DAY * 3);
        assert_eq!(belief.look(START + DAY * 4), START + DAY * 4, "a day's rest");
    }

    #[test]
    fn a_jump_of_years_is_believed_only_slowly_and_heals_when_the_clock_is_set_right() {
        let (mut belief, jumped) = (Belief::new(START), START + DAY * 3650);
        run(&mut belief, START, HOUR);
        assert_eq!(belief.look(jumped), START + HOUR, "the jump itself is no time that passed");
        assert_eq!(run(&mut belief, jumped, HOUR), START + HOUR + DAY, "a day an hour");
        let right = START + HOUR * 3;
        assert_eq!(belief.look(right), right, "set back, it is believed at once");
        assert_eq!(run(&mut belief, right, HOUR), right + HOUR);
    }

    #[test]
    fn starting_often_makes_no_time_pass() {
        let jumped = START + DAY * 3650;
        let mut at = START;
        for start in 0..1000 {
            at = Belief::new(at).look(jumped + MINUTE * start);
        }
        assert_eq!(at, START);
    }

    #[test]
    fn a_month_of_rest_is_caught_up_within_a_day_and_a_half() {
        let (mut belief, back) = (Belief::new(START), START + DAY * 30);
        assert!(run(&mut belief, back, DAY) < back);
        let later = back + DAY;
        assert_eq!(run(&mut belief, later, HOUR * 12), later + HOUR * 12);
    }
}
