//! The example: one server, one device, an enrolment, two challenges and their answers.

use crate::keys::{Keys, Signer};
use crate::life::Life;
use countersign_protocol::challenge::{self, Challenge, Context, Detail, Policy, Purpose};
use countersign_protocol::code_seed::CodeSeed;
use countersign_protocol::decision::{Answer, Decision};
use countersign_protocol::enrolment::{
    EnrolmentLink, EnrolmentStatement, Possession, Transcript, transcript_digest_text,
};
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::jws::{self, Claims};
use countersign_protocol::key::{PublicKey, SoftwareKey, Thumbprint, sha256, sha256_text};
use countersign_protocol::one_time_code::{Algorithm, Secret};
use countersign_protocol::proof::{self, Proof, Request};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::sealing::{self, Envelope, SealedTo};
use countersign_protocol::server_identity::{Certificate, PinnedServer, SignedTime, WellKnown, certify};
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// The present moment of the whole file: 2027-01-15, 08:00:00 UTC.
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// The sequence of the first certificate.
pub const SEQUENCE: u64 = 3;
/// The nonce that asks for the time.
pub const TIME_NONCE: &str = "Y291bnRlcnNpZ24tdGltZQ";

/// A request without a body.
pub const PULL: Request<'_> = Request { method: "GET", target: "/v1/device/challenges?wait=60", body: b"" };
/// A request with a body, in which not every character is ASCII.
pub const REGISTRATION: Request<'_> = Request {
    method: "PUT",
    target: "/v1/device/push",
    body: "{\"gateway\":\"webpush\",\"endpoint\":\"https://push.example.net/zoë\"}".as_bytes(),
};

/// Claims and the message that carries them.
pub struct Signed<C> {
    pub claims: C,
    pub compact: String,
}

impl<C: Claims + Clone> Signed<C> {
    pub fn by(claims: C, key: &SoftwareKey) -> Self {
        Self { compact: jws::sign_now(&claims, key).unwrap(), claims }
    }

    fn read(compact: String, key: &PublicKey) -> Self {
        Self { claims: jws::verify(&compact, key).unwrap(), compact }
    }

    /// The message with changed claims, well signed.
    pub fn changed(&self, key: &SoftwareKey, change: impl FnOnce(&mut C)) -> String {
        let mut claims = self.claims.clone();
        change(&mut claims);
        jws::sign_now(&claims, key).unwrap()
    }
}

/// Everything that is said in the example.
pub struct Example {
    pub keys: Keys,
    pub server_id: Thumbprint,
    pub device: Thumbprint,
    pub account_id: AccountId,
    pub enrolment_id: EnrolmentId,
    pub ticket: String,
    pub certificate: Signed<Certificate>,
    pub next_certificate: Signed<Certificate>,
    pub time: Signed<SignedTime>,
    pub transcript: Signed<Transcript>,
    pub possession: Signed<Possession>,
    pub statement: Signed<EnrolmentStatement>,
    pub code_seed: Signed<CodeSeed>,
    pub pull: Signed<Proof>,
    pub registration: Signed<Proof>,
    pub sign_in: Signed<Challenge>,
    pub payment: Signed<Challenge>,
    /// Whether another phone may take over.
    pub moving: Signed<Challenge>,
    pub rotated: Signed<Challenge>,
    pub approval: Signed<Decision>,
    pub denial: Signed<Decision>,
    pub rotated_denial: Signed<Decision>,
    pub envelope: Envelope,
    pub life: Life,
}

/// Sixteen bytes that look like any other handle and are the same each time.
pub fn handle_bytes(name: &str) -> [u8; 16] {
    sha256(name.as_bytes())[..16].try_into().unwrap()
}

impl Example {
    pub async fn new(keys: Keys) -> Self {
        let server_id = keys.root.key.public().thumbprint();
        let device = keys.request.key.public().thumbprint();
        let account_id = AccountId::from_bytes(handle_bytes("account of Maya"));
        let enrolment_id = EnrolmentId::from_bytes(handle_bytes("enrolment of Maya's phone"));
        let ticket = sha256_text(b"ticket for Maya's phone");
        let transcript = Signed::by(transcript(&keys, &ticket), &keys.request.key);
        let possession = Possession { transcript_sha256: transcript_digest_text(&transcript.compact) };
        let statement = statement(&keys, &transcript, account_id, enrolment_id);
        let sign_in = issued(sign_in(&statement), &keys.signing.key);
        let payment = issued(payment(&sign_in.claims), &keys.signing.key);
        let moving = issued(moving(&sign_in.claims), &keys.signing.key);
        let rotated = issued(after_rotation(&sign_in.claims), &keys.next_signing.key);
        let to = SealedTo { server_id: &server_id, enrolment_id };
        let pull = proven(PULL, &keys).await;
        Self {
            life: Life::new(&keys, &sign_in, &pull.claims.jti),
            certificate: certificate(&keys, &keys.signing, SEQUENCE, 30),
            next_certificate: certificate(&keys, &keys.next_signing, SEQUENCE + 1, 0),
            time: Signed::by(signed_time(&server_id), &keys.signing.key),
            possession: Signed::by(possession, &keys.approval.key),
            code_seed: Signed::by(code_seed(&statement), &keys.signing.key),
            statement: Signed::by(statement, &keys.signing.key),
            pull,
            registration: proven(REGISTRATION, &keys).await,
            approval: Signed::by(answered(&payment, Answer::Approve), &keys.approval.key),
            denial: Signed::by(answered(&sign_in, Answer::Deny), &keys.request.key),
            rotated_denial: Signed::by(answered(&rotated, Answer::Deny), &keys.request.key),
            envelope: sealing::seal(&payment.compact, &keys.sealing.public(), to, &SystemRandomness::new()).unwrap(),
            keys,
            server_id,
            device,
            account_id,
            enrolment_id,
            ticket,
            transcript,
            sign_in,
            payment,
            moving,
            rotated,
        }
    }

    pub fn link(&self) -> EnrolmentLink {
        EnrolmentLink {
            server_url: "https://login.example".into(),
            ticket: self.ticket.clone().into(),
            fingerprint: self.server_id.clone(),
        }
    }

    /// What the device keeps of the server.
    pub fn pinned(&self) -> PinnedServer {
        PinnedServer {
            server_id: self.server_id.clone(),
            root: self.keys.root.key.public(),
            signing_key: self.keys.signing.key.public(),
            sequence: SEQUENCE,
            certificate_exp: self.certificate.claims.exp,
        }
    }

    pub fn well_known(&self) -> WellKnown {
        WellKnown {
            server_id: self.server_id.clone(),
            root: self.keys.root.key.public(),
            certificate: self.certificate.compact.clone(),
            time: Some(self.time.compact.clone()),
            webpush_public_key: None,
            webhook_key: None,
            attestation: Vec::new(),
        }
    }
}

fn certificate(keys: &Keys, of: &Signer, sequence: u64, days_old: u32) -> Signed<Certificate> {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let from = NOW - DAY * days_old - Duration::from_secs(10);
    let compact = certify(&keys.root.key, of.key.public(), sequence, from, DAY * 365).unwrap();
    Signed::read(compact, &keys.root.key.public())
}

fn signed_time(server_id: &Thumbprint) -> SignedTime {
    SignedTime { iss: server_id.clone(), nonce: TIME_NONCE.into(), time_ms: NOW.millis() + 250 }
}

fn transcript(keys: &Keys, ticket: &str) -> Transcript {
    Transcript {
        aud: keys.root.key.public().thumbprint(),
        ticket_sha256: sha256_text(ticket.as_bytes()),
        request_key: keys.request.key.public(),
        approval_key: keys.approval.key.public(),
        sealing_key: keys.sealing.public(),
        device_name: "Maya’s phone".into(),
        iat: NOW.seconds() - 120,
    }
}

fn statement(
    keys: &Keys,
    transcript: &Signed<Transcript>,
    account_id: AccountId,
    enrolment_id: EnrolmentId,
) -> EnrolmentStatement {
    EnrolmentStatement {
        iss: keys.root.key.public().thumbprint(),
        aud: keys.request.key.public().thumbprint(),
        sub: account_id,
        enrolment_id,
        organisation: "Café Orbit 日本".into(),
        account: "maya".into(),
        transcript_sha256: transcript_digest_text(&transcript.compact),
        request_key: keys.request.key.public(),
        approval_key: keys.approval.key.public(),
        iat: NOW.seconds() - 119,
    }
}

fn code_seed(enrolment: &EnrolmentStatement) -> CodeSeed {
    CodeSeed {
        iss: enrolment.iss.clone(),
        aud: enrolment.aud.clone(),
        sub: enrolment.sub,
        enrolment_id: enrolment.enrolment_id,
        secret: Secret::new(&sha256(b"secret of Maya's codes")[..20]).unwrap(),
        algorithm: Algorithm::Sha1,
        digits: 6,
        period: 30,
        iat: enrolment.iat,
    }
}

async fn proven(request: Request<'_>, keys: &Keys) -> Signed<Proof> {
    let key = &keys.request.key;
    let jti = proof::new_jti(&SystemRandomness::new());
    let compact = proof::sign(request, &jti, "bm9uY2Utb2Ytc2VydmVy", key, NOW).await.unwrap();
    Signed::read(compact, &key.public())
}

/// A challenge without anything that may be absent.
fn sign_in(enrolment: &EnrolmentStatement) -> Challenge {
    Challenge {
        iss: enrolment.iss.clone(),
        aud: enrolment.aud.clone(),
        sub: enrolment.sub,
        enrolment_id: enrolment.enrolment_id,
        challenge_id: ChallengeId::from_bytes(handle_bytes("challenge to sign in")),
        relying_party: "Meridian Hosting".into(),
        account: enrolment.account.clone(),
        purpose: None,
        policy: Policy::Tap {},
        binding_message: None,
        details: Vec::new(),
        context: Context::default(),
        iat: NOW.seconds() - 5,
        exp: NOW.seconds() + 55,
    }
}

/// A challenge with everything that may be present, in more than one script.
fn payment(sign_in: &Challenge) -> Challenge {
    Challenge {
        challenge_id: ChallengeId::from_bytes(handle_bytes("challenge to pay")),
        relying_party: "Bäckerei Zoë".into(),
        binding_message: Some("Pay 12 € to Zoë · 日本語 · می‌خواهم · 👩‍🚀".into()),
        details: vec![
            Detail { label: "Amount".into(), value: "12,00 €".into() },
            Detail { label: "Empfänger".into(), value: "Bäckerei Zoë".into() },
        ],
        context: Context {
            ip: Some("2001:db8::7".into()),
            place: Some("Zürich".into()),
            browser: Some("Firefox".into()),
            system: Some("Linux".into()),
        },
        ..sign_in.clone()
    }
}

/// The question of a move, which is asked in other words than a sign-in.
fn moving(sign_in: &Challenge) -> Challenge {
    Challenge {
        challenge_id: ChallengeId::from_bytes(handle_bytes("challenge to move")),
        purpose: Some(Purpose::Move),
        policy: Policy::Number { digits: 6 },
        ..sign_in.clone()
    }
}

/// The challenge of a server that has a new signing key.
fn after_rotation(sign_in: &Challenge) -> Challenge {
    let challenge_id = ChallengeId::from_bytes(handle_bytes("challenge after the rotation"));
    Challenge { challenge_id, ..sign_in.clone() }
}

pub fn issued(claims: Challenge, signing_key: &SoftwareKey) -> Signed<Challenge> {
    Signed { compact: challenge::issue(&claims, signing_key).unwrap(), claims }
}

pub fn answered(challenge: &Signed<Challenge>, answer: Answer) -> Decision {
    Decision {
        challenge_id: challenge.claims.challenge_id,
        challenge_sha256: challenge::digest(&challenge.compact),
        decision: answer,
        number: None,
        user_verified: answer == Answer::Approve,
        iat: NOW.seconds() - 1,
    }
}
