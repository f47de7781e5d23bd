//! The challenge: what a server asks one device, signed by the server.
//!
//! Both sides are here. [`issue`] is the server's; [`open`] is the device's.

use crate::handle::{AccountId, ChallengeId, EnrolmentId};
use crate::jws::{self, Claims, Unverified};
use crate::key::{KeyError, PublicKey, SoftwareKey, Thumbprint, sha256_text};
use crate::refusal::Refusal;
use crate::text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest claims, in bytes of UTF-8, so that a push fits every network.
pub const MAX_CLAIMS_LENGTH: usize = 1700;
/// How long a challenge lives when nobody says.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);
/// The most details of one challenge: more is read by nobody in a minute.
pub const MAX_DETAILS: usize = 8;
/// The longest a challenge may live (OWASP ASVS 5, 6.5.5).
pub const MAX_LIFETIME: Duration = Duration::from_secs(600);
/// How far the two clocks may disagree before a message counts as dated in the future.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// The claims of a challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// The server's id: the thumbprint of its root key.
    pub iss: Thumbprint,
    /// The device: the thumbprint of its request key (RFC 7638).
    pub aud: Thumbprint,
    /// The account.
    pub sub: AccountId,
    /// The enrolment that is asked.
    pub enrolment_id: EnrolmentId,
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The registered name of the relying party that asks.
    pub relying_party: String,
    /// The account's name, as the person knows it.
    pub account: String,
    /// What YES does, where it is something else than a sign-in or what the relying party says below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// What the person must do to answer.
    pub policy: Policy,
    /// A sentence of the relying party, for example what is being paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding_message: Option<String>,
    /// What exactly is decided, for example amount and recipient, in the order in which it is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// Where the sign-in came from, as the relying party claims it.
    pub context: Context,
    /// When it was asked, in seconds.
    pub iat: i64,
    /// When it ends, in seconds.
    pub exp: i64,
}

impl Claims for Challenge {
    const TYPE: &'static str = "countersign-challenge+jws";
}

/// What YES does that is no sign-in. It is in the signed question, so that a YES to one can never count as a YES to the
/// other; and whoever shows the question asks it in other words than those of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Another phone may take over from this one.
    Move,
    /// This phone, which is new, works: it takes over.
    Rehearsal,
}

/// What the person must do to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "lowercase", deny_unknown_fields)]
pub enum Policy {
    /// Look at the context and tap YES or NO.
    Tap {},
    /// Type the number that the page shows to say YES. The number itself is never sent to a device.
    Number {
        /// How many digits it has: 2 or 6.
        digits: u8,
    },
}

impl Policy {
    /// How many digits are typed; none where YES is a tap.
    pub const fn digits(self) -> Option<u8> {
        match self {
            Self::Tap {} => None,
            Self::Number { digits } => Some(digits),
        }
    }

    /// Checks that an approval carries what this policy asks for, in its form: whether a number is the right one, only
    /// the server knows.
    ///
    /// # Errors
    /// `malformed` for a number where none is asked for, for none where one is, and for other digits than were asked
    /// for.
    pub fn check_number(self, number: Option<&str>) -> Result<(), Refusal> {
        let fits = match (self, number) {
            (Self::Tap {}, None) => true,
            (Self::Number { digits }, Some(number)) => {
                number.len() == usize::from(digits) && number.bytes().all(|byte| byte.is_ascii_digit())
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err(Refusal::Malformed("number")) }
    }
}

/// One thing that is decided: `Amount`, `12.00 EUR`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub label: String,
    /// How much, whom, which.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub value: String,
}

/// Checks the details that a person would read.
///
/// # Errors
/// `malformed` for misleading or blank text, and for two of one label, of which a person would believe the first;
/// `too_large` for more than [`MAX_DETAILS`], and for a text of more than [`text::MAX_NAME`] characters.
pub fn check_details(details: &[Detail]) -> Result<(), Refusal> {
    if details.len() > MAX_DETAILS {
        return Err(Refusal::TooLarge);
    }
    for (place, Detail { label, value }) in details.iter().enumerate() {
        text::check_name(label, "label of a detail")?;
        text::check_name(value, "value of a detail")?;
        if details[..place].iter().any(|earlier| earlier.label == *label) {
            return Err(Refusal::Malformed("label of a detail"));
        }
    }
    Ok(())
}

/// Where a sign-in came from, as the relying party claims it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The address, in text form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The place of the address, if the server knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The browser, for example `Firefox`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// The operating system, for example `Linux`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

impl Challenge {
    /// When it was asked.
    pub const fn asked_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.iat)
    }

    /// When it ends.
    pub const fn ends_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.exp)
    }

    /// True for the same question that now asks for a number, as when a second sign-in came beside it. Never the other
    /// way round: a number that was asked for stays asked for.
    pub fn raises(&self, earlier: &Self) -> bool {
        let Policy::Number { .. } = self.policy else { return false };
        earlier.policy == Policy::Tap {} && *self == Self { policy: self.policy, ..earlier.clone() }
    }

    /// Checks what a person would read, and the size.
    ///
    /// # Errors
    /// `malformed` for misleading or blank text, for a number that has neither 2 nor 6 digits, and for a lifetime that
    /// is not above zero or is longer than [`MAX_LIFETIME`]; `too_large` when a text is too long, or all claims
    /// together are longer than [`MAX_CLAIMS_LENGTH`]; both as [`check_details`] says.
    pub fn check_form(&self) -> Result<(), Refusal> {
        text::check_name(&self.relying_party, "relying party name")?;
        text::check_name(&self.account, "account name")?;
        text::check(self.binding_message.as_deref().unwrap_or_default(), text::MAX_BINDING_MESSAGE, "binding message")?;
        check_details(&self.details)?;
        let Context { ip, place, browser, system } = &self.context;
        for shown in [ip, place, browser, system].into_iter().flatten() {
            text::check(shown, text::MAX_NAME, "context")?;
        }
        if self.policy.digits().is_some_and(|digits| !matches!(digits, 2 | 6)) {
            return Err(Refusal::Malformed("policy"));
        }
        let longest = i64::try_from(MAX_LIFETIME.as_secs()).unwrap_or(i64::MAX).saturating_add(1);
        if !(1..=longest).contains(&self.exp.saturating_sub(self.iat)) {
            return Err(Refusal::Malformed("lifetime"));
        }
        let length = serde_json::to_vec(self).map_err(|_| Refusal::Malformed("challenge"))?.len();
        if length > MAX_CLAIMS_LENGTH { Err(Refusal::TooLarge) } else { Ok(()) }
    }
}

/// Why a challenge could not be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// Its content is not allowed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The server's key did not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The server's side: checks and signs a challenge for one device.
///
/// # Errors
/// [`IssueError::Refused`] as [`Challenge::check_form`] says; [`IssueError::Key`] when the key did not sign.
pub fn issue(challenge: &Challenge, signing_key: &SoftwareKey) -> Result<String, IssueError> {
    challenge.check_form()?;
    Ok(jws::sign_now(challenge, signing_key)?)
}

/// The server's side: the same question to the same device, asking for a number of this many digits from now on.
/// `compact` is what this server signed before.
///
/// # Errors
/// As [`issue`]; [`IssueError::Refused`] also when `compact` is not a challenge.
pub fn raise(compact: &str, digits: u8, signing_key: &SoftwareKey) -> Result<String, IssueError> {
    let earlier: Challenge = Unverified::parse::<Challenge>(compact)?.claims_without_verification()?;
    issue(&Challenge { policy: Policy::Number { digits }, ..earlier }, signing_key)
}

/// What a device knows of the enrolment whose key opened a message, and everything that the message must agree with.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    /// The pinned server.
    pub server_id: &'a Thumbprint,
    /// The server's certified signing key.
    pub signing_key: &'a PublicKey,
    /// The thumbprint of this device's request key.
    pub device: &'a Thumbprint,
    /// The enrolled account.
    pub account_id: AccountId,
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
    /// The present, by the server's time.
    pub now: Timestamp,
}

impl Expected<'_> {
    /// Checks that a message is of this server, for this device, enrolment and account.
    ///
    /// # Errors
    /// `wrong_server`, `wrong_device` (also for another enrolment) and `wrong_account`, in this order.
    pub(crate) fn check_address(
        &self,
        iss: &Thumbprint,
        aud: &Thumbprint,
        enrolment_id: EnrolmentId,
        sub: AccountId,
    ) -> Result<(), Refusal> {
        if iss != self.server_id {
            return Err(Refusal::WrongServer);
        }
        if aud != self.device || enrolment_id != self.enrolment_id {
            return Err(Refusal::WrongDevice);
        }
        if sub == self.account_id { Ok(()) } else { Err(Refusal::WrongAccount) }
    }
}

/// The device's side: checks a signed challenge against the enrolment whose key opened it.
///
/// # Errors
/// `unknown_key` when the server's present key did not sign it; `wrong_server`, `wrong_device` and `wrong_account` when
/// it is from or for another; those of [`Challenge::check_form`]; `future_time` when it is dated later than now by more
/// than [`CLOCK_TOLERANCE`]; `expired` when its time is over; and everything else that [`jws::verify`] refuses.
pub fn open(compact: &str, expected: &Expected<'_>) -> Result<Challenge, Refusal> {
    let unverified = Unverified::parse::<Challenge>(compact)?;
    if unverified.payload_length() > MAX_CLAIMS_LENGTH {
        return Err(Refusal::TooLarge);
    }
    let challenge: Challenge = unverified.verify(expected.signing_key)?;
    expected.check_address(&challenge.iss, &challenge.aud, challenge.enrolment_id, challenge.sub)?;
    challenge.check_form()?;
    if challenge.asked_at() > expected.now + CLOCK_TOLERANCE {
        return Err(Refusal::FutureTime);
    }
    if challenge.ends_at() <= expected.now {
        return Err(Refusal::Expired);
    }
    Ok(challenge)
}

/// What a decision is bound to: SHA-256 of the exact compact JWS that was shown, in base64url.
pub fn digest(compact: &str) -> String {
    sha256_text(compact.as_bytes())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::randomness::SystemRandomness;

    pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    pub(crate) fn example(server: &SoftwareKey, device: &SoftwareKey) -> Challenge {
        let randomness = SystemRandomness::new();
        Challenge {
            iss: server.public().thumbprint(),
            aud: device.public().thumbprint(),
            sub: AccountId::random(&randomness),
            enrolment_id: EnrolmentId::random(&randomness),
            challenge_id: ChallengeId::random(&randomness),
            relying_party: "Meridian Hosting".into(),
            account: "maya".into(),
            purpose: None,
            policy: Policy::Tap {},
            binding_message: None,
            details: Vec::new(),
            context: Context { ip: Some("192.0.2.7".into()), ..Context::default() },
            iat: NOW.seconds(),
            exp: NOW.seconds() + 60,
        }
    }

    #[test]
    fn one_changed_field_is_refused_by_name() {
        let (server, _) = SoftwareKey::generate().unwrap();
        let (device, _) = SoftwareKey::generate().unwrap();
        let (stranger, _) = SoftwareKey::generate().unwrap();
        let good = example(&server, &device);
        let (server_id, signing_key, audience) = (good.iss.clone(), server.public(), good.aud.clone());
        let at = |now: Timestamp, compact: &str| {
            let expected = Expected {
                server_id: &server_id,
                signing_key: &signing_key,
                device: &audience,
                account_id: good.sub,
                enrolment_id: good.enrolment_id,
                now,
            };
            open(compact, &expected)
        };
        let compact = issue(&good, &server).unwrap();
        assert_eq!(at(NOW, &compact).unwrap(), good);

        let randomness = SystemRandomness::new();
        let changed = |change: &dyn Fn(&mut Challenge)| {
            let mut challenge = good.clone();
            change(&mut challenge);
            // Signed without the server's own check, as a broken or hostile server would.
            at(NOW, &jws::sign_now(&challenge, &server).unwrap()).unwrap_err()
        };
        let other = stranger.public().thumbprint();
        assert_eq!(changed(&|c| c.iss = other.clone()), Refusal::WrongServer);
        assert_eq!(changed(&|c| c.aud = other.clone()), Refusal::WrongDevice);
        assert_eq!(changed(&|c| c.enrolment_id = EnrolmentId::random(&randomness)), Refusal::WrongDevice);
        assert_eq!(changed(&|c| c.sub = AccountId::random(&randomness)), Refusal::WrongAccount);
        assert_eq!(changed(&|c| (c.iat, c.exp) = (c.iat + 62, c.exp + 62)), Refusal::FutureTime);
        assert_eq!(changed(&|c| c.exp = c.iat), Refusal::Malformed("lifetime"));
        assert_eq!(changed(&|c| c.exp = c.iat + 602), Refusal::Malformed("lifetime"));
        assert_eq!(changed(&|c| c.policy = Policy::Number { digits: 4 }), Refusal::Malformed("policy"));
        assert_eq!(changed(&|c| c.account = "ma\u{202e}ya".into()), Refusal::Malformed("account name"));
        assert_eq!(changed(&|c| c.context.ip = Some("\n".into())), Refusal::Malformed("context"));
        assert_eq!(changed(&|c| c.binding_message = Some("x".repeat(121))), Refusal::TooLarge);
        let detail = |label: &str, value: &str| Detail { label: label.into(), value: value.into() };
        let twice = vec![detail("Amount", "12 €"), detail("Amount", "1200 €")];
        assert_eq!(changed(&|c| c.details.clone_from(&twice)), Refusal::Malformed("label of a detail"));
        assert_eq!(changed(&|c| c.details = vec![detail("Amount", " ")]), Refusal::Malformed("value of a detail"));
        let many: Vec<Detail> = (0..9).map(|number| detail(&number.to_string(), "1")).collect();
        assert_eq!(changed(&|c| c.details.clone_from(&many)), Refusal::TooLarge);
        assert_eq!(at(NOW + Duration::from_secs(60), &compact), Err(Refusal::Expired));
        assert_eq!(at(NOW, &jws::sign_now(&good, &stranger).unwrap()), Err(Refusal::UnknownKey));

        let mut altered = compact.clone().into_bytes();
        let middle = compact.find('.').unwrap() + 40;
        altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
        assert_eq!(at(NOW, std::str::from_utf8(&altered).unwrap()), Err(Refusal::BadSignature));
    }

    #[test]
    fn the_largest_allowed_challenge_still_fits_a_sealed_message() {
        let (server, _) = SoftwareKey::generate().unwrap();
        let (device, _) = SoftwareKey::generate().unwrap();
        let mut challenge = example(&server, &device);
        let filler = "語".repeat(100);
        challenge.relying_party.clone_from(&filler);
        challenge.account.clone_from(&filler);
        challenge.context.place = Some(filler.clone());
        challenge.binding_message = Some(String::new());
        let spare = MAX_CLAIMS_LENGTH - serde_json::to_vec(&challenge).unwrap().len();
        challenge.binding_message = Some("x".repeat(spare.min(120)));
        challenge.context.system = Some(String::new());
        let spare = MAX_CLAIMS_LENGTH.saturating_sub(serde_json::to_vec(&challenge).unwrap().len());
        challenge.context.system = Some("y".repeat(spare.min(100)));
        let compact = issue(&challenge, &server).unwrap();
        assert!(compact.len() <= crate::sealing::PLAINTEXT_LENGTH - 2, "{} bytes", compact.len());
        challenge.context.browser = Some("語".repeat(100));
        assert_eq!(issue(&challenge, &server), Err(IssueError::Refused(Refusal::TooLarge)));
    }
}
