//! The codes of the terminal phone: those of its accounts beside those of other services.

use super::code_files;
use super::held::{no_account, only_match};
use super::hint;
use super::show::{self, Printer, halves, joined, language, names};
use crate::failure::Failure;
use crate::terminal::visible;
use clap::Args;
use countersign_device::sentences::Sentence;
use countersign_device::{Account, Authenticator, Error, ForeignCode, OfferedCode, Standing};
use countersign_protocol::one_time_code::Shown;
use countersign_protocol::otpauth::{self, Found, LinkRefusal, NotTaken, Part, Taken, Warning};
use serde_json::{Value, json};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What is said of the codes of other services where the clock of this phone is wrong: nobody corrects it for them.
const WRONG_CLOCK: &str = "Codes of other services go by this phone's clock, and may be refused until it is set right.";

/// What the help of `add` says at its end.
pub const ADD_HELP: &str = "A link on a command line can be seen by others on this machine while the command runs, and \
stays in the shell's\nhistory. Give - in its place to read it from standard input: countersign phone add - < FILE\n\n\
What is read: otpauth links for codes by time, by counter and of Steam, one or several, one a line; the accounts that\n\
Google Authenticator exports; a key alone, with --issuer and --account; and files: the exports of Aegis, 2FAS and\n\
Ente Auth, encrypted or not, FIDO's Credential Exchange Format, and what export-codes writes. The password of an\n\
encrypted file is asked for in the terminal, or read from --password-file.";

/// What to add.
#[derive(Args)]
pub struct Add {
    /// The otpauth link, the export of Google Authenticator, the key, or a file; - reads it from standard input
    #[arg(allow_hyphen_values = true)]
    link: String,
    /// A file whose first line is the password of an encrypted file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The name of the service, in place of the one in the link
    #[arg(long)]
    issuer: Option<String>,
    /// The name of the account there, in place of the one in the link
    #[arg(long)]
    account: Option<String>,
    /// Say what would be added, and add nothing
    #[arg(long)]
    preview: bool,
}

impl std::fmt::Debug for Add {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Add")
    }
}

/// What to rename.
#[derive(Debug, Args)]
pub struct Rename {
    /// The code, or the first characters of its id
    #[arg(allow_hyphen_values = true)]
    id: String,
    /// The name of the service
    #[arg(long)]
    issuer: Option<String>,
    /// The name of the account there
    #[arg(long)]
    account: Option<String>,
    /// The group in which to keep it; an empty name takes it out of its group
    #[arg(long)]
    group: Option<String>,
}

/// In which order to keep the codes.
#[derive(Debug, Args)]
pub struct Arrange {
    /// The codes that come first, or the first characters of their ids
    #[arg(required = true, value_name = "ID", allow_hyphen_values = true)]
    ids: Vec<String>,
}

/// What makes codes on this phone.
pub enum Held {
    Account(Account),
    Foreign(ForeignCode),
}

/// The account, or the code of another service, whose id starts like this.
pub fn find(authenticator: &Authenticator, start: &str) -> Result<Held, Failure> {
    let accounts =
        authenticator.accounts()?.into_iter().map(|account| (account.id.to_string(), Held::Account(account)));
    let codes = authenticator.foreign_codes()?.into_iter().map(|code| (code.id.to_string(), Held::Foreign(code)));
    let mut held: Vec<(String, Held)> = accounts.chain(codes).collect();
    let id = only_match(held.iter().map(|(id, _)| id.clone()), start, "account")?;
    let at = held.iter().position(|(held, _)| Some(held) == id.as_ref());
    at.map(|at| held.swap_remove(at).1).ok_or_else(|| Failure {
        exit_code: 3,
        message: format!("no account of this id is on this phone; see: {}", hint::phone("list")),
    })
}

/// Shows the codes of other services in whose names these words are.
pub fn search(authenticator: &Authenticator, printer: Printer, words: &str) -> Result<(), Failure> {
    let codes = authenticator.find_foreign_codes(words)?;
    if codes.is_empty() {
        let message = "no code of another service has these words in its names".into();
        return Err(Failure { exit_code: 3, message });
    }
    Ok(printer.codes(&[], &codes, clock_is_wrong(&authenticator.accounts()?))?)
}

/// Puts the codes of other services into another order.
pub fn arrange(authenticator: &Authenticator, printer: Printer, options: &Arrange) -> Result<(), Failure> {
    let mut order = Vec::new();
    for id in &options.ids {
        let Held::Foreign(code) = find(authenticator, id)? else {
            return Err(Failure { exit_code: 3, message: "only codes of other services have an order".into() });
        };
        order.push(code.id);
    }
    authenticator.arrange_foreign_codes(&order)?;
    Ok(printer.codes(&[], &authenticator.foreign_codes()?, clock_is_wrong(&authenticator.accounts()?))?)
}

/// Shows one code, or all. A code by counter serves once, so it is made only when it is named.
pub fn show(authenticator: &Authenticator, printer: Printer, id: Option<&str>) -> Result<(), Failure> {
    if let Some(id) = id {
        return match find(authenticator, id)? {
            Held::Account(account) => Ok(printer.code(&account, &authenticator.code(account.id)?)?),
            Held::Foreign(ForeignCode { shown: Some(shown), .. }) => {
                Ok(printer.foreign_code(&shown, clock_is_wrong(&authenticator.accounts()?))?)
            }
            Held::Foreign(code) => Ok(printer.counted_code(&authenticator.next_foreign_code(code.id)?)?),
        };
    }
    let (mut accounts, codes) = (authenticator.accounts()?, authenticator.foreign_codes()?);
    let wrong_clock = clock_is_wrong(&accounts);
    if codes.is_empty() && accounts.len() < 2 {
        let account = accounts.pop().ok_or_else(no_account)?;
        return Ok(printer.code(&account, &authenticator.code(account.id)?)?);
    }
    let mut ours = Vec::new();
    for account in accounts {
        match authenticator.code(account.id) {
            Ok(shown) => ours.push((account, shown)),
            // It is over, or came from a server without codes: the list of accounts says so.
            Err(Error::NoCodes | Error::UnknownAccount) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(printer.codes(&ours, &codes, wrong_clock)?)
}

/// True when the servers of the accounts know that the clock of this phone is wrong, by which the codes of other
/// services are made.
fn clock_is_wrong(accounts: &[Account]) -> bool {
    accounts.iter().any(|account| show::clock_notice(account).is_some())
}

/// Reads what was given, and adds the codes in it.
pub fn add(authenticator: &Authenticator, printer: Printer, options: &Add) -> Result<(), Failure> {
    let Found { taken, not_taken, part } = read(options)?;
    let offered =
        if options.preview { authenticator.preview_codes(&taken)? } else { authenticator.add_codes(&taken)? };
    printer.added(&offered, &not_taken, part, options.preview)?;
    if not_taken.is_empty() {
        return Ok(());
    }
    let message = format!("{} of {} could not be added", not_taken.len(), not_taken.len() + offered.len());
    Err(Failure { exit_code: 3, message })
}

/// What was given on the command line, or is in the file that it names or on standard input.
fn read(options: &Add) -> Result<Found, Failure> {
    let (issuer, account) = (options.issuer.as_deref(), options.account.as_deref());
    let named = issuer.is_some() || account.is_some();
    let (text, found) = match code_files::bytes_of(&options.link)? {
        Some(file) => {
            let found = code_files::read(&file, options.password_file.as_deref())?;
            (Zeroizing::new(String::from_utf8_lossy(&file).into_owned()), found)
        }
        None => (Zeroizing::new(options.link.clone()), otpauth::read(&options.link)),
    };
    let mut found = match found {
        Err(LinkRefusal::BareKey) if named => {
            let key = otpauth::read_key(&text, issuer, account.unwrap_or_default());
            return Ok(Found { taken: vec![key.map_err(|why| refused(&why))?], ..Found::default() });
        }
        found => found.map_err(|why| refused(&why))?,
    };
    if named {
        let [Taken { link, .. }] = &mut found.taken[..] else {
            let message = "--issuer and --account name one code, and there are several".into();
            return Err(Failure { exit_code: 2, message });
        };
        *link = link.renamed(issuer.or(link.issuer()), account.unwrap_or(link.account()));
    }
    Ok(found)
}

/// A link that is refused, in the words that every app shows.
pub fn refused(why: &LinkRefusal) -> Failure {
    let mut message = Sentence::told(why, language());
    if *why == LinkRefusal::BareKey {
        message.push_str(" (countersign phone add KEY --issuer SERVICE --account NAME)");
    }
    Failure { exit_code: 3, message }
}

/// Renames the code of another service.
pub fn rename(authenticator: &Authenticator, printer: Printer, options: &Rename) -> Result<(), Failure> {
    let Held::Foreign(code) = find(authenticator, &options.id)? else {
        let message = "the names of an account are its server's: only codes of other services are renamed".into();
        return Err(Failure { exit_code: 3, message });
    };
    let issuer = options.issuer.as_deref().or(code.issuer.as_deref());
    let account = options.account.as_deref().unwrap_or(&code.account);
    let (issuer, account) = authenticator.rename_foreign_code(code.id, issuer, account)?;
    let group = match &options.group {
        Some(group) => authenticator.group_foreign_code(code.id, Some(group))?,
        None => code.group,
    };
    Ok(printer.renamed(&ForeignCode { issuer, account, group, ..code })?)
}

/// Removes the code of another service.
pub fn remove(authenticator: &Authenticator, printer: Printer, code: &ForeignCode) -> Result<(), Failure> {
    authenticator.remove_foreign_code(code.id)?;
    Ok(printer.foreign_removed(code)?)
}

impl Printer {
    fn foreign_code(self, shown: &Shown, wrong_clock: bool) -> std::io::Result<()> {
        let Shown { code, seconds_left, next } = shown;
        if self.json {
            let value = json!({ "code": code, "seconds_left": seconds_left, "next": next, "wrong_clock": wrong_clock });
            return Self::value(&value);
        }
        Self::line(&line(shown))?;
        if wrong_clock { Self::line(WRONG_CLOCK) } else { Ok(()) }
    }

    fn counted_code(self, code: &str) -> std::io::Result<()> {
        if self.json {
            return Self::value(&json!({ "code": code, "by_counter": true }));
        }
        Self::line(&format!("{}   serves once", halves(code)))
    }

    /// All codes that change by time, and how to have those that do not.
    fn codes(self, ours: &[(Account, Shown)], foreign: &[ForeignCode], wrong_clock: bool) -> std::io::Result<()> {
        if self.json {
            let row = |id: Value, service: Option<&str>, account: &str, group: Option<&str>, shown: Option<&Shown>| {
                json!({
                    "id": id, "service": service, "account": account, "group": group,
                    "code": shown.map(|shown| &shown.code),
                    "seconds_left": shown.map(|shown| shown.seconds_left), "next": shown.map(|shown| &shown.next),
                    "by_counter": shown.is_none(),
                })
            };
            let ours = ours.iter().map(|(account, shown)| {
                row(json!(account.id), Some(&account.organisation), &account.account, None, Some(shown))
            });
            let foreign = foreign.iter().map(|code| {
                let (issuer, group) = (code.issuer.as_deref(), code.group.as_deref());
                row(json!(code.id), issuer, &code.account, group, code.shown.as_ref())
            });
            let codes: Vec<Value> = ours.chain(foreign).collect();
            return Self::value(&json!({ "codes": codes, "wrong_clock": wrong_clock }));
        }
        for (account, shown) in ours {
            Self::line(&format!(
                "{}   {} at {}",
                line(shown),
                visible(&account.account),
                visible(&account.organisation)
            ))?;
            show::clock_notice(account).map_or(Ok(()), |notice| Self::line(&notice))?;
        }
        for code in foreign {
            match &code.shown {
                Some(shown) => Self::line(&format!("{}   {}", line(shown), names(code)))?,
                None => {
                    let next = hint::phone(&format!("code {}", code.id));
                    Self::line(&format!("by counter: {next}   {}", names(code)))?;
                }
            }
        }
        if wrong_clock && !foreign.is_empty() { Self::line(WRONG_CLOCK) } else { Ok(()) }
    }

    /// What was added, or would be.
    fn added(
        self,
        offered: &[OfferedCode],
        not_taken: &[NotTaken],
        part: Option<Part>,
        preview: bool,
    ) -> std::io::Result<()> {
        let told = |why: &LinkRefusal| Sentence::told(why, language());
        if self.json {
            let codes = offered.iter().map(|one| {
                json!({
                    "id": (!preview || one.standing == Standing::Known).then_some(one.id), "issuer": one.issuer,
                    "account": one.account, "group": one.group, "by_counter": one.by_counter,
                    "standing": one.standing.as_str(),
                    "warnings": one.warnings.iter().copied().map(Warning::code).collect::<Vec<_>>(),
                })
            });
            let refused = not_taken
                .iter()
                .map(|one| json!({ "name": one.name, "reason": one.why.code(), "message": told(&one.why) }));
            return Self::value(&json!({
                "codes": codes.collect::<Vec<Value>>(), "not_taken": refused.collect::<Vec<Value>>(),
                "part": part.map(|part| json!({ "number": part.number, "of": part.of })), "preview": preview,
            }));
        }
        for one in offered {
            let names = joined(one.issuer.as_deref(), &one.account);
            match (one.standing, preview) {
                (Standing::Known, _) => Self::line(&format!("{names} is on this phone already."))?,
                (_, true) => Self::line(&format!("{names} would be added."))?,
                (_, false) => Self::line(&format!("Added {names}  {}", one.id))?,
            }
            if one.standing == Standing::SameNames {
                Self::line("  Another code has the same names. Both are kept: rename or remove one of them.")?;
            }
            for warning in &one.warnings {
                Self::line(&format!("  {}", Sentence::for_warning(*warning).text(language())))?;
            }
        }
        for one in not_taken {
            let name = if one.name.is_empty() { "without a name".to_owned() } else { visible(&one.name) };
            Self::line(&format!("Not added, {name}: {}", told(&one.why)))?;
        }
        if let Some(Part { number, of }) = part {
            Self::line(&format!("This is part {number} of {of}: add the other parts too."))?;
        }
        Ok(())
    }

    fn renamed(self, code: &ForeignCode) -> std::io::Result<()> {
        if self.json {
            return Self::value(&json!({
                "id": code.id, "issuer": code.issuer, "account": code.account, "group": code.group
            }));
        }
        Self::line(&format!("Renamed: {}", names(code)))
    }

    fn foreign_removed(self, code: &ForeignCode) -> std::io::Result<()> {
        if self.json {
            return Self::value(&json!({ "id": code.id, "removed": true }));
        }
        Self::line(&format!("Removed {}.", names(code)))
    }
}

/// `123 456   17 s left, then 654 321`.
fn line(shown: &Shown) -> String {
    let Shown { code, seconds_left, next } = shown;
    format!("{}   {seconds_left:>2} s left, then {}", halves(code), halves(next))
}
