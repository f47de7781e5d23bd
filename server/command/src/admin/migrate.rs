//! `countersign admin migrate`: brings the database of an earlier version up to date, or says what that would be.

use crate::failure::Failure;
use crate::serve::ConfigFile;
use clap::Args;
use countersign_protocol::time::SystemClock;
use countersign_server::runtime::config::Config;
use countersign_server::runtime::upgrade::{self, Rehearsed, Step, Upgraded};
use serde_json::{Value, json};
use std::time::Duration;

/// Bring the database up to date.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Change nothing: make the upgrade on a copy, which is removed again, and say what it did and how long it took.
    /// The server may run meanwhile
    #[arg(long)]
    dry_run: bool,
}

/// What came of it, for [`super::print`].
///
/// # Errors
/// What to tell the person, with the exit code.
pub(super) fn run(options: &Options, server: &ConfigFile, config: &Config) -> Result<Value, Failure> {
    let explained = |error| server.explain(error);
    let steps = |Step { from, to, bytes }| json!({ "from": from, "to": to, "steps": to - from, "bytes": bytes });
    let seconds = |took: Duration| (took.as_secs_f64() * 1000.0).round() / 1000.0;
    let told = if options.dry_run {
        upgrade::rehearse(config, &SystemClock).map_err(explained)?.map(|Rehearsed { step, copying, migrating }| {
            let mut told = steps(step);
            told["changed"] = false.into();
            told["seconds_to_copy"] = seconds(copying).into();
            told["seconds_to_migrate"] = seconds(migrating).into();
            told["measured"] = "on a copy of this database, on this disk".into();
            told
        })
    } else {
        upgrade::migrate(config, &SystemClock).map_err(explained)?.map(|Upgraded { step, copy, took }| {
            let mut told = steps(step);
            told["changed"] = true.into();
            told["seconds"] = seconds(took).into();
            told["copy"] = copy.display().to_string().into();
            told
        })
    };
    Ok(told.unwrap_or_else(|| json!({ "changed": false, "steps": 0, "is": "up to date" })))
}
