//! Something long, sealed to one key in pieces (HPKE, RFC 9180, base mode): for backups of any size.
//!
//! Each piece has the next nonce of one HPKE context (section 5.2), so none can be left out, doubled or moved; and each
//! says whether it is the last, so that what was cut is not taken for the whole.

use super::{SealingKey, SealingPublicKey};
use crate::randomness::{HpkeRandomness, Randomness};
use crate::refusal::Refusal;
use hpke::aead::{AeadCtxR, AeadCtxS, ChaCha20Poly1305};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};

/// Bytes of a piece before it is sealed; only the last may have fewer.
pub const PIECE_LENGTH: usize = 64 * 1024;
/// Bytes by which a sealed piece is longer.
pub const TAG_LENGTH: usize = 16;
/// Bytes that stand before the pieces: the encapsulated key.
pub const HEAD_LENGTH: usize = 32;

/// What is bound to each piece beside its place.
const fn associated_data(last: bool) -> &'static [u8] {
    if last { b"last" } else { b"more" }
}

/// Seals pieces.
pub struct StreamSealer(AeadCtxS<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>);

impl StreamSealer {
    /// Begins: what stands before the pieces, and what seals them. `purpose` must be the same when it is opened.
    ///
    /// # Errors
    /// `malformed` when `to` is not a usable X25519 key.
    pub fn begin(
        to: &SealingPublicKey,
        purpose: &str,
        randomness: &dyn Randomness,
    ) -> Result<([u8; HEAD_LENGTH], Self), Refusal> {
        let unusable = |_| Refusal::Malformed("sealing key");
        let to = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(to.as_bytes()).map_err(unusable)?;
        let (head, context) = hpke::setup_sender_with_rng::<_, _, X25519HkdfSha256>(
            &OpModeS::Base,
            &to,
            purpose.as_bytes(),
            &mut HpkeRandomness(randomness),
        )
        .map_err(unusable)?;
        Ok((head.to_bytes().into(), Self(context)))
    }

    /// Seals the next piece: [`PIECE_LENGTH`] bytes, or fewer when it is the last.
    ///
    /// # Errors
    /// `too_large` after more pieces than a context may seal.
    pub fn piece(&mut self, bytes: &[u8], last: bool) -> Result<Vec<u8>, Refusal> {
        self.0.seal(bytes, associated_data(last)).map_err(|_| Refusal::TooLarge)
    }
}

/// Opens pieces.
pub struct StreamOpener(AeadCtxR<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>);

impl StreamOpener {
    /// Begins with what stands before the pieces.
    ///
    /// # Errors
    /// `cannot_open` when that is no encapsulated key. That it is for another key shows at the first piece.
    pub fn begin(key: &SealingKey, head: &[u8; HEAD_LENGTH], purpose: &str) -> Result<Self, Refusal> {
        let head = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(head).map_err(|_| Refusal::CannotOpen)?;
        hpke::setup_receiver(&OpModeR::Base, &key.private, &head, purpose.as_bytes())
            .map(Self)
            .map_err(|_| Refusal::CannotOpen)
    }

    /// Opens the next piece. `last` says that nothing follows it.
    ///
    /// # Errors
    /// `cannot_open` when it was sealed to another key, was changed, is not the next one, or is not the last although
    /// nothing follows.
    pub fn piece(&mut self, sealed: &[u8], last: bool) -> Result<Vec<u8>, Refusal> {
        self.0.open(sealed, associated_data(last)).map_err(|_| Refusal::CannotOpen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::randomness::SystemRandomness;

    /// What stands before three pieces that are sealed to this key, and they.
    fn sealed(to: &SealingKey) -> ([u8; HEAD_LENGTH], Vec<Vec<u8>>) {
        let (head, mut sealer) = StreamSealer::begin(&to.public(), "test", &SystemRandomness::new()).unwrap();
        let pieces = [("one", false), ("two", false), ("three", true)];
        (head, pieces.map(|(text, last)| sealer.piece(text.as_bytes(), last).unwrap()).into())
    }

    /// What comes out of pieces, of which the last has nothing after it.
    fn opened(
        key: &SealingKey,
        head: &[u8; HEAD_LENGTH],
        purpose: &str,
        pieces: &[Vec<u8>],
    ) -> Result<String, Refusal> {
        let mut opener = StreamOpener::begin(key, head, purpose)?;
        let mut whole = String::new();
        for (place, piece) in (1..).zip(pieces) {
            whole.push_str(std::str::from_utf8(&opener.piece(piece, place == pieces.len())?).unwrap());
        }
        Ok(whole)
    }

    #[test]
    fn what_was_cut_moved_or_changed_does_not_open() {
        let randomness = SystemRandomness::new();
        let (key, other) = (SealingKey::generate(&randomness), SealingKey::generate(&randomness));
        let (head, pieces) = sealed(&key);
        assert_eq!(opened(&key, &head, "test", &pieces).unwrap(), "onetwothree");
        let refused = |key, purpose, pieces: &[Vec<u8>]| assert!(opened(key, &head, purpose, pieces).is_err());
        refused(&other, "test", &pieces);
        refused(&key, "tests", &pieces);
        refused(&key, "test", &pieces[..2]);
        refused(&key, "test", &pieces[1..]);
        refused(&key, "test", &[pieces[1].clone(), pieces[0].clone(), pieces[2].clone()]);
        refused(&key, "test", &[pieces[0].clone(), pieces[2].clone()]);
        refused(&key, "test", &[pieces.clone(), vec![pieces[2].clone()]].concat());
        for place in 0..pieces[1].len() {
            let mut changed = pieces.clone();
            changed[1][place] ^= 1;
            refused(&key, "test", &changed);
        }
        let (other_head, _) = sealed(&key);
        assert!(opened(&key, &other_head, "test", &pieces).is_err(), "each has keys of its own");
    }
}
