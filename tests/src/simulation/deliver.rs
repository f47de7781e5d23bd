//! What becomes of the messages on their way: some are lost, some come twice, some late, some to the wrong place.

use super::handset::{Errand, Secret, endpoint};
use super::ledger;
use super::network::{Caller, Meaning, Packet, Request, silence};
use super::world::{World, alive_tasks};
use countersign_device::transport::HttpResponse;
use countersign_protocol::relying_party_api::BackupCodes;
use serde_json::{Value, json};

/// The most requests that come at one time.
const BURST: usize = 4;

impl World {
    /// One message goes its way, or is lost. False when there was none.
    ///
    /// # Errors
    /// What must not be.
    pub async fn deliver(&mut self) -> Result<bool, String> {
        let waiting = self.network.len();
        if waiting == 0 {
            return Ok(false);
        }
        // Mostly the oldest, so that things get done; often enough another, so that the order is none.
        let place = if self.choices.chance(60) { 0 } else { self.choices.below(waiting) };
        let packet = self.network.take(place);
        let fate = self.choices.below(100);
        match packet {
            Packet::Request(request) => self.deliver_request(request, fate).await?,
            Packet::Reply(request, response) => self.deliver_reply(&request, response, fate)?,
            Packet::Push { endpoint: to, envelope } => self.deliver_push(&to, &envelope, fate)?,
        }
        Ok(true)
    }

    async fn deliver_request(&mut self, request: Request, fate: usize) -> Result<(), String> {
        match fate {
            0..4 => {
                self.lost(&request, "requests lost");
                return Ok(());
            }
            4..9 => {
                self.record.count("requests repeated");
                self.network.put(Packet::Request(request.clone()));
            }
            9..12 if request.method != "GET" => return self.answer_nobody(request).await,
            _ if self.intercepted(&request) => return Ok(()),
            _ => {}
        }
        if request.patience() > 0 {
            return self.park(request).await;
        }
        let response = self.serve(request.clone()).await?;
        self.reply(request, response);
        Ok(())
    }

    /// The caller goes away while the server is at work. Nobody notes what would have been said.
    async fn answer_nobody(&mut self, request: Request) -> Result<(), String> {
        let before = alive_tasks();
        self.record.tell(format!("{request}, who leaves"));
        self.host.call_and_leave(&request).await;
        self.rest(before).await?;
        self.touch(&request);
        self.registers(&request);
        self.taken.take(&request, self.true_now());
        self.lost(&request, "callers gone");
        Ok(())
    }

    /// A phone gives the server the place where it is reached, and may never hear that it has.
    pub fn registers(&self, request: &Request) {
        if let (Caller::Phone { phone, .. }, "PUT", "/v1/device/push") =
            (request.caller, request.method, &*request.target)
        {
            self.gateway.may_forget(phone);
        }
    }

    fn reply(&mut self, request: Request, response: HttpResponse) {
        match self.choices.below(100) {
            0..4 => self.lost(&request, "replies lost"),
            _ => {
                let heard = self.impostor(&response).unwrap_or(response);
                self.network.put(Packet::Reply(request, heard));
            }
        }
    }

    /// A message is lost; half of the phones notice at once, the others when their patience is over.
    fn lost(&mut self, request: &Request, how: &'static str) {
        self.record.count(how);
        if let Caller::Phone { call, .. } = request.caller
            && self.choices.chance(50)
        {
            self.network.answer(call, Err(silence()));
        }
    }

    /// Hands an answer to whoever asked.
    ///
    /// # Errors
    /// What must not be.
    pub fn deliver_reply(&mut self, request: &Request, response: HttpResponse, fate: usize) -> Result<(), String> {
        if fate < 3 {
            self.lost(request, "replies lost");
            return Ok(());
        }
        match request.caller {
            Caller::Phone { call, .. } => {
                if !self.network.answer(call, Ok(response)) {
                    self.record.count("replies too late");
                }
            }
            // What a retired relying party asked is not for its successor.
            Caller::Site(_) if !self.knows_key(request) => {}
            Caller::Site(site) => {
                self.sites[site].hear(request, &response);
                self.invited(request, &response);
                self.printed(request, &response);
            }
        }
        Ok(())
    }

    /// A link goes to the phone it is for.
    fn invited(&mut self, request: &Request, response: &HttpResponse) {
        let Meaning::Invite { person, phone } = request.meaning else { return };
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let enrolled = self.phones[phone].accounts.iter().any(|(_, of)| *of == person);
        if let (Some(link), false) = (body["link"].as_str(), enrolled) {
            self.phones[phone].send(Errand::Enrol { link: Secret(link.to_owned()), person });
        }
    }

    /// A person prints the codes that they are shown.
    fn printed(&mut self, request: &Request, response: &HttpResponse) {
        let (Meaning::BackupCodes(account), 201) = (&request.meaning, response.status) else { return };
        // An answer that was cut on its way shows no codes, and those before have ended all the same.
        match serde_json::from_slice::<BackupCodes>(&response.body) {
            Ok(codes) => drop(self.papers.insert(*account, codes.codes)),
            Err(_) => drop(self.papers.remove(account)),
        }
    }

    fn deliver_push(&mut self, to: &str, envelope: &[u8], fate: usize) -> Result<(), String> {
        let own = (0..self.phones.len()).find(|phone| endpoint(*phone) == to).unwrap();
        match fate {
            0..10 => {
                self.record.count("pushes lost");
                return Ok(());
            }
            10..20 => {
                self.record.count("pushes repeated");
                self.network.put(Packet::Push { endpoint: to.to_owned(), envelope: envelope.to_vec() });
            }
            20..26 => {
                let stranger = (own + 1 + self.choices.below(self.phones.len() - 1)) % self.phones.len();
                return self.push_arrives(to, envelope, stranger);
            }
            _ => {}
        }
        self.push_arrives(to, envelope, own)
    }

    /// Several requests come at one time, so that the writer's groups hold several. Each of them makes one read and one
    /// write, and both are made in the order in which they come, so that a seed repeats this too.
    ///
    /// # Errors
    /// What must not be.
    pub async fn burst(&mut self) -> Result<(), String> {
        // Somebody who waits for a challenge may be told of any state that it passes through.
        let watched: Vec<_> = self.parked.iter().filter_map(|parked| ledger::subject(&parked.request)).collect();
        let is_watched = |request: &Request| ledger::subject(request).is_some_and(|id| watched.contains(&id));
        let (held, requests): (Vec<_>, Vec<_>) = self.network.take_writes(BURST).into_iter().partition(is_watched);
        for request in held {
            self.network.put(Packet::Request(request));
        }
        if requests.len() > 1 {
            self.record.count("bursts");
        }
        let answering: Vec<_> = requests.iter().map(|request| tokio::spawn(self.host.call(request))).collect();
        for (request, answer) in requests.into_iter().zip(answering) {
            self.record.tell(format!("at once: {request}"));
            let response = answer.await.map_err(|error| error.to_string())?;
            self.note(&request, &response)?;
            self.reply(request, response);
        }
        Ok(())
    }

    /// Everything that is on its way arrives, and whatever follows from it, and nothing is lost.
    ///
    /// # Errors
    /// What must not be.
    pub async fn flow(&mut self) -> Result<(), String> {
        for _ in 0..super::LONGEST_FLOW {
            self.quiesce().await?;
            self.hear_phones()?;
            self.harvest().await?;
            self.look(false).await?;
            if self.network.is_empty() {
                if self.network.is_busy() {
                    continue;
                }
                return Ok(());
            }
            match self.network.take(0) {
                Packet::Request(request) if request.patience() > 0 => self.park(request).await?,
                Packet::Request(request) => {
                    let response = self.serve(request.clone()).await?;
                    self.network.put(Packet::Reply(request, response));
                }
                Packet::Reply(request, response) => self.deliver_reply(&request, response, 99)?,
                Packet::Push { endpoint, envelope } => self.deliver_push(&endpoint, &envelope, 99)?,
            }
        }
        Err("the messages never end".into())
    }

    /// The digits of a phone are typed on the page of a relying party of that person's organisation.
    pub fn type_digits(&mut self, person: usize, id: countersign_protocol::handle::EnrolmentId, code: &str) {
        let organisation = self.people[person].organisation;
        let site = self.sites.iter().position(|site| site.organisation == organisation).unwrap();
        let target = format!("/v1/enrolments/{id}/confirm");
        let site = &mut self.sites[site];
        let request = site.request(Meaning::Confirm(id), "POST", target, &json!({ "code": code }));
        site.remember(&request);
        self.network.put(Packet::Request(request));
    }
}
