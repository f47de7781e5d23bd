//! Opens a message of libsodium's `crypto_secretstream_xchacha20poly1305`: one message that is the first and the last
//! of its stream, which is how Ente Auth encrypts.

use super::password::{Key, TAG_LENGTH};
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use chacha20::{ChaCha20, hchacha};
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of the header of a stream: those of a nonce of XChaCha20.
pub(super) const HEADER_LENGTH: usize = 24;
/// Bytes of a block of ChaCha20.
const BLOCK: usize = 64;
/// The tag of a message that nothing follows.
const FINAL: u8 = 3;

/// Opens the only message of a stream. None when the key is another, or something was changed or cut.
pub(super) fn open(key: &Key, header: &[u8; HEADER_LENGTH], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (tag, rest) = sealed.split_first()?;
    let (ciphertext, mac) = rest.split_at_checked(rest.len().checked_sub(TAG_LENGTH)?)?;
    let (for_key, for_nonce) = header.split_at(16);
    // The key of the stream, and the nonce of its first message: the number of the message, then the header's rest.
    let mut stream_key = hchacha::<chacha20::R20>((&**key).into(), for_key.try_into().ok()?);
    let mut nonce = [0; 12];
    nonce[0] = 1;
    nonce[4..].copy_from_slice(for_nonce);
    let mut cipher = ChaCha20::new(&stream_key, &nonce.into());
    stream_key.as_mut_slice().zeroize();

    // The first block is the key of Poly1305, the second encrypts the tag, and the message begins with the third.
    let mut first = Zeroizing::new([0; BLOCK]);
    cipher.apply_keystream(first.as_mut());
    let mut second = Zeroizing::new([0; BLOCK]);
    second[0] = *tag;
    cipher.apply_keystream(second.as_mut());
    let opened_tag = second[0];
    second[0] = *tag;
    let mac_key = first.first_chunk::<32>()?;
    if !bool::from(authenticator(mac_key, &second, ciphertext).ct_eq(mac)) || opened_tag != FINAL {
        return None;
    }
    let mut message = Zeroizing::new(ciphertext.to_vec());
    cipher.seek(2 * BLOCK as u64);
    cipher.apply_keystream(&mut message);
    Some(message)
}

/// Poly1305 over the block of the tag, the ciphertext, and both lengths. There is no associated data. What is filled up
/// to 16 bytes is what libsodium fills up, which is not what is usual.
fn authenticator(key: &[u8; 32], tag_block: &[u8; BLOCK], ciphertext: &[u8]) -> [u8; TAG_LENGTH] {
    let mut data = Vec::with_capacity(BLOCK + ciphertext.len() + 32);
    data.extend_from_slice(tag_block);
    data.extend_from_slice(ciphertext);
    data.resize(data.len() + ciphertext.len() % 16, 0);
    data.extend_from_slice(&0_u64.to_le_bytes());
    data.extend_from_slice(&((BLOCK + ciphertext.len()) as u64).to_le_bytes());
    Poly1305::new(key.into()).compute_unpadded(&data).into()
}
