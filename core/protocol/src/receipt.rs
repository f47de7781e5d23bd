//! The receipt: the signed question, the signed answer and the server's statement about the device, together. Whoever
//! knows the server's root key can verify it years later, without the server.

use crate::challenge::{self, CLOCK_TOLERANCE, Challenge, MAX_LIFETIME};
use crate::decision::{self, Answer, Decision};
use crate::enrolment::EnrolmentStatement;
use crate::jws;
use crate::key::{PublicKey, Thumbprint};
use crate::refusal::Refusal;
use crate::server_identity::Certificate;
use serde::{Deserialize, Serialize};

/// The proof that a relying party keeps of one answer. Each member is a compact JWS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The certificate of the signing key that signed the challenge.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::CompactJws))]
    pub certificate: String,
    /// The certificate of the signing key that signed the enrolment statement. That may be an earlier key than the
    /// challenge's, since servers change their signing key.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::CompactJws))]
    pub enrolment_certificate: String,
    /// The enrolment statement: which keys the account's device signs with.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::CompactJws))]
    pub enrolment: String,
    /// The challenge: what was asked, as the device was sent it.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::CompactJws))]
    pub challenge: String,
    /// The decision: what the device answered.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::CompactJws))]
    pub decision: String,
}

/// The contents of a receipt, once all of it has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// What was asked, and of whom.
    pub challenge: Challenge,
    /// What was answered.
    pub decision: Decision,
    /// The device that answered, and its keys.
    pub enrolment: EnrolmentStatement,
}

impl Receipt {
    /// Verifies every signature, each with the key that the part before it vouches for: `root` signs the two
    /// certificates, the certified keys sign the enrolment statement and the challenge, and the enrolled device signs
    /// the decision.
    ///
    /// Each part must also be dated within the time of the part that vouches for it. None is compared with the present,
    /// so a receipt stays valid for ever.
    ///
    /// A reader who kept the device's approval key since the enrolment compares it with the one in
    /// [`Proven::enrolment`]: then even a thief of the server's keys cannot make a receipt for it.
    ///
    /// # Errors
    /// `wrong_server` when a part is of another server than `root`'s; `wrong_device` and `wrong_account` when challenge
    /// and enrolment are not of one device and account; `wrong_challenge` when the decision is about another challenge;
    /// `unknown_key` and `bad_signature` when a part is not signed by the key that the part before it names;
    /// `stale_time` and `future_time` when a part is dated before or after the time of the one that vouches for it; and
    /// everything else that [`jws::verify`], [`Challenge::check_form`] and [`Decision::check_number`] refuse.
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
        // A challenge that asks for a number since another came beside it was signed a second time, by the key of that
        // moment, and kept its first date. So its certificate may be younger than the challenge, by no more than a
        // challenge lives.
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
    /// True when the person said yes and typed `number`; pass `None` where no number was asked for. The challenge does
    /// not hold the number, so only the site that showed it can say whether it was the right one.
    pub fn approved(&self, number: Option<&str>) -> bool {
        self.decision.decision == Answer::Approve && self.decision.number.as_deref() == number
    }
}
