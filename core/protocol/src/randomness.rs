//! Randomness as a value that is handed in.

use ring::rand::SecureRandom;
use std::convert::Infallible;

/// Where unpredictable bytes come from.
///
/// Keys and ES256 signatures do not come from here: ring seals its own generator in, so a seed repeats the steps of a
/// simulation, not its bytes.
pub trait Randomness: Send + Sync {
    /// Fills `bytes` with unpredictable bytes. It has no way to fail, since whoever went on without them would hand out
    /// guessable secrets: an implementation without entropy stops the program.
    ///
    /// Called from any thread, from several at once, and while the caller holds locks; so it returns at once and calls
    /// nothing of Countersign.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Randomness + '_ {
    /// `N` unpredictable bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// The generator of the operating system.
#[derive(Debug, Clone)]
pub struct SystemRandomness(ring::rand::SystemRandom);

impl SystemRandomness {
    /// A handle to the generator of the operating system.
    #[expect(clippy::disallowed_methods, reason = "the one place where ambient randomness becomes an argument")]
    pub fn new() -> Self {
        Self(ring::rand::SystemRandom::new())
    }

    /// ring's own generator, for the ring functions that accept no other.
    pub(crate) fn ring(&self) -> &ring::rand::SystemRandom {
        &self.0
    }
}

impl Default for SystemRandomness {
    fn default() -> Self {
        Self::new()
    }
}

impl Randomness for SystemRandomness {
    #[expect(
        clippy::expect_used,
        reason = "a system without entropy must stop here: going on would hand out guessable secrets"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Our randomness in the shape that the hpke crate asks for.
pub(crate) struct HpkeRandomness<'a>(pub &'a dyn Randomness);

impl hpke::rand_core::TryRng for HpkeRandomness<'_> {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_ne_bytes(self.0.bytes()))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_ne_bytes(self.0.bytes()))
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl hpke::rand_core::TryCryptoRng for HpkeRandomness<'_> {}
