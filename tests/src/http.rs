//! A plain HTTP client: a request, and the status, headers and JSON that came.

use countersign_device::{Account, AccountState};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::fmt::Display;
use tokio::task::JoinHandle;

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

    /// As [`RelyingParty::new`], with a client of the caller's own.
    pub fn with(http: reqwest::Client, url: &str, api_key: &str) -> Self {
        Self { http, url: url.to_owned(), api_key: api_key.to_owned() }
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
        let answer = self.post("/v1/users", &json!({ "name": name })).await;
        answer.body["id"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    /// The link with which a phone enrols for a user.
    pub async fn link(&self, user: &str) -> String {
        let opened = self.post(&format!("/v1/users/{user}/enrolments"), &Value::Null).await;
        opened.body["link"].as_str().unwrap_or_else(|| panic!("{opened:?}")).to_owned()
    }

    /// Types the digits that a new phone shows.
    pub async fn confirm(&self, enrolment: &(impl Display + ?Sized), code: &str) -> Answer {
        self.post(&format!("/v1/enrolments/{enrolment}/confirm"), &json!({ "code": code })).await
    }

    /// Types the digits that a proposed account shows.
    pub async fn confirm_account(&self, account: &Account) -> Answer {
        let AccountState::Proposed { confirmation_code } = &account.state else { panic!("{account:?}") };
        self.confirm(&account.id, confirmation_code).await
    }

    /// Reads this at the side, for as long as the server lets it wait.
    pub fn waits(&self, path: String) -> JoinHandle<Answer> {
        let site = self.clone();
        tokio::spawn(async move { site.get(&path).await })
    }

    /// Asks a user with the plainest of requests, and gives the challenge's id.
    pub async fn ask(&self, user: &str) -> String {
        let answer = self.ask_for(user, json!({})).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// Asks a user with these members beside.
    pub async fn ask_for(&self, user: &str, mut members: Value) -> Answer {
        members["user_id"] = user.into();
        self.post("/v1/challenges", &members).await
    }

    /// A challenge as it reads now.
    pub async fn read(&self, challenge: &(impl Display + ?Sized)) -> Value {
        let answer = self.get(&format!("/v1/challenges/{challenge}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// The state of a challenge.
    pub async fn state(&self, challenge: &(impl Display + ?Sized)) -> String {
        self.read(challenge).await["state"].as_str().unwrap().to_owned()
    }

    /// Takes a challenge back.
    pub async fn cancel(&self, challenge: &(impl Display + ?Sized)) -> Answer {
        self.post(&format!("/v1/challenges/{challenge}/cancel"), &Value::Null).await
    }

    /// Takes an approval, with an `Idempotency-Key`.
    pub async fn claim(&self, challenge: &(impl Display + ?Sized), key: &str) -> Answer {
        self.post_once(&format!("/v1/challenges/{challenge}/claim"), key).await
    }

    /// Tries a one-time code of a user.
    pub async fn verify(&self, user: &str, code: &str) -> Answer {
        self.post(&format!("/v1/users/{user}/codes/verify"), &json!({ "code": code })).await
    }

    /// Waits until something that is read of a challenge is so.
    pub async fn until(&self, challenge: &(impl Display + ?Sized), member: &str, value: &str) {
        let patience = async {
            while self.read(challenge).await[member] != value {
                tokio::task::yield_now().await;
            }
        };
        let ended = tokio::time::timeout(std::time::Duration::from_secs(20), patience).await;
        assert!(ended.is_ok(), "{member}: {value} is wanted: {}", self.read(challenge).await);
    }
}
