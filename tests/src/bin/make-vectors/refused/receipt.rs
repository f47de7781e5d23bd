//! What a relying party refuses of a receipt.

use super::{Refused, refused};
use crate::broken::Parts;
use crate::example::{Example, handle_bytes};
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::key::sha256_text;
use serde_json::{Value, json};

const LIKE: &str = "receipt_of_approve";

pub fn all(example: &Example) -> Vec<Refused> {
    [certificates(example), enrolments(example), challenges(example), decisions(example), times(example)]
        .into_iter()
        .flatten()
        .collect()
}

/// The receipt with another message in the place of this one.
fn case(name: &str, part: &str, compact: impl Into<String>, code: &'static str) -> Refused {
    let instead = Value::Object([(format!("{part}_compact_utf8"), compact.into().into())].into_iter().collect());
    refused(LIKE, name, instead, code)
}

fn certificates(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let stranger = &keys.stranger.key;
    let wrong_iss = example.certificate.changed(&keys.root.key, |c| c.iss = stranger.public().thumbprint());
    let other_key = example.certificate.changed(&keys.root.key, |c| c.signing_key = stranger.public());
    vec![
        case(
            "certificate of another root",
            "certificate",
            example.certificate.changed(stranger, |_| ()),
            "unknown_key",
        ),
        case("certificate: wrong iss", "certificate", &wrong_iss, "wrong_server"),
        case("certificate for another signing key", "certificate", other_key, "unknown_key"),
        case(
            "enrolment's certificate of another root",
            "enrolment_certificate",
            example.certificate.changed(stranger, |_| ()),
            "unknown_key",
        ),
        case("enrolment's certificate: wrong iss", "enrolment_certificate", wrong_iss, "wrong_server"),
        case(
            "the next certificate for the enrolment",
            "enrolment_certificate",
            example.next_certificate.compact.clone(),
            "unknown_key",
        ),
        case(
            "the next certificate for the challenge",
            "certificate",
            example.next_certificate.compact.clone(),
            "unknown_key",
        ),
        case("no certificate", "certificate", String::new(), "malformed"),
        refused(LIKE, "another root was pinned", json!({ "root_jwk": stranger.public() }), "unknown_key"),
    ]
}

fn enrolments(example: &Example) -> Vec<Refused> {
    let (signing, stranger) = (&example.keys.signing.key, &example.keys.stranger.key);
    let statement = &example.statement;
    let other_account = AccountId::from_bytes(handle_bytes("another account"));
    let other_enrolment = EnrolmentId::from_bytes(handle_bytes("another enrolment"));
    vec![
        case("enrolment signed by a stranger", "enrolment", statement.changed(stranger, |_| ()), "unknown_key"),
        case(
            "enrolment signed by the root",
            "enrolment",
            statement.changed(&example.keys.root.key, |_| ()),
            "unknown_key",
        ),
        case(
            "enrolment: wrong iss",
            "enrolment",
            statement.changed(signing, |s| s.iss = stranger.public().thumbprint()),
            "wrong_server",
        ),
        case(
            "enrolment of another device",
            "enrolment",
            statement.changed(signing, |s| s.aud = stranger.public().thumbprint()),
            "wrong_device",
        ),
        case(
            "another enrolment",
            "enrolment",
            statement.changed(signing, |s| s.enrolment_id = other_enrolment),
            "wrong_device",
        ),
        case(
            "enrolment of another account",
            "enrolment",
            statement.changed(signing, |s| s.sub = other_account),
            "wrong_account",
        ),
        case(
            "enrolment with another approval key",
            "enrolment",
            statement.changed(signing, |s| s.approval_key = stranger.public()),
            "unknown_key",
        ),
        case("challenge in the place of the enrolment", "enrolment", example.payment.compact.clone(), "wrong_type"),
    ]
}

fn challenges(example: &Example) -> Vec<Refused> {
    let (signing, stranger) = (&example.keys.signing.key, &example.keys.stranger.key);
    let dearer =
        |c: &mut countersign_protocol::challenge::Challenge| c.binding_message = Some("Pay 1200 € to Zoë".into());
    let altered = Parts::of(&example.payment.compact).with_claims("12 €", "1200 €");
    let wrong_iss = example.payment.changed(signing, |c| c.iss = stranger.public().thumbprint());
    vec![
        case("another challenge", "challenge", example.sign_in.compact.clone(), "wrong_challenge"),
        case(
            "altered challenge, signed again",
            "challenge",
            example.payment.changed(signing, dearer),
            "wrong_challenge",
        ),
        case("altered challenge", "challenge", altered.to_compact(), "bad_signature"),
        case("challenge signed by a stranger", "challenge", example.payment.changed(stranger, |_| ()), "unknown_key"),
        case("challenge: wrong iss", "challenge", wrong_iss, "wrong_server"),
    ]
}

fn decisions(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let (request, approval) = (&keys.request.key, &keys.approval.key);
    let yes = &example.approval;
    let other_digest = yes.changed(approval, |d| d.challenge_sha256 = sha256_text(b"altered"));
    vec![
        case("approve signed by the request key", "decision", yes.changed(request, |_| ()), "unknown_key"),
        case("approve signed by the server", "decision", yes.changed(&keys.signing.key, |_| ()), "unknown_key"),
        case("answer to another challenge", "decision", example.denial.compact.clone(), "wrong_challenge"),
        case("altered challenge digest", "decision", other_digest, "wrong_challenge"),
        case(
            "bad signature of the decision",
            "decision",
            Parts::of(&yes.compact).signed_by(&keys.stranger.key),
            "bad_signature",
        ),
        case("no decision", "decision", String::new(), "malformed"),
    ]
}

/// Moments outside the time of what vouches for them.
fn times(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let (root, signing, approval) = (&keys.root.key, &keys.signing.key, &keys.approval.key);
    let (certificate, statement) = (&example.certificate, &example.statement);
    let (asked, ends, enrolled) = (example.payment.claims.iat, example.payment.claims.exp, statement.claims.iat);
    let certified = |name, part, code, from: i64, to: i64| {
        case(name, part, certificate.changed(root, |c| (c.iat, c.exp) = (from, to)), code)
    };
    let (from, to) = (certificate.claims.iat, certificate.claims.exp);
    let enrolled_later = statement.changed(signing, |s| s.iat = asked + 1);
    let decided = |iat: i64| example.approval.changed(approval, |d| d.iat = iat);
    vec![
        certified("challenge long before its certificate", "certificate", "stale_time", asked + 601, to),
        certified("challenge after its certificate", "certificate", "future_time", from, asked - 1),
        certified("enrolment before its certificate", "enrolment_certificate", "stale_time", enrolled + 1, to),
        certified("enrolment after its certificate", "enrolment_certificate", "future_time", from, enrolled - 1),
        case("challenge before the enrolment", "enrolment", enrolled_later, "stale_time"),
        case("decision before the challenge", "decision", decided(asked - 61), "stale_time"),
        case("decision after the challenge", "decision", decided(ends + 61), "future_time"),
    ]
}
