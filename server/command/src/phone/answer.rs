//! A question that is answered where it is shown: `watch` asks in the terminal, with the person at the keyboard.

use super::hint;
use super::show::{Printer, explain};
use crate::failure::Failure;
use crate::terminal::visible;
use countersign_device::{Authenticator, Outcome, Prompt};
use countersign_protocol::handle::ChallengeId;
use std::io::IsTerminal;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long what is typed is not taken when another question has come, so that nothing answers what nobody has read.
const REST: Duration = Duration::from_millis(1500);

/// What a person typed below a question.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Yes,
    Number(String),
    No,
    NotMe,
    Other,
}

fn read(line: &str) -> Typed {
    let word = line.trim().to_lowercase();
    match word.as_str() {
        // The words of the five languages, and their first letters.
        "y" | "yes" | "oui" | "o" | "ja" | "j" | "sì" | "si" | "sí" | "s" => Typed::Yes,
        "n" | "no" | "non" | "nein" => Typed::No,
        "r" | "report" => Typed::NotMe,
        number if !number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit() || digit == ' ') => {
            Typed::Number(number.replace(' ', ""))
        }
        _ => Typed::Other,
    }
}

/// The keyboard, and the question that it answers.
pub struct Keyboard {
    lines: mpsc::Receiver<String>,
    asked: Option<(ChallengeId, Instant)>,
}

impl Keyboard {
    /// The keyboard, when a person sits at this terminal and reads sentences.
    pub fn of_person(printer: Printer) -> Option<Self> {
        let sits_here = !printer.json && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        sits_here.then(|| {
            let (sender, lines) = mpsc::channel(1);
            // A thread of its own, which the end of the program does not wait for.
            std::thread::spawn(move || {
                for line in std::io::stdin().lines().map_while(Result::ok) {
                    if sender.blocking_send(line).is_err() {
                        return;
                    }
                }
            });
            Self { lines, asked: None }
        })
    }

    /// The next line; never, once there is nothing more to read.
    pub async fn line(&mut self) -> String {
        match self.lines.recv().await {
            Some(line) => line,
            None => std::future::pending().await,
        }
    }

    /// Asks the oldest question that waits, unless it is asked already.
    pub fn ask(&mut self, authenticator: &Authenticator) -> Result<(), Failure> {
        let pending = authenticator.pending()?;
        let asked = self.asked.map(|(id, _)| id);
        if pending.iter().any(|prompt| Some(prompt.challenge.challenge_id) == asked) {
            return Ok(());
        }
        self.asked = pending.first().map(|prompt| (prompt.challenge.challenge_id, Instant::now()));
        match pending.first() {
            Some(prompt) => Ok(Printer::line(&question(prompt, pending.len() > 1))?),
            None => Ok(()),
        }
    }

    /// Takes what was typed as the answer to the question that was asked.
    pub async fn take(&mut self, authenticator: &Authenticator, line: &str) -> Result<(), Failure> {
        let Some((id, since)) = self.asked else { return Ok(()) };
        let pending = authenticator.pending()?;
        let Some(prompt) = pending.iter().find(|prompt| prompt.challenge.challenge_id == id) else {
            return self.ask(authenticator);
        };
        if since.elapsed() < REST {
            return Ok(Printer::line("That was too quick to be about this question. Type the answer again.")?);
        }
        let digits = prompt.challenge.policy.digits();
        let answered = match (read(line), digits) {
            (Typed::No, _) => authenticator.deny(id).await,
            (Typed::NotMe, _) => authenticator.report(id).await,
            (Typed::Yes, None) => authenticator.approve(id, None).await,
            (Typed::Number(number), Some(digits)) if number.len() == usize::from(digits) => {
                authenticator.approve(id, Some(&number)).await
            }
            _ => return Ok(Printer::line(&question(prompt, false))?),
        };
        match answered {
            Ok(outcome) => said(outcome)?,
            Err(error) => Printer::line(&Failure::from(error).message)?,
        }
        self.ask(authenticator)
    }
}

fn said(outcome: Outcome) -> std::io::Result<()> {
    Printer::line(explain(outcome))
}

fn question(prompt: &Prompt, one_of_several: bool) -> String {
    let which = if one_of_several { format!(" ({})", visible(&prompt.challenge.relying_party)) } else { String::new() };
    let yes = match prompt.challenge.policy.digits() {
        Some(digits) => format!("the {digits} digits that the page shows for YES"),
        None => "y for YES".to_owned(),
    };
    format!("Answer{which}: {yes}, n for NO, r for “this was not me”.")
}

/// What a request that was answered before says to another answer, and what to do then.
pub fn contradiction(id: ChallengeId, wanted: Outcome, stands: Outcome) -> Option<String> {
    match (wanted, stands) {
        (Outcome::Denied, Outcome::Approved) => Some(format!(
            "this request was already answered YES; if it was not you: {}",
            hint::phone(&format!("report {id}"))
        )),
        (Outcome::Approved, Outcome::Denied) => {
            Some("this request was already answered NO; if you want in, start the sign-in again".to_owned())
        }
        (Outcome::Approved, Outcome::Reported) => {
            Some("this request was already reported as not yours; if you want in, start the sign-in again".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_an_answer_or_nothing() {
        for yes in ["y", "YES", " Oui ", "ja", "sì", "SÍ"] {
            assert_eq!(read(yes), Typed::Yes, "{yes}");
        }
        for no in ["n", "No", "non", "NEIN"] {
            assert_eq!(read(no), Typed::No, "{no}");
        }
        assert_eq!(read("12 34 56"), Typed::Number("123456".into()));
        for other in ["", "  ", "yess", "12a", "\u{1b}[A"] {
            assert_eq!(read(other), Typed::Other, "{other:?}");
        }
    }

    #[test]
    fn another_answer_than_the_one_that_stands_is_a_contradiction() {
        let id = ChallengeId::from_bytes([7; 16]);
        let said = |wanted, stands| contradiction(id, wanted, stands).unwrap_or_default();
        assert!(said(Outcome::Denied, Outcome::Approved).contains(&format!("phone report {id}")));
        assert!(said(Outcome::Approved, Outcome::Denied).contains("already answered NO"));
        assert!(said(Outcome::Approved, Outcome::Reported).contains("already reported"));
        for same in [Outcome::Approved, Outcome::Denied, Outcome::Reported] {
            assert_eq!(contradiction(id, same, same), None);
        }
        assert_eq!(contradiction(id, Outcome::Denied, Outcome::Reported), None, "a report is a NO and more");
    }
}
