//! The sites' way to the server: its HTTP API, with an API key, as anybody's.

use super::said::{Refusal, Said};
use countersign_device::sentences::Sentence;
use countersign_protocol::device_api::Problem;
use https_client::UnusableClient;
use reqwest::{Method, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One call of the API.
pub(super) struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
    idempotency_key: Option<String>,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, idempotency_key: None }
    }

    pub fn post(path: impl Into<String>) -> Self {
        Self { method: Method::POST, ..Self::get(path) }
    }

    pub fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    pub fn idempotency_key(self, key: String) -> Self {
        Self { idempotency_key: Some(key), ..self }
    }
}

/// Why a call was not done.
#[derive(Debug)]
pub(super) struct Failed {
    /// The stable code of the problem; `unreachable` when there was no answer.
    pub code: String,
    pub detail: String,
    /// After how many seconds the server takes another attempt.
    pub retry_after: Option<String>,
}

impl Failed {
    /// The server cannot do it now.
    pub fn unavailable(detail: &str) -> Self {
        Self { code: "unavailable".into(), detail: detail.to_owned(), retry_after: None }
    }
}

impl From<reqwest::Error> for Failed {
    fn from(error: reqwest::Error) -> Self {
        Self { code: "unreachable".into(), detail: https_client::reason(error), retry_after: None }
    }
}

/// The API speaks to developers; a site finds words for its visitors.
impl From<Failed> for Refusal {
    fn from(failed: Failed) -> Self {
        let Failed { code, detail, retry_after } = failed;
        let said = match (code.as_str(), retry_after) {
            ("throttled", Some(seconds)) => Said::from(Sentence::CodeThrottled).with("seconds", seconds),
            ("locked", _) => Sentence::CodeLocked.into(),
            ("unreachable", _) => Sentence::ErrorUnreachable.into(),
            (code, _) => code.parse().map_or(Sentence::ErrorServerRefused, Sentence::for_problem).into(),
        };
        Self { said, detail }
    }
}

/// The server, once it listens.
pub(super) struct Api {
    http: reqwest::Client,
    url: String,
}

impl Api {
    pub fn new(url: &str) -> Result<Self, UnusableClient> {
        let http = https_client::build(https_client::builder(rustls::RootCertStore::empty())?)?;
        Ok(Self { http, url: url.to_owned() })
    }

    /// Calls with the key of one relying party.
    pub async fn call<T: DeserializeOwned>(&self, api_key: &str, call: Call) -> Result<T, Failed> {
        let mut request = self.http.request(call.method, format!("{}{}", self.url, call.path)).bearer_auth(api_key);
        if let Some(key) = call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = call.body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        if response.status().is_success() {
            return Ok(response.json().await?);
        }
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let Problem { code, detail, .. } = response.json().await?;
        Err(Failed { code: code.to_string(), detail, retry_after })
    }
}
