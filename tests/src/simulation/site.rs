//! The relying parties: what they ask, what they believe, and what they ask again.

use super::ledger;
use super::moves::MoveStep;
use super::network::{Meaning, Request, site_request};
use super::world::World;
use countersign_device::transport::HttpResponse;
use countersign_protocol::handle::{AccountId, ChallengeId};
use countersign_protocol::relying_party_api::ChallengeState;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// How many of its latest challenges a relying party still thinks of.
const REMEMBERED: usize = 12;

/// A person with an account.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account.
    pub account: AccountId,
    /// The organisation, as a number in the world.
    pub organisation: usize,
}

/// A challenge, as its relying party knows it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Names it.
    pub id: ChallengeId,
    /// Its state, as far as the relying party has heard.
    pub believed: ChallengeState,
}

/// A relying party.
pub struct Site {
    /// Its number in the world.
    pub number: usize,
    /// Its organisation.
    pub organisation: usize,
    /// Its key.
    pub api_key: String,
    /// Its name for the operator.
    pub handle: String,
    /// The latest challenges.
    pub asked: VecDeque<Asked>,
    /// Requests that may be sent again.
    sent: VecDeque<Request>,
    names: u64,
}

impl Site {
    /// A relying party that has not asked anything.
    pub fn new(number: usize, organisation: usize, api_key: String, handle: String) -> Self {
        Self { number, organisation, api_key, handle, asked: VecDeque::new(), sent: VecDeque::new(), names: 0 }
    }

    /// A name that it has not used.
    pub fn fresh_key(&mut self) -> String {
        self.names += 1;
        format!("{}-{}", self.number, self.names)
    }

    /// A request with its key.
    pub fn request(&self, meaning: Meaning, method: &'static str, target: String, body: &Value) -> Request {
        let mut request = site_request(self.number, &self.api_key, meaning, method, target);
        if !body.is_null() {
            request.body = serde_json::to_vec(body).unwrap();
            request.headers.push(("content-type", "application/json".into()));
        }
        request
    }

    /// A request to make an account known.
    pub fn introduce(&self, name: &str) -> Request {
        self.request(Meaning::Introduce, "POST", "/v1/users".into(), &json!({ "name": name }))
    }

    /// A question to an account, with its lifetime in seconds and the digits that are to be typed.
    pub fn ask(
        &mut self,
        account: AccountId,
        (lifetime, digits): (Option<u64>, Option<u8>),
        key: Option<String>,
    ) -> Request {
        let mut body = json!({ "user_id": account });
        if let Some(seconds) = lifetime {
            body["expires_in"] = seconds.into();
        }
        if let Some(digits) = digits {
            body["policy"] = json!({ "mode": "number", "digits": digits });
        }
        let mut request = self.request(Meaning::Create(key.clone()), "POST", "/v1/challenges".into(), &body);
        if let Some(key) = key {
            request.headers.push(("idempotency-key", key));
            self.remember(&request);
        }
        request
    }

    /// Asks whether a code is right.
    pub fn verify(&mut self, account: AccountId, code: String) -> Request {
        let (target, body) = (format!("/v1/users/{account}/codes/verify"), json!({ "code": code }));
        let request = self.request(Meaning::Code(account, code), "POST", target, &body);
        self.remember(&request);
        request
    }

    /// Reads a challenge, and waits for so long while it is pending.
    pub fn read(&self, id: ChallengeId, wait: u64) -> Request {
        let target = format!("/v1/challenges/{id}?wait={wait}");
        self.request(Meaning::Read(id), "GET", target, &Value::Null)
    }

    /// Takes an approval.
    pub fn claim(&mut self, id: ChallengeId, key: Option<String>) -> Request {
        let target = format!("/v1/challenges/{id}/claim");
        let mut request = self.request(Meaning::Claim(id, key.clone()), "POST", target, &Value::Null);
        request.headers.extend(key.map(|key| ("idempotency-key", key)));
        self.remember(&request);
        request
    }

    /// Takes a question back.
    pub fn cancel(&mut self, id: ChallengeId) -> Request {
        let request = self.request(Meaning::Cancel(id), "POST", format!("/v1/challenges/{id}/cancel"), &Value::Null);
        self.remember(&request);
        request
    }

    /// Keeps a request that may be sent again.
    pub fn remember(&mut self, request: &Request) {
        self.sent.push_back(request.clone());
        if self.sent.len() > REMEMBERED {
            self.sent.pop_front();
        }
    }

    /// What may be sent again.
    pub fn repeatable(&self) -> Vec<&Request> {
        self.sent.iter().collect()
    }

    /// Hears an answer. A challenge that it did not know is its own from here on.
    pub fn hear(&mut self, request: &Request, response: &HttpResponse) {
        let about =
            matches!(request.meaning, Meaning::Create(_) | Meaning::Read(_) | Meaning::Claim(..) | Meaning::Cancel(_));
        let about =
            about || matches!(request.meaning, Meaning::Move { step: MoveStep::Ask(_) | MoveStep::Rehearse(_), .. });
        let Some((id, state)) = ledger::challenge(response).filter(|_| about) else { return };
        match self.asked.iter_mut().find(|asked| asked.id == id) {
            Some(asked) if ledger::may_follow(asked.believed, state) => asked.believed = state,
            Some(_) => {}
            None => {
                self.asked.push_back(Asked { id, believed: state });
                if self.asked.len() > REMEMBERED {
                    self.asked.pop_front();
                }
            }
        }
    }
}

impl World {
    /// Adds up what the server said.
    pub fn tally(&mut self, request: &Request, response: &HttpResponse) {
        let word = match (&request.meaning, response.status, ledger::code(response).as_str()) {
            (Meaning::Intrude, 404, _) => "strangers refused",
            (Meaning::Claim(..), 200, _) => "claims answered",
            (Meaning::Create(_), 200, _) => "creations repeated",
            (_, _, "already_claimed") => "second claims refused",
            (_, _, "already_answered") => "late answers refused",
            (Meaning::Phone, _, "expired") => "answers after the end refused",
            (Meaning::Phone, _, "cancelled") => "answers after a cancellation refused",
            (Meaning::BackupCodes(_), 201, _) => "backup codes made",
            (Meaning::Code(_, code), 200, _) if code.contains(' ') => match ledger::is_valid(response) {
                true => "backup codes accepted",
                false => "backup codes refused",
            },
            (Meaning::Code(..), 200, _) if ledger::is_valid(response) => "codes accepted",
            (Meaning::Code(..), 200, _) => "codes refused",
            (_, _, "already_moving") => "second moves refused",
            (_, _, "move_not_proven") => "links without a second half refused",
            (_, _, "move_not_now") => "steps of moves out of turn refused",
            (_, _, "too_many_open") => "questions past the limit refused",
            (_, _, "too_many_creations") => "questions past the rate refused",
            (_, _, "too_many_enrolments") => "links past the limit refused",
            (_, _, "too_many_waits") => "waits past the limit refused",
            (_, _, "wrong_number") => "wrong numbers refused",
            (_, _, "wrong_challenge") => "answers to an earlier form refused",
            (_, _, "replayed") => "replays refused",
            (_, _, "future_time" | "stale_time") => "wrong clocks refused",
            (_, 503, _) => "refused by a stopping server",
            (Meaning::Read(_), 200, _) => match ledger::challenge(response) {
                Some((_, ChallengeState::Expired)) => "expired",
                Some((_, ChallengeState::Lapsed)) => "lapsed",
                _ => return,
            },
            _ => return,
        };
        self.record.count(word);
    }
}
