//! The token that names this server to APNs: a JWT signed with ES256, used for many pushes, renewed between 20 and 60
//! minutes.

use crate::delivery::SetupError;
use crate::keys::key_file;
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// From this age on a token is replaced. Apple takes none that is older than 60 minutes.
const RENEWED_AFTER: Duration = Duration::from_secs(40 * 60);
/// Apple takes no second token within this time (`TooManyProviderTokenUpdates`).
const LEAST_AGE: Duration = Duration::from_secs(20 * 60);
/// When the clock was set back by more than this, a token is made anew, because Apple refuses one from the future.
const MOST_AHEAD: Duration = Duration::from_secs(60);

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
}

/// Makes the token, and keeps it for as long as it serves.
pub struct ProviderToken {
    key: SoftwareKey,
    key_id: String,
    team_id: String,
    current: Mutex<Option<Bearer>>,
}

/// A token as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The value of the header `authorization`.
    pub authorization: Arc<str>,
    made_at: Timestamp,
}

impl ProviderToken {
    /// The tokens of this key.
    pub fn new(key: SoftwareKey, key_id: String, team_id: String) -> Self {
        Self { key, key_id, team_id, current: Mutex::default() }
    }

    /// The token to send at this moment; none when the system gives no randomness to sign it with.
    pub fn current(&self, now: Timestamp) -> Option<Bearer> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let serves = |token: &&Bearer| now < token.made_at + RENEWED_AFTER && token.made_at <= now + MOST_AHEAD;
        if let Some(token) = current.as_ref().filter(serves) {
            return Some(token.clone());
        }
        let made = self.make(now)?;
        *current = Some(made.clone());
        Some(made)
    }

    /// Forgets a token that Apple took for too old, so that the next push makes a fresh one.
    ///
    /// # Errors
    /// How long to wait, when the token is so young that Apple would not take another one yet.
    pub fn expire(&self, refused: &Bearer, now: Timestamp) -> Result<(), Duration> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // When many pushes are refused at the same time, the first of them forgets the token, and the others have
        // nothing left to do.
        if current.as_ref() != Some(refused) {
            return Ok(());
        }
        let allowed_at = refused.made_at + LEAST_AGE;
        if now < allowed_at {
            return Err(now.until(allowed_at));
        }
        *current = None;
        Ok(())
    }

    fn make(&self, now: Timestamp) -> Option<Bearer> {
        let header = serde_json::to_vec(&Header { alg: "ES256", kid: &self.key_id }).ok()?;
        let claims = serde_json::to_vec(&Claims { iss: &self.team_id, iat: now.seconds() }).ok()?;
        let input = format!("{}.{}", BASE64URL_NOPAD.encode(&header), BASE64URL_NOPAD.encode(&claims));
        let signature = BASE64URL_NOPAD.encode(&self.key.sign_now(input.as_bytes()).ok()?);
        Some(Bearer { authorization: format!("bearer {input}.{signature}").into(), made_at: now })
    }
}

/// The key in a `.p8` file of Apple's, in any form in which it can be read.
///
/// # Errors
/// [`SetupError::Configuration`], with what to do, when the file cannot be read or holds no private key for P-256.
pub fn read_key(path: &Path) -> Result<SoftwareKey, SetupError> {
    key_file::read(path).and_then(|text| key_file::p256(&text)).map_err(|reason| {
        SetupError::Configuration(format!(
            "push.apns.key_file: {}: {reason}. Name the AuthKey_….p8 file that Apple's developer site gave for your \
             key",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    fn tokens() -> ProviderToken {
        ProviderToken::new(SoftwareKey::generate().unwrap().0, "KEYID12345".into(), "TEAMID1234".into())
    }

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_token_says_who_signs_and_when() {
        let tokens = tokens();
        let bearer = tokens.current(START).unwrap();
        let token = bearer.authorization.strip_prefix("bearer ").unwrap();
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        let text = |part: &str| String::from_utf8(BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap();
        assert_eq!(text(header), r#"{"alg":"ES256","kid":"KEYID12345"}"#);
        assert_eq!(text(claims), r#"{"iss":"TEAMID1234","iat":1800000000}"#);
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        tokens.key.public().verify(format!("{header}.{claims}").as_bytes(), &signature).unwrap();
    }

    #[test]
    fn a_token_serves_for_forty_minutes() {
        let tokens = tokens();
        let first = tokens.current(START).unwrap();
        assert_eq!(tokens.current(START + RENEWED_AFTER - SECOND).unwrap(), first);
        let second = tokens.current(START + RENEWED_AFTER).unwrap();
        assert_ne!(second, first);
        assert_eq!(tokens.current(START + RENEWED_AFTER + SECOND).unwrap(), second);
    }

    #[test]
    fn a_clock_set_back_by_more_than_a_minute_makes_a_token_that_is_not_from_the_future() {
        let tokens = tokens();
        let first = tokens.current(START).unwrap();
        assert_eq!(tokens.current(START - MOST_AHEAD).unwrap(), first);
        assert_ne!(tokens.current(START - MOST_AHEAD - SECOND).unwrap(), first);
    }

    #[test]
    fn a_token_that_apple_holds_to_be_too_old_is_renewed_once_and_not_before_twenty_minutes() {
        let tokens = tokens();
        let first = tokens.current(START).unwrap();
        assert_eq!(tokens.expire(&first, START + LEAST_AGE - SECOND), Err(SECOND));
        assert_eq!(tokens.current(START + LEAST_AGE - SECOND).unwrap(), first);
        assert_eq!(tokens.expire(&first, START + LEAST_AGE), Ok(()));
        let second = tokens.current(START + LEAST_AGE).unwrap();
        assert_ne!(second, first);
        assert_eq!(tokens.expire(&first, START + LEAST_AGE), Ok(()), "another push had the old one");
        assert_eq!(tokens.current(START + LEAST_AGE).unwrap(), second);
    }

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64.encode(der))
    }

    #[test]
    fn a_key_file_is_read_in_the_forms_in_which_people_have_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("AuthKey.p8");
        let (key, pkcs8) = SoftwareKey::generate().unwrap();
        let plain = pem(&pkcs8);
        for text in [
            plain.clone(),
            format!("\u{feff}{plain}"),
            plain.replace('\n', ""),
            plain.replace('\n', "\n  "),
            format!("\"{}\"", plain.replace('\n', "\\n")),
            plain.replace('\n', "\r\n"),
        ] {
            std::fs::write(&path, &text).unwrap();
            assert_eq!(read_key(&path).unwrap_or_else(|error| panic!("{error}")).public(), key.public());
        }
    }

    #[test]
    fn a_key_file_that_cannot_be_used_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("AuthKey.p8");
        let reason = || read_key(&path).unwrap_err().to_string();
        assert!(reason().contains("cannot be read") && reason().contains(path.to_str().unwrap()), "{}", reason());
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(reason().contains("BEGIN PRIVATE KEY") && reason().contains("AuthKey_"), "{}", reason());
        assert!(reason().contains("a certificate"), "{}", reason());
        std::fs::write(&path, pem(b"not a key")).unwrap();
        assert!(reason().contains("P-256") && reason().contains("developer site"), "{}", reason());
    }
}
