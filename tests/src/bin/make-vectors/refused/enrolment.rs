//! What a server refuses of a redemption, and a device of an enrolment statement.

use super::{Refused, message, refused};
use crate::broken::Parts;
use crate::example::{Example, NOW, handle_bytes};
use countersign_protocol::challenge::CLOCK_TOLERANCE;
use countersign_protocol::enrolment::{Possession, TICKET_LIFETIME, Transcript, transcript_digest_text};
use countersign_protocol::jws;
use countersign_protocol::key::{SoftwareKey, sha256_text};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

pub fn all(example: &Example) -> Vec<Refused> {
    [transcripts(example), possessions(example), statements(example)].into_iter().flatten().collect()
}

/// A redemption of this transcript, with a possession that fits it.
fn redeem(transcript: &str, approval: &SoftwareKey) -> Value {
    let possession = Possession { transcript_sha256: transcript_digest_text(transcript) };
    let possession = jws::sign_now(&possession, approval).unwrap();
    json!({ "transcript_compact_utf8": transcript, "possession_compact_utf8": possession })
}

fn transcripts(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let (request, approval, stranger) = (&keys.request.key, &keys.approval.key, &keys.stranger.key);
    let case = |name, code, change: &dyn Fn(&mut Transcript)| {
        let transcript = example.transcript.changed(request, change);
        refused("redemption", name, redeem(&transcript, approval), code)
    };
    let one_key = example.transcript.changed(request, |t| t.approval_key = request.public());
    let by_approval = example.transcript.changed(approval, |_| ());
    let sealing_key = BASE64URL_NOPAD.encode(keys.sealing.public().as_bytes());
    let short_key = Parts::of(&example.transcript.compact).with_claims(&sealing_key, &sealing_key[..42]);
    let lifetime = i64::try_from(TICKET_LIFETIME.as_secs()).unwrap();
    let tolerance = i64::try_from(CLOCK_TOLERANCE.as_secs()).unwrap();
    vec![
        case("wrong aud", "wrong_server", &|t| t.aud = stranger.public().thumbprint()),
        case("transcript for another ticket", "malformed", &|t| t.ticket_sha256 = sha256_text(b"another")),
        case("request key of a stranger", "unknown_key", &|t| t.request_key = stranger.public()),
        case("approval key of a stranger", "unknown_key", &|t| t.approval_key = stranger.public()),
        case("a line break in the device name", "malformed", &|t| t.device_name = "Maya\nphone".into()),
        case("no device name", "malformed", &|t| t.device_name = String::new()),
        case("a space around the device name", "malformed", &|t| t.device_name = " phone".into()),
        case("a device name of 101 characters", "too_large", &|t| t.device_name = "é".repeat(101)),
        case("future", "future_time", &|t| t.iat = NOW.seconds() + tolerance + 1),
        case("older than a ticket lives", "stale_time", &|t| t.iat = NOW.seconds() - lifetime - 1),
        refused("redemption", "one key for two purposes", redeem(&one_key, request), "malformed"),
        refused("redemption", "transcript signed by the approval key", redeem(&by_approval, approval), "unknown_key"),
        refused("redemption", "sealing key too short", redeem(&short_key.signed_by(request), approval), "malformed"),
    ]
}

fn possessions(example: &Example) -> Vec<Refused> {
    let keys = &example.keys;
    let with = |possession: String| json!({ "possession_compact_utf8": possession });
    let of_another = example.possession.changed(&keys.approval.key, |p| p.transcript_sha256 = sha256_text(b"another"));
    let by_request = example.possession.changed(&keys.request.key, |_| ());
    let forged = Parts::of(&example.possession.compact).signed_by(&keys.stranger.key);
    let other_ticket = json!({ "ticket_utf8": sha256_text(b"another") });
    vec![
        refused("redemption", "another ticket", other_ticket, "malformed"),
        refused("redemption", "possession of another transcript", with(of_another), "bad_signature"),
        refused("redemption", "possession signed by the request key", with(by_request), "unknown_key"),
        refused("redemption", "possession with a bad signature", with(forged), "bad_signature"),
        refused(
            "redemption",
            "transcript instead of the possession",
            with(example.transcript.compact.clone()),
            "wrong_type",
        ),
    ]
}

fn statements(example: &Example) -> Vec<Refused> {
    const LIKE: &str = "enrolment";
    let keys = &example.keys;
    let (signing, stranger) = (&keys.signing.key, keys.stranger.key.public());
    let statement = &example.statement;
    let other_transcript = example.transcript.changed(&keys.request.key, |t| t.device_name = "Maya’s tablet".into());
    let bad_account_id = Parts::of(&statement.compact)
        .with_claims(&example.account_id.to_string(), &BASE64URL_NOPAD.encode(&handle_bytes("account of Maya")[..15]));
    vec![
        message(LIKE, "wrong iss", statement.changed(signing, |s| s.iss = stranger.thumbprint()), "wrong_server"),
        message(LIKE, "wrong aud", statement.changed(signing, |s| s.aud = stranger.thumbprint()), "wrong_device"),
        message(LIKE, "another request key", statement.changed(signing, |s| s.request_key = stranger), "wrong_device"),
        message(
            LIKE,
            "another approval key",
            statement.changed(signing, |s| s.approval_key = stranger),
            "wrong_device",
        ),
        refused(
            LIKE,
            "another transcript was sent",
            json!({ "transcript_compact_utf8": other_transcript }),
            "wrong_device",
        ),
        message(LIKE, "signed by the root", statement.changed(&keys.root.key, |_| ()), "unknown_key"),
        message(LIKE, "wrong sub: 15 bytes", bad_account_id.signed_by(signing), "malformed"),
        message(
            LIKE,
            "an organisation written from right to left",
            statement.changed(signing, |s| s.organisation = "a\u{202e}b".into()),
            "malformed",
        ),
        message(LIKE, "no account name", statement.changed(signing, |s| s.account = String::new()), "malformed"),
    ]
}
