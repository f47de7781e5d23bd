//! The world of one simulation: the server, the phones, the relying parties, the network between them, and the time.

use super::Plan;
use super::database::{self, Database};
use super::generator::Generator;
use super::handset::{Desk, Handset, endpoint};
use super::host::Host;
use super::ledger::{self, Ledger};
use super::network::{Caller, Meaning, Network, Packet, Request, silence};
use super::push_service::FickleGateway;
use super::row::Row;
use super::site::{Person, Site};
use crate::clock::{ManualClock, SkewedClock};
use countersign_device::transport::HttpResponse;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::{Clock, Timestamp};
use countersign_server::service::heed::heed;
use countersign_server::store::Transaction;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// How often others get their turn before somebody who never rests is given up.
const PATIENCE: usize = 100_000;
/// How much later than asked for a timer may ring.
const TIMER_SLACK: Duration = Duration::from_millis(2);
/// How many more looks somebody who is late is given: seconds, on a machine that does nothing else.
const LOOKS_OF_THE_LATE: usize = 10_000;
/// The longest chain of reads that a woken caller makes.
const LONGEST_LOOK: usize = 8;

/// A request that the server holds until there is something to say.
pub struct Parked {
    /// The request.
    pub request: Request,
    task: JoinHandle<HttpResponse>,
    /// By the true clock.
    until: Timestamp,
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

/// What has happened, in counts and in the latest words.
#[derive(Default)]
pub struct Record {
    /// How often what happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// How many of the latest events are kept.
    pub kept: usize,
    /// The latest events, the last one last.
    pub latest: VecDeque<String>,
    /// A digest of all events, in whatever order: two runs of one seed give the same.
    pub digest: u64,
}

impl Record {
    /// Something happened.
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Writes an event down.
    pub fn tell(&mut self, event: String) {
        let mut hasher = DefaultHasher::new();
        event.hash(&mut hasher);
        // A sum: which of two answers that were under way at one time comes first is the store's thread to say.
        self.digest = self.digest.wrapping_add(hasher.finish());
        if self.latest.len() >= self.kept {
            self.latest.pop_front();
        }
        self.latest.push_back(event);
    }
}

/// Everything.
pub struct World {
    /// Chooses what happens.
    pub choices: Generator,
    /// What is simulated.
    pub plan: Plan,
    /// The true time.
    pub clock: ManualClock,
    /// What is on its way.
    pub network: Arc<Network>,
    /// The push service.
    pub gateway: Arc<FickleGateway>,
    /// The server.
    pub host: Host,
    /// The phones.
    pub phones: Vec<Handset>,
    /// Where finished errands lie.
    pub desk: Desk,
    /// The relying parties.
    pub sites: Vec<Site>,
    /// The people.
    pub people: Vec<Person>,
    /// What was acknowledged.
    pub ledger: Ledger,
    /// What is durable.
    pub database: Database,
    /// Who waits.
    pub parked: Vec<Parked>,
    /// What happened.
    pub record: Record,
    /// The devices that their phones have removed.
    pub removed: Vec<EnrolmentId>,
    /// Since when, by the true clock, a push is known that nobody has tried to send.
    pub held: BTreeMap<i64, Timestamp>,
    touched: Vec<ChallengeId>,
    _directory: TempDir,
}

/// A folder in memory where there is one: nobody here pulls the plug, so nobody needs to wait for a disk.
pub fn directory() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

impl World {
    /// A world in which nobody has enrolled yet.
    pub async fn new(plan: &Plan, phones: usize) -> Self {
        let mut choices = Generator::new(plan.seed);
        let (clock, directory, desk) = (ManualClock::new(), directory(), Desk::default());
        let network = Arc::new(Network::new(clock.clone()));
        let gateway = Arc::new(FickleGateway::new(Arc::clone(&network), plan.reading, choices.fork()));
        let files = directory.path().join("server");
        let host = Host::open(plan, &files, SkewedClock::new(&clock), choices.fork(), Arc::clone(&gateway)).await;
        let database = Database::new(clock.now());
        let phones = (0..phones)
            .map(|number| {
                let folder = directory.path().join(format!("phone-{number}"));
                Handset::new(number, &folder, &clock, (&network, &desk), choices.fork())
            })
            .collect();
        Self {
            plan: *plan,
            choices,
            clock,
            network,
            gateway,
            host,
            phones,
            desk,
            sites: Vec::new(),
            people: Vec::new(),
            ledger: Ledger::default(),
            database,
            parked: Vec::new(),
            record: Record { kept: plan.events, ..Record::default() },
            removed: Vec::new(),
            held: BTreeMap::new(),
            touched: Vec::new(),
            _directory: directory,
        }
    }

    /// The server's time.
    pub fn now(&self) -> Timestamp {
        self.host.clock.now()
    }

    /// Time goes by.
    pub async fn wait(&mut self, by: Duration) {
        self.record.tell(format!("{} ms go by", by.as_millis()));
        self.clock.advance(by);
        tokio::time::advance(by).await;
        for call in self.network.overdue_calls() {
            self.record.count("calls given up");
            self.network.answer(call, Err(silence()));
        }
    }

    /// The server answers one request, and nothing else happens meanwhile.
    ///
    /// # Errors
    /// What must not be.
    pub async fn serve(&mut self, request: Request) -> Result<HttpResponse, String> {
        self.record.tell(request.to_string());
        let response = self.host.call(&request).await;
        if matches!(request.caller, Caller::Site(_)) && !self.knows_key(&request) && response.status != 401 {
            return Err(format!("{} was answered to a key that is retired", request.target));
        }
        self.truthful(&request, &response).await?;
        self.note(&request, &response)?;
        Ok(response)
    }

    /// What this request is about may have changed.
    pub fn touch(&mut self, request: &Request) {
        self.touched.extend(ledger::subject(request));
    }

    /// Takes in what the server said.
    ///
    /// # Errors
    /// What must not be.
    pub fn note(&mut self, request: &Request, response: &HttpResponse) -> Result<(), String> {
        // Of two codes at one time, the second is throttled or not, as the store's turns fall; nothing follows from it.
        if !matches!(request.meaning, Meaning::Code(..)) {
            self.record.tell(format!("  got {} {}", response.status, ledger::code(response)));
        }
        self.touch(request);
        self.tally(request, response);
        if response.status == 503 && !self.host.app.stopping.is_cancelled() {
            return Err(format!("{} {} is unavailable", request.method, request.target));
        }
        self.ledger.note(request, response, self.host.clock.now())
    }

    /// Takes in what somebody heard who has waited. One whose relying party was retired meanwhile may have heard
    /// something just before.
    fn note_waited(&mut self, request: &Request, response: &HttpResponse) -> Result<(), String> {
        let retired = matches!(request.caller, Caller::Site(_)) && !self.knows_key(request);
        if retired { Ok(()) } else { self.note(request, response) }
    }

    /// Compares what the server said of a challenge with what it was just before.
    async fn truthful(&mut self, request: &Request, response: &HttpResponse) -> Result<(), String> {
        let row = ledger::subject(request).and_then(|id| self.database.row(id)).cloned();
        let Some(row) = row else { return Ok(()) };
        let states = self.database.states(&row, self.now());
        let code = ledger::code(response);
        if code == "wrong_challenge" && states == [ChallengeState::Pending; 2] {
            // What was answered is what is asked, and there is time: then it counts.
            let (asked, digest) = (row.clone(), ledger::answered_digest(request).unwrap_or_default());
            if self.inspect(move |_, tx| database::asks(tx, &asked, &digest)).await.unwrap() {
                return Err(format!("{} is asked in this form, and its answer was refused", row.id));
            }
        }
        let own_key = self.knows_key(request);
        let may_say = |state: ChallengeState| match (code.as_str(), request.caller) {
            ("unauthorised", Caller::Site(_)) => !own_key,
            ("expired", _) => matches!(state, ChallengeState::Expired | ChallengeState::Lapsed),
            ("cancelled", _) => state == ChallengeState::Cancelled,
            ("already_answered", _) => {
                !matches!(state, ChallengeState::Pending | ChallengeState::Expired | ChallengeState::Cancelled)
            }
            ("already_claimed", _) => state == ChallengeState::Claimed,
            ("not_approved", _) => state != ChallengeState::Approved,
            ("not_found", Caller::Site(_)) => false,
            _ => true,
        };
        let [state, _] = states;
        if states.into_iter().any(may_say) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&response.body);
        Err(format!("{} is {}, and {} heard: {said}", row.id, state.as_str(), request.target))
    }

    /// True when a request carries the key of a relying party that is not retired.
    pub fn knows_key(&self, request: &Request) -> bool {
        let Caller::Site(site) = request.caller else { return false };
        request.header("authorization").is_some_and(|sent| sent.ends_with(&self.sites[site].api_key))
    }

    /// Runs the phones until each of them waits for an answer or is done.
    ///
    /// # Errors
    /// When one never rests.
    pub async fn quiesce(&self) -> Result<(), String> {
        for _ in 0..PATIENCE {
            if !self.network.is_busy() {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
        Err("a phone never rests".into())
    }

    /// Waits until no more than so many tasks are left: what a caller left behind is done.
    ///
    /// # Errors
    /// When it never is.
    pub async fn rest(&self, tasks: usize) -> Result<(), String> {
        for _ in 0..PATIENCE {
            if alive_tasks() <= tasks {
                // What was handed to the writer before is written when this is.
                self.host.app.store.drop_stale_pushes().await.map_err(|error| error.to_string())?;
                return Ok(());
            }
            self.let_look().await;
        }
        Err("what a caller left behind is never done".into())
    }

    /// Lets everybody who was woken look, as far as it goes. Reads are made one after the other, so whatever was asked
    /// before has been read when this read is.
    async fn let_look(&self) {
        for _ in 0..LONGEST_LOOK {
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            tokio::task::yield_now().await;
        }
    }

    fn waiting(&self) -> usize {
        let app = &self.host.app;
        app.wake.challenges.count() + app.wake.devices.count() + app.wake.enrolments.count()
    }

    /// The server holds a request that is ready to wait.
    ///
    /// # Errors
    /// When it neither answers nor waits.
    pub async fn park(&mut self, request: Request) -> Result<(), String> {
        self.record.tell(request.to_string());
        let before = self.waiting();
        let task = tokio::spawn(self.host.call(&request));
        let until = self.clock.now() + Duration::from_secs(request.patience());
        for _ in 0..PATIENCE {
            if task.is_finished() || self.waiting() > before {
                self.parked.push(Parked { request, task, until, shaken: false });
                return Ok(());
            }
            self.let_look().await;
        }
        Err("a request neither waits nor is answered".into())
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
        for Parked { request, task, .. } in done {
            self.record.count("waits answered");
            let response = task.await.map_err(|error| error.to_string())?;
            self.note_waited(&request, &response)?;
            self.network.put(Packet::Reply(request, response));
        }
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

    /// The server stops, answers whoever waits, and starts again on the same files; what comes meanwhile hears so.
    /// While it is stopped its clock jumps by so many milliseconds.
    ///
    /// # Errors
    /// What must not be.
    pub async fn restart_server(&mut self, meanwhile: Option<Request>, jump: i64) -> Result<(), String> {
        self.record.count("server restarts");
        self.record.tell("the server restarts".into());
        if let Some(request) = meanwhile {
            self.record.tell(format!("meanwhile: {request}"));
            let (response, ()) = tokio::join!(self.host.call(&request), self.host.close());
            self.note(&request, &response)?;
            self.network.put(Packet::Reply(request, response));
        } else {
            self.host.close().await;
        }
        for Parked { request, task, .. } in std::mem::take(&mut self.parked) {
            let response = task.await.map_err(|error| error.to_string())?;
            self.note_waited(&request, &response)?;
            self.network.put(Packet::Reply(request, response));
        }
        if jump != 0 {
            self.look(false).await?;
            self.clock_jumps(jump);
        }
        self.host.reopen().await;
        Ok(())
    }

    /// A push arrives at the phone with this endpoint, or at another.
    ///
    /// # Errors
    /// What must not be.
    pub fn push_arrives(&mut self, to: &str, envelope: &[u8], phone: usize) -> Result<(), String> {
        let foreign = endpoint(phone) != to;
        let received = self.phones[phone].core.receive(envelope);
        self.record.tell(format!("a push for {to} comes to phone {phone}: {}", received.is_ok()));
        match received {
            Ok(_) if foreign => Err(format!("phone {phone} took in a push that was for {to}")),
            Ok(_) => {
                self.record.count("pushes received");
                Ok(())
            }
            Err(error) if foreign && error.code() != "cannot_open" => {
                Err(format!("phone {phone} read a push that was for {to}: {error}"))
            }
            Err(error) => {
                self.record.count(if foreign { "pushes to a stranger" } else { "pushes too late" });
                super::check_phone_error(&error)
            }
        }
    }

    fn agrees(&self, row: &Row, now: Timestamp) -> Result<(), String> {
        let [state, by_the_latest_clock] = self.database.states(row, now);
        self.ledger
            .agrees(row.id, state)
            .or_else(|reason| self.ledger.agrees(row.id, by_the_latest_clock).map_err(|_| reason))
    }

    /// Sees what is kept, through the server's own store.
    pub async fn inspect<T: Send + 'static>(
        &mut self,
        see: impl FnOnce(&mut Database, &dyn Transaction) -> T + Send + 'static,
    ) -> T {
        let now = self.now();
        let mut database = std::mem::replace(&mut self.database, Database::new(now));
        let reading = self.host.app.store.read(move |tx| {
            let seen = see(&mut database, tx);
            Ok((database, seen))
        });
        let (database, seen) = reading.await.unwrap();
        self.database = database;
        seen
    }

    /// Looks at what is kept, and compares it with what was said.
    ///
    /// # Errors
    /// What must not be.
    pub async fn look(&mut self, all: bool) -> Result<(), String> {
        // Nobody moves while this waits for the database.
        self.quiesce().await?;
        let now = self.now();
        let touched = std::mem::take(&mut self.touched);
        let these = touched.clone();
        for (before, after) in self.inspect(move |database, tx| database.look(tx, now, &these, all)).await? {
            self.record.count(match (before.as_deref(), after.as_str()) {
                (None, "pending") => "created",
                (_, "approved") => "approved",
                (_, "denied") => "denied",
                (_, "cancelled") => "cancelled",
                (_, "claimed") => "claimed",
                (_, "revoked") => "revoked",
                _ => "reported",
            });
        }
        for row in touched.iter().filter_map(|id| self.database.row(*id)) {
            self.agrees(row, now)?;
        }
        if all {
            for row in self.database.rows() {
                self.agrees(row, now)?;
            }
        }
        for (word, times) in self.gateway.take_said() {
            *self.record.counts.entry(word).or_default() += times;
        }
        Ok(())
    }
}

/// How many tasks this runtime has.
pub fn alive_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}
