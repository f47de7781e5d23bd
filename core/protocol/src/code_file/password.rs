//! Keys from passwords, and what they open. What a key costs is named in the file, so it is bounded before it is spent.

use crate::otpauth::LinkRefusal;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::pbkdf2;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// A key of 256 bits, which every format here has.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// Bytes of the tag of AES-GCM and of Poly1305.
pub(super) const TAG_LENGTH: usize = 16;
/// The longest salt that is read, in bytes: that of 2FAS has 256.
const MAX_SALT: usize = 1024;

/// The most memory that argon2id may use, in KiB: 1 GiB, which Ente Auth asks for where it gets it.
const ARGON2_MEMORY: u64 = 1024 * 1024;
/// The most that argon2id may do, in KiB of memory times passes over it: what the strongest exports of Ente Auth take,
/// 1 GiB with four passes or 256 MiB with sixteen. Some seconds on a phone.
const ARGON2_WORK: u64 = 4 * ARGON2_MEMORY;
/// The most lanes of argon2id.
const ARGON2_LANES: u64 = 16;
/// The most memory that scrypt may use, in bytes: eight times what Aegis asks for.
const SCRYPT_MEMORY: u64 = 256 * 1024 * 1024;
/// The most that scrypt may do for one file, in bytes of memory times passes.
const SCRYPT_WORK: u64 = 4 * SCRYPT_MEMORY;

/// What argon2id costs (RFC 9106, section 3.1).
#[derive(Clone, Copy)]
pub(super) struct Argon2Cost {
    /// In KiB.
    pub memory: u64,
    /// Passes over the memory.
    pub passes: u64,
    /// Degree of parallelism.
    pub lanes: u64,
}

/// The key that argon2id makes of a password.
pub(super) fn argon2id(password: &str, salt: &[u8], cost: Argon2Cost) -> Result<Key, LinkRefusal> {
    let Argon2Cost { memory, passes, lanes } = cost;
    let work = memory.checked_mul(passes);
    if memory > ARGON2_MEMORY || lanes > ARGON2_LANES || work.is_none_or(|work| work > ARGON2_WORK) {
        return Err(LinkRefusal::TooCostly);
    }
    let damaged = |_| LinkRefusal::DamagedFile;
    // Bounded above, so that all of them fit.
    let narrow = |number: u64| u32::try_from(number).map_err(|_| LinkRefusal::TooCostly);
    let params = Params::new(narrow(memory)?, narrow(passes)?, narrow(lanes)?, None).map_err(damaged)?;
    if salt.len() > MAX_SALT {
        return Err(LinkRefusal::DamagedFile);
    }
    let count = params.block_count();
    let mut blocks: Zeroizing<Vec<Block>> = Zeroizing::new(Vec::new());
    // A phone without so much memory says so, and the app does not end.
    blocks.try_reserve_exact(count).map_err(|_| LinkRefusal::NoMemory)?;
    blocks.resize(count, Block::new());
    let mut key = Key::default();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let blocks: &mut [Block] = &mut blocks;
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, key.as_mut(), blocks).map_err(damaged)?;
    Ok(key)
}

/// What scrypt costs (RFC 7914, section 2).
#[derive(Clone, Copy)]
pub(super) struct ScryptCost {
    /// N, a power of two.
    pub n: u64,
    pub r: u64,
    pub p: u64,
}

impl ScryptCost {
    fn memory(self) -> Option<u64> {
        self.n.checked_mul(self.r)?.checked_mul(128)
    }
}

/// Refuses what these keys, all together, would cost too much of.
pub(super) fn check_scrypt(costs: &[ScryptCost]) -> Result<(), LinkRefusal> {
    let work = costs.iter().try_fold(0_u64, |sum, cost| {
        let memory = cost.memory().filter(|memory| *memory <= SCRYPT_MEMORY)?;
        sum.checked_add(memory.checked_mul(cost.p)?)
    });
    if work.is_some_and(|work| work <= SCRYPT_WORK) { Ok(()) } else { Err(LinkRefusal::TooCostly) }
}

/// The key that scrypt makes of a password, of a cost that was checked.
pub(super) fn scrypt(password: &str, salt: &[u8], cost: ScryptCost) -> Result<Key, LinkRefusal> {
    let log_n = u8::try_from(cost.n.trailing_zeros()).ok().filter(|_| cost.n.is_power_of_two());
    let (r, p) = (u32::try_from(cost.r).ok(), u32::try_from(cost.p).ok());
    let params = log_n.zip(r).zip(p).and_then(|((log_n, r), p)| ::scrypt::Params::new(log_n, r, p).ok());
    let params = params.filter(|_| salt.len() <= MAX_SALT).ok_or(LinkRefusal::DamagedFile)?;
    let mut key = Key::default();
    ::scrypt::scrypt(password.as_bytes(), salt, &params, key.as_mut()).map_err(|_| LinkRefusal::DamagedFile)?;
    Ok(key)
}

/// The key that PBKDF2 with HMAC-SHA-256 makes of a password (RFC 8018, section 5.2).
pub(super) fn pbkdf2(password: &str, salt: &[u8], iterations: u32) -> Result<Key, LinkRefusal> {
    let iterations = NonZeroU32::new(iterations).filter(|_| salt.len() <= MAX_SALT).ok_or(LinkRefusal::DamagedFile)?;
    let mut key = Key::default();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, password.as_bytes(), key.as_mut());
    Ok(key)
}

/// A key of AES-256-GCM.
#[expect(clippy::expect_used, reason = "ring refuses only a wrong length, and the type fixes the length")]
fn aes(key: &Key) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).expect("32 bytes"))
}

/// Opens AES-256-GCM; the tag stands behind the ciphertext. None when the key is another, or something was changed.
pub(super) fn open(key: &Key, nonce: &[u8], sealed: &[u8], associated: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut buffer = Zeroizing::new(sealed.to_vec());
    let length = aes(key).open_in_place(nonce, Aad::from(associated), &mut buffer).ok()?.len();
    buffer.truncate(length);
    Some(buffer)
}

/// Seals with AES-256-GCM, for a key that seals nothing else; the tag stands behind the ciphertext.
#[expect(clippy::expect_used, reason = "ring refuses only messages of more than 64 GiB")]
pub(super) fn seal(key: &Key, nonce: [u8; NONCE_LEN], plain: &[u8], associated: &[u8]) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(plain.len() + TAG_LENGTH);
    // The capacity is there, so that no copy of the plaintext is left behind.
    buffer.extend_from_slice(plain);
    let nonce = Nonce::assume_unique_for_key(nonce);
    aes(key).seal_in_place_append_tag(nonce, Aad::from(associated), &mut buffer).expect("shorter than 64 GiB");
    buffer
}

/// What was decrypted, as text. What opened was made with the password, so that nothing but the app can have made it
/// wrong.
pub(super) fn text(opened: &[u8]) -> Result<&str, LinkRefusal> {
    std::str::from_utf8(opened).map_err(|_| LinkRefusal::DamagedFile)
}
