//! `countersign admin webhook`: where relying parties hear of their challenges, and what did not reach them.

use super::office::{Office, refused};
use crate::failure::Failure;
use crate::typed_id::id;
use clap::{Args, Subcommand};
use countersign_server::domain::moment::rfc3339;
use countersign_server::service::webhooks::WebhookRefused;
use countersign_server::store::{DeadEvent, WebhookRecord};
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(super) enum WebhookCommand {
    /// Tell a relying party's events to an address, and print the secret, which is shown this once; where there is a
    /// webhook, its secret stays, and one that the receiver has disabled is used again
    Set {
        /// The relying party's id, as `relying-party list` shows it
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
        /// The address: https
        url: String,
    },
    /// Give a webhook a new secret; the earlier one signs beside it for a day
    Rotate {
        /// The relying party's id
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
    },
    /// Tell a relying party no more events; those that wait are dead
    Remove {
        /// The relying party's id
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
    },
    /// List all webhooks, and how many of their events wait and are dead
    List,
    /// List the dead events of a relying party: those that its receiver did not take within a day
    Dead {
        /// The relying party's id
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
    },
    /// Tell dead events once more, for another day
    Replay(Replay),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Replay {
    /// The event's id, as `webhook dead` shows it
    #[arg(value_parser = id::<String>)]
    event: Option<String>,
    /// Every dead event of this relying party
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = id::<String>)]
    all: Option<String>,
}

impl From<WebhookRefused> for Failure {
    fn from(refusal: WebhookRefused) -> Self {
        match refusal {
            WebhookRefused::Store(error) => error.into(),
            WebhookRefused::Address(_) => Self { exit_code: 2, message: refusal.to_string() },
            WebhookRefused::NoRelyingParty | WebhookRefused::NoWebhook => refused(refusal.to_string()),
        }
    }
}

impl Office {
    pub(super) async fn webhook(&self, command: WebhookCommand) -> Result<Value, Failure> {
        let operator = self.operator();
        match command {
            WebhookCommand::Set { id, url } => {
                let at_rest = self.at_rest()?;
                let secret = operator.set_webhook(&at_rest, self.config.webhook.guard(), &id, &url).await?;
                let mut answer = json!({ "id": id, "url": url });
                if let Some(secret) = secret {
                    answer["secret"] = json!(*secret);
                }
                Ok(answer)
            }
            WebhookCommand::Rotate { id } => {
                let at_rest = self.at_rest()?;
                let secret = operator.rotate_webhook(&at_rest, &id).await?;
                Ok(json!({ "id": id, "secret": *secret }))
            }
            WebhookCommand::Remove { id } => {
                operator.remove_webhook(&id).await?;
                Ok(json!({ "id": id, "removed": true }))
            }
            WebhookCommand::List => {
                let row = |one: &WebhookRecord| {
                    let WebhookRecord { relying_party, name, url, disabled, queued, dead } = one;
                    json!({
                        "id": relying_party, "name": name, "url": url,
                        "disabled": disabled, "queued": queued, "dead": dead
                    })
                };
                Ok(operator.webhooks().await?.iter().map(row).collect())
            }
            WebhookCommand::Dead { id } => {
                let row = |one: &DeadEvent| {
                    json!({
                        "event": one.id, "type": one.fact.as_str(), "challenge": one.challenge.id,
                        "created_at": rfc3339(one.created_at), "attempts": one.attempts, "reason": one.reason,
                    })
                };
                Ok(operator.dead_events(&id).await?.iter().map(row).collect())
            }
            WebhookCommand::Replay(Replay { event, all }) => self.replay(event, all).await,
        }
    }

    async fn replay(&self, event: Option<String>, all: Option<String>) -> Result<Value, Failure> {
        let operator = self.operator();
        let replayed = match (event, all) {
            (Some(event), _) => operator.replay_event(event).await?,
            (None, Some(id)) => operator.replay_events_of(&id).await?,
            (None, None) => return Err(Failure { exit_code: 2, message: "name an event, or --all ID".into() }),
        };
        if replayed == 0 {
            return Err(refused(
                "there is nothing to tell again: no such dead event, or its relying party's webhook is removed or \
                 disabled; see countersign admin webhook list, and use it again with: countersign admin webhook set \
                 ID URL",
            ));
        }
        Ok(json!({ "replayed": replayed }))
    }
}
