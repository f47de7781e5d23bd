//! What is kept of a backup code: argon2id of it (RFC 9106), sealed under the master key. Whoever has the database
//! alone cannot even begin to guess, and whoever has the key too pays for each guess.

use crate::domain::backup_code::BackupCode;
use argon2::{Algorithm, Argon2, Params, Version};
use countersign_protocol::at_rest::{AtRestKey, Location};
use countersign_protocol::handle::AuthenticatorId;
use countersign_protocol::randomness::Randomness;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const SALT: usize = 16;
const HASH: usize = 32;

/// What one hash costs. It is kept beside each hash, so that codes on paper survive another choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB, 8 at least.
    pub memory: u32,
    /// Passes over it, 1 at least.
    pub passes: u32,
}

/// 19 MiB twice: OWASP's first recommendation for passwords, some hundredths of a second.
impl Default for HashCost {
    fn default() -> Self {
        Self { memory: 19 * 1024, passes: 2 }
    }
}

impl HashCost {
    fn hash(self, digits: &str, salt: &[u8]) -> Result<Zeroizing<[u8; HASH]>, String> {
        let params = Params::new(self.memory, self.passes, 1, Some(HASH)).map_err(|error| error.to_string())?;
        let mut hash = Zeroizing::new([0; HASH]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(digits.as_bytes(), salt, hash.as_mut()).map_err(|error| error.to_string())?;
        Ok(hash)
    }
}

/// A hash, with all that it takes to make it again.
#[derive(Clone)]
pub struct BackupCodeHash {
    cost: HashCost,
    salt: [u8; SALT],
    hash: Zeroizing<[u8; HASH]>,
}

/// Where the hash of the code with this number lies, in its set.
fn place(set: AuthenticatorId, number: u8) -> String {
    format!("{set} {number}")
}

const fn location(place: &str) -> Location<'_> {
    Location { table: "backup_code", row: place, column: "hash" }
}

impl BackupCodeHash {
    /// The hash of a fresh code. It takes as long as the cost says, and memory: not on a thread that serves others.
    ///
    /// # Errors
    /// The reason, when argon2id refuses the cost.
    pub fn new(code: &BackupCode, cost: HashCost, randomness: &dyn Randomness) -> Result<Self, String> {
        let salt = randomness.bytes();
        Ok(Self { cost, salt, hash: cost.hash(code.digits(), &salt)? })
    }

    /// Whether a typed code has this hash. It takes as long as [`BackupCodeHash::new`].
    ///
    /// # Errors
    /// The reason, when argon2id refuses the cost that was kept.
    pub fn is_of(&self, typed: &BackupCode) -> Result<bool, String> {
        Ok(self.cost.hash(typed.digits(), &self.salt)?.ct_eq(&*self.hash).into())
    }

    /// The form in which it is kept, as the one of this number in this set.
    pub fn seal(&self, at_rest: &AtRestKey, set: AuthenticatorId, number: u8, randomness: &dyn Randomness) -> Vec<u8> {
        let mut plain = Zeroizing::new(Vec::new());
        plain.extend(self.cost.memory.to_be_bytes());
        plain.extend(self.cost.passes.to_be_bytes());
        plain.extend(self.salt);
        plain.extend(*self.hash);
        at_rest.seal(location(&place(set, number)), &plain, randomness)
    }

    /// What is kept in this form.
    ///
    /// # Errors
    /// The reason, when it was sealed under another key or for another place.
    pub fn open(at_rest: &AtRestKey, set: AuthenticatorId, number: u8, sealed: &[u8]) -> Result<Self, String> {
        let plain = at_rest.open(location(&place(set, number)), sealed).map_err(|error| error.to_string())?;
        let read = plain.split_first_chunk::<4>().and_then(|(memory, rest)| {
            let (passes, rest) = rest.split_first_chunk::<4>()?;
            let (salt, hash) = rest.split_first_chunk::<SALT>()?;
            let cost = HashCost { memory: u32::from_be_bytes(*memory), passes: u32::from_be_bytes(*passes) };
            Some(Self { cost, salt: *salt, hash: Zeroizing::new(hash.try_into().ok()?) })
        });
        read.ok_or_else(|| "the hash of a backup code is damaged".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::randomness::SystemRandomness;

    const CHEAP: HashCost = HashCost { memory: 8, passes: 1 };

    fn code(digits: &str) -> BackupCode {
        BackupCode::of_digits(digits).unwrap()
    }

    #[test]
    fn only_the_code_is_right_only_in_its_place_and_under_its_key() {
        let (random, key) = (SystemRandomness::new(), AtRestKey::new(&[1; 32]));
        let set = AuthenticatorId::random(&random);
        let sealed = BackupCodeHash::new(&code("412345678901"), CHEAP, &random).unwrap().seal(&key, set, 4, &random);
        let opened = BackupCodeHash::open(&key, set, 4, &sealed).unwrap();
        assert_eq!(opened.is_of(&code("412345678901")), Ok(true));
        assert_eq!(opened.is_of(&code("412345678902")), Ok(false));
        // Copied to another number or another set, or read with another key, it does not open.
        assert!(BackupCodeHash::open(&key, set, 5, &sealed).is_err());
        assert!(BackupCodeHash::open(&key, AuthenticatorId::random(&random), 4, &sealed).is_err());
        assert!(BackupCodeHash::open(&AtRestKey::new(&[2; 32]), set, 4, &sealed).is_err());
    }

    #[test]
    fn a_code_of_an_earlier_cost_stays_good_and_two_of_the_same_digits_look_different() {
        let random = SystemRandomness::new();
        let typed = code("012345678901");
        let kept = [CHEAP, CHEAP, HashCost { memory: 64, passes: 3 }]
            .map(|cost| BackupCodeHash::new(&typed, cost, &random).unwrap());
        assert!(kept.iter().all(|one| one.is_of(&typed) == Ok(true)));
        assert_ne!(kept[0].hash, kept[1].hash);
    }
}
