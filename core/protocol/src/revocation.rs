//! The revocation: the server tells a device, in a signed message, that its enrolment is over. Only this message makes
//! a device give up an account. No other answer does, since anybody between the two could write that.

use crate::challenge::Expected;
use crate::handle::{AccountId, EnrolmentId};
use crate::jws::{self, Claims};
use crate::key::Thumbprint;
use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// The claims of a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The server's id.
    pub iss: Thumbprint,
    /// The device: the thumbprint of its request key.
    pub aud: Thumbprint,
    /// The account.
    pub sub: AccountId,
    /// The enrolment that is over.
    pub enrolment_id: EnrolmentId,
    /// Why.
    pub reason: EndReason,
    /// The `jti` of the request proof that this answers. So a revocation that somebody kept cannot be played to the
    /// device again, nor to a copy of its store.
    pub nonce: String,
    /// When it was signed, in seconds.
    pub iat: i64,
}

/// Why an enrolment is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EndReason {
    /// The person, on another device, or an administrator removed this device.
    Revoked,
    /// Another phone of the person took over from this one.
    Moved,
    /// Two devices came with one link.
    RedeemedTwice,
    /// The digits were typed wrong too often.
    WrongCode,
    /// Nobody confirmed the device in time.
    Expired,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Revoked, Self::Moved, Self::RedeemedTwice, Self::WrongCode, Self::Expired];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Moved => "moved",
            Self::RedeemedTwice => "redeemed_twice",
            Self::WrongCode => "wrong_code",
            Self::Expired => "expired",
        }
    }
}

impl std::str::FromStr for EndReason {
    type Err = Refusal;
    fn from_str(word: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word).ok_or(Refusal::Malformed("end reason"))
    }
}

impl Claims for Revocation {
    const TYPE: &'static str = "countersign-revocation+jws";
}

/// The device's side: checks a signed revocation that answers the request with this `jti`.
///
/// # Errors
/// `stale_time` when it answers another request; `unknown_key` when the server's present key did not sign it;
/// `wrong_server`, `wrong_device` and `wrong_account` when it is from or for another; and everything else that
/// [`jws::verify`] refuses.
pub fn open(compact: &str, expected: &Expected<'_>, nonce: &str) -> Result<Revocation, Refusal> {
    let revocation: Revocation = jws::verify(compact, expected.signing_key)?;
    expected.check_address(&revocation.iss, &revocation.aud, revocation.enrolment_id, revocation.sub)?;
    if revocation.nonce == nonce { Ok(revocation) } else { Err(Refusal::StaleTime) }
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
        let good = Revocation {
            iss: asked.iss.clone(),
            aud: asked.aud.clone(),
            sub: asked.sub,
            enrolment_id: asked.enrolment_id,
            reason: EndReason::Revoked,
            nonce: "mine".into(),
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
            open(compact, &expected, "mine")
        };
        assert_eq!(opened(&jws::sign_now(&good, &server).unwrap()).unwrap(), good);
        let changed = |change: &dyn Fn(&mut Revocation)| {
            let mut revocation = good.clone();
            change(&mut revocation);
            opened(&jws::sign_now(&revocation, &server).unwrap()).unwrap_err()
        };
        let other = stranger.public().thumbprint();
        let randomness = SystemRandomness::new();
        assert_eq!(changed(&|r| r.iss = other.clone()), Refusal::WrongServer);
        assert_eq!(changed(&|r| r.aud = other.clone()), Refusal::WrongDevice);
        assert_eq!(changed(&|r| r.enrolment_id = EnrolmentId::random(&randomness)), Refusal::WrongDevice);
        assert_eq!(changed(&|r| r.sub = AccountId::random(&randomness)), Refusal::WrongAccount);
        assert_eq!(changed(&|r| r.nonce = "another".into()), Refusal::StaleTime);
        assert_eq!(opened(&jws::sign_now(&good, &stranger).unwrap()), Err(Refusal::UnknownKey));
        assert_eq!(opened(&jws::sign_now(&asked, &server).unwrap()), Err(Refusal::WrongType));
    }
}
