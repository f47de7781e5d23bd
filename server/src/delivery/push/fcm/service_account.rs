//! The service account that sends: Google's key file, and the assertions that it signs (RFC 7523, RS256).

use crate::delivery::SetupError;
use countersign_protocol::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// How long an assertion serves: as long as Google allows.
const LIFETIME: Duration = Duration::from_secs(3600);
/// What the access token is for: messages, and nothing else.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// Where the file comes from.
const ADVICE: &str = "In the Firebase console, Project settings, Service accounts, 'Generate new private key' makes \
                      the file; put it where the server, and nobody else, can read it";

/// The members of the file that are used; it has more.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    project_id: String,
    private_key_id: String,
    private_key: String,
    client_email: String,
    token_uri: String,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// A service account.
pub(super) struct ServiceAccount {
    /// The Firebase project to which it belongs.
    pub project_id: String,
    /// Where it gets its access tokens, and the audience of its assertions.
    pub token_uri: String,
    email: String,
    key_id: String,
    key: KeyPair,
}

impl ServiceAccount {
    /// Reads Google's key file.
    ///
    /// # Errors
    /// [`SetupError::Configuration`], with what to do.
    pub fn read(path: &Path) -> Result<Self, SetupError> {
        let wrong = |reason: String| {
            let path = path.display();
            SetupError::Configuration(format!("push.fcm: service_account {path}: {reason}. {ADVICE}."))
        };
        let mut text = std::fs::read(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        let read = Self::from_json(&text);
        text.zeroize();
        read.map_err(wrong)
    }

    fn from_json(text: &[u8]) -> Result<Self, String> {
        // Only the place: serde's own words repeat what stands there, which may be the key.
        let file: KeyFile = serde_json::from_slice(text).map_err(|error| {
            format!("it is not a service account's key file (line {}, column {})", error.line(), error.column())
        })?;
        if file.kind != "service_account" {
            return Err("its type is not service_account".into());
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b':');
        if file.project_id.is_empty() || !file.project_id.bytes().all(plain) {
            return Err("its project_id is not a project's".into());
        }
        let private_key = Zeroizing::new(file.private_key);
        let key = PrivatePkcs8KeyDer::from_pem_slice(private_key.as_bytes())
            .map_err(|_| "its private_key is not a private key in PEM (PKCS #8)".to_owned())?;
        let key = KeyPair::from_pkcs8(key.secret_pkcs8_der())
            .map_err(|reason| format!("its private_key is not an RSA key of 2048 bits or more ({reason})"))?;
        Ok(Self {
            project_id: file.project_id,
            token_uri: file.token_uri,
            email: file.client_email,
            key_id: file.private_key_id,
            key,
        })
    }

    /// An assertion for an access token that only sends messages; none when the key does not sign.
    pub fn assertion(&self, now: Timestamp) -> Option<Zeroizing<String>> {
        let header = Header { alg: "RS256", typ: "JWT", kid: &self.key_id };
        let iat = now.seconds();
        let exp = (Timestamp::from_seconds(iat) + LIFETIME).seconds();
        let claims = Claims { iss: &self.email, scope: SCOPE, aud: &self.token_uri, iat, exp };
        let part = |json: Vec<u8>| BASE64URL_NOPAD.encode(&json);
        let input = format!("{}.{}", part(serde_json::to_vec(&header).ok()?), part(serde_json::to_vec(&claims).ok()?));
        #[expect(
            clippy::disallowed_methods,
            reason = "it only blinds the computation: the signature is the same for any"
        )]
        let blinding = ring::rand::SystemRandom::new();
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &blinding, input.as_bytes(), &mut signature).ok()?;
        Some(Zeroizing::new(format!("{input}.{}", BASE64URL_NOPAD.encode(&signature))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const KEY: &str = include_str!("../../../../../tests/src/fcm/rsa-for-tests-only.pem");

    fn file() -> Value {
        json!({
            "type": "service_account", "project_id": "harbour-hosting", "private_key_id": "4b1d", "private_key": KEY,
            "client_email": "sender@harbour-hosting.iam.gserviceaccount.com", "client_id": "1",
            "token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
        })
    }

    fn reason(file: &Value) -> String {
        ServiceAccount::from_json(file.to_string().as_bytes()).err().unwrap()
    }

    #[test]
    fn an_assertion_says_who_asks_whom_for_what_and_for_how_long() {
        let account = ServiceAccount::from_json(file().to_string().as_bytes()).unwrap();
        let assertion = account.assertion(Timestamp::from_millis(1_800_000_000_999)).unwrap();
        let mut parts = assertion.split('.').map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap());
        let mut json = || serde_json::from_slice::<Value>(&parts.next().unwrap()).unwrap();
        assert_eq!(json(), json!({ "alg": "RS256", "typ": "JWT", "kid": "4b1d" }));
        let claims = json!({
            "iss": "sender@harbour-hosting.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/firebase.messaging",
            "aud": "https://oauth2.googleapis.com/token", "iat": 1_800_000_000, "exp": 1_800_003_600,
        });
        assert_eq!(json(), claims);
        let signature = parts.next().unwrap();
        let public = ring::signature::UnparsedPublicKey::new(
            &ring::signature::RSA_PKCS1_2048_8192_SHA256,
            account.key.public().as_ref().to_vec(),
        );
        let input = assertion.rsplit_once('.').unwrap().0;
        assert!(public.verify(input.as_bytes(), &signature).is_ok());
    }

    #[test]
    fn a_file_that_is_no_service_account_is_refused_in_words_that_do_not_repeat_the_key() {
        for (member, value, word) in [
            ("type", json!("authorized_user"), "service_account"),
            ("project_id", json!("../other"), "project_id"),
            ("project_id", json!(""), "project_id"),
            ("private_key", json!("-----BEGIN secret"), "private_key"),
            ("private_key", json!(["secret"]), "key file"),
            ("client_email", Value::Null, "key file"),
        ] {
            let mut file = file();
            file[member] = value;
            let reason = reason(&file);
            assert!(reason.contains(word) && !reason.contains("secret"), "{member}: {reason}");
        }
        let error = ServiceAccount::read(Path::new("/nowhere/firebase.json")).err().unwrap().to_string();
        assert!(error.contains("/nowhere/firebase.json") && error.contains("Firebase console"), "{error}");
    }
}
