//! `countersign admin restore`.

use crate::failure::Failure;
use crate::progress::Progress;
use clap::Args;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::SystemClock;
use countersign_server::runtime::config::Config;
use countersign_server::runtime::restore::error::RestoreError;
use countersign_server::runtime::restore::losses::Loss;
use countersign_server::runtime::restore::restoring::{self, Wish};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// What is restored, and from what.
#[derive(Debug, Args)]
pub(super) struct RestoreOptions {
    /// The backup
    file: PathBuf,
    /// The folder of the recovery journal [default: where the configuration has it]
    #[arg(long, value_name = "FOLDER", conflicts_with = "without_journal")]
    journal: Option<PathBuf>,
    /// There is no recovery journal; needs --accept
    #[arg(long, requires = "accept")]
    without_journal: bool,
    /// Accept what is lost where the recovery journal is missing or damaged: devices, relying-parties, reports, epoch
    #[arg(long, value_name = "LOSSES", value_delimiter = ',', value_parser = str::parse::<Loss>)]
    accept: Vec<Loss>,
    /// The file with the root's private key, where the backup has none
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// The file with the private key that the backup is sealed to
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Do everything but put it in its place: shows whether the backup is good, and what would be done
    #[arg(long)]
    dry_run: bool,
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        Self { exit_code: error.exit_code(), message: error.to_string() }
    }
}

/// Restores a server.
///
/// # Errors
/// What to tell the person, with the exit code.
pub(super) async fn run(config: &Config, options: RestoreOptions) -> Result<Value, Failure> {
    let RestoreOptions { file, journal, without_journal, accept, root, key, dry_run } = options;
    let wish = Wish { file, journal, without_journal, accepted: accept, root, key, dry_run };
    let (bar, watch) = Progress::begin();
    let restored = restoring::restore(config, &wish, Arc::new(SystemClock), &SystemRandomness::new(), watch).await;
    drop(bar);
    serde_json::to_value(restored?).map_err(|error| Failure { exit_code: 1, message: error.to_string() })
}
