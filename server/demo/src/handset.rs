//! A phone of the demo: the same core as in a phone, a receiver of encrypted pushes on loopback, and buttons behind
//! HTTP.

mod arrivals;

use super::network::{Network, Pushes};
use super::said::{Notice, Refusal, Said, Tone, failed};
use super::screen::{AccountShown, CodeShown, PastShown, PromptShown, Screen};
use super::tour::{Tour, TourStep};
use super::trace::Trace;
use crate::changes::Changes;
use crate::error::DemoError;
use arrivals::Came;
use axum::Router;
use axum::routing;
use countersign_device::sentences::Sentence;
use countersign_device::{AccountState, Authenticator, Error, Outcome, Past, Prompt, Pulled, Received};
use countersign_protocol::device_api::EnrolmentState;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a pull is parked, in seconds.
const PULL_WAIT: u32 = 25;
/// How long a phone rests after a server that could not be reached, or whose message was refused.
const PAUSE: Duration = Duration::from_secs(3);
/// How many past requests the phone shows.
const HISTORY_LENGTH: u32 = 20;
/// The most messages that wait for an offline phone.
const MOST_HELD: usize = 32;

#[derive(Default)]
struct HandsetState {
    notice: Option<Notice>,
    opened: Option<ChallengeId>,
    /// The questions that the person has not been told the end of.
    asked: HashSet<ChallengeId>,
    /// The questions that a push has brought.
    by_push: HashSet<ChallengeId>,
    /// The accounts for which a pull is parked.
    attended: HashSet<EnrolmentId>,
    /// What came while the phone was offline, as a push service keeps it.
    held: Vec<Vec<u8>>,
}

pub(super) struct Handset {
    number: u8,
    authenticator: Authenticator,
    network: Arc<Network>,
    pushes: Arc<Pushes>,
    state: Mutex<HandsetState>,
    trace: Trace,
    tour: Tour,
    changes: Changes,
}

impl Handset {
    /// Opens phone `number`, 1 or 2, whose store is in `directory`.
    pub async fn open(
        number: u8,
        directory: &Path,
        (trace, tour): (Trace, Tour),
        changes: Changes,
    ) -> Result<Arc<Self>, DemoError> {
        let network = Arc::new(Network::new(number, trace.clone())?);
        let pushes = Arc::new(Pushes::new());
        let transport = Arc::clone(&network);
        let authenticator = countersign_desktop::open(directory, transport, Some(Arc::clone(&pushes) as Arc<_>))?;
        let state = Mutex::default();
        let handset = Arc::new(Self { number, authenticator, network, pushes, state, trace, tour, changes });
        handset.listen().await?;
        Ok(handset)
    }

    async fn listen(self: &Arc<Self>) -> Result<(), DemoError> {
        let handset = Arc::clone(self);
        let router = |path: &str| Router::new().route(path, routing::post(arrivals::take_push)).with_state(handset);
        self.pushes.listen(router).await
    }

    fn state(&self) -> MutexGuard<'_, HandsetState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notice(&self, notice: Notice) {
        self.state().notice = Some(notice);
        self.changes.notify();
    }

    fn note(&self, said: impl Into<Said>) {
        self.notice(Notice::note(said));
    }

    /// The help desk let prompts through again, so what the phone said of its report is true no more.
    pub fn prompts_resumed(&self) {
        let mut state = self.state();
        if state.notice.as_ref().is_some_and(|notice| notice.tone == Tone::Reported) {
            state.notice = Some(Notice::note(Sentence::LimitPromptsResumed));
        }
        drop(state);
        self.changes.notify();
    }

    pub fn screen(self: &Arc<Self>) -> Result<Screen, Error> {
        self.tell_ends();
        let mut prompts: Vec<_> = self.authenticator.pending()?.into_iter().map(PromptShown::from).collect();
        let (notice, opened) = {
            let state = self.state();
            for prompt in &mut prompts {
                prompt.by_push = state.by_push.contains(&prompt.id);
            }
            // How one question ended is never said inside another.
            let fits = |about: ChallengeId| prompts.is_empty() || prompts.iter().any(|prompt| prompt.id == about);
            (state.notice.clone().filter(|notice| notice.about.is_none_or(fits)), state.opened)
        };
        Ok(Screen {
            phone: self.number,
            prompts,
            accounts: self.authenticator.accounts()?.into_iter().map(AccountShown::from).collect(),
            history: self.authenticator.history(HISTORY_LENGTH)?.into_iter().map(PastShown::from).collect(),
            notice,
            opened,
            push_on: self.pushes.are_on(),
            offline: !self.network.is_online(),
        })
    }

    /// Whether this phone has any account.
    pub fn is_empty(&self) -> bool {
        self.authenticator.accounts().is_ok_and(|accounts| accounts.is_empty())
    }

    /// Whether this phone answers for an account.
    pub fn is_in_use(&self) -> bool {
        let accounts = self.authenticator.accounts().unwrap_or_default();
        accounts.iter().any(|account| account.state == AccountState::Confirmed)
    }

    /// After a start: the server may be at another address, and pushes come to another port.
    pub async fn settle_in(self: &Arc<Self>, url: &str) {
        for account in self.authenticator.accounts().unwrap_or_default() {
            if account.server_url != url
                && let Err(error) = self.authenticator.relocate(account.id, url).await
            {
                tracing::warn!(%error, phone = self.number, "the demo's phone does not find its server");
                continue;
            }
            match account.state {
                AccountState::Ended { .. } => continue,
                AccountState::Proposed { .. } => drop(tokio::spawn(Arc::clone(self).await_confirmation(account.id))),
                AccountState::Confirmed => {}
            }
            self.register_push(account.id).await;
        }
        for prompt in self.authenticator.pending().unwrap_or_default() {
            self.attend(&prompt);
        }
        self.changes.notify();
    }

    async fn register_push(&self, id: EnrolmentId) {
        if !self.pushes.are_on() {
            return;
        }
        let registered = async {
            let key = self.authenticator.webpush_public_key(id).await?;
            self.authenticator.register_push(id, &self.pushes.registrations(key)).await
        };
        if let Err(error) = registered.await {
            tracing::warn!(%error, phone = self.number, "the demo's phone could not register for pushes");
        }
    }

    /// The switch for notifications: pushes arrive, or the port is closed.
    pub async fn set_push(self: &Arc<Self>, on: bool) -> Result<(), Refusal> {
        self.pushes.close().await;
        if on {
            let refused = |error: DemoError| Refusal { said: Sentence::ErrorOther.into(), detail: error.to_string() };
            self.listen().await.map_err(refused)?;
            for account in self.authenticator.accounts().map_err(|error| failed(&error))? {
                self.register_push(account.id).await;
            }
        }
        self.note(if on { Sentence::AccountPushRepaired } else { Sentence::AccountPushNone });
        Ok(())
    }

    /// The switch for the network. Pushes that came meanwhile arrive when it is back.
    pub async fn set_offline(self: &Arc<Self>, offline: bool) {
        self.network.set_online(!offline);
        if offline {
            return self.note(Sentence::CodePhoneOffline);
        }
        self.note(Said::of_demo("demo_online"));
        let held = std::mem::take(&mut self.state().held);
        for message in held {
            let received = self.receive_push(&message);
            self.show(received, Came::ByPush);
        }
    }

    /// The phone scanned the code.
    pub async fn enrol(self: &Arc<Self>, link: &str, name: Option<String>) -> Result<(), Refusal> {
        let name = name.unwrap_or_else(|| format!("Phone {}", self.number));
        let refused = |error: Error| match error {
            Error::Refused(_) => Refusal::from(Sentence::ErrorLinkNotTrusted),
            error => failed(&error),
        };
        let account = self.authenticator.enrol(link, &name).await.map_err(refused)?;
        self.register_push(account.id).await;
        tokio::spawn(Arc::clone(self).await_confirmation(account.id));
        self.state().notice = None;
        self.changes.notify();
        Ok(())
    }

    async fn await_confirmation(self: Arc<Self>, id: EnrolmentId) {
        loop {
            let pulled = self.authenticator.pull(id, PULL_WAIT).await;
            match self.authenticator.is_confirmed(id) {
                Ok(true) if !matches!(&pulled, Ok(Pulled { ended: Some(_), .. })) => {
                    return self.note(Sentence::AccountReady);
                }
                // Removed meanwhile.
                Err(_) => return,
                Ok(_) => {}
            }
            match pulled {
                Ok(pulled) if pulled.state == EnrolmentState::Proposed => {}
                Err(Error::Unreachable(_)) => self.rest().await,
                // Over: the account says why.
                _ => return self.changes.notify(),
            }
        }
    }

    /// While a question is on the screen, a pull is parked, as by an app in the foreground: what becomes of the
    /// question is heard at once, whether or not pushes arrive.
    fn attend(self: &Arc<Self>, prompt: &Prompt) {
        let account = prompt.account.id;
        let mut state = self.state();
        state.asked.insert(prompt.challenge.challenge_id);
        if state.attended.insert(account) {
            tokio::spawn(Arc::clone(self).keep_pulling(account));
        }
    }

    async fn keep_pulling(self: Arc<Self>, account: EnrolmentId) {
        while self.is_asked(account) {
            let pulled = tokio::select! {
                pulled = self.authenticator.pull(account, PULL_WAIT) => pulled,
                () = self.until_unasked(account) => continue,
            };
            match pulled {
                Ok(pulled) => {
                    let refused = pulled.received.iter().any(Result::is_err);
                    self.take_pulled(pulled);
                    if refused {
                        // The server brings it again at once.
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Err(error) => {
                    tracing::info!(%error, phone = self.number, "the demo's phone could not pull");
                    self.rest().await;
                }
            }
        }
    }

    fn is_pending(&self, account: EnrolmentId) -> bool {
        let pending = self.authenticator.pending().unwrap_or_default();
        pending.iter().any(|prompt| prompt.account.id == account)
    }

    /// Returns once no question of this account is on the screen: an app that asks nothing does not stay open.
    async fn until_unasked(&self, account: EnrolmentId) {
        let mut changes = self.changes.0.subscribe();
        while self.is_pending(account) && changes.changed().await.is_ok() {}
    }

    /// Whether a question of this account is on the screen; when none is, nobody attends to it from here on.
    fn is_asked(&self, account: EnrolmentId) -> bool {
        let mut state = self.state();
        let asked = self.is_pending(account);
        if !asked {
            state.attended.remove(&account);
        }
        asked
    }

    async fn rest(&self) {
        tokio::time::sleep(PAUSE).await;
        self.network.until_online().await;
    }

    fn take_pulled(self: &Arc<Self>, pulled: Pulled) -> usize {
        let mut new = 0;
        for received in pulled.received {
            new += usize::from(matches!(received, Ok(Received::New(_))));
            self.show(received.map_err(Error::Refused), Came::ByPull);
        }
        if pulled.ended.is_some() {
            self.state().notice = None;
        }
        self.tell_ends();
        self.changes.notify();
        new
    }

    /// Says how each question ended that was on the screen and waits no longer.
    fn tell_ends(&self) {
        let (Ok(pending), Ok(history)) = (self.authenticator.pending(), self.authenticator.history(HISTORY_LENGTH))
        else {
            return;
        };
        let mut state = self.state();
        for Past { challenge, outcome, .. } in history {
            let waits = pending.iter().any(|prompt| prompt.challenge.challenge_id == challenge.challenge_id);
            if !waits && state.asked.remove(&challenge.challenge_id) {
                if outcome == Outcome::AlreadyAnswered {
                    self.tour.tick(TourStep::SecondPhone);
                }
                state.notice = Some(Notice::of_end(challenge.challenge_id, outcome));
            }
        }
    }

    /// "Check now": works when no push comes.
    pub async fn check(self: &Arc<Self>) -> Result<(), Refusal> {
        let mut new = 0;
        for account in self.authenticator.accounts().map_err(|error| failed(&error))? {
            if !matches!(account.state, AccountState::Ended { .. }) {
                let pulled = self.authenticator.pull(account.id, 0).await.map_err(|error| failed(&error))?;
                new += self.take_pulled(pulled);
            }
        }
        if new == 0 {
            self.note(Sentence::AccountNothingNew);
        }
        Ok(())
    }

    /// The link on the page of this same phone.
    pub async fn open_link(self: &Arc<Self>, link: &str) -> Result<(), Refusal> {
        let id = self.authenticator.open_link(link).await.map_err(|error| failed(&error))?;
        self.state().opened = Some(id);
        self.ask(id, Came::ByLink, "demo_sent_opened");
        self.changes.notify();
        Ok(())
    }

    /// YES or NO: step 4.
    pub async fn answer(&self, id: ChallengeId, approve: bool, number: Option<&str>) -> Result<(), Refusal> {
        if approve && self.lacks_number(id, number) {
            return Err(Sentence::QuestionTypeTheNumber.into());
        }
        let answered =
            if approve { self.authenticator.approve(id, number).await } else { self.authenticator.deny(id).await };
        self.answered(id, answered)
    }

    /// "This was not me", also of a past request.
    pub async fn report(&self, id: ChallengeId) -> Result<(), Refusal> {
        let answered = self.authenticator.report(id).await;
        self.answered(id, answered)
    }

    fn lacks_number(&self, id: ChallengeId, number: Option<&str>) -> bool {
        let pending = self.authenticator.pending().unwrap_or_default();
        let prompt = pending.iter().find(|prompt| prompt.challenge.challenge_id == id);
        prompt.is_some_and(|prompt| prompt.challenge.policy.check_number(number).is_err())
    }

    fn answered(&self, id: ChallengeId, answered: Result<Outcome, Error>) -> Result<(), Refusal> {
        let outcome = match answered {
            Ok(outcome) => outcome,
            Err(error) => {
                let refusal = match error {
                    Error::Unreachable(_) => Sentence::ErrorUnreachableAnswerKept.into(),
                    error => failed(&error),
                };
                self.notice(Notice { said: refusal.said.clone(), tone: Tone::Trouble, about: Some(id) });
                return Err(refusal);
            }
        };
        self.state().asked.remove(&id);
        self.notice(Notice::of_end(id, outcome));
        Ok(())
    }

    /// The one-time code of this moment, from the store alone.
    pub fn code(&self, id: EnrolmentId) -> Result<CodeShown, Refusal> {
        Ok(self.authenticator.code(id).map_err(|error| failed(&error))?.into())
    }

    pub async fn remove(&self, id: EnrolmentId) -> Result<(), Refusal> {
        self.authenticator.remove(id).await.map_err(|error| failed(&error))?;
        self.note(Sentence::AccountRemoved);
        Ok(())
    }
}
