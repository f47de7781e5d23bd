//! `countersign phone watch`: every account is asked side by side, and each request is shown once. What stands between
//! this phone and a server may answer rubbish, cut, or be gone for an hour: that is said once, and asking goes on.

use super::answer::Keyboard;
use super::held::{living, no_account, print_past, unsigned_end};
use super::show::{self, Printer};
use crate::failure::Failure;
use crate::terminal::visible;
use countersign_device::{Account, Authenticator, Pulled, Received};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// How long a pull is parked, in seconds. Proxies cut a request that is answered later, commonly after 30, 50 or 60.
const WAIT: u32 = 25;
/// The shortest that a parked pull becomes where something cuts it earlier, in seconds.
const SHORTEST_WAIT: u32 = 5;
/// How long watching rests after the first failure; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest that watching rests.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Pulls every account side by side, and shows each request once. The end of one account does not end the others.
pub async fn watch(authenticator: Arc<Authenticator>, printer: Printer) -> Result<(), Failure> {
    let stop_signal = countersign_server::runtime::serve::stop_signal();
    tokio::pin!(stop_signal);
    let accounts = living(&authenticator)?;
    if accounts.is_empty() {
        return Err(no_account());
    }
    let mut keyboard = Keyboard::of_person(printer);
    let printer = Printer { asks: keyboard.is_some(), ..printer };
    printer.watching(&accounts)?;
    for prompt in authenticator.pending()? {
        printer.prompt(&prompt)?;
    }
    // Notified when a question was shown or taken back.
    let shown = Arc::new(Notify::new());
    let mut watchers = JoinSet::new();
    for account in accounts {
        watchers.spawn(watch_account(Arc::clone(&authenticator), account, printer, Arc::clone(&shown)));
    }
    let mut result = Ok(());
    loop {
        if let Some(keyboard) = &mut keyboard {
            keyboard.ask(&authenticator)?;
        }
        let ended = tokio::select! {
            () = &mut stop_signal => return Ok(()),
            () = shown.notified() => continue,
            line = typed(&mut keyboard) => {
                if let Some(keyboard) = &mut keyboard {
                    keyboard.take(&authenticator, &line).await?;
                }
                continue;
            }
            ended = watchers.join_next() => ended,
        };
        match ended {
            None => return result,
            Some(Ok(Err(failure))) => {
                if !watchers.is_empty() {
                    printer.trouble(&failure.message)?;
                }
                result = Err(failure);
            }
            Some(_) => {}
        }
    }
}

/// What the person types; never, where nobody does.
async fn typed(keyboard: &mut Option<Keyboard>) -> String {
    match keyboard {
        Some(keyboard) => keyboard.line().await,
        None => std::future::pending().await,
    }
}

async fn watch_account(
    authenticator: Arc<Authenticator>,
    account: Account,
    printer: Printer,
    shown: Arc<Notify>,
) -> Result<(), Failure> {
    let organisation = visible(&account.organisation);
    let mut patience = Patience::default();
    loop {
        let wait = patience.wait();
        match authenticator.pull(account.id, wait).await {
            Ok(pulled) => {
                if patience.heard(wait) {
                    printer.trouble(&format!("{organisation}: the server answers again"))?;
                }
                if let Some(reason) = pulled.ended {
                    return printer.trouble(show::explain_end(reason)).map_err(Failure::from);
                }
                let refused = show_received(&authenticator, printer, pulled)?;
                shown.notify_one();
                if refused {
                    // The server brings at once again what was refused.
                    tokio::time::sleep(FIRST_PAUSE).await;
                }
            }
            Err(error) if error.is_temporary() => {
                let (pause, is_news) = patience.not_heard(wait);
                if is_news {
                    let error = visible(&error.to_string());
                    printer.trouble(&format!("{organisation}: {error}; it is asked again until it answers"))?;
                }
                tokio::time::sleep(pause).await;
            }
            Err(error) => {
                let failure = Failure::from(error);
                return Err(Failure { message: format!("{organisation}: {}", failure.message), ..failure });
            }
        }
    }
}

/// Shows what a pull has brought; true when any of it was refused, or is to be said again by the server at once.
fn show_received(authenticator: &Authenticator, printer: Printer, pulled: Pulled) -> Result<bool, Failure> {
    let unsigned = unsigned_end(&pulled);
    let mut refused = unsigned.is_some();
    if let Some(failure) = unsigned {
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
            Ok(Received::Retracted(challenge)) => print_past(authenticator, printer, challenge)?,
            Ok(Received::Known(_)) => {}
            Err(refusal) => {
                refused = true;
                printer.trouble(&format!("a message was refused: {refusal}"))?;
            }
        }
    }
    Ok(refused)
}

/// How an account's server is asked, by how it was heard so far.
struct Patience {
    /// How long the next pull is parked, in seconds, when the server is heard.
    longest_wait: u32,
    /// How often in a row it was not heard.
    failures: u32,
    /// Whether the person was told so, and nothing better since.
    told: bool,
}

impl Default for Patience {
    fn default() -> Self {
        Self { longest_wait: WAIT, failures: 0, told: false }
    }
}

impl Patience {
    /// For how many seconds the next pull is parked: none right after a failure, so that what waits is brought also
    /// where every parked pull is cut.
    const fn wait(&self) -> u32 {
        if self.failures == 0 { self.longest_wait } else { 0 }
    }

    /// The server was heard; true when that is news. Only a pull that was parked shows that nothing cuts it any more.
    const fn heard(&mut self, wait: u32) -> bool {
        self.failures = 0;
        let is_news = self.told && wait > 0;
        self.told = self.told && wait == 0;
        is_news
    }

    /// The server was not heard: how long to rest, and whether that is news. Where parked pulls are cut, the next ones
    /// are parked for half as long.
    fn not_heard(&mut self, wait: u32) -> (Duration, bool) {
        if wait > 0 {
            self.longest_wait = (self.longest_wait / 2).max(SHORTEST_WAIT);
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        (pause, !std::mem::replace(&mut self.told, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_and_asked_again_ever_more_rarely() {
        let mut patience = Patience::default();
        assert_eq!(patience.wait(), 25, "below what proxies cut at");
        let mut rests = Vec::new();
        for failure in 0..8 {
            let (pause, is_news) = patience.not_heard(patience.wait());
            assert_eq!(is_news, failure == 0);
            assert_eq!(patience.wait(), 0, "the next one is not parked");
            rests.push(pause.as_secs());
        }
        assert_eq!(rests, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert!(!patience.heard(0), "a pull that was not parked does not show that none is cut");
        assert_eq!(patience.wait(), 12);
        assert!(patience.heard(12));
        assert!(!patience.heard(12), "told once");
        assert_eq!(patience.not_heard(12), (FIRST_PAUSE, true), "the next outage is news again");
    }

    #[test]
    fn where_parked_pulls_are_cut_they_become_shorter_and_it_is_told_once() {
        // A proxy that cuts after 6 seconds.
        let mut patience = Patience::default();
        let mut told = 0;
        for _ in 0..20 {
            let wait = patience.wait();
            if wait > 6 {
                told += u32::from(patience.not_heard(wait).1);
            } else {
                patience.heard(wait);
            }
        }
        assert_eq!((patience.wait(), told), (6, 1));
    }
}
