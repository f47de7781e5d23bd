//! What the server says when it does not do what it was asked: problem documents (RFC 9457).
//!
//! Inside, reasons are rich; outside there is this closed table of stable codes. A problem holds no personal data.

use crate::domain::refused::Refused;
use crate::service::readiness::Reason;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_protocol::ProblemCode;
use countersign_protocol::device_api::PROBLEM_TYPE_START;
use serde::Serialize;
use std::time::Duration;

/// Why a request is not answered as was asked: what the use case says, or what HTTP says before there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The use case was not carried out.
    Refused(Refused),
    /// The request body is longer than this call takes.
    TooLarge,
    /// The request's body did not come in time.
    BodyTimeout,
    /// The path leads nowhere.
    NoSuchCall,
    /// The path takes other methods.
    WrongMethod,
    /// The server cannot do its work now; the reasons say why, for the operator.
    NotReady(Vec<Reason>),
}

impl Problem {
    /// A request that is not what the call takes; the sentence says where.
    pub fn malformed(sentence: impl Into<String>) -> Self {
        Self::Refused(Refused::malformed(sentence))
    }
}

impl<T: Into<Refused>> From<T> for Problem {
    fn from(refused: T) -> Self {
        Self::Refused(refused.into())
    }
}

/// The status of the answer that carries a code: the same for every call, so that the description can state it.
pub(super) const fn status_of(code: ProblemCode) -> StatusCode {
    use ProblemCode as C;
    match code {
        C::Malformed | C::UnknownClaim | C::WrongSize => StatusCode::BAD_REQUEST,
        C::Unauthorised | C::NonceRequired => StatusCode::UNAUTHORIZED,
        C::WrongAlgorithm
        | C::WrongType
        | C::UnknownKey
        | C::BadSignature
        | C::CannotOpen
        | C::WrongDevice
        | C::WrongAccount
        | C::WrongServer
        | C::WrongChallenge
        | C::OldCertificate
        | C::FutureTime
        | C::StaleTime
        | C::Replayed
        | C::DeviceNotInUse
        | C::InvalidTicket
        | C::RedeemedTwice
        | C::AttestationRequired
        | C::WrongNumber
        | C::Locked => StatusCode::FORBIDDEN,
        C::NotFound => StatusCode::NOT_FOUND,
        C::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
        C::Timeout => StatusCode::REQUEST_TIMEOUT,
        C::GatewayNotConfigured
        | C::TooManyRegistrations
        | C::UnknownWebPushKey
        | C::NoDevice
        | C::IdempotencyMismatch
        | C::AlreadyAnswered
        | C::AlreadyClaimed
        | C::NotApproved
        | C::NotProposed
        | C::AlreadyMoving
        | C::MoveNotProven
        | C::MoveNotNow
        | C::CodeNotAllowed => StatusCode::CONFLICT,
        C::Expired | C::Cancelled => StatusCode::GONE,
        C::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        C::Throttled
        | C::TooManyOpen
        | C::TooManyWaits
        | C::TooManyCreations
        | C::TooManyEnrolments
        | C::TooManyFailures => StatusCode::TOO_MANY_REQUESTS,
        C::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        C::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The code with which an answer refuses: for what goes around every request.
#[derive(Debug, Clone, Copy)]
pub(super) struct RefusedWith(pub ProblemCode);

/// A problem document, with what some have beside.
#[derive(Serialize)]
struct Extended<'a> {
    #[serde(flatten)]
    document: countersign_protocol::device_api::Problem,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<&'a Vec<Reason>>,
}

/// How a problem looks outside.
struct Outside {
    code: ProblemCode,
    title: &'static str,
    detail: String,
}

impl Problem {
    /// The stable code.
    pub fn code(&self) -> ProblemCode {
        self.outside().code
    }

    fn outside(&self) -> Outside {
        use ProblemCode as C;
        let (code, title, detail) = match self {
            Self::Refused(refused) => return Outside::of(refused),
            Self::NotReady(reasons) => {
                let details: Vec<&str> = reasons.iter().map(|reason| reason.detail.as_str()).collect();
                return Outside { code: C::Unavailable, title: "Not ready", detail: details.join(" ") };
            }
            Self::TooLarge => (C::TooLarge, "The request is too large", "Send a shorter body."),
            Self::BodyTimeout => {
                (C::Timeout, "The request took too long", "The whole body must come within ten seconds.")
            }
            Self::NoSuchCall => (C::NotFound, "Not found", "There is no such call. /openapi.json lists them all."),
            Self::WrongMethod => (C::WrongMethod, "Wrong method", "This path takes another method; see /openapi.json."),
        };
        Outside { code, title, detail: detail.to_owned() }
    }
}

impl Outside {
    #[expect(clippy::too_many_lines, reason = "the one table of every code; split, it could no longer be read as one")]
    fn of(refused: &Refused) -> Self {
        use ProblemCode as C;
        let (code, title, detail): (_, _, &str) = match refused {
            Refused::Message(refusal) => {
                let detail = sentence(&refusal.to_string());
                return Self { code: refusal.code(), title: "The message was refused", detail };
            }
            Refused::Malformed(detail) => (C::Malformed, "The request is malformed", detail),
            Refused::NotFound(what) => {
                let detail = format!("There is no such {what} here. Check the id and the API key it goes with.");
                return Self { code: C::NotFound, title: "Not found", detail };
            }
            Refused::Unauthorised => (
                C::Unauthorised,
                "Not authorised",
                "Send a valid API key as 'Authorization: Bearer KEY'. 'countersign admin relying-party create' makes \
                 one.",
            ),
            Refused::NonceRequired => (
                C::NonceRequired,
                "A fresh nonce is required",
                "Sign the request again with the nonce in the Countersign-Nonce header.",
            ),
            Refused::Replayed => {
                (C::Replayed, "Replayed", "This request proof was accepted before. Sign each request anew.")
            }
            Refused::WrongDevice => (C::WrongDevice, "Wrong device", "A device may do this only for itself."),
            Refused::GatewayNotConfigured(name) => {
                let detail = format!(
                    "This server is not configured for {name}, so it cannot wake this app. Open the app to see what \
                     waits; the operator can set up [push.{name}]."
                );
                let (code, title) = (C::GatewayNotConfigured, "The push network is not configured");
                return Self { code, title, detail };
            }
            Refused::TooManyRegistrations => (
                C::TooManyRegistrations,
                "Too many push registrations",
                "A device has at most 4. Send only those through which it is reached now; they replace all earlier \
                 ones.",
            ),
            Refused::UnknownWebPushKey => (
                C::UnknownWebPushKey,
                "The subscription was made with another key",
                "This server does not hold the key in application_server_key. Subscribe anew with the \
                 webpush_public_key of /.well-known/countersign and register that.",
            ),
            Refused::DeviceNotInUse => (
                C::DeviceNotInUse,
                "The device is not in use",
                "It has not been confirmed yet, or it was removed. Enrol it again from your account's page.",
            ),
            Refused::NoDevice => (
                C::NoDevice,
                "The account has no device",
                "Enrol a device first: POST /v1/users/{id}/enrolments gives a link for it.",
            ),
            Refused::IdempotencyMismatch => (
                C::IdempotencyMismatch,
                "Idempotency key used before",
                "Another request came under this Idempotency-Key, or of this attempt. A new request needs a new one.",
            ),
            Refused::AlreadyAnswered => {
                (C::AlreadyAnswered, "Already answered", "Another answer was first. There is nothing left to do.")
            }
            Refused::AlreadyClaimed => (
                C::AlreadyClaimed,
                "Already claimed",
                "This approval was claimed before. Send the same Idempotency-Key to repeat a claim whose answer was \
                 lost.",
            ),
            Refused::NotApproved(state) => {
                let detail = format!("The challenge is {}: there is no approval to claim.", state.as_str());
                return Self { code: C::NotApproved, title: "Not approved", detail };
            }
            Refused::Expired => (C::Expired, "Expired", "Its time is over. Start the sign-in again."),
            Refused::Cancelled => {
                (C::Cancelled, "Cancelled", "The site took the question back. There is nothing left to do.")
            }
            Refused::InvalidTicket => (
                C::InvalidTicket,
                "The link is not valid",
                "It is too old, or it was used before. Ask for a new link on your account's page.",
            ),
            Refused::RedeemedTwice => (
                C::RedeemedTwice,
                "The link was used twice",
                "Another device used this link before, so neither was enrolled. Ask for a new link and show it to \
                 nobody.",
            ),
            Refused::AttestationRequired(doubt) => {
                let detail = format!("{} The link serves on until it ends. (Why: {doubt})", doubt.advice());
                return Self { code: C::AttestationRequired, title: "This phone is not taken", detail };
            }
            Refused::WrongConfirmationCode(left) => {
                let detail = match left {
                    0 => "The digits are wrong. This enrolment is over; ask for a new link.".to_owned(),
                    left => format!("The digits are not the ones that the phone shows. Attempts left: {left}."),
                };
                return Self { code: C::WrongNumber, title: "Wrong digits", detail };
            }
            Refused::WrongNumber => (
                C::WrongNumber,
                "Wrong number",
                "The number is not the one that the page showed. The sign-in was stopped; start it again.",
            ),
            Refused::NotProposed => (
                C::NotProposed,
                "No device waits for a confirmation",
                "Open the link on the phone first; if it was, ask for a new link.",
            ),
            Refused::AlreadyMoving => (
                C::AlreadyMoving,
                "Another move goes on",
                "A person is moved to one new phone at a time. Finish the other move, or take it back.",
            ),
            Refused::MoveNotProven => (
                C::MoveNotProven,
                "The move lacks its second half",
                "Ask the old phone (POST /v1/moves/{id}/ask) and wait for its YES, or let the person type a code \
                 (POST /v1/moves/{id}/prove).",
            ),
            Refused::MoveNotNow(state) => {
                let detail = format!(
                    "The move is {}. GET /v1/moves/{{id}} says what was done and between which times it can be made; \
                     the old phone goes on unless it is switched.",
                    state.as_str()
                );
                return Self { code: C::MoveNotNow, title: "This is not the move's next step", detail };
            }
            Refused::WrongFirstCode(left) => {
                let detail = format!("The code is not the one that the application shows now. Attempts left: {left}.");
                return Self { code: C::WrongNumber, title: "Wrong digits", detail };
            }
            Refused::FirstCodeOfAnotherTime { seconds_ahead, left } => {
                let way = if *seconds_ahead < 0 { "behind" } else { "ahead" };
                let detail = format!(
                    "This code is one of another time: the clock of the application seems about {} s {way}. Let its \
                     device set the clock by itself, then type the next code. Attempts left: {left}.",
                    seconds_ahead.unsigned_abs()
                );
                return Self { code: C::WrongNumber, title: "Wrong clock", detail };
            }
            Refused::ApplicationNotProposed => (
                C::NotProposed,
                "The application does not wait for a code",
                "It was confirmed before, or ten minutes are over. GET /v1/users/{id}/authenticators shows which.",
            ),
            Refused::Throttled(pause) => {
                let detail = format!("Too many wrong codes. The next one is taken in {} s.", whole_seconds(*pause));
                return Self { code: C::Throttled, title: "Too many attempts", detail };
            }
            Refused::TooManyOpen(_) => (
                C::TooManyOpen,
                "Too many questions wait for this person",
                "Let the person answer one, take one back that nobody needs any more, or try again after Retry-After. \
                 One try to sign in that is sent again needs no new question: give it an attempt.",
            ),
            Refused::TooManyWaits => (
                C::TooManyWaits,
                "Too many requests wait",
                "As many requests of this relying party wait as may. Ask without wait, or wait for fewer at one time.",
            ),
            Refused::TooManyCreations(_) => (
                C::TooManyCreations,
                "Too many questions that nobody answers",
                "This relying party asks faster than people say YES. Try again after Retry-After, and look why it asks \
                 so much: an answered question does not count.",
            ),
            Refused::TooManyEnrolments(_) => (
                C::TooManyEnrolments,
                "Too many enrolment links are open",
                "Show the person the link that is open, or try again after Retry-After. A link that was used does not \
                 count.",
            ),
            Refused::TooManyFailures(_) => (
                C::TooManyFailures,
                "Too many failures",
                "This address has sent too many API keys, links or signatures that nobody knows, and this one is not \
                 known either. Check it, and try again after Retry-After.",
            ),
            Refused::Locked => (
                C::Locked,
                "Codes are locked",
                "Too many wrong codes. Approve a sign-in on the phone, or ask an administrator to unlock the account.",
            ),
            Refused::CodeNotAllowed => (
                C::CodeNotAllowed,
                "The challenge takes no code",
                "It was created without the method code. Let the person answer on the phone.",
            ),
            Refused::StoreUnavailable => (
                C::Unavailable,
                "The server cannot write now",
                "Nothing was changed. Try again; if it goes on, the operator finds the reason in the server's log.",
            ),
            Refused::Internal => (C::Internal, "Internal error", "The server's log has the reason."),
        };
        Self { code, title, detail: detail.to_owned() }
    }
}

/// A pause in whole seconds, rounded up, so that who waits them is not early.
const fn whole_seconds(pause: Duration) -> u64 {
    pause.as_millis().div_ceil(1000) as u64
}

/// A refusal's text as a sentence.
pub(super) fn sentence(text: &str) -> String {
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
        let Outside { code, title, detail } = self.outside();
        let status = status_of(code);
        let document = countersign_protocol::device_api::Problem {
            kind: format!("{PROBLEM_TYPE_START}{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            code: code.into(),
        };
        let reasons = if let Self::NotReady(reasons) = &self { Some(reasons) } else { None };
        let mut response = (status, axum::Json(Extended { document, reasons })).into_response();
        response.extensions_mut().insert(RefusedWith(code));
        let problem_json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, problem_json);
        // RFC 9110, section 15.5.2: a 401 says what would be accepted. Never the scheme alone: RFC 6750 wants a
        // parameter, and Foundation on Linux crashes where there is none.
        let scheme = match &self {
            Self::Refused(Refused::Unauthorised) => Some(r#"Bearer realm="countersign""#),
            Self::Refused(Refused::NonceRequired) => Some(r#"Countersign-Proof realm="countersign""#),
            _ => None,
        };
        if let Some(scheme) = scheme {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        if let Self::Refused(refused) = &self
            && let Some(pause) = refused.pause()
        {
            // At least one: a caller that is told 0 would come at once.
            response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(pause).max(1).into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::Refusal;
    use countersign_protocol::relying_party_api::ChallengeState;

    #[test]
    fn every_problem_says_what_happened_in_a_whole_sentence() {
        let all = [
            Problem::Refused(Refused::Message(Refusal::WrongType)),
            Problem::TooLarge,
            Problem::Refused(Refused::NotFound("user")),
            Problem::Refused(Refused::Unauthorised),
            Problem::Refused(Refused::NotApproved(ChallengeState::Denied)),
            Problem::Refused(Refused::GatewayNotConfigured("apns")),
            Problem::Refused(Refused::GatewayNotConfigured("fcm")),
            Problem::Refused(Refused::TooManyRegistrations),
            Problem::Refused(Refused::UnknownWebPushKey),
            Problem::Refused(Refused::WrongConfirmationCode(0)),
            Problem::Refused(Refused::WrongConfirmationCode(3)),
            Problem::Refused(Refused::WrongNumber),
            Problem::Refused(Refused::WrongFirstCode(3)),
            Problem::Refused(Refused::FirstCodeOfAnotherTime { seconds_ahead: -300, left: 3 }),
            Problem::Refused(Refused::ApplicationNotProposed),
            Problem::Refused(Refused::Throttled(Duration::from_millis(1))),
            Problem::Refused(Refused::TooManyOpen(Duration::ZERO)),
            Problem::Refused(Refused::TooManyWaits),
            Problem::Refused(Refused::TooManyCreations(Duration::ZERO)),
            Problem::Refused(Refused::TooManyEnrolments(Duration::ZERO)),
            Problem::Refused(Refused::TooManyFailures(Duration::ZERO)),
            Problem::Refused(Refused::Locked),
            Problem::Refused(Refused::CodeNotAllowed),
            Problem::Refused(Refused::StoreUnavailable),
        ];
        for problem in all {
            let Outside { detail, code, .. } = problem.outside();
            assert!(detail.ends_with('.') && detail.chars().next().is_some_and(char::is_uppercase), "{code}: {detail}");
        }
    }

    #[test]
    fn a_401_names_its_scheme_with_a_parameter() {
        for (problem, scheme) in [
            (Problem::Refused(Refused::Unauthorised), "Bearer"),
            (Problem::Refused(Refused::NonceRequired), "Countersign-Proof"),
        ] {
            let response = problem.into_response();
            let expected = format!(r#"{scheme} realm="countersign""#);
            assert_eq!(response.headers()[header::WWW_AUTHENTICATE], expected);
        }
    }
}
