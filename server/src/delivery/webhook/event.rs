//! The form of an event: a security event token (RFC 8417) in a body that is signed after Standard Webhooks.

use crate::domain::moment::rfc3339;
use crate::keys::sealed;
use crate::service::Service;
use crate::store::{ChallengeEvent, DueEvent};
use countersign_protocol::jws::{self, Claims};
use countersign_protocol::key::Thumbprint;
use countersign_protocol::time::Timestamp;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::json;

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
pub(super) fn sign(service: &Service, event: &DueEvent, now: Timestamp) -> Result<Attempt, String> {
    let claims = SecurityEvent {
        iss: service.keys.server_id.clone(),
        iat: now.seconds(),
        jti: event.id.clone(),
        aud: event.audience.clone(),
        toe: event.created_at.seconds(),
        events: Events { challenge: event.challenge.clone() },
    };
    let compact = jws::sign_now(&claims, &service.keys.webhook).map_err(|error| error.to_string())?;
    let mut data = json!(event.challenge);
    data["event"] = compact.into();
    let body = json!({ "type": event.fact.as_str(), "timestamp": rfc3339(event.created_at), "data": data }).to_string();
    let timestamp = now.seconds();
    let signed = format!("{}.{timestamp}.{body}", event.id);
    let signatures: Vec<String> = event
        .secrets
        .iter()
        .map(|secret| {
            let key = sealed::open_webhook_secret(&service.keys.at_rest, event.relying_party, secret)?;
            let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key), signed.as_bytes());
            Ok(format!("v1,{}", BASE64.encode(tag.as_ref())))
        })
        .collect::<Result<_, String>>()?;
    Ok(Attempt { body, timestamp, signature: signatures.join(" ") })
}
