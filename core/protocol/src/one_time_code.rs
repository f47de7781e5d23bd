//! One-time codes: by time (TOTP, RFC 6238) and by counter (HOTP, RFC 4226).

mod secret;
mod steam;

pub use secret::{Base32Trouble, ReadSecret, Secret};
pub use steam::Steam;

use crate::refusal::Refusal;
use crate::time::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Digits of a code where nothing else is said.
pub const DEFAULT_DIGITS: u8 = 6;
/// Seconds that a code by time serves where nothing else is said (RFC 6238, section 5.2).
pub const DEFAULT_PERIOD: u16 = 30;

/// Digits of a code (RFC 4226, section 5.3).
const DIGITS: RangeInclusive<u8> = 6..=8;
/// Seconds that a code by time may serve.
const PERIODS: RangeInclusive<u16> = 1..=300;
/// The hash beneath the HMAC (RFC 6238, section 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    /// The one that every app and service knows.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name in an `otpauth` link.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// The length of its output, in bytes: what a secret should have (RFC 6238, section 5.1).
    pub const fn output_length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    const fn for_totp_rs(self) -> totp_rs::Algorithm {
        match self {
            Self::Sha1 => totp_rs::Algorithm::SHA1,
            Self::Sha256 => totp_rs::Algorithm::SHA256,
            Self::Sha512 => totp_rs::Algorithm::SHA512,
        }
    }

    const fn for_ring(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

impl std::str::FromStr for Algorithm {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        [Self::Sha1, Self::Sha256, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(text))
            .ok_or(Refusal::Malformed("one-time code algorithm"))
    }
}

fn check_digits(digits: u8) -> Result<(), Refusal> {
    if DIGITS.contains(&digits) { Ok(()) } else { Err(Refusal::Malformed("one-time code digits")) }
}

/// What an app shows for a code by time.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown {
    /// The code of this step.
    pub code: String,
    /// Seconds until the next step, from 1 to the period, rounded up.
    pub seconds_left: u64,
    /// The code of the next step.
    pub next: String,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Shown({} s left)", self.seconds_left)
    }
}

/// Codes by time (RFC 6238), with T0 at the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    secret: Secret,
    algorithm: Algorithm,
    digits: u8,
    period: u16,
}

impl Totp {
    /// Codes of 6 to 8 digits that change every `period` seconds, 1 to 300.
    ///
    /// # Errors
    /// `malformed` for other digits or another period.
    pub fn new(secret: Secret, algorithm: Algorithm, digits: u8, period: u16) -> Result<Self, Refusal> {
        if !PERIODS.contains(&period) {
            return Err(Refusal::Malformed("one-time code period"));
        }
        Self::foreign(secret, algorithm, digits, period)
    }

    /// The codes of another service, which chooses its period: 1 second or more.
    ///
    /// # Errors
    /// `malformed` for other digits than 6 to 8, or a period of 0.
    pub fn foreign(secret: Secret, algorithm: Algorithm, digits: u8, period: u16) -> Result<Self, Refusal> {
        check_digits(digits)?;
        if period == 0 {
            return Err(Refusal::Malformed("one-time code period"));
        }
        Ok(Self { secret, algorithm, digits, period })
    }

    /// The secret.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The hash beneath the HMAC.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Digits of a code.
    pub const fn digits(&self) -> u8 {
        self.digits
    }

    /// Seconds of a step.
    pub const fn period(&self) -> u16 {
        self.period
    }

    /// The step of this moment: T of RFC 6238, section 4.2. All that is before the epoch is step 0.
    pub fn step(&self, now: Timestamp) -> u64 {
        seconds_since_epoch(now) / u64::from(self.period)
    }

    /// The code of this step. Steps that begin after 2^64 - 1 seconds all have the code of the last that does not.
    pub fn code_at_step(&self, step: u64) -> String {
        totp_rs::Builder::new()
            .with_algorithm(self.algorithm.for_totp_rs())
            .with_digits(self.digits)
            .with_step_duration(u64::from(self.period))
            .with_secret(self.secret.as_bytes())
            .build_noncompliant()
            .generate(step.saturating_mul(u64::from(self.period)))
            .to_string()
    }

    /// The code of this moment, how long it lasts, and the one after it.
    pub fn now(&self, now: Timestamp) -> Shown {
        let step = self.step(now);
        let period = u64::from(self.period);
        Shown {
            code: self.code_at_step(step),
            seconds_left: period - seconds_since_epoch(now) % period,
            next: self.code_at_step(step + 1),
        }
    }

    /// The last of these steps whose code this is; `None` when it is the code of none. Two steps may have the same
    /// code. The time this takes depends neither on which step fits nor on how much of the code is right.
    pub fn find(&self, code: &str, steps: impl IntoIterator<Item = u64>) -> Option<u64> {
        let mut found = Choice::from(0);
        let mut last = 0;
        for step in steps {
            let fits = self.code_at_step(step).as_bytes().ct_eq(code.as_bytes());
            last.conditional_assign(&step, fits);
            found |= fits;
        }
        bool::from(found).then_some(last)
    }
}

fn seconds_since_epoch(now: Timestamp) -> u64 {
    u64::try_from(now.seconds()).unwrap_or(0)
}

/// Codes by counter (RFC 4226).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hotp {
    secret: Secret,
    algorithm: Algorithm,
    digits: u8,
    counter: u64,
}

impl Hotp {
    /// Codes of 6 to 8 digits, the next one for `counter`. RFC 4226 knows SHA-1 only; some services use the others.
    ///
    /// # Errors
    /// `malformed` for other digits.
    pub fn new(secret: Secret, algorithm: Algorithm, digits: u8, counter: u64) -> Result<Self, Refusal> {
        check_digits(digits)?;
        Ok(Self { secret, algorithm, digits, counter })
    }

    /// The secret.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The hash beneath the HMAC.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Digits of a code.
    pub const fn digits(&self) -> u8 {
        self.digits
    }

    /// The counter of the next code.
    pub const fn counter(&self) -> u64 {
        self.counter
    }

    /// The next code, and what is to be kept before it is shown, since no counter serves twice. After 2^64 - 1 comes 0.
    #[must_use]
    pub fn take(self) -> (String, Self) {
        let code = self.code_at(self.counter);
        let counter = self.counter.wrapping_add(1);
        (code, Self { counter, ..self })
    }

    /// The code for this counter.
    pub fn code_at(&self, counter: u64) -> String {
        let key = hmac::Key::new(self.algorithm.for_ring(), self.secret.as_bytes());
        let number = truncate(hmac::sign(&key, &counter.to_be_bytes()).as_ref()) % 10_u32.pow(self.digits.into());
        format!("{number:0width$}", width = usize::from(self.digits))
    }
}

/// The number in an HMAC: dynamic truncation (RFC 4226, section 5.3).
fn truncate(mac: &[u8]) -> u32 {
    let offset = usize::from(mac[mac.len() - 1] & 0x0f);
    let mut word = [0; 4];
    word.copy_from_slice(&mac[offset..offset + 4]);
    u32::from_be_bytes(word) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_012_345);

    fn secret() -> Secret {
        Secret::new(b"12345678901234567890").unwrap()
    }

    fn totp() -> Totp {
        Totp::new(secret(), Algorithm::Sha1, 6, 30).unwrap()
    }

    #[test]
    fn algorithms_are_known_by_their_names() {
        for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
            assert_eq!(algorithm.as_str().to_lowercase().parse(), Ok(algorithm));
        }
        for text in ["MD5", "SHA", "SHA-1", ""] {
            assert_eq!(text.parse::<Algorithm>(), Err(Refusal::Malformed("one-time code algorithm")), "{text}");
        }
    }

    #[test]
    fn nothing_prints_a_secret_or_a_code() {
        let hotp = Hotp::new(secret(), Algorithm::Sha1, 6, 0).unwrap();
        let shown = totp().now(NOW);
        let printed = format!("{:?} {:?} {hotp:?} {shown:?}", secret(), totp());
        for hidden in [secret().to_base32().as_str(), "1234567890", "49, 50", &shown.code, &shown.next] {
            assert!(!printed.contains(hidden), "{printed}");
        }
    }

    #[test]
    fn digits_and_periods_outside_their_ranges_are_refused() {
        for digits in [0, 5, 9, 255] {
            let wrong = Refusal::Malformed("one-time code digits");
            assert_eq!(Totp::new(secret(), Algorithm::Sha1, digits, 30), Err(wrong));
            assert_eq!(Hotp::new(secret(), Algorithm::Sha1, digits, 0), Err(wrong));
        }
        for period in [0, 301, u16::MAX] {
            let wrong = Err(Refusal::Malformed("one-time code period"));
            assert_eq!(Totp::new(secret(), Algorithm::Sha1, 6, period), wrong);
        }
        assert!(Totp::foreign(secret(), Algorithm::Sha1, 6, 0).is_err());
        assert!(Totp::foreign(secret(), Algorithm::Sha1, 5, 30).is_err());
        for period in [1, 35, 600, u16::MAX] {
            let totp = Totp::foreign(secret(), Algorithm::Sha1, 6, period).unwrap();
            assert_eq!(totp.now(NOW).seconds_left, u64::from(period) - 1_800_000_012 % u64::from(period));
        }
        for (digits, period) in [(6, 1), (7, 30), (8, 300)] {
            let totp = Totp::new(secret(), Algorithm::Sha1, digits, period).unwrap();
            assert_eq!(totp.code_at_step(1).len(), usize::from(digits));
        }
    }

    #[test]
    fn a_code_lasts_until_the_next_step() {
        let totp = totp();
        for (milliseconds, step, left) in
            [(-1, 0, 30), (0, 0, 30), (999, 0, 30), (1000, 0, 29), (29_999, 0, 1), (30_000, 1, 30), (59_000, 1, 1)]
        {
            let now = Timestamp::from_millis(milliseconds);
            let (code, next) = (totp.code_at_step(step), totp.code_at_step(step + 1));
            assert_eq!(totp.step(now), step, "{milliseconds}");
            assert!(totp.now(now) == Shown { code, seconds_left: left, next }, "{milliseconds}");
        }
        assert_eq!(totp.code_at_step(u64::MAX), totp.code_at_step(u64::MAX / 30));
        totp.now(Timestamp::from_millis(i64::MAX));
        totp.now(Timestamp::from_millis(i64::MIN));
    }

    #[test]
    fn both_kinds_of_codes_agree_on_every_number() {
        for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
            for digits in DIGITS {
                let totp = Totp::new(secret(), algorithm, digits, 1).unwrap();
                let hotp = Hotp::new(secret(), algorithm, digits, 0).unwrap();
                for number in (0..300).chain([u64::from(u32::MAX), u64::MAX]) {
                    assert_eq!(totp.code_at_step(number), hotp.code_at(number), "{algorithm:?} {digits} {number}");
                }
            }
        }
    }

    #[test]
    fn a_code_by_counter_is_taken_once() {
        let hotp = Hotp::new(secret(), Algorithm::Sha1, 6, u64::MAX).unwrap();
        let (last, hotp) = hotp.take();
        let (first, hotp) = hotp.take();
        assert_eq!((last, first.as_str(), hotp.counter()), (hotp.code_at(u64::MAX), "755224", 1));
    }

    #[test]
    fn a_code_is_found_among_the_steps_and_nowhere_else() {
        let totp = totp();
        let current = totp.step(NOW);
        for step in current - 3..=current + 3 {
            let code = totp.code_at_step(step);
            let near = step.abs_diff(current).le(&1).then_some(step);
            assert_eq!(totp.find(&code, current - 1..=current + 1), near);
            assert_eq!(totp.find(&code, []), None);
            assert_eq!(totp.find(&code, [current, step]), Some(step));
        }
    }

    #[test]
    fn of_two_steps_with_one_code_the_later_is_found() {
        let totp = Totp::new(secret(), Algorithm::Sha1, 6, 1).unwrap();
        let step = (0..).find(|step| totp.code_at_step(*step) == totp.code_at_step(step + 1)).unwrap();
        assert_eq!(totp.find(&totp.code_at_step(step), step - 1..=step + 2), Some(step + 1));
    }

    #[test]
    fn what_is_nearly_the_code_is_not_found() {
        let totp = totp();
        let (code, step) = (totp.now(NOW).code, totp.step(NOW));
        let found = |text: &str| totp.find(text, [step]);
        assert_eq!(found(&code), Some(step));
        for place in 0..code.len() {
            let mut changed = code.clone().into_bytes();
            changed[place] = b'0' + (changed[place] - b'0' + 1) % 10;
            assert_eq!(found(std::str::from_utf8(&changed).unwrap()), None);
        }
        for text in ["", &code[1..], &format!("{code}0"), &format!("0{code}"), &format!(" {code}"), &format!("+{code}")]
        {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
