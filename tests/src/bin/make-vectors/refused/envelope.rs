//! What a device refuses of a sealed message before it reads what is inside.

use super::{Refused, refused};
use crate::broken::{info, replaced, sealed_as_it_is};
use crate::example::{Example, handle_bytes};
use countersign_protocol::handle::{EnrolmentId, PushId};
use countersign_protocol::sealing::{MAX_ENVELOPE_LENGTH, PLAINTEXT_LENGTH};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

const LIKE: &str = "envelope";

pub fn all(example: &Example) -> Vec<Refused> {
    [recipients(example), ciphertexts(example), paddings(example), forms(example)].into_iter().flatten().collect()
}

fn envelope(text: &str) -> Value {
    json!({ "envelope_utf8": text })
}

fn recipients(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let other_key = BASE64URL_NOPAD.encode(&*keys.stranger_sealing.to_bytes());
    let other_server = keys.stranger.key.public().thumbprint();
    let other_enrolment = EnrolmentId::from_bytes(handle_bytes("another enrolment"));
    let other_push = PushId::from_bytes(handle_bytes("another push")).to_string();
    let renamed = replaced(&example.envelope.to_json(), &example.envelope.push_id().to_string(), &other_push);
    vec![
        refused(LIKE, "opened with another key", json!({ "sealing_private_b64u": other_key }), "cannot_open"),
        refused(LIKE, "sealed for another server", json!({ "server_id_b64u": other_server }), "cannot_open"),
        refused(LIKE, "sealed for another enrolment", json!({ "enrolment_id_b64u": other_enrolment }), "cannot_open"),
        refused(LIKE, "renamed", envelope(&renamed), "cannot_open"),
    ]
}

/// The envelope with other sealed bytes.
fn resealed(example: &Example, change: &dyn Fn(&mut Vec<u8>)) -> Value {
    let good = example.envelope.to_json();
    let before = sealed_text(&good);
    let mut sealed = BASE64URL_NOPAD.decode(before.as_bytes()).unwrap();
    change(&mut sealed);
    envelope(&replaced(&good, before, &BASE64URL_NOPAD.encode(&sealed)))
}

fn sealed_text(envelope: &str) -> &str {
    envelope.split_once(r#""sealed":""#).unwrap().1.trim_end_matches("\"}")
}

fn ciphertexts(example: &Example) -> Vec<Refused> {
    let case = |name, code, change: &dyn Fn(&mut Vec<u8>)| refused(LIKE, name, resealed(example, change), code);
    vec![
        case("a bit of the encapsulated key changed", "cannot_open", &|sealed| sealed[0] ^= 1),
        case("a bit of the ciphertext changed", "cannot_open", &|sealed| sealed[32] ^= 1),
        case("a bit of the tag changed", "cannot_open", &|sealed| *sealed.last_mut().unwrap() ^= 1),
        case("an encapsulated key of zeros", "cannot_open", &|sealed| sealed[..32].fill(0)),
        case("truncated by one byte", "wrong_size", &|sealed| sealed.truncate(sealed.len() - 1)),
        case("one byte longer", "wrong_size", &|sealed| sealed.push(0)),
        case("nothing sealed", "wrong_size", &|sealed| sealed.clear()),
    ]
}

fn paddings(example: &Example) -> Vec<Refused> {
    let message = b"halt";
    let padded = |length: [u8; 2], message: &[u8]| {
        let mut plaintext = [length.as_slice(), message].concat();
        plaintext.resize(PLAINTEXT_LENGTH, 0);
        plaintext
    };
    let mut last_byte_set = padded([0, 4], message);
    last_byte_set[PLAINTEXT_LENGTH - 1] = 1;
    let one_too_many = u16::try_from(PLAINTEXT_LENGTH - 1).unwrap().to_be_bytes();
    let cases = [
        ("padding not zero", last_byte_set),
        ("padding not zero after a length too short", padded([0, 3], message)),
        ("a length past the end", padded([0xff, 0xff], message)),
        ("a length past the end by one", padded(one_too_many, message)),
        ("not UTF-8", padded([0, 2], &[0xff, 0xfe])),
    ];
    let info = info(&example.server_id, example.enrolment_id);
    let case = |(name, plaintext): (&str, Vec<u8>)| {
        let text = sealed_as_it_is(&plaintext, &example.keys.sealing.public(), &info);
        refused(LIKE, name, envelope(&text), "malformed")
    };
    cases.map(case).into()
}

fn forms(example: &Example) -> Vec<Refused> {
    let good = example.envelope.to_json();
    let id = example.envelope.push_id().to_string();
    let sealed = sealed_text(&good);
    let last = char::from(sealed.as_bytes()[sealed.len() - 1] + 1);
    let trailing_bit = format!("{}{last}", &sealed[..sealed.len() - 1]);
    let spaces = " ".repeat(MAX_ENVELOPE_LENGTH);
    let changed = |from: &str, to: &str| replaced(&good, from, to);
    let cases = [
        ("another version", changed(r#""v":1"#, r#""v":2"#), "malformed"),
        ("the version as text", changed(r#""v":1"#, r#""v":"1""#), "malformed"),
        ("no version", changed(r#""v":1,"#, ""), "malformed"),
        ("unknown claim", changed(r#""v":1"#, r#""v":1,"account":"maya""#), "unknown_claim"),
        ("duplicate claim", changed(r#""v":1"#, r#""v":1,"v":1"#), "malformed"),
        ("a list", format!(r#"[1,"{id}","{sealed}"]"#), "malformed"),
        ("an id of 21 characters", changed(&id, &id[1..]), "malformed"),
        ("an id with a trailing bit", changed(&id, "AAAAAAAAAAAAAAAAAAAAAB"), "malformed"),
        ("not canonical base64: a trailing bit is set", changed(sealed, &trailing_bit), "malformed"),
        ("not canonical base64: padded", changed(sealed, &format!("{sealed}==")), "malformed"),
        ("truncated JSON", good[..good.len() - 1].to_owned(), "malformed"),
        ("followed by text", format!("{good} x"), "malformed"),
        ("longer than 4096 bytes", format!("{good}{spaces}"), "too_large"),
    ];
    cases.map(|(name, text, code)| refused(LIKE, name, envelope(&text), code)).into()
}
