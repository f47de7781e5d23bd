//! What both sides of a one-time code know.

use super::Algorithm;
use crate::randomness::Randomness;
use crate::refusal::Refusal;
use crate::text::misleads;
use crate::typed;
use data_encoding::{BASE32_NOPAD, Encoding};
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of a secret of ours: 128 bits at least (RFC 4226, section 4, R6), and the longest HMAC output at most.
const OWN_LENGTHS: RangeInclusive<usize> = 16..=64;
/// Bytes of a secret of another service. RFC 4226 allows no fewer than 16, and services give what they like.
const FOREIGN_LENGTHS: RangeInclusive<usize> = 1..=128;
/// Bytes below which a secret of another service is short: what most services give at least, 80 bits.
const SHORT: usize = 10;
/// The longest text of a secret that is read, in characters with their separators.
const MAX_SECRET_TEXT: usize = 512;

/// Base32 (RFC 4648, section 6) whose last character may have surplus bits that are not zero, since some services draw
/// the characters and not the bytes at random.
#[expect(clippy::expect_used, reason = "the same constant each time, and every test here reads with it")]
static FORGIVING_BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut form = BASE32_NOPAD.specification();
    form.check_trailing_bits = false;
    form.encoding().expect("a valid specification")
});

/// A secret that was read from base32, with what a person should know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSecret {
    /// The secret.
    pub secret: Secret,
    /// True when it is so short that it could be found by trying: below 80 bits.
    pub short: bool,
    /// True when no whole bytes have this many characters, so that one may be missing. Google Authenticator leaves the
    /// last bits out, and so does this.
    pub uneven: bool,
}

impl ReadSecret {
    /// A secret that came as bytes.
    ///
    /// # Errors
    /// As [`Secret::foreign`].
    pub fn foreign(bytes: &[u8]) -> Result<Self, Refusal> {
        Ok(Self { secret: Secret::foreign(bytes)?, short: bytes.len() < SHORT, uneven: false })
    }
}

/// Why a text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base32Trouble {
    /// There is nothing in it, or not even one byte.
    Empty,
    /// A character that base32 does not have.
    Character,
    /// Longer than any secret.
    TooLong,
}

/// What services put between the characters of a secret: spaces, hyphens and dashes, plus signs, and marks that nobody
/// sees.
fn separates(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '-' | '+' | '\u{2010}'..='\u{2015}' | '\u{2212}')
        || misleads(character)
}

/// The key of the HMAC. Compared in constant time, printed by nothing.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A fresh one, as long as the output of `algorithm` (RFC 6238, section 5.1).
    pub fn generate(algorithm: Algorithm, randomness: &dyn Randomness) -> Self {
        let mut bytes = Zeroizing::new(vec![0; algorithm.output_length()]);
        randomness.fill(&mut bytes);
        Self(bytes)
    }

    /// The secret of a Countersign server: 16 to 64 bytes.
    ///
    /// # Errors
    /// `malformed` for another length.
    pub fn new(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::of_length(bytes, OWN_LENGTHS)
    }

    /// The secret of another service: 1 to 128 bytes.
    ///
    /// # Errors
    /// `malformed` for another length.
    pub fn foreign(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::of_length(bytes, FOREIGN_LENGTHS)
    }

    /// Reads base32 of any service as a person typed it ([`typed::key`]), and else as [`Secret::read_base32`] does.
    ///
    /// # Errors
    /// `too_large` when the text is longer than any such secret; `malformed` when it is not base32, or is empty.
    pub fn from_base32(text: &str) -> Result<Self, Refusal> {
        Self::read_base32(&typed::key(text)).map(|read| read.secret).map_err(|trouble| match trouble {
            Base32Trouble::TooLong => Refusal::TooLarge,
            Base32Trouble::Empty | Base32Trouble::Character => Self::WRONG,
        })
    }

    /// Reads base32 as services write it, 1 to 128 bytes: with or without padding, in either case, with spaces, hyphens
    /// and plus signs. A zero, a one, an eight and letters of other scripts are refused and not guessed,
    /// since a wrong guess would show wrong codes.
    ///
    /// # Errors
    /// See [`Base32Trouble`].
    pub fn read_base32(text: &str) -> Result<ReadSecret, Base32Trouble> {
        if text.chars().count() > MAX_SECRET_TEXT {
            return Err(Base32Trouble::TooLong);
        }
        let mut letters = Zeroizing::new(String::with_capacity(text.len()));
        letters.extend(text.chars().filter(|character| !separates(*character)));
        letters.make_ascii_uppercase();
        let mut letters = letters.trim_end_matches('=').as_bytes();
        if !letters.iter().all(|letter| matches!(letter, b'A'..=b'Z' | b'2'..=b'7')) {
            return Err(Base32Trouble::Character);
        }
        let uneven = matches!(letters.len() % 8, 1 | 3 | 6);
        if uneven {
            letters = &letters[..letters.len() - 1];
        }
        let bytes = FORGIVING_BASE32.decode(letters).map(Zeroizing::new).map_err(|_| Base32Trouble::Character)?;
        match bytes.len() {
            0 => Err(Base32Trouble::Empty),
            length if length > *FOREIGN_LENGTHS.end() => Err(Base32Trouble::TooLong),
            length => Ok(ReadSecret { secret: Self(bytes), short: length < SHORT, uneven }),
        }
    }

    const WRONG: Refusal = Refusal::Malformed("one-time code secret");

    fn of_length(bytes: &[u8], lengths: RangeInclusive<usize>) -> Result<Self, Refusal> {
        if lengths.contains(&bytes.len()) { Ok(Self(Zeroizing::new(bytes.to_vec()))) } else { Err(Self::WRONG) }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Base32 in upper case without padding (RFC 4648, section 6), as an `otpauth` link carries it.
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(&self.0))
    }

    /// The same in groups of four, to be read and typed by a person.
    pub fn to_base32_groups(&self) -> Zeroizing<String> {
        let text = self.to_base32();
        let mut groups = Zeroizing::new(String::with_capacity(text.len() * 5 / 4));
        for (place, character) in text.chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                groups.push(' ');
            }
            groups.push(character);
        }
        groups
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::randomness::SystemRandomness;

    fn secret() -> Secret {
        Secret::new(b"12345678901234567890").unwrap()
    }

    #[test]
    fn secrets_of_other_lengths_are_refused() {
        let wrong = Err(Refusal::Malformed("one-time code secret"));
        for (length, own, foreign) in
            [(0, false, false), (1, false, true), (15, false, true), (16, true, true), (64, true, true)]
        {
            assert_eq!(Secret::new(&vec![7; length]).is_ok(), own, "{length}");
            assert_eq!(Secret::foreign(&vec![7; length]).is_ok(), foreign, "{length}");
        }
        assert_eq!(Secret::new(&[7; 65]), wrong);
        assert!(Secret::foreign(&[7; 128]).is_ok());
        assert_eq!(Secret::foreign(&[7; 129]), wrong);
        for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
            let fresh = Secret::generate(algorithm, &SystemRandomness::new());
            assert_eq!(fresh.as_bytes().len(), algorithm.output_length());
            assert_ne!(fresh, Secret::generate(algorithm, &SystemRandomness::new()));
        }
    }

    #[test]
    fn secrets_are_read_as_people_type_them() {
        let text = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(secret().to_base32().as_str(), text);
        assert_eq!(secret().to_base32_groups().as_str(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let typed = [
            secret().to_base32_groups().to_lowercase(),
            text.to_lowercase(),
            format!("  {text}\n"),
            "gezd-gnbv-gy3t-qojq-GEZD-GNBV-GY3T-QOJQ".into(),
            "ＧＥＺＤ　gnbv\u{2013}gy３t\u{202f}qojq gezdgnbvgy3tqojq\u{200f}".into(),
        ];
        for text in typed {
            assert_eq!(Secret::from_base32(&text), Ok(secret()), "{text}");
        }
        let eleven = Secret::foreign(b"12345678901").unwrap();
        assert_eq!(eleven.to_base32_groups().as_str(), "GEZD GNBV GY3T QOJQ GE");
        for text in
            ["GEZDGNBVGY3TQOJQGE======", "GEZDGNBVGY3TQOJQGE", "gezd gnbv gy3t qojq ge== ====", "GEZDGNBVGY3TQOJQGF"]
        {
            assert_eq!(Secret::from_base32(text).as_ref(), Ok(&eleven), "{text}");
        }
        for text in ["", "====", "GEZD=GNBVGY3TQOJQGE", "0EZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQ1E", "é"] {
            assert_eq!(Secret::from_base32(text), Err(Refusal::Malformed("one-time code secret")), "{text}");
        }
        assert_eq!(Secret::from_base32(&"A".repeat(513)), Err(Refusal::TooLarge));
        assert_eq!(Secret::from_base32(&"A".repeat(207)), Err(Refusal::TooLarge));
    }

    #[test]
    fn what_stands_between_the_characters_does_not_matter_and_what_stands_in_their_place_does() {
        for between in
            [" ", "-", "+", "\u{a0}", "\u{2009}", "\u{2013}", "\u{200b}", "\u{ad}", "\u{feff}", "\r\n", " - "]
        {
            let text = ["JBSW", "y3dp", "EHPK", "3pxp"].join(between);
            assert_eq!(Secret::from_base32(&text), Secret::foreign(b"Hello!\xde\xad\xbe\xef"), "{between:?}");
        }
        for (like, letter) in
            [("0", "O"), ("1", "I"), ("8", "B"), ("9", "G"), ("\u{410}", "A"), ("\u{ff21}", "A"), ("\u{131}", "i")]
        {
            let text = |letter: &str| format!("JBSWY3DPEHPK3PX{letter}");
            assert_eq!(Secret::read_base32(&text(like)), Err(Base32Trouble::Character), "{like}");
            assert!(Secret::read_base32(&text(letter)).is_ok());
        }
        for text in ["", " ", "-", "=", "A", "a ="] {
            assert_eq!(Secret::read_base32(text), Err(Base32Trouble::Empty), "{text:?}");
        }
    }

    #[test]
    fn every_number_of_characters_is_read_as_the_whole_bytes_in_it() {
        let whole = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for length in 2..=whole.len() {
            let read = Secret::read_base32(&whole[..length]).unwrap();
            let bytes = length * 5 / 8;
            assert_eq!(read.secret.as_bytes(), &b"12345678901234567890"[..bytes], "{length}");
            assert_eq!((read.short, read.uneven), (bytes < 10, (length * 5) % 8 >= 5), "{length}");
        }
    }
}
