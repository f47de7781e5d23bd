//! The code seed: what the one-time codes of one enrolment are made of, signed by the server.
//!
//! Both sides are here. [`issue`] is the server's; [`open`] is the device's. It travels sealed to the device, as a
//! challenge does, in the answer to the redemption.

use crate::challenge::Expected;
use crate::handle::{AccountId, EnrolmentId};
use crate::jws::{self, Claims};
use crate::key::{KeyError, SoftwareKey, Thumbprint};
use crate::one_time_code::{Algorithm, Secret, Totp};
use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// The claims of a code seed. They show nothing of the secret when printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeSeed {
    /// The server's id: the thumbprint of its root key.
    pub iss: Thumbprint,
    /// The device: the thumbprint of its request key (RFC 7638).
    pub aud: Thumbprint,
    /// The account.
    pub sub: AccountId,
    /// The enrolment that the codes belong to.
    pub enrolment_id: EnrolmentId,
    /// The key of the codes, 16 to 64 bytes; base64url on the wire.
    #[serde(with = "base64url")]
    pub secret: Secret,
    /// The hash beneath the codes: `SHA1`, `SHA256` or `SHA512`.
    pub algorithm: Algorithm,
    /// Digits of a code, 6 to 8.
    pub digits: u8,
    /// Seconds that a code serves, 1 to 300.
    pub period: u16,
    /// When the seed was made, in seconds.
    pub iat: i64,
}

impl Claims for CodeSeed {
    const TYPE: &'static str = "countersign-code-seed+jws";
}

impl CodeSeed {
    /// The codes that it makes.
    ///
    /// # Errors
    /// `malformed` for digits or a period out of range.
    pub fn totp(&self) -> Result<Totp, Refusal> {
        Totp::new(self.secret.clone(), self.algorithm, self.digits, self.period)
    }
}

/// The server's side: signs a seed for one device.
///
/// # Errors
/// [`KeyError::Unavailable`] when the system gives no randomness.
pub fn issue(seed: &CodeSeed, signing_key: &SoftwareKey) -> Result<String, KeyError> {
    jws::sign_now(seed, signing_key)
}

/// The device's side: checks a signed seed against the enrolment whose statement came with it.
///
/// # Errors
/// `wrong_server`, `wrong_device` and `wrong_account` when it is from or for another; `malformed` for digits or a
/// period out of range; and everything that [`jws::verify`] refuses.
pub fn open(compact: &str, expected: &Expected<'_>) -> Result<CodeSeed, Refusal> {
    let seed: CodeSeed = jws::verify(compact, expected.signing_key)?;
    expected.check_address(&seed.iss, &seed.aud, seed.enrolment_id, seed.sub)?;
    seed.totp()?;
    Ok(seed)
}

/// A secret as base64url without padding.
mod base64url {
    use crate::one_time_code::Secret;
    use data_encoding::BASE64URL_NOPAD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::borrow::Cow;
    use zeroize::Zeroizing;

    pub fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(BASE64URL_NOPAD.encode(secret.as_bytes())))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let bytes =
            BASE64URL_NOPAD.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| D::Error::custom("secret"))?;
        Secret::new(&bytes).map_err(|_| D::Error::custom("secret"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::randomness::SystemRandomness;
    use crate::time::Timestamp;
    use serde_json::{Value, json};

    /// Signs claims that are no [`CodeSeed`], as a broken or hostile server would.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Anything(Value);

    impl Claims for Anything {
        const TYPE: &'static str = CodeSeed::TYPE;
    }

    fn example(server: &SoftwareKey, device: &SoftwareKey) -> CodeSeed {
        let randomness = SystemRandomness::new();
        CodeSeed {
            iss: server.public().thumbprint(),
            aud: device.public().thumbprint(),
            sub: AccountId::random(&randomness),
            enrolment_id: EnrolmentId::random(&randomness),
            secret: Secret::generate(Algorithm::Sha1, &randomness),
            algorithm: Algorithm::Sha1,
            digits: 6,
            period: 30,
            iat: 1_800_000_000,
        }
    }

    #[test]
    fn one_changed_field_is_refused_by_name() {
        let (server, _) = SoftwareKey::generate().unwrap();
        let (device, _) = SoftwareKey::generate().unwrap();
        let (stranger, _) = SoftwareKey::generate().unwrap();
        let good = example(&server, &device);
        let (server_id, signing_key, audience) = (good.iss.clone(), server.public(), good.aud.clone());
        let opened = |compact: &str| {
            let expected = Expected {
                server_id: &server_id,
                signing_key: &signing_key,
                device: &audience,
                account_id: good.sub,
                enrolment_id: good.enrolment_id,
                now: Timestamp::from_seconds(good.iat),
            };
            open(compact, &expected)
        };
        let compact = issue(&good, &server).unwrap();
        assert_eq!(opened(&compact).as_ref(), Ok(&good));

        let randomness = SystemRandomness::new();
        let changed = |change: &dyn Fn(&mut CodeSeed)| {
            let mut seed = good.clone();
            change(&mut seed);
            opened(&issue(&seed, &server).unwrap()).unwrap_err()
        };
        let other = stranger.public().thumbprint();
        assert_eq!(changed(&|s| s.iss = other.clone()), Refusal::WrongServer);
        assert_eq!(changed(&|s| s.aud = other.clone()), Refusal::WrongDevice);
        assert_eq!(changed(&|s| s.enrolment_id = EnrolmentId::random(&randomness)), Refusal::WrongDevice);
        assert_eq!(changed(&|s| s.sub = AccountId::random(&randomness)), Refusal::WrongAccount);
        assert_eq!(changed(&|s| s.digits = 5), Refusal::Malformed("one-time code digits"));
        assert_eq!(changed(&|s| s.period = 0), Refusal::Malformed("one-time code period"));
        assert_eq!(opened(&issue(&good, &stranger).unwrap()), Err(Refusal::UnknownKey));
        assert_eq!(opened(&jws::sign_now(&Other(good.clone()), &server).unwrap()), Err(Refusal::WrongType));

        let member = |name: &str, value: Value| {
            let mut claims = json!(good);
            claims[name] = value;
            opened(&jws::sign_now(&Anything(claims), &server).unwrap()).unwrap_err()
        };
        let malformed = Refusal::Malformed("JWS claims");
        assert_eq!(member("secret", json!("AAAA")), malformed, "three bytes");
        assert_eq!(member("secret", json!("GEZD GNBV")), malformed);
        assert_eq!(member("algorithm", json!("sha1")), malformed);
        assert_eq!(member("algorithm", json!("MD5")), malformed);
        assert_eq!(member("counter", json!(0)), Refusal::UnknownClaim);
    }

    /// The same claims under another type.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Other(CodeSeed);

    impl Claims for Other {
        const TYPE: &'static str = "countersign-enrolment+jws";
    }

    #[test]
    fn it_prints_no_secret_and_fits_a_sealed_message() {
        let (server, _) = SoftwareKey::generate().unwrap();
        let seed = CodeSeed { secret: Secret::new(&[7; 64]).unwrap(), ..example(&server, &server) };
        let printed = format!("{seed:?}");
        assert!(!printed.contains("BwcH") && !printed.contains("7, 7"), "{printed}");
        let compact = issue(&seed, &server).unwrap();
        assert!(compact.len() <= crate::sealing::PLAINTEXT_LENGTH - 2, "{} bytes", compact.len());
    }
}
