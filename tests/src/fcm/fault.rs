//! What Google answers when it does not do what it was asked, in its own JSON.

use super::PROJECT;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An answer that is not the one hoped for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 404: the app instance is gone.
    Unregistered,
    /// 403: the app instance belongs to another project.
    SenderIdMismatch,
    /// 400: no app instance ever had this token.
    InvalidToken,
    /// 400: the token is none, as Google's documents have it: without a word of the field.
    NotAToken,
    /// 400: something else in the message.
    InvalidArgument,
    /// 429, with this `Retry-After`.
    QuotaExceeded(Option<String>),
    /// 503, with this `Retry-After`.
    Unavailable(Option<String>),
    /// 500.
    Internal,
    /// 401: the credentials for Apple or a browser are wrong.
    ThirdPartyAuthError,
    /// 401: the access token does not serve.
    Unauthenticated,
    /// 403: the service account may not send.
    PermissionDenied,
    /// 400 with a code that is in no list.
    Unlisted,
    /// 502 in HTML, as the front end answers.
    BadGateway,
    /// 307 to this address.
    Redirect(String),
    /// At the token endpoint, 400: the key was deleted.
    InvalidGrant,
    /// 200 and no JSON.
    Nonsense,
    /// The connection is torn.
    Reset,
}

/// The error of a `google.rpc.Status`, with a code of FCM's beside it.
fn status(http: u16, name: &str, message: &str, code: Option<&str>, more: Option<Value>) -> Response {
    let code =
        code.map(|code| json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code }));
    let details: Vec<Value> = code.into_iter().chain(more).collect();
    let mut error = json!({ "code": http, "message": message, "status": name });
    if !details.is_empty() {
        error["details"] = details.into();
    }
    (StatusCode::from_u16(http).unwrap(), axum::Json(json!({ "error": error }))).into_response()
}

/// A `BadRequest` about one field.
pub(super) fn bad_field(field: &str, message: &str, code: Option<&str>) -> Response {
    let violation = json!({
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{ "field": field, "description": message }],
    });
    status(400, "INVALID_ARGUMENT", message, code, Some(violation))
}

/// What the token endpoint answers to an assertion that is not right (RFC 6749, section 5.2).
pub(super) fn oauth(http: u16, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    (StatusCode::from_u16(http).unwrap(), axum::Json(body)).into_response()
}

fn later(after: Option<&String>, mut response: Response) -> Response {
    if let Some(after) = after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_str(after).unwrap());
    }
    response
}

impl Fault {
    /// The answer; none where there is none.
    pub(super) fn response(&self) -> Option<Response> {
        let coded = |http, name, message, code| status(http, name, message, Some(code), None);
        Some(match self {
            Self::Unregistered => coded(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED"),
            Self::SenderIdMismatch => coded(403, "PERMISSION_DENIED", "SenderId mismatch", "SENDER_ID_MISMATCH"),
            Self::InvalidToken => bad_field("message.token", "Invalid registration token", Some("INVALID_ARGUMENT")),
            Self::NotAToken => {
                let message = "The registration token is not a valid FCM registration token";
                coded(400, "INVALID_ARGUMENT", message, "INVALID_ARGUMENT")
            }
            Self::InvalidArgument => {
                coded(400, "INVALID_ARGUMENT", "Request contains an invalid argument.", "INVALID_ARGUMENT")
            }
            Self::QuotaExceeded(after) => {
                let quota = json!({
                    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                    "violations": [{ "subject": "device", "description": "Device message rate exceeded" }],
                });
                let message = "Quota exceeded for the messages of this device.";
                later(after.as_ref(), status(429, "RESOURCE_EXHAUSTED", message, Some("QUOTA_EXCEEDED"), Some(quota)))
            }
            Self::Unavailable(after) => {
                let response = coded(503, "UNAVAILABLE", "The service is currently unavailable.", "UNAVAILABLE");
                later(after.as_ref(), response)
            }
            Self::Internal => coded(500, "INTERNAL", "Internal error encountered.", "INTERNAL"),
            Self::ThirdPartyAuthError => {
                let message = "Auth error from APNS or Web Push Service";
                coded(401, "UNAUTHENTICATED", message, "THIRD_PARTY_AUTH_ERROR")
            }
            Self::Unauthenticated => {
                let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login \
                               cookie or other valid authentication credential.";
                let info = json!({
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "ACCESS_TOKEN_EXPIRED", "domain": "googleapis.com",
                });
                status(401, "UNAUTHENTICATED", message, None, Some(info))
            }
            Self::PermissionDenied => {
                let message = format!(
                    "Permission 'cloudmessaging.messages.create' denied on resource \
                     '//cloudresourcemanager.googleapis.com/projects/{PROJECT}' (or it may not exist)."
                );
                status(403, "PERMISSION_DENIED", &message, None, None)
            }
            Self::Unlisted => coded(400, "FAILED_PRECONDITION", "A reason of tomorrow.", "A_CODE_OF_TOMORROW"),
            Self::BadGateway => {
                let page = "<!DOCTYPE html>\n<html lang=en>\n<title>Error 502 (Server Error)!!1</title>\n";
                (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, "text/html; charset=UTF-8")], page).into_response()
            }
            Self::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to.clone())]).into_response(),
            Self::InvalidGrant => oauth(400, "invalid_grant", "Invalid JWT Signature."),
            Self::Nonsense => "as you wish".into_response(),
            Self::Reset => return None,
        })
    }
}
