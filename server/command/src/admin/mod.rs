//! `countersign admin`: works on a server's database, also while the server runs.

mod backup;
mod migrate;
mod office;
mod restore;
mod webhooks;

use crate::failure::Failure;
use crate::serve;
use crate::terminal::{self, visible};
use crate::typed_id::id;
use backup::{BackupKeyOptions, BackupOptions};
use clap::{Args, Subcommand};
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::SystemClock;
use countersign_server::delivery::push;
use countersign_server::delivery::push::check::Answer;
use countersign_server::runtime::open;
use countersign_server::service::operator::NewRelyingParty;
use countersign_server::service::wake::Wake;
use countersign_server::store::recovery::Writer;
use countersign_server::store::{Account, RelyingParty};
use office::{Office, or_unknown, refused};
use restore::RestoreOptions;
use serde_json::{Value, json};
use std::sync::Arc;
use webhooks::WebhookCommand;

/// Manage organisations, relying parties, users, devices and keys.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    server: serve::ConfigFile,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
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
}

#[derive(Debug, Subcommand)]
enum OrganisationCommand {
    /// Make an organisation
    Create {
        /// The name that people see on their phone beside their account
        name: String,
    },
    /// List all organisations
    List,
}

#[derive(Debug, Subcommand)]
enum RelyingPartyCommand {
    /// Make a relying party and print its API key, which is shown this once
    Create {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The name that people see on their phone
        name: String,
    },
    /// List all relying parties
    List,
    /// Give a relying party a new API key and end the old one
    Rotate {
        /// The relying party's id, as `relying-party list` shows it
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
    },
    /// End a relying party
    Revoke {
        /// The relying party's id, as `relying-party list` shows it
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
    },
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make a user
    Create {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The name under which the person signs in
        name: String,
    },
    /// List an organisation's users
    List {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
    },
    /// Let prompts through again that a user's report has stopped
    ResumePrompts {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(allow_hyphen_values = true, value_parser = id::<AccountId>)]
        id: AccountId,
    },
    /// Let prompts ring again that the limit of unwanted ones holds back: those so far count no more
    LiftLimit {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(allow_hyphen_values = true, value_parser = id::<AccountId>)]
        id: AccountId,
    },
    /// Take one-time codes again after too many wrong ones
    Unlock {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(allow_hyphen_values = true, value_parser = id::<AccountId>)]
        id: AccountId,
    },
}

#[derive(Debug, Subcommand)]
enum DeviceCommand {
    /// List a user's devices
    List {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(long, allow_hyphen_values = true, value_parser = id::<AccountId>)]
        user: AccountId,
    },
    /// End a user's device
    Revoke {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(long, allow_hyphen_values = true, value_parser = id::<AccountId>)]
        user: AccountId,
        /// The device's id
        #[arg(allow_hyphen_values = true, value_parser = id::<EnrolmentId>)]
        id: EnrolmentId,
    },
}

#[derive(Debug, Subcommand)]
enum PushCommand {
    /// Send a push that shows nothing to each place where a user's device is reached, and say what its network answered
    /// and what to do
    Check {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(long, allow_hyphen_values = true, value_parser = id::<AccountId>)]
        user: AccountId,
        /// The device's id, as `device list` shows it
        #[arg(allow_hyphen_values = true, value_parser = id::<EnrolmentId>)]
        id: EnrolmentId,
    },
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
    let office = Office { config, store, wake: Wake::default(), randomness: SystemRandomness::new() };
    let result = office.carry_out(subject).await;
    office.store.close().await;
    print(&result?, options.json)
}

impl Office {
    async fn carry_out(&self, subject: Subject) -> Result<Value, Failure> {
        match subject {
            Subject::Organisation(OrganisationCommand::Create { name }) => {
                let made = self.operator().create_organisation(&name).await?;
                let made = made.ok_or_else(|| refused("there is an organisation of this name"))?;
                Ok(json!({ "id": made.handle, "name": made.name }))
            }
            Subject::Organisation(OrganisationCommand::List) => {
                let all = self.operator().organisations().await?;
                Ok(all.iter().map(|one| json!({ "id": one.handle, "name": one.name })).collect())
            }
            Subject::RelyingParty(command) => self.relying_party(command).await,
            Subject::User(command) => self.user(command).await,
            Subject::Device(command) => self.device(command).await,
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
        }
    }

    /// Through the gateways as the configuration has them, so that it also shows what is wrong with that.
    async fn check_push(&self, organisation: &str, user: AccountId, id: EnrolmentId) -> Result<Value, Failure> {
        let account = self.account(organisation, user).await?;
        let device = self.store.device_to_check(account.row_id, id).await?;
        let device = device.ok_or_else(|| refused("the user has no device of this id in use"))?;
        let public_url = self.config.public_url_at(self.config.listen)?;
        let (clock, randomness) = (Arc::new(SystemClock), Arc::new(self.randomness.clone()));
        let service = open::service(&self.config, public_url, clock, randomness).await?;
        let answers = push::check::check(&service, &self.config.push, device).await;
        service.store.close().await;
        let answers = answers?;
        if answers.iter().all(|answer| answer.word == "sent") {
            let row = |Answer { network, word, advice }: &Answer| {
                json!({
                    "network": network, "answer": word, "advice": advice,
                })
            };
            return Ok(answers.iter().map(row).collect());
        }
        let line = |Answer { network, word, advice }: &Answer| visible(&format!("{network}: {word}. {advice}"));
        Err(refused(answers.iter().map(line).collect::<Vec<_>>().join("\n")))
    }

    async fn relying_party(&self, command: RelyingPartyCommand) -> Result<Value, Failure> {
        let operator = self.operator();
        let unknown = || {
            "there is no relying party of this id in use; list them with: countersign admin relying-party list"
                .to_owned()
        };
        match command {
            RelyingPartyCommand::Create { organisation, name } => {
                let made = operator.create_relying_party(&organisation, &name).await;
                let made = or_unknown(made, || no_organisation(&organisation))?;
                let NewRelyingParty { relying_party, api_key } =
                    made.ok_or_else(|| refused("the organisation has a relying party of this name"))?;
                Ok(json!({ "id": relying_party.handle, "name": relying_party.name, "api_key": api_key }))
            }
            RelyingPartyCommand::List => {
                let all = operator.relying_parties().await?;
                let row = |one: &RelyingParty| {
                    let (organisation, revoked) = (&one.organisation.name, one.revoked);
                    json!({ "id": one.handle, "name": one.name, "organisation": organisation, "revoked": revoked })
                };
                Ok(all.iter().map(row).collect())
            }
            RelyingPartyCommand::Rotate { id } => {
                let api_key = or_unknown(operator.rotate_api_key(&id).await, unknown)?;
                Ok(json!({ "id": id, "api_key": api_key }))
            }
            RelyingPartyCommand::Revoke { id } => {
                or_unknown(operator.revoke_relying_party(&id).await, unknown)?;
                Ok(json!({ "id": id, "revoked": true }))
            }
        }
    }

    async fn user(&self, command: UserCommand) -> Result<Value, Failure> {
        let operator = self.operator();
        match command {
            UserCommand::Create { organisation, name } => {
                let made = operator.create_user(&organisation, &name).await;
                let (account, new) = or_unknown(made, || no_organisation(&organisation))?;
                Ok(json!({ "id": account.id, "name": account.name, "new": new }))
            }
            UserCommand::List { organisation } => {
                let all = or_unknown(operator.users(&organisation).await, || no_organisation(&organisation))?;
                Ok(all.iter().map(|one| json!({ "id": one.id, "name": one.name })).collect())
            }
            UserCommand::ResumePrompts { organisation, id } => {
                self.account(&organisation, id).await?;
                if operator.resume_prompts(&organisation, id).await? {
                    Ok(json!({ "id": id, "prompts": "resumed" }))
                } else {
                    Err(refused("prompts to this user are not stopped: no report is standing"))
                }
            }
            UserCommand::LiftLimit { organisation, id } => {
                self.account(&organisation, id).await?;
                operator.lift_prompt_limit(&organisation, id).await?;
                Ok(json!({ "id": id, "limit": "lifted" }))
            }
            UserCommand::Unlock { organisation, id } => {
                self.account(&organisation, id).await?;
                Ok(json!({ "id": id, "unlocked": operator.unlock_codes(&organisation, id).await? }))
            }
        }
    }

    /// The account, or words that say which of the two names is wrong.
    async fn account(&self, organisation: &str, user: AccountId) -> Result<Account, Failure> {
        let operator = self.operator();
        or_unknown(operator.organisation(organisation).await, || no_organisation(organisation))?;
        let account = operator.user(organisation, user).await;
        or_unknown(account, || "the organisation has no user of this id".into())
    }

    async fn device(&self, command: DeviceCommand) -> Result<Value, Failure> {
        let operator = self.operator();
        match command {
            DeviceCommand::List { organisation, user } => {
                self.account(&organisation, user).await?;
                let devices = operator.devices(&organisation, user).await?;
                Ok(devices.iter().map(|one| json!({ "id": one.id, "name": one.name, "state": one.state })).collect())
            }
            DeviceCommand::Revoke { organisation, user, id } => {
                self.account(&organisation, user).await?;
                let revoked = operator.revoke_device(&organisation, user, id).await;
                or_unknown(revoked, || "the user has no device of this id in use".into())?;
                Ok(json!({ "id": id, "revoked": true }))
            }
        }
    }
}

fn no_organisation(name: &str) -> String {
    format!("there is no organisation {name:?}; make it with: countersign admin organisation create {name:?}")
}

/// JSON, or a line a thing: `name: value  name: value`. Names, addresses and the words of receivers come from others.
fn print(value: &Value, as_json: bool) -> Result<(), Failure> {
    let line = |line: &str| terminal::print(std::io::stdout(), line);
    if as_json {
        return Ok(line(&terminal::pretty_json(value))?);
    }
    let rows = match value {
        Value::Array(rows) => rows.clone(),
        one => vec![one.clone()],
    };
    if rows.is_empty() {
        line("none")?;
    }
    for row in rows {
        let members = row.as_object().into_iter().flatten();
        let cells: Vec<String> = members
            .map(|(name, value)| format!("{name}: {}", value.as_str().map_or_else(|| terminal::json(value), visible)))
            .collect();
        line(&cells.join("  "))?;
    }
    Ok(())
}
