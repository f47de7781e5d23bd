//! Why a server does not start, and the exit code that goes with it.

use crate::delivery::SetupError;
use crate::keys::KeysError;
use crate::store::StoreError;
use std::path::PathBuf;

/// Why a server, or a command on its database, does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The configuration is wrong.
    #[error("configuration: {0}")]
    Configuration(String),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key cannot be had or opened.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Another process owns the data folder.
    #[error(
        "another server works on {}: {owner}. Stop it first, or give this one a folder of its own: data_dir",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// What that server says of itself.
        owner: String,
    },
    /// The folder has a server's keys, and not its database.
    #[error(
        "{} has the keys of a server, but its database countersign.db is missing. Put it back from your backup, \
         together with the files countersign.db-wal and countersign.db-shm if it has them. To begin anew, with phones \
         that all enrol again, move server.id, root.key and master.key away",
        .0.display()
    )]
    DatabaseMissing(PathBuf),
    /// The folder has no server in it, and only `countersign init` makes one. The command line adds how.
    #[error("there is no server in {}. If there was one, look whether its disk is mounted there", .0.display())]
    NoServer(PathBuf),
    /// The making of the folder's server did not come to its end. The command line adds how it is finished.
    #[error("the making of the server in {} was cut off", .0.display())]
    HalfMade(PathBuf),
    /// A server is made where one is.
    #[error("there is a server in {} already; nothing was changed", .0.display())]
    Exists(PathBuf),
    /// An upgrade needs more room than the disk has.
    #[error(
        "an upgrade keeps a copy of the database first, and may write all of it anew: in {} it needs {} MB, and {} MB \
         are free. Nothing was changed",
        folder.display(), needed.div_ceil(1_000_000), free / 1_000_000
    )]
    NoRoom {
        /// The folder.
        folder: PathBuf,
        /// How much is needed, in bytes.
        needed: u64,
        /// How much is free, in bytes.
        free: u64,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// Something else of the system failed.
    #[error("{0}")]
    System(String),
}

impl StartupError {
    /// The exit code of the command line (README.md): 1 internal, 2 usage or configuration, 3 refused, 5 store, vault
    /// or key cannot be opened.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Configuration(_) | Self::Listen { .. } | Self::NoServer(_) | Self::HalfMade(_) => 2,
            Self::Exists(_) => 3,
            Self::Store(_) | Self::Keys(_) | Self::InUse { .. } | Self::DatabaseMissing(_) | Self::NoRoom { .. } => 5,
            Self::System(_) => 1,
        }
    }
}

impl From<SetupError> for StartupError {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Configuration(reason) => Self::Configuration(reason),
            SetupError::System(reason) => Self::System(reason),
        }
    }
}
