//! What the world outside does to a server and its phones: something else answers in the server's place, clocks jump,
//! and the places where phones are reached die or are away for a while.

use super::Plan;
use super::handset::Errand;
use super::network::{Caller, Packet, Request};
use super::push_service::Ill;
use super::world::World;
use countersign_device::transport::{HttpResponse, Unreachable};
use countersign_protocol::handle::EnrolmentId;

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Trouble {
    /// A gateway answers 502, 503 or 504 with a page, or ends a long poll.
    Gateways,
    /// A captive portal answers 200 with its page, or an answer comes without its end.
    Portals,
    /// Clocks of phones are hours off.
    PhoneClocks,
    /// The server's clock jumps ahead by hours, also while the server is stopped.
    ServerAhead,
    /// It jumps back by hours.
    ServerBack,
    /// The places where phones are reached die (404, 410).
    DeadPlaces,
    /// They are away for a while (503, 507, no answer).
    AwayPhones,
}

/// The kinds that every world has.
pub const SHIPPED: &[Trouble] = &[
    Trouble::Gateways,
    Trouble::Portals,
    Trouble::PhoneClocks,
    Trouble::ServerAhead,
    Trouble::ServerBack,
    Trouble::DeadPlaces,
    Trouble::AwayPhones,
];

/// The farthest that a clock jumps, in milliseconds.
const FARTHEST: u64 = 5 * 3_600_000;
/// The page of something else on the way.
const PAGE: &str = "<!DOCTYPE html><html><head><title>Please wait</title></head><body>Please wait</body></html>";

impl Plan {
    /// True in a world with this kind of trouble.
    pub fn has(&self, trouble: Trouble) -> bool {
        self.troubles.contains(&trouble)
    }
}

impl World {
    /// One of the troubles of this world.
    ///
    /// # Errors
    /// What must not be.
    pub async fn trouble(&mut self) -> Result<(), String> {
        match self.choices.pick(self.plan.troubles) {
            Some(Trouble::Gateways) => self.cut_a_poll().await,
            Some(Trouble::PhoneClocks) if self.choices.chance(50) => self.set_phone_clock_far(),
            Some(Trouble::ServerAhead) if self.choices.chance(20) => self.jump(1).await?,
            Some(Trouble::ServerBack) if self.choices.chance(20) => self.jump(-1).await?,
            Some(Trouble::DeadPlaces | Trouble::AwayPhones) => self.ail(),
            _ => {}
        }
        Ok(())
    }

    /// What something else on the way says in the place of this answer, now and then.
    pub fn impostor(&mut self, response: &HttpResponse) -> Option<HttpResponse> {
        let (gateways, portals) = (self.plan.has(Trouble::Gateways), self.plan.has(Trouble::Portals));
        if !(gateways || portals) || !self.choices.chance(3) {
            return None;
        }
        let page = |status, body: &str| HttpResponse {
            status,
            headers: vec![("content-type".into(), "text/html".into())],
            body: body.into(),
        };
        let kinds: &[usize] = match (gateways, portals) {
            (true, false) => &[0, 1, 2, 3],
            (false, _) => &[4, 5, 6],
            (true, true) => &[0, 1, 2, 3, 4, 5, 6],
        };
        let kind = *self.choices.pick(kinds)?;
        self.record.count("answers by something else");
        self.record.tell(format!("  something else answers, in the way {kind}"));
        Some(match kind {
            0 => page(502, PAGE),
            1 => page(504, PAGE),
            2 => page(503, ""),
            3 => page(403, PAGE),
            4 => page(200, PAGE),
            5 => page(200, ""),
            // A connection that ends early, seen by a client that does not notice.
            _ => {
                let whole = response.body.len();
                let end = if whole == 0 { 0 } else { self.choices.below(whole) };
                HttpResponse { body: response.body[..end].to_vec(), ..response.clone() }
            }
        })
    }

    /// A gateway has no more patience with somebody who waits; half of them tell the server.
    async fn cut_a_poll(&mut self) {
        if self.parked.is_empty() {
            return;
        }
        let place = self.choices.below(self.parked.len());
        let answer = if self.choices.chance(50) {
            Ok(HttpResponse { status: 504, headers: Vec::new(), body: PAGE.into() })
        } else {
            Err(Unreachable { reason: "the connection ended".into() })
        };
        self.record.count("long polls cut");
        self.record.tell(format!("a long poll is cut: {}", self.parked[place].request));
        if let Caller::Phone { call, .. } = self.parked[place].request.caller {
            self.network.answer(call, answer);
        }
        if self.choices.chance(50) {
            let parked = self.parked.remove(place);
            parked.give_up().await;
        }
    }

    fn set_phone_clock_far(&mut self) {
        let phone = self.choices.below(self.phones.len());
        let ahead = i64::try_from(self.choices.between(0, 2 * FARTHEST)).unwrap() - i64::try_from(FARTHEST).unwrap();
        let ahead = if self.choices.chance(30) { 0 } else { ahead };
        self.record.count("phone clocks far off");
        self.record.tell(format!("phone {phone} is set {ahead} ms ahead"));
        self.phones[phone].set_clock(ahead);
    }

    /// The server's clock jumps, forward or back, while it runs or while it is stopped.
    async fn jump(&mut self, direction: i64) -> Result<(), String> {
        self.come_to_rest().await?;
        let by = direction * i64::try_from(self.choices.between(60_000, FARTHEST)).unwrap();
        self.record.count(if direction > 0 { "jumps of the server's clock ahead" } else { "jumps back" });
        self.record.tell(format!("the server's clock jumps by {by} ms"));
        if self.choices.chance(40) {
            self.restart_server(None, by).await
        } else {
            self.clock_jumps(by);
            Ok(())
        }
    }

    /// The server's clock is another from here on.
    pub fn clock_jumps(&mut self, by: i64) {
        self.host.clock.set(self.host.clock.ahead_ms() + by);
        self.database.clock_jumped(self.now());
        for parked in &mut self.parked {
            parked.shaken = true;
        }
    }

    /// Trouble is over: who was away is back, and what is dead is replaced when its phone has asked and registered.
    pub fn troubles_end(&mut self) {
        for phone in 0..self.phones.len() {
            if !matches!(self.gateway.ill(phone), Some(Ill::Dead(_))) {
                self.gateway.recovers(phone);
            }
        }
    }

    /// Something else takes a request and answers it, so that it never comes to the server.
    pub fn intercepted(&mut self, request: &Request) -> bool {
        let nothing = HttpResponse { status: 200, headers: Vec::new(), body: Vec::new() };
        let Some(page) = self.impostor(&nothing) else { return false };
        self.network.put(Packet::Reply(request.clone(), page));
        true
    }

    /// A phone whose push service does not know it any more registers again, as its app does.
    pub fn repair(&mut self, phone: usize, id: EnrolmentId) {
        self.record.count("registrations repaired");
        self.errand(phone, Errand::Register(id));
    }
}
