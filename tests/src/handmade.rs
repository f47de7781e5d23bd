//! A device made by hand: it holds its keys openly, so that a test can sign anything with them, right or wrong.

use crate::clock::ManualClock;
use crate::http::{Answer, RelyingParty, client, send};
use countersign_protocol::challenge::{self, Challenge, Expected};
use countersign_protocol::code_seed::{self, CodeSeed};
use countersign_protocol::decision::{Answer as YesOrNo, Decision};
use countersign_protocol::enrolment::{self, EnrolmentLink, EnrolmentStatement, Possession, Redemption, Transcript};
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::jws::{self, Claims};
use countersign_protocol::key::{SoftwareKey, sha256_text};
use countersign_protocol::proof::{NONCE_HEADER, PROOF_HEADER, Proof};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::sealing::{Envelope, SealedTo, SealingKey};
use countersign_protocol::server_identity::WellKnown;
use countersign_protocol::time::{Clock, SystemClock};
use reqwest::Method;
use std::sync::{Arc, Mutex};

/// A device with its keys in the open.
pub struct HandmadeDevice {
    /// Signs requests and `deny`.
    pub request: SoftwareKey,
    /// Signs `approve`.
    pub approval: SoftwareKey,
    /// Opens what is sealed to it.
    pub sealing: SealingKey,
    /// The server's word on it.
    pub statement: EnrolmentStatement,
    /// What its one-time codes are made of.
    pub code_seed: CodeSeed,
    /// Its server.
    pub url: String,
    nonce: Mutex<String>,
    clock: Arc<dyn Clock>,
}

/// A redemption that has not been sent.
pub struct Prepared {
    /// What to send.
    pub redemption: Redemption,
    /// The claims that were signed in it.
    pub transcript: Transcript,
    request: SoftwareKey,
    approval: SoftwareKey,
    sealing: SealingKey,
    identity: WellKnown,
    url: String,
    clock: Arc<dyn Clock>,
}

impl Prepared {
    /// Fresh keys and a redemption for a link, signed by this clock.
    pub async fn new(link: &str, clock: Arc<dyn Clock>) -> Self {
        let link = EnrolmentLink::parse(link).unwrap();
        let identity = client().get(format!("{}/.well-known/countersign", link.server_url)).send().await.unwrap();
        let identity: WellKnown = identity.json().await.unwrap();
        let (request, _) = SoftwareKey::generate().unwrap();
        let (approval, _) = SoftwareKey::generate().unwrap();
        let sealing = SealingKey::generate(&SystemRandomness::new());
        let transcript = Transcript {
            aud: identity.server_id.clone(),
            ticket_sha256: sha256_text(link.ticket.as_bytes()),
            request_key: request.public(),
            approval_key: approval.public(),
            sealing_key: sealing.public(),
            device_name: "Handmade".into(),
            iat: clock.now().seconds(),
        };
        let redemption = sign_redemption(&transcript, &link.ticket, &request, &approval);
        Self { redemption, transcript, request, approval, sealing, identity, url: link.server_url, clock }
    }

    /// The same with one thing changed in what is signed.
    pub fn changed(&self, change: impl FnOnce(&mut Transcript)) -> Redemption {
        let mut transcript = self.transcript.clone();
        change(&mut transcript);
        sign_redemption(&transcript, &self.redemption.ticket, &self.request, &self.approval)
    }

    /// Sends a redemption.
    pub async fn send(&self, redemption: &Redemption) -> Answer {
        send(client().post(format!("{}/v1/device/enrol", self.url)).json(redemption)).await
    }

    /// The six digits that the person reads.
    pub fn confirmation_code(&self, statement: &EnrolmentStatement) -> String {
        enrolment::confirmation_code(&self.redemption.transcript, statement.sub)
    }

    /// The statement in an answer, checked as a device does.
    pub fn statement(&self, answer: &Answer) -> EnrolmentStatement {
        let compact = answer.body["enrolment"].as_str().unwrap_or_else(|| panic!("{answer:?}"));
        let fingerprint = self.identity.server_id.clone();
        let server = self.identity.pin(&fingerprint, 0, self.clock.now()).unwrap();
        enrolment::check_statement(
            compact,
            &fingerprint,
            &server.signing_key,
            &self.transcript,
            &self.redemption.transcript,
        )
        .unwrap()
    }

    /// The code seed in an answer, opened and checked as a device does.
    pub fn code_seed(&self, answer: &Answer) -> CodeSeed {
        let statement = self.statement(answer);
        let envelope = Envelope::from_json(answer.body["code_seed"].to_string().as_bytes()).unwrap();
        let server_id = &self.identity.server_id;
        let to = SealedTo { server_id, enrolment_id: statement.enrolment_id };
        let server = self.identity.pin(server_id, 0, self.clock.now()).unwrap();
        let expected = Expected {
            server_id,
            signing_key: &server.signing_key,
            device: &statement.aud,
            account_id: statement.sub,
            enrolment_id: statement.enrolment_id,
            now: self.clock.now(),
        };
        code_seed::open(&envelope.open(&self.sealing, to).unwrap(), &expected).unwrap()
    }

    /// Redeems, and makes the device; not confirmed yet.
    pub async fn redeem(self) -> (HandmadeDevice, String) {
        let answer = self.send(&self.redemption).await;
        let statement = self.statement(&answer);
        let code_seed = self.code_seed(&answer);
        let code = self.confirmation_code(&statement);
        let Self { request, approval, sealing, url, clock, .. } = self;
        let nonce = Mutex::default();
        (HandmadeDevice { request, approval, sealing, statement, code_seed, url, nonce, clock }, code)
    }
}

fn sign_redemption(transcript: &Transcript, ticket: &str, request: &SoftwareKey, approval: &SoftwareKey) -> Redemption {
    let compact = jws::sign_now(transcript, request).unwrap();
    let possession = Possession { transcript_sha256: enrolment::transcript_digest_text(&compact) };
    Redemption {
        ticket: ticket.to_owned(),
        possession: jws::sign_now(&possession, approval).unwrap(),
        transcript: compact,
        attestation: None,
    }
}

impl HandmadeDevice {
    /// A device in use for a user.
    pub async fn enrol(relying_party: &RelyingParty, user: &str) -> Self {
        Self::enrol_by(relying_party, user, Arc::new(SystemClock)).await
    }

    /// As [`HandmadeDevice::enrol`], by a clock that the test moves.
    pub async fn enrol_at(relying_party: &RelyingParty, user: &str, clock: &ManualClock) -> Self {
        Self::enrol_by(relying_party, user, Arc::new(clock.clone())).await
    }

    async fn enrol_by(relying_party: &RelyingParty, user: &str, clock: Arc<dyn Clock>) -> Self {
        let (device, code) = Prepared::new(&relying_party.link(user).await, clock).await.redeem().await;
        let confirmed = relying_party.confirm(&device.id(), &code).await;
        assert_eq!(confirmed.body["state"], "confirmed", "{confirmed:?}");
        device
    }

    /// Its enrolment.
    pub fn id(&self) -> EnrolmentId {
        self.statement.enrolment_id
    }

    /// The claims of a right proof for a request, with the latest nonce.
    pub fn proof_claims(&self, method: &str, target: &str, body: &[u8]) -> Proof {
        let randomness = SystemRandomness::new();
        let mut jti = [0; 16];
        countersign_protocol::randomness::Randomness::fill(&randomness, &mut jti);
        Proof {
            htm: method.into(),
            htu: target.into(),
            iat: self.clock.now().seconds(),
            jti: data_encoding::BASE64URL_NOPAD.encode(&jti),
            nonce: self.nonce.lock().unwrap().clone(),
            body_sha256: sha256_text(body),
        }
    }

    /// Sends a request with any proof, and remembers the nonce that comes.
    pub async fn send_with(&self, method: Method, target: &str, body: &[u8], proof: &str) -> Answer {
        let request = client().request(method, format!("{}{target}", self.url)).header(PROOF_HEADER, proof);
        let answer = send(request.header("content-type", "application/json").body(body.to_vec())).await;
        if let Some(nonce) = answer.headers.get(NONCE_HEADER) {
            *self.nonce.lock().unwrap() = nonce.to_str().unwrap().to_owned();
        }
        answer
    }

    /// Sends a request with a right proof; twice when the server wants a fresh nonce.
    pub async fn send(&self, method: Method, target: &str, body: &[u8]) -> Answer {
        let sign = || jws::sign_now(&self.proof_claims(method.as_str(), target, body), &self.request).unwrap();
        let answer = self.send_with(method.clone(), target, body, &sign()).await;
        if answer.code() == "nonce_required" {
            return self.send_with(method.clone(), target, body, &sign()).await;
        }
        answer
    }

    /// Fetches a nonce, so that the next proof is accepted at once.
    pub async fn warm_up(&self) {
        assert_eq!(self.send(Method::GET, "/v1/device/challenges", b"").await.status, 200);
    }

    /// The compact challenges that wait for it.
    pub async fn pull(&self) -> Vec<String> {
        let answer = self.send(Method::GET, "/v1/device/challenges", b"").await;
        let envelopes: Vec<Envelope> = serde_json::from_value(answer.body["challenges"].clone()).unwrap();
        envelopes.iter().map(|envelope| self.open(envelope)).collect()
    }

    /// Asks its owner, and gives the challenge as it comes.
    pub async fn asked(&self, site: &RelyingParty, user: &str) -> (ChallengeId, String) {
        let id = site.ask(user).await.parse().unwrap();
        let own = |compact: &String| read_claims::<Challenge>(compact).challenge_id == id;
        (id, self.pull().await.into_iter().find(own).expect("it is brought"))
    }

    /// Answers, and is heard.
    pub async fn answers(&self, compact: &str, answer: YesOrNo) -> Answer {
        let claims = self.decision_claims(compact, answer);
        let answered = self.decide(&claims.challenge_id, self.decision(compact, answer)).await;
        assert_eq!(answered.status, 200, "{answered:?}");
        answered
    }

    /// Opens what is sealed to it.
    pub fn open(&self, envelope: &Envelope) -> String {
        let to = SealedTo { server_id: &self.statement.iss, enrolment_id: self.id() };
        envelope.open(&self.sealing, to).unwrap()
    }

    /// The claims of a right decision.
    pub fn decision_claims(&self, compact: &str, answer: YesOrNo) -> Decision {
        Decision {
            challenge_id: read_claims::<Challenge>(compact).challenge_id,
            challenge_sha256: challenge::digest(compact),
            decision: answer,
            number: None,
            user_verified: false,
            iat: self.clock.now().seconds(),
        }
    }

    /// A right decision, signed with the key for it.
    pub fn decision(&self, compact: &str, answer: YesOrNo) -> String {
        let key = match answer {
            YesOrNo::Approve => &self.approval,
            YesOrNo::Deny | YesOrNo::Report => &self.request,
        };
        jws::sign_now(&self.decision_claims(compact, answer), key).unwrap()
    }

    /// A right approval, with the number that the page shows where one is asked for.
    pub async fn approval(&self, site: &RelyingParty, compact: &str) -> String {
        let claims = self.decision_claims(compact, YesOrNo::Approve);
        let number = site.read(&claims.challenge_id).await["number"].as_str().map(str::to_owned);
        jws::sign_now(&Decision { number, ..claims }, &self.approval).unwrap()
    }

    /// Sends a decision, right or wrong.
    pub async fn decide(&self, id: &ChallengeId, decision: impl Into<Vec<u8>>) -> Answer {
        let url = format!("{}/v1/device/challenges/{id}/decision", self.url);
        send(client().post(url).header("content-type", "application/jose").body(decision.into())).await
    }
}

/// The claims of a JWS that the test trusts.
pub fn read_claims<C: Claims>(compact: &str) -> C {
    let payload = compact.split('.').nth(1).unwrap();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
}
