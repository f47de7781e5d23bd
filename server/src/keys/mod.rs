//! The server's own keys, and the key under which its secrets are sealed.

pub mod attestation;
pub mod backup_code_hash;
pub mod certificate;
pub mod key_file;
pub mod master_key;
pub mod nonce;
pub(crate) mod only_for_us;
pub mod sealed;
pub mod server_keys;
pub mod tls_pair;
pub mod vapid_keys;

use crate::store::StoreError;
use std::path::PathBuf;

/// Why the server's keys are not at hand.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The master key cannot be had.
    #[error("master key: {0}")]
    MasterKey(String),
    /// A key of the server cannot be opened.
    #[error("server keys: {0}")]
    Damaged(String),
    /// The database is not the one that belongs to the keys beside it.
    #[error(
        "{} has the keys of a server, and the database beside them is not that server's: it is new, or only a part of \
         it was copied. Put countersign.db back from your backup, together with the files countersign.db-wal and \
         countersign.db-shm if it has them. To begin anew, with phones that all enrol again, move server.id, root.key \
         and master.key away",
        .0.display()
    )]
    OtherDatabase(PathBuf),
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
