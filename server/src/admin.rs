//! `countersign admin`: works on a server's database, also while the server runs.

mod webhooks;

use crate::app::{App, open_store};
use crate::authorisation::{api_key_sha256, new_api_key};
use crate::command_line::ServeOptions;
use crate::config::Config;
use crate::failure::Failure;
use crate::push::check::Answer;
use crate::store::{Account, Organisation, Store};
use crate::{enrolments, push, server_keys, vapid_keys};
use clap::{Args, Subcommand};
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::{Clock, SystemClock};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use webhooks::WebhookCommand;

/// Manage organisations, relying parties, users, devices and keys.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    server: ServeOptions,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    subject: Subject,
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
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// End a relying party
    Revoke {
        /// The relying party's id, as `relying-party list` shows it
        #[arg(allow_hyphen_values = true)]
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
        #[arg(allow_hyphen_values = true)]
        id: AccountId,
    },
    /// Take one-time codes again after too many wrong ones
    Unlock {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(allow_hyphen_values = true)]
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
        #[arg(long, allow_hyphen_values = true)]
        user: AccountId,
    },
    /// End a user's device
    Revoke {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(long, allow_hyphen_values = true)]
        user: AccountId,
        /// The device's id
        #[arg(allow_hyphen_values = true)]
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
        #[arg(long, allow_hyphen_values = true)]
        user: AccountId,
        /// The device's id, as `device list` shows it
        #[arg(allow_hyphen_values = true)]
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

/// An open database, and what commands on it need.
struct Office {
    config: Config,
    store: Store,
    randomness: SystemRandomness,
}

fn refused(message: impl Into<String>) -> Failure {
    Failure { exit_code: 3, message: message.into() }
}

/// Runs one admin command.
///
/// # Errors
/// What to tell the person, with the exit code.
pub async fn run(options: Options) -> Result<(), Failure> {
    let config = options.server.load()?;
    let store = open_store(&config, Arc::new(SystemClock))?;
    let office = Office { config, store, randomness: SystemRandomness::new() };
    let result = office.carry_out(options.subject).await;
    office.store.close().await;
    print(&result?, options.json)
}

impl Office {
    async fn carry_out(&self, subject: Subject) -> Result<Value, Failure> {
        match subject {
            Subject::Organisation(OrganisationCommand::Create { name }) => self.create_organisation(name).await,
            Subject::Organisation(OrganisationCommand::List) => {
                let all = self.store.organisations().await?;
                Ok(all.iter().map(|one| json!({ "id": one.handle, "name": one.name })).collect())
            }
            Subject::RelyingParty(command) => self.relying_party(command).await,
            Subject::User(command) => self.user(command).await,
            Subject::Device(command) => self.device(command).await,
            Subject::Push(PushCommand::Check { organisation, user, id }) => {
                self.check_push(&organisation, user, id).await
            }
            Subject::Webhook(command) => self.webhook(command).await,
            Subject::Key(KeyCommand::Rotate) => self.rotate_key().await,
            Subject::Key(KeyCommand::RotateVapid) => {
                let at_rest = self.at_rest().await?;
                let public_key = vapid_keys::rotate(&self.store, &at_rest, &self.randomness).await?;
                Ok(json!({ "webpush_public_key": public_key }))
            }
        }
    }

    /// Through the gateways as the configuration has them, so that it also shows what is wrong with that.
    async fn check_push(&self, organisation: &str, user: AccountId, id: EnrolmentId) -> Result<Value, Failure> {
        let account = self.account(organisation, user).await?;
        let device = self.store.device_to_check(account.row_id, id).await?;
        let device = device.ok_or_else(|| refused("the user has no device of this id in use"))?;
        let public_url = self.config.public_url.clone().unwrap_or_else(|| format!("http://{}", self.config.listen));
        let (clock, randomness) = (Arc::new(SystemClock), Arc::new(self.randomness.clone()));
        let app = App::open(&self.config, public_url, clock, randomness).await?;
        let answers = push::check::check(&app, &self.config.push, device).await;
        app.store.close().await;
        let answers = answers?;
        if answers.iter().all(|answer| answer.word == "sent") {
            let row = |Answer { network, word, advice }: &Answer| json!({ "network": network, "answer": word, "advice": advice });
            return Ok(answers.iter().map(row).collect());
        }
        let line = |Answer { network, word, advice }: &Answer| format!("{network}: {word}. {advice}");
        Err(refused(answers.iter().map(line).collect::<Vec<_>>().join("\n")))
    }

    /// External handles are random; a challenge's form serves for those that have no type of their own.
    fn new_handle(&self) -> String {
        ChallengeId::random(&self.randomness).to_string()
    }

    async fn create_organisation(&self, name: String) -> Result<Value, Failure> {
        check_name(&name)?;
        let made = self.store.create_organisation(self.new_handle(), name).await?;
        let made = made.ok_or_else(|| refused("there is an organisation of this name"))?;
        Ok(json!({ "id": made.handle, "name": made.name }))
    }

    async fn organisation(&self, name: &str) -> Result<Organisation, Failure> {
        let found = self.store.organisations().await?.into_iter().find(|one| one.name == name);
        found.ok_or_else(|| {
            refused(format!(
                "there is no organisation {name:?}; make it with: countersign admin organisation create {name:?}"
            ))
        })
    }

    async fn relying_party(&self, command: RelyingPartyCommand) -> Result<Value, Failure> {
        let api_key = new_api_key(&self.randomness);
        let sha256 = api_key_sha256(&api_key);
        let unknown = || {
            refused("there is no relying party of this id in use; list them with: countersign admin relying-party list")
        };
        match command {
            RelyingPartyCommand::Create { organisation, name } => {
                check_name(&name)?;
                let organisation = self.organisation(&organisation).await?;
                let made = self.store.create_relying_party(organisation, self.new_handle(), name, sha256).await?;
                let made = made.ok_or_else(|| refused("the organisation has a relying party of this name"))?;
                Ok(json!({ "id": made.handle, "name": made.name, "api_key": api_key }))
            }
            RelyingPartyCommand::List => {
                let all = self.store.relying_parties().await?;
                let row = |one: &crate::store::RelyingParty| json!({ "id": one.handle, "name": one.name, "organisation": one.organisation.name, "revoked": one.revoked });
                Ok(all.iter().map(row).collect())
            }
            RelyingPartyCommand::Rotate { id } => {
                let rotated = self.store.rotate_api_key(id.clone(), sha256).await?;
                rotated.then(|| json!({ "id": id, "api_key": api_key })).ok_or_else(unknown)
            }
            RelyingPartyCommand::Revoke { id } => {
                let revoked = self.store.revoke_relying_party(id.clone()).await?;
                revoked.then(|| json!({ "id": id, "revoked": true })).ok_or_else(unknown)
            }
        }
    }

    async fn user(&self, command: UserCommand) -> Result<Value, Failure> {
        match command {
            UserCommand::Create { organisation, name } => {
                check_name(&name)?;
                let organisation = self.organisation(&organisation).await?;
                let id = AccountId::random(&self.randomness);
                let (account, new) = self.store.create_account(organisation.row_id, id, name).await?;
                Ok(json!({ "id": account.id, "name": account.name, "new": new }))
            }
            UserCommand::List { organisation } => {
                let organisation = self.organisation(&organisation).await?;
                let all = self.store.accounts(organisation.row_id).await?;
                Ok(all.iter().map(|one| json!({ "id": one.id, "name": one.name })).collect())
            }
            UserCommand::ResumePrompts { organisation, id } => {
                let account = self.account(&organisation, id).await?;
                let resumed = self.store.resume_prompts(account.row_id).await?;
                resumed
                    .then(|| json!({ "id": id, "prompts": "resumed" }))
                    .ok_or_else(|| refused("prompts to this user are not stopped: no report is standing"))
            }
            UserCommand::Unlock { organisation, id } => {
                let account = self.account(&organisation, id).await?;
                Ok(json!({ "id": id, "unlocked": self.store.unlock_account(account.row_id).await? }))
            }
        }
    }

    async fn account(&self, organisation: &str, user: AccountId) -> Result<Account, Failure> {
        let organisation = self.organisation(organisation).await?;
        let found = self.store.account(organisation.row_id, user).await?;
        found.ok_or_else(|| refused("the organisation has no user of this id"))
    }

    async fn device(&self, command: DeviceCommand) -> Result<Value, Failure> {
        match command {
            DeviceCommand::List { organisation, user } => {
                let account = self.account(&organisation, user).await?;
                let devices = self.store.devices(account.row_id, None, SystemClock.now()).await?;
                Ok(devices.iter().map(|one| json!({ "id": one.id, "name": one.name, "state": one.state })).collect())
            }
            DeviceCommand::Revoke { organisation, user, id } => {
                let account = self.account(&organisation, user).await?;
                let revoked = self.store.revoke_device(account.row_id, id).await?;
                revoked
                    .then(|| json!({ "id": id, "revoked": true }))
                    .ok_or_else(|| refused("the user has no device of this id in use"))
            }
        }
    }

    async fn rotate_key(&self) -> Result<Value, Failure> {
        let at_rest = self.at_rest().await?;
        let data_dir = &self.config.data_dir;
        let sequence =
            server_keys::rotate(&self.store, &at_rest, data_dir, SystemClock.now(), &self.randomness).await?;
        Ok(json!({ "sequence": sequence }))
    }
}

fn check_name(name: &str) -> Result<(), Failure> {
    enrolments::check_name(name).map_err(|problem| Failure { exit_code: 2, message: problem.to_string() })
}

/// JSON as it is, or a line a thing: `name: value  name: value`.
fn print(value: &Value, as_json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    if as_json {
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    let rows = match value {
        Value::Array(rows) => rows.clone(),
        one => vec![one.clone()],
    };
    if rows.is_empty() {
        writeln!(out, "none")?;
    }
    for row in rows {
        let members = row.as_object().into_iter().flatten();
        let cells: Vec<String> = members
            .map(|(name, value)| format!("{name}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        writeln!(out, "{}", cells.join("  "))?;
    }
    Ok(())
}
