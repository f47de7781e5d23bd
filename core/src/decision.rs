//! The decision: what the person answered, signed by the device.
//!
//! Both sides are here. [`sign`] is the device's; [`check`] is the server's, and a relying party's years later.

use crate::challenge::{self, CLOCK_TOLERANCE};
use crate::handle::ChallengeId;
use crate::jws::{self, Claims, Unverified};
use crate::key::{DeviceKey, KeyError, PublicKey};
use crate::refusal::Refusal;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What the person answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// "Yes, this is me." Signed by the approval key.
    Approve,
    /// "No." Signed by the request key.
    Deny,
}

impl Answer {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }
}

/// The claims of a decision. It is its own proof of possession.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The challenge that is answered.
    pub challenge_id: ChallengeId,
    /// SHA-256 of the exact challenge bytes that were shown, in base64url.
    pub challenge_sha256: String,
    /// The answer.
    pub decision: Answer,
    /// True when the platform asked the person (biometric or PIN) for this very signature.
    pub user_verified: bool,
    /// When the person answered, in seconds of the server's time.
    pub iat: i64,
}

impl Claims for Decision {
    const TYPE: &'static str = "countersign-decision+jws";
}

/// The two keys of an enrolment that may sign a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionKeys {
    /// Signs `approve`, and nothing else.
    pub approval: PublicKey,
    /// Signs `deny`.
    pub request: PublicKey,
}

impl DecisionKeys {
    fn for_answer(&self, answer: Answer) -> &PublicKey {
        match answer {
            Answer::Approve => &self.approval,
            Answer::Deny => &self.request,
        }
    }
}

/// The device's side: answers the challenge in `compact`, whose id is `challenge_id`.
///
/// # Errors
/// What the key says, for example that the person did not confirm.
pub async fn sign(
    compact: &str,
    challenge_id: ChallengeId,
    answer: Answer,
    key: &dyn DeviceKey,
    now: Timestamp,
) -> Result<String, KeyError> {
    let decision = Decision {
        challenge_id,
        challenge_sha256: challenge::digest(compact),
        decision: answer,
        user_verified: key.asks_person(),
        iat: now.seconds(),
    };
    jws::sign(&decision, key).await
}

/// The server's side: checks that this device gave this answer to the challenge whose digest is `challenge_sha256`.
///
/// # Errors
/// `unknown_key` when another key than the one for this answer signed, `wrong_challenge`, `future_time`, `stale_time`
/// when the answer is older than the question, and those of the form.
pub fn check(
    compact: &str,
    challenge_id: ChallengeId,
    challenge_sha256: &str,
    asked_at: Timestamp,
    keys: &DecisionKeys,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let decision = verify(compact, keys)?;
    if decision.challenge_id != challenge_id || decision.challenge_sha256 != challenge_sha256 {
        return Err(Refusal::WrongChallenge);
    }
    let answered_at = Timestamp::from_seconds(decision.iat);
    if answered_at > now + CLOCK_TOLERANCE {
        return Err(Refusal::FutureTime);
    }
    if answered_at < asked_at - CLOCK_TOLERANCE {
        return Err(Refusal::StaleTime);
    }
    Ok(decision)
}

/// Checks the signature alone, with the key that belongs to the answer.
pub(crate) fn verify(compact: &str, keys: &DecisionKeys) -> Result<Decision, Refusal> {
    let unverified = Unverified::parse::<Decision>(compact)?;
    let claimed: Decision = unverified.peek()?;
    unverified.verify(keys.for_answer(claimed.decision))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::tests::{NOW, example};
    use crate::key::SoftwareKey;
    use crate::randomness::SystemRandomness;
    use std::time::Duration;

    #[tokio::test]
    async fn one_changed_field_is_refused_by_name() {
        let (server, _) = SoftwareKey::generate().unwrap();
        let (request, _) = SoftwareKey::generate().unwrap();
        let (approval, _) = SoftwareKey::generate().unwrap();
        let challenge = example(&server, &request);
        let shown = challenge::issue(&challenge, &server).unwrap();
        let keys = DecisionKeys { approval: approval.public(), request: request.public() };
        let id = challenge.challenge_id;
        let checked = |compact: &str| check(compact, id, &challenge::digest(&shown), NOW, &keys, NOW);

        let yes = sign(&shown, id, Answer::Approve, &approval, NOW).await.unwrap();
        let decision = checked(&yes).unwrap();
        assert_eq!((decision.decision, decision.user_verified), (Answer::Approve, false));
        let no = sign(&shown, id, Answer::Deny, &request, NOW).await.unwrap();
        assert_eq!(checked(&no).unwrap().decision, Answer::Deny);

        let background = sign(&shown, id, Answer::Approve, &request, NOW).await.unwrap();
        assert_eq!(checked(&background), Err(Refusal::UnknownKey), "the request key cannot approve");
        let with = |change: &dyn Fn(&mut Decision)| {
            let mut changed = decision.clone();
            change(&mut changed);
            checked(&jws::sign_now(&changed, &approval).unwrap()).unwrap_err()
        };
        assert_eq!(with(&|d| d.decision = Answer::Deny), Refusal::UnknownKey);
        assert_eq!(with(&|d| d.challenge_sha256 = challenge::digest("altered")), Refusal::WrongChallenge);
        assert_eq!(with(&|d| d.challenge_id = ChallengeId::random(&SystemRandomness::new())), Refusal::WrongChallenge);
        assert_eq!(with(&|d| d.iat += 62), Refusal::FutureTime);
        assert_eq!(with(&|d| d.iat -= 62), Refusal::StaleTime);

        let altered_challenge = check(&yes, id, &challenge::digest("altered"), NOW, &keys, NOW);
        assert_eq!(altered_challenge, Err(Refusal::WrongChallenge));
        assert!(check(&yes, id, &challenge::digest(&shown), NOW, &keys, NOW + Duration::from_secs(600)).is_ok());
    }
}
