//! Why a server is not restored.

use crate::keys::KeysError;
use crate::runtime::backup::BackupError;
use crate::runtime::startup::StartupError;
use crate::store::StoreError;
use std::path::PathBuf;

/// Why a server is not restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be read.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The folder cannot be had.
    #[error(transparent)]
    Startup(#[from] StartupError),
    /// There is something in the folder that would be mixed with what is restored.
    #[error(
        "{} is there, and is left as it is: a restore goes into a folder without a server's database. Move it away \
         first, and keep it until the restored server works", .0.display()
    )]
    Occupied(PathBuf),
    /// The folder is another server's.
    #[error("{} names another server than the backup: restore into another folder, or move it away", .0.display())]
    OtherServer(PathBuf),
    /// What an administrator has to accept.
    #[error("{0}")]
    NotAccepted(String),
    /// The root's private key is nowhere.
    #[error(
        "a restored server needs a new signing key, and the root's private key that certifies it is neither in the \
         backup nor in the folder: give the file where you keep it, --root FILE"
    )]
    NoRoot,
    /// An earlier restore was complete, but for its last step.
    #[error(
        "an earlier restore into {} was cut at its very end. It is carried on and complete now: start the server, or \
         move the folder away to restore something else",
        .0.display()
    )]
    CarriedOn(PathBuf),
    /// A file cannot be read or written.
    #[error("{}: {error}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> Self {
        StartupError::from(error).into()
    }
}

impl From<KeysError> for RestoreError {
    fn from(error: KeysError) -> Self {
        StartupError::from(error).into()
    }
}

impl RestoreError {
    /// The exit code of the command line: 2 usage, 3 refused, 5 store, vault or key cannot be opened.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Backup(error) => error.exit_code(),
            Self::Startup(error) => error.exit_code(),
            Self::NoRoot => 2,
            Self::Occupied(_) | Self::OtherServer(_) | Self::NotAccepted(_) | Self::CarriedOn(_) => 3,
            Self::File { .. } => 5,
        }
    }
}
