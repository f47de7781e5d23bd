//! Who calls. A handler that takes one of these types cannot be reached without being one of them.

use crate::app::App;
use crate::nonce;
use crate::problem::Problem;
use crate::store::{self, ActiveDevice};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use countersign_protocol::device_api::EnrolmentState;
use countersign_protocol::jws;
use countersign_protocol::key::sha256;
use countersign_protocol::proof::{self, NONCE_HEADER, PROOF_HEADER, PROOF_LIFETIME};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// The longest request body, in bytes.
pub const MAX_BODY_LENGTH: usize = 64 * 1024;
/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// What an API key starts with, so that a leaked one is recognised.
pub const API_KEY_PREFIX: &str = "csk_";

/// The SHA-256 under which an API key is kept.
pub fn api_key_sha256(key: &str) -> [u8; 32] {
    sha256(key.as_bytes())
}

/// A fresh API key of 256 random bits. Shown once, kept as its SHA-256.
pub fn new_api_key(randomness: &dyn countersign_protocol::randomness::Randomness) -> String {
    format!("{API_KEY_PREFIX}{}", BASE64URL_NOPAD.encode(&randomness.bytes::<32>()))
}

/// The relying party that calls, by its API key.
pub struct RelyingParty(pub store::RelyingParty);

impl FromRequestParts<Arc<App>> for RelyingParty {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let header = only_header(&parts.headers, header::AUTHORIZATION.as_str()).map_err(|()| Problem::Unauthorised)?;
        let (scheme, key) = header.and_then(|value| value.split_once(' ')).ok_or(Problem::Unauthorised)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem::Unauthorised);
        }
        let found = app.store.relying_party_by_key(api_key_sha256(key.trim())).await?;
        found.map(Self).ok_or(Problem::Unauthorised)
    }
}

/// The device that calls, by its request proof, whatever the state of its enrolment.
#[derive(Clone)]
pub struct Device {
    /// Who it is.
    pub device: ActiveDevice,
    /// The `jti` of its proof, by which an answer can be bound to this very request.
    pub jti: String,
}

/// The device that calls, when it is in use.
pub struct ConfirmedDevice(pub ActiveDevice);

impl<S: Sync> FromRequestParts<S> for Device {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or(Problem::Unauthorised)
    }
}

impl<S: Sync> FromRequestParts<S> for ConfirmedDevice {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Device { device, .. } = Device::from_request_parts(parts, state).await?;
        if device.state == EnrolmentState::Confirmed { Ok(Self(device)) } else { Err(Problem::DeviceNotInUse) }
    }
}

/// Checks the request proof in front of the device calls, and hands out the nonce for the next one with every answer.
pub async fn prove_device(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (device, request) = match known_device(&app, request).await {
        Ok(found) => found,
        Err(problem) => return problem.into_response(),
    };
    let enrolment_id = device.enrolment_id;
    let mut response = match accept(&app, device, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let nonce = nonce::issue(&app.keys.nonce_key, enrolment_id, app.now());
    if let Ok(value) = HeaderValue::from_str(&nonce) {
        response.headers_mut().insert(NONCE_HEADER, value);
    }
    response
}

async fn known_device(app: &App, request: Request) -> Result<(ActiveDevice, Request), Problem> {
    let unknown = Problem::Refused(countersign_protocol::Refusal::UnknownKey);
    let key_id = proof::key_id(proof_header(&request)?)?;
    let device = app.store.device_by_request_key(key_id, app.now()).await?.ok_or(unknown)?;
    Ok((device, request))
}

fn proof_header(request: &Request) -> Result<&str, Problem> {
    match only_header(request.headers(), PROOF_HEADER) {
        Ok(Some(proof)) => Ok(proof),
        _ => Err(Problem::Malformed("A request of a device carries one Countersign-Proof header.".into())),
    }
}

/// The value of a header that may come once; an error when it comes twice or is no text.
fn only_header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

/// Checks the proof over the whole request, and uses it up.
async fn accept(app: &App, device: ActiveDevice, request: Request) -> Result<Request, Problem> {
    let compact = proof_header(&request)?.to_owned();
    let (mut parts, body) = request.into_parts();
    let body = read_body(body).await?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let signed = proof::Request { method: parts.method.as_str(), target, body: &body };
    let now = app.now();
    let proof = proof::check(&compact, signed, &device.request_key, now)?;
    if !nonce::is_fresh(&app.keys.nonce_key, device.enrolment_id, &proof.nonce, now) {
        return Err(Problem::NonceRequired);
    }
    // The nonce ends long before this row does, so a proof is either remembered or too old, also when the writer is slow.
    if !app.store.accept_proof(device.row_id, proof.jti.clone(), now + PROOF_LIFETIME * 2).await? {
        return Err(Problem::Replayed);
    }
    parts.extensions.insert(Device { device, jti: proof.jti });
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Reads a whole body; one that is too long is refused before it is read, one that does not come is not waited for.
async fn read_body(body: Body) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > MAX_BODY_LENGTH as u64 {
        return Err(Problem::TooLarge);
    }
    let reading = axum::body::to_bytes(body, MAX_BODY_LENGTH);
    tokio::time::timeout(BODY_TIMEOUT, reading).await.map_err(|_| Problem::BodyTimeout)?.map_err(|_| Problem::TooLarge)
}

/// A JSON body of which every member is known.
pub struct StrictJson<T>(pub T);

impl<T: Serialize + DeserializeOwned, S: Send + Sync> FromRequest<S> for StrictJson<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read_body(request.into_body()).await?;
        let value: T = serde_json::from_slice(&body).map_err(|error| Problem::Malformed(explain(&error)))?;
        if jws::is_written_as(&body, &value) {
            Ok(Self(value))
        } else {
            Err(Problem::Malformed("An array stands where a JSON object belongs. /openapi.json describes it.".into()))
        }
    }
}

/// What is wrong with a body, without repeating any value of it.
fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!("line {}, column {}", error.line(), error.column());
    let about_a_name = ["missing field", "unknown field", "duplicate field", "unknown variant"];
    let reason = if error.is_data() && about_a_name.iter().any(|start| text.starts_with(start)) {
        text.split(" at line").next().unwrap_or_default().to_owned()
    } else if error.is_data() {
        "a member has the wrong type or form".to_owned()
    } else {
        "it is not valid JSON in UTF-8".to_owned()
    };
    format!("The body does not fit this call: {reason} ({place}). /openapi.json describes it.")
}

/// A body that is one compact JWS.
pub struct Jose(pub String);

impl<S: Send + Sync> FromRequest<S> for Jose {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read_body(request.into_body()).await?;
        String::from_utf8(body.to_vec()).map(Self).map_err(|_| Problem::Malformed("The body is not UTF-8.".into()))
    }
}

/// The `Idempotency-Key` header, when there is one.
pub struct IdempotencyKey(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match only_header(&parts.headers, "idempotency-key") {
            Ok(None) => Ok(Self(None)),
            Ok(Some(key)) if (1..=255).contains(&key.len()) => Ok(Self(Some(key.to_owned()))),
            _ => {
                Err(Problem::Malformed("There is one Idempotency-Key, of 1 to 255 printable ASCII characters.".into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[expect(dead_code, reason = "only its reading is tested")]
        number: u8,
    }

    #[test]
    fn a_wrong_body_is_explained_without_repeating_it() {
        let explained = |text: &str| explain(&serde_json::from_str::<Body>(text).unwrap_err());
        assert!(explained("{}").contains("missing field `number`"));
        assert!(explained(r#"{"number":1,"extra":2}"#).contains("unknown field `extra`"));
        let secret = explained(r#"{"number":"my secret"}"#);
        assert!(secret.contains("wrong type") && !secret.contains("secret\""), "{secret}");
        assert!(explained("{").contains("not valid JSON"));
    }
}
