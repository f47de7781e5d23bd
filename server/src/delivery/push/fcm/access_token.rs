//! Access tokens for a service account (RFC 6749, section 5; RFC 7523, section 2.1). One token serves all pushes: the
//! first that finds none fetches it while the others wait, so that the endpoint is asked once and not by each of them.

use super::answer::{read_body, shortened};
use super::service_account::ServiceAccount;
use crate::delivery::push::{Delivery, NoAnswer, retry_after};
use crate::service::Service;
use countersign_protocol::time::Timestamp;
use reqwest::Response;
use serde::Deserialize;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

/// How long before its end a token is renewed, so that none expires on its way to Firebase.
const EARLY: Duration = Duration::from_secs(300);
/// How long the endpoint is left alone after a refusal. Without this pause every push that waits would ask it again.
const REFUSAL_PAUSE: Duration = Duration::from_secs(10);
/// How long the endpoint is left alone when it was only busy or out of reach, and asked for no pause itself.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that the endpoint can ask for. During a pause all pushes get its last refusal, so that a pause of
/// a day would stop the pushes of a day.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A token, as it stands in the header.
pub(super) type AccessToken = Arc<Zeroizing<String>>;

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// In seconds.
    expires_in: u32,
}

/// RFC 6749, section 5.2.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Refused {
    error: String,
    error_description: String,
}

struct Token {
    text: AccessToken,
    renew_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    /// The endpoint's last refusal, and the time during which it is not asked again. That time has a beginning as well
    /// as an end, so that a clock that is set back ends the pause instead of making it longer.
    refusal: Option<(Delivery, Range<Timestamp>)>,
}

/// Where access tokens come from.
pub(super) struct AccessTokens {
    service: Arc<Service>,
    client: reqwest::Client,
    address: Url,
    account: ServiceAccount,
    /// Locked while a token is fetched, so that the other pushes wait for that token and fetch none themselves.
    kept: Mutex<Kept>,
}

impl AccessTokens {
    pub fn new(service: Arc<Service>, client: reqwest::Client, address: Url, account: ServiceAccount) -> Self {
        Self { service, client, address, account, kept: Mutex::default() }
    }

    /// A token that still lives, and is not the one that was refused.
    ///
    /// # Errors
    /// The outcome of the push, when no token is left and the endpoint refuses one, or did so a moment ago.
    pub async fn get(&self, refused: Option<&AccessToken>) -> Result<AccessToken, Delivery> {
        let mut kept = self.kept.lock().await;
        let now = self.service.now();
        kept.token.take_if(|token| token.expires_at <= now || refused.is_some_and(|refused| *refused == token.text));
        if let Some(token) = kept.token.as_ref().filter(|token| now < token.renew_at) {
            return Ok(Arc::clone(&token.text));
        }
        if kept.refusal.as_ref().is_none_or(|(_, pause)| !pause.contains(&now)) {
            match self.fetch().await {
                Ok(token) => *kept = Kept { token: Some(token), refusal: None },
                Err(delivery) => {
                    let pause = match &delivery {
                        Delivery::Down(after, _) => after.unwrap_or(OUTAGE_PAUSE).min(LONGEST_PAUSE),
                        Delivery::Unreachable(_) => OUTAGE_PAUSE,
                        _ => REFUSAL_PAUSE,
                    };
                    kept.refusal = Some((delivery, now..now + pause));
                }
            }
        }
        // A token that could not be renewed early is used until it expires.
        match (&kept.token, &kept.refusal) {
            (Some(token), _) => Ok(Arc::clone(&token.text)),
            (None, Some((delivery, _))) => Err(delivery.clone()),
            (None, None) => Err(Delivery::Down(None, "there is no access token for Firebase".into())),
        }
    }

    async fn fetch(&self) -> Result<Token, Delivery> {
        let asked_at = self.service.now();
        let Some(assertion) = self.account.assertion(asked_at) else {
            return Err(Delivery::Misconfigured("the service account's key does not sign".into()));
        };
        let form = Serializer::new(String::new())
            .append_pair("grant_type", GRANT_TYPE)
            .append_pair("assertion", &assertion)
            .finish();
        let request = self.client.post(self.address.clone());
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let response = request
            .send()
            .await
            .map_err(|error| Delivery::Unreachable(NoAnswer::of("Google's token endpoint", error)))?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let body = Zeroizing::new(read_body(response).await.unwrap_or_default());
        let granted: Granted = serde_json::from_slice(&body).map_err(|_| {
            Delivery::Down(None, "Google's token endpoint answered something else than an access token".into())
        })?;
        let lifetime = Duration::from_secs(granted.expires_in.into());
        let expires_at = asked_at + lifetime;
        let renew_at = expires_at - EARLY.min(lifetime / 2);
        Ok(Token { text: Arc::new(Zeroizing::new(granted.access_token)), renew_at, expires_at })
    }

    async fn refusal(&self, response: Response) -> Delivery {
        let (status, headers) = (response.status(), response.headers().clone());
        if matches!(status.as_u16(), 408 | 429 | 500..=599) {
            let after = retry_after::read(&headers, self.service.now());
            return Delivery::Down(after, format!("Google's token endpoint answered {status}"));
        }
        let body = read_body(response).await.unwrap_or_default();
        let refused: Refused = serde_json::from_slice(&body).unwrap_or_default();
        let advice = match refused.error.as_str() {
            "invalid_grant" => {
                "check this machine's clock; if it is right, the service account's key was deleted or disabled: make a \
                 fresh one in Google's console, set service_account in [push.fcm] to it and restart"
            }
            "invalid_client" | "unauthorized_client" => {
                "the service account is disabled or may not get tokens: enable it in Google's console"
            }
            "invalid_scope" => "the service account may not send messages: give it a role in Firebase Cloud Messaging",
            _ => "check service_account and token_url in [push.fcm]",
        };
        let said = shortened(&format!("{} {}", refused.error, refused.error_description));
        Delivery::Misconfigured(format!("Google gives no access token ({status} {said}): {advice}"))
    }
}
