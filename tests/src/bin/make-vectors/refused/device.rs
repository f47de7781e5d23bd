//! What a server refuses of a device: request proofs and decisions.

use super::{Refused, message, refused};
use crate::broken::Parts;
use crate::example::{Example, NOW, handle_bytes};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::key::sha256_text;
use serde_json::json;

pub fn all(example: &Example) -> Vec<Refused> {
    [proofs(example), decisions(example), bindings(example)].into_iter().flatten().collect()
}

fn proofs(example: &Example) -> Vec<Refused> {
    const LIKE: &str = "proof_with_body";
    let (request, proof) = (&example.keys.request.key, &example.registration);
    let approval = &example.keys.approval.key;
    let now = NOW.seconds();
    vec![
        refused(LIKE, "of another method", json!({ "method_utf8": "POST" }), "bad_signature"),
        refused(LIKE, "of the method in lower case", json!({ "method_utf8": "put" }), "bad_signature"),
        refused(LIKE, "of another target", json!({ "target_utf8": "/v1/device/push?a=1" }), "bad_signature"),
        refused(LIKE, "of another body", json!({ "body_utf8": "{}" }), "bad_signature"),
        refused(LIKE, "of no body", json!({ "body_utf8": "" }), "bad_signature"),
        refused("proof_without_body", "of a body", json!({ "body_utf8": "{}" }), "bad_signature"),
        refused(
            "proof_without_body",
            "without the query",
            json!({ "target_utf8": "/v1/device/challenges" }),
            "bad_signature",
        ),
        refused(LIKE, "of another device", json!({ "request_jwk": example.keys.stranger.key.public() }), "unknown_key"),
        message(LIKE, "signed by the approval key", proof.changed(approval, |_| ()), "unknown_key"),
        message(LIKE, "future", proof.changed(request, |p| p.iat = now + 61), "future_time"),
        message(LIKE, "older than five minutes", proof.changed(request, |p| p.iat = now - 301), "stale_time"),
        message(LIKE, "a jti of 15 bytes", proof.changed(request, |p| p.jti = "A".repeat(20)), "malformed"),
        message(LIKE, "no jti", proof.changed(request, |p| p.jti = String::new()), "malformed"),
    ]
}

/// Answers that are wrong by themselves.
fn decisions(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let (request, approval) = (&keys.request.key, &keys.approval.key);
    let (yes, no) = (&example.approval, &example.denial);
    let said = |word: &str| {
        let claim = format!(r#""decision":"{word}""#);
        Parts::of(&yes.compact).with_claims(r#""decision":"approve""#, &claim).signed_by(approval)
    };
    let turned = Parts::of(&no.compact).with_claims(r#""deny""#, r#""approve""#);
    vec![
        message("approve", "request key signs an approve", yes.changed(request, |_| ()), "unknown_key"),
        message("deny", "approval key signs a deny", no.changed(approval, |_| ()), "unknown_key"),
        message(
            "deny",
            "deny turned into approve, signed by the request key",
            turned.clone().signed_by(request),
            "unknown_key",
        ),
        message("deny", "deny turned into approve after signing", turned.to_compact(), "unknown_key"),
        message("approve", "signed by the server", yes.changed(&keys.signing.key, |_| ()), "unknown_key"),
        message("approve", "another word", said("yes"), "malformed"),
        message("approve", "the word with a capital", said("Approve"), "malformed"),
        message("approve", "future", yes.changed(approval, |d| d.iat = NOW.seconds() + 61), "future_time"),
    ]
}

/// Good answers to another question.
fn bindings(example: &Example) -> Vec<Refused> {
    const LIKE: &str = "approve";
    let approval = &example.keys.approval.key;
    let (yes, asked) = (&example.approval, &example.payment);
    let other_id = ChallengeId::from_bytes(handle_bytes("another challenge"));
    let resigned = asked.changed(&example.keys.signing.key, |_| ());
    let too_early = asked.claims.iat - 61;
    vec![
        message(
            LIKE,
            "altered challenge digest",
            yes.changed(approval, |d| d.challenge_sha256 = sha256_text(b"altered")),
            "wrong_challenge",
        ),
        message(
            LIKE,
            "no challenge digest",
            yes.changed(approval, |d| d.challenge_sha256 = String::new()),
            "wrong_challenge",
        ),
        message(LIKE, "another challenge id", yes.changed(approval, |d| d.challenge_id = other_id), "wrong_challenge"),
        message(
            LIKE,
            "answer to another challenge",
            yes.changed(approval, |d| d.challenge_id = example.sign_in.claims.challenge_id),
            "wrong_challenge",
        ),
        refused(
            LIKE,
            "the same challenge was signed again",
            json!({ "challenge_compact_utf8": resigned }),
            "wrong_challenge",
        ),
        refused(
            LIKE,
            "another challenge was asked",
            json!({ "challenge_compact_utf8": example.sign_in.compact }),
            "wrong_challenge",
        ),
        message(LIKE, "older than the question", yes.changed(approval, |d| d.iat = too_early), "stale_time"),
    ]
}
