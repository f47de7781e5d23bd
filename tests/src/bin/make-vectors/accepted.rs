//! What must be accepted: for each check its inputs, and what it gives.

mod life;

use crate::broken::Parts;
use crate::example::{Example, NOW, PULL, REGISTRATION, SEQUENCE, Signed, TIME_NONCE};
use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Decision;
use countersign_protocol::enrolment::EnrolmentLink;
use countersign_protocol::proof::{Proof, Request};
use countersign_protocol::sealing::Envelope;
use countersign_protocol::server_identity::Certificate;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::{Value, json};

/// One case that every implementation accepts.
#[derive(Serialize)]
pub struct Accepted {
    pub name: &'static str,
    check: &'static str,
    inputs: Value,
    gives: Value,
}

impl Accepted {
    /// The same without the inputs that are the usual ones.
    pub fn without(mut self, usual: &Value) -> Self {
        self.inputs.as_object_mut().unwrap().retain(|name, value| usual.get(name) != Some(value));
        self
    }
}

fn accepted(name: &'static str, check: &'static str, inputs: Value, gives: Value) -> Accepted {
    Accepted { name, check, inputs, gives }
}

pub fn all(example: &Example) -> Vec<Accepted> {
    let mut all = Vec::from(of_server(example));
    all.extend(links(example));
    all.extend(of_enrolment(example));
    all.extend(of_device(example));
    all.extend(of_challenge(example));
    all.extend(of_receipt(example));
    all.extend(in_another_form(example));
    all.extend(life::all(example));
    all
}

/// The value of `inputs` with the members of `instead` in the place of its own.
pub fn with(mut inputs: Value, instead: Value) -> Value {
    let (Value::Object(members), Value::Object(changed)) = (&mut inputs, instead) else {
        panic!("inputs are objects");
    };
    members.extend(changed);
    inputs
}

fn of_server(example: &Example) -> [Accepted; 3] {
    let root = example.keys.root.key.public();
    let certificate = json!({
        "compact_utf8": example.certificate.compact,
        "root_jwk": root,
        "now_seconds": NOW.seconds(),
    });
    let well_known = json!({
        "document_utf8": serde_json::to_string(&example.well_known()).unwrap(),
        "fingerprint_b64u": example.server_id,
        "lowest_sequence": SEQUENCE,
        "now_seconds": NOW.seconds(),
    });
    let signed_time = json!({
        "compact_utf8": example.time.compact,
        "pinned_server": example.pinned(),
        "nonce_utf8": TIME_NONCE,
        "asked_at_ms": NOW.millis() - 9_900,
        "answered_at_ms": NOW.millis() - 9_700,
    });
    [
        accepted("certificate", "certificate", certificate, json!(example.certificate.claims)),
        accepted("well_known", "well_known", well_known, json!(example.pinned())),
        accepted("signed_time", "signed_time", signed_time, json!({ "offset_ms": 10_050 })),
    ]
}

fn links(example: &Example) -> [Accepted; 3] {
    let case = |name, server_url: &str| {
        let link = EnrolmentLink { server_url: server_url.into(), ..example.link() };
        let gives = json!({
            "server_url_utf8": server_url,
            "ticket_utf8": example.ticket,
            "fingerprint_b64u": example.server_id,
        });
        accepted(name, "link", json!({ "link_utf8": link.to_text() }), gives)
    };
    [
        case("link", &example.link().server_url),
        case("link_below_a_path", "https://login.example:8443/second/factor"),
        case("link_to_this_machine", "http://127.0.0.1:8000"),
    ]
}

fn redemption_inputs(example: &Example, transcript: &str) -> Value {
    json!({
        "ticket_utf8": example.ticket,
        "transcript_compact_utf8": transcript,
        "possession_compact_utf8": example.possession.compact,
        "server_id_b64u": example.server_id,
        "now_seconds": NOW.seconds(),
    })
}

fn of_enrolment(example: &Example) -> [Accepted; 3] {
    let redemption = redemption_inputs(example, &example.transcript.compact);
    let enrolment = json!({
        "compact_utf8": example.statement.compact,
        "pinned_server": example.pinned(),
        "transcript_compact_utf8": example.transcript.compact,
    });
    let code_seed = json!({
        "compact_utf8": example.code_seed.compact,
        "pinned_server": example.pinned(),
        "device_b64u": example.device,
        "account_id_b64u": example.account_id,
        "enrolment_id_b64u": example.enrolment_id,
        "now_seconds": NOW.seconds(),
    });
    let shown = example.code_seed.claims.totp().unwrap().now(NOW);
    let codes = json!({ "code_utf8": shown.code, "seconds_left": shown.seconds_left, "next_utf8": shown.next });
    [
        accepted("redemption", "redemption", redemption, json!(example.transcript.claims)),
        accepted("enrolment", "enrolment", enrolment, json!(example.statement.claims)),
        accepted("code_seed", "code_seed", code_seed, json!({ "claims": example.code_seed.claims, "codes": codes })),
    ]
}

fn proof_inputs(example: &Example, request: Request<'_>, proof: &Signed<Proof>) -> Value {
    json!({
        "compact_utf8": proof.compact,
        "method_utf8": request.method,
        "target_utf8": request.target,
        "body_utf8": std::str::from_utf8(request.body).unwrap(),
        "request_jwk": example.keys.request.key.public(),
        "now_seconds": NOW.seconds(),
    })
}

fn decision_inputs(example: &Example, challenge: &Signed<Challenge>, decision: &Signed<Decision>) -> Value {
    json!({
        "compact_utf8": decision.compact,
        "challenge_compact_utf8": challenge.compact,
        "approval_jwk": example.keys.approval.key.public(),
        "request_jwk": example.keys.request.key.public(),
        "now_seconds": NOW.seconds(),
    })
}

fn of_device(example: &Example) -> [Accepted; 4] {
    let without_body = proof_inputs(example, PULL, &example.pull);
    let with_body = proof_inputs(example, REGISTRATION, &example.registration);
    let approve = decision_inputs(example, &example.payment, &example.approval);
    let deny = decision_inputs(example, &example.sign_in, &example.denial);
    [
        accepted("proof_without_body", "proof", without_body, json!(example.pull.claims)),
        accepted("proof_with_body", "proof", with_body, json!(example.registration.claims)),
        accepted("approve", "decision", approve, json!(example.approval.claims)),
        accepted("deny", "decision", deny, json!(example.denial.claims)),
    ]
}

fn challenge_inputs(example: &Example, compact: &str) -> Value {
    json!({
        "compact_utf8": compact,
        "pinned_server": example.pinned(),
        "device_b64u": example.device,
        "account_id_b64u": example.account_id,
        "enrolment_id_b64u": example.enrolment_id,
        "now_seconds": NOW.seconds(),
    })
}

fn envelope_inputs(example: &Example, envelope: &Envelope) -> Value {
    json!({
        "envelope_utf8": envelope.to_json(),
        "sealing_private_b64u": BASE64URL_NOPAD.encode(&*example.keys.sealing.to_bytes()),
        "server_id_b64u": example.server_id,
        "enrolment_id_b64u": example.enrolment_id,
    })
}

fn of_challenge(example: &Example) -> [Accepted; 5] {
    let (sign_in, payment) = (&example.sign_in, &example.payment);
    let envelope = envelope_inputs(example, &example.envelope);
    let mut push = with(challenge_inputs(example, ""), envelope.clone());
    for given_otherwise in ["compact_utf8", "server_id_b64u"] {
        push.as_object_mut().unwrap().remove(given_otherwise);
    }
    let without = challenge_inputs(example, &sign_in.compact);
    let with_all = challenge_inputs(example, &payment.compact);
    let to_move = challenge_inputs(example, &example.moving.compact);
    [
        accepted("challenge_without_binding_message", "challenge", without, json!(sign_in.claims)),
        accepted("challenge_with_binding_message", "challenge", with_all, json!(payment.claims)),
        accepted("challenge_to_move", "challenge", to_move, json!(example.moving.claims)),
        accepted("envelope", "envelope", envelope, json!({ "message_utf8": payment.compact })),
        accepted("push", "push", push, json!(payment.claims)),
    ]
}

fn receipt(
    example: &Example,
    name: &'static str,
    certificate: &Signed<Certificate>,
    challenge: &Signed<Challenge>,
    decision: &Signed<Decision>,
) -> Accepted {
    let inputs = json!({
        "certificate_compact_utf8": certificate.compact,
        "enrolment_certificate_compact_utf8": example.certificate.compact,
        "enrolment_compact_utf8": example.statement.compact,
        "challenge_compact_utf8": challenge.compact,
        "decision_compact_utf8": decision.compact,
        "root_jwk": example.keys.root.key.public(),
    });
    let gives = json!({
        "challenge": challenge.claims,
        "decision": decision.claims,
        "enrolment": example.statement.claims,
    });
    accepted(name, "receipt", inputs, gives)
}

fn of_receipt(example: &Example) -> [Accepted; 3] {
    let (first, next) = (&example.certificate, &example.next_certificate);
    [
        receipt(example, "receipt_of_approve", first, &example.payment, &example.approval),
        receipt(example, "receipt_of_deny", first, &example.sign_in, &example.denial),
        receipt(example, "receipt_after_a_rotation", next, &example.rotated, &example.rotated_denial),
    ]
}

/// What looks unusual and is right all the same.
fn in_another_form(example: &Example) -> [Accepted; 6] {
    let keys = &example.keys;
    let (challenge, certificate) = (&example.sign_in, &example.certificate);
    let spaced = Parts::of(&challenge.compact)
        .with_header("{", "{\n  ")
        .with_claims("{", "{ \t\r\n")
        .with_claims("Meridian", "\\u004deridian")
        .signed_by(&keys.signing.key);
    // A map orders its members by name, and so not as the claims are declared.
    let claims = serde_json::to_value(&challenge.claims).unwrap().to_string();
    let reordered = Parts { claims, ..Parts::of(&challenge.compact) }.signed_by(&keys.signing.key);
    let ahead = challenge.changed(&keys.signing.key, |c| (c.iat, c.exp) = (NOW.seconds() + 60, NOW.seconds() + 120));
    let ahead_claims = Challenge { iat: NOW.seconds() + 60, exp: NOW.seconds() + 120, ..challenge.claims.clone() };
    let last_second = json!({
        "compact_utf8": certificate.compact,
        "root_jwk": keys.root.key.public(),
        "now_seconds": certificate.claims.exp - 1,
    });
    let late = with(
        decision_inputs(example, &example.payment, &example.approval),
        json!({ "now_seconds": NOW.seconds() + 600 }),
    );
    // The possession is of the same transcript still: a signature is not part of the digest.
    let signed_again = example.transcript.changed(&keys.request.key, |_| ());
    let signed_again = redemption_inputs(example, &signed_again);
    let challenge_case = |name, compact: &str, claims: &Challenge| {
        accepted(name, "challenge", challenge_inputs(example, compact), json!(claims))
    };
    [
        challenge_case("challenge_with_white_space_and_an_escape", &spaced, &challenge.claims),
        challenge_case("challenge_with_its_members_in_another_order", &reordered, &challenge.claims),
        challenge_case("challenge_of_a_clock_sixty_seconds_ahead", &ahead, &ahead_claims),
        accepted("certificate_in_its_last_second", "certificate", last_second, json!(certificate.claims)),
        accepted(
            "redemption_with_its_transcript_signed_again",
            "redemption",
            signed_again,
            json!(example.transcript.claims),
        ),
        accepted("decision_that_arrives_late", "decision", late, json!(example.approval.claims)),
    ]
}
