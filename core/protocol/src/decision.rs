//! The decision: what the person answered, signed by the device.
//!
//! Both sides are here. [`sign`] is the device's; [`check`] is the server's, and a relying party's years later.

use crate::challenge::{self, CLOCK_TOLERANCE, Challenge};
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
    /// "This was not me." Signed by the request key, and accepted whatever became of the challenge.
    Report,
}

impl Answer {
    /// Every answer.
    pub const ALL: [Self; 3] = [Self::Approve, Self::Deny, Self::Report];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Report => "report",
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
    /// What the person typed: in an approval of a challenge that asks for a number, and nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
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
    /// Signs `deny` and `report`.
    pub request: PublicKey,
}

impl DecisionKeys {
    fn for_answer(&self, answer: Answer) -> &PublicKey {
        match answer {
            Answer::Approve => &self.approval,
            Answer::Deny | Answer::Report => &self.request,
        }
    }
}

/// What a person answered, before it is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Given<'a> {
    /// The answer.
    pub answer: Answer,
    /// What was typed, where the challenge asks for a number.
    pub number: Option<&'a str>,
}

impl std::fmt::Debug for Given<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Given({})", self.answer.as_str())
    }
}

impl<'a> Given<'a> {
    /// YES, with the number where one is asked for.
    pub const fn approve(number: Option<&'a str>) -> Self {
        Self { answer: Answer::Approve, number }
    }
}

impl From<Answer> for Given<'_> {
    fn from(answer: Answer) -> Self {
        Self { answer, number: None }
    }
}

/// The device's side: answers the challenge in `compact`, whose id is `challenge_id`.
///
/// # Errors
/// Those of [`DeviceKey::sign`], for example that the person did not confirm.
pub async fn sign(
    compact: &str,
    challenge_id: ChallengeId,
    given: Given<'_>,
    key: &dyn DeviceKey,
    now: Timestamp,
) -> Result<String, KeyError> {
    let decision = Decision {
        challenge_id,
        challenge_sha256: challenge::digest(compact),
        decision: given.answer,
        number: given.number.map(str::to_owned),
        user_verified: key.asks_person(),
        iat: now.seconds(),
    };
    jws::sign(&decision, key).await
}

/// The server's side: checks that this device gave this answer to the challenge `asked`, the very one that was signed
/// for it. Whether a number is the right one is not checked here.
///
/// # Errors
/// `unknown_key` when another key signed than the one for this answer; `wrong_challenge` when it answers other bytes
/// than `asked`; `future_time` when it is dated later than `now`, `stale_time` when it is dated before the question,
/// both beyond [`CLOCK_TOLERANCE`]; `malformed` for a number where none is asked for or the other way round; and
/// everything else that [`jws::verify`] refuses.
pub fn check(compact: &str, asked: &str, keys: &DecisionKeys, now: Timestamp) -> Result<Decision, Refusal> {
    let challenge: Challenge = Unverified::parse::<Challenge>(asked)?.claims_without_verification()?;
    let decision = verify(compact, keys)?;
    if decision.challenge_id != challenge.challenge_id || decision.challenge_sha256 != challenge::digest(asked) {
        return Err(Refusal::WrongChallenge);
    }
    let answered_at = Timestamp::from_seconds(decision.iat);
    if answered_at > now + CLOCK_TOLERANCE {
        return Err(Refusal::FutureTime);
    }
    if answered_at < challenge.asked_at() - CLOCK_TOLERANCE {
        return Err(Refusal::StaleTime);
    }
    decision.check_number(&challenge)?;
    Ok(decision)
}

impl Decision {
    /// Checks that a number is there exactly where the challenge asks for one, in its form.
    ///
    /// # Errors
    /// `malformed` when it is not so.
    pub fn check_number(&self, challenge: &Challenge) -> Result<(), Refusal> {
        match self.decision {
            Answer::Approve => challenge.policy.check_number(self.number.as_deref()),
            Answer::Deny | Answer::Report if self.number.is_some() => Err(Refusal::Malformed("number")),
            Answer::Deny | Answer::Report => Ok(()),
        }
    }
}

/// Checks the signature alone, with the key that belongs to the answer.
pub(crate) fn verify(compact: &str, keys: &DecisionKeys) -> Result<Decision, Refusal> {
    let unverified = Unverified::parse::<Decision>(compact)?;
    let claimed: Decision = unverified.claims_without_verification()?;
    unverified.verify(keys.for_answer(claimed.decision))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::Policy;
    use crate::challenge::tests::{NOW, example};
    use crate::key::SoftwareKey;
    use crate::randomness::SystemRandomness;
    use std::time::Duration;

    struct Scene {
        server: SoftwareKey,
        request: SoftwareKey,
        approval: SoftwareKey,
        challenge: Challenge,
        shown: String,
    }

    impl Scene {
        fn new(policy: Policy) -> Self {
            let (server, _) = SoftwareKey::generate().unwrap();
            let (request, _) = SoftwareKey::generate().unwrap();
            let (approval, _) = SoftwareKey::generate().unwrap();
            let challenge = Challenge { policy, ..example(&server, &request) };
            let shown = challenge::issue(&challenge, &server).unwrap();
            Self { server, request, approval, challenge, shown }
        }

        fn check(&self, compact: &str, now: Timestamp) -> Result<Decision, Refusal> {
            let keys = DecisionKeys { approval: self.approval.public(), request: self.request.public() };
            check(compact, &self.shown, &keys, now)
        }

        async fn sign(&self, given: Given<'_>, key: &SoftwareKey) -> String {
            sign(&self.shown, self.challenge.challenge_id, given, key, NOW).await.unwrap()
        }
    }

    #[tokio::test]
    async fn one_changed_field_is_refused_by_name() {
        let scene = Scene::new(Policy::Tap {});
        let checked = |compact: &str| scene.check(compact, NOW);
        let yes = scene.sign(Given::approve(None), &scene.approval).await;
        let decision = checked(&yes).unwrap();
        assert_eq!((decision.decision, decision.user_verified), (Answer::Approve, false));
        for answer in [Answer::Deny, Answer::Report] {
            let no = scene.sign(answer.into(), &scene.request).await;
            assert_eq!(checked(&no).unwrap().decision, answer);
            let with_approval = scene.sign(answer.into(), &scene.approval).await;
            assert_eq!(checked(&with_approval), Err(Refusal::UnknownKey), "the approval key only approves");
        }
        let background = scene.sign(Given::approve(None), &scene.request).await;
        assert_eq!(checked(&background), Err(Refusal::UnknownKey), "the request key cannot approve");
        let with = |change: &dyn Fn(&mut Decision)| {
            let mut changed = decision.clone();
            change(&mut changed);
            checked(&jws::sign_now(&changed, &scene.approval).unwrap()).unwrap_err()
        };
        assert_eq!(with(&|d| d.decision = Answer::Deny), Refusal::UnknownKey);
        assert_eq!(with(&|d| d.challenge_sha256 = challenge::digest("altered")), Refusal::WrongChallenge);
        assert_eq!(with(&|d| d.challenge_id = ChallengeId::random(&SystemRandomness::new())), Refusal::WrongChallenge);
        assert_eq!(with(&|d| d.iat += 62), Refusal::FutureTime);
        assert_eq!(with(&|d| d.iat -= 62), Refusal::StaleTime);
        assert_eq!(with(&|d| d.number = Some("42".into())), Refusal::Malformed("number"));

        let altered = Challenge { account: "noor".into(), ..scene.challenge.clone() };
        let altered = Scene { shown: challenge::issue(&altered, &scene.server).unwrap(), ..scene };
        assert_eq!(altered.check(&yes, NOW), Err(Refusal::WrongChallenge));
        let again = Scene { shown: challenge::issue(&altered.challenge, &altered.server).unwrap(), ..altered };
        assert_eq!(
            again.check(&yes, NOW),
            Err(Refusal::WrongChallenge),
            "the bytes that were shown, not their meaning"
        );
    }

    #[tokio::test]
    async fn an_answer_counts_however_late_it_comes() {
        let scene = Scene::new(Policy::Tap {});
        let yes = scene.sign(Given::approve(None), &scene.approval).await;
        assert!(scene.check(&yes, NOW + Duration::from_secs(600)).is_ok(), "whether it is in time, the store decides");
    }

    #[tokio::test]
    async fn a_number_is_there_exactly_where_one_is_asked_for() {
        let scene = Scene::new(Policy::Number { digits: 2 });
        let typed = scene.sign(Given::approve(Some("07")), &scene.approval).await;
        assert_eq!(scene.check(&typed, NOW).unwrap().number.as_deref(), Some("07"));
        for wrong in [None, Some(""), Some("7"), Some("007"), Some("0a"), Some("٠٧")] {
            let signed = scene.sign(Given::approve(wrong), &scene.approval).await;
            assert_eq!(scene.check(&signed, NOW), Err(Refusal::Malformed("number")), "{wrong:?}");
        }
        let no = scene.sign(Given { answer: Answer::Deny, number: Some("07") }, &scene.request).await;
        assert_eq!(scene.check(&no, NOW), Err(Refusal::Malformed("number")));
    }
}
