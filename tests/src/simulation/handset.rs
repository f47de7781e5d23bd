//! A phone of the simulation: the real core on a folder of its own, with a clock that its owner may set wrong.

use super::generator::{Generator, SeededRandomness};
use super::network::{Link, Network};
use crate::clock::{ManualClock, SkewedClock};
use countersign_device::vault::DesktopVault;
use countersign_device::{Account, Authenticator, Error, Outcome, Platform, Pulled};
use countersign_protocol::Refusal;
use countersign_protocol::device_api::{EnrolmentState, PushRegistration, PushStatus};
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::randomness::{Randomness, SystemRandomness};
use countersign_protocol::webpush::Receiver;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinHandle;

/// A text that holds random bytes, so that two runs of one seed differ in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("...")
    }
}

/// Something that a phone does with the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Redeems a link.
    Enrol {
        /// The link.
        link: Secret,
        /// The person, as a number in the world.
        person: usize,
    },
    /// Asks for what waits, for so many seconds.
    Pull(EnrolmentId, u32),
    /// YES, with what the person typed.
    Approve(ChallengeId, Option<String>),
    /// NO.
    Deny(ChallengeId),
    /// "This was not me."
    Report(ChallengeId),
    /// Removes an account.
    Remove(EnrolmentId),
    /// Asks the server for its time and certificate.
    Refresh(EnrolmentId),
    /// Says where it is reached.
    Register(EnrolmentId),
    /// Lists the account's devices.
    List(EnrolmentId),
}

/// What came of it.
#[derive(Debug)]
pub enum Told {
    /// Nothing to be looked at.
    Nothing,
    /// The account that was enrolled.
    Account(Account),
    /// How a request ended.
    Outcome(Outcome),
    /// What the server says of the account and of its pushes, and what of its messages was refused.
    Pulled(EnrolmentState, Option<PushStatus>, Vec<Refusal>),
}

impl Finished {
    /// In a few words, without random bytes.
    pub fn describe(&self) -> String {
        let Self { phone, errand, result } = self;
        let result = match result {
            Ok(Told::Nothing) => "done".into(),
            Ok(Told::Account(account)) => account.id.to_string(),
            Ok(Told::Outcome(outcome)) => outcome.as_str().into(),
            Ok(Told::Pulled(state, _, refused)) => format!("{state:?}, refused {refused:?}"),
            Err(error) => error.code().to_owned(),
        };
        format!("phone {phone}: {errand:?} ended: {result}")
    }
}

/// An errand that is over.
#[derive(Debug)]
pub struct Finished {
    /// The phone.
    pub phone: usize,
    /// The errand.
    pub errand: Errand,
    /// What came of it.
    pub result: Result<Told, Error>,
}

/// The errands that are over, of all phones.
pub type Desk = Arc<Mutex<Vec<Finished>>>;

/// A phone.
pub struct Handset {
    number: usize,
    /// Its core.
    pub core: Arc<Authenticator>,
    directory: PathBuf,
    platform: Platform,
    clock: SkewedClock,
    registrations: Vec<PushRegistration>,
    network: Arc<Network>,
    desk: Desk,
    running: Vec<JoinHandle<()>>,
    /// The accounts that it holds, with the person of each.
    pub accounts: Vec<(EnrolmentId, usize)>,
}

/// The phone whose push service serves nobody else.
pub const ALONE: usize = 4;

/// The address under which a push service knows a phone. Every third phone has another one, with a slash at its end.
pub fn endpoint(phone: usize) -> String {
    let host = if phone == ALONE { "alone.example" } else { "push.example" };
    format!("https://{host}/{phone}")
}

impl Handset {
    /// A phone whose store is in this folder.
    pub fn new(
        number: usize,
        directory: &Path,
        clock: &ManualClock,
        (network, desk): (&Arc<Network>, &Desk),
        randomness: Generator,
    ) -> Self {
        let clock = SkewedClock::new(clock);
        let randomness: Arc<dyn Randomness> = Arc::new(SeededRandomness::new(randomness));
        let platform = Platform {
            vault: Arc::new(DesktopVault::in_memory(&*randomness)),
            transport: Arc::new(Link { phone: number, network: Arc::clone(network) }),
            clock: Arc::new(clock.clone()),
            randomness,
            push: None,
        };
        let receiver = Receiver::generate(&SystemRandomness::new());
        let places = 1 + usize::from(number % 3 == 1);
        let endpoints = (0..places).map(|place| format!("{}{}", endpoint(number), "/".repeat(place)));
        Self {
            number,
            core: Arc::new(Authenticator::open(directory, platform.clone()).unwrap()),
            directory: directory.to_owned(),
            platform,
            clock,
            registrations: endpoints.map(|at| PushRegistration::WebPush(receiver.subscription(at))).collect(),
            network: Arc::clone(network),
            desk: Arc::clone(desk),
            running: Vec::new(),
            accounts: Vec::new(),
        }
    }

    /// Begins an errand.
    pub fn send(&mut self, errand: Errand) {
        self.running.retain(|one| !one.is_finished());
        self.network.begin();
        let (core, network, desk) = (Arc::clone(&self.core), Arc::clone(&self.network), Arc::clone(&self.desk));
        let (registrations, phone) = (self.registrations.clone(), self.number);
        self.running.push(tokio::spawn(async move {
            let result = run(&core, &errand, &registrations).await;
            desk.lock().unwrap_or_else(PoisonError::into_inner).push(Finished { phone, errand, result });
            network.end();
        }));
    }

    /// How many errands are on their way.
    pub fn errands(&self) -> usize {
        self.running.iter().filter(|one| !one.is_finished()).count()
    }

    /// The process is killed, whatever it does, and the app opened again.
    pub async fn restart(&mut self) {
        for running in self.running.drain(..) {
            running.abort();
            drop(running.await);
        }
        self.network.forget(self.number);
        self.core = Arc::new(Authenticator::open(&self.directory, self.platform.clone()).unwrap());
    }

    /// Its owner sets the clock, so far ahead of the true one.
    pub fn set_clock(&self, ahead_ms: i64) {
        self.clock.set(ahead_ms);
    }
}

fn pulled(Pulled { state, push, received, .. }: Pulled) -> Told {
    Told::Pulled(state, push, received.into_iter().filter_map(Result::err).collect())
}

async fn run(core: &Authenticator, errand: &Errand, registrations: &[PushRegistration]) -> Result<Told, Error> {
    match errand {
        Errand::Enrol { link, .. } => core.enrol(&link.0, "Phone").await.map(Told::Account),
        Errand::Pull(id, wait) => core.pull(*id, *wait).await.map(pulled),
        Errand::Approve(id, number) => core.approve(*id, number.as_deref()).await.map(Told::Outcome),
        Errand::Report(id) => core.report(*id).await.map(Told::Outcome),
        Errand::Deny(id) => core.deny(*id).await.map(Told::Outcome),
        Errand::Remove(id) => core.remove(*id).await.map(|()| Told::Nothing),
        Errand::Refresh(id) => core.refresh_server(*id).await.map(|()| Told::Nothing),
        Errand::Register(id) => core.register_push(*id, registrations).await.map(|()| Told::Nothing),
        Errand::List(id) => core.devices(*id).await.map(|_| Told::Nothing),
    }
}
