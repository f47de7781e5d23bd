//! Calls of a server's API, repeated while something else answers in its place.

use crate::failure::Failure;
use countersign_protocol::device_api::Problem;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::randomness::SystemRandomness;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// How often a call is made before the server is given up.
const ATTEMPTS: u32 = 30;
/// How long it rests between two of them.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one call may take: longer than it is parked.
const TIMEOUT: Duration = Duration::from_secs(40);

/// One call of the API, which may be made several times and is done once.
pub(super) struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
    idempotency_key: Option<String>,
}

impl Call {
    pub fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: None, idempotency_key: None }
    }

    pub fn post(path: String) -> Self {
        Self { method: Method::POST, ..Self::get(path) }
    }

    pub fn body(self, body: &impl Serialize) -> Self {
        Self { body: serde_json::to_value(body).ok(), ..self }
    }

    /// Names the call, so that the server does it once although it hears it twice.
    pub fn once(self) -> Self {
        let name = ChallengeId::random(&SystemRandomness::new());
        Self { idempotency_key: Some(name.to_string()), ..self }
    }
}

/// A server, and the key of a relying party of it.
pub(super) struct Site<'a> {
    http: reqwest::Client,
    server: &'a str,
    api_key: &'a str,
}

impl<'a> Site<'a> {
    pub fn new(server: &'a str, api_key: &'a str, roots: &[PathBuf]) -> Result<Self, Failure> {
        let http = https_client::builder(https_client::roots(roots)?)?.timeout(TIMEOUT);
        Ok(Self { http: https_client::build(http)?, server, api_key })
    }

    /// Calls until the server itself has answered.
    ///
    /// # Errors
    /// Exit code 3 for what it refuses, with its words; 4 when it is not heard.
    pub async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, Failure> {
        let mut reason = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            match self.attempt(&call).await {
                Ok(Heard::Answer(answer)) => return Ok(answer),
                Ok(Heard::Nothing(what)) => reason = what,
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure { exit_code: 4, message: format!("{} is not heard: {reason}", self.server) })
    }

    async fn attempt<T: DeserializeOwned>(&self, call: &Call) -> Result<Heard<T>, Failure> {
        let url = format!("{}{}", self.server, call.path);
        let mut request = self.http.request(call.method.clone(), url).bearer_auth(self.api_key);
        if let Some(key) = &call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Heard::Nothing(https_client::reason(error))),
        };
        let status = response.status();
        let Ok(text) = response.bytes().await else { return Ok(Heard::Nothing("the answer was cut".into())) };
        if status.is_success() {
            let read = serde_json::from_slice(&text);
            return Ok(read.map_or_else(|_| Heard::Nothing(elsewhere(status)), Heard::Answer));
        }
        match serde_json::from_slice::<Problem>(&text) {
            Ok(problem) if !status.is_server_error() => {
                let message = format!("{}: {}", problem.code, problem.detail);
                Err(Failure { exit_code: 3, message })
            }
            Ok(problem) => Ok(Heard::Nothing(problem.detail)),
            Err(_) => Ok(Heard::Nothing(elsewhere(status))),
        }
    }
}

enum Heard<T> {
    Answer(T),
    /// What is no answer of the server, and why.
    Nothing(String),
}

fn elsewhere(status: StatusCode) -> String {
    format!("something else answers there ({status})")
}
