//! The receipt: challenge, decision and enrolment statement together, which anyone who pinned the server's root can
//! verify years later, without the server.

use crate::challenge::{self, CLOCK_TOLERANCE, Challenge, MAX_LIFETIME};
use crate::decision::{self, Answer, Decision};
use crate::enrolment::EnrolmentStatement;
use crate::jws;
use crate::key::{PublicKey, Thumbprint};
use crate::refusal::Refusal;
use crate::server_identity::Certificate;
use serde::{Deserialize, Serialize};

/// What a relying party keeps. Each member is a compact JWS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The root's word on the key that signed the challenge.
    pub certificate: String,
    /// The root's word on the key that signed the enrolment, which may be an earlier one.
    pub enrolment_certificate: String,
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
    /// Verifies the whole chain: root, certificates, enrolment, challenge, decision. Each must fall within the time of
    /// the one that vouches for it; none is compared with the present. Who pinned the device's approval key at its
    /// enrolment compares it with the one in [`Proven`], and then depends on no key of the server.
    ///
    /// # Errors
    /// `wrong_server`, `wrong_device`, `wrong_account`, `wrong_challenge`, `unknown_key`, `bad_signature`,
    /// `stale_time`, `future_time`, and those of the form.
    pub fn verify(&self, root: &PublicKey) -> Result<Proven, Refusal> {
        let server_id: Thumbprint = root.thumbprint();
        let certificate: Certificate = jws::verify(&self.certificate, root)?;
        let enrolment_certificate: Certificate = jws::verify(&self.enrolment_certificate, root)?;
        let enrolment: EnrolmentStatement = jws::verify(&self.enrolment, &enrolment_certificate.signing_key)?;
        let challenge: Challenge = jws::verify(&self.challenge, &certificate.signing_key)?;
        let issuers = [&certificate.iss, &enrolment_certificate.iss, &enrolment.iss, &challenge.iss];
        if issuers.into_iter().any(|issuer| *issuer != server_id) {
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
        within(enrolment.iat, enrolment_certificate.iat, enrolment_certificate.exp)?;
        // A question that was signed anew when another came beside it keeps its time, and may have a younger
        // certificate.
        let longest = i64::try_from(MAX_LIFETIME.as_secs()).unwrap_or(0);
        within(challenge.iat, certificate.iat.saturating_sub(longest), certificate.exp)?;
        within(challenge.iat, enrolment.iat, i64::MAX)?;
        let tolerance = i64::try_from(CLOCK_TOLERANCE.as_secs()).unwrap_or(0);
        let (from, to) = (challenge.iat.saturating_sub(tolerance), challenge.exp.saturating_add(tolerance));
        within(decision.iat, from, to)?;
        challenge.check_form()?;
        decision.check_number(&challenge)?;
        Ok(Proven { challenge, decision, enrolment })
    }
}

/// Refuses a moment outside `from..=to`, all in seconds.
const fn within(moment: i64, from: i64, to: i64) -> Result<(), Refusal> {
    if moment < from {
        return Err(Refusal::StaleTime);
    }
    if moment > to { Err(Refusal::FutureTime) } else { Ok(()) }
}

impl Proven {
    /// True when the person said yes and typed this number; `None` where no number was asked for. The number is not in
    /// the challenge, so only who showed it can say whether it was the right one.
    pub fn approved(&self, number: Option<&str>) -> bool {
        self.decision.decision == Answer::Approve && self.decision.number.as_deref() == number
    }
}
