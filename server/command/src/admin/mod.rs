//! `countersign admin`: works on a server's database, also while the server runs.

mod backup;
mod devices;
mod import;
mod journal;
mod kept;
mod migrate;
mod move_file;
mod move_wish;
mod moves;
mod office;
mod organisations;
mod restore;
mod sheet;
mod table;
mod users;
mod webhooks;

use crate::failure::Failure;
use crate::serve;
use crate::terminal;
use backup::{BackupKeyOptions, BackupOptions};
use clap::{Args, Subcommand};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::SystemClock;
use countersign_server::runtime::open;
use countersign_server::service::wake::Wake;
use countersign_server::store::recovery::Writer;
use devices::{DeviceCommand, PushCommand};
use journal::JournalOptions;
use moves::MoveCommand;
use office::Office;
use organisations::{OrganisationCommand, RelyingPartyCommand};
use restore::RestoreOptions;
use serde_json::{Value, json};
use std::sync::Arc;
use users::UserCommand;
use webhooks::WebhookCommand;

/// Manage organisations, relying parties, users, devices and keys.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    server: serve::ConfigFile,
    /// Print JSON; what is refused is JSON too, on standard error: code and detail
    #[arg(long, global = true)]
    pub json: bool,
    /// Why it is done; the journal keeps it
    #[arg(long, global = true, value_name = "TEXT")]
    reason: Option<String>,
    #[command(subcommand)]
    asked: Asked,
}

#[derive(Debug, Subcommand)]
enum Asked {
    #[command(flatten)]
    Of(Subject),
    /// Bring the database of an earlier version up to date, after a copy of it is kept; no server may run. A server
    /// that starts does the same
    Migrate(migrate::Options),
    /// Restore a server from a backup, into a folder without one
    Restore(RestoreOptions),
    /// Make the pair of keys for sealed backups: prints the recipient, and writes the private half to a file
    BackupKey(BackupKeyOptions),
}

#[derive(Debug, Subcommand)]
enum Subject {
    /// Organisations: they own relying parties and users
    #[command(subcommand, visible_alias = "organization")]
    Organisation(OrganisationCommand),
    /// Relying parties: the sites and programs that ask
    #[command(subcommand)]
    RelyingParty(RelyingPartyCommand),
    /// Users: the people who are asked
    #[command(subcommand)]
    User(UserCommand),
    /// Devices: the phones that answer
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Moves: a new phone takes over from the old one, planned before the phone change
    #[command(subcommand)]
    Move(MoveCommand),
    /// Where relying parties hear of their challenges
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// The ways to the phones
    #[command(subcommand)]
    Push(PushCommand),
    /// The server's keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make a backup in one file, also while the server runs
    Backup(BackupOptions),
    /// Everything that mattered for security: who, what, to whom, why, when, from where
    Journal(JournalOptions),
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a new signing key, certified by the root; a running server uses it at once
    Rotate,
    /// Make a new key for Web Push (VAPID). Phones make their subscriptions anew at their next contact; until then the
    /// earlier key still serves them
    RotateVapid,
}

/// Runs one admin command.
///
/// # Errors
/// What to tell the person, with the exit code.
pub async fn run(options: Options) -> Result<(), Failure> {
    let config = options.server.load()?;
    let subject = match options.asked {
        Asked::Of(subject) => subject,
        Asked::Migrate(asked) => return print(&migrate::run(&asked, &options.server, &config)?, options.json),
        Asked::Restore(asked) => return print(&restore::run(&config, asked).await?, options.json),
        Asked::BackupKey(asked) => return print(&backup::create_key(&asked)?, options.json),
    };
    let store = open::store(&config, Arc::new(SystemClock)).map_err(|error| options.server.explain(error))?;
    open::keep_recovery_journal(&config, &store, Writer::Command).await?;
    let (json, reason) = (options.json, options.reason);
    let office = Office { config, store, wake: Wake::default(), randomness: SystemRandomness::new(), reason };
    let result = match subject {
        Subject::Journal(options) => office.journal(options, json).await,
        subject => match office.carry_out(subject).await {
            Ok(answer) => print(&answer, json),
            Err(failure) => Err(failure),
        },
    };
    office.store.close().await;
    result
}

impl Office {
    async fn carry_out(&self, subject: Subject) -> Result<Value, Failure> {
        match subject {
            Subject::Organisation(command) => self.organisation(command).await,
            Subject::RelyingParty(command) => self.relying_party(command).await,
            Subject::User(command) => self.user(command).await,
            Subject::Device(command) => self.device(command).await,
            Subject::Move(command) => self.moves(command).await,
            Subject::Push(PushCommand::Check { organisation, user, id }) => {
                self.check_push(&organisation, user, id).await
            }
            Subject::Webhook(command) => self.webhook(command).await,
            Subject::Backup(options) => self.back_up(&options).await,
            Subject::Key(KeyCommand::Rotate) => {
                let at_rest = self.at_rest()?;
                let sequence = self.operator().rotate_signing_key(&at_rest, &self.config.data_dir).await?;
                Ok(json!({ "sequence": sequence }))
            }
            Subject::Key(KeyCommand::RotateVapid) => {
                let at_rest = self.at_rest()?;
                Ok(json!({ "webpush_public_key": self.operator().rotate_vapid_key(&at_rest).await? }))
            }
            // It prints by itself, page by page.
            Subject::Journal(_) => Ok(Value::Null),
        }
    }
}

fn print(value: &Value, as_json: bool) -> Result<(), Failure> {
    let text = if as_json { terminal::pretty_json(value) } else { table::text(value) };
    Ok(terminal::print(std::io::stdout(), &text)?)
}
