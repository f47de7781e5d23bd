//! The device's requests to a server: signed where they must be, with the server's nonce, and read with its problems.
//!
//! Here, and nowhere else, is decided what is an answer of our server. Proxies, captive portals and load balancers
//! answer in its place with every status and every body; all of that is no answer ([`Error::UnexpectedAnswer`]).

use crate::error::Error;
use crate::platform::Platform;
use crate::transport::{HttpRequest, HttpResponse};
use countersign_protocol::AnyProblemCode::Known;
use countersign_protocol::device_api::{PROBLEM_TYPE_START, Problem};
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::key::DeviceKey;
use countersign_protocol::proof::{self, NONCE_HEADER, PROOF_HEADER};
use countersign_protocol::time::Timestamp;
use countersign_protocol::{ProblemCode, Refusal};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a request may take that waits for nothing.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// A body to send.
pub(crate) struct Body {
    content_type: &'static str,
    bytes: Vec<u8>,
}

impl Body {
    pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(value).map_err(|_| Refusal::Malformed("request"))?;
        Ok(Self { content_type: "application/json", bytes })
    }

    pub fn jose(compact: &str) -> Self {
        Self { content_type: "application/jose", bytes: compact.as_bytes().to_vec() }
    }
}

/// A request to one server.
pub(crate) struct Call<'a> {
    pub server_url: &'a str,
    pub method: &'static str,
    pub target: String,
    pub body: Option<Body>,
    pub timeout: Duration,
}

impl Call<'_> {
    fn request(&self, proof: Option<String>) -> HttpRequest {
        let mut headers = vec![("accept", "application/json".to_owned())];
        if let Some(body) = &self.body {
            headers.push(("content-type", body.content_type.to_owned()));
        }
        if let Some(proof) = proof {
            headers.push((PROOF_HEADER, proof));
        }
        HttpRequest {
            method: self.method,
            url: format!("{}{}", self.server_url, self.target),
            headers,
            body: self.body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default(),
            timeout: self.timeout,
        }
    }
}

/// Who signs a call.
pub(crate) struct Signer<'a> {
    pub enrolment_id: EnrolmentId,
    pub key: &'a dyn DeviceKey,
    /// The server's time.
    pub now: Timestamp,
}

/// The latest nonce of each enrolment's server. Lost at a restart, which costs one more round trip.
#[derive(Default)]
pub(crate) struct Nonces(Mutex<HashMap<EnrolmentId, String>>);

impl Nonces {
    fn get(&self, id: EnrolmentId) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned().unwrap_or_default()
    }

    fn learn(&self, id: EnrolmentId, nonce: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, nonce);
    }
}

/// Sends a call that needs no signature around it.
pub(crate) async fn send(platform: &Platform, call: &Call<'_>) -> Result<HttpResponse, Error> {
    let response = platform.transport.send(call.request(None)).await?;
    accepted(response)
}

/// An answer to a call with a request proof.
pub(crate) struct Proven {
    pub response: HttpResponse,
    /// The `jti` of the request proof that was answered. A revocation in the answer must carry it.
    pub jti: String,
}

/// Sends a call with a request proof, and once more for each of two problems: when the server wants its fresh nonce in
/// the proof, and when it has seen this very proof before. The second happens to platforms that send a request again by
/// themselves when its connection ends without an answer: only the answer to the repetition is heard.
pub(crate) async fn send_signed(
    platform: &Platform,
    nonces: &Nonces,
    call: &Call<'_>,
    signer: &Signer<'_>,
) -> Result<Proven, Error> {
    let body = call.body.as_ref().map_or(&[][..], |body| &body.bytes);
    let request = proof::Request { method: call.method, target: &call.target, body };
    let attempt = async || -> Result<Proven, Error> {
        let jti = proof::new_jti(&*platform.randomness);
        let nonce = nonces.get(signer.enrolment_id);
        let proof = proof::sign(request, &jti, &nonce, signer.key, signer.now).await?;
        let response = platform.transport.send(call.request(Some(proof))).await?;
        let fresh_nonce = response.header(NONCE_HEADER).map(str::to_owned);
        let answer = accepted(response);
        match (fresh_nonce, &answer) {
            (_, Err(Error::UnexpectedAnswer { .. })) => {}
            (Some(nonce), _) => nonces.learn(signer.enrolment_id, nonce),
            // The server sends a nonce with every answer to a proof that it has accepted, so this is none of its own.
            (None, Ok(response)) => return Err(Error::UnexpectedAnswer { status: response.status }),
            (None, Err(_)) => {}
        }
        Ok(Proven { response: answer?, jti })
    };
    let mut answer = attempt().await;
    for once_more in [ProblemCode::NonceRequired, ProblemCode::Replayed] {
        if matches!(&answer, Err(Error::ServerRefused { code: Known(code), .. }) if *code == once_more) {
            answer = attempt().await;
        }
    }
    answer
}

/// Reads an answer that must be 200 with JSON of this form. It is not signed, and a later server may say more in it
/// than this device knows; what is signed is read strictly.
pub(crate) fn read<T: DeserializeOwned>(response: &HttpResponse) -> Result<T, Error> {
    let ours = if response.status == 200 { json(response, "application/json") } else { None };
    ours.ok_or(Error::UnexpectedAnswer { status: response.status })
}

/// Reads an answer that must say 204 and nothing else. Any other success is a stranger's: a captive portal's page must
/// not pass for "it is done".
pub(crate) fn read_done(response: &HttpResponse) -> Result<(), Error> {
    let status = response.status;
    if status == 204 { Ok(()) } else { Err(Error::UnexpectedAnswer { status }) }
}

fn accepted(response: HttpResponse) -> Result<HttpResponse, Error> {
    let status = response.status;
    if (200..300).contains(&status) {
        return Ok(response);
    }
    Err(match problem(&response) {
        Some(Problem { code, detail, .. }) => Error::ServerRefused { code, status, detail },
        None => Error::UnexpectedAnswer { status },
    })
}

/// The problem document of our server, by what PROTOCOL.md (Problems) says of it: media type, `type` and `code` that
/// belong together, and the status of the answer. Others write problem documents too (RFC 9457), of other types.
fn problem(response: &HttpResponse) -> Option<Problem> {
    if !(400..600).contains(&response.status) {
        return None;
    }
    let problem: Problem = json(response, "application/problem+json")?;
    let ours = problem.status == response.status
        && problem.kind.strip_prefix(PROBLEM_TYPE_START).is_some_and(|code| code == problem.code.as_str());
    ours.then_some(problem)
}

/// A body that is a JSON object of this form and says so in its media type (RFC 9110, section 8.3.1).
fn json<T: DeserializeOwned>(response: &HttpResponse, media_type: &str) -> Option<T> {
    let named = response.header("content-type")?.split(';').next()?;
    // A list must not pass for the members of an object, in their order.
    let object = response.body.trim_ascii_start().starts_with(b"{");
    if !named.trim().eq_ignore_ascii_case(media_type) || !object {
        return None;
    }
    serde_json::from_slice(&response.body).ok()
}
