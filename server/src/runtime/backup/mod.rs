//! Backups: one file that holds a moment of the server, made while it works.

pub mod archive;
pub mod config;
pub mod key;
pub mod make;
pub mod schedule;

mod keep;
mod sealed;

use crate::keys::KeysError;
use crate::store::StoreError;
use std::path::{Path, PathBuf};

/// Told what is being done, how much of it is done, and how much there is, in bytes or pages. Where it says false,
/// nothing more is done.
pub type Watch = std::sync::Arc<dyn Fn(&'static str, u64, u64) -> bool + Send + Sync>;

/// Why there is no backup, or none that can be read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is such a file already.
    #[error("{} is there already, and is left as it is: name another file, or move it away first", .0.display())]
    Exists(PathBuf),
    /// Another process makes one.
    #[error("another backup of this server is being made; try again when it is done")]
    Busy,
    /// Whoever watched has stopped it.
    #[error("it was stopped")]
    Stopped,
    /// It is something else.
    #[error("{} is no backup of countersign, or one of a later version", .0.display())]
    NoBackup(PathBuf),
    /// It is sealed, and no key was given.
    #[error("{} is sealed: give the file with its private key, --key FILE", .0.display())]
    Sealed(PathBuf),
    /// It is sealed to another key, or what is in it was changed.
    #[error("{} does not open with this key: it was sealed to another one, or it was cut or changed", .0.display())]
    WrongKey(PathBuf),
    /// It was cut or changed.
    #[error("{} is damaged: {reason}. Take another backup", file.display())]
    Damaged {
        /// The backup.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It was made under another master key.
    #[error(
        "{} was not made under this master key, or was changed by somebody who does not have it: take the master key \
         of the server whose backup it is",
        .0.display()
    )]
    OtherMasterKey(PathBuf),
    /// The key of backups cannot be read.
    #[error("{0}")]
    Key(String),
    /// A file cannot be read or written.
    #[error("{}: {error}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The database gives no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key of the server is not at hand.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

impl BackupError {
    /// The exit code of the command line: 2 usage, 3 refused, 5 store, vault or key cannot be opened.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Key(_) | Self::Sealed(_) => 2,
            Self::Exists(_)
            | Self::Busy
            | Self::Stopped
            | Self::NoBackup(_)
            | Self::WrongKey(_)
            | Self::Damaged { .. }
            | Self::OtherMasterKey(_) => 3,
            Self::File { .. } | Self::Store(_) | Self::Keys(_) => 5,
        }
    }
}

/// Says which file it was.
fn of_file(file: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    move |error| BackupError::File { file: file.to_owned(), error }
}
