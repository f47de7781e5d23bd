//! What is between the phones, the relying parties, the push service and the server: it holds every message until the
//! simulation decides what becomes of it.

use super::moves::MoveStep;
use crate::clock::ManualClock;
use async_trait::async_trait;
use countersign_device::transport::{HttpRequest, HttpResponse, Transport, Unreachable};
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::time::{Clock, Timestamp};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The server's address.
pub const SERVER_URL: &str = "https://countersign.example";

/// What a request is for, so that whoever sees the answer knows what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A relying party makes a person known.
    Introduce,
    /// A relying party opens an enrolment of this person for this phone.
    Invite {
        /// The person, as a number in the world.
        person: usize,
        /// The phone.
        phone: usize,
    },
    /// The signed-in page sends the digits.
    Confirm(EnrolmentId),
    /// A relying party asks; the text is its `Idempotency-Key`.
    Create(Option<String>),
    /// A relying party reads.
    Read(ChallengeId),
    /// A relying party takes the approval; the text is its `Idempotency-Key`.
    Claim(ChallengeId, Option<String>),
    /// A relying party takes the question back.
    Cancel(ChallengeId),
    /// A relying party asks whether this code of an account is right.
    Code(AccountId, String),
    /// A page takes a step of a move.
    Move {
        /// The person, as a number in the world.
        person: usize,
        /// Their account.
        account: AccountId,
        /// The step.
        step: MoveStep,
    },
    /// A relying party has backup codes made for an account.
    BackupCodes(AccountId),
    /// Somebody asks for what is not theirs.
    Intrude,
    /// Of a phone.
    Phone,
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The relying party of this number.
    Site(usize),
    /// A phone, and the call that waits for the answer.
    Phone {
        /// The phone.
        phone: usize,
        /// The call.
        call: u64,
    },
}

/// A request on its way.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who sent it.
    pub caller: Caller,
    /// What it is for.
    pub meaning: Meaning,
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// Names, in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// How long the caller is ready to wait, in seconds.
    pub fn patience(&self) -> u64 {
        let wait = self.target.split(['?', '&']).find_map(|part| part.strip_prefix("wait="));
        wait.and_then(|seconds| seconds.parse().ok()).unwrap_or(0)
    }

    const fn is_code(&self) -> bool {
        matches!(self.meaning, Meaning::Code(..))
    }

    /// True for an answer, a claim, a cancellation or a code.
    pub fn may_race(&self) -> bool {
        let asks = matches!(self.meaning, Meaning::Claim(..) | Meaning::Cancel(_) | Meaning::Code(..));
        let asks = asks || matches!(self.meaning, Meaning::Move { step: MoveStep::Cancel(_), .. });
        asks || (self.method == "POST" && self.target.ends_with("/decision"))
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Request {
    /// Without digests of signed bytes, which differ between two runs of one seed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target.split("&known=").next().unwrap_or_default();
        write!(formatter, "{} {target} of {:?}", self.method, self.caller)
    }
}

/// A message on its way.
#[derive(Debug, Clone)]
pub enum Packet {
    /// To the server.
    Request(Request),
    /// From the server, to whoever sent this request.
    Reply(Request, HttpResponse),
    /// To the phone with this endpoint.
    Push {
        /// The endpoint.
        endpoint: String,
        /// The envelope.
        envelope: Vec<u8>,
    },
}

/// A call of a phone that has no answer yet.
struct Open {
    phone: usize,
    until: Timestamp,
    answer: oneshot::Sender<Result<HttpResponse, Unreachable>>,
}

#[derive(Default)]
struct State {
    packets: Vec<Packet>,
    open: BTreeMap<u64, Open>,
    calls: u64,
    busy: usize,
}

/// The network.
pub struct Network {
    state: Mutex<State>,
    /// The true time.
    pub clock: ManualClock,
}

impl Network {
    /// A network that holds nothing.
    pub fn new(clock: ManualClock) -> Self {
        Self { state: Mutex::default(), clock }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message on its way.
    pub fn put(&self, packet: Packet) {
        self.state().packets.push(packet);
    }

    /// How many messages are on their way.
    pub fn len(&self) -> usize {
        self.state().packets.len()
    }

    /// True when nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the message in this place.
    pub fn take(&self, place: usize) -> Packet {
        self.state().packets.remove(place)
    }

    /// Takes the answers, claims and cancellations that are on their way, or else the codes, `most` at most. Not both:
    /// a code takes more turns with the store, and how they mix would depend on the processor.
    pub fn take_writes(&self, most: usize) -> Vec<Request> {
        let mut state = self.state();
        let (mut taken, mut rest) = (Vec::<Request>::new(), Vec::new());
        for packet in std::mem::take(&mut state.packets) {
            match packet {
                Packet::Request(request)
                    if taken.len() < most
                        && request.may_race()
                        && taken.first().is_none_or(|first| first.is_code() == request.is_code()) =>
                {
                    taken.push(request);
                }
                other => rest.push(other),
            }
        }
        state.packets = rest;
        taken
    }

    /// A phone begins to do something.
    pub fn begin(&self) {
        self.state().busy += 1;
    }

    /// A phone is done with it.
    pub fn end(&self) {
        self.state().busy -= 1;
    }

    /// True while a phone works and does not wait for an answer.
    pub fn is_busy(&self) -> bool {
        self.state().busy > 0
    }

    /// Hands an answer to a phone's call; false when the call is over.
    pub fn answer(&self, call: u64, answer: Result<HttpResponse, Unreachable>) -> bool {
        let mut state = self.state();
        let Some(open) = state.open.remove(&call) else { return false };
        state.busy += 1;
        assert!(open.answer.send(answer).is_ok(), "a phone that is killed takes its calls with it");
        true
    }

    /// The calls that have no answer yet.
    pub fn open_calls(&self) -> Vec<u64> {
        self.state().open.keys().copied().collect()
    }

    /// The calls whose patience is over.
    pub fn overdue_calls(&self) -> Vec<u64> {
        let now = self.clock.now();
        self.state().open.iter().filter(|(_, open)| open.until <= now).map(|(call, _)| *call).collect()
    }

    /// A phone was killed: nobody waits for its calls any more.
    pub fn forget(&self, phone: usize) {
        self.state().open.retain(|_, open| open.phone != phone);
    }
}

/// Why a phone heard nothing.
pub fn silence() -> Unreachable {
    Unreachable { reason: "nothing came".into() }
}

/// A phone's way to the network.
pub struct Link {
    /// The phone.
    pub phone: usize,
    /// The network.
    pub network: Arc<Network>,
}

#[async_trait]
impl Transport for Link {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let HttpRequest { method, url, headers, body, timeout } = request;
        let target = url.strip_prefix(SERVER_URL).ok_or_else(silence)?.to_owned();
        let (answer, answered) = oneshot::channel();
        {
            let mut state = self.network.state();
            state.calls += 1;
            let call = state.calls;
            let until = self.network.clock.now() + timeout;
            state.open.insert(call, Open { phone: self.phone, until, answer });
            let caller = Caller::Phone { phone: self.phone, call };
            let meaning = Meaning::Phone;
            state.packets.push(Packet::Request(Request { caller, meaning, method, target, headers, body }));
            state.busy -= 1;
        }
        answered.await.unwrap_or_else(|_| Err(silence()))
    }
}

/// A relying party's request without a body.
pub fn site_request(site: usize, api_key: &str, meaning: Meaning, method: &'static str, target: String) -> Request {
    let headers = vec![("authorization", format!("Bearer {api_key}"))];
    Request { caller: Caller::Site(site), meaning, method, target, headers, body: Vec::new() }
}

/// The path of an account's enrolments.
pub fn enrolments_of(account: AccountId) -> String {
    format!("/v1/users/{account}/enrolments")
}
