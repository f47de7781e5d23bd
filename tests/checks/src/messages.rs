//! The checks that `countersign.json` names: each takes the inputs of a case to the function of ours that it is about.

use crate::case::{bytes, from_b64u, integer, member, text_of};
use countersign_protocol::Refusal;
use countersign_protocol::challenge::{self, Challenge, Expected};
use countersign_protocol::code_seed;
use countersign_protocol::decision::{self, DecisionKeys};
use countersign_protocol::device_api::Known;
use countersign_protocol::enrolment::{self, EnrolmentLink, Redemption, Transcript};
use countersign_protocol::key::{PublicKey, Thumbprint};
use countersign_protocol::link::ChallengeLink;
use countersign_protocol::proof::{self, Request};
use countersign_protocol::receipt::Receipt;
use countersign_protocol::sealing::{Envelope, SealedTo, SealingKey};
use countersign_protocol::server_identity::{self, PinnedServer, WellKnown};
use countersign_protocol::time::Timestamp;
use countersign_protocol::{retraction, revocation};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::str::FromStr;

/// Every check there is; each must be among the accepted cases and among the refused.
pub const CHECKS: [&str; 18] = [
    "certificate",
    "challenge",
    "challenge_link",
    "code_seed",
    "decision",
    "enrolment",
    "envelope",
    "kept_challenge",
    "known",
    "link",
    "proof",
    "push",
    "receipt",
    "redemption",
    "retraction",
    "revocation",
    "signed_time",
    "well_known",
];

/// What the check of this name gives for these inputs.
///
/// # Errors
/// The core's refusal.
pub fn run(check: &str, inputs: &Value) -> Result<Value, Refusal> {
    match check {
        "certificate" => certificate(inputs),
        "challenge" => challenge(inputs, text_of(inputs, "compact_utf8")).map(|challenge| json!(challenge)),
        "challenge_link" => challenge_link(inputs),
        "code_seed" => code_seed(inputs),
        "decision" => decision(inputs),
        "enrolment" => enrolment(inputs),
        "envelope" => {
            envelope(inputs, &parsed(inputs, "server_id_b64u")).map(|message| json!({ "message_utf8": message }))
        }
        "kept_challenge" => kept_challenge(inputs),
        "known" => known(inputs),
        "link" => link(inputs),
        "proof" => proof(inputs),
        "push" => push(inputs),
        "receipt" => receipt(inputs),
        "redemption" => redemption(inputs),
        "retraction" => retraction(inputs),
        "revocation" => revocation(inputs),
        "signed_time" => signed_time(inputs),
        "well_known" => well_known(inputs),
        other => panic!("no check is called {other}"),
    }
}

/// A member whose form is not what the case is about.
fn value<T: DeserializeOwned>(inputs: &Value, name: &str) -> T {
    serde_json::from_value(member(inputs, name).clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn parsed<T: FromStr<Err = Refusal>>(inputs: &Value, name: &str) -> T {
    text_of(inputs, name).parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn now(inputs: &Value) -> Timestamp {
    Timestamp::from_seconds(integer(inputs, "now_seconds"))
}

/// The claims of a compact JWS whose signature is not what the case is about.
fn claims<T: DeserializeOwned>(compact: &str) -> T {
    serde_json::from_slice(&from_b64u(compact.split('.').nth(1).unwrap())).unwrap()
}

fn owned(inputs: &Value, name: &str) -> String {
    text_of(inputs, name).to_owned()
}

fn certificate(inputs: &Value) -> Result<Value, Refusal> {
    let root: PublicKey = value(inputs, "root_jwk");
    server_identity::check_certificate(text_of(inputs, "compact_utf8"), &root, now(inputs)).map(|claims| json!(claims))
}

fn well_known(inputs: &Value) -> Result<Value, Refusal> {
    let document: WellKnown = serde_json::from_str(text_of(inputs, "document_utf8")).unwrap();
    let lowest_sequence = member(inputs, "lowest_sequence").as_u64().unwrap();
    document.pin(&parsed(inputs, "fingerprint_b64u"), lowest_sequence, now(inputs)).map(|server| json!(server))
}

fn signed_time(inputs: &Value) -> Result<Value, Refusal> {
    let server: PinnedServer = value(inputs, "pinned_server");
    let moment = |name| Timestamp::from_millis(integer(inputs, name));
    let (asked_at, answered_at) = (moment("asked_at_ms"), moment("answered_at_ms"));
    let compact = text_of(inputs, "compact_utf8");
    server_identity::learn_offset(compact, &server, text_of(inputs, "nonce_utf8"), asked_at, answered_at)
        .map(|offset| json!({ "offset_ms": offset }))
}

fn link(inputs: &Value) -> Result<Value, Refusal> {
    let link = EnrolmentLink::parse(text_of(inputs, "link_utf8"))?;
    assert_eq!(link.to_text(), text_of(inputs, "link_utf8"));
    Ok(json!({
        "server_url_utf8": link.server_url,
        "ticket_utf8": link.ticket.as_str(),
        "fingerprint_b64u": link.fingerprint,
    }))
}

fn redemption(inputs: &Value) -> Result<Value, Refusal> {
    let redemption = Redemption {
        ticket: owned(inputs, "ticket_utf8"),
        transcript: owned(inputs, "transcript_compact_utf8"),
        possession: owned(inputs, "possession_compact_utf8"),
        attestation: None,
    };
    let server_id: Thumbprint = parsed(inputs, "server_id_b64u");
    enrolment::check_redemption(&redemption, &server_id, now(inputs)).map(|transcript| json!(transcript))
}

fn enrolment(inputs: &Value) -> Result<Value, Refusal> {
    let compact_transcript = text_of(inputs, "transcript_compact_utf8");
    let transcript: Transcript = claims(compact_transcript);
    let server: PinnedServer = value(inputs, "pinned_server");
    enrolment::check_statement(
        text_of(inputs, "compact_utf8"),
        &server.server_id,
        &server.signing_key,
        &transcript,
        compact_transcript,
    )
    .map(|statement| json!(statement))
}

fn proof(inputs: &Value) -> Result<Value, Refusal> {
    let body = bytes(inputs, "body_utf8");
    let request =
        Request { method: text_of(inputs, "method_utf8"), target: text_of(inputs, "target_utf8"), body: &body };
    let key: PublicKey = value(inputs, "request_jwk");
    proof::check(text_of(inputs, "compact_utf8"), request, &key, now(inputs)).map(|proof| json!(proof))
}

/// Runs a check of a message against the enrolment that it is for.
fn with_expected<T>(inputs: &Value, check: impl FnOnce(&Expected<'_>) -> Result<T, Refusal>) -> Result<T, Refusal> {
    let server: PinnedServer = value(inputs, "pinned_server");
    check(&Expected {
        server_id: &server.server_id,
        signing_key: server.signing_key_at(now(inputs))?,
        device: &parsed(inputs, "device_b64u"),
        account_id: parsed(inputs, "account_id_b64u"),
        enrolment_id: parsed(inputs, "enrolment_id_b64u"),
        now: now(inputs),
    })
}

fn challenge(inputs: &Value, compact: &str) -> Result<Challenge, Refusal> {
    with_expected(inputs, |expected| challenge::open(compact, expected))
}

fn retraction(inputs: &Value) -> Result<Value, Refusal> {
    with_expected(inputs, |expected| retraction::open(text_of(inputs, "compact_utf8"), expected))
        .map(|claims| json!(claims))
}

fn revocation(inputs: &Value) -> Result<Value, Refusal> {
    let (compact, nonce) = (text_of(inputs, "compact_utf8"), text_of(inputs, "nonce_utf8"));
    with_expected(inputs, |expected| revocation::open(compact, expected, nonce)).map(|claims| json!(claims))
}

/// What a challenge is to a device that keeps one of the same id.
fn kept_challenge(inputs: &Value) -> Result<Value, Refusal> {
    let [kept, comes] = ["kept_compact_utf8", "compact_utf8"].map(|name| text_of(inputs, name));
    let [earlier, later]: [Challenge; 2] = [kept, comes].map(claims);
    assert_eq!(earlier.challenge_id, later.challenge_id);
    if kept == comes {
        Ok(json!({ "is": "known" }))
    } else if later.raises(&earlier) {
        Ok(json!({ "is": "raised" }))
    } else if earlier.raises(&later) {
        Ok(json!({ "is": "late" }))
    } else {
        Err(Refusal::WrongChallenge)
    }
}

fn challenge_link(inputs: &Value) -> Result<Value, Refusal> {
    let link = ChallengeLink::parse(text_of(inputs, "link_utf8"))?;
    assert_eq!(link.to_text(), text_of(inputs, "link_utf8"));
    Ok(json!({
        "server_url_utf8": link.server_url,
        "challenge_id_b64u": link.challenge_id,
        "fingerprint_b64u": link.fingerprint,
    }))
}

fn known(inputs: &Value) -> Result<Value, Refusal> {
    let known = Known::list_from_text(text_of(inputs, "known_utf8"))?;
    // Earlier phones put commas between the elements, and are still read.
    assert_eq!(Known::list_to_text(&known), text_of(inputs, "known_utf8").replace(',', "."));
    let each =
        |one: &Known| json!({ "challenge_id_b64u": one.challenge_id, "challenge_sha256_b64u": one.challenge_sha256 });
    Ok(json!({ "known": known.iter().map(each).collect::<Vec<_>>() }))
}

fn code_seed(inputs: &Value) -> Result<Value, Refusal> {
    let server: PinnedServer = value(inputs, "pinned_server");
    let expected = Expected {
        server_id: &server.server_id,
        signing_key: &server.signing_key,
        device: &parsed(inputs, "device_b64u"),
        account_id: parsed(inputs, "account_id_b64u"),
        enrolment_id: parsed(inputs, "enrolment_id_b64u"),
        now: now(inputs),
    };
    let seed = code_seed::open(text_of(inputs, "compact_utf8"), &expected)?;
    let shown = seed.totp()?.now(now(inputs));
    let codes = json!({ "code_utf8": shown.code, "seconds_left": shown.seconds_left, "next_utf8": shown.next });
    Ok(json!({ "claims": seed, "codes": codes }))
}

fn push(inputs: &Value) -> Result<Value, Refusal> {
    let server: PinnedServer = value(inputs, "pinned_server");
    challenge(inputs, &envelope(inputs, &server.server_id)?).map(|challenge| json!(challenge))
}

fn envelope(inputs: &Value, server_id: &Thumbprint) -> Result<String, Refusal> {
    let key = SealingKey::from_bytes(&bytes(inputs, "sealing_private_b64u")).unwrap();
    let to = SealedTo { server_id, enrolment_id: parsed(inputs, "enrolment_id_b64u") };
    Envelope::from_json(text_of(inputs, "envelope_utf8").as_bytes())?.open(&key, to)
}

fn decision(inputs: &Value) -> Result<Value, Refusal> {
    let keys = DecisionKeys { approval: value(inputs, "approval_jwk"), request: value(inputs, "request_jwk") };
    decision::check(text_of(inputs, "compact_utf8"), text_of(inputs, "challenge_compact_utf8"), &keys, now(inputs))
        .map(|decision| json!(decision))
}

fn receipt(inputs: &Value) -> Result<Value, Refusal> {
    let receipt = Receipt {
        certificate: owned(inputs, "certificate_compact_utf8"),
        enrolment_certificate: owned(inputs, "enrolment_certificate_compact_utf8"),
        enrolment: owned(inputs, "enrolment_compact_utf8"),
        challenge: owned(inputs, "challenge_compact_utf8"),
        decision: owned(inputs, "decision_compact_utf8"),
    };
    let proven = receipt.verify(&value(inputs, "root_jwk"))?;
    assert_eq!(proven.approved(proven.decision.number.as_deref()), json!(proven.decision)["decision"] == "approve");
    Ok(json!({ "challenge": proven.challenge, "decision": proven.decision, "enrolment": proven.enrolment }))
}
