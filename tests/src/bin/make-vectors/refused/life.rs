//! What must be refused of a challenge's life: numbers, reports, retractions, revocations, and what goes with them.

use super::{Refused, another_server, certificate_has_ended, message, refused};
use crate::broken::{Parts, replaced};
use crate::example::{Example, NOW, handle_bytes};
use countersign_protocol::challenge::{Challenge, Policy};
use countersign_protocol::decision::Decision;
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::link::ChallengeLink;
use countersign_protocol::proof;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::retraction::Retraction;
use countersign_protocol::revocation::Revocation;
use serde_json::json;

pub fn all(example: &Example) -> Vec<Refused> {
    [
        policies(example),
        numbers(example),
        reports(example),
        retractions(example),
        revocations(example),
        changes(example),
        links(example),
        known(example),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn policies(example: &Example) -> Vec<Refused> {
    const LIKE: &str = "challenge_with_a_number";
    let signing = &example.keys.signing.key;
    let digits = |name: &str, digits| {
        message(LIKE, name, example.life.number.changed(signing, |c| c.policy = Policy::Number { digits }), "malformed")
    };
    let policy = |name: &str, policy: &str| {
        let parts = Parts::of(&example.life.number.compact).with_claims(r#"{"mode":"number","digits":6}"#, policy);
        message(LIKE, name, parts.signed_by(signing), "malformed")
    };
    vec![
        digits("no digits at all", 0),
        digits("four digits", 4),
        digits("eight digits", 8),
        policy("a policy without its digits", r#"{"mode":"number"}"#),
        policy("digits that are null", r#"{"mode":"number","digits":null}"#),
        policy("digits that are text", r#"{"mode":"number","digits":"6"}"#),
        policy("digits twice", r#"{"mode":"number","digits":6,"digits":2}"#),
        policy("digits beside a tap", r#"{"mode":"tap","digits":6}"#),
        policy("the number itself in the policy", r#"{"mode":"number","digits":6,"number":"042917"}"#),
        policy("a policy of a number that is a list", r#"["number",6]"#),
    ]
}

fn numbers(example: &Example) -> Vec<Refused> {
    let life = &example.life;
    let (request, approval) = (&example.keys.request.key, &example.keys.approval.key);
    let with = |number: Option<&str>| life.typed.changed(approval, |d| d.number = number.map(str::to_owned));
    let mut cases = Vec::new();
    for (name, number) in [
        ("no number", None),
        ("an empty number", Some("")),
        ("a number of five digits", Some("42917")),
        ("a number of seven digits", Some("0429170")),
        ("a number with a space", Some("042 17")),
        ("a number with a sign", Some("+42917")),
        ("a number of other digits", Some("٠٤٢")),
    ] {
        cases.push(message("approve_with_a_number", name, with(number), "malformed"));
        let instead = json!({ "decision_compact_utf8": with(number) });
        cases.push(refused("receipt_of_a_number", name, instead, "malformed"));
    }
    let text = Parts::of(&life.typed.compact).with_claims(r#""042917""#, "42917").signed_by(approval);
    let asked_for_none = example.approval.changed(approval, |d| d.number = Some("042917".into()));
    let no = example.denial.changed(request, |d| d.number = Some("042917".into()));
    let tapped = example.approval.changed(approval, |d| {
        d.challenge_id = life.raised.claims.challenge_id;
        d.challenge_sha256 = countersign_protocol::challenge::digest(&example.sign_in.compact);
    });
    cases.extend([
        message("approve_with_a_number", "a number that is no text", text, "malformed"),
        message(
            "approve_with_a_number",
            "signed by the request key",
            life.typed.changed(request, |_| ()),
            "unknown_key",
        ),
        message("approve", "a number where none is asked for", asked_for_none.clone(), "malformed"),
        refused(
            "receipt_of_approve",
            "a number where none is asked for",
            json!({ "decision_compact_utf8": asked_for_none }),
            "malformed",
        ),
        message("deny", "a number in a deny", no, "malformed"),
        message("approve_after_the_change", "a yes to the tap that it was", tapped, "wrong_challenge"),
    ]);
    cases
}

fn reports(example: &Example) -> Vec<Refused> {
    const LIKE: &str = "report";
    let keys = &example.keys;
    let report = &example.life.report;
    let changed = |change: &dyn Fn(&mut Decision)| report.changed(&keys.request.key, change);
    let turned = Parts::of(&report.compact).with_claims(r#""report""#, r#""approve""#).signed_by(&keys.request.key);
    let other_id = ChallengeId::from_bytes(handle_bytes("another challenge"));
    let asked = example.sign_in.claims.iat;
    vec![
        message(LIKE, "signed by the approval key", report.changed(&keys.approval.key, |_| ()), "unknown_key"),
        message(LIKE, "signed by a stranger", report.changed(&keys.stranger.key, |_| ()), "unknown_key"),
        message(LIKE, "turned into an approve", turned, "unknown_key"),
        message(LIKE, "a number in a report", changed(&|d| d.number = Some("07".into())), "malformed"),
        message(LIKE, "of another challenge", changed(&|d| d.challenge_id = other_id), "wrong_challenge"),
        message(LIKE, "of other bytes", changed(&|d| d.challenge_sha256 = "A".repeat(43)), "wrong_challenge"),
        message(LIKE, "future", changed(&|d| d.iat = NOW.seconds() + 61), "future_time"),
        message(LIKE, "older than the question", changed(&|d| d.iat = asked - 61), "stale_time"),
        refused(
            "receipt_of_a_report",
            "signed by the approval key",
            json!({ "decision_compact_utf8": report.changed(&keys.approval.key, |_| ()) }),
            "unknown_key",
        ),
    ]
}

fn retractions(example: &Example) -> Vec<Refused> {
    const LIKE: &str = "retraction";
    let keys = &example.keys;
    let retraction = &example.life.retraction;
    let stranger = keys.stranger.key.public().thumbprint();
    let other_enrolment = EnrolmentId::from_bytes(handle_bytes("another enrolment"));
    let other_account = AccountId::from_bytes(handle_bytes("another account"));
    let case = |name, code, change: &dyn Fn(&mut Retraction)| {
        message(LIKE, name, retraction.changed(&keys.signing.key, change), code)
    };
    let form = |name, from: &str, to: &str, code| {
        message(LIKE, name, Parts::of(&retraction.compact).with_claims(from, to).signed_by(&keys.signing.key), code)
    };
    let other_challenge = ChallengeId::from_bytes(handle_bytes("another challenge"));
    let altered = Parts::of(&retraction.compact)
        .with_claims(&retraction.claims.challenge_id.to_string(), &other_challenge.to_string());
    vec![
        case("wrong iss", "wrong_server", &|r| r.iss = stranger.clone()),
        case("wrong aud", "wrong_device", &|r| r.aud = stranger.clone()),
        case("wrong enrolment", "wrong_device", &|r| r.enrolment_id = other_enrolment),
        case("wrong sub", "wrong_account", &|r| r.sub = other_account),
        message(LIKE, "of another challenge after signing", altered.to_compact(), "bad_signature"),
        message(LIKE, "signed by the root", retraction.changed(&keys.root.key, |_| ()), "unknown_key"),
        message(LIKE, "signed by the device", retraction.changed(&keys.request.key, |_| ()), "unknown_key"),
        message(LIKE, "a challenge in its place", example.sign_in.compact.clone(), "wrong_type"),
        message(LIKE, "a revocation in its place", example.life.revocation.compact.clone(), "wrong_type"),
        form("another reason", r#""answered""#, r#""expired""#, "malformed"),
        form("no reason", r#""reason":"answered","#, "", "malformed"),
        form("unknown claim", "{", r#"{"exp":1800000060,"#, "unknown_claim"),
        refused(LIKE, "another device reads", json!({ "device_b64u": stranger }), "wrong_device"),
        certificate_has_ended(LIKE, example),
    ]
}

fn revocations(example: &Example) -> Vec<Refused> {
    const LIKE: &str = "revocation";
    let keys = &example.keys;
    let revocation = &example.life.revocation;
    let stranger = keys.stranger.key.public().thumbprint();
    let other_enrolment = EnrolmentId::from_bytes(handle_bytes("another enrolment"));
    let other_account = AccountId::from_bytes(handle_bytes("another account"));
    let case = |name, code, change: &dyn Fn(&mut Revocation)| {
        message(LIKE, name, revocation.changed(&keys.signing.key, change), code)
    };
    let form = |name, from: &str, to: &str, code| {
        message(LIKE, name, Parts::of(&revocation.compact).with_claims(from, to).signed_by(&keys.signing.key), code)
    };
    let other_request = json!({ "nonce_utf8": proof::new_jti(&SystemRandomness::new()) });
    let turned = Parts::of(&revocation.compact).with_claims(r#""revoked""#, r#""expired""#);
    vec![
        case("wrong iss", "wrong_server", &|r| r.iss = stranger.clone()),
        case("wrong aud", "wrong_device", &|r| r.aud = stranger.clone()),
        case("wrong enrolment", "wrong_device", &|r| r.enrolment_id = other_enrolment),
        case("wrong sub", "wrong_account", &|r| r.sub = other_account),
        case("wrong nonce", "stale_time", &|r| r.nonce = "A".repeat(22)),
        case("no nonce", "stale_time", &|r| r.nonce = String::new()),
        refused(LIKE, "the answer to another request", other_request, "stale_time"),
        refused(LIKE, "another device reads", json!({ "device_b64u": stranger }), "wrong_device"),
        another_server(LIKE, example),
        certificate_has_ended(LIKE, example),
        message(LIKE, "another reason after signing", turned.to_compact(), "bad_signature"),
        message(LIKE, "signed by the root", revocation.changed(&keys.root.key, |_| ()), "unknown_key"),
        message(LIKE, "a retraction in its place", example.life.retraction.compact.clone(), "wrong_type"),
        form("another reason", r#""revoked""#, r#""tired""#, "malformed"),
        form("unknown claim", "{", r#"{"exp":1800000060,"#, "unknown_claim"),
    ]
}

/// Challenges that come in the place of one that is kept and do more than ask for a number.
fn changes(example: &Example) -> Vec<Refused> {
    const LIKE: &str = "tap_that_asks_for_a_number";
    let signing = &example.keys.signing.key;
    let (tap, raised) = (&example.sign_in, &example.life.raised);
    let case =
        |name, change: &dyn Fn(&mut Challenge)| message(LIKE, name, raised.changed(signing, change), "wrong_challenge");
    let six = raised.changed(signing, |c| c.policy = Policy::Number { digits: 6 });
    vec![
        message(LIKE, "the same claims signed again", tap.changed(signing, |_| ()), "wrong_challenge"),
        case("another text beside the number", &|c| c.binding_message = Some("Pay 12 € to Zoë".into())),
        case("another account name beside the number", &|c| c.account = "noor".into()),
        case("another context beside the number", &|c| c.context.ip = Some("192.0.2.7".into())),
        case("a later end beside the number", &|c| c.exp += 1),
        case("a later start beside the number", &|c| c.iat += 1),
        refused(
            "number_that_comes_again",
            "more digits than before",
            json!({ "compact_utf8": six }),
            "wrong_challenge",
        ),
        refused(
            "number_that_comes_again",
            "the same number signed again",
            json!({ "compact_utf8": raised.changed(signing, |_| ()) }),
            "wrong_challenge",
        ),
    ]
}

fn links(example: &Example) -> Vec<Refused> {
    let (challenge_id, fingerprint) = (example.sign_in.claims.challenge_id, example.server_id.clone());
    let good = ChallengeLink { server_url: "https://login.example".into(), challenge_id, fingerprint }.to_text();
    let id = challenge_id.to_string();
    let changed = |from: &str, to: &str| replaced(&good, from, to);
    let cases = [
        ("plain http", changed("https://", "http://"), "malformed"),
        ("another scheme", changed("https://", "countersign://"), "malformed"),
        ("a user name", changed("https://", "https://maya@"), "malformed"),
        ("a host that only starts like this machine", changed("https://login.", "http://127.0.0.1."), "malformed"),
        ("an enrolment's path", changed("/challenge", "/enrol"), "malformed"),
        ("another path", changed("/challenge", "/challenged"), "malformed"),
        ("a slash after the path", changed("/challenge", "/challenge/"), "malformed"),
        ("a query", changed("#", "?n=07#"), "malformed"),
        ("an empty query", changed("#", "?#"), "malformed"),
        ("a ticket in the place of the challenge", changed("#c=", "#t="), "malformed"),
        ("the number behind", format!("{good}&n=07"), "malformed"),
        ("the number between", changed("&k=", "&n=07&k="), "malformed"),
        (
            "the parts in another order",
            format!("https://login.example/challenge#k={}&c={id}", example.server_id),
            "malformed",
        ),
        ("a challenge of 21 characters", changed(&id, &id[..21]), "malformed"),
        ("no challenge", changed(&id, ""), "malformed"),
        ("a padded challenge", changed(&id, &format!("{id}==")), "malformed"),
        ("a shorter fingerprint", good[..good.len() - 1].to_owned(), "malformed"),
        ("no fragment", changed("#", "/"), "malformed"),
        ("empty", String::new(), "malformed"),
        ("longer than 2048 bytes", format!("{good}{}", "A".repeat(2048)), "too_large"),
    ];
    cases.map(|(name, link, code)| refused("challenge_link", name, json!({ "link_utf8": link }), code)).into()
}

fn known(example: &Example) -> Vec<Refused> {
    let (id, digest) = (example.sign_in.claims.challenge_id.to_string(), "A".repeat(43));
    let good = format!("{id}.{digest}");
    let cases = [
        ("no digest", id.clone()),
        ("an empty digest", format!("{id}.")),
        ("a digest of 42 characters", good[..good.len() - 1].to_owned()),
        ("a digest of 44 characters", format!("{good}A")),
        ("an id of 21 characters", good[1..].to_owned()),
        ("no id", format!(".{digest}")),
        ("a comma at the end", format!("{good},")),
        ("a comma at the start", format!(",{good}")),
        ("two commas", format!("{good},,{good}")),
        ("a space after the comma", format!("{good}, {good}")),
        ("another sign between", format!("{good};{good}")),
        ("the parts in another order", format!("{digest}.{id}")),
    ];
    cases.map(|(name, text)| refused("known_one", name, json!({ "known_utf8": text }), "malformed")).into()
}
