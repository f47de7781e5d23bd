//! What `/openapi.json` says of every call beside its handler: who may make it, and every answer that it can get. A
//! test of the whole server asks for what is described and for what is not, and fails on an answer that is missing
//! here.

use super::problem::status_of;
use axum::http::StatusCode;
use countersign_protocol::ProblemCode::{self, *};
use countersign_protocol::device_api::{Problem, PushRegistration};
use countersign_protocol::proof::{NONCE_HEADER, PROOF_HEADER};
use countersign_protocol::relying_party_api::PolicyMode;
use countersign_protocol::schema;
use std::collections::BTreeMap;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Header, Ref, RefOr, Response};
use utoipa::{OpenApi, ToSchema};

/// What the description says before its calls.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "After the password, the phone asks YES or NO, and signs the answer. Every refusal is a problem \
                       document (RFC 9457). A path that is not here is 404 `not_found`, another method than those here \
                       405 `wrong_method`, but for HEAD, which is answered as GET without the body; this description \
                       and the pages behind links, `/enrol` and `/challenge`, are served beside. What is not HTTP is \
                       answered by the HTTP layer, without a problem document. The server does not look at \
                       Content-Type, and reads no query parameter that is not here.",
        contact(name = "Whoever operates this server")
    ),
    servers((url = "/", description = "The server that serves this description")),
    components(schemas(
        Problem,
        PolicyMode,
        PushRegistration,
        schema::AppleToken,
        schema::Digest,
        schema::FcmToken,
        schema::Handle,
        schema::Point,
        schema::Topic
    )),
    tags(
        (name = "relying party", description = "With an API key, as a bearer token"),
        (name = "device", description = "With a request proof; PROTOCOL.md describes every message"),
        (name = "operator", description = "For monitoring")
    )
)]
struct Frame;

/// Who may make a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// Whoever has an API key.
    RelyingParty,
    /// A device, with a request proof.
    Device,
    /// Whoever signs the message that is sent, with a key that the server knows or learns by it.
    Signed,
    /// Everybody.
    Anybody,
}

impl By {
    /// What stands under each call that it makes.
    const fn sentence(self) -> &'static str {
        match self {
            Self::RelyingParty => "Made by a relying party, with its API key as a bearer token.",
            Self::Device => "Made by a confirmed device, with a request proof (PROTOCOL.md, Request proof).",
            Self::Signed => "Made by a device; the signature on the body says by which (PROTOCOL.md).",
            Self::Anybody => "Made by whoever likes, without a credential.",
        }
    }
}

/// The refusals of whoever has an API key.
const OF_KEYS: &[ProblemCode] = &[Unauthorised, TooManyFailures];
/// The refusals of a request proof, beside those of every signed message.
const OF_PROOFS: &[ProblemCode] = &[NonceRequired, Replayed];
/// The refusals of a signed message.
const OF_MESSAGES: &[ProblemCode] = &[
    Malformed,
    UnknownClaim,
    WrongAlgorithm,
    WrongType,
    UnknownKey,
    BadSignature,
    FutureTime,
    StaleTime,
    TooManyFailures,
];
/// The refusals of a body that does not come as it should, which is read whatever the call, also one that takes none.
const OF_BODIES: &[ProblemCode] = &[Malformed, TooLarge, Timeout];
/// What may be wrong with the server itself.
const OF_THE_SERVER: &[ProblemCode] = &[Internal, Unavailable];

/// A call: its method and path, its name, who may make it, and the codes with which it refuses beside those that all
/// calls of that kind have.
type Call = (&'static str, &'static str, &'static str, By, &'static [ProblemCode]);

/// Every call.
const CALLS: &[Call] = &[
    ("get", "/v1/relying-party", "read_relying_party", By::RelyingParty, &[]),
    ("post", "/v1/users", "create_user", By::RelyingParty, &[Malformed]),
    ("get", "/v1/users/{id}", "read_user", By::RelyingParty, &[NotFound]),
    ("delete", "/v1/users/{id}", "delete_user", By::RelyingParty, &[NotFound]),
    ("get", "/v1/users/{id}/devices", "list_user_devices", By::RelyingParty, &[NotFound]),
    ("delete", "/v1/users/{id}/devices/{device}", "revoke_user_device", By::RelyingParty, &[NotFound]),
    ("post", "/v1/users/{id}/enrolments", "open_enrolment", By::RelyingParty, &[NotFound, TooManyEnrolments]),
    ("get", "/v1/enrolments/{id}", "read_enrolment", By::RelyingParty, &[Malformed, NotFound, TooManyWaits]),
    (
        "post",
        "/v1/enrolments/{id}/confirm",
        "confirm_enrolment",
        By::RelyingParty,
        &[Malformed, NotFound, WrongNumber, NotProposed],
    ),
    ("get", "/v1/users/{id}/authenticators", "list_authenticators", By::RelyingParty, &[NotFound]),
    ("post", "/v1/users/{id}/authenticators", "propose_authenticator", By::RelyingParty, &[Malformed, NotFound]),
    ("post", "/v1/users/{id}/backup-codes", "make_backup_codes", By::RelyingParty, &[NotFound, NoDevice]),
    (
        "post",
        "/v1/authenticators/{id}/confirm",
        "confirm_authenticator",
        By::RelyingParty,
        &[Malformed, NotFound, WrongNumber, NotProposed, Throttled, Locked],
    ),
    ("delete", "/v1/authenticators/{id}", "remove_authenticator", By::RelyingParty, &[NotFound]),
    (
        "post",
        "/v1/users/{id}/codes/verify",
        "verify_code",
        By::RelyingParty,
        &[Malformed, NotFound, NoDevice, CodeNotAllowed, AlreadyAnswered, Expired, Cancelled, Throttled, Locked],
    ),
    ("post", "/v1/moves", "create_move", By::RelyingParty, &[Malformed, NotFound, AlreadyMoving]),
    ("get", "/v1/moves", "list_moves", By::RelyingParty, &[Malformed, NotFound]),
    ("get", "/v1/moves/{id}", "read_move", By::RelyingParty, &[NotFound]),
    (
        "post",
        "/v1/moves/{id}/ask",
        "ask_old_phone",
        By::RelyingParty,
        &[NotFound, NoDevice, MoveNotNow, TooManyOpen, TooManyCreations],
    ),
    (
        "post",
        "/v1/moves/{id}/prove",
        "prove_move",
        By::RelyingParty,
        &[Malformed, NotFound, NoDevice, MoveNotNow, Throttled, Locked],
    ),
    ("post", "/v1/moves/{id}/opening-code", "open_move", By::RelyingParty, &[Malformed, NotFound, MoveNotNow]),
    (
        "post",
        "/v1/moves/{id}/offer",
        "offer_move",
        By::RelyingParty,
        &[NotFound, MoveNotNow, MoveNotProven, TooManyEnrolments],
    ),
    (
        "post",
        "/v1/moves/{id}/rehearse",
        "rehearse_move",
        By::RelyingParty,
        &[NotFound, NoDevice, MoveNotNow, TooManyOpen, TooManyCreations],
    ),
    ("post", "/v1/moves/{id}/cancel", "cancel_move", By::RelyingParty, &[NotFound, MoveNotNow]),
    (
        "post",
        "/v1/challenges",
        "create_challenge",
        By::RelyingParty,
        &[Malformed, NotFound, NoDevice, IdempotencyMismatch, TooManyOpen, TooManyCreations],
    ),
    ("get", "/v1/challenges/{id}", "read_challenge", By::RelyingParty, &[Malformed, NotFound, TooManyWaits]),
    (
        "post",
        "/v1/challenges/{id}/claim",
        "claim_challenge",
        By::RelyingParty,
        &[Malformed, NotFound, AlreadyClaimed, NotApproved],
    ),
    (
        "post",
        "/v1/challenges/{id}/cancel",
        "cancel_challenge",
        By::RelyingParty,
        &[NotFound, AlreadyAnswered, AlreadyClaimed, Expired],
    ),
    ("get", "/v1/device/challenges", "pull", By::Device, &[]),
    (
        "put",
        "/v1/device/push",
        "register_push",
        By::Device,
        &[DeviceNotInUse, TooManyRegistrations, GatewayNotConfigured, UnknownWebPushKey],
    ),
    ("get", "/v1/device/devices", "list_devices", By::Device, &[DeviceNotInUse]),
    ("delete", "/v1/device/devices/{id}", "remove_device", By::Device, &[NotFound, WrongDevice]),
    (
        "post",
        "/v1/device/enrol",
        "redeem",
        By::Signed,
        &[WrongServer, InvalidTicket, RedeemedTwice, AttestationRequired],
    ),
    (
        "post",
        "/v1/device/challenges/{id}/decision",
        "decide",
        By::Signed,
        &[NotFound, WrongChallenge, WrongNumber, DeviceNotInUse, AlreadyAnswered, Expired, Cancelled],
    ),
    ("get", "/.well-known/countersign", "read_identity", By::Anybody, &[Malformed]),
    ("get", "/healthz", "healthz", By::Anybody, &[]),
    ("get", "/readyz", "readyz", By::Anybody, &[]),
    ("get", "/metrics", "metrics", By::Anybody, &[NotFound]),
];

/// What stands in the description before its calls are added.
pub(super) fn frame() -> utoipa::openapi::OpenApi {
    Frame::openapi()
}

/// Adds to each call who may make it and how it refuses.
pub(super) fn complete(mut description: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let components = description.components.get_or_insert_default();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme("api_key", bearer);
    let proof = ApiKeyValue::with_description(PROOF_HEADER, "A JWS over this very request; PROTOCOL.md, Request proof");
    components.add_security_scheme("request_proof", SecurityScheme::ApiKey(ApiKey::Header(proof)));
    for (path, item) in &mut description.paths.paths {
        for (method, operation) in operations(item) {
            let call = CALLS.iter().find(|call| call.0 == method && call.1 == path);
            if let (Some(call), Some(operation)) = (call, operation) {
                complete_call(operation, call, &mut components.responses);
            }
        }
    }
    description
}

fn operations(item: &mut PathItem) -> [(&'static str, Option<&mut Operation>); 4] {
    [
        ("get", item.get.as_mut()),
        ("put", item.put.as_mut()),
        ("post", item.post.as_mut()),
        ("delete", item.delete.as_mut()),
    ]
}

/// What is shared by several calls: each answer under the codes that it may have.
type Shared = BTreeMap<String, RefOr<Response>>;

fn complete_call(operation: &mut Operation, &(_, path, name, by, refuses): &Call, shared: &mut Shared) {
    operation.operation_id = Some(name.to_owned());
    let caller = by.sentence();
    operation.description = Some(match operation.description.take() {
        Some(said) if !said.is_empty() => format!("{said}\n\n{caller}"),
        _ => caller.to_owned(),
    });
    operation.security = Some(match by {
        By::RelyingParty => vec![SecurityRequirement::new("api_key", Vec::<String>::new())],
        By::Device => vec![SecurityRequirement::new("request_proof", Vec::<String>::new())],
        By::Signed | By::Anybody => Vec::new(),
    });
    let of_kind: &[&[ProblemCode]] = match by {
        By::RelyingParty => &[OF_KEYS],
        By::Device => &[OF_PROOFS, OF_MESSAGES],
        By::Signed => &[OF_MESSAGES],
        By::Anybody => &[],
    };
    let of_server = if path == "/healthz" { &[Internal] } else { OF_THE_SERVER };
    let mut by_status = BTreeMap::<StatusCode, Vec<ProblemCode>>::new();
    for &code in [&[refuses], of_kind, &[OF_BODIES, of_server]].concat().into_iter().flatten() {
        let codes = by_status.entry(status_of(code)).or_default();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    for answer in operation.responses.responses.values_mut() {
        if let RefOr::T(answer) = answer {
            if answer.description.is_empty() {
                answer.description = "Done".to_owned();
            }
            if by == By::Device {
                answer.headers.insert(NONCE_HEADER.to_owned(), nonce_header().into());
            }
        }
    }
    for (status, codes) in by_status {
        let words: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
        let kind = if by == By::Device { "device" } else { "problem" };
        let name = format!("{kind}.{}", words.join("."));
        shared.entry(name.clone()).or_insert_with(|| {
            let mut answer = problem(status, &codes);
            if by == By::Device {
                answer.headers.insert(NONCE_HEADER.to_owned(), nonce_header().into());
            }
            answer.into()
        });
        operation.responses.responses.insert(status.as_str().to_owned(), Ref::from_response_name(name).into());
    }
}

fn nonce_header() -> Header {
    text_header("For the next proof; there once the proof's `kid` is known")
}

fn text_header(description: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String);
    HeaderBuilder::new().schema(Some(text)).description(Some(description)).build()
}

/// A problem document that has one of these codes.
fn problem(status: StatusCode, codes: &[ProblemCode]) -> Response {
    let words = codes.iter().map(|code| code.as_str());
    let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.clone()));
    let number = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status.as_u16()]));
    let narrowed = ObjectBuilder::new().property("status", number).property("code", code);
    let document = AllOfBuilder::new().item(Ref::from_schema_name(Problem::name())).item(narrowed);
    let described = words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let response = ResponseBuilder::new()
        .description(described)
        .content("application/problem+json", ContentBuilder::new().schema(Some(document)).build());
    match status {
        StatusCode::UNAUTHORIZED => response.header("WWW-Authenticate", text_header("What would be accepted")),
        StatusCode::TOO_MANY_REQUESTS => {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer);
            let header =
                HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds until the next one is taken"));
            response.header("Retry-After", header.build())
        }
        _ => response,
    }
    .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_one_row_and_a_name_of_its_own() {
        for (place, one) in CALLS.iter().enumerate() {
            for other in &CALLS[..place] {
                assert!((one.0, one.1) != (other.0, other.1) && one.2 != other.2, "{} {}", one.0, one.1);
            }
        }
    }
}
