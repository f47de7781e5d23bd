//! The world of one simulation: the server, the phones, the relying parties, the network between them, and the time.

use super::Plan;
use super::database::{self, Database};
use super::deeds::Deeds;
use super::generator::Generator;
use super::handset::{Desk, Handset, endpoint};
use super::host::Host;
use super::ledger::{self, Ledger};
use super::limits::Taken;
use super::network::{Caller, Meaning, Network, Packet, Request, silence};
use super::parked::Parked;
use super::push_service::FickleGateway;
use super::row::Row;
use super::site::{Person, Site};
use crate::clock::{ManualClock, SkewedClock};
use countersign_device::transport::HttpResponse;
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::{Clock, Timestamp};
use countersign_server::store::Transaction;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// How often others get their turn before somebody who never rests is given up.
pub(super) const PATIENCE: usize = 100_000;
/// How often the server looks at its clock.
const WATCHED_EVERY: Duration = Duration::from_secs(5);
/// The longest chain of reads that a woken caller makes.
const LONGEST_LOOK: usize = 8;

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
    /// The backup codes that people have on paper.
    pub papers: BTreeMap<AccountId, Vec<String>>,
    /// The devices that their phones have removed.
    pub removed: Vec<EnrolmentId>,
    /// Since when, by the true clock, a push is known that nobody has tried to send.
    pub held: BTreeMap<i64, Timestamp>,
    /// What was taken of the rates.
    pub taken: Taken,
    /// What was done about moves.
    pub deeds: Deeds,
    touched: Vec<ChallengeId>,
    /// When the server looked at its clock, by the true one.
    watched_at: Timestamp,
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
        let host =
            Host::open(plan, &files, SkewedClock::new(&clock).with_counter(), choices.fork(), Arc::clone(&gateway))
                .await;
        let (database, watched_at) = (Database::new(clock.now()), clock.now());
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
            papers: BTreeMap::new(),
            removed: Vec::new(),
            held: BTreeMap::new(),
            taken: Taken::default(),
            deeds: Deeds::default(),
            touched: Vec::new(),
            watched_at,
            _directory: directory,
        }
    }

    /// The server's time.
    pub fn now(&self) -> Timestamp {
        self.host.clock.now()
    }

    /// The true time.
    pub fn true_now(&self) -> Timestamp {
        self.clock.now()
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
        if self.clock.now() >= self.watched_at + WATCHED_EVERY {
            self.watched_at = self.clock.now();
            self.host.look().await;
        }
    }

    /// The server answers one request, and nothing else happens meanwhile.
    ///
    /// # Errors
    /// What must not be.
    pub async fn serve(&mut self, request: Request) -> Result<HttpResponse, String> {
        self.record.tell(request.to_string());
        let response = self.answered(&request).await?;
        if matches!(request.caller, Caller::Site(_)) && !self.knows_key(&request) && response.status != 401 {
            return Err(format!("{} was answered to a key that is retired", request.target));
        }
        self.truthful(&request, &response).await?;
        self.limited(&request, &response).await?;
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
        if (200..300).contains(&response.status) {
            self.registers(request);
        }
        if response.status == 503 && !self.host.app.stopping.is_cancelled() {
            return Err(format!("{} {} is unavailable", request.method, request.target));
        }
        self.ledger.note(request, response, self.host.clock.now())
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
            ("not_approved", _) => state != ChallengeState::Approved || row.purpose.is_some(),
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
    pub async fn rest(&mut self, tasks: usize) -> Result<(), String> {
        for _ in 0..PATIENCE {
            if alive_tasks() <= tasks {
                // What was handed to the writer before is written when this is.
                self.host.app.store.drop_stale_pushes().await.map_err(|error| error.to_string())?;
                return Ok(());
            }
            self.let_look().await;
            self.pass_what_is_held_back().await;
        }
        Err("what a caller left behind is never done".into())
    }

    /// Lets everybody who was woken look, as far as it goes. Reads are made one after the other, so whatever was asked
    /// before has been read when this read is.
    pub(super) async fn let_look(&self) {
        for _ in 0..LONGEST_LOOK {
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            tokio::task::yield_now().await;
        }
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
        for parked in std::mem::take(&mut self.parked) {
            self.hear_waited(parked).await?;
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
        let turns = self.database.book.take_turns();
        self.check_turns(&turns)?;
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
