//! `countersign admin user`: the people who are asked.

use super::office::{Office, no_organisation, or_unknown, refused};
use crate::failure::Failure;
use crate::typed_id::id;
use clap::Subcommand;
use countersign_protocol::handle::AccountId;
use countersign_server::store::Account;
use serde_json::{Value, json};

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
    /// Let prompts through again that a user's report has stopped
    ResumePrompts {
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
            UserCommand::ResumePrompts { organisation, id } => {
                self.account(&organisation, id).await?;
                if operator.resume_prompts(&organisation, id).await? {
                    Ok(json!({ "id": id, "prompts": "resumed" }))
                } else {
                    Err(refused("prompts to this user are not stopped: no report is standing"))
                }
            }
            UserCommand::Unlock { organisation, id } => {
                self.account(&organisation, id).await?;
                Ok(json!({ "id": id, "unlocked": operator.unlock_codes(&organisation, id).await? }))
            }
        }
    }

    /// The account, or words that say which of the two names is wrong.
    pub(super) async fn account(&self, organisation: &str, user: AccountId) -> Result<Account, Failure> {
        let operator = self.operator();
        or_unknown(operator.organisation(organisation).await, || no_organisation(organisation))?;
        let account = operator.user(organisation, user).await;
        or_unknown(account, || "the organisation has no user of this id".into())
    }
}
