//! API keys: how a relying party is known.

use countersign_protocol::key::sha256;
use countersign_protocol::randomness::Randomness;
use data_encoding::BASE64URL_NOPAD;

/// What an API key starts with, so that a leaked one is recognised.
const PREFIX: &str = "csk_";

/// The SHA-256 under which an API key is kept.
pub fn digest(key: &str) -> [u8; 32] {
    sha256(key.as_bytes())
}

/// A fresh API key of 256 random bits. It is shown once, and kept as its SHA-256.
pub fn generate(randomness: &dyn Randomness) -> String {
    format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&randomness.bytes::<32>()))
}
