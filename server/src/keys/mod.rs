//! The server's own keys, and the key under which its secrets are sealed.

pub mod master_key;
pub mod nonce;
pub mod sealed;
pub mod server_keys;
pub mod vapid_keys;

use crate::store::StoreError;

/// Why the server's keys are not at hand.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The master key cannot be had.
    #[error("master key: {0}")]
    MasterKey(String),
    /// A key of the server cannot be opened.
    #[error("server keys: {0}")]
    Damaged(String),
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
