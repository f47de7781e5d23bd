//! The codes of Steam Guard: five characters in place of digits.

use super::{Secret, Shown, seconds_since_epoch, truncate};
use crate::time::Timestamp;
use ring::hmac;

/// What a code is written with: no character that looks like another. Steam publishes no description; this is what its
/// app does, and every other app that shows its codes.
const ALPHABET: &[u8; 26] = b"23456789BCDFGHJKMNPQRTVWXY";
/// Characters of a code.
const LENGTH: usize = 5;
/// Seconds of a step.
const PERIOD: u64 = 30;

/// The codes of Steam: by time as RFC 6238 has it, with SHA-1 and 30 seconds, and the number written in five
/// characters of an alphabet of its own, the last place first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steam {
    secret: Secret,
}

impl Steam {
    /// Seconds of a step: no Steam account has another.
    pub const PERIOD: u64 = PERIOD;

    /// The codes of this secret.
    pub const fn new(secret: Secret) -> Self {
        Self { secret }
    }

    /// The secret.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The code of this step.
    pub fn code_at_step(&self, step: u64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.secret.as_bytes());
        let mut number = truncate(hmac::sign(&key, &step.to_be_bytes()).as_ref()) as usize;
        let mut code = String::with_capacity(LENGTH);
        for _ in 0..LENGTH {
            code.push(char::from(ALPHABET[number % ALPHABET.len()]));
            number /= ALPHABET.len();
        }
        code
    }

    /// The code of this moment, how long it lasts, and the one after it.
    pub fn now(&self, now: Timestamp) -> Shown {
        let seconds = seconds_since_epoch(now);
        let step = seconds / PERIOD;
        Shown {
            code: self.code_at_step(step),
            seconds_left: PERIOD - seconds % PERIOD,
            next: self.code_at_step(step + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::one_time_code::{Algorithm, Hotp};

    #[test]
    fn the_number_is_that_of_hotp_in_another_writing() {
        // The numbers before they are cut to digits: RFC 4226, appendix D, table 2.
        let secret = Secret::new(b"12345678901234567890").unwrap();
        let steam = Steam::new(secret.clone());
        for (step, number) in [(0, 1_284_755_224_u32), (1, 1_094_287_082), (5, 868_254_676), (9, 645_520_489)] {
            let code = steam.code_at_step(step);
            let place = |letter: u8| ALPHABET.iter().position(|known| *known == letter).unwrap();
            let written = code.bytes().rev().fold(0, |sum, letter| sum * 26 + place(letter));
            assert_eq!(written, number as usize % 26_usize.pow(5), "{step}: {code}");
            let hotp = Hotp::new(secret.clone(), Algorithm::Sha1, 8, 0).unwrap().code_at(step);
            assert_eq!(hotp, format!("{:08}", number % 100_000_000));
        }
        let shown = steam.now(Timestamp::from_seconds(59));
        assert_eq!((shown.code, shown.seconds_left, shown.next), (steam.code_at_step(1), 1, steam.code_at_step(2)));
    }
}
