//! A plain HTTP client: a request, and the status, headers and JSON that came.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// What came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null when it is not JSON.
    pub body: Value,
}

impl Answer {
    /// The problem's code; empty when it is no problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// A client that trusts nobody and follows nothing, for loopback.
pub fn client() -> reqwest::Client {
    https_client::build(https_client::builder(rustls::RootCertStore::empty()).unwrap()).unwrap()
}

/// Sends a request and reads the answer.
pub async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the server answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.expect("the whole body comes");
    Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
}

/// A relying party's connection to a server.
#[derive(Debug, Clone)]
pub struct RelyingParty {
    http: reqwest::Client,
    /// The server.
    pub url: String,
    /// The key.
    pub api_key: String,
}

impl RelyingParty {
    /// Calls `url` with this key.
    pub fn new(url: &str, api_key: &str) -> Self {
        Self { http: client(), url: url.to_owned(), api_key: api_key.to_owned() }
    }

    /// A request with the key in it.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.api_key)
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    /// POST without a body, with an `Idempotency-Key`.
    pub async fn post_once(&self, path: &str, key: &str) -> Answer {
        send(self.request(Method::POST, path).header("idempotency-key", key)).await
    }

    /// A user's id.
    pub async fn user(&self, name: &str) -> String {
        let answer = self.post("/v1/users", &serde_json::json!({ "name": name })).await;
        answer.body["id"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    /// Asks a user with the plainest of requests, and gives the challenge's id.
    pub async fn ask(&self, user: &str) -> String {
        let answer = self.post("/v1/challenges", &serde_json::json!({ "user_id": user })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// The state of a challenge.
    pub async fn state(&self, id: &str) -> String {
        let answer = self.get(&format!("/v1/challenges/{id}")).await;
        answer.body["state"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }
}
