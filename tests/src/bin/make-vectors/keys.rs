//! The keys of everybody in the example. All of them are public knowledge.

use countersign_protocol::key::SoftwareKey;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::sealing::SealingKey;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// A signing key and the document that it comes from.
pub struct Signer {
    pub key: SoftwareKey,
    pkcs8: Vec<u8>,
}

/// The keys of one server, of one device, and of a stranger to both.
pub struct Keys {
    pub root: Signer,
    pub signing: Signer,
    pub next_signing: Signer,
    pub request: Signer,
    pub approval: Signer,
    pub stranger: Signer,
    pub sealing: SealingKey,
    pub stranger_sealing: SealingKey,
}

impl Signer {
    fn kept_or_fresh(previous: Option<&Value>, name: &str) -> Self {
        let pkcs8 = match kept(previous, name, "pkcs8_b64u") {
            Some(pkcs8) => pkcs8,
            None => SoftwareKey::generate().unwrap().1.to_vec(),
        };
        Self { key: SoftwareKey::from_pkcs8(&pkcs8).unwrap(), pkcs8 }
    }

    fn to_json(&self) -> Value {
        json!({
            "pkcs8_b64u": BASE64URL_NOPAD.encode(&self.pkcs8),
            "jwk": self.key.public(),
            "thumbprint_b64u": self.key.public().thumbprint(),
        })
    }
}

fn kept(previous: Option<&Value>, name: &str, member: &str) -> Option<Vec<u8>> {
    let text = previous?["keys"][name][member].as_str()?;
    Some(BASE64URL_NOPAD.decode(text.as_bytes()).unwrap())
}

fn sealing_kept_or_fresh(previous: Option<&Value>, name: &str) -> SealingKey {
    match kept(previous, name, "private_b64u") {
        Some(private) => SealingKey::from_bytes(&private).unwrap(),
        None => SealingKey::generate(&SystemRandomness::new()),
    }
}

fn sealing_to_json(key: &SealingKey) -> Value {
    json!({ "private_b64u": BASE64URL_NOPAD.encode(&*key.to_bytes()), "public_b64u": key.public() })
}

impl Keys {
    pub fn kept_or_fresh(previous: Option<&Value>) -> Self {
        Self {
            root: Signer::kept_or_fresh(previous, "root"),
            signing: Signer::kept_or_fresh(previous, "signing"),
            next_signing: Signer::kept_or_fresh(previous, "next_signing"),
            request: Signer::kept_or_fresh(previous, "request"),
            approval: Signer::kept_or_fresh(previous, "approval"),
            stranger: Signer::kept_or_fresh(previous, "stranger"),
            sealing: sealing_kept_or_fresh(previous, "sealing"),
            stranger_sealing: sealing_kept_or_fresh(previous, "stranger_sealing"),
        }
    }

    pub fn to_json(&self) -> Value {
        json!({
            "root": self.root.to_json(),
            "signing": self.signing.to_json(),
            "next_signing": self.next_signing.to_json(),
            "request": self.request.to_json(),
            "approval": self.approval.to_json(),
            "stranger": self.stranger.to_json(),
            "sealing": sealing_to_json(&self.sealing),
            "stranger_sealing": sealing_to_json(&self.stranger_sealing),
        })
    }
}
