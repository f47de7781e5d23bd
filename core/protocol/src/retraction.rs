//! The retraction: the server tells a device, in a signed message, that a challenge waits no longer. The device then
//! takes the prompt away.
//!
//! It is sealed to the device as a challenge is, and has the same size, so that a push network cannot tell the two
//! apart.

use crate::challenge::Expected;
use crate::handle::{AccountId, ChallengeId, EnrolmentId};
use crate::jws::{self, Claims};
use crate::key::Thumbprint;
use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// The claims of a retraction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retraction {
    /// The server's id.
    pub iss: Thumbprint,
    /// The device: the thumbprint of its request key.
    pub aud: Thumbprint,
    /// The account.
    pub sub: AccountId,
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
    /// The challenge that waits no longer.
    pub challenge_id: ChallengeId,
    /// Why.
    pub reason: Reason,
    /// When it was signed, in seconds.
    pub iat: i64,
}

/// Why a challenge waits no longer. There is no reason for a challenge whose time is over: each challenge carries its
/// own end, so the device knows without a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It was answered on another device.
    Answered,
    /// A one-time code was typed for it.
    Code,
    /// The relying party took it back.
    Cancelled,
}

impl Claims for Retraction {
    const TYPE: &'static str = "countersign-retraction+jws";
}

/// The device's side: checks a signed retraction against the enrolment whose key opened it. Its age does not matter,
/// since a challenge that is over never waits again.
///
/// # Errors
/// `unknown_key` when the server's present key did not sign it; `wrong_server`, `wrong_device` and `wrong_account` when
/// it is from or for another; and everything else that [`jws::verify`] refuses.
pub fn open(compact: &str, expected: &Expected<'_>) -> Result<Retraction, Refusal> {
    let retraction: Retraction = jws::verify(compact, expected.signing_key)?;
    expected.check_address(&retraction.iss, &retraction.aud, retraction.enrolment_id, retraction.sub)?;
    Ok(retraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::tests::{NOW, example};
    use crate::key::SoftwareKey;
    use crate::randomness::SystemRandomness;

    #[test]
    fn one_changed_field_is_refused_by_name() {
        let (server, _) = SoftwareKey::generate().unwrap();
        let (device, _) = SoftwareKey::generate().unwrap();
        let (stranger, _) = SoftwareKey::generate().unwrap();
        let asked = example(&server, &device);
        let good = Retraction {
            iss: asked.iss.clone(),
            aud: asked.aud.clone(),
            sub: asked.sub,
            enrolment_id: asked.enrolment_id,
            challenge_id: asked.challenge_id,
            reason: Reason::Answered,
            iat: NOW.seconds(),
        };
        let (server_key, server_id, audience) = (server.public(), asked.iss.clone(), asked.aud.clone());
        let opened = |compact: &str| {
            let expected = Expected {
                server_id: &server_id,
                signing_key: &server_key,
                device: &audience,
                account_id: asked.sub,
                enrolment_id: asked.enrolment_id,
                now: NOW,
            };
            open(compact, &expected)
        };
        assert_eq!(opened(&jws::sign_now(&good, &server).unwrap()).unwrap(), good);
        let changed = |change: &dyn Fn(&mut Retraction)| {
            let mut retraction = good.clone();
            change(&mut retraction);
            opened(&jws::sign_now(&retraction, &server).unwrap()).unwrap_err()
        };
        let other = stranger.public().thumbprint();
        let randomness = SystemRandomness::new();
        assert_eq!(changed(&|r| r.iss = other.clone()), Refusal::WrongServer);
        assert_eq!(changed(&|r| r.aud = other.clone()), Refusal::WrongDevice);
        assert_eq!(changed(&|r| r.enrolment_id = EnrolmentId::random(&randomness)), Refusal::WrongDevice);
        assert_eq!(changed(&|r| r.sub = AccountId::random(&randomness)), Refusal::WrongAccount);
        assert_eq!(opened(&jws::sign_now(&good, &stranger).unwrap()), Err(Refusal::UnknownKey));
        assert_eq!(opened(&jws::sign_now(&asked, &server).unwrap()), Err(Refusal::WrongType));
    }
}
