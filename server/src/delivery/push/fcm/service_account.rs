//! The service account that sends: Google's key file, and the assertions that it signs (RFC 7523, RS256).

use crate::delivery::SetupError;
use crate::keys::key_file;
use countersign_protocol::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use https_client::pem;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
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

/// Where access tokens come from when the file does not say: Google's one address for service accounts.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// The members of the file that are used; it has more.
struct KeyFile {
    project_id: String,
    private_key_id: String,
    private_key: Zeroizing<String>,
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
pub(crate) struct ServiceAccount {
    /// The Firebase project to which it belongs.
    pub project_id: String,
    /// Where it gets its access tokens, and the audience of its assertions.
    pub token_uri: String,
    email: String,
    key_id: String,
    key: KeyPair,
}

impl KeyFile {
    /// Reads the members, each of which is a text.
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = pem::text(bytes).map_err(|error| match error {
            pem::NotPem::Binary => "it is not text: the key file is JSON".to_owned(),
            other => other.to_string(),
        })?;
        let text = text.trim().trim_matches('\'');
        // What was put into a variable or another JSON may be a JSON string whose content is the file.
        let unwrapped = serde_json::from_str::<String>(text).map(Zeroizing::new).ok();
        let text = unwrapped.as_ref().map_or(text, |inner| inner.as_str());
        let mut members = match serde_json::from_str::<Members>(text) {
            Ok(members) => members,
            // A shell's echo makes real line ends of the \n in the key, which JSON does not allow.
            Err(error) => serde_json::from_str(&escaped(text)).map_err(|_| not_json(text, &error))?,
        };
        if let Some(other) = other_file(&members) {
            return Err(format!("it is {other}, and not a service account's key file"));
        }
        if members.take("type").as_deref().map(String::as_str) != Some("service_account") {
            return Err("it is not a service account's key file: its type is not service_account".into());
        }
        let mut take = |name: &str| {
            let missing = || format!("it is not a service account's whole key file: {name} is missing");
            members.take(name).filter(|value| !value.is_empty()).ok_or_else(missing)
        };
        Ok(Self {
            project_id: take("project_id")?.to_string(),
            private_key: take("private_key")?,
            private_key_id: take("private_key_id")?.to_string(),
            client_email: take("client_email")?.to_string(),
            token_uri: take("token_uri").map_or_else(|_| TOKEN_URI.to_owned(), |uri| uri.to_string()),
        })
    }
}

/// The members of a JSON object. They are wiped when they are dropped: one of them may be the key.
#[derive(Deserialize)]
struct Members(BTreeMap<String, Value>);

impl Members {
    /// Takes a text out, without white space around it; none when there is none of this name.
    fn take(&mut self, name: &str) -> Option<Zeroizing<String>> {
        let Some(Value::String(text)) = self.0.remove(name) else { return None };
        let text = Zeroizing::new(text);
        Some(Zeroizing::new(text.trim().to_owned()))
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

/// What a file is that people take for the key file.
fn other_file(members: &Members) -> Option<&'static str> {
    let has = |name: &str| members.0.contains_key(name);
    let kind = members.0.get("type").and_then(Value::as_str);
    if has("project_info") && has("client") {
        return Some("google-services.json, which belongs into the app");
    }
    if has("installed") || has("web") {
        return Some("an OAuth client's file");
    }
    match kind {
        Some("authorized_user") => {
            Some("the credentials of a person (type authorized_user instead of service_account)")
        }
        Some("external_account") => Some("the configuration of an external account"),
        _ if has("apiKey") => Some("the configuration of a web app"),
        _ => None,
    }
}

/// Why a text is not read as JSON. Only the place: serde's own words repeat what stands there, which may be the key.
fn not_json(text: &str, error: &serde_json::Error) -> String {
    if text.contains("-----BEGIN ") && !text.contains('{') {
        return "it is a bare key in PEM, and not the service account's key file, which is JSON".into();
    }
    format!("it is not a service account's key file (line {}, column {})", error.line(), error.column())
}

/// A JSON text in which the line ends within strings are escaped.
fn escaped(text: &str) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(text.len() + text.len() / 32));
    let (mut in_string, mut after_backslash) = (false, false);
    for character in text.chars() {
        match character {
            '\n' if in_string => escaped.push_str("\\n"),
            '\r' if in_string => {}
            '\t' if in_string => escaped.push(' '),
            other => escaped.push(other),
        }
        in_string ^= character == '"' && !after_backslash;
        after_backslash = character == '\\' && !after_backslash;
    }
    escaped
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
        let text = key_file::read(path).map_err(wrong)?;
        Self::from_json(&text).map_err(wrong)
    }

    fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let file = KeyFile::read(bytes)?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b':');
        if file.project_id.is_empty() || !file.project_id.bytes().all(plain) {
            return Err("its project_id is not a project's".into());
        }
        let key = key_file::rsa(file.private_key.as_bytes())
            .map_err(|reason| format!("its private_key is not a private key that serves: {reason}"))?;
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
    use serde_json::json;

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
    #[test]
    fn a_key_file_is_read_in_the_forms_in_which_people_have_it() {
        let plain = file().to_string();
        let with_key = |key: String| {
            let mut file = file();
            file["private_key"] = key.into();
            file.to_string()
        };
        let mut without_token_uri = file();
        without_token_uri.as_object_mut().unwrap().remove("token_uri");
        let utf_16 = [0xfeff].into_iter().chain(plain.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for (what, bytes) in [
            ("as Google gives it", serde_json::to_string_pretty(&file()).unwrap().into_bytes()),
            ("after a byte order mark", format!("\u{feff}{plain}").into_bytes()),
            ("in UTF-16", utf_16),
            ("with the two characters \\n in the key", with_key(KEY.replace('\n', "\\n")).into()),
            ("with spaces in the key", with_key(KEY.replace('\n', " ")).into()),
            ("with the key on one line", with_key(KEY.replace('\n', "")).into()),
            ("with the line ends of Windows", with_key(KEY.replace('\n', "\r\n")).into()),
            ("with real line ends in a string", plain.replace("\\n", "\n").into()),
            ("with white space around the key", with_key(format!("\n\n {KEY} ")).into()),
            ("with the key in quotes", with_key(format!("\"{KEY}\"")).into()),
            ("in single quotes", format!("'{plain}'").into()),
            ("as a JSON string", json!(plain).to_string().into()),
            ("without token_uri", without_token_uri.to_string().into()),
        ] {
            let account = ServiceAccount::from_json(&bytes).unwrap_or_else(|why| panic!("{what}: {why}"));
            assert_eq!(account.token_uri, "https://oauth2.googleapis.com/token", "{what}");
            assert!(account.assertion(Timestamp::from_seconds(1_800_000_000)).is_some(), "{what}");
        }
    }

    #[test]
    fn another_file_is_named_by_what_it_is() {
        let ec = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----";
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
        let with_key = |key: &str| {
            let mut file = file();
            file["private_key"] = key.into();
            file.to_string()
        };
        for (text, words) in [
            (json!({ "project_info": {}, "client": [] }).to_string(), "google-services.json"),
            (json!({ "installed": { "client_id": "1" } }).to_string(), "OAuth client"),
            (json!({ "web": { "client_id": "1" } }).to_string(), "OAuth client"),
            (json!({ "type": "authorized_user", "client_id": "1" }).to_string(), "a person"),
            (json!({ "type": "external_account" }).to_string(), "external account"),
            (json!({ "apiKey": "1", "projectId": "x" }).to_string(), "web app"),
            (KEY.to_owned(), "a bare key in PEM"),
            (String::new(), "it is empty"),
            ("[]".to_owned(), "not a service account's key file"),
            ("{".to_owned(), "line 1, column 1"),
            (with_key(ec), "an EC key"),
            (with_key(certificate), "a certificate"),
            (with_key(encrypted), "passphrase"),
            (with_key(KEY.split("-----END").next().unwrap()), "cut off"),
        ] {
            let reason = ServiceAccount::from_json(text.as_bytes()).err().unwrap();
            assert!(reason.contains(words), "{words}: {reason}");
        }
        let binary = ServiceAccount::from_json(b"\x30\x82\xff").err().unwrap();
        assert!(binary.contains("JSON"), "{binary}");
    }
}
