//! The token endpoint (RFC 7523, section 2.1, in Google's form): checks an assertion and gives an access token.

use super::fault::oauth as refused;
use super::{ACCOUNT, Fault, KEY, KEY_ID, Shared};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use countersign_protocol::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How wrong a clock may be, in seconds.
const SKEW: i64 = 300;

const UNTIMELY: &str = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
                        Check your iat and exp values in the JWT claim.";

/// The private half of a key in PEM.
pub(super) fn key(pem: &str) -> KeyPair {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    KeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap()
}

pub(super) async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    shared.gate().await;
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/x-www-form-urlencoded") {
        return refused(400, "invalid_request", "The body is not a form.");
    }
    let form: HashMap<_, _> = url::form_urlencoded::parse(&body).into_owned().collect();
    if form.get("grant_type").is_none_or(|grant| grant != "urn:ietf:params:oauth:grant-type:jwt-bearer") {
        return refused(400, "unsupported_grant_type", "Invalid grant_type");
    }
    let Some(assertion) = form.get("assertion") else {
        return refused(400, "invalid_request", "Missing parameter: assertion");
    };
    let claims = match verified(assertion) {
        Ok(claims) => claims,
        Err(reason) => return refused(400, "invalid_grant", reason),
    };
    if let Err((error, reason)) = check(&claims, &format!("{}/token", shared.origin), shared.clock.now().seconds()) {
        return refused(400, error, reason);
    }
    let fault = {
        let mut state = shared.state();
        state.token_fetches += 1;
        state.token_fault.clone()
    };
    match fault.as_ref().map(Fault::response) {
        None => grant(&shared),
        Some(Some(response)) => response,
        Some(None) => {
            shared.connections.cut();
            std::future::pending().await
        }
    }
}

fn grant(shared: &Shared) -> Response {
    let text = format!("ya29.c.{}", shared.unguessable::<120>());
    let mut state = shared.state();
    let lifetime = state.lifetime;
    let until: Timestamp = shared.clock.now() + Duration::from_secs(lifetime.into());
    state.access_tokens.insert(text.clone(), until);
    axum::Json(json!({ "access_token": text, "expires_in": lifetime, "token_type": "Bearer" })).into_response()
}

/// The claims of an assertion that the service account's key has signed.
fn verified(assertion: &str) -> Result<Value, &'static str> {
    let (input, signature) = assertion.rsplit_once('.').ok_or("Invalid JWT")?;
    let (header, claims) = input.split_once('.').ok_or("Invalid JWT")?;
    let part = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| "Invalid JWT");
    let json = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).map_err(|_| "Invalid JWT");
    if json(part(header)?)? != json!({ "alg": "RS256", "typ": "JWT", "kid": KEY_ID }) {
        return Err("Invalid JWT: a header with alg RS256, typ and the kid of the account's key is expected.");
    }
    let public = key(KEY).public().as_ref().to_vec();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
    public.verify(input.as_bytes(), &part(signature)?).map_err(|_| "Invalid JWT Signature.")?;
    json(part(claims)?)
}

fn check(claims: &Value, audience: &str, now: i64) -> Result<(), (&'static str, &'static str)> {
    if claims["iss"] != ACCOUNT {
        return Err(("invalid_grant", "Invalid grant: account not found"));
    }
    if claims["aud"] != audience {
        return Err(("invalid_grant", "Invalid JWT: Failed audience check."));
    }
    if claims["scope"] != "https://www.googleapis.com/auth/firebase.messaging" {
        return Err(("invalid_scope", "Invalid OAuth scope or ID token audience provided."));
    }
    let (Some(iat), Some(exp)) = (claims["iat"].as_i64(), claims["exp"].as_i64()) else {
        return Err(("invalid_grant", UNTIMELY));
    };
    if iat > now + SKEW || exp <= now || exp <= iat || exp - iat > 3600 {
        return Err(("invalid_grant", UNTIMELY));
    }
    Ok(())
}
