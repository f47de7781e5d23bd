//! Whether a request is one that the network takes ("Sending notification requests to APNs").

use super::{Refusal, Taken, World, provider_token};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use serde_json::Value;

/// The longest payload, in bytes.
const MAX_PAYLOAD: usize = 4096;

/// Checks a request; what is left to say is the answer's status.
pub fn check(world: &World, parts: Parts, payload: Vec<u8>, connection: usize) -> Result<Taken, Refusal> {
    let device = target(&parts)?;
    let headers = parts.headers;
    for name in headers.keys() {
        if headers.get_all(name).iter().count() > 1 {
            return Err(Refusal::of("DuplicateHeaders"));
        }
    }
    let now = world.options.clock.now();
    let mut seen = world.seen.lock().unwrap();
    provider_token::check(header(&headers, "authorization"), &world.options.provider, &mut seen, now)?;
    drop(seen);
    topic(&headers, &world.options.provider.topics)?;
    let kind = form(&headers)?;
    contents(&payload, kind)?;
    if world.options.devices.as_ref().is_some_and(|known| !known.contains(&device)) {
        return Err(Refusal::of("BadDeviceToken"));
    }
    Ok(Taken { connection, device, headers, payload, status: None })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The device token in the path.
fn target(parts: &Parts) -> Result<String, Refusal> {
    if parts.method != Method::POST {
        return Err(Refusal::of("MethodNotAllowed"));
    }
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let device = path.strip_prefix("/3/device/").ok_or_else(|| Refusal::of("BadPath"))?;
    if device.is_empty() {
        return Err(Refusal::of("MissingDeviceToken"));
    }
    let hex =
        device.len().is_multiple_of(2) && device.len() >= 64 && device.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex { Ok(device.to_owned()) } else { Err(Refusal::of("BadDeviceToken")) }
}

fn topic(headers: &HeaderMap, allowed: &[String]) -> Result<(), Refusal> {
    let topic = header(headers, "apns-topic").ok_or_else(|| Refusal::of("MissingTopic"))?;
    if topic.is_empty() || topic.contains(|one: char| !(one.is_ascii_alphanumeric() || one == '-' || one == '.')) {
        return Err(Refusal::of("BadTopic"));
    }
    if allowed.iter().any(|one| one == topic) { Ok(()) } else { Err(Refusal::of("TopicDisallowed")) }
}

/// The other headers; which of the two kinds it is.
fn form(headers: &HeaderMap) -> Result<&str, Refusal> {
    let kind = header(headers, "apns-push-type").ok_or_else(|| Refusal::of("InvalidPushType"))?;
    let priority = header(headers, "apns-priority");
    let right = match kind {
        "alert" => matches!(priority, None | Some("10" | "5" | "1")),
        "background" => matches!(priority, Some("5")),
        _ => return Err(Refusal::of("InvalidPushType")),
    };
    if !right {
        return Err(Refusal::of("BadPriority"));
    }
    if header(headers, "apns-expiration").is_some_and(|moment| moment.parse::<u64>().is_err()) {
        return Err(Refusal::of("BadExpirationDate"));
    }
    if headers.get("apns-collapse-id").is_some_and(|id| id.is_empty() || id.len() > 64) {
        return Err(Refusal::of("BadCollapseId"));
    }
    if header(headers, "apns-id").is_some_and(|id| !is_uuid(id)) {
        return Err(Refusal::of("BadMessageId"));
    }
    Ok(kind)
}

/// A UUID in its canonical form: 8-4-4-4-12.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What iOS makes of the payload: an alert has something to show, a background push has nothing.
fn contents(payload: &[u8], kind: &str) -> Result<(), Refusal> {
    if payload.is_empty() {
        return Err(Refusal::of("PayloadEmpty"));
    }
    if payload.len() > MAX_PAYLOAD {
        return Err(Refusal::of("PayloadTooLarge"));
    }
    let payload: Value = serde_json::from_slice(payload).map_err(|_| Refusal::of("PayloadEmpty"))?;
    let aps = payload["aps"].as_object().ok_or_else(|| Refusal::of("PayloadEmpty"))?;
    let shows = ["alert", "sound", "badge"].iter().any(|key| aps.contains_key(*key));
    let right = match kind {
        "alert" => aps.contains_key("alert"),
        _ => !shows && aps.get("content-available") == Some(&1.into()),
    };
    if right { Ok(()) } else { Err(Refusal::of("InvalidPushType")) }
}
