//! A simulation that tries to break the server and the phones: random steps over a virtual clock by several people,
//! devices, relying parties and organisations, with lost, repeated, delayed and reordered messages, push services with
//! moods, callers that go away, restarts, and the troubles of [`troubles`]. After each step the rules are checked.
//!
//! Server and phones are the real ones; the network, the push service and the time are not. All choices follow from one
//! seed, so a failure names the seed and the step that repeat it. Keys and signatures are ring's own, which cannot be
//! seeded: a seed repeats what happens, not the bytes.

pub mod actions;
pub mod calm;
pub mod database;
pub mod deeds;
pub mod deliver;
pub mod errands;
pub mod generator;
pub mod handset;
pub mod host;
pub mod ledger;
pub mod limits;
pub mod move_rules;
pub mod moves;
pub mod network;
pub mod operator;
pub mod parked;
pub mod push_service;
mod row;
pub mod site;
pub mod troubles;
pub mod world;

use clap::ValueEnum;
use countersign_device::Error;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::{ProblemCode, Refusal};
use countersign_server::domain::actor::Actor;
use countersign_server::service::api_key;
use countersign_server::store::{ENGINES, EngineKind, Rules};
use push_service::{Reading, as_shipped};
use serde_json::Value;
use site::{Person, Site};
use std::collections::BTreeMap;
use std::fmt;
use troubles::{SHIPPED, Trouble};
use world::World;

/// How many steps one world lasts in a long run. A longer one is slower, since nothing in it is ever forgotten.
pub const STEPS_OF_A_WORLD: u64 = 20_000;
/// How many of the latest events a failure tells when nobody says.
pub const EVENTS: usize = 80;
/// How often the network recovers, and everything is compared.
const CONVERGES_EVERY: u64 = 400;
/// The most messages that follow from what is on its way.
const LONGEST_FLOW: usize = 10_000;

/// The organisations.
const ORGANISATIONS: [&str; 2] = ["Meridian", "Harbour"];
/// The people and the number of their organisation.
const PEOPLE: [(&str, usize); 4] = [("maya", 0), ("tom", 0), ("maya", 1), ("ada", 1)];
/// The organisation of each relying party.
const SITES: [(&str, usize); 3] = [("Customer area", 0), ("Webmail", 0), ("Harbour office", 1)];
/// Who has an account on which phone at the beginning.
const ENROLLED: [(usize, usize); 8] = [(0, 0), (2, 0), (0, 1), (1, 2), (3, 3), (1, 3), (2, 4), (3, 4)];
/// How many phones there are.
const PHONES: usize = 5;

/// What is to be simulated.
#[derive(Clone, Copy)]
pub struct Plan {
    /// All choices follow from it.
    pub seed: u64,
    /// How many steps one world lasts.
    pub steps: u64,
    /// How many of the latest events a failure tells.
    pub events: usize,
    /// What the server keeps its store in.
    pub engine: EngineKind,
    /// The rules that the server goes by.
    pub rules: Rules,
    /// What troubles there are.
    pub troubles: &'static [Trouble],
    /// What the server takes the answers of push services for.
    pub reading: Reading,
}

impl Plan {
    /// The server as it is shipped.
    pub const fn new(seed: u64, steps: u64) -> Self {
        Self {
            seed,
            steps,
            events: EVENTS,
            engine: ENGINES[0],
            rules: Rules::RIGHT,
            troubles: SHIPPED,
            reading: as_shipped,
        }
    }
}

/// What happened in a simulation.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How many steps there were.
    pub steps: u64,
    /// How often what happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// The same for two runs of one seed.
    pub digest: u64,
}

impl Report {
    /// How often this happened.
    pub fn count(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Adds what happened in another world.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        for (what, times) in &other.counts {
            *self.counts.entry(what).or_default() += times;
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} steps", self.steps)?;
        for (what, times) in &self.counts {
            write!(formatter, ", {times} {what}")?;
        }
        Ok(())
    }
}

/// A rule was broken.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The step.
    pub step: u64,
    /// Which rule, in a sentence.
    pub reason: String,
    /// What happened last.
    pub latest: Vec<String>,
    /// What troubles there were.
    pub troubles: &'static [Trouble],
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, step, reason, latest, troubles } = self;
        for event in latest {
            writeln!(formatter, "  {event}")?;
        }
        writeln!(formatter, "seed {seed}, step {step}: {reason}")?;
        write!(
            formatter,
            "Again: cargo run --release -p countersign-tests --bin simulate -- --seed {seed} --steps {step}"
        )?;
        let mut kinds = troubles.iter().filter_map(ValueEnum::to_possible_value);
        kinds.try_for_each(|kind| write!(formatter, " --trouble {}", kind.get_name()))
    }
}

/// Names the seed and the step when what is simulated panics.
struct Witness {
    seed: u64,
    step: u64,
}

impl Drop for Witness {
    #[expect(clippy::print_stderr, reason = "a panic goes there too, and says neither")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}, step {}: a panic", self.seed, self.step);
        }
    }
}

/// Runs one world.
///
/// # Errors
/// The first rule that was broken, and where.
pub fn run(plan: &Plan) -> Result<Report, Failure> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // One of the two threads is held, so reads are made one after the other.
    let runtime = builder.enable_all().start_paused(true).max_blocking_threads(2).build().unwrap();
    // While a blocking task runs, tokio's clock does not move by itself.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let _inhibitor = runtime.spawn_blocking(move || held.recv());
    let result = runtime.block_on(live(plan));
    drop(release);
    result
}

async fn live(plan: &Plan) -> Result<Report, Failure> {
    let Plan { seed, steps, .. } = *plan;
    let mut witness = Witness { seed, step: 0 };
    let mut world = World::new(plan, PHONES).await;
    let mut happened = world.settle().await;
    while happened.is_ok() && witness.step < steps {
        witness.step += 1;
        happened = world.step(witness.step).await;
    }
    if happened.is_ok() {
        happened = world.converge().await;
    }
    let record = std::mem::take(&mut world.record);
    world.host.close().await;
    match happened {
        Ok(()) => Ok(Report { steps, counts: record.counts, digest: record.digest }),
        Err(reason) => {
            Err(Failure { seed, step: witness.step, reason, latest: record.latest.into(), troubles: plan.troubles })
        }
    }
}

impl World {
    /// Organisations, relying parties, people and their phones.
    async fn settle(&mut self) -> Result<(), String> {
        for name in ORGANISATIONS {
            let handle = ChallengeId::random(&*self.host.app.randomness).to_string();
            self.host.app.store.create_organisation(Actor::OPERATOR, handle, name.into()).await.unwrap();
        }
        for (number, (name, organisation)) in SITES.into_iter().enumerate() {
            let site = self.found(number, name, organisation).await;
            self.sites.push(site);
        }
        for (name, organisation) in PEOPLE {
            let site = self.sites.iter().find(|site| site.organisation == organisation).unwrap();
            let response = self.host.call(&site.introduce(name)).await;
            let body: Value = serde_json::from_slice(&response.body).unwrap();
            self.people.push(Person { account: body["id"].as_str().unwrap().parse().unwrap(), organisation });
        }
        for (person, phone) in ENROLLED {
            self.invite_to(person, phone);
            self.flow().await?;
        }
        Ok(())
    }

    /// A relying party of this organisation.
    pub async fn found(&self, number: usize, name: &str, organisation: usize) -> Site {
        let (store, randomness) = (&self.host.app.store, &*self.host.app.randomness);
        let (key, handle) = (api_key::generate(randomness), ChallengeId::random(randomness).to_string());
        let organisations = store.organisations().await.unwrap();
        let owner = organisations.into_iter().find(|one| one.name == ORGANISATIONS[organisation]).unwrap();
        let made = store
            .create_relying_party(Actor::OPERATOR, owner, handle.clone(), name.into(), api_key::digest(&key))
            .await
            .unwrap();
        assert!(made.is_some(), "the name is new");
        Site::new(number, organisation, key, handle)
    }

    async fn step(&mut self, number: u64) -> Result<(), String> {
        if number.is_multiple_of(CONVERGES_EVERY) {
            self.converge().await?;
        } else {
            self.act().await?;
        }
        self.come_to_rest().await
    }

    /// Everybody does what follows from what happened, and then the rules are checked.
    ///
    /// # Errors
    /// What must not be.
    pub async fn come_to_rest(&mut self) -> Result<(), String> {
        self.quiesce().await?;
        self.hear_phones()?;
        self.quiesce().await?;
        self.look(false).await?;
        self.harvest().await?;
        self.look(false).await
    }
}

/// What a phone may say when something went wrong on the way; anything else is wrong with the phone.
///
/// # Errors
/// What is wrong with it.
pub fn check_phone_error(error: &Error) -> Result<(), String> {
    match error {
        // No answer of ours lacks its body: whoever says so has believed something else.
        Error::Refused(Refusal::Malformed("answer")) => {
            Err("a phone took what something else answered for the server's answer".into())
        }
        Error::Unreachable(_)
        | Error::UnexpectedAnswer { .. }
        | Error::UnknownAccount
        | Error::UnknownChallenge
        | Error::AccountEnded
        | Error::QuestionChanged
        | Error::NoCodes
        | Error::Refused(_) => Ok(()),
        Error::ServerRefused { code, .. } if *code != ProblemCode::Internal.into() => Ok(()),
        _ => Err(format!("a phone broke: {error}")),
    }
}
