//! Hardware for keys, for phones in languages whose platform has none here: P-256 keys that sign and are not shown.

use super::Fault;
use countersign_protocol::key::SoftwareKey;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All keys.
#[derive(Default)]
pub struct Hardware(BTreeMap<String, SoftwareKey>);

impl Hardware {
    /// A fresh key under this name, and its public half.
    pub fn make(&mut self, name: &str) -> Value {
        let (key, _) = SoftwareKey::generate().unwrap();
        let public = BASE64URL_NOPAD.encode(key.public().as_uncompressed());
        self.0.insert(name.to_owned(), key);
        json!({ "public_b64u": public })
    }

    /// ES256 over a message.
    pub fn sign(&self, name: &str, message: &str) -> Result<Value, Fault> {
        let key = self.0.get(name).ok_or("there is no such key")?;
        let message = BASE64URL_NOPAD.decode(message.as_bytes()).map_err(|error| error.to_string())?;
        Ok(json!({ "signature_b64u": BASE64URL_NOPAD.encode(&key.sign_now(&message).unwrap()) }))
    }
}
