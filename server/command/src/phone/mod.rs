//! `countersign phone`: the same core as in a phone, in a terminal.

mod show;

use crate::failure::Failure;
use clap::{Args, Subcommand};
use countersign_desktop::ReqwestTransport;
use countersign_protocol::device_api::EnrolmentState;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};

use countersign_device::{Account, AccountState, Authenticator, Error, Outcome, Pulled, Received};
use show::Printer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// The environment variable that says where this phone keeps its accounts and keys.
pub const STORE_VARIABLE: &str = "COUNTERSIGN_PHONE_STORE";
/// How long a pull is parked while watching, in seconds.
const WATCH_WAIT: u32 = 50;
/// How long watching rests after a server could not be reached.
const WATCH_PAUSE: Duration = Duration::from_secs(3);
/// How many past requests the history shows.
const HISTORY_LENGTH: u32 = 50;

/// Be a phone in this terminal.
#[derive(Debug, Args)]
pub struct Options {
    /// Where this phone keeps its accounts and keys [default: ~/.local/share/countersign/phone]
    #[arg(long, value_name = "DIR", global = true, env = STORE_VARIABLE)]
    store: Option<PathBuf>,
    /// Print JSON: one object, or one a line while watching
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add an account from an enrolment link
    #[command(alias = "enroll")]
    Enrol {
        /// The link that the signed-in page shows. Quote it: it holds a # and an &
        link: String,
        /// The name of this phone in the account's list
        #[arg(long, default_value = "Terminal")]
        name: String,
    },
    /// Ask the servers, and show the accounts and what waits for an answer
    List,
    /// Show requests as they come, until stopped
    Watch,
    /// Answer YES
    Approve {
        /// The request, or the first characters of its id
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// The number that the page shows, where the request asks for it
        #[arg(long)]
        number: Option<String>,
    },
    /// Answer NO
    Deny {
        /// The request, or the first characters of its id
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// Say that this was not you, also of a past request: nothing more is pushed until you allow it again
    Report {
        /// The request, or the first characters of its id
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// Show the request that a link on the page of this same machine opens
    Open {
        /// The link. Quote it: it holds a # and an &
        link: String,
    },
    /// Show the one-time code of this moment; needs no network
    Code {
        /// The account, or the first characters of its id; not needed when there is only one
        #[arg(allow_hyphen_values = true)]
        id: Option<String>,
    },
    /// Show past requests
    History,
    /// Remove an account; its server forgets this phone first
    Remove {
        /// The account, or the first characters of its id
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// Remove it from this phone although its server cannot be reached
        #[arg(long)]
        only_here: bool,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit_code = match &error {
            Error::Refused(_)
            | Error::ServerRefused { .. }
            | Error::UnexpectedAnswer { .. }
            | Error::UnknownAccount
            | Error::UnknownChallenge
            | Error::AccountEnded
            | Error::QuestionChanged
            | Error::NoCodes => 3,
            Error::Unreachable(_) => 4,
            Error::Key(_) | Error::Vault(_) | Error::Store(_) => 5,
        };
        Self { exit_code, message: error.to_string() }
    }
}

fn default_store() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data_home = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")));
    let unknown = || Failure { exit_code: 2, message: "there is no home directory; say --store DIR".into() };
    Ok(data_home.ok_or_else(unknown)?.join("countersign/phone"))
}

/// Runs one phone command.
///
/// # Errors
/// What to tell the person, with the exit code.
pub async fn run(options: Options) -> Result<(), Failure> {
    let directory = options.store.map_or_else(default_store, Ok)?;
    let authenticator = countersign_desktop::open(&directory, Arc::new(ReqwestTransport::new()?), None)?;
    let printer = Printer { json: options.json };
    match options.command {
        Command::Enrol { link, name } => printer.enrolled(&authenticator.enrol(&link, &name).await?)?,
        Command::List => list(&authenticator, &printer).await?,
        Command::Watch => watch(Arc::new(authenticator), printer).await?,
        Command::Approve { id, number } => {
            let id = find_challenge(&authenticator, &printer, &id).await?;
            return ended(&printer, id, authenticator.approve(id, number.as_deref()).await?);
        }
        Command::Report { id } => {
            let id = find_any_challenge(&authenticator, &printer, &id).await?;
            return ended(&printer, id, authenticator.report(id).await?);
        }
        Command::Open { link } => {
            let id = authenticator.open_link(&link).await?;
            let pending = authenticator.pending()?;
            match pending.iter().find(|prompt| prompt.challenge.challenge_id == id) {
                Some(prompt) => printer.prompt(prompt)?,
                None => print_past(&authenticator, printer, id)?,
            }
        }
        Command::Deny { id } => {
            let id = find_challenge(&authenticator, &printer, &id).await?;
            return ended(&printer, id, authenticator.deny(id).await?);
        }
        Command::Code { id } => {
            let account = match id {
                Some(id) => find_account(&authenticator, &id)?,
                None => only_account(&authenticator)?,
            };
            printer.code(&account, &authenticator.code(account.id)?)?;
        }
        Command::History => printer.history(&authenticator.history(HISTORY_LENGTH)?)?,
        Command::Remove { id, only_here } => {
            let account = find_account(&authenticator, &id)?;
            if only_here {
                authenticator.forget(account.id)?;
            } else {
                authenticator.remove(account.id).await?;
            }
            printer.removed(&account)?;
        }
    }
    Ok(())
}

fn ended(printer: &Printer, id: ChallengeId, outcome: Outcome) -> Result<(), Failure> {
    printer.outcome(id, outcome)?;
    match outcome {
        Outcome::Approved | Outcome::Denied | Outcome::Reported => Ok(()),
        Outcome::WrongNumber
        | Outcome::AlreadyAnswered
        | Outcome::AnsweredByCode
        | Outcome::Expired
        | Outcome::Cancelled => Err(Failure { exit_code: 3, message: show::explain(outcome).to_owned() }),
    }
}

/// The accounts that are not over.
fn living(authenticator: &Authenticator) -> Result<Vec<Account>, Failure> {
    let mut accounts = authenticator.accounts()?;
    accounts.retain(|account| !matches!(account.state, AccountState::Ended { .. }));
    Ok(accounts)
}

/// Pulls every account once. What cannot be reached is told, and the rest goes on.
async fn pull_all(authenticator: &Authenticator, printer: &Printer) -> Result<Option<Failure>, Failure> {
    let mut trouble = None;
    for account in living(authenticator)? {
        let failure = match authenticator.pull(account.id, 0).await {
            Ok(pulled) => {
                if let Some(reason) = &pulled.push_failure {
                    printer.trouble(&format!("{}: notifications do not arrive: {reason}", account.organisation))?;
                }
                match unsigned_end(&pulled) {
                    Some(failure) => Some(failure),
                    None => pulled.received.into_iter().find_map(Result::err).map(Error::Refused).map(Failure::from),
                }
            }
            Err(error) => Some(error.into()),
        };
        if let Some(failure) = failure {
            trouble = Some(Failure { message: format!("{}: {}", account.organisation, failure.message), ..failure });
        }
    }
    Ok(trouble)
}

/// That the server calls the account void without its signed word on it. It is shown, and changes nothing here.
fn unsigned_end(pulled: &Pulled) -> Option<Failure> {
    let unsigned = pulled.state == EnrolmentState::Void && pulled.ended.is_none();
    unsigned.then(|| Failure {
        exit_code: 3,
        message: "the server says, without its signature, that this phone is not in use any more; nothing was removed"
            .into(),
    })
}

async fn list(authenticator: &Authenticator, printer: &Printer) -> Result<(), Failure> {
    let trouble = pull_all(authenticator, printer).await?;
    printer.list(&authenticator.accounts()?, &authenticator.pending()?)?;
    trouble.map_or(Ok(()), Err)
}

/// Pulls every account side by side, and shows each request once.
async fn watch(authenticator: Arc<Authenticator>, printer: Printer) -> Result<(), Failure> {
    let stop_signal = countersign_server::runtime::serve::stop_signal();
    let accounts = living(&authenticator)?;
    if accounts.is_empty() {
        return Err(no_account());
    }
    printer.watching(&accounts)?;
    for prompt in authenticator.pending()? {
        printer.prompt(&prompt)?;
    }
    let mut watchers = JoinSet::new();
    for account in accounts {
        watchers.spawn(watch_account(Arc::clone(&authenticator), account.id, printer));
    }
    tokio::select! {
        () = stop_signal => Ok(()),
        ended = watchers.join_next() => match ended {
            Some(Ok(Err(failure))) => Err(failure),
            _ => Ok(()),
        },
    }
}

async fn watch_account(authenticator: Arc<Authenticator>, id: EnrolmentId, printer: Printer) -> Result<(), Failure> {
    loop {
        let pulled = match authenticator.pull(id, WATCH_WAIT).await {
            Ok(pulled) => pulled,
            Err(Error::Unreachable(reason)) => {
                printer.trouble(&reason.to_string())?;
                tokio::time::sleep(WATCH_PAUSE).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(reason) = pulled.ended {
            return printer.trouble(show::explain_end(reason)).map_err(Failure::from);
        }
        let mut refused = false;
        if let Some(failure) = unsigned_end(&pulled) {
            refused = true;
            printer.trouble(&failure.message)?;
        }
        for received in pulled.received {
            match received {
                Ok(Received::New(challenge) | Received::Changed(challenge)) => {
                    let pending = authenticator.pending()?;
                    if let Some(prompt) = pending.iter().find(|prompt| prompt.challenge.challenge_id == challenge) {
                        printer.prompt(prompt)?;
                    }
                }
                Ok(Received::Retracted(challenge)) => print_past(&authenticator, printer, challenge)?,
                Ok(Received::Known(_)) => {}
                Err(refusal) => {
                    refused = true;
                    printer.trouble(&format!("a message was refused: {refusal}"))?;
                }
            }
        }
        if refused {
            // The server says it again at once.
            tokio::time::sleep(WATCH_PAUSE).await;
        }
    }
}

fn print_past(authenticator: &Authenticator, printer: Printer, id: ChallengeId) -> Result<(), Failure> {
    let history = authenticator.history(HISTORY_LENGTH)?;
    match history.iter().find(|past| past.challenge.challenge_id == id) {
        Some(past) => Ok(printer.over(past)?),
        None => Ok(()),
    }
}

/// A request that waits, or one of the history.
async fn find_any_challenge(
    authenticator: &Authenticator,
    printer: &Printer,
    start: &str,
) -> Result<ChallengeId, Failure> {
    let past = authenticator.history(HISTORY_LENGTH)?;
    let waiting = authenticator.pending()?;
    let ids = waiting.iter().map(|prompt| &prompt.challenge).chain(past.iter().map(|past| &past.challenge));
    match only_match(ids.map(|challenge| challenge.challenge_id), start, "request")? {
        Some(id) => Ok(id),
        None => find_challenge(authenticator, printer, start).await,
    }
}

async fn find_challenge(authenticator: &Authenticator, printer: &Printer, start: &str) -> Result<ChallengeId, Failure> {
    let find = || -> Result<Option<ChallengeId>, Failure> {
        let pending = authenticator.pending()?;
        let ids = pending.iter().map(|prompt| prompt.challenge.challenge_id);
        only_match(ids, start, "request")
    };
    if let Some(id) = find()? {
        return Ok(id);
    }
    let trouble = pull_all(authenticator, printer).await?;
    match (find()?, trouble) {
        (Some(id), _) => Ok(id),
        (None, Some(failure)) => Err(failure),
        (None, None) => match start.parse() {
            // A late tap on a known request hears how it ended.
            Ok(id) => Ok(id),
            Err(_) => Err(Failure {
                exit_code: 3,
                message: "no request of this id waits; see: countersign phone list".into(),
            }),
        },
    }
}

fn find_account(authenticator: &Authenticator, start: &str) -> Result<Account, Failure> {
    let accounts = authenticator.accounts()?;
    let id = only_match(accounts.iter().map(|account| account.id), start, "account")?;
    let found = accounts.into_iter().find(|account| Some(account.id) == id);
    found.ok_or_else(|| Failure {
        exit_code: 3,
        message: "no account of this id is on this phone; see: countersign phone list".into(),
    })
}

/// The account, when there is no other to choose from.
fn only_account(authenticator: &Authenticator) -> Result<Account, Failure> {
    let mut accounts = authenticator.accounts()?;
    match (accounts.pop(), accounts.is_empty()) {
        (Some(account), true) => Ok(account),
        (None, _) => Err(no_account()),
        (Some(_), false) => Err(Failure {
            exit_code: 2,
            message: "there is more than one account; say which: countersign phone code ID".into(),
        }),
    }
}

fn no_account() -> Failure {
    Failure {
        exit_code: 3,
        message: "there is no account on this phone; add one with: countersign phone enrol LINK".into(),
    }
}

/// The one id that starts like this; an error when there are several.
fn only_match<T: std::fmt::Display>(
    ids: impl Iterator<Item = T>,
    start: &str,
    what: &str,
) -> Result<Option<T>, Failure> {
    let mut matching = ids.filter(|id| !start.is_empty() && id.to_string().starts_with(start));
    let (first, second) = (matching.next(), matching.next());
    if second.is_some() {
        return Err(Failure {
            exit_code: 2,
            message: format!("more than one {what} starts with {start}; say more of its id"),
        });
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::revocation::EndReason;

    #[test]
    fn a_void_without_a_revocation_is_said_and_one_with_it_is_an_end() {
        let pulled = |state, ended| Pulled {
            state,
            received: Vec::new(),
            push: None,
            webpush_public_key: None,
            push_failure: None,
            ended,
        };
        let bare = unsigned_end(&pulled(EnrolmentState::Void, None)).unwrap();
        assert!(bare.exit_code == 3 && bare.message.contains("nothing was removed"));
        assert!(unsigned_end(&pulled(EnrolmentState::Void, Some(EndReason::Revoked))).is_none());
        assert!(unsigned_end(&pulled(EnrolmentState::Confirmed, None)).is_none());
    }
}
