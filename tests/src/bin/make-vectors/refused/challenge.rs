//! What a device refuses of a challenge, with a good signature each time.

use super::{Refused, another_server, certificate_has_ended, message, refused};
use crate::broken::{Parts, info, sealed_as_it_is};
use crate::example::{Example, NOW, handle_bytes};
use countersign_protocol::challenge::{Challenge, Detail};
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::sealing::{SealedTo, seal};
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

const LIKE: &str = "challenge_with_binding_message";

pub fn all(example: &Example) -> Vec<Refused> {
    [addresses(example), times(example), texts(example), forms(example), pushes(example)]
        .into_iter()
        .flatten()
        .collect()
}

/// The challenge with changed claims, signed as a broken or hostile server would.
fn changed(example: &Example, name: &str, code: &'static str, change: &dyn Fn(&mut Challenge)) -> Refused {
    message(LIKE, name, example.payment.changed(&example.keys.signing.key, change), code)
}

fn addresses(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let stranger = keys.stranger.key.public().thumbprint();
    let other_enrolment = EnrolmentId::from_bytes(handle_bytes("another enrolment"));
    let other_account = AccountId::from_bytes(handle_bytes("another account"));
    let case = |name, code, change: &dyn Fn(&mut Challenge)| changed(example, name, code, change);
    vec![
        case("wrong iss", "wrong_server", &|c| c.iss = stranger.clone()),
        case("wrong aud", "wrong_device", &|c| c.aud = stranger.clone()),
        case("wrong enrolment", "wrong_device", &|c| c.enrolment_id = other_enrolment),
        case("wrong sub", "wrong_account", &|c| c.sub = other_account),
        message(LIKE, "signed by the root", example.payment.changed(&keys.root.key, |_| ()), "unknown_key"),
        message(LIKE, "signed by the device", example.payment.changed(&keys.request.key, |_| ()), "unknown_key"),
        another_server(LIKE, example),
        refused(LIKE, "another device reads", json!({ "device_b64u": stranger }), "wrong_device"),
    ]
}

fn times(example: &Example) -> Vec<Refused> {
    let now = NOW.seconds();
    let (asked, ends) = (example.payment.claims.iat, example.payment.claims.exp);
    let case = |name, code, change: &dyn Fn(&mut Challenge)| changed(example, name, code, change);
    vec![
        case("expired", "expired", &|c| (c.iat, c.exp) = (now - 60, now)),
        certificate_has_ended(LIKE, example),
        refused(LIKE, "in the second of its end", json!({ "now_seconds": ends }), "expired"),
        case("future", "future_time", &|c| (c.iat, c.exp) = (now + 61, now + 121)),
        case("ends when it starts", "malformed", &|c| c.exp = asked),
        case("ends before it starts", "malformed", &|c| c.exp = asked - 1),
        case("lives longer than ten minutes", "malformed", &|c| c.exp = asked + 602),
        case("lives for ever", "malformed", &|c| c.exp = i64::MAX),
    ]
}

fn texts(example: &Example) -> Vec<Refused> {
    let case = |name, code, change: &dyn Fn(&mut Challenge)| changed(example, name, code, change);
    vec![
        case("an account written from right to left", "malformed", &|c| c.account = "ma\u{202e}ya".into()),
        case("no account name", "malformed", &|c| c.account = String::new()),
        case("a space after the relying party", "malformed", &|c| c.relying_party = "Meridian ".into()),
        case("a relying party of an empty letter", "malformed", &|c| c.relying_party = "\u{3164}".into()),
        case("an invisible relying party", "malformed", &|c| c.relying_party = "\u{200b}".into()),
        case("a line break in the binding message", "malformed", &|c| c.binding_message = Some("Pay\n0 €".into())),
        case("a line separator in the binding message", "malformed", &|c| {
            c.binding_message = Some("Pay\u{2028}0 €".into());
        }),
        case("a control character in the context", "malformed", &|c| c.context.ip = Some("\u{1b}[2J".into())),
        case("a binding message of 121 characters", "too_large", &|c| c.binding_message = Some("é".repeat(121))),
        case("a line break in a detail", "malformed", &|c| c.details[0].value = "12\n000 €".into()),
        case("a detail without a label", "malformed", &|c| c.details[0].label = String::new()),
        case("two details of one label", "malformed", &|c| c.details[1].label = c.details[0].label.clone()),
        case("a detail of 101 characters", "too_large", &|c| c.details[0].value = "é".repeat(101)),
        case("nine details", "too_large", &|c| {
            c.details = (1..=9).map(|number| Detail { label: number.to_string(), value: "1".into() }).collect();
        }),
        case("a relying party of 101 characters", "too_large", &|c| c.relying_party = "é".repeat(101)),
        case("claims of more than 1700 bytes", "too_large", &|c| fill(c)),
    ]
}

/// Every text within its own limit, and all of them together past theirs.
fn fill(challenge: &mut Challenge) {
    let longest = "語".repeat(100);
    challenge.relying_party.clone_from(&longest);
    challenge.account.clone_from(&longest);
    challenge.context.place = Some(longest.clone());
    challenge.context.browser = Some(longest.clone());
    challenge.context.system = Some(longest);
}

fn forms(example: &Example) -> Vec<Refused> {
    let cases = [
        ("unknown claim", "{", r#"{"priority":1,"#, "unknown_claim"),
        ("unknown claim in the context", r#""ip":"#, r#""port":1,"ip":"#, "unknown_claim"),
        ("duplicate claim in the context", r#""ip":"#, r#""ip":"192.0.2.7","ip":"#, "malformed"),
        ("unknown member of a detail", r#"{"label":"#, r#"{"bold":true,"label":"#, "malformed"),
        ("a detail that is a text", r#"{"label":"Amount","value":"12,00 €"}"#, r#""Amount 12,00 €""#, "malformed"),
        ("a detail that is a list", r#"{"label":"Amount","value":"12,00 €"}"#, r#"["Amount","12,00 €"]"#, "malformed"),
        ("unknown purpose", r#""policy":"#, r#""purpose":"gift","policy":"#, "malformed"),
        ("unknown policy", r#""mode":"tap""#, r#""mode":"nod""#, "malformed"),
        ("unknown member of the policy", r#""mode":"tap""#, r#""mode":"tap","also":1"#, "malformed"),
        ("a policy that is a list", r#"{"mode":"tap"}"#, r#"["tap"]"#, "malformed"),
        (
            "a context that is a list",
            r#"{"ip":"2001:db8::7","place":"Zürich","browser":"Firefox","system":"Linux"}"#,
            r#"["2001:db8::7","Zürich","Firefox","Linux"]"#,
            "malformed",
        ),
        ("no policy", r#""policy":{"mode":"tap"},"#, "", "malformed"),
        ("a text that is a number", "\"Firefox\"", "1", "malformed"),
        ("duplicate sub", r#""sub":"#, r#""sub":"AAAAAAAAAAAAAAAAAAAAAA","sub":"#, "malformed"),
        ("an escape that is no character", "Firefox", r"\ud800", "malformed"),
    ];
    let white_space = format!("{}}}", " ".repeat(1700));
    let long = Parts::of(&example.payment.compact).with_claims(r#"Linux"}"#, &format!(r#"Linux"{white_space}"#));
    let long = message(
        LIKE,
        "claims of more than 1700 bytes for white space",
        long.signed_by(&example.keys.signing.key),
        "too_large",
    );
    let case = |(name, from, to, code)| {
        let broken = Parts::of(&example.payment.compact).with_claims(from, to);
        message(LIKE, name, broken.signed_by(&example.keys.signing.key), code)
    };
    cases.map(case).into_iter().chain([long]).collect()
}

/// Challenges that open and are refused for what is inside.
fn pushes(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let (server_id, enrolment_id) = (&example.server_id, EnrolmentId::from_bytes(handle_bytes("another enrolment")));
    let other = SealedTo { server_id, enrolment_id };
    let resealed =
        seal(&example.payment.compact, &keys.stranger_sealing.public(), other, &SystemRandomness::new()).unwrap();
    let at_another_device = json!({
        "envelope_utf8": resealed.to_json(),
        "sealing_private_b64u": BASE64URL_NOPAD.encode(&*keys.stranger_sealing.to_bytes()),
        "device_b64u": keys.stranger.key.public().thumbprint(),
        "enrolment_id_b64u": enrolment_id,
    });
    let to = SealedTo { server_id, enrolment_id: example.enrolment_id };
    let sealed = |message: &str| {
        let envelope = seal(message, &keys.sealing.public(), to, &SystemRandomness::new()).unwrap();
        json!({ "envelope_utf8": envelope.to_json() })
    };
    let forged = Parts::of(&example.payment.compact).signed_by(&keys.stranger.key);
    let mut no_text = vec![0, 2, 0xff, 0xfe];
    no_text.resize(countersign_protocol::sealing::PLAINTEXT_LENGTH, 0);
    let no_text = sealed_as_it_is(&no_text, &keys.sealing.public(), &info(server_id, example.enrolment_id));
    vec![
        refused("push", "resealed to another device", at_another_device, "wrong_device"),
        refused("push", "sealed by who cannot sign", sealed(&forged), "bad_signature"),
        refused("push", "another kind of message inside", sealed(&example.statement.compact), "wrong_type"),
        refused("push", "an empty message inside", sealed(""), "malformed"),
        refused("push", "no text inside", json!({ "envelope_utf8": no_text }), "malformed"),
        certificate_has_ended("push", example),
        refused("push", "over", json!({ "now_seconds": example.payment.claims.exp }), "expired"),
    ]
}
