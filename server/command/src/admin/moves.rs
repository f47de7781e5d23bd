//! `countersign admin move`: new phones that take over from old ones, planned before the phone change.

use super::journal::a_moment;
use super::kept;
use super::move_file::MoveFile;
use super::move_wish::{Times, not_made};
use super::office::{Office, no_organisation, or_unknown};
use crate::failure::Failure;
use crate::typed_id::id;
use clap::{Subcommand, ValueEnum};
use countersign_protocol::handle::{AccountId, EnrolmentId, MoveId};
use countersign_protocol::relying_party_api::MoveState;
use countersign_protocol::time::{Clock, SystemClock, Timestamp};
use countersign_server::domain::moment::rfc3339;
use countersign_server::service::moves::MovesAsked;
use countersign_server::service::operator_moves::{Moving, WishedMove};
use countersign_server::store::MoveRecord;
use serde_json::{Value, json};
use std::collections::HashMap;

#[derive(Debug, Subcommand)]
pub(super) enum MoveCommand {
    /// Plan a move: a new phone is to take over from this one. The rest goes on where the person signs in; until it is
    /// done, the old phone goes on. Needs --reason
    Create {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The user's id
        #[arg(long, allow_hyphen_values = true, value_parser = id::<AccountId>)]
        user: AccountId,
        /// The phone that is replaced [default: the user's only one]
        #[arg(long, allow_hyphen_values = true, value_parser = id::<EnrolmentId>)]
        device: Option<EnrolmentId>,
        #[command(flatten)]
        times: Times,
    },
    /// Plan the moves of a CSV file. Its header has a column name (as the user signs in) or user (the id), and if
    /// wanted device (which phone is replaced) and key. The same file again makes nothing twice. Needs --reason
    Import(MoveFile),
    /// List moves, the newest first
    List {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// Those of this user
        #[arg(long, allow_hyphen_values = true, value_parser = id::<AccountId>)]
        user: Option<AccountId>,
        /// Those in this state
        #[arg(long)]
        state: Option<State>,
        /// Those that go on, and can be made at this moment or before it: a time or a day
        #[arg(long, value_name = "WHEN", value_parser = a_moment)]
        due: Option<Timestamp>,
    },
    /// Print an opening code for a user who has neither the old phone nor a code. Hand it to them in person: typed
    /// where they are signed in, it lets a new phone take over. Six digits, good for an hour, once; the one before ends
    OpeningCode {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The move's id
        #[arg(allow_hyphen_values = true, value_parser = id::<MoveId>)]
        id: MoveId,
    },
    /// Take a move back: the old phone goes on
    Cancel {
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The move's id
        #[arg(allow_hyphen_values = true, value_parser = id::<MoveId>)]
        id: MoveId,
    },
}

/// A state of a move, as it is typed.
#[derive(Debug, Clone, Copy)]
pub(super) struct State(MoveState);

impl ValueEnum for State {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [State; MoveState::ALL.len()] = {
            let mut all = [State(MoveState::Armed); MoveState::ALL.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = State(MoveState::ALL[at]);
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.as_str()))
    }
}

impl Office {
    pub(super) async fn moves(&self, command: MoveCommand) -> Result<Value, Failure> {
        let operator = self.operator();
        let no_move = || "the organisation has no move of this id; countersign admin move list has them".into();
        match command {
            MoveCommand::Create { organisation, user, device, times } => {
                let account = self.account(&organisation, user).await?;
                let (valid_from, valid_until) = times.after(0);
                let wish = WishedMove {
                    user,
                    device,
                    // Without a time it is now, which is later in the service than here.
                    valid_from: times.from.map(|_| valid_from),
                    valid_until: Some(valid_until),
                    idempotency_key: None,
                };
                let (Moving::Made(made) | Moving::Known(made)) =
                    operator.create_move(&organisation, wish).await.map_err(not_made)?;
                Ok(shown(&made, Some(&account.name)))
            }
            MoveCommand::Import(file) => self.import_moves(file).await,
            MoveCommand::List { organisation, user, state, due } => {
                or_unknown(operator.organisation(&organisation).await, || no_organisation(&organisation))?;
                if let Some(user) = user {
                    self.account(&organisation, user).await?;
                }
                let asked = MovesAsked { user, state: state.map(|state| state.0), due, before: None };
                self.list_moves(&organisation, asked).await
            }
            MoveCommand::OpeningCode { organisation, id } => {
                or_unknown(operator.organisation(&organisation).await, || no_organisation(&organisation))?;
                let given = operator.give_opening_code(&organisation, id, &self.at_rest()?).await;
                let (code, good_until) = or_unknown(given, no_move)?;
                let (first, last) = code.digits().split_at(3);
                Ok(json!({ "id": id, "code": format!("{first} {last}"), "good_until": rfc3339(good_until) }))
            }
            MoveCommand::Cancel { organisation, id } => {
                or_unknown(operator.organisation(&organisation).await, || no_organisation(&organisation))?;
                let cancelled = or_unknown(operator.cancel_move(&organisation, id).await, no_move)?;
                Ok(shown(&cancelled, None))
            }
        }
    }

    /// All of them, page by page.
    async fn list_moves(&self, organisation: &str, mut asked: MovesAsked) -> Result<Value, Failure> {
        let operator = self.operator();
        let people = operator.users(organisation).await?;
        let names: HashMap<AccountId, String> = people.into_iter().map(|one| (one.id, one.name)).collect();
        let mut listed = Vec::new();
        loop {
            let (page, more) = operator.moves(organisation, asked).await?;
            listed.extend(page.iter().map(|one| shown(one, names.get(&one.account_id))));
            asked.before = page.last().filter(|_| more).map(|last| last.id);
            if asked.before.is_none() {
                return Ok(Value::Array(listed));
            }
        }
    }
}

fn shown(one: &MoveRecord, name: Option<&String>) -> Value {
    let mut shown = kept::moving(one, SystemClock.now());
    shown["user"] = json!(one.account_id);
    if let Some(name) = name {
        shown["name"] = json!(name);
    }
    shown
}
