//! Backup codes: ten on paper, each good once, for the day on which there is no phone (look-up secrets, NIST SP
//! 800-63B-4, section 3.1.2).
//!
//! A code is twelve digits, since it is typed into the field of the six digits, which on many pages takes nothing else,
//! and on a keypad. The first is its number in the set, 0 to 9: it says which code is meant, so that one slow hash is
//! computed and not ten. The other eleven are random, 36 bits; a guess is counted as one of a one-time code is.

use countersign_protocol::randomness::Randomness;
use std::fmt;
use zeroize::Zeroizing;

/// How many codes are in a set.
pub const CODES: u8 = 10;
/// Digits of a code.
pub const DIGITS: usize = 12;
/// Digits that stand together where a code is shown.
const GROUP: usize = 4;
/// The random part is below this: eleven digits.
const RANDOM_BELOW: u64 = 100_000_000_000;

/// A backup code as it was made or typed.
#[derive(Clone, PartialEq, Eq)]
pub struct BackupCode(Zeroizing<String>);

impl BackupCode {
    /// A fresh code with this number, which is below [`CODES`].
    pub fn random(number: u8, randomness: &dyn Randomness) -> Self {
        // 2^64 is so much more than eleven digits that no code is noticeably likelier than another.
        let random = u64::from_be_bytes(randomness.bytes()) % RANDOM_BELOW;
        Self(Zeroizing::new(format!("{number}{random:011}")))
    }

    /// The code that these ASCII digits are; none where their count is another than a backup code has.
    pub fn of_digits(digits: &str) -> Option<Self> {
        let is_one = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_one.then(|| Self(Zeroizing::new(digits.to_owned())))
    }

    /// Its number in the set, 0 to 9.
    pub fn number(&self) -> u8 {
        self.0.as_bytes().first().map_or(0, |first| first - b'0')
    }

    /// All its digits, as they are hashed.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The code as a person reads it: in groups of four.
    pub fn shown(&self) -> Zeroizing<String> {
        let (first, rest) = self.0.split_at(GROUP);
        let (second, third) = rest.split_at(GROUP);
        Zeroizing::new(format!("{first} {second} {third}"))
    }
}

/// A code lets its person in: it is in no log.
impl fmt::Debug for BackupCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "BackupCode({}…)", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Randomness for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn a_code_has_its_number_first_and_reads_in_groups() {
        // 2^64 - 1 is 18 446 744 073 709 551 615.
        for (byte, shown) in [(0, "3000 0000 0000"), (0xff, "3737 0955 1615")] {
            let code = BackupCode::random(3, &Always(byte));
            assert_eq!((code.number(), code.shown().as_str()), (3, shown));
            assert_eq!(BackupCode::of_digits(&shown.replace(' ', "")), Some(code));
        }
    }

    #[test]
    fn what_is_typed_is_a_backup_code_by_its_length_alone() {
        for other in ["", "123456", "12345678", "12345678901", "1234567890123", "12345678901x"] {
            assert_eq!(BackupCode::of_digits(other), None, "{other}");
        }
    }

    #[test]
    fn a_log_does_not_tell_it() {
        let code = BackupCode::of_digits("712345678901").unwrap();
        assert_eq!(format!("{code:?}"), "BackupCode(7…)");
    }
}
