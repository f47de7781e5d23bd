//! The opening code of a move: six digits that the operator gives to a person who has neither the old phone nor another
//! code. It is the second half of that one move, and opens nothing alone: it is typed on a page where the person is
//! signed in.

use countersign_protocol::randomness::Randomness;
use countersign_protocol::typed;
use std::fmt;
use std::time::Duration;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How long a code is good: the way from the help desk to the person's own page.
pub const LIFETIME: Duration = Duration::from_secs(3600);
/// How many wrong ones are taken before a code is good no more: with a million codes, five guesses find one of two
/// hundred thousand.
pub const ATTEMPTS: u32 = 5;
/// Digits of a code.
const DIGITS: usize = 6;
/// A code is below this.
const BELOW: u64 = 1_000_000;

/// An opening code as it was made or typed.
#[derive(Clone)]
pub struct OpeningCode(Zeroizing<String>);

impl OpeningCode {
    /// A fresh code.
    pub fn random(randomness: &dyn Randomness) -> Self {
        // 2^64 is so much more than a million that no code is noticeably likelier than another.
        Self(Zeroizing::new(format!("{:06}", u64::from_be_bytes(randomness.bytes()) % BELOW)))
    }

    /// The code that was typed, however its digits are grouped; none where it is not six digits.
    pub fn typed(text: &str) -> Option<Self> {
        let digits = Zeroizing::new(typed::digits(text)?);
        (digits.len() == DIGITS).then_some(Self(digits))
    }

    /// Its digits.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// Whether these are the digits of a kept code, without telling by the time how many of them are.
    pub fn is(&self, kept: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(kept).into()
    }
}

/// A code opens a move: it is in no log.
impl fmt::Debug for OpeningCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OpeningCode(…)")
    }
}
