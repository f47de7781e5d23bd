//! Writes `tests/vectors/countersign.json`: every message of the protocol once, and what must be refused.
//!
//! For use when the protocol changes. The keys in the file are kept; signatures and sealings are fresh each time, so
//! between two changes the file is verified and not written again.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a generator that cannot go on stops, and its author reads where"
)]

mod accepted;
mod broken;
mod example;
mod keys;
mod life;
mod refused;

use accepted::Accepted;
use countersign_protocol::enrolment::{confirmation_code, transcript_digest};
use countersign_protocol::key::sha256;
use data_encoding::HEXLOWER;
use example::{Example, NOW};
use refused::Refused;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::Path;

/// The members in the order in which a person reads them.
#[derive(Serialize)]
struct File {
    source: &'static str,
    now_seconds: i64,
    keys: Value,
    handles: Value,
    messages: Vec<Message>,
    confirmation: Value,
    sealing: Value,
    usual: Value,
    accepted: Vec<Accepted>,
    refused: Vec<Refused>,
}

/// One signed message, taken apart.
#[derive(Serialize)]
struct Message {
    name: &'static str,
    signed_by: &'static str,
    header_utf8: String,
    claims_utf8: String,
    compact_utf8: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/countersign.json");
    let previous: Option<Value> = std::fs::read(&path).ok().map(|text| serde_json::from_slice(&text).unwrap());
    let example = Example::new(keys::Keys::kept_or_fresh(previous.as_ref())).await;
    let file = File {
        source: "Countersign protocol, version 1: a worked example and its refusals",
        now_seconds: NOW.seconds(),
        keys: example.keys.to_json(),
        handles: handles(&example),
        messages: messages(&example),
        confirmation: confirmation(&example),
        sealing: sealing(&example),
        usual: usual(&example),
        accepted: accepted::all(&example).into_iter().map(|case| case.without(&usual(&example))).collect(),
        refused: refused::all(&example),
    };
    let mut text = serde_json::to_string_pretty(&file).unwrap();
    text.push('\n');
    std::fs::write(&path, text).unwrap();
}

fn handles(example: &Example) -> Value {
    json!({
        "server_id_b64u": example.server_id,
        "device_b64u": example.device,
        "account_id_b64u": example.account_id,
        "enrolment_id_b64u": example.enrolment_id,
        "ticket_utf8": example.ticket,
    })
}

/// The inputs that are the same wherever they are needed.
fn usual(example: &Example) -> Value {
    json!({
        "account_id_b64u": example.account_id,
        "approval_jwk": example.keys.approval.key.public(),
        "device_b64u": example.device,
        "enrolment_id_b64u": example.enrolment_id,
        "pinned_server": example.pinned(),
        "request_jwk": example.keys.request.key.public(),
        "root_jwk": example.keys.root.key.public(),
    })
}

fn messages(example: &Example) -> Vec<Message> {
    let all = [
        ("certificate", "root", &example.certificate.compact),
        ("next_certificate", "root", &example.next_certificate.compact),
        ("signed_time", "signing", &example.time.compact),
        ("transcript", "request", &example.transcript.compact),
        ("possession", "approval", &example.possession.compact),
        ("enrolment", "signing", &example.statement.compact),
        ("code_seed", "signing", &example.code_seed.compact),
        ("proof_without_body", "request", &example.pull.compact),
        ("proof_with_body", "request", &example.registration.compact),
        ("challenge_without_binding_message", "signing", &example.sign_in.compact),
        ("challenge_with_binding_message", "signing", &example.payment.compact),
        ("challenge_to_move", "signing", &example.moving.compact),
        ("challenge_after_a_rotation", "next_signing", &example.rotated.compact),
        ("approve", "approval", &example.approval.compact),
        ("deny", "request", &example.denial.compact),
        ("deny_after_a_rotation", "request", &example.rotated_denial.compact),
        ("challenge_with_a_number", "signing", &example.life.number.compact),
        ("challenge_raised_to_a_number", "signing", &example.life.raised.compact),
        ("approve_with_a_number", "approval", &example.life.typed.compact),
        ("report", "request", &example.life.report.compact),
        ("retraction", "signing", &example.life.retraction.compact),
        ("revocation", "signing", &example.life.revocation.compact),
    ];
    let taken_apart = |(name, signed_by, compact): (&'static str, &'static str, &String)| {
        let parts = broken::Parts::of(compact);
        Message { name, signed_by, header_utf8: parts.header, claims_utf8: parts.claims, compact_utf8: compact.clone() }
    };
    all.map(taken_apart).into()
}

/// The code with every step of its derivation.
fn confirmation(example: &Example) -> Value {
    let transcript = transcript_digest(&example.transcript.compact);
    let (signed, _) = example.transcript.compact.rsplit_once('.').unwrap();
    let label = "countersign confirmation v1\n";
    let input = [label.as_bytes(), &transcript, example.account_id.as_bytes()].concat();
    json!({
        "label_utf8": label,
        "transcript_signed_part_utf8": signed,
        "transcript_sha256_hex": HEXLOWER.encode(&transcript),
        "account_id_b64u": example.account_id,
        "input_hex": HEXLOWER.encode(&input),
        "digest_hex": HEXLOWER.encode(&sha256(&input)),
        "code_utf8": confirmation_code(&example.transcript.compact, example.account_id),
    })
}

/// The sealing with the texts that it binds, spelled out.
fn sealing(example: &Example) -> Value {
    let message = &example.payment.compact;
    json!({
        "kem_id": 32,
        "kdf_id": 1,
        "aead_id": 3,
        "info_utf8": broken::info(&example.server_id, example.enrolment_id),
        "aad_utf8": example.envelope.push_id(),
        "message_utf8": message,
        "length_prefix_hex": HEXLOWER.encode(&u16::try_from(message.len()).unwrap().to_be_bytes()),
        "plaintext_length": countersign_protocol::sealing::PLAINTEXT_LENGTH,
        "sealed_length": countersign_protocol::sealing::SEALED_LENGTH,
        "envelope_utf8": example.envelope.to_json(),
    })
}
