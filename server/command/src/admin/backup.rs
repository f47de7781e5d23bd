//! `countersign admin backup` and `backup-key`.

use super::office::Office;
use crate::failure::Failure;
use crate::progress::Progress;
use clap::Args;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::sealing::SealingPublicKey;
use countersign_protocol::time::{Clock, SystemClock};
use countersign_server::runtime::backup::make::{self, Made, Server};
use countersign_server::runtime::backup::{BackupError, key};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What a backup is made of and where it goes.
#[derive(Debug, Args)]
pub(super) struct BackupOptions {
    /// The new file. The folder that it comes to is not made
    file: PathBuf,
    /// Seal it to this key, which `backup-key` has printed: it opens only with the file that belongs to it [default:
    /// the recipient of the configuration, or else it is not sealed]
    #[arg(long, value_name = "KEY", value_parser = key::recipient)]
    recipient: Option<SealingPublicKey>,
}

/// Where a new private key goes.
#[derive(Debug, Args)]
pub(super) struct BackupKeyOptions {
    /// The new file for the private half; take it away from this machine
    file: PathBuf,
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        Self { exit_code: error.exit_code(), message: error.to_string() }
    }
}

/// Makes the pair of keys of sealed backups.
///
/// # Errors
/// What to tell the person.
pub(super) fn create_key(options: &BackupKeyOptions) -> Result<Value, Failure> {
    let public = key::create(&options.file, &SystemRandomness::new())?;
    Ok(json!({ "private_key": options.file, "recipient": key::recipient_text(&public) }))
}

impl Office {
    /// Makes a backup, also while the server works.
    ///
    /// # Errors
    /// What to tell the person.
    pub async fn back_up(&self, options: &BackupOptions) -> Result<Value, Failure> {
        let at_rest = self.at_rest()?;
        let server = Server {
            store: &self.store,
            at_rest: &at_rest,
            data_dir: &self.config.data_dir,
            randomness: &self.randomness,
            now: SystemClock.now(),
        };
        let recipient = options.recipient.or(self.config.backup.recipient);
        let (bar, watch) = Progress::begin();
        let made = make::make(server, &options.file, recipient.as_ref(), watch).await;
        drop(bar);
        let Made { bytes, with_root } = made?;
        Ok(json!({ "file": options.file, "bytes": bytes, "sealed": recipient.is_some(), "root_key": with_root }))
    }
}
