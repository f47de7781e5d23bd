//! How the terminal phone speaks.

use super::hint;
use crate::terminal::{self, Style, visible};
use countersign_device::sentences::{Language, Sentence};
use countersign_device::{Account, AccountState, ForeignCode, Outcome, Past, Prompt};
use countersign_protocol::challenge::Context;
use countersign_protocol::device_api::PushFailure;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::one_time_code::Shown;
use countersign_protocol::revocation::EndReason;
use serde_json::{Value, json};
use std::io::Result;

/// Prints for people, or JSON.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    /// JSON instead of sentences.
    pub json: bool,
    /// Whether the person answers right here, so that no command is needed for it.
    pub asks: bool,
}

/// How an end stands out.
const fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Approved => Style::Green,
        Outcome::Denied | Outcome::WrongNumber => Style::Yellow,
        Outcome::Reported => Style::Red,
        Outcome::AlreadyAnswered | Outcome::AnsweredByCode | Outcome::Expired | Outcome::Cancelled => Style::Plain,
    }
}

/// Cells filled up to the widest of their column, where a person looks at a terminal; elsewhere as they are.
fn in_columns<const N: usize>(rows: &mut [[String; N]]) {
    if terminal::is_looked_at() {
        align(rows);
    }
}

fn align<const N: usize>(rows: &mut [[String; N]]) {
    for column in 0..N.saturating_sub(1) {
        let widest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        for row in rows.iter_mut() {
            let missing = widest - row[column].chars().count();
            row[column].push_str(&" ".repeat(missing));
        }
    }
}

/// The language of the person at this terminal: the first of these variables that is set counts (POSIX.1-2017, section
/// 8.2).
pub fn language() -> Language {
    let variables = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
    chosen(variables)
}

fn chosen(mut locales: impl Iterator<Item = String>) -> Language {
    let set = locales.find(|locale| !locale.is_empty());
    set.and_then(|locale| Language::from_tag(&locale)).unwrap_or(Language::English)
}

/// Why an account is over, and what to do.
pub fn explain_end(reason: EndReason) -> &'static str {
    Sentence::for_end(reason).text(language())
}

/// What an outcome means for the person.
pub fn explain(outcome: Outcome) -> &'static str {
    Sentence::for_outcome(outcome).text(language())
}

/// What a person does about a push that did not get through.
pub fn explain_push(failure: PushFailure) -> &'static str {
    Sentence::for_push_failure(failure).text(language())
}

fn account_json(account: &Account) -> Value {
    let (state, code, end_reason) = match &account.state {
        AccountState::Proposed { confirmation_code } => ("proposed", Some(confirmation_code), None),
        AccountState::Confirmed => ("confirmed", None, None),
        AccountState::Ended { reason } => ("ended", None, Some(reason.as_str())),
    };
    json!({
        "id": account.id, "organisation": account.organisation, "account": account.account,
        "server_url": account.server_url, "device_name": account.device_name, "state": state, "confirmation_code": code,
        "end_reason": end_reason, "clock_offset_ms": account.clock_offset_ms, "clock_was_set": account.clock_was_set,
    })
}

/// `maya at Forge`, as far as a link named them.
pub fn names(code: &ForeignCode) -> String {
    let names = joined(code.issuer.as_deref(), &code.account);
    match &code.group {
        Some(group) => format!("{names} ({})", visible(group)),
        None => names,
    }
}

/// The account at the service, as far as they are known.
pub fn joined(issuer: Option<&str>, account: &str) -> String {
    match (issuer.map(visible), visible(account).as_str()) {
        (Some(issuer), "") => issuer,
        (Some(issuer), account) => format!("{account} at {issuer}"),
        (None, "") => "without a name".to_owned(),
        (None, account) => account.to_owned(),
    }
}

fn foreign_json(code: &ForeignCode) -> Value {
    json!({ "id": code.id, "issuer": code.issuer, "account": code.account, "group": code.group,
            "by_counter": code.shown.is_none() })
}

/// What a person is told whose clock is wrong, or was set; nothing otherwise.
pub fn clock_notice(account: &Account) -> Option<String> {
    if account.clock_was_set {
        return Some(Sentence::CodeClockSet.text(Language::English).to_owned());
    }
    offset_notice(account.clock_offset_ms)
}

/// What a person is told whose clock is wrong; nothing while it hardly is.
fn offset_notice(clock_offset_ms: i64) -> Option<String> {
    let seconds = clock_offset_ms.unsigned_abs() / 1000;
    let amount = match seconds {
        0..=30 => return None,
        31..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86400),
    };
    let direction = if clock_offset_ms > 0 { "behind" } else { "ahead of" };
    Some(format!("This phone's clock is {amount} {direction} the server's; the codes of this account allow for it."))
}

/// `maya at Meridian`, in the words of the language.
fn named(account: &Account) -> String {
    let (name, organisation) = (visible(&account.account), visible(&account.organisation));
    // Only English needs a word between them that is of no other language.
    let between = if language() == Language::English { " at " } else { ", " };
    format!("{name}{between}{organisation}")
}

/// `Account  maya`, as the rows of a question.
fn row(label: Sentence, value: &str) -> [String; 2] {
    row_of(label.text(language()), value)
}

/// A row whose label a relying party wrote.
fn row_of(label: &str, value: &str) -> [String; 2] {
    [format!("  {}", visible(label)), visible(value)]
}

/// In two halves, as people read digits. Steam's characters are read as one word.
pub fn halves(digits: &str) -> String {
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return digits.to_owned();
    }
    digits.split_at_checked(digits.len() / 2).map_or_else(|| digits.to_owned(), |(a, b)| format!("{a} {b}"))
}

fn prompt_json(prompt: &Prompt) -> Value {
    json!({
        "id": prompt.challenge.challenge_id, "relying_party": prompt.challenge.relying_party,
        "organisation": prompt.account.organisation, "account": prompt.challenge.account,
        "purpose": prompt.challenge.purpose, "binding_message": prompt.challenge.binding_message,
        "details": prompt.challenge.details,
        "context": prompt.challenge.context,
        "digits": prompt.challenge.policy.digits(), "seconds_left": prompt.time_left.as_secs(),
        "answering": prompt.answering,
    })
}

/// `Zürich, 198.51.100.7`, as far as it is known.
fn place(context: &Context) -> Option<String> {
    let known: Vec<&str> = [&context.place, &context.ip].into_iter().flatten().map(String::as_str).collect();
    (!known.is_empty()).then(|| known.join(", "))
}

/// `Firefox on Linux`, as far as they are known.
fn browser(context: &Context) -> Option<String> {
    match (&context.browser, &context.system) {
        (Some(browser), Some(system)) => {
            Some(Sentence::QuestionBrowserOnSystem.with(language(), &[("browser", browser), ("system", system)]))
        }
        (one, other) => one.clone().or_else(|| other.clone()),
    }
}

impl Printer {
    /// One JSON object, in a line.
    pub fn value(value: &Value) -> Result<()> {
        Self::line(&terminal::json(value))
    }

    /// One line, or several.
    pub fn line(line: &str) -> Result<()> {
        terminal::print(std::io::stdout(), line)
    }

    /// After an enrolment.
    pub fn enrolled(self, account: &Account) -> Result<()> {
        if self.json {
            return Self::value(&account_json(account));
        }
        Self::line(&named(account))?;
        match &account.state {
            AccountState::Proposed { confirmation_code } => {
                let (first, second) = confirmation_code.split_at(3);
                Self::line(&format!("Type these digits on the page that showed the link: {first} {second}"))
            }
            AccountState::Confirmed => Self::line(Sentence::AccountReady.text(language())),
            AccountState::Ended { reason } => Self::line(explain_end(*reason)),
        }
    }

    /// The accounts and what waits.
    pub fn list(self, accounts: &[Account], codes: &[ForeignCode], pending: &[Prompt]) -> Result<()> {
        if self.json {
            let accounts: Vec<Value> = accounts.iter().map(account_json).collect();
            let pending: Vec<Value> = pending.iter().map(prompt_json).collect();
            let codes: Vec<Value> = codes.iter().map(foreign_json).collect();
            return Self::value(&json!({ "accounts": accounts, "codes": codes, "pending": pending }));
        }
        for code in codes {
            Self::line(&format!("{}  (codes of another service)  {}", names(code), code.id))?;
        }
        if accounts.is_empty() {
            return Self::line(&format!("{} {}", Sentence::AccountNone.text(language()), hint::phone("enrol 'LINK'")));
        }
        let mut rows = Vec::new();
        for account in accounts {
            let state = match &account.state {
                AccountState::Proposed { confirmation_code } => {
                    Sentence::AccountTypeDigits.with(language(), &[("digits", confirmation_code)])
                }
                AccountState::Confirmed => Sentence::AccountReady.text(language()).to_owned(),
                AccountState::Ended { reason } => explain_end(*reason).to_owned(),
            };
            rows.push([named(account), account.id.to_string(), state]);
        }
        in_columns(&mut rows);
        for (row, account) in rows.iter().zip(accounts) {
            Self::line(&row.join("  "))?;
            if let Some(notice) = clock_notice(account) {
                Self::line(&format!("  {notice}"))?;
            }
        }
        if pending.is_empty() {
            return Self::line(Sentence::AccountNothingWaits.text(language()));
        }
        pending.iter().try_for_each(|prompt| self.prompt(prompt))
    }

    /// A request that waits.
    pub fn prompt(self, prompt: &Prompt) -> Result<()> {
        if self.json {
            return Self::value(&prompt_json(prompt));
        }
        let challenge = &prompt.challenge;
        let language = language();
        terminal::print_styled(
            std::io::stdout(),
            Style::Bold,
            &format!("\n{}", Sentence::for_question(challenge.purpose).text(language)),
        )?;
        challenge.purpose.map_or(Ok(()), |purpose| Self::line(Sentence::for_purpose(purpose).text(language)))?;
        Self::line(&format!("  {}", visible(&challenge.relying_party)))?;
        let (place, browser) = (place(&challenge.context), browser(&challenge.context));
        let unknown = Sentence::QuestionNotKnown.text(language);
        let seconds = prompt.time_left.as_secs().to_string();
        let left = Sentence::QuestionSecondsLeft.with(language, &[("seconds", &seconds)]);
        let mut rows = vec![row(Sentence::QuestionAccount, &challenge.account)];
        rows.extend(challenge.binding_message.as_deref().map(|text| row(Sentence::QuestionForWhat, text)));
        rows.extend(challenge.details.iter().map(|detail| row_of(&detail.label, &detail.value)));
        rows.push(row(Sentence::QuestionPlace, place.as_deref().unwrap_or(unknown)));
        rows.push(row(Sentence::QuestionBrowser, browser.as_deref().unwrap_or(unknown)));
        rows.push(row(Sentence::QuestionTimeLeft, &left));
        align(&mut rows);
        for row in rows {
            Self::line(&row.join("  "))?;
        }
        if self.asks {
            return Ok(());
        }
        let id = challenge.challenge_id;
        let number = if challenge.policy.digits().is_some() { " --number THE-NUMBER-ON-THE-PAGE" } else { "" };
        let answers = [
            (Sentence::QuestionYes, format!("approve {id}{number}")),
            (Sentence::QuestionNo, format!("deny {id}")),
            (Sentence::QuestionThisWasNotMe, format!("report {id}")),
        ];
        for (answer, command) in answers {
            Self::line(&format!("  {}: {}", answer.text(language), hint::phone(&command)))?;
        }
        Ok(())
    }

    /// A prompt is over before it was answered here.
    pub fn over(self, past: &Past) -> Result<()> {
        let id = past.challenge.challenge_id;
        if self.json {
            return Self::value(&json!({ "id": id, "outcome": past.outcome.as_str() }));
        }
        Self::line(&format!("{}: {}", visible(&past.challenge.relying_party), explain(past.outcome)))
    }

    /// The one-time code of this moment.
    pub fn code(self, account: &Account, shown: &Shown) -> Result<()> {
        let Shown { code, seconds_left, next } = shown;
        if self.json {
            let offset = account.clock_offset_ms;
            let value = json!({
                "code": code, "seconds_left": seconds_left, "next": next, "clock_offset_ms": offset,
                "clock_was_set": account.clock_was_set,
            });
            return Self::value(&value);
        }
        Self::line(&format!("{}   {seconds_left} s left, then {}", halves(code), halves(next)))?;
        clock_notice(account).map_or(Ok(()), |notice| Self::line(&notice))
    }

    /// How an answer ended.
    pub fn outcome(self, id: ChallengeId, outcome: Outcome) -> Result<()> {
        if self.json {
            return Self::value(&json!({ "id": id, "outcome": outcome.as_str() }));
        }
        match outcome {
            Outcome::Approved | Outcome::Denied | Outcome::Reported => {
                terminal::print_styled(std::io::stdout(), style(outcome), explain(outcome))
            }
            // The failure that follows says it.
            Outcome::WrongNumber
            | Outcome::AlreadyAnswered
            | Outcome::AnsweredByCode
            | Outcome::Expired
            | Outcome::Cancelled => Ok(()),
        }
    }

    /// Past requests.
    pub fn history(self, past: &[Past]) -> Result<()> {
        if self.json {
            let row = |one: &Past| {
                json!({
                    "id": one.challenge.challenge_id, "relying_party": one.challenge.relying_party,
                    "account": one.challenge.account,
                    "asked_at": countersign_server::domain::moment::rfc3339(one.challenge.asked_at()),
                    "outcome": one.outcome.as_str(),
                })
            };
            return Self::value(&past.iter().map(row).collect());
        }
        if past.is_empty() {
            return Self::line(Sentence::AccountNoHistory.text(language()));
        }
        let row = |one: &Past| {
            let asked_at = countersign_server::domain::moment::rfc3339(one.challenge.asked_at());
            let (relying_party, account) = (visible(&one.challenge.relying_party), visible(&one.challenge.account));
            let id = one.challenge.challenge_id.to_string();
            [id, asked_at, relying_party, account, explain(one.outcome).to_owned()]
        };
        let mut rows: Vec<_> = past.iter().map(row).collect();
        in_columns(&mut rows);
        for (row, one) in rows.iter().zip(past) {
            terminal::print_styled(std::io::stdout(), style(one.outcome), &row.join("  "))?;
        }
        Ok(())
    }

    /// An account was removed.
    pub fn removed(self, account: &Account) -> Result<()> {
        if self.json {
            return Self::value(&json!({ "id": account.id, "removed": true }));
        }
        Self::line(&format!("Removed {}.", named(account)))
    }

    /// Watching begins.
    pub fn watching(self, accounts: &[Account]) -> Result<()> {
        if self.json {
            return Ok(());
        }
        Self::line(&format!("Watching {} account(s). Stop with Ctrl-C.", accounts.len()))
    }

    /// Something does not work now, and watching goes on.
    pub fn trouble(self, what: &str) -> Result<()> {
        terminal::print(std::io::stderr(), &format!("countersign: {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_told_in_words() {
        let notice = |seconds: i64| offset_notice(seconds * 1000).unwrap_or_default();
        assert_eq!([0, 30, -30].map(notice), [""; 3]);
        assert_eq!(
            notice(660),
            "This phone's clock is 11 minutes behind the server's; the codes of this account allow for it."
        );
        for (seconds, words) in [
            (31, "31 seconds behind"),
            (-119, "119 seconds ahead of"),
            (-7300, "2 hours ahead of"),
            (200_000, "2 days"),
        ] {
            assert!(notice(seconds).contains(words), "{}", notice(seconds));
        }
        assert!(offset_notice(i64::MIN).is_some());
    }

    #[test]
    fn the_first_locale_that_is_set_names_the_language() {
        let language = |locales: [&str; 3]| chosen(locales.into_iter().map(str::to_owned));
        assert_eq!(language(["", "", "fr_CH.UTF-8"]), Language::French);
        assert_eq!(language(["C", "de_DE.UTF-8", "fr_FR.UTF-8"]), Language::English);
        assert_eq!(language(["", "it_IT", "pt_BR"]), Language::Italian);
        assert_eq!(language(["", "", ""]), Language::English);
    }

    #[test]
    fn digits_are_read_in_halves() {
        assert_eq!(["123456", "1234567", "12345678"].map(halves), ["123 456", "123 4567", "1234 5678"]);
        assert_eq!(halves("2YXGV"), "2YXGV", "a word of Steam");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_the_last_is_left_as_it_is() {
        let mut rows = [["maya".to_owned(), "x".to_owned()], ["zoë".to_owned(), "yy".to_owned()]];
        align(&mut rows);
        assert_eq!(rows.map(|row| row.join("|")), ["maya|x", "zoë |yy"]);
    }
}
