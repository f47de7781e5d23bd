//! What people, relying parties, phones and the operator do, one thing at a step.

use super::handset::Errand;
use super::network::{Meaning, Packet, Request, enrolments_of};
use super::site::Person;
use super::troubles::Trouble;
use super::world::World;
use countersign_protocol::handle::{ChallengeId, MoveId};
use countersign_protocol::relying_party_api::ChallengeState;
use serde_json::{Value, json};
use std::time::Duration;

/// The most errands of one phone at one time.
const MOST_ERRANDS: usize = 3;

/// One thing that may happen.
#[derive(Debug, Clone, Copy)]
pub enum Action {
    /// A message goes its way.
    Deliver,
    /// Several requests come at one time.
    Burst,
    /// Time goes by.
    Wait,
    /// A relying party asks.
    Ask,
    /// A relying party reads, or waits.
    Read,
    /// A relying party takes an approval.
    Claim,
    /// A relying party takes a question back.
    Cancel,
    /// A relying party sends again what it has sent.
    Repeat,
    /// Somebody asks for what is not theirs.
    Intrude,
    /// A person answers.
    Answer,
    /// A person types a code.
    Code,
    /// A person types a backup code, or has new ones made.
    BackupCode,
    /// A page, or the person before it, does something about a move.
    Move,
    /// A phone asks for what waits.
    Pull,
    /// A phone does what it does now and then.
    Tend,
    /// Queued pushes are sent.
    Push,
    /// A person gets a phone for an account.
    Invite,
    /// A person removes an account from a phone, or the operator does.
    Remove,
    /// A person sets a phone's clock.
    SetClock,
    /// A phone is killed and started again.
    RestartPhone,
    /// The server is stopped and started again.
    RestartServer,
    /// The operator rotates the signing key.
    RotateKey,
    /// The operator retires a relying party, and makes another in its place.
    Retire,
    /// One of the troubles of this world.
    Trouble,
}

/// How often what happens, among all of them together.
const WEIGHTS: [(usize, Action); 24] = [
    (420, Action::Deliver),
    (30, Action::Burst),
    (90, Action::Wait),
    (75, Action::Ask),
    (80, Action::Read),
    (110, Action::Claim),
    (22, Action::Cancel),
    (25, Action::Repeat),
    (20, Action::Intrude),
    (130, Action::Answer),
    (40, Action::Code),
    (24, Action::BackupCode),
    (26, Action::Move),
    (90, Action::Pull),
    (12, Action::Tend),
    (70, Action::Push),
    (14, Action::Invite),
    (4, Action::Remove),
    (4, Action::SetClock),
    (6, Action::RestartPhone),
    (4, Action::RestartServer),
    (1, Action::RotateKey),
    (1, Action::Retire),
    (24, Action::Trouble),
];

impl World {
    /// Something happens.
    ///
    /// # Errors
    /// What must not be.
    pub async fn act(&mut self) -> Result<(), String> {
        // A world without troubles is the same one, whatever troubles there may be in others.
        let calm = usize::from(self.plan.troubles.is_empty());
        let weights = &WEIGHTS[..WEIGHTS.len() - calm];
        let mut drawn = self.choices.below(weights.iter().map(|(weight, _)| weight).sum());
        let mut chosen = Action::Deliver;
        for &(weight, action) in weights {
            if drawn < weight {
                chosen = action;
                break;
            }
            drawn -= weight;
        }
        match chosen {
            Action::Deliver => {
                self.deliver().await?;
            }
            Action::Burst => self.burst().await?,
            Action::Wait => self.pass_time().await?,
            Action::Ask => self.ask(),
            Action::Read => self.read(),
            Action::Claim => self.claim(),
            Action::Cancel => self.cancel(),
            Action::Repeat => self.repeat(),
            Action::Intrude => self.intrude(),
            Action::Answer => self.answer()?,
            Action::Code => self.type_code()?,
            Action::BackupCode => self.type_backup_code(),
            Action::Move => self.see_through().await?,
            Action::Pull => self.pull(),
            Action::Tend => self.tend()?,
            Action::Push => {
                self.send_pushes().await?;
                // What comes back is tried again soon.
                while self.plan.has(Trouble::AwayPhones) && self.choices.chance(70) {
                    let by = Duration::from_millis(self.choices.between(200, 3_000));
                    self.wait(by).await;
                    self.come_to_rest().await?;
                    self.send_pushes().await?;
                }
            }
            Action::Invite => self.invite(),
            Action::Remove => self.remove().await?,
            Action::SetClock => self.set_clock(),
            Action::RestartPhone => self.restart_phone().await,
            Action::RestartServer => {
                let meanwhile = if self.choices.chance(50) { self.network.take_writes(1).pop() } else { None };
                self.restart_server(meanwhile, 0).await?;
            }
            Action::RotateKey => self.rotate_key().await?,
            Action::Retire => self.retire().await?,
            Action::Trouble => self.trouble().await?,
        }
        Ok(())
    }

    async fn pass_time(&mut self) -> Result<(), String> {
        let by = match self.choices.below(1000) {
            0..780 => self.choices.between(0, 1_500),
            780..960 => self.choices.between(1_500, 8_000),
            960..992 => self.choices.between(8_000, 90_000),
            _ => self.choices.between(300_000, 5_400_000),
        };
        let mut by = Duration::from_millis(by);
        // To the very end of something, or to just before it, now and then.
        let next = self.database.next_end(self.now());
        match next.filter(|_| self.choices.chance(25)) {
            Some((id, end)) => {
                by = self.now().until(end) - Duration::from_millis(self.choices.between(0, 1));
                self.wait(by).await;
                self.at_the_end(id).await
            }
            None => {
                self.wait(by).await;
                Ok(())
            }
        }
    }

    /// The relying party comes at the last moment.
    async fn at_the_end(&mut self, id: ChallengeId) -> Result<(), String> {
        self.come_to_rest().await?;
        let own = self.sites.iter().position(|site| site.asked.iter().any(|asked| asked.id == id));
        let (Some(site), true) = (own, self.choices.chance(60)) else { return Ok(()) };
        let site = &mut self.sites[site];
        let request = if self.choices.chance(50) { site.claim(id, Some(id.to_string())) } else { site.cancel(id) };
        let response = self.serve(request.clone()).await?;
        self.network.put(Packet::Reply(request, response));
        Ok(())
    }

    fn send(&self, request: Request) {
        self.network.put(Packet::Request(request));
    }

    /// A relying party, by chance.
    pub fn any_site(&mut self) -> usize {
        self.choices.below(self.sites.len())
    }

    fn ask(&mut self) {
        let site = self.any_site();
        let organisation = self.sites[site].organisation;
        let own: Vec<_> = self.people.iter().filter(|person| person.organisation == organisation).cloned().collect();
        let Some(person) = self.choices.pick(&own).cloned() else { return };
        let lifetime = match self.choices.below(10) {
            0..6 => None,
            6..8 => Some(self.choices.between(1, 30)),
            _ => Some(self.choices.between(30, 600)),
        };
        let key = if self.choices.chance(60) { Some(self.sites[site].fresh_key()) } else { None };
        let digits = match self.choices.below(10) {
            0..7 => None,
            7..9 => Some(2),
            _ => Some(6),
        };
        let request = self.sites[site].ask(person.account, (lifetime, digits), key);
        self.send(request);
    }

    /// A challenge of a relying party; mostly one that it believes to be in this state.
    fn of_site(&mut self, site: usize, state: ChallengeState) -> Option<ChallengeId> {
        let asked: Vec<_> = self.sites[site].asked.iter().map(|asked| (asked.id, asked.believed)).collect();
        let fitting: Vec<_> = asked.iter().filter(|(_, believed)| *believed == state).copied().collect();
        let among = if self.choices.chance(75) && !fitting.is_empty() { fitting } else { asked };
        self.choices.pick(&among).map(|(id, _)| *id)
    }

    fn read(&mut self) {
        let site = self.any_site();
        let Some(id) = self.of_site(site, ChallengeState::Pending) else { return };
        let wait = if self.choices.chance(60) { self.choices.between(1, 60) } else { 0 };
        // Now and then a page is open in many tabs, and each waits.
        for _ in 0..if wait > 0 && self.choices.chance(4) { 8 } else { 1 } {
            let request = self.sites[site].read(id, wait);
            self.send(request);
        }
    }

    fn claim(&mut self) {
        let site = self.any_site();
        let wanted = match self.choices.below(10) {
            0..6 => ChallengeState::Approved,
            6..9 => ChallengeState::Claimed,
            _ => ChallengeState::Denied,
        };
        let Some(id) = self.of_site(site, wanted) else { return };
        let key = match self.choices.below(10) {
            0..6 => Some(id.to_string()),
            6..9 => Some(self.sites[site].fresh_key()),
            _ => None,
        };
        let request = self.sites[site].claim(id, key);
        self.send(request);
    }

    fn cancel(&mut self) {
        let site = self.any_site();
        let all = [
            ChallengeState::Pending,
            ChallengeState::Pending,
            ChallengeState::Approved,
            ChallengeState::Claimed,
            ChallengeState::Denied,
        ];
        let wanted = all[self.choices.below(all.len())];
        let Some(id) = self.of_site(site, wanted) else { return };
        let request = self.sites[site].cancel(id);
        self.send(request);
    }

    fn repeat(&mut self) {
        let site = self.any_site();
        let again = self.choices.pick(&self.sites[site].repeatable()).map(|request| (*request).clone());
        if let Some(request) = again {
            self.record.count("told again");
            self.send(request);
        }
    }

    /// One relying party tries what belongs to another, and one organisation what belongs to another.
    fn intrude(&mut self) {
        let (thief, victim) = (self.any_site(), self.any_site());
        if thief == victim {
            return;
        }
        let foreign = self.sites[thief].organisation != self.sites[victim].organisation;
        let known: Vec<_> = self.sites[victim].asked.iter().map(|asked| asked.id).collect();
        let people = self.people.iter().filter(|person| person.organisation == self.sites[victim].organisation);
        let people: Vec<_> = people.map(|person| person.account).collect();
        let devices: Vec<_> = self
            .phones
            .iter()
            .flat_map(|phone| &phone.accounts)
            .filter(|(_, person)| self.people[*person].organisation == self.sites[victim].organisation)
            .map(|(id, _)| *id)
            .collect();
        let (challenge, account, device) = (
            self.choices.pick(&known).copied(),
            self.choices.pick(&people).copied(),
            self.choices.pick(&devices).copied(),
        );
        let moving = self.foreign_move(self.sites[victim].organisation).filter(|_| foreign);
        let (method, target, body) = match (self.choices.below(9), challenge, account, device) {
            (7, ..) if moving.is_some() => ("GET", format!("/v1/moves/{}", moving.unwrap()), Value::Null),
            (8, ..) if moving.is_some() => {
                let step = ["ask", "offer", "rehearse", "cancel"][self.choices.below(4)];
                ("POST", format!("/v1/moves/{}/{step}", moving.unwrap()), Value::Null)
            }
            (0, Some(id), ..) => ("GET", format!("/v1/challenges/{id}"), Value::Null),
            (1, Some(id), ..) => ("POST", format!("/v1/challenges/{id}/claim"), Value::Null),
            (2, Some(id), ..) => ("POST", format!("/v1/challenges/{id}/cancel"), Value::Null),
            (3, _, Some(id), _) if foreign => ("POST", "/v1/challenges".into(), json!({ "user_id": id })),
            (4, _, Some(id), _) if foreign => ("POST", enrolments_of(id), Value::Null),
            (5, _, _, Some(id)) if foreign => ("GET", format!("/v1/enrolments/{id}"), Value::Null),
            (6, _, _, Some(id)) if foreign => {
                ("POST", format!("/v1/enrolments/{id}/confirm"), json!({ "code": "123456" }))
            }
            _ => return,
        };
        let request = self.sites[thief].request(Meaning::Intrude, method, target, &body);
        self.send(request);
    }

    /// The latest move of a person of this organisation.
    fn foreign_move(&self, organisation: usize) -> Option<MoveId> {
        let own = |person: usize| self.people[person].organisation == organisation;
        self.deeds.going.iter().rev().find(|one| own(one.person)).map(|one| one.id)
    }

    fn free_phone(&mut self) -> Option<usize> {
        let phone = self.choices.below(self.phones.len());
        (self.phones[phone].errands() < MOST_ERRANDS).then_some(phone)
    }

    fn answer(&mut self) -> Result<(), String> {
        let Some(phone) = self.free_phone() else { return Ok(()) };
        let prompts = self.phones[phone].core.pending().map_err(|error| error.to_string())?;
        let asked: Vec<_> =
            prompts.iter().map(|prompt| (prompt.challenge.challenge_id, prompt.challenge.policy.digits())).collect();
        let Some((id, digits)) = self.choices.pick(&asked).copied() else { return self.report_old(phone) };
        let errand = match self.choices.below(100) {
            0..70 => Errand::Approve(id, digits.map(|digits| self.typed(id, digits))),
            70..94 => Errand::Deny(id),
            _ => Errand::Report(id),
        };
        self.errand(phone, errand);
        Ok(())
    }

    /// What the person types: mostly what the page shows.
    pub(super) fn typed(&mut self, id: ChallengeId, digits: u8) -> String {
        match self.database.row(id).and_then(|row| row.number.clone()) {
            Some(shown) if self.choices.chance(88) => shown,
            _ => "0".repeat(digits.into()),
        }
    }

    /// A person says of a request that is over that it was not theirs.
    fn report_old(&mut self, phone: usize) -> Result<(), String> {
        if self.choices.chance(95) {
            return Ok(());
        }
        let past = self.phones[phone].core.history(5).map_err(|error| error.to_string())?;
        let ids: Vec<_> = past.iter().map(|past| past.challenge.challenge_id).collect();
        if let Some(id) = self.choices.pick(&ids).copied() {
            self.errand(phone, Errand::Report(id));
        }
        Ok(())
    }

    /// A person types the code that a phone shows, now and then on two pages at one time.
    fn type_code(&mut self) -> Result<(), String> {
        let phone = self.choices.below(self.phones.len());
        let Some((id, person)) = self.choices.pick(&self.phones[phone].accounts).copied() else { return Ok(()) };
        let shown = match self.phones[phone].core.code(id) {
            Ok(shown) => shown,
            Err(error) => return super::check_phone_error(&error),
        };
        let Person { account, organisation } = self.people[person].clone();
        let site = self.sites.iter_mut().find(|site| site.organisation == organisation).unwrap();
        let request = site.verify(account, shown.code);
        if self.choices.chance(40) {
            self.send(request.clone());
            self.send(request);
        } else {
            self.send(request);
        }
        Ok(())
    }

    /// A person types one of the codes on their paper, often one that they have typed before, and often on two pages at
    /// one time; whoever has no paper, and now and then somebody who has, has codes made.
    fn type_backup_code(&mut self) {
        let person = self.choices.below(self.people.len());
        let Person { account, organisation } = self.people[person].clone();
        let paper = self.papers.get(&account).cloned().unwrap_or_default();
        let site = self.sites.iter_mut().find(|site| site.organisation == organisation).unwrap();
        if paper.is_empty() || self.choices.chance(6) {
            let target = format!("/v1/users/{account}/backup-codes");
            let request = site.request(Meaning::BackupCodes(account), "POST", target, &Value::Null);
            self.send(request);
            return;
        }
        let code = paper[self.choices.below(paper.len())].clone();
        let request = site.verify(account, code);
        if self.choices.chance(60) {
            self.send(request.clone());
        }
        self.send(request);
    }

    fn pull(&mut self) {
        let Some(phone) = self.free_phone() else { return };
        let Some((id, _)) = self.choices.pick(&self.phones[phone].accounts).copied() else { return };
        let wait = if self.choices.chance(30) { u32::try_from(self.choices.between(1, 60)).unwrap() } else { 0 };
        self.errand(phone, Errand::Pull(id, wait));
    }

    fn tend(&mut self) -> Result<(), String> {
        let Some(phone) = self.free_phone() else { return Ok(()) };
        self.phones[phone].core.history(20).map_err(|error| error.to_string())?;
        let Some((id, _)) = self.choices.pick(&self.phones[phone].accounts).copied() else { return Ok(()) };
        let errand = match self.choices.below(10) {
            0..6 => Errand::Register(id),
            6..8 => Errand::Refresh(id),
            _ => Errand::List(id),
        };
        self.errand(phone, errand);
        Ok(())
    }

    async fn send_pushes(&mut self) -> Result<(), String> {
        let stalls_at = if self.choices.chance(10) { Some(self.choices.below(3) + 1) } else { None };
        let tasks = super::world::alive_tasks();
        self.host.push(stalls_at).await;
        match stalls_at {
            Some(_) => self.record.count("pushing cut"),
            None => self.host.prune().await,
        }
        self.rest(tasks).await?;
        if stalls_at.is_none() { self.nothing_is_held_up().await } else { Ok(()) }
    }

    fn invite(&mut self) {
        let (phone, person) = (self.choices.below(self.phones.len()), self.choices.below(self.people.len()));
        if self.phones[phone].accounts.len() < 3 && !self.phones[phone].accounts.iter().any(|(_, of)| *of == person) {
            self.invite_to(person, phone);
        }
    }

    /// A relying party of a person's organisation opens an enrolment for this phone.
    pub fn invite_to(&mut self, person: usize, phone: usize) {
        let Person { account, organisation } = self.people[person].clone();
        let site = self.sites.iter().find(|site| site.organisation == organisation).unwrap();
        let request = site.request(Meaning::Invite { person, phone }, "POST", enrolments_of(account), &Value::Null);
        self.send(request);
    }
}
