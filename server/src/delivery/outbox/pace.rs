//! How long to wait between two attempts. A part of each pause is random, so that what failed together does not come
//! back together.

use countersign_protocol::randomness::Randomness;
use std::time::Duration;

/// The pauses between the attempts for one thing.
#[derive(Debug, Clone, Copy)]
pub(in crate::delivery) enum Pace {
    /// The pause doubles from this one on, eight times at most; half of it is random.
    Doubling(Duration),
    /// These pauses, in seconds, and then always the last one; up to a fifth more is random.
    Steps(&'static [u64]),
}

impl Pace {
    /// The pause after so many attempts that failed before this one.
    pub fn pause(self, attempts: u32, randomness: &dyn Randomness) -> Duration {
        let [share] = randomness.bytes::<1>();
        let random = |part: Duration| part * u32::from(share) / 255;
        match self {
            Self::Doubling(first) => {
                let longest = first * 2_u32.saturating_pow(attempts.min(8));
                longest / 2 + random(longest / 2)
            }
            Self::Steps(steps) => {
                let index = usize::try_from(attempts).unwrap_or(usize::MAX);
                let seconds = steps.get(index).or(steps.last()).copied().unwrap_or_default();
                let least = Duration::from_secs(seconds);
                least + random(least / 5)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::randomness::SystemRandomness;

    #[test]
    fn doubling_pauses_lie_between_half_and_all_of_it() {
        let pace = Pace::Doubling(Duration::from_millis(500));
        for (attempts, longest) in [(0, 500), (1, 1000), (8, 128_000), (200, 128_000)] {
            for _ in 0..50 {
                let pause = pace.pause(attempts, &SystemRandomness::new()).as_millis();
                assert!((longest / 2..=longest).contains(&pause), "{attempts}: {pause}");
            }
        }
    }

    #[test]
    fn steps_grow_to_the_last_one_and_up_to_a_fifth_is_random() {
        let pace = Pace::Steps(&[5, 30, 3600]);
        for (attempts, least) in [(0, 5), (1, 30), (2, 3600), (u32::MAX, 3600)] {
            for _ in 0..50 {
                let pause = pace.pause(attempts, &SystemRandomness::new()).as_secs_f64();
                assert!((f64::from(least)..=f64::from(least) * 1.2).contains(&pause), "{attempts}: {pause}");
            }
        }
    }
}
