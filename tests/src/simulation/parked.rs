//! Those who wait: the server holds their requests until there is something to say, and forgets none of them.

use super::ledger;
use super::limits::MOST_WAITS;
use super::network::{Caller, Packet, Request};
use super::world::{PATIENCE, World};
use countersign_device::transport::HttpResponse;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::{Clock, Timestamp};
use countersign_server::service::heed::heed;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How much later than asked for a timer may ring.
const TIMER_SLACK: Duration = Duration::from_millis(2);
/// How many more looks somebody who is late is given: seconds, on a machine that does nothing else.
const LOOKS_OF_THE_LATE: usize = 10_000;

/// A request that the server holds until there is something to say.
pub struct Parked {
    /// The request.
    pub request: Request,
    task: JoinHandle<HttpResponse>,
    /// By the true clock.
    until: Timestamp,
    /// How many others of the same caller waited when it came.
    beside: usize,
    /// True once the server's clock has jumped: then it may notice an end only when its patience is over.
    pub shaken: bool,
}

impl Parked {
    /// The connection ends, and the server notices.
    pub async fn give_up(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

impl World {
    fn waiting(&self) -> usize {
        let app = &self.host.app;
        app.wake.challenges.count() + app.wake.devices.count() + app.wake.enrolments.count()
    }

    /// How many requests wait that came with the key of this one; none for a phone, which has no such limit.
    fn waits_beside(&self, request: &Request) -> usize {
        let key = request.header("authorization");
        let own = self.parked.iter().filter(|one| one.request.header("authorization") == key);
        if key.is_none() { 0 } else { own.filter(|one| !one.task.is_finished()).count() }
    }

    /// The server holds a request that is ready to wait.
    ///
    /// # Errors
    /// When it neither answers nor waits.
    pub async fn park(&mut self, request: Request) -> Result<(), String> {
        self.record.tell(request.to_string());
        let (before, beside) = (self.waiting(), self.waits_beside(&request));
        let task = tokio::spawn(self.host.call(&request));
        let until = self.clock.now() + Duration::from_secs(request.patience());
        for _ in 0..PATIENCE {
            if task.is_finished() || self.waiting() > before {
                self.parked.push(Parked { request, task, until, beside, shaken: false });
                return self.has_room().await;
            }
            self.let_look().await;
        }
        Err("a request neither waits nor is answered".into())
    }

    /// Those of one relying party that wait are no more than may, with the one that came last.
    async fn has_room(&self) -> Result<(), String> {
        let Some(last) = self.parked.last() else { return Ok(()) };
        for _ in 0..LOOKS_OF_THE_LATE {
            if self.waits_beside(&last.request) <= MOST_WAITS {
                return Ok(());
            }
            // One of them may just be on its way out.
            self.let_look().await;
        }
        Err(format!("{} waits beside as many as may", last.request))
    }

    /// Takes the answers of those who waited, and sees to it that nobody waits who should have been woken.
    ///
    /// # Errors
    /// What must not be.
    pub async fn harvest(&mut self) -> Result<(), String> {
        if self.parked.is_empty() {
            return Ok(());
        }
        // As the server's watch does: the operator's commands run beside the server.
        heed(&self.host.app.store, &self.host.app.wake).await.map_err(|error| error.to_string())?;
        self.let_look().await;
        // A read is made on a thread of the machine, which may be busy elsewhere: who is late is given more turns, and
        // is called forgotten only then.
        let mut turns = 0;
        while let Some(late) = self.parked.iter().find(|parked| self.is_overdue(parked)) {
            if turns == LOOKS_OF_THE_LATE {
                return Err(format!("{} still waits, and nobody woke it", late.request.target));
            }
            turns += 1;
            self.let_look().await;
        }
        let (done, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.parked).into_iter().partition(|parked| parked.task.is_finished());
        self.parked = waiting;
        for parked in done {
            self.record.count("waits answered");
            self.hear_waited(parked).await?;
        }
        Ok(())
    }

    /// Takes in what somebody heard who has waited, and sends it on. One whose relying party was retired meanwhile may
    /// have heard something just before.
    ///
    /// # Errors
    /// What must not be.
    pub async fn hear_waited(&mut self, parked: Parked) -> Result<(), String> {
        let Parked { request, task, beside, .. } = parked;
        let response = task.await.map_err(|error| error.to_string())?;
        if ledger::code(&response) == "too_many_waits" && beside < MOST_WAITS {
            return Err(format!("{request} may not wait beside {beside} others"));
        }
        let retired = matches!(request.caller, Caller::Site(_)) && !self.knows_key(&request);
        if !retired {
            self.note(&request, &response)?;
        }
        self.network.put(Packet::Reply(request, response));
        Ok(())
    }

    /// True when somebody waits still who should have been answered by now.
    fn is_overdue(&self, parked: &Parked) -> bool {
        // A timer rings just after a moment, so that what it wakes sees that moment passed.
        let now = self.now() - TIMER_SLACK;
        let over = ledger::subject(&parked.request)
            .and_then(|id| self.database.row(id))
            .is_some_and(|row| row.state(now) != ChallengeState::Pending);
        let retired = matches!(parked.request.caller, Caller::Site(_)) && !self.knows_key(&parked.request);
        let over = (over || retired) && !parked.shaken;
        !parked.task.is_finished() && (over || parked.until + TIMER_SLACK < self.clock.now())
    }
}
