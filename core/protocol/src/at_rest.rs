//! Secrets at rest: sealed under a key that is not in the database they lie in.

use crate::key::sha256;
use crate::randomness::Randomness;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// The version byte of the sealed form.
const VERSION: u8 = 1;
/// Bytes of the key id in the sealed form.
const KEY_ID_LENGTH: usize = 8;

/// Where a secret lies. Bound into its sealing, so that a row copied elsewhere does not open.
#[derive(Debug, Clone, Copy)]
pub struct Location<'a> {
    /// The table, or the file.
    pub table: &'a str,
    /// The row's key.
    pub row: &'a str,
    /// The column.
    pub column: &'a str,
}

/// Why a secret could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AtRestError {
    /// Sealed under another key than this one.
    #[error("sealed under another key than the one at hand")]
    WrongKey,
    /// Cut, changed, or copied from another place.
    #[error("a sealed value is damaged or does not belong where it lies")]
    Damaged,
}

/// The key that seals secrets at rest.
pub struct AtRestKey {
    key: LessSafeKey,
    id: [u8; KEY_ID_LENGTH],
}

impl AtRestKey {
    /// The key of these 32 bytes.
    ///
    /// # Panics
    /// Never: ChaCha20-Poly1305 takes every key of 32 bytes.
    #[expect(clippy::expect_used, reason = "ring refuses only a wrong length, and the type fixes the length")]
    pub fn new(bytes: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, bytes).expect("32 bytes");
        let mut named = Zeroizing::new(b"countersign key id v1\n".to_vec());
        named.extend_from_slice(bytes);
        let mut id = [0; KEY_ID_LENGTH];
        id.copy_from_slice(&sha256(&named)[..KEY_ID_LENGTH]);
        Self { key: LessSafeKey::new(key), id }
    }

    /// Names the key without giving it away.
    pub const fn id(&self) -> &[u8; KEY_ID_LENGTH] {
        &self.id
    }

    fn associated_data(&self, location: Location<'_>) -> Vec<u8> {
        let mut data = vec![VERSION];
        data.extend_from_slice(&self.id);
        for part in [location.table, location.row, location.column] {
            data.extend_from_slice(part.as_bytes());
            data.push(0);
        }
        data
    }

    /// Seals `secret` for this place: version, key id, nonce, ciphertext, tag.
    ///
    /// # Panics
    /// Never: the cipher takes every message that fits in memory.
    #[expect(clippy::expect_used, reason = "ring refuses only messages of more than 256 GiB")]
    pub fn seal(&self, location: Location<'_>, secret: &[u8], randomness: &dyn Randomness) -> Vec<u8> {
        let nonce = randomness.bytes::<NONCE_LEN>();
        let mut ciphertext = secret.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.associated_data(location)),
                &mut ciphertext,
            )
            .expect("shorter than 256 GiB");
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// Opens what [`AtRestKey::seal`] made for this place.
    ///
    /// # Errors
    /// [`AtRestError::WrongKey`] when another key sealed it; [`AtRestError::Damaged`] when it was changed, cut, or
    /// sealed for another place.
    pub fn open(&self, location: Location<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, AtRestError> {
        let rest = sealed.strip_prefix(&[VERSION]).ok_or(AtRestError::Damaged)?;
        let (id, rest) = rest.split_at_checked(KEY_ID_LENGTH).ok_or(AtRestError::Damaged)?;
        if id != self.id {
            return Err(AtRestError::WrongKey);
        }
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_LEN).ok_or(AtRestError::Damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| AtRestError::Damaged)?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(self.associated_data(location)), &mut buffer)
            .map_err(|_| AtRestError::Damaged)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

impl std::fmt::Debug for AtRestKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("AtRestKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::randomness::SystemRandomness;

    #[test]
    fn opens_only_under_its_key_and_in_its_place() {
        let randomness = SystemRandomness::new();
        let (key, other) = (AtRestKey::new(&[1; 32]), AtRestKey::new(&[2; 32]));
        let here = Location { table: "enrolment", row: "1", column: "approval_key" };
        let sealed = key.seal(here, b"secret", &randomness);
        assert_eq!(key.open(here, &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(other.open(here, &sealed), Err(AtRestError::WrongKey));
        for elsewhere in [
            Location { row: "2", ..here },
            Location { column: "request_key", ..here },
            Location { table: "enrolmen", row: "t1", ..here },
        ] {
            assert_eq!(key.open(elsewhere, &sealed), Err(AtRestError::Damaged));
        }
        for length in 0..sealed.len() {
            assert!(key.open(here, &sealed[..length]).is_err());
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(key.open(here, &changed).is_err());
        }
    }
}
