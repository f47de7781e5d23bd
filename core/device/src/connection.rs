//! The device's requests to a server: signed where they must be, with the server's nonce, and read with its problems.

use crate::error::Error;
use crate::platform::Platform;
use crate::transport::{HttpRequest, HttpResponse};
use countersign_protocol::AnyProblemCode::Known;
use countersign_protocol::device_api::Problem;
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

    fn learn(&self, id: EnrolmentId, response: &HttpResponse) {
        if let Some(nonce) = response.header(NONCE_HEADER) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, nonce.to_owned());
        }
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
        nonces.learn(signer.enrolment_id, &response);
        Ok(Proven { response: accepted(response)?, jti })
    };
    let mut answer = attempt().await;
    for once_more in [ProblemCode::NonceRequired, ProblemCode::Replayed] {
        if matches!(&answer, Err(Error::ServerRefused { code: Known(code), .. }) if *code == once_more) {
            answer = attempt().await;
        }
    }
    answer
}

/// Reads a body that must be JSON of this form. It is not signed, and a later server may say more in it than this
/// device knows; what is signed is read strictly.
pub(crate) fn read<T: DeserializeOwned>(response: &HttpResponse) -> Result<T, Error> {
    Ok(serde_json::from_slice(&response.body).map_err(|_| Refusal::Malformed("answer"))?)
}

fn accepted(response: HttpResponse) -> Result<HttpResponse, Error> {
    if (200..300).contains(&response.status) {
        return Ok(response);
    }
    let status = response.status;
    Err(match serde_json::from_slice::<Problem>(&response.body) {
        Ok(Problem { code, detail, .. }) => Error::ServerRefused { code, status, detail },
        Err(_) => Error::UnexpectedAnswer { status },
    })
}
