//! The form of an event: a security event token (RFC 8417) in a body that is signed after Standard Webhooks.

use super::{SECRET_PREFIX, location};
use crate::app::App;
use crate::resource::rfc3339;
use crate::store::{ChallengeEvent, DueEvent};
use countersign_protocol::jws::{self, Claims};
use countersign_protocol::key::Thumbprint;
use countersign_protocol::time::Timestamp;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

/// Names the only kind of event.
pub const CHALLENGE_EVENT: &str = "urn:countersign:event:challenge";

/// The claims of a signed event (RFC 8417, section 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityEvent {
    /// The server's id.
    pub iss: Thumbprint,
    /// When it was signed, in seconds.
    pub iat: i64,
    /// The webhook-id.
    pub jti: String,
    /// The relying party's id.
    pub aud: String,
    /// When it happened, in seconds.
    pub toe: i64,
    /// What happened.
    pub events: Events,
}

/// What a signed event tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// What became of a challenge.
    #[serde(rename = "urn:countersign:event:challenge")]
    pub challenge: ChallengeEvent,
}

impl Claims for SecurityEvent {
    const TYPE: &'static str = "secevent+jwt";
}

/// One attempt: what is sent.
pub(super) struct Attempt {
    /// The body.
    pub body: String,
    /// `webhook-timestamp`, in seconds.
    pub timestamp: i64,
    /// `webhook-signature`.
    pub signature: String,
}

/// Signs one attempt to tell an event.
///
/// # Errors
/// The reason, for the operator.
pub(super) fn sign(app: &App, event: &DueEvent, now: Timestamp) -> Result<Attempt, String> {
    let claims = SecurityEvent {
        iss: app.keys.server_id.clone(),
        iat: now.seconds(),
        jti: event.id.clone(),
        aud: event.audience.clone(),
        toe: event.created_at.seconds(),
        events: Events { challenge: event.challenge.clone() },
    };
    let compact = jws::sign_now(&claims, &app.keys.webhook).map_err(|error| error.to_string())?;
    let mut data = json!(event.challenge);
    data["event"] = compact.into();
    let body = json!({ "type": event.kind, "timestamp": rfc3339(event.created_at), "data": data }).to_string();
    let timestamp = now.seconds();
    let signed = format!("{}.{timestamp}.{body}", event.id);
    let signatures: Vec<String> = event
        .secrets
        .iter()
        .map(|sealed| {
            let key = open_secret(app, event.relying_party, sealed)?;
            let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key), signed.as_bytes());
            Ok(format!("v1,{}", BASE64.encode(tag.as_ref())))
        })
        .collect::<Result<_, String>>()?;
    Ok(Attempt { body, timestamp, signature: signatures.join(" ") })
}

/// The bytes of a secret.
fn open_secret(app: &App, relying_party: i64, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = app.keys.at_rest.open(location(&relying_party.to_string()), sealed);
    let text = text.map_err(|error| error.to_string())?;
    let encoded = text.strip_prefix(SECRET_PREFIX.as_bytes()).unwrap_or_default();
    BASE64.decode(encoded).map(Zeroizing::new).map_err(|_| "the webhook's secret is damaged".into())
}
