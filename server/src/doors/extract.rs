//! Who calls, and with what. A handler that takes a relying party or a device cannot be reached without being one: the
//! service makes those values, of a key or a proof that it has checked.

use super::problem::Problem;
use crate::domain::refused::Refused;
use crate::service::Service;
use crate::service::authenticate::{self, ConfirmedDevice, Device, NamedDevice, RelyingParty};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use countersign_protocol::jws;
use countersign_protocol::proof::{self, NONCE_HEADER, PROOF_HEADER};
use countersign_protocol::relying_party_api::is_request_name;
use http_body_util::LengthLimitError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The longest request body, in bytes.
pub const MAX_BODY_LENGTH: usize = 64 * 1024;
/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// The address of whoever holds the other end of the connection; the listener puts it into every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// What the listener knows of a connection.
pub trait Place: Send + Sync {
    /// Whether it is one of the last, and so for somebody who proves who they are.
    fn is_reserved(&self) -> bool;
    /// Whether a request on it proved who sends it.
    fn is_proven(&self) -> bool;
    /// A request on it proved who sends it.
    fn prove(&self);
}

/// The place of the connection on which a request came; the listener puts it into every request.
#[derive(Clone)]
pub struct Placed(pub Arc<dyn Place>);

/// The relying party that calls, once its key was checked: for the access log.
#[derive(Debug, Clone, Default)]
pub(super) struct Caller(Arc<OnceLock<String>>);

impl Caller {
    /// Says who it is.
    pub fn is(&self, handle: &str) {
        // It was said already: a request has one key.
        let _ = self.0.set(handle.to_owned());
    }

    /// Who it is, if it was said.
    pub fn handle(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// Says that this request's sender proved who they are.
fn prove(extensions: &Extensions) {
    if let Some(Placed(place)) = extensions.get::<Placed>() {
        place.prove();
    }
}

/// Where a request comes from, as far as there is a connection.
pub struct CalledFrom(pub Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for CalledFrom {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(address(&parts.extensions)))
    }
}

pub(super) fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<Peer>().map(|Peer(address)| *address)
}

impl FromRequestParts<Arc<Service>> for RelyingParty {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Problem> {
        let unauthorised = Problem::Refused(Refused::Unauthorised);
        let Ok(Some(header)) = only_header(&parts.headers, header::AUTHORIZATION.as_str()) else {
            return Err(unauthorised);
        };
        match header.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => {
                let relying_party = Self::by_api_key(service, key.trim(), address(&parts.extensions)).await?;
                prove(&parts.extensions);
                if let Some(caller) = parts.extensions.get::<Caller>() {
                    caller.is(relying_party.handle());
                }
                Ok(relying_party)
            }
            _ => Err(unauthorised),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Device {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or(Problem::Refused(Refused::Unauthorised))
    }
}

impl<S: Sync> FromRequestParts<S> for ConfirmedDevice {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Device::from_request_parts(parts, state).await?.confirmed()?)
    }
}

/// Checks the request proof in front of the device calls, and hands out the nonce for the next one with every answer.
pub async fn prove_device(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let named = match proof_header(&request) {
        Ok(proof) => NamedDevice::by_proof(&service, proof, address(request.extensions())).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    let device = match named {
        Ok(device) => device,
        Err(problem) => return problem.into_response(),
    };
    let enrolment_id = device.enrolment_id();
    let mut response = match accept(&service, device, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if let Ok(value) = HeaderValue::from_str(&authenticate::next_nonce(&service, enrolment_id)) {
        response.headers_mut().insert(NONCE_HEADER, value);
    }
    response
}

fn proof_header(request: &Request) -> Result<&str, Problem> {
    match only_header(request.headers(), PROOF_HEADER) {
        Ok(Some(proof)) => Ok(proof),
        _ => Err(Problem::malformed("A request of a device carries one Countersign-Proof header.")),
    }
}

/// The value of a header that may come once; an error when it comes twice or is no text.
pub(super) fn only_header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

/// Checks the proof over the whole request, and uses it up.
async fn accept(service: &Service, device: NamedDevice, request: Request) -> Result<Request, Problem> {
    let compact = proof_header(&request)?.to_owned();
    let (mut parts, body) = request.into_parts();
    let body = read_body(body).await?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let signed = proof::Request { method: parts.method.as_str(), target, body: &body };
    let device = device.prove(service, &compact, signed, address(&parts.extensions)).await?;
    prove(&parts.extensions);
    parts.extensions.insert(device);
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Reads the whole body in front of every call, also of those that take none: the limits are the same for all.
pub async fn take_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match read_body(body).await {
        Ok(body) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(problem) => problem.into_response(),
    }
}

/// Reads a whole body; one that is too long is refused before it is read, one that does not come is not waited for.
async fn read_body(body: Body) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > MAX_BODY_LENGTH as u64 {
        return Err(Problem::TooLarge);
    }
    let reading = axum::body::to_bytes(body, MAX_BODY_LENGTH);
    let read = tokio::time::timeout(BODY_TIMEOUT, reading).await.map_err(|_| Problem::BodyTimeout)?;
    read.map_err(|error| {
        if error.into_inner().is::<LengthLimitError>() {
            Problem::TooLarge
        } else {
            Problem::malformed("The body ends before its length, or its chunks are broken.")
        }
    })
}

/// A JSON body of which every member is known.
pub struct StrictJson<T>(pub T);

impl<T: Serialize + DeserializeOwned, S: Send + Sync> FromRequest<S> for StrictJson<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read_body(request.into_body()).await?;
        let value: T = serde_json::from_slice(&body).map_err(|error| Problem::malformed(explain(&error)))?;
        if jws::is_written_as(&body, &value) {
            Ok(Self(value))
        } else {
            Err(Problem::malformed("An array stands where a JSON object belongs. /openapi.json describes it."))
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
        String::from_utf8(body.to_vec()).map(Self).map_err(|_| Problem::malformed("The body is not UTF-8."))
    }
}

/// The `Idempotency-Key` header, when there is one.
pub struct IdempotencyKey(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match only_header(&parts.headers, "idempotency-key") {
            Ok(None) => Ok(Self(None)),
            Ok(Some(key)) if is_request_name(key) => Ok(Self(Some(key.to_owned()))),
            _ => Err(Problem::malformed("There is one Idempotency-Key, of 1 to 255 printable ASCII characters.")),
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

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_within_ten_seconds_is_not_waited_for() {
        /// A body of which nothing comes.
        struct Never;

        impl HttpBody for Never {
            type Data = Bytes;
            type Error = Infallible;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
                std::task::Poll::Pending
            }
        }

        let begun = tokio::time::Instant::now();
        let never = super::Body::new(Never);
        assert_eq!(read_body(never).await, Err(Problem::BodyTimeout));
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
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
