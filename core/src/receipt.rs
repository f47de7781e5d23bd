//! The receipt: challenge, decision and enrolment statement together, which anyone who pinned the server's root can
//! verify years later, without the server.

use crate::challenge::{self, Challenge};
use crate::decision::{self, Answer, Decision};
use crate::enrolment::EnrolmentStatement;
use crate::jws;
use crate::key::{PublicKey, Thumbprint};
use crate::refusal::Refusal;
use crate::server_identity::Certificate;
use serde::{Deserialize, Serialize};

/// What a relying party keeps. Each member is a compact JWS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The root's word on the key that signed the challenge and the enrolment.
    pub certificate: String,
    /// The server's word on the device's keys.
    pub enrolment: String,
    /// The question.
    pub challenge: String,
    /// The answer.
    pub decision: String,
}

/// What a receipt proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Who was asked what.
    pub challenge: Challenge,
    /// What was answered.
    pub decision: Decision,
    /// Who the device is.
    pub enrolment: EnrolmentStatement,
}

impl Receipt {
    /// Verifies the whole chain: root, certificate, enrolment, challenge, decision. Times are part of what is proven and
    /// are not compared with the present.
    ///
    /// # Errors
    /// `wrong_server`, `wrong_device`, `wrong_account`, `wrong_challenge`, `unknown_key`, `bad_signature`, and those of
    /// the form.
    pub fn verify(&self, root: &PublicKey) -> Result<Proven, Refusal> {
        let server_id: Thumbprint = root.thumbprint();
        let certificate: Certificate = jws::verify(&self.certificate, root)?;
        let enrolment: EnrolmentStatement = jws::verify(&self.enrolment, &certificate.signing_key)?;
        let challenge: Challenge = jws::verify(&self.challenge, &certificate.signing_key)?;
        if [&certificate.iss, &enrolment.iss, &challenge.iss].into_iter().any(|issuer| *issuer != server_id) {
            return Err(Refusal::WrongServer);
        }
        if challenge.aud != enrolment.aud || challenge.enrolment_id != enrolment.enrolment_id {
            return Err(Refusal::WrongDevice);
        }
        if challenge.sub != enrolment.sub {
            return Err(Refusal::WrongAccount);
        }
        let decision = decision::verify(&self.decision, &enrolment.decision_keys())?;
        if decision.challenge_id != challenge.challenge_id
            || decision.challenge_sha256 != challenge::digest(&self.challenge)
        {
            return Err(Refusal::WrongChallenge);
        }
        Ok(Proven { challenge, decision, enrolment })
    }
}

impl Proven {
    /// True when the person said yes.
    pub fn approved(&self) -> bool {
        self.decision.decision == Answer::Approve
    }
}
