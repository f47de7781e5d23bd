//! `countersign admin organisation` and `relying-party`: who owns people, and who asks them.

use super::office::{Office, no_organisation, or_unknown, refused};
use crate::failure::Failure;
use crate::typed_id::id;
use clap::Subcommand;
use countersign_server::service::operator::NewRelyingParty;
use countersign_server::store::RelyingParty;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(super) enum OrganisationCommand {
    /// Make an organisation
    Create {
        /// The name that people see on their phone beside their account
        name: String,
    },
    /// List all organisations
    List,
    /// Give an organisation another name; phones show it from the next enrolment on
    Rename {
        /// The organisation's name
        name: String,
        /// The name that it has from now on
        new_name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RelyingPartyCommand {
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
    /// Give a relying party another name; phones show it from the next question on
    Rename {
        /// The relying party's id, as `relying-party list` shows it
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
        /// The name that it has from now on
        new_name: String,
    },
    /// End a relying party
    Revoke {
        /// The relying party's id, as `relying-party list` shows it
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
    },
}

impl Office {
    pub(super) async fn organisation(&self, command: OrganisationCommand) -> Result<Value, Failure> {
        let operator = self.operator();
        match command {
            OrganisationCommand::Create { name } => {
                let made = operator.create_organisation(&name).await?;
                let made = made.ok_or_else(|| refused("there is an organisation of this name"))?;
                Ok(json!({ "id": made.handle, "name": made.name }))
            }
            OrganisationCommand::List => {
                let all = operator.organisations().await?;
                Ok(all.iter().map(|one| json!({ "id": one.handle, "name": one.name })).collect())
            }
            OrganisationCommand::Rename { name, new_name } => {
                let renamed = operator.rename_organisation(&name, &new_name).await;
                let renamed = or_unknown(renamed, || no_organisation(&name))?;
                let renamed = renamed.ok_or_else(|| refused("there is an organisation of this name"))?;
                Ok(json!({ "id": renamed.handle, "name": renamed.name }))
            }
        }
    }

    pub(super) async fn relying_party(&self, command: RelyingPartyCommand) -> Result<Value, Failure> {
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
            RelyingPartyCommand::Rename { id, new_name } => {
                let renamed = or_unknown(operator.rename_relying_party(&id, &new_name).await, unknown)?;
                let name = renamed.ok_or_else(|| refused("the organisation has a relying party of this name"))?;
                Ok(json!({ "id": id, "name": name }))
            }
            RelyingPartyCommand::Revoke { id } => {
                or_unknown(operator.revoke_relying_party(&id).await, unknown)?;
                Ok(json!({ "id": id, "revoked": true }))
            }
        }
    }
}
