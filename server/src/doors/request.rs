//! What goes around every request: its id, its line in the access log, and the count of what was refused. It decides
//! nothing: an id that somebody sends is only repeated.

use super::extract::{Caller, Peer};
use super::problem::RefusedWith;
use crate::service::Service;
use crate::service::figures::passed;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use countersign_protocol::randomness::Randomness;
use std::sync::Arc;
use tracing::Instrument;

/// The header that names a request, on the way in and on the way out.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken from a caller.
const MAX_ID_LENGTH: usize = 64;

/// The id that a caller has sent, if it can stand in a log: letters, digits, dot, hyphen and underscore, once.
fn sent_id(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(REQUEST_ID).iter();
    let (Some(only), None) = (values.next(), values.next()) else { return None };
    let id = only.to_str().ok()?;
    let is_sane = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    ((1..=MAX_ID_LENGTH).contains(&id.len()) && id.bytes().all(is_sane)).then(|| id.to_owned())
}

/// An id of this server's own.
fn new_id(randomness: &dyn Randomness) -> String {
    data_encoding::BASE64URL_NOPAD.encode(&randomness.bytes::<12>())
}

/// Gives a request its id, which every line of the log has that is written meanwhile and the answer repeats.
pub(super) async fn follow(State(service): State<Arc<Service>>, mut request: Request, next: Next) -> Response {
    let id = sent_id(request.headers()).unwrap_or_else(|| new_id(&*service.randomness));
    let caller = Caller::default();
    request.extensions_mut().insert(caller.clone());
    let (method, begun) = (request.method().clone(), service.clock.since_boot());
    // The route, and not the path: an id in it may be a capability.
    let route = request.extensions().get::<MatchedPath>().map_or("none".to_owned(), |path| path.as_str().to_owned());
    let peer = request.extensions().get::<Peer>().copied();
    // At the level that is always on, so that also the errors of a quiet log have it.
    let span = tracing::error_span!("request", id);
    let mut response = next.run(request).instrument(span.clone()).await;
    let refused = response.extensions().get::<RefusedWith>().map(|RefusedWith(code)| code.as_str());
    if let Some(code) = refused {
        service.figures.refusals.count([code, ""]);
    }
    if service.settings.access_log {
        let address = peer.filter(|_| service.settings.log_addresses).map(|Peer(address)| address.to_string());
        let milliseconds = passed(&*service.clock, begun).map(|passed| passed.as_secs_f64() * 1000.0);
        span.in_scope(|| {
            tracing::info!(
                %method,
                route,
                status = response.status().as_u16(),
                milliseconds,
                code = refused,
                relying_party = caller.handle(),
                address,
                "answered"
            );
        });
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_that_can_stand_in_a_log_is_taken() {
        let sent = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(REQUEST_ID, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            sent_id(&headers)
        };
        assert_eq!(sent(&["7f1c-A.b_c"]).unwrap(), "7f1c-A.b_c");
        assert_eq!(sent(&[&"a".repeat(64)]).unwrap().len(), 64);
        for wrong in ["", "a b", "a\"b", "a=b", "\u{e9}", "<script>", &"a".repeat(65)] {
            assert_eq!(sent(&[wrong]), None, "{wrong}");
        }
        assert_eq!(sent(&["one", "two"]), None, "two are none");
    }
}
