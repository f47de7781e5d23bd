//! What the server says when it does not do what it was asked: problem documents (RFC 9457).
//!
//! Inside, reasons are rich; outside there is this closed table of stable codes. A problem holds no personal data.

use crate::store::{State, StoreError};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_protocol::{ProblemCode, Refusal};
use std::time::Duration;

/// Every reason to refuse a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A signed message does not agree with what is known.
    Refused(Refusal),
    /// The request is not what this call takes; the text says where.
    Malformed(String),
    /// The request body is longer than this call takes.
    TooLarge,
    /// The request's body did not come in time.
    BodyTimeout,
    /// No such thing here, or it belongs to another organisation; the text names the kind of thing.
    NotFound(&'static str),
    /// The path leads nowhere.
    NoSuchCall,
    /// The path takes other methods.
    WrongMethod,
    /// No API key, or one that is not valid.
    Unauthorised,
    /// The request proof must carry the nonce that comes with this answer.
    NonceRequired,
    /// This request proof was accepted before.
    Replayed,
    /// The device may do this only for itself.
    WrongDevice,
    /// The server sends nothing through this push network.
    GatewayNotConfigured(&'static str),
    /// A device names more places for its pushes than are taken.
    TooManyRegistrations,
    /// A Web Push subscription was made with a key that this server does not hold.
    UnknownWebPushKey,
    /// The device is not in use: not confirmed yet, or revoked.
    DeviceNotInUse,
    /// The account has no device in use.
    NoDevice,
    /// Another request came before under the same key.
    IdempotencyMismatch,
    /// Another answer was first.
    AlreadyAnswered,
    /// The approval was claimed before.
    AlreadyClaimed,
    /// There is no approval to claim in this state.
    NotApproved(State),
    /// Its time is over.
    Expired,
    /// The relying party took the question back.
    Cancelled,
    /// The ticket does not exist, is over, or was used.
    InvalidTicket,
    /// Two devices came with one ticket.
    RedeemedTwice,
    /// The digits are not those of the proposed device; so many attempts are left.
    WrongConfirmationCode(u32),
    /// No device waits for a confirmation.
    NotProposed,
    /// The number is not the one that the page showed; the challenge is denied.
    WrongNumber,
    /// The code is not one of the proposed application; so many attempts are left.
    WrongFirstCode(u32),
    /// The application does not wait for its first code.
    ApplicationNotProposed,
    /// Too many wrong codes came; the next one is taken after this pause.
    Throttled(Duration),
    /// Too many wrong codes have locked everything that makes codes for the account.
    Locked,
    /// The challenge does not take a code.
    CodeNotAllowed,
    /// The store does not write or read now.
    StoreUnavailable,
    /// Something broke that should not; the log has it.
    Internal,
}

/// How a problem looks outside.
struct Outside {
    status: StatusCode,
    code: ProblemCode,
    title: &'static str,
    detail: String,
}

impl Problem {
    /// The stable code.
    pub fn code(&self) -> ProblemCode {
        self.outside().code
    }

    #[expect(clippy::too_many_lines, reason = "the one table of every code; split, it could no longer be read as one")]
    fn outside(&self) -> Outside {
        use ProblemCode as C;
        use StatusCode as S;
        let (status, code, title, detail): (_, _, _, &str) = match self {
            Self::Refused(refusal) => {
                let status = match refusal {
                    Refusal::Expired => S::GONE,
                    Refusal::TooLarge => S::PAYLOAD_TOO_LARGE,
                    Refusal::Malformed(_) | Refusal::UnknownClaim | Refusal::WrongSize => S::BAD_REQUEST,
                    _ => S::FORBIDDEN,
                };
                return Outside {
                    status,
                    code: refusal.code(),
                    title: "The message was refused",
                    detail: sentence(&refusal.to_string()),
                };
            }
            Self::Malformed(detail) => (S::BAD_REQUEST, C::Malformed, "The request is malformed", detail),
            Self::TooLarge => (S::PAYLOAD_TOO_LARGE, C::TooLarge, "The request is too large", "Send a shorter body."),
            Self::BodyTimeout => (
                S::REQUEST_TIMEOUT,
                C::Timeout,
                "The request took too long",
                "The whole body must come within ten seconds.",
            ),
            Self::NotFound(what) => {
                let detail = format!("There is no such {what} here. Check the id and the API key it goes with.");
                return Outside { status: S::NOT_FOUND, code: C::NotFound, title: "Not found", detail };
            }
            Self::NoSuchCall => {
                (S::NOT_FOUND, C::NotFound, "Not found", "There is no such call. /openapi.json lists them all.")
            }
            Self::WrongMethod => (
                S::METHOD_NOT_ALLOWED,
                C::WrongMethod,
                "Wrong method",
                "This path takes another method; see /openapi.json.",
            ),
            Self::Unauthorised => (
                S::UNAUTHORIZED,
                C::Unauthorised,
                "Not authorised",
                "Send a valid API key as 'Authorization: Bearer KEY'. 'countersign admin relying-party create' makes one.",
            ),
            Self::NonceRequired => (
                S::UNAUTHORIZED,
                C::NonceRequired,
                "A fresh nonce is required",
                "Sign the request again with the nonce in the Countersign-Nonce header.",
            ),
            Self::Replayed => (
                S::FORBIDDEN,
                C::Replayed,
                "Replayed",
                "This request proof was accepted before. Sign each request anew.",
            ),
            Self::WrongDevice => {
                (S::FORBIDDEN, C::WrongDevice, "Wrong device", "A device may do this only for itself.")
            }
            Self::GatewayNotConfigured(name) => {
                let detail = format!(
                    "This server is not configured for {name}, so it cannot wake this app. Open the app to see what waits; \
                     the operator can set up [push.{name}]."
                );
                let (code, title) = (C::GatewayNotConfigured, "The push network is not configured");
                return Outside { status: S::CONFLICT, code, title, detail };
            }
            Self::TooManyRegistrations => (
                S::CONFLICT,
                C::TooManyRegistrations,
                "Too many push registrations",
                "A device has at most 4. Send only those through which it is reached now; they replace all earlier ones.",
            ),
            Self::UnknownWebPushKey => (
                S::CONFLICT,
                C::UnknownWebPushKey,
                "The subscription was made with another key",
                "This server does not hold the key in application_server_key. Subscribe anew with the webpush_public_key of \
                 /.well-known/countersign and register that.",
            ),
            Self::DeviceNotInUse => (
                S::FORBIDDEN,
                C::DeviceNotInUse,
                "The device is not in use",
                "It has not been confirmed yet, or it was removed. Enrol it again from your account's page.",
            ),
            Self::NoDevice => (
                S::CONFLICT,
                C::NoDevice,
                "The account has no device",
                "Enrol a device first: POST /v1/users/{id}/enrolments gives a link for it.",
            ),
            Self::IdempotencyMismatch => (
                S::CONFLICT,
                C::IdempotencyMismatch,
                "Idempotency key used before",
                "Another request came under this Idempotency-Key. Use a new key for a new request.",
            ),
            Self::AlreadyAnswered => (
                S::CONFLICT,
                C::AlreadyAnswered,
                "Already answered",
                "Another answer was first. There is nothing left to do.",
            ),
            Self::AlreadyClaimed => (
                S::CONFLICT,
                C::AlreadyClaimed,
                "Already claimed",
                "This approval was claimed before. Send the same Idempotency-Key to repeat a claim whose answer was lost.",
            ),
            Self::NotApproved(state) => {
                let detail = format!("The challenge is {}: there is no approval to claim.", state.as_str());
                return Outside { status: S::CONFLICT, code: C::NotApproved, title: "Not approved", detail };
            }
            Self::Expired => (S::GONE, C::Expired, "Expired", "Its time is over. Start the sign-in again."),
            Self::Cancelled => {
                (S::GONE, C::Cancelled, "Cancelled", "The site took the question back. There is nothing left to do.")
            }
            Self::InvalidTicket => (
                S::FORBIDDEN,
                C::InvalidTicket,
                "The link is not valid",
                "It is too old, or it was used before. Ask for a new link on your account's page.",
            ),
            Self::RedeemedTwice => (
                S::FORBIDDEN,
                C::RedeemedTwice,
                "The link was used twice",
                "Another device used this link before, so neither was enrolled. Ask for a new link and show it to nobody.",
            ),
            Self::WrongConfirmationCode(left) => {
                let detail = match left {
                    0 => "The digits are wrong. This enrolment is over; ask for a new link.".to_owned(),
                    left => format!("The digits are not the ones that the phone shows. Attempts left: {left}."),
                };
                return Outside { status: S::FORBIDDEN, code: C::WrongNumber, title: "Wrong digits", detail };
            }
            Self::WrongNumber => (
                S::FORBIDDEN,
                C::WrongNumber,
                "Wrong number",
                "The number is not the one that the page showed. The sign-in was stopped; start it again.",
            ),
            Self::NotProposed => (
                S::CONFLICT,
                C::NotProposed,
                "No device waits for a confirmation",
                "Open the link on the phone first; if it was, ask for a new link.",
            ),
            Self::WrongFirstCode(left) => {
                let detail = format!("The code is not the one that the application shows now. Attempts left: {left}.");
                return Outside { status: S::FORBIDDEN, code: C::WrongNumber, title: "Wrong digits", detail };
            }
            Self::ApplicationNotProposed => (
                S::CONFLICT,
                C::NotProposed,
                "The application does not wait for a code",
                "It was confirmed before, or ten minutes are over. GET /v1/users/{id}/authenticators shows which.",
            ),
            Self::Throttled(pause) => {
                let detail = format!("Too many wrong codes. The next one is taken in {} s.", whole_seconds(*pause));
                return Outside {
                    status: S::TOO_MANY_REQUESTS,
                    code: C::Throttled,
                    title: "Too many attempts",
                    detail,
                };
            }
            Self::Locked => (
                S::FORBIDDEN,
                C::Locked,
                "Codes are locked",
                "Too many wrong codes. Approve a sign-in on the phone, or ask an administrator to unlock the account.",
            ),
            Self::CodeNotAllowed => (
                S::CONFLICT,
                C::CodeNotAllowed,
                "The challenge takes no code",
                "It was created without the method code. Let the person answer on the phone.",
            ),
            Self::StoreUnavailable => (
                S::SERVICE_UNAVAILABLE,
                C::Unavailable,
                "The server cannot write now",
                "Nothing was changed. Try again; if it goes on, the operator finds the reason in the server's log.",
            ),
            Self::Internal => {
                (S::INTERNAL_SERVER_ERROR, C::Internal, "Internal error", "The server's log has the reason.")
            }
        };
        Outside { status, code, title, detail: detail.to_owned() }
    }
}

/// A pause in whole seconds, rounded up, so that who waits them is not early.
const fn whole_seconds(pause: Duration) -> u64 {
    pause.as_millis().div_ceil(1000) as u64
}

/// A refusal's text as a sentence.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), characters.as_str()))
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Outside { code, detail, .. } = self.outside();
        write!(formatter, "{detail} ({code})")
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Outside { status, code, title, detail } = self.outside();
        let document = countersign_protocol::device_api::Problem {
            kind: format!("urn:countersign:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            code: code.into(),
        };
        let mut response = (status, axum::Json(document)).into_response();
        let problem_json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, problem_json);
        // RFC 9110, section 15.5.2: a 401 says what would be accepted. Never the scheme alone: RFC 6750 wants a parameter,
        // and Foundation on Linux crashes where there is none.
        let scheme = match self {
            Self::Unauthorised => Some(r#"Bearer realm="countersign""#),
            Self::NonceRequired => Some(r#"Countersign-Proof realm="countersign""#),
            _ => None,
        };
        if let Some(scheme) = scheme {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        if let Self::Throttled(pause) = self {
            response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(pause).into());
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store gave no answer");
        Self::StoreUnavailable
    }
}

impl From<countersign_protocol::key::KeyError> for Problem {
    fn from(error: countersign_protocol::key::KeyError) -> Self {
        tracing::error!(%error, "a server key did not sign");
        Self::Internal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_says_what_happened_in_a_whole_sentence() {
        let all = [
            Problem::Refused(Refusal::WrongType),
            Problem::TooLarge,
            Problem::NotFound("user"),
            Problem::Unauthorised,
            Problem::NotApproved(State::Denied),
            Problem::GatewayNotConfigured("apns"),
            Problem::GatewayNotConfigured("fcm"),
            Problem::TooManyRegistrations,
            Problem::UnknownWebPushKey,
            Problem::WrongConfirmationCode(0),
            Problem::WrongConfirmationCode(3),
            Problem::WrongNumber,
            Problem::WrongFirstCode(3),
            Problem::ApplicationNotProposed,
            Problem::Throttled(Duration::from_millis(1)),
            Problem::Locked,
            Problem::CodeNotAllowed,
            Problem::StoreUnavailable,
        ];
        for problem in all {
            let Outside { detail, code, .. } = problem.outside();
            assert!(detail.ends_with('.') && detail.chars().next().is_some_and(char::is_uppercase), "{code}: {detail}");
        }
    }

    #[test]
    fn a_401_names_its_scheme_with_a_parameter() {
        for (problem, scheme) in [(Problem::Unauthorised, "Bearer"), (Problem::NonceRequired, "Countersign-Proof")] {
            let response = problem.into_response();
            let expected = format!(r#"{scheme} realm="countersign""#);
            assert_eq!(response.headers()[header::WWW_AUTHENTICATE], expected);
        }
    }
}
