//! `projects.messages.send`: checks what Google documents, and delivers to the app instances that are installed.

use super::fault::bad_field;
use super::{Fault, PROJECT, Shared, Taken};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// The most data of a message: the bytes of its keys and values.
const MAX_DATA: usize = 4096;
/// The longest a message is kept, in seconds.
const MAX_TTL: u64 = 2_419_200;

pub(super) async fn send(
    State(shared): State<Arc<Shared>>,
    Path((project, call)): Path<(String, String)>,
    version: Version,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    shared.gate().await;
    if call != "messages:send" {
        return StatusCode::NOT_FOUND.into_response();
    }
    let refused = |fault: Fault| fault.response().unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response());
    if !authorised(&shared, &headers) {
        return refused(Fault::Unauthenticated);
    }
    if project != PROJECT {
        return refused(Fault::PermissionDenied);
    }
    let body: Value = match serde_json::from_slice(&body) {
        Ok(body) => body,
        Err(_) => return bad_field("", "Invalid JSON payload received.", None),
    };
    let token = match check(&body, &headers) {
        Ok(token) => token.to_owned(),
        Err(response) => return *response,
    };
    let fault = {
        let mut state = shared.state();
        let absent = (!state.devices.contains(&token)).then_some(Fault::Unregistered);
        state.once.pop_front().or_else(|| state.faults.get(&token).cloned()).or(absent)
    };
    let response = match fault {
        None => {
            let name = format!("projects/{PROJECT}/messages/0:{}", shared.unguessable::<8>());
            axum::Json(json!({ "name": name })).into_response()
        }
        Some(Fault::Reset) => StatusCode::BAD_GATEWAY.into_response(),
        Some(ref fault) => refused(fault.clone()),
    };
    let status = if fault == Some(Fault::Reset) { 0 } else { response.status().as_u16() };
    // The test may have ended.
    let _ = shared.taken.send(Taken { version, headers, body, status });
    if status == 0 {
        shared.connections.cut();
        return std::future::pending().await;
    }
    response
}

/// True for an access token that was given here and still serves.
fn authorised(shared: &Shared, headers: &HeaderMap) -> bool {
    let Some(token) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
    else {
        return false;
    };
    shared.state().access_tokens.get(token).is_some_and(|until| shared.clock.now() < *until)
}

/// The registration token of a message whose form is right.
fn check<'a>(body: &'a Value, headers: &HeaderMap) -> Result<&'a str, Box<Response>> {
    let wrong = |field: &str, message: &str| Err(Box::new(bad_field(field, message, None)));
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/json") {
        return wrong("", "Invalid JSON payload received.");
    }
    if let Some(unknown) = unknown_member(body) {
        return wrong("", &format!("Invalid JSON payload received. Unknown name \"{unknown}\": Cannot find field."));
    }
    let message = &body["message"];
    let Some(token) = message["token"].as_str().filter(|token| !token.is_empty()) else {
        return wrong("message", "Recipient of the message is not set.");
    };
    let Some(data) = message["data"].as_object() else {
        return wrong("message.data", "Invalid value at 'message.data'");
    };
    let mut size = 0;
    for (place, (key, value)) in data.iter().enumerate() {
        let Some(text) = value.as_str() else {
            let field = format!("message.data[{place}].value");
            return wrong(&field, &format!("Invalid value at '{field}' (TYPE_STRING), {value}"));
        };
        if matches!(key.as_str(), "from" | "message_type") || key.starts_with("google") || key.starts_with("gcm") {
            return wrong("message.data", &format!("Invalid data payload key: {key}"));
        }
        size += key.len() + text.len();
    }
    if size > MAX_DATA {
        return wrong("message", "Android message is too big");
    }
    let android = &message["android"];
    if !matches!(android["priority"].as_str(), None | Some("NORMAL" | "HIGH")) {
        return wrong("message.android.priority", "Invalid value at 'message.android.priority'");
    }
    let ttl = android["ttl"].as_str().map(|ttl| ttl.strip_suffix('s').and_then(|seconds| seconds.parse::<u64>().ok()));
    if !android["ttl"].is_null() && !matches!(ttl, Some(Some(0..=MAX_TTL))) {
        return wrong("message.android.ttl", "Invalid value at 'message.android.ttl'");
    }
    Ok(token)
}

/// A member that the message has not; only those that this server may use are known here.
fn unknown_member(body: &Value) -> Option<&str> {
    let levels: [(&Value, &[&str]); 3] = [
        (body, &["message", "validate_only"]),
        (&body["message"], &["token", "data", "android", "fcm_options"]),
        (
            &body["message"]["android"],
            &["priority", "ttl", "collapse_key", "restricted_package_name", "direct_boot_ok"],
        ),
    ];
    levels
        .into_iter()
        .find_map(|(value, names)| value.as_object()?.keys().map(String::as_str).find(|key| !names.contains(key)))
}
