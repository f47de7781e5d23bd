//! `countersign admin webhook`: where relying parties hear of their challenges, and what did not reach them.

use super::{Office, refused};
use crate::failure::Failure;
use crate::master_key;
use crate::resource::rfc3339;
use crate::store::Replayed;
use crate::webhooks::{Refused, Registry};
use clap::{Args, Subcommand};
use countersign_protocol::at_rest::AtRestKey;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(super) enum WebhookCommand {
    /// Tell a relying party's events to an address, and print the secret, which is shown this once; where there is a webhook,
    /// its secret stays, and one that the receiver has disabled is used again
    Set {
        /// The relying party's id, as `relying-party list` shows it
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// The address: https
        url: String,
    },
    /// Give a webhook a new secret; the earlier one signs beside it for a day
    Rotate {
        /// The relying party's id
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// Tell a relying party no more events; those that wait are dead
    Remove {
        /// The relying party's id
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// List all webhooks, and how many of their events wait and are dead
    List,
    /// List the dead events of a relying party: those that its receiver did not take within a day
    Dead {
        /// The relying party's id
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// Tell dead events once more, for another day
    Replay(Replay),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Replay {
    /// The event's id, as `webhook dead` shows it
    event: Option<String>,
    /// Every dead event of this relying party
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    all: Option<String>,
}

impl From<Refused> for Failure {
    fn from(refusal: Refused) -> Self {
        match refusal {
            Refused::Store(error) => error.into(),
            Refused::Address(_) => Self { exit_code: 2, message: refusal.to_string() },
            Refused::NoRelyingParty | Refused::NoWebhook => refused(refusal.to_string()),
        }
    }
}

impl Office {
    pub(super) async fn webhook(&self, command: WebhookCommand) -> Result<Value, Failure> {
        match command {
            WebhookCommand::Set { id, url } => {
                let at_rest = self.at_rest().await?;
                let secret = self.registry(&at_rest).set(&id, &url).await?;
                let mut answer = json!({ "id": id, "url": url });
                if let Some(secret) = secret {
                    answer["secret"] = json!(*secret);
                }
                Ok(answer)
            }
            WebhookCommand::Rotate { id } => {
                let at_rest = self.at_rest().await?;
                let secret = self.registry(&at_rest).rotate(&id).await?;
                Ok(json!({ "id": id, "secret": *secret }))
            }
            WebhookCommand::Remove { id } => {
                let relying_party = Registry::relying_party(&self.store, &id).await?;
                let removed = self.store.remove_webhook(relying_party).await?;
                removed.then(|| json!({ "id": id, "removed": true })).ok_or_else(|| Refused::NoWebhook.into())
            }
            WebhookCommand::List => {
                let all = self.store.webhooks().await?;
                let row = |one: &crate::store::WebhookRecord| json!({ "id": one.relying_party, "name": one.name, "url": one.url, "disabled": one.disabled, "queued": one.queued, "dead": one.dead });
                Ok(all.iter().map(row).collect())
            }
            WebhookCommand::Dead { id } => {
                let relying_party = Registry::relying_party(&self.store, &id).await?;
                let all = self.store.dead_events(relying_party).await?;
                let row = |one: &crate::store::DeadEvent| json!({ "event": one.id, "type": one.kind, "challenge": one.challenge.id, "created_at": rfc3339(one.created_at), "attempts": one.attempts, "reason": one.reason });
                Ok(all.iter().map(row).collect())
            }
            WebhookCommand::Replay(Replay { event, all }) => self.replay(event, all).await,
        }
    }

    async fn replay(&self, event: Option<String>, all: Option<String>) -> Result<Value, Failure> {
        let which = match (event, all) {
            (Some(event), _) => Replayed::One(event),
            (None, Some(id)) => Replayed::AllOf(Registry::relying_party(&self.store, &id).await?),
            (None, None) => return Err(Failure { exit_code: 2, message: "name an event, or --all ID".into() }),
        };
        match self.store.replay_events(which).await? {
            0 => Err(refused(
                "there is nothing to tell again: no such dead event, or its relying party's webhook is removed or disabled; \
                 see countersign admin webhook list, and use it again with: countersign admin webhook set ID URL",
            )),
            replayed => Ok(json!({ "replayed": replayed })),
        }
    }

    fn registry<'a>(&'a self, at_rest: &'a AtRestKey) -> Registry<'a> {
        Registry { store: &self.store, at_rest, randomness: &self.randomness, guard: self.config.webhook.guard() }
    }

    /// The key that seals secrets in this database.
    pub(super) async fn at_rest(&self) -> Result<AtRestKey, Failure> {
        if self.store.setting("root").await?.is_none() {
            return Err(refused("this database has no keys yet; start the server once: countersign serve"));
        }
        Ok(master_key::load(&self.config.master_key, &self.config.data_dir, false, &self.randomness)?)
    }
}
