//! Why a server does not start, and the exit code that goes with it.

use crate::delivery::SetupError;
use crate::keys::KeysError;
use crate::store::StoreError;

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
    /// The exit code of the command line (README.md): 1 internal, 2 usage or configuration, 5 store, vault or key cannot be opened.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Configuration(_) | Self::Listen { .. } => 2,
            Self::Store(_) | Self::Keys(_) => 5,
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
