//! Moves: pages on which a person's new phone takes over from the old one, the people before them, and thieves.

use super::deeds::Going;
use super::handset::{Errand, Secret};
use super::network::{Meaning, Packet, Request};
use super::site::Person;
use super::world::World;
use countersign_device::transport::HttpResponse;
use countersign_protocol::handle::{ChallengeId, EnrolmentId, MoveId};
use countersign_protocol::relying_party_api::{Move, MoveState};
use countersign_protocol::time::Timestamp;
use countersign_server::domain::moment::rfc3339;
use serde_json::{Value, json};
use std::time::Duration;

/// The most that a person does about moves at one sitting.
const LONGEST_SITTING: usize = 30;

/// How near its end a move must be for a person to come to it late: a question waits no longer.
const NEAR: Duration = Duration::from_secs(180);

/// What a page does with a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoveStep {
    /// Makes it, from this phone.
    Create(EnrolmentId),
    /// Reads it.
    Read(MoveId),
    /// Asks the old phone.
    Ask(MoveId),
    /// Sends a code that the person typed.
    Prove(MoveId, String),
    /// Opens the link.
    Offer(MoveId),
    /// Asks the new phone.
    Rehearse(MoveId),
    /// Takes it back.
    Cancel(MoveId),
}

impl MoveStep {
    /// The move, where it is one that was made before.
    const fn of(&self) -> Option<MoveId> {
        match self {
            Self::Create(_) => None,
            Self::Read(id)
            | Self::Ask(id)
            | Self::Prove(id, _)
            | Self::Offer(id)
            | Self::Rehearse(id)
            | Self::Cancel(id) => Some(*id),
        }
    }
}

/// True for a move that goes on.
pub const fn is_living(state: MoveState) -> bool {
    matches!(state, MoveState::Armed | MoveState::Offered | MoveState::Rehearsing)
}

impl World {
    /// A person sits before the page of a move for a while, and what is on its way goes on meanwhile.
    ///
    /// # Errors
    /// What must not be.
    pub async fn see_through(&mut self) -> Result<(), String> {
        let mut before = None;
        for _ in 0..LONGEST_SITTING {
            before = self.move_on(before)?;
            self.comes_late(before).await;
            self.come_to_rest().await?;
            while self.choices.chance(75) && self.deliver().await? {
                self.come_to_rest().await?;
            }
            if self.choices.chance(5) {
                break;
            }
        }
        Ok(())
    }

    /// Now and then a person takes so long that the time of a move is over, or all but, when the new phone answers.
    async fn comes_late(&mut self, before: Option<MoveId>) {
        let now = self.now();
        let until = before.and_then(|id| self.database.book.rehearses_until(id));
        let is_near = |until: &Timestamp| *until > now && *until < now + NEAR;
        if let (Some(until), true) = (until.filter(is_near), self.choices.chance(25)) {
            let early = Duration::from_millis(self.choices.between(0, 1));
            self.wait(now.until(until) - early).await;
        }
    }

    /// A page, or the person before it, does something about a move, about the same as before if it goes on; mostly
    /// what brings it on.
    fn move_on(&mut self, before: Option<MoveId>) -> Result<Option<MoveId>, String> {
        let going: Vec<MoveId> =
            self.deeds.going.iter().filter(|one| is_living(one.believed)).map(|one| one.id).collect();
        let all: Vec<MoveId> = self.deeds.going.iter().map(|one| one.id).collect();
        let among = if self.choices.chance(96) { going } else { all };
        let found = before.filter(|id| among.contains(id)).or_else(|| self.choices.pick(&among).copied());
        let Some(one) = found.filter(|_| self.choices.chance(92)).and_then(|id| self.deeds.going(id)).cloned() else {
            self.wants_to_move();
            return Ok(before);
        };
        if one.is_waiting && self.choices.chance(75) {
            return Ok(Some(one.id));
        }
        match self.choices.below(100) {
            0 => self.take_step(one.person, MoveStep::Cancel(one.id)),
            1..8 => self.take_step(one.person, MoveStep::Read(one.id)),
            8..10 => self.take_step(one.person, MoveStep::Ask(one.id)),
            10 => self.take_step(one.person, MoveStep::Offer(one.id)),
            11..13 => self.take_step(one.person, MoveStep::Rehearse(one.id)),
            13..15 => self.proves(&one)?,
            _ => self.goes_on(&one)?,
        }
        Ok(Some(one.id))
    }

    /// A person wants a new phone in the place of one of theirs.
    fn wants_to_move(&mut self) {
        let phone = self.choices.below(self.phones.len());
        if let Some((old, person)) = self.choices.pick(&self.phones[phone].accounts).copied() {
            self.take_step(person, MoveStep::Create(old));
        }
    }

    /// The next step of a move, as far as its page knows.
    fn goes_on(&mut self, one: &Going) -> Result<(), String> {
        let (id, person) = (one.id, one.person);
        match (one.believed, one.is_proven, one.question, one.new) {
            (MoveState::Armed, true, ..) => self.take_step(person, MoveStep::Offer(id)),
            (MoveState::Armed, false, Some(question), _) if self.choices.chance(65) => {
                if self.choices.chance(70) {
                    self.takes_in_hand(one.old, question)?;
                } else {
                    self.take_step(person, MoveStep::Read(id));
                }
            }
            (MoveState::Armed, false, ..) if self.choices.chance(55) => self.take_step(person, MoveStep::Ask(id)),
            (MoveState::Armed, false, ..) => self.proves(one)?,
            (MoveState::Rehearsing, _, Some(question), Some(new)) if self.choices.chance(80) => {
                self.takes_in_hand(new, question)?;
            }
            (MoveState::Rehearsing, ..) => self.take_step(person, MoveStep::Rehearse(id)),
            // The new phone waits with its digits, or is under way, or it died: then the page offers anew.
            (MoveState::Offered, _, _, Some(new))
                if self.deeds.digits.contains_key(&new) && self.choices.chance(60) =>
            {
                let digits = self.deeds.digits[&new].clone();
                self.type_digits(person, new, &digits);
            }
            (MoveState::Offered, ..) if self.choices.chance(12) => self.take_step(person, MoveStep::Offer(id)),
            _ => self.take_step(person, MoveStep::Read(id)),
        }
        Ok(())
    }

    /// The person takes the phone that was asked, and answers when it shows the question.
    fn takes_in_hand(&mut self, device: EnrolmentId, question: ChallengeId) -> Result<(), String> {
        let Some(phone) = self.phones.iter().position(|phone| phone.accounts.iter().any(|(id, _)| *id == device))
        else {
            return Ok(());
        };
        let prompts = self.phones[phone].core.pending().map_err(|error| error.to_string())?;
        let Some(prompt) = prompts.into_iter().find(|prompt| prompt.challenge.challenge_id == question) else {
            self.errand(phone, Errand::Pull(device, 0));
            return Ok(());
        };
        let errand = match self.choices.below(100) {
            0..6 => Errand::Deny(question),
            6..8 => Errand::Report(question),
            _ => {
                let digits = prompt.challenge.policy.digits();
                Errand::Approve(question, digits.map(|digits| self.typed(question, digits)))
            }
        };
        self.errand(phone, errand);
        Ok(())
    }

    /// The person types a code in the place of the old phone's YES: one that a phone of theirs shows, one of their
    /// paper, or one that somebody has guessed.
    fn proves(&mut self, one: &Going) -> Result<(), String> {
        let account = self.people[one.person].account;
        let paper = self.papers.get(&account).cloned().unwrap_or_default();
        let code = match self.choices.below(10) {
            0 => Some("000000".into()),
            1 => Some("000 000 000".into()),
            2..6 => self.choices.pick(&paper).cloned(),
            _ => {
                let phone = self.phones.iter().find(|phone| phone.accounts.iter().any(|(id, _)| *id == one.old));
                match phone.map(|phone| phone.core.code(one.old)) {
                    Some(Ok(shown)) => Some(shown.code),
                    Some(Err(error)) => return super::check_phone_error(&error),
                    None => None,
                }
            }
        };
        if let Some(code) = code {
            self.take_step(one.person, MoveStep::Prove(one.id, code));
        }
        Ok(())
    }

    /// A page takes a step, now and then twice.
    fn take_step(&mut self, person: usize, step: MoveStep) {
        let Person { account, organisation } = self.people[person].clone();
        let (target, body) = match &step {
            MoveStep::Create(old) => {
                let mut body = json!({ "user_id": account, "device_id": old, "reason": "a new phone" });
                if self.choices.chance(40) {
                    let longest = if self.choices.chance(50) { 240 } else { 3_600 };
                    let lasts = Duration::from_secs(self.choices.between(30, longest));
                    body["valid_until"] = rfc3339(self.now() + lasts).into();
                }
                ("/v1/moves".into(), body)
            }
            MoveStep::Read(id) => (format!("/v1/moves/{id}"), Value::Null),
            MoveStep::Ask(id) => (format!("/v1/moves/{id}/ask"), Value::Null),
            MoveStep::Prove(id, code) => (format!("/v1/moves/{id}/prove"), json!({ "code": code })),
            MoveStep::Offer(id) => (format!("/v1/moves/{id}/offer"), Value::Null),
            MoveStep::Rehearse(id) => (format!("/v1/moves/{id}/rehearse"), Value::Null),
            MoveStep::Cancel(id) => (format!("/v1/moves/{id}/cancel"), Value::Null),
        };
        self.deeds.step(&step);
        if let Some(id) = step.of() {
            self.deeds.change(id, |one| one.is_waiting = true);
        }
        let method = if matches!(step, MoveStep::Read(_)) { "GET" } else { "POST" };
        let site = self.sites.iter_mut().find(|site| site.organisation == organisation).unwrap();
        let request = site.request(Meaning::Move { person, account, step }, method, target, &body);
        site.remember(&request);
        if self.choices.chance(12) {
            self.network.put(Packet::Request(request.clone()));
        }
        self.network.put(Packet::Request(request));
    }

    /// A page hears an answer about a move.
    pub fn hear_move(&mut self, request: &Request, response: &HttpResponse) {
        match &request.meaning {
            Meaning::Confirm(new) if response.status == 200 => {
                let moving = self.deeds.going.iter().find(|one| one.new == Some(*new) && is_living(one.believed));
                if let Some((person, id)) = moving.map(|one| (one.person, one.id)) {
                    self.take_step(person, MoveStep::Read(id));
                }
            }
            Meaning::Move { person, step, .. } => self.hear_step(*person, step, response),
            _ => {}
        }
    }

    fn hear_step(&mut self, person: usize, step: &MoveStep, response: &HttpResponse) {
        if let Some(id) = step.of() {
            self.deeds.change(id, |one| one.is_waiting = false);
        }
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if let Ok(told) = serde_json::from_value::<Move>(body.clone()) {
            self.deeds.hear(person, &told);
            return;
        }
        let Some(id) = step.of() else { return };
        match (step, response.status) {
            (_, 409) => self.take_step(person, MoveStep::Read(id)),
            (MoveStep::Ask(_) | MoveStep::Rehearse(_), 201) => {
                let question = body["id"].as_str().and_then(|text| text.parse().ok());
                self.deeds.change(id, |one| one.question = question);
            }
            (MoveStep::Prove(..), 200) if body["valid"] == true => {
                self.deeds.change(id, |one| one.is_proven = true);
            }
            (MoveStep::Offer(_), 201) => {
                let new = body["id"].as_str().and_then(|text| text.parse().ok());
                if let (Some(new), Some(link)) = (new, body["link"].as_str()) {
                    self.deeds.change(id, |one| {
                        (one.believed, one.new, one.question) = (MoveState::Offered, Some(new), None);
                    });
                    self.takes_link(person, new, link);
                }
            }
            _ => {}
        }
    }

    /// A new phone takes the link of a move; now and then a thief does, before the person or in their place; and now
    /// and then nobody.
    fn takes_link(&mut self, person: usize, new: EnrolmentId, link: &str) {
        let is_free = |phone: &usize| !self.phones[*phone].accounts.iter().any(|(_, of)| *of == person);
        let mut free: Vec<usize> = (0..self.phones.len()).filter(is_free).collect();
        let fate = self.choices.below(100);
        let take = |world: &mut Self, free: &mut Vec<usize>| {
            let phone = (!free.is_empty()).then(|| free.remove(world.choices.below(free.len())))?;
            world.errand(phone, Errand::Enrol { link: Secret(link.to_owned()), person });
            Some(phone)
        };
        if fate < 12
            && let Some(thief) = take(self, &mut free)
        {
            self.record.count("links of moves taken by a thief");
            self.deeds.stolen.insert((new, thief));
        }
        if (6..95).contains(&fate) {
            take(self, &mut free);
        }
    }
}
