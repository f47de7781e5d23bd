//! What a challenge's life brings beside YES and NO: numbers, a question that changes, a report, a retraction, a
//! revocation.

use crate::example::{NOW, Signed, answered, handle_bytes, issued};
use crate::keys::Keys;
use countersign_protocol::challenge::{Challenge, Policy};
use countersign_protocol::decision::{Answer, Decision};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::retraction::{Reason, Retraction};
use countersign_protocol::revocation::{EndReason, Revocation};

/// The messages of a challenge's life.
pub struct Life {
    /// A question that asks for six digits from its beginning.
    pub number: Signed<Challenge>,
    /// The question to sign in, asking for two digits since another one waits beside it.
    pub raised: Signed<Challenge>,
    pub typed: Signed<Decision>,
    pub typed_after_all: Signed<Decision>,
    pub report: Signed<Decision>,
    pub retraction: Signed<Retraction>,
    pub revocation: Signed<Revocation>,
}

impl Life {
    /// The revocation answers the pull whose proof had this `jti`.
    pub fn new(keys: &Keys, sign_in: &Signed<Challenge>, jti: &str) -> Self {
        let signing = &keys.signing.key;
        let asked = &sign_in.claims;
        let number = Challenge {
            challenge_id: ChallengeId::from_bytes(handle_bytes("challenge with a number")),
            policy: Policy::Number { digits: 6 },
            ..asked.clone()
        };
        let number = issued(number, signing);
        let raised = issued(Challenge { policy: Policy::Number { digits: 2 }, ..asked.clone() }, signing);
        let typed = |challenge: &Signed<Challenge>, number: &str| {
            let claims = Decision { number: Some(number.into()), ..answered(challenge, Answer::Approve) };
            Signed::by(claims, &keys.approval.key)
        };
        let retraction = Retraction {
            iss: asked.iss.clone(),
            aud: asked.aud.clone(),
            sub: asked.sub,
            enrolment_id: asked.enrolment_id,
            challenge_id: asked.challenge_id,
            reason: Reason::Answered,
            iat: NOW.seconds(),
        };
        let revocation = Revocation {
            iss: asked.iss.clone(),
            aud: asked.aud.clone(),
            sub: asked.sub,
            enrolment_id: asked.enrolment_id,
            reason: EndReason::Revoked,
            nonce: jti.into(),
            iat: NOW.seconds(),
        };
        Self {
            typed: typed(&number, "042917"),
            typed_after_all: typed(&raised, "07"),
            report: Signed::by(answered(sign_in, Answer::Report), &keys.request.key),
            retraction: Signed::by(retraction, signing),
            revocation: Signed::by(revocation, signing),
            number,
            raised,
        }
    }
}
