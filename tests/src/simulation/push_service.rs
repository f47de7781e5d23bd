//! The push services of the simulation. They have moods, and some of the phones that they know are away, or gone for
//! good: what is wrong with one phone holds up no other.

use super::database;
use super::generator::Generator;
use super::handset::{ALONE, endpoint};
use super::network::{Network, Packet};
use super::troubles::Trouble;
use super::world::World;
use async_trait::async_trait;
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::time::{Clock, Timestamp};
use countersign_server::delivery::push::{Delivery, Gateway, Message, web_push_answer};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a service may be left alone after a phone of it was away, with some room.
const RECOVERY: Duration = Duration::from_secs(60);
/// How many phones are ill at one time.
const MOST_ILL: usize = 2;
/// How long a push may be held by a sender that was cut, with some room.
const LEASE: Duration = Duration::from_secs(40);

/// What the server takes a status for.
pub type Reading = fn(u16, Timestamp) -> Delivery;

/// As the server that is shipped reads it.
pub fn as_shipped(status: u16, now: Timestamp) -> Delivery {
    web_push_answer(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), now)
}

/// What is wrong with the place where a phone is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ill {
    /// It answers so until it is well.
    Away(u16),
    /// Nobody listens there.
    Silent,
    /// It answers so until the phone registers again.
    Dead(u16),
}

#[derive(Default)]
struct Wards {
    ills: BTreeMap<String, Ill>,
    /// Since when each is well that was ill, by the true clock.
    recovered: BTreeMap<String, Timestamp>,
    /// Those that the server was told are dead, whose devices must hear of it.
    missed: BTreeSet<String>,
    said: BTreeMap<&'static str, u64>,
    until_stall: Option<usize>,
}

/// The push services, in one of their moods each time; what they take is on its way.
pub struct FickleGateway {
    network: Arc<Network>,
    reading: Reading,
    moods: Mutex<Generator>,
    wards: Mutex<Wards>,
    stalled: Notify,
}

impl FickleGateway {
    /// Push services on this network, whose statuses the server reads so.
    pub fn new(network: Arc<Network>, reading: Reading, moods: Generator) -> Self {
        let (moods, wards) = (Mutex::new(moods), Mutex::default());
        Self { network, reading, moods, wards, stalled: Notify::new() }
    }

    fn wards(&self) -> MutexGuard<'_, Wards> {
        self.wards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This message, counted from one, gets no answer any more.
    pub fn stall_at(&self, message: Option<usize>) {
        self.wards().until_stall = message;
    }

    /// Completes when a message has got no answer.
    pub async fn stalled(&self) {
        self.stalled.notified().await;
    }

    fn stalls(&self) -> bool {
        let left = &mut self.wards().until_stall;
        *left = left.and_then(|left| left.checked_sub(1));
        *left == Some(0)
    }

    /// How often it said what, since this was asked last.
    pub fn take_said(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut self.wards().said)
    }

    /// Something happens to the place where a phone is reached.
    pub fn falls_ill(&self, phone: usize, ill: Ill) {
        self.wards().ills.insert(endpoint(phone), ill);
    }

    /// A phone has registered, and if its place was dead it has a new one.
    pub fn registered(&self, phone: usize) {
        if let Some(Ill::Dead(_)) = self.ill(phone) {
            self.recovers(phone);
        }
    }

    /// The place where a phone is reached is well again.
    pub fn recovers(&self, phone: usize) {
        let (mut wards, now) = (self.wards(), self.network.clock.now());
        wards.missed.remove(&endpoint(phone));
        if wards.ills.remove(&endpoint(phone)).is_some() {
            wards.recovered.insert(endpoint(phone), now);
        }
    }

    /// What is wrong with the place where a phone is reached.
    pub fn ill(&self, phone: usize) -> Option<Ill> {
        self.wards().ills.get(&endpoint(phone)).copied()
    }

    /// True when the server was told that the place of a phone is dead, and the phone has not registered since.
    pub fn is_missed(&self, phone: usize) -> bool {
        self.wards().missed.contains(&endpoint(phone))
    }

    /// The server may have lost what it was told of the place of a phone: a device was removed that would have heard of
    /// it, or has registered the place again, whether its phone knows or not.
    pub fn may_forget(&self, phone: usize) {
        self.wards().missed.remove(&endpoint(phone));
    }

    /// True where nothing is wrong, and has not been for a while.
    fn is_well(&self, phone: usize) -> bool {
        let (wards, now) = (self.wards(), self.network.clock.now());
        let recovered = wards.recovered.get(&endpoint(phone));
        !wards.ills.contains_key(&endpoint(phone)) && recovered.is_none_or(|since| *since + RECOVERY < now)
    }

    fn answer(&self, phone_at: &str, envelope: &str, now: Timestamp) -> (&'static str, Delivery) {
        let ill = self.wards().ills.get(phone_at).copied();
        match ill {
            Some(Ill::Away(status)) => return ("pushes to one who is away", (self.reading)(status, now)),
            Some(Ill::Dead(status)) => {
                self.wards().missed.insert(phone_at.to_owned());
                return ("pushes to a dead place", (self.reading)(status, now));
            }
            Some(Ill::Silent) => return ("pushes without an answer", Delivery::Down(None, "no answer".into())),
            None => {}
        }
        let (mood, seconds) = {
            let mut moods = self.moods.lock().unwrap_or_else(PoisonError::into_inner);
            (moods.below(100), moods.between(0, 20))
        };
        // A retry may follow a message that was taken all the same.
        if mood < 85 {
            let (endpoint, envelope) = (phone_at.to_owned(), envelope.as_bytes().to_vec());
            self.network.put(Packet::Push { endpoint, envelope });
        }
        match mood {
            0..80 => ("pushes sent", (self.reading)(201, now)),
            80..90 => {
                let after = (seconds < 10).then(|| Duration::from_secs(seconds));
                ("pushes put off", Delivery::RetryAfter(after, "busy".into()))
            }
            90..95 => ("pushes to nobody", (self.reading)(404, now)),
            _ => ("pushes failed", (self.reading)(400, now)),
        }
    }
}

#[async_trait]
impl Gateway for FickleGateway {
    async fn send(&self, registration: &PushRegistration, message: Message<'_>) -> Delivery {
        let PushRegistration::WebPush(subscription) = registration else { panic!("no phone of ours has another one") };
        let now = message.expires_at - message.time_to_live;
        let (word, delivery) = self.answer(subscription.endpoint.trim_end_matches('/'), message.envelope, now);
        if self.stalls() {
            self.stalled.notify_one();
            return std::future::pending().await;
        }
        *self.wards().said.entry(word).or_default() += 1;
        delivery
    }
}

impl World {
    /// Something happens to the place where one of the phones is reached. Only a few are ill at one time: when many
    /// are, it is their service that is down.
    pub fn ail(&mut self) {
        let phone = self.choices.below(self.phones.len());
        let (dead, away) = (self.plan.has(Trouble::DeadPlaces), self.plan.has(Trouble::AwayPhones));
        let ill = match self.gateway.ill(phone) {
            Some(Ill::Dead(_)) => return,
            Some(_) => None,
            None if dead && (!away || self.choices.chance(25)) => {
                Some(Ill::Dead(if self.choices.chance(50) { 410 } else { 404 }))
            }
            None if phone == ALONE => Some(Ill::Silent),
            None => Some(Ill::Away(if self.choices.chance(50) { 507 } else { 503 })),
        };
        let others = (0..self.phones.len()).filter(|other| self.gateway.ill(*other).is_some()).count();
        match ill {
            Some(_) if others >= MOST_ILL => return,
            Some(ill) => self.gateway.falls_ill(phone, ill),
            None => self.gateway.recovers(phone),
        }
        self.record.count("phones away, gone or back");
        self.record.tell(format!("phone {phone} is reached at a place that is {ill:?}"));
    }

    /// After a whole turn of the sender, nothing waits that could have gone: every push to a phone that is well has
    /// been handed over, whatever the others do.
    ///
    /// # Errors
    /// When one was held up.
    pub async fn nothing_is_held_up(&mut self) -> Result<(), String> {
        let (now, true_now) = (self.now(), self.clock.now());
        let waiting = self.inspect(move |_, tx| database::pushes_not_tried(tx, now)).await;
        let waiting = waiting.map_err(|error| error.to_string())?;
        self.held.retain(|push, _| waiting.iter().any(|one| one.row_id == *push));
        // Who takes a lease and is never heard of again holds it up for so long. Where the clock goes back meanwhile,
        // what is left of the lease is counted once more from there.
        let longest = if self.plan.has(Trouble::ServerBack) { LEASE * 2 } else { LEASE };
        for one in waiting {
            let since = *self.held.entry(one.row_id).or_insert(true_now);
            let of_device = |phone: &usize| self.has_account(*phone, one.device);
            let Some(phone) = (0..self.phones.len()).find(of_device).filter(|phone| self.gateway.is_well(*phone))
            else {
                continue;
            };
            if one.is_due || since + longest < true_now {
                let late = since.until(true_now);
                return Err(format!(
                    "a push to phone {phone}, which is well, is held up; it waits for {late:?} or more: {one:?}"
                ));
            }
        }
        Ok(())
    }

    fn has_account(&self, phone: usize, device: EnrolmentId) -> bool {
        self.phones[phone].accounts.iter().any(|(id, _)| *id == device)
    }
}
