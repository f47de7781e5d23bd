//! What is kept of a person, as JSON: a part of it to be shown, or all of it to be given to them. Never a secret: no
//! key, no seed, no address of a push network.

use super::journal;
use countersign_protocol::challenge::Challenge;
use countersign_protocol::jws::Unverified;
use countersign_protocol::time::{Clock, SystemClock, Timestamp};
use countersign_server::domain::attestation::Attested;
use countersign_server::domain::moment::rfc3339;
use countersign_server::service::people::Kept;
use countersign_server::store::{AttestationRecord, AuthenticatorRecord, DeviceRecord, MoveRecord, Question};
use serde_json::{Value, json};

fn moment(moment: Option<Timestamp>) -> Value {
    moment.map_or(Value::Null, |moment| json!(rfc3339(moment)))
}

/// A device; `ended` says whether why and since when it is over is told.
pub(super) fn device(one: &DeviceRecord, ended: bool) -> Value {
    let mut shown = json!({
        "id": one.id, "name": one.name, "state": one.state, "push": one.push, "enrolled_at": rfc3339(one.enrolled_at),
        "last_contact_at": moment(one.last_contact_at),
        "attestation": one.attestation.map(attestation), "attested_at": moment(one.attestation.map(|record| record.at)),
    });
    if ended {
        shown["ended_at"] = moment(one.ended_at);
        shown["end_reason"] = json!(one.end_reason);
    }
    shown
}

/// What was found of a device's key, in words.
fn attestation(record: AttestationRecord) -> Vec<&'static str> {
    match record.found {
        Ok(Attested { level, gated, boot }) => {
            vec![level.as_str(), if gated { "gated" } else { "not_gated" }, boot.as_str()]
        }
        Err(doubt) => vec!["not_attested", doubt.as_str()],
    }
}

fn authenticator(one: &AuthenticatorRecord) -> Value {
    let mut shown =
        json!({ "id": one.id, "name": one.name, "state": one.state, "device": one.device, "locked": one.locked });
    if let Some(left) = one.left {
        shown["left"] = json!(left);
    }
    shown
}

/// A move, as it stands at this moment.
pub(super) fn moving(one: &MoveRecord, now: Timestamp) -> Value {
    json!({
        "id": one.id, "state": one.state_at(now), "reason": one.reason, "device": one.old_device_id,
        "new_device": one.new_device_id, "proof": one.proof.map(|(proof, _)| proof),
        "created_at": rfc3339(one.created_at), "valid_from": rfc3339(one.valid_from),
        "valid_until": rfc3339(one.valid_until), "ended_at": moment(one.ended_at),
    })
}

fn question(one: &Question) -> Value {
    json!({
        "challenge": one.id, "relying_party": one.relying_party, "state": one.state, "reported": one.reported,
        "method": one.method, "created_at": rfc3339(one.created_at), "settled_at": moment(one.settled_at),
        "claimed_at": moment(one.claimed_at),
    })
}

/// What the person saw of a question: the claims that were signed for one of their devices.
fn shown_to_them(one: &Question) -> Value {
    let claims = one.shown.as_deref().and_then(|compact| {
        Unverified::parse::<Challenge>(compact).and_then(|sent| sent.claims_without_verification::<Challenge>()).ok()
    });
    claims.and_then(|claims| serde_json::to_value(claims).ok()).unwrap_or(Value::Null)
}

/// Who they are, and how they stand.
fn person(kept: &Kept) -> Value {
    let person = &kept.person;
    json!({
        "id": person.account.id, "name": person.account.name, "organisation": kept.organisation,
        "created_at": rfc3339(person.created_at), "prompts_stopped_at": moment(person.prompts_stopped_at),
        "devices": kept.devices.iter().map(|one| device(one, true)).collect::<Value>(),
        "authenticators": kept.authenticators.iter().map(authenticator).collect::<Value>(),
        "moves": kept.moves.iter().map(|one| moving(one, SystemClock.now())).collect::<Value>(),
    })
}

/// A person to be shown.
pub(super) fn shown(kept: &Kept) -> Value {
    let mut all = person(kept);
    all["last_questions"] = kept.questions.iter().map(question).collect();
    all
}

/// Everything that is kept of a person.
pub(super) fn whole(kept: &Kept) -> Value {
    let mut all = person(kept);
    let whole = |one: &Question| {
        let mut whole = question(one);
        whole["shown"] = shown_to_them(one);
        whole
    };
    all["questions"] = kept.questions.iter().map(whole).collect();
    all["journal"] = kept.journal.iter().map(journal::record).collect();
    all
}
