//! What tells a phone that links of this server may be opened by the operator's own apps, without asking.
//!
//! Android and iOS fetch it from the host of the link, when the app is installed. Without it a link is a page
//! ([`super::link_page`]).

use super::problem::Problem;
use crate::service::Service;
use axum::Json;
use axum::extract::State;
use data_encoding::HEXUPPER;
use serde_json::{Value, json};
use std::sync::Arc;

/// `/.well-known/assetlinks.json` (Digital Asset Links: <https://developers.google.com/digital-asset-links>).
pub async fn android(State(service): State<Arc<Service>>) -> Result<Json<Value>, Problem> {
    let apps = &service.settings.apps;
    if apps.android.is_empty() || apps.android_signatures.is_empty() {
        return Err(Problem::NoSuchCall);
    }
    let printed = |digest: &[u8; 32]| {
        let bytes: Vec<String> = digest.iter().map(|byte| HEXUPPER.encode(&[*byte])).collect();
        bytes.join(":")
    };
    let fingerprints: Vec<String> = apps.android_signatures.iter().map(printed).collect();
    let statement = |package: &String| {
        json!({
            "relation": ["delegate_permission/common.handle_all_urls"],
            "target": {
                "namespace": "android_app",
                "package_name": package,
                "sha256_cert_fingerprints": fingerprints,
            },
        })
    };
    Ok(Json(apps.android.iter().map(statement).collect()))
}

/// `/.well-known/apple-app-site-association`
/// (<https://developer.apple.com/documentation/bundleresources/applinks>).
pub async fn apple(State(service): State<Arc<Service>>) -> Result<Json<Value>, Problem> {
    let ids = &service.settings.apps.apple;
    if ids.is_empty() {
        return Err(Problem::NoSuchCall);
    }
    let components = [json!({ "/": "*/enrol" }), json!({ "/": "*/challenge" })];
    Ok(Json(json!({ "applinks": { "details": [{ "appIDs": ids, "components": components }] } })))
}
