//! One person's login, as the benchmark repeats it: the relying party asks, the phone pulls and says yes, the relying
//! party takes it. Over HTTP, every message signed and checked.

use crate::failure::Failure;
use countersign_protocol::challenge::{self, Expected};
use countersign_protocol::decision::{self, Answer};
use countersign_protocol::device_api::{PulledChallenges, RedemptionAnswer};
use countersign_protocol::enrolment::{self, EnrolmentLink, EnrolmentStatement, Possession, Transcript};
use countersign_protocol::jws;
use countersign_protocol::key::{SoftwareKey, sha256_text};
use countersign_protocol::proof::{self, NONCE_HEADER, PROOF_HEADER};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::relying_party_api::{Challenge, ChallengeState, Enrolment, NewEnrolment, User};
use countersign_protocol::sealing::{Envelope, SealedTo, SealingKey};
use countersign_protocol::server_identity::{PinnedServer, WellKnown};
use countersign_protocol::time::{Clock, SystemClock};
use countersign_server::runtime::startup::StartupError;
use countersign_server::service::Service;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A person with a device, and the site where they sign in. The device keeps nothing on a disk: in life it has one of
/// its own, and this machine's is the server's.
pub(super) struct Lane {
    site: Site,
    user: String,
    request: SoftwareKey,
    approval: SoftwareKey,
    sealing: SealingKey,
    server: PinnedServer,
    statement: EnrolmentStatement,
    nonce: String,
}

#[derive(Clone)]
struct Site {
    http: reqwest::Client,
    url: String,
    api_key: String,
}

fn broken(error: impl std::fmt::Display) -> Failure {
    StartupError::System(format!("the benchmark: {error}")).into()
}

impl Site {
    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: &Value) -> Result<T, Failure> {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.api_key).json(body);
        let response = request.send().await.map_err(broken)?;
        if !response.status().is_success() {
            return Err(broken(response.text().await.map_err(broken)?));
        }
        response.json().await.map_err(broken)
    }
}

/// As many people as are to sign in at one time, each with an enrolled phone.
pub(super) async fn lanes(service: &Service, url: &str, count: usize) -> Result<Vec<Lane>, Failure> {
    let operator = service.operator();
    let made = operator.create_organisation("Benchmark").await?;
    made.ok_or_else(|| broken("the database is not new"))?;
    let made = operator.create_relying_party("Benchmark", "Benchmark").await?;
    let api_key = made.ok_or_else(|| broken("the database is not new"))?.api_key;
    let http = https_client::build(https_client::builder(rustls::RootCertStore::empty())?)?;
    let site = Site { http, url: url.to_owned(), api_key };
    let mut lanes = Vec::with_capacity(count);
    for number in 0..count {
        lanes.push(Lane::new(site.clone(), number).await?);
    }
    Ok(lanes)
}

impl Lane {
    async fn new(site: Site, number: usize) -> Result<Self, Failure> {
        let user: User = site.call(Method::POST, "/v1/users", &json!({ "name": format!("person {number}") })).await?;
        let user = user.id.to_string();
        let opened: NewEnrolment =
            site.call(Method::POST, &format!("/v1/users/{user}/enrolments"), &Value::Null).await?;
        let link = EnrolmentLink::parse(&opened.link).map_err(broken)?;
        let identity: WellKnown = site.call(Method::GET, "/.well-known/countersign", &Value::Null).await?;
        let server = identity.pin(&link.fingerprint, 0, SystemClock.now()).map_err(broken)?;
        let (request, _) = SoftwareKey::generate().map_err(broken)?;
        let (approval, _) = SoftwareKey::generate().map_err(broken)?;
        let sealing = SealingKey::generate(&SystemRandomness::new());
        let transcript = Transcript {
            aud: server.server_id.clone(),
            ticket_sha256: sha256_text(link.ticket.as_bytes()),
            request_key: request.public(),
            approval_key: approval.public(),
            sealing_key: sealing.public(),
            device_name: "Benchmark".into(),
            iat: SystemClock.now().seconds(),
        };
        let compact = jws::sign_now(&transcript, &request).map_err(broken)?;
        let possession = Possession { transcript_sha256: enrolment::transcript_digest_text(&compact) };
        let possession = jws::sign_now(&possession, &approval).map_err(broken)?;
        let redemption = json!({ "ticket": link.ticket.as_str(), "transcript": compact, "possession": possession });
        let answer: RedemptionAnswer = site.call(Method::POST, "/v1/device/enrol", &redemption).await?;
        let statement = enrolment::check_statement(
            &answer.enrolment,
            &server.server_id,
            &server.signing_key,
            &transcript,
            &compact,
        )
        .map_err(broken)?;
        let code = enrolment::confirmation_code(&compact, statement.sub);
        let path = format!("/v1/enrolments/{}/confirm", statement.enrolment_id);
        site.call::<Enrolment>(Method::POST, &path, &json!({ "code": code })).await?;
        let mut lane = Self { site, user, request, approval, sealing, server, statement, nonce: String::new() };
        // The first answer brings the nonce that all later proofs need.
        lane.pull().await?;
        Ok(lane)
    }

    /// One login from the question to the claim.
    pub async fn login(&mut self) -> Result<(), Failure> {
        let asked = json!({ "user_id": self.user });
        let asked: Challenge = self.site.call(Method::POST, "/v1/challenges", &asked).await?;
        for envelope in self.pull().await? {
            self.approve(&envelope).await?;
        }
        let path = format!("/v1/challenges/{}/claim", asked.id);
        let claimed: Challenge = self.site.call(Method::POST, &path, &Value::Null).await?;
        if claimed.state == ChallengeState::Claimed { Ok(()) } else { Err(broken("a login was not claimed")) }
    }

    async fn pull(&mut self) -> Result<Vec<Envelope>, Failure> {
        let target = "/v1/device/challenges";
        for _ in 0..2 {
            let signed = proof::Request { method: "GET", target, body: b"" };
            let randomness = SystemRandomness::new();
            let jti = proof::new_jti(&randomness);
            let proof = proof::sign(signed, &jti, &self.nonce, &self.request, SystemClock.now());
            let proof = proof.await.map_err(broken)?;
            let request = self.site.http.get(format!("{}{target}", self.site.url)).header(PROOF_HEADER, proof);
            let response = request.send().await.map_err(broken)?;
            if let Some(nonce) = response.headers().get(NONCE_HEADER) {
                nonce.to_str().map_err(broken)?.clone_into(&mut self.nonce);
            }
            if response.status().is_success() {
                return Ok(response.json::<PulledChallenges>().await.map_err(broken)?.challenges);
            }
        }
        Err(broken("a pull was refused"))
    }

    async fn approve(&self, envelope: &Envelope) -> Result<(), Failure> {
        let now = SystemClock.now();
        let to = SealedTo { server_id: &self.server.server_id, enrolment_id: self.statement.enrolment_id };
        let compact = envelope.open(&self.sealing, to).map_err(broken)?;
        let expected = Expected {
            server_id: &self.server.server_id,
            signing_key: &self.server.signing_key,
            device: &self.statement.aud,
            account_id: self.statement.sub,
            enrolment_id: self.statement.enrolment_id,
            now,
        };
        let id = challenge::open(&compact, &expected).map_err(broken)?.challenge_id;
        let decision =
            decision::sign(&compact, id, Answer::Approve.into(), &self.approval, now).await.map_err(broken)?;
        let url = format!("{}/v1/device/challenges/{id}/decision", self.site.url);
        let response = self.site.http.post(url).body(decision).send().await.map_err(broken)?;
        if response.status().is_success() { Ok(()) } else { Err(broken(response.text().await.map_err(broken)?)) }
    }
}
