//! `countersign admin device` and `push`: the phones that answer, and the ways to them.

use super::kept;
use super::office::{Office, or_unknown, refused};
use crate::failure::Failure;
use crate::terminal::visible;
use crate::typed_id::id;
use clap::Subcommand;
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::relying_party_api::EnrolmentStage;
use countersign_protocol::time::SystemClock;
use countersign_server::delivery::push;
use countersign_server::delivery::push::check::Answer;
use countersign_server::runtime::open;
use countersign_server::store::recovery::Writer;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Debug, Subcommand)]
pub(super) enum DeviceCommand {
    /// List a user's devices
    List {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(long, allow_hyphen_values = true, value_parser = id::<AccountId>)]
        user: AccountId,
        /// Those too that are not in use any more, with why and since when
        #[arg(long)]
        all: bool,
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
pub(super) enum PushCommand {
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

impl Office {
    pub(super) async fn device(&self, command: DeviceCommand) -> Result<Value, Failure> {
        let operator = self.operator();
        match command {
            DeviceCommand::List { organisation, user, all } => {
                self.account(&organisation, user).await?;
                let devices = operator.all_devices(&organisation, user).await?;
                let listed = devices.iter().filter(|one| all || one.state != EnrolmentStage::Void);
                Ok(listed.map(|one| kept::device(one, all)).collect())
            }
            DeviceCommand::Revoke { organisation, user, id } => {
                self.account(&organisation, user).await?;
                let revoked = operator.revoke_device(&organisation, user, id).await;
                or_unknown(revoked, || "the user has no device of this id in use".into())?;
                Ok(json!({ "id": id, "revoked": true }))
            }
        }
    }

    /// Through the gateways as the configuration has them, so that it also shows what is wrong with that.
    pub(super) async fn check_push(
        &self,
        organisation: &str,
        user: AccountId,
        id: EnrolmentId,
    ) -> Result<Value, Failure> {
        let account = self.account(organisation, user).await?;
        let device = self.store.device_to_check(account.row_id, id).await?;
        let device = device.ok_or_else(|| refused("the user has no device of this id in use"))?;
        let public_url = self.config.public_url_at(self.config.listen)?;
        let (clock, randomness) = (Arc::new(SystemClock), Arc::new(self.randomness.clone()));
        let service = open::service(&self.config, Writer::Command, public_url, clock, randomness).await?;
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
}
