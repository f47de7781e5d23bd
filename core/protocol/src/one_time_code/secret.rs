//! What both sides of a one-time code know.

use super::Algorithm;
use crate::randomness::Randomness;
use crate::refusal::Refusal;
use crate::typed;
use data_encoding::{BASE32_NOPAD, Encoding};
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of a secret of ours: 128 bits at least (RFC 4226, section 4, R6), and the longest HMAC output at most.
const OWN_LENGTHS: RangeInclusive<usize> = 16..=64;
/// Bytes of a secret of another service. Ten are fewer than RFC 4226 allows, and many services give no more.
const FOREIGN_LENGTHS: RangeInclusive<usize> = 10..=128;
/// The longest secret that is read, in characters with their separators.
const MAX_SECRET_TEXT: usize = 512;

/// Base32 (RFC 4648, section 6) as other services write it: lower case too, and last characters whose surplus bits are
/// not zero, since some services draw the characters and not the bytes at random.
#[expect(clippy::expect_used, reason = "the same constant each time, and every test here reads with it")]
static FORGIVING_BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut form = BASE32_NOPAD.specification();
    form.translate.from.push_str("abcdefghijklmnopqrstuvwxyz");
    form.translate.to.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    form.check_trailing_bits = false;
    form.encoding().expect("a valid specification")
});

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

    /// The secret of another service: 10 to 128 bytes.
    ///
    /// # Errors
    /// `malformed` for another length.
    pub fn foreign(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::of_length(bytes, FOREIGN_LENGTHS)
    }

    /// Reads base32 of any service, 10 to 128 bytes, with or without padding, as people type it ([`typed::key`]); case
    /// does not matter.
    ///
    /// # Errors
    /// `too_large` when the text is longer than any such secret; `malformed` when it is not base32, or its bytes are
    /// too few or too many.
    pub fn from_base32(text: &str) -> Result<Self, Refusal> {
        if text.chars().count() > MAX_SECRET_TEXT {
            return Err(Refusal::TooLarge);
        }
        let key = typed::key(text);
        let bytes = FORGIVING_BASE32
            .decode(key.trim_end_matches('=').as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| Self::WRONG)?;
        Self::foreign(&bytes)
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
            [(9, false, false), (10, false, true), (15, false, true), (16, true, true), (64, true, true)]
        {
            assert_eq!(Secret::new(&vec![7; length]).is_ok(), own, "{length}");
            assert_eq!(Secret::foreign(&vec![7; length]).is_ok(), foreign, "{length}");
        }
        assert_eq!(Secret::new(&[7; 65]), wrong);
        assert!(Secret::foreign(&[7; 128]).is_ok());
        assert_eq!(Secret::foreign(&[7; 129]), wrong);
        assert_eq!(Secret::from_base32("GEZDGNBVGY3TQ"), wrong);
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
        for text in
            ["", "====", "GEZDGNBVGY3TQOJQG", "GEZD=GNBVGY3TQOJQGE", "0EZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQ1E", "é"]
        {
            assert_eq!(Secret::from_base32(text), Err(Refusal::Malformed("one-time code secret")), "{text}");
        }
        assert_eq!(Secret::from_base32(&"A".repeat(513)), Err(Refusal::TooLarge));
    }
}
