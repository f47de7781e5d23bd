//! `countersign admin user`: the people who are asked.

use super::import::Import;
use super::kept;
use super::office::{Office, no_organisation, or_unknown, refused};
use crate::failure::Failure;
use crate::terminal::{self, visible};
use crate::typed_id::id;
use clap::Subcommand;
use countersign_protocol::handle::AccountId;
use countersign_server::store::Account;
use serde_json::{Value, json};
use std::io::IsTerminal;

/// How many of the last questions are shown.
const LAST_QUESTIONS: usize = 10;
/// What a deletion does.
const WHAT_GOES: &str = "The name and the names of the devices are forgotten, the devices are ended and told so at \
                         their next contact, what waits for an answer is taken back.";
/// What a deletion leaves, and why.
const WHAT_STAYS: &str = "Kept until their age, as [retention] says: the lines of the journal, which have ids and \
                          addresses and no names, to find out about attacks; and the signed questions, answers and \
                          enrolment statements, which have the name, since they prove who approved what.";

/// Asks for a yes at the terminal; where there is none, says how to do without.
fn asked(question: &str) -> Result<bool, Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        let message = "there is no terminal to ask at; say --yes to delete without being asked".into();
        return Err(Failure { exit_code: 2, message });
    }
    terminal::print(std::io::stderr(), &format!("{question}\nType yes to go on:"))?;
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("yes"))
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
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
    /// Show a user: devices, what makes codes, backup codes left, whether prompts are stopped, the last sign-ins, and
    /// what is kept
    Show {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(allow_hyphen_values = true, value_parser = id::<AccountId>)]
        id: AccountId,
    },
    /// Find users by a part of their name, whatever its case; at most 100, those whose name begins so first
    Search {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// A part of the name
        text: String,
    },
    /// Give a user another name; phones show it from the next question on
    Rename {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(allow_hyphen_values = true, value_parser = id::<AccountId>)]
        id: AccountId,
        /// The name that they have from now on
        new_name: String,
    },
    /// Delete a user: their name goes, their devices are ended and told so, and what they were asked is taken back
    Delete {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(allow_hyphen_values = true, value_parser = id::<AccountId>)]
        id: AccountId,
        /// Do not ask first
        #[arg(long)]
        yes: bool,
    },
    /// Print everything that is kept of a user, but no secret, as JSON: what they may ask for
    Export {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(allow_hyphen_values = true, value_parser = id::<AccountId>)]
        id: AccountId,
    },
    /// End all devices of a user
    RevokeAll {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(allow_hyphen_values = true, value_parser = id::<AccountId>)]
        id: AccountId,
    },
    /// Make users from a CSV file whose header has a column name; those who are there already stay as they are
    Import(Import),
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

impl Office {
    pub(super) async fn user(&self, command: UserCommand) -> Result<Value, Failure> {
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
            UserCommand::Show { organisation, id } => {
                self.account(&organisation, id).await?;
                Ok(kept::shown(&operator.person(&organisation, id, LAST_QUESTIONS).await?))
            }
            UserCommand::Search { organisation, text } => {
                let found = or_unknown(operator.search(&organisation, &text).await, || no_organisation(&organisation))?;
                Ok(found.iter().map(|one| json!({ "id": one.id, "name": one.name })).collect())
            }
            UserCommand::Rename { organisation, id, new_name } => {
                self.account(&organisation, id).await?;
                let renamed = operator.rename_user(&organisation, id, &new_name).await?;
                let renamed = renamed.ok_or_else(|| refused("the organisation has a user of this name"))?;
                Ok(json!({ "id": id, "name": renamed.name }))
            }
            UserCommand::Delete { organisation, id, yes } => self.delete_user(&organisation, id, yes).await,
            UserCommand::Export { organisation, id } => {
                self.account(&organisation, id).await?;
                Ok(kept::whole(&operator.export(&organisation, id).await?))
            }
            UserCommand::RevokeAll { organisation, id } => {
                self.account(&organisation, id).await?;
                Ok(json!({ "id": id, "devices": operator.revoke_all_devices(&organisation, id).await? }))
            }
            UserCommand::Import(import) => self.import_users(import).await,
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

    async fn delete_user(&self, organisation: &str, id: AccountId, yes: bool) -> Result<Value, Failure> {
        let account = self.account(organisation, id).await?;
        if !yes {
            let name = visible(&account.name);
            let question = format!("Delete {name} of {}? {WHAT_GOES} {WHAT_STAYS}", visible(organisation));
            if !asked(&question)? {
                return Err(refused("nothing was deleted"));
            }
        }
        let gone = self.operator().delete_user(organisation, id).await?;
        Ok(json!({
            "id": id, "deleted": true, "devices": gone.devices, "questions_taken_back": gone.cancelled.len(),
            "kept": WHAT_STAYS,
        }))
    }

    /// The account, or words that say which of the two names is wrong.
    pub(super) async fn account(&self, organisation: &str, user: AccountId) -> Result<Account, Failure> {
        let operator = self.operator();
        or_unknown(operator.organisation(organisation).await, || no_organisation(organisation))?;
        let account = operator.user(organisation, user).await;
        or_unknown(account, || "the organisation has no user of this id".into())
    }
}
