//! What must be accepted of a challenge's life: numbers, reports, retractions, revocations, and what goes with them.

use super::{Accepted, accepted, challenge_inputs, decision_inputs, receipt, with};
use crate::example::{Example, NOW, handle_bytes};
use countersign_protocol::device_api::Known;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::key::sha256_text;
use countersign_protocol::link::ChallengeLink;
use countersign_protocol::retraction::{Reason, Retraction};
use countersign_protocol::revocation::{EndReason, Revocation};
use serde_json::{Value, json};

pub fn all(example: &Example) -> Vec<Accepted> {
    [numbers(example), notices(example), changes(example), links(example), known(example)]
        .into_iter()
        .flatten()
        .collect()
}

fn numbers(example: &Example) -> Vec<Accepted> {
    let life = &example.life;
    let challenge = |name, challenge: &crate::example::Signed<countersign_protocol::challenge::Challenge>| {
        accepted(name, "challenge", challenge_inputs(example, &challenge.compact), json!(challenge.claims))
    };
    let typed = decision_inputs(example, &life.number, &life.typed);
    let typed_after_all = decision_inputs(example, &life.raised, &life.typed_after_all);
    let report = decision_inputs(example, &example.sign_in, &life.report);
    let long_after = with(report.clone(), json!({ "now_seconds": NOW.seconds() + 86_400 }));
    vec![
        challenge("challenge_with_a_number", &life.number),
        challenge("challenge_raised_to_a_number", &life.raised),
        accepted("approve_with_a_number", "decision", typed, json!(life.typed.claims)),
        accepted("approve_after_the_change", "decision", typed_after_all, json!(life.typed_after_all.claims)),
        accepted("report", "decision", report, json!(life.report.claims)),
        accepted("report_that_arrives_a_day_late", "decision", long_after, json!(life.report.claims)),
        receipt(example, "receipt_of_a_number", &example.certificate, &life.number, &life.typed),
        receipt(example, "receipt_of_a_report", &example.certificate, &example.sign_in, &life.report),
    ]
}

fn notices(example: &Example) -> Vec<Accepted> {
    let life = &example.life;
    let signing = &example.keys.signing.key;
    let revocation = |compact: &str| {
        let inputs = challenge_inputs(example, compact);
        with(inputs, json!({ "nonce_utf8": example.pull.claims.jti }))
    };
    let cancelled = Retraction { reason: Reason::Cancelled, ..life.retraction.claims.clone() };
    let cancelled_compact = life.retraction.changed(signing, |r| r.reason = Reason::Cancelled);
    let old = Retraction { iat: 0, ..life.retraction.claims.clone() };
    let old_compact = life.retraction.changed(signing, |r| r.iat = 0);
    let twice = Revocation { reason: EndReason::RedeemedTwice, ..life.revocation.claims.clone() };
    let twice_compact = life.revocation.changed(signing, |r| r.reason = EndReason::RedeemedTwice);
    let retracted = |name, compact: &str, claims: &Retraction| {
        accepted(name, "retraction", challenge_inputs(example, compact), json!(claims))
    };
    vec![
        retracted("retraction", &life.retraction.compact, &life.retraction.claims),
        retracted("retraction_of_a_cancelled_challenge", &cancelled_compact, &cancelled),
        retracted("retraction_of_any_age", &old_compact, &old),
        accepted("revocation", "revocation", revocation(&life.revocation.compact), json!(life.revocation.claims)),
        accepted("revocation_for_two_devices", "revocation", revocation(&twice_compact), json!(twice)),
    ]
}

/// The inputs for a challenge that comes when one of the same id is kept already.
fn change(kept: &str, comes: &str) -> Value {
    json!({ "kept_compact_utf8": kept, "compact_utf8": comes })
}

fn changes(example: &Example) -> Vec<Accepted> {
    let (tap, number) = (&example.sign_in.compact, &example.life.raised.compact);
    let case = |name, kept: &str, comes: &str, is: &str| {
        accepted(name, "kept_challenge", change(kept, comes), json!({ "is": is }))
    };
    vec![
        case("tap_that_comes_again", tap, tap, "known"),
        case("number_that_comes_again", number, number, "known"),
        case("tap_that_asks_for_a_number", tap, number, "raised"),
        case("tap_that_comes_after_its_number", number, tap, "late"),
    ]
}

fn links(example: &Example) -> Vec<Accepted> {
    let case = |name, server_url: &str| {
        let challenge_id = example.sign_in.claims.challenge_id;
        let link =
            ChallengeLink { server_url: server_url.into(), challenge_id, fingerprint: example.server_id.clone() };
        let gives = json!({
            "server_url_utf8": server_url,
            "challenge_id_b64u": challenge_id,
            "fingerprint_b64u": example.server_id,
        });
        accepted(name, "challenge_link", json!({ "link_utf8": link.to_text() }), gives)
    };
    vec![
        case("challenge_link", &example.link().server_url),
        case("challenge_link_below_a_path", "https://login.example:8443/second/factor"),
        case("challenge_link_to_this_machine", "http://[::1]:8000"),
    ]
}

fn known(example: &Example) -> Vec<Accepted> {
    let one = |name: &str, compact: &str| Known {
        challenge_id: ChallengeId::from_bytes(handle_bytes(name)),
        challenge_sha256: sha256_text(compact.as_bytes()),
    };
    let case = |name, known: &[Known]| {
        let each = |one: &Known| {
            json!({
                "challenge_id_b64u": one.challenge_id, "challenge_sha256_b64u": one.challenge_sha256,
            })
        };
        let gives = json!({ "known": known.iter().map(each).collect::<Vec<_>>() });
        (name, Known::list_to_text(known), gives)
    };
    let sign_in = one("challenge to sign in", &example.sign_in.compact);
    let payment = one("challenge to pay", &example.payment.compact);
    let both = [sign_in, payment];
    let commas = format!("{},{}", Known::list_to_text(&both[..1]), Known::list_to_text(&both[1..]));
    let (_, _, gives) = case("", &both);
    let earlier = ("known_two_of_an_earlier_phone", commas, gives);
    [case("known_none", &[]), case("known_one", &both[..1]), case("known_two", &both), earlier]
        .map(|(name, text, gives)| accepted(name, "known", json!({ "known_utf8": text }), gives))
        .into()
}
