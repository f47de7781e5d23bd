//! `countersign phone`: the same core as in a phone, in a terminal.

mod answer;
mod code_files;
mod codes;
mod held;
mod hint;
mod show;
mod watch;

use crate::failure::Failure;
use crate::terminal::visible;
use crate::typed_id::id;
use clap::{Args, Subcommand};
use countersign_desktop::ReqwestTransport;
use countersign_device::{Authenticator, Error, Outcome};
use countersign_protocol::Refusal;
use countersign_protocol::handle::ChallengeId;
use held::{HISTORY_LENGTH, living, only_match, print_past, unsigned_end};
use show::Printer;
use std::path::PathBuf;
use std::sync::Arc;

/// The environment variable that says where this phone keeps its accounts and keys.
pub const STORE_VARIABLE: &str = "COUNTERSIGN_PHONE_STORE";

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
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
        /// The number that the page shows, where the request asks for it
        #[arg(long)]
        number: Option<String>,
    },
    /// Answer NO
    Deny {
        /// The request, or the first characters of its id
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
    },
    /// Say that this was not you, also of a past request: nothing more is pushed until you allow it again
    Report {
        /// The request, or the first characters of its id
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
    },
    /// Show the request that a link on the page of this same machine opens
    Open {
        /// The link. Quote it: it holds a # and an &
        link: String,
    },
    /// Show the one-time codes of this moment, also those of other services; needs no network
    Code {
        /// The account or other service, or the first characters of its id; without it all are shown
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: Option<String>,
        /// Show those of other services in whose service, account or group these words are
        #[arg(long, value_name = "WORDS", conflicts_with = "id")]
        find: Option<String>,
    },
    /// Keep the codes of other services, from what they give an authenticator app
    #[command(after_help = codes::ADD_HELP)]
    Add(codes::Add),
    /// Give the code of another service other names, or put it into a group
    Rename(codes::Rename),
    /// Put codes of other services before the others, in this order
    Arrange(codes::Arrange),
    /// Write the codes of other services into an encrypted file, which other programs can read too
    ExportCodes(code_files::Export),
    /// Show past requests
    History,
    /// Remove an account, whose server forgets this phone first, or the code of another service
    Remove {
        /// The account or other service, or the first characters of its id
        #[arg(allow_hyphen_values = true, value_parser = id::<String>)]
        id: String,
        /// Remove it from this phone although its server cannot be reached
        #[arg(long)]
        only_here: bool,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit_code = match &error {
            error if error.is_temporary() => 4,
            Error::Unreachable(_) | Error::UnexpectedAnswer { .. } => 4,
            Error::Refused(_)
            | Error::ServerRefused { .. }
            | Error::UnknownAccount
            | Error::UnknownChallenge
            | Error::AccountEnded
            | Error::QuestionChanged
            | Error::NoCodes
            | Error::PasswordNeeded
            | Error::WrongPassword
            | Error::ShortPassword => 3,
            Error::Key(_) | Error::Vault(_) | Error::Store(_) => 5,
        };
        Self { exit_code, message: visible(&error.to_string()) }
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
    let inherited = std::env::var_os(STORE_VARIABLE);
    let named = options.store.as_deref().filter(|store| inherited.as_deref() != Some(store.as_os_str()));
    hint::remember(std::env::args().next().as_deref(), named);
    let directory = options.store.map_or_else(default_store, Ok)?;
    let authenticator = countersign_desktop::open(&directory, Arc::new(ReqwestTransport::new()?), None)?;
    let printer = Printer { json: options.json, asks: false };
    match options.command {
        Command::Enrol { link, name } => {
            let account = authenticator.enrol(&link, &name).await.map_err(not_enrolled)?;
            printer.enrolled(&account)?;
        }
        Command::List => list(&authenticator, &printer).await?,
        Command::Watch => watch::watch(Arc::new(authenticator), printer).await?,
        Command::Approve { id, number } => {
            let id = find_challenge(&authenticator, &printer, &id).await?;
            check_number(&authenticator, id, number.as_deref())?;
            return ended(&printer, id, Outcome::Approved, authenticator.approve(id, number.as_deref()).await);
        }
        Command::Report { id } => {
            let id = find_any_challenge(&authenticator, &printer, &id).await?;
            return ended(&printer, id, Outcome::Reported, authenticator.report(id).await);
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
            return ended(&printer, id, Outcome::Denied, authenticator.deny(id).await);
        }
        Command::Code { find: Some(words), .. } => codes::search(&authenticator, printer, &words)?,
        Command::Code { id, .. } => codes::show(&authenticator, printer, id.as_deref())?,
        Command::Add(add) => codes::add(&authenticator, printer, &add)?,
        Command::Rename(rename) => codes::rename(&authenticator, printer, &rename)?,
        Command::Arrange(arrange) => codes::arrange(&authenticator, printer, &arrange)?,
        Command::ExportCodes(export) => code_files::export(&authenticator, printer, &export)?,
        Command::History => printer.history(&authenticator.history(HISTORY_LENGTH)?)?,
        Command::Remove { id, only_here } => match codes::find(&authenticator, &id)? {
            codes::Held::Account(account) => {
                if only_here {
                    authenticator.forget(account.id)?;
                } else {
                    authenticator.remove(account.id).await?;
                }
                printer.removed(&account)?;
            }
            codes::Held::Foreign(code) => codes::remove(&authenticator, printer, &code)?,
        },
    }
    Ok(())
}

/// Why a link was not redeemed, and what to do. One whose server was not heard is still good: the same keys are kept.
fn not_enrolled(error: Error) -> Failure {
    let temporary = error.is_temporary();
    let link = match &error {
        Error::Refused(Refusal::Malformed("enrolment link")) => Some(format!(
            "this is not a whole enrolment link. Quote it, since it holds a # and an &: {}",
            hint::phone("enrol 'LINK'")
        )),
        Error::Refused(Refusal::WrongServer) => Some(
            "the server that answers is not the one of this link; copy the link again from the page, and tell your \
             administrator when it happens again"
                .to_owned(),
        ),
        _ => None,
    };
    let failure = Failure::from(error);
    match link {
        Some(message) => Failure { message, ..failure },
        None if temporary => {
            Failure { message: format!("{}; nothing is lost: run the same command again", failure.message), ..failure }
        }
        None => failure,
    }
}

/// A request that asks for a number is not approved without one.
fn check_number(authenticator: &Authenticator, id: ChallengeId, number: Option<&str>) -> Result<(), Failure> {
    let pending = authenticator.pending()?;
    let Some(prompt) = pending.iter().find(|prompt| prompt.challenge.challenge_id == id) else { return Ok(()) };
    let policy = prompt.challenge.policy;
    if policy.check_number(number).is_ok() {
        return Ok(());
    }
    let message = match policy.digits() {
        Some(digits) => format!(
            "this request asks for the number of {digits} digits that the page shows: {}",
            hint::phone(&format!("approve {id} --number NUMBER"))
        ),
        None => format!("this request asks for no number: {}", hint::phone(&format!("approve {id}"))),
    };
    Err(Failure { exit_code: 3, message })
}

/// How an answer ended. One that the server has not acknowledged is signed and kept.
fn ended(printer: &Printer, id: ChallengeId, wanted: Outcome, answered: Result<Outcome, Error>) -> Result<(), Failure> {
    let outcome = answered.map_err(|error| {
        let temporary = error.is_temporary();
        let failure = Failure::from(error);
        if !temporary {
            return failure;
        }
        let message = format!("not delivered yet; it is sent again with the next list or watch: {}", failure.message);
        Failure { message, ..failure }
    })?;
    let contradiction = answer::contradiction(id, wanted, outcome);
    if contradiction.is_none() || printer.json {
        printer.outcome(id, outcome)?;
    }
    if let Some(message) = contradiction {
        return Err(Failure { exit_code: 3, message });
    }
    match outcome {
        Outcome::Approved | Outcome::Denied | Outcome::Reported => Ok(()),
        Outcome::WrongNumber
        | Outcome::AlreadyAnswered
        | Outcome::AnsweredByCode
        | Outcome::Expired
        | Outcome::Cancelled => Err(Failure { exit_code: 3, message: show::explain(outcome).to_owned() }),
    }
}

/// Pulls every account once. What cannot be reached is told, and the rest goes on.
async fn pull_all(authenticator: &Authenticator, printer: &Printer) -> Result<Option<Failure>, Failure> {
    let mut trouble = None;
    for account in living(authenticator)? {
        let failure = match authenticator.pull(account.id, 0).await {
            Ok(pulled) => {
                if let Some(failure) = pulled.push_failure {
                    let organisation = visible(&account.organisation);
                    printer.trouble(&format!("{organisation}: {}", show::explain_push(failure)))?;
                }
                match unsigned_end(&pulled) {
                    Some(failure) => Some(failure),
                    None => pulled.received.into_iter().find_map(Result::err).map(Error::Refused).map(Failure::from),
                }
            }
            Err(error) => Some(error.into()),
        };
        if let Some(failure) = failure {
            let message = format!("{}: {}", visible(&account.organisation), failure.message);
            trouble = Some(Failure { message, ..failure });
        }
    }
    Ok(trouble)
}

async fn list(authenticator: &Authenticator, printer: &Printer) -> Result<(), Failure> {
    let trouble = pull_all(authenticator, printer).await?;
    printer.list(&authenticator.accounts()?, &authenticator.foreign_codes()?, &authenticator.pending()?)?;
    trouble.map_or(Ok(()), Err)
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
                message: format!("no request of this id waits; see: {}", hint::phone("list")),
            }),
        },
    }
}
