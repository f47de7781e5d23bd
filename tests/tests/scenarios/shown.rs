//! What the core gives, in the words of the table.

use countersign_device::sentences::Sentence;
use countersign_device::{Account, AccountState, Error, Opened, Past, Prompt, Pulled, Received};
use countersign_protocol::challenge::{Challenge, Policy};
use countersign_protocol::device_api::{EnrolmentState, PushStatus};
use countersign_protocol::revocation::EndReason;
use serde_json::{Value, json};

/// A refusal of the core.
pub fn error(error: &Error) -> Value {
    let here = "malformed unknown_claim unknown_key unexpected_answer unavailable internal invalid_ticket \
                redeemed_twice device_not_in_use";
    match error {
        // As the facade tells a server's word from what this device found.
        Error::ServerRefused { code, .. }
            if code.as_str() == "malformed" || !here.split(' ').any(|one| one == code.as_str()) =>
        {
            json!({ "error": "server_refused", "server_code": code })
        }
        _ => json!({ "error": error.code() }),
    }
}

pub fn account(account: &Account) -> Value {
    let (state, code, reason) = match &account.state {
        AccountState::Proposed { confirmation_code } => ("proposed", Some(confirmation_code), None),
        AccountState::Confirmed => ("confirmed", None, None),
        AccountState::Ended { reason } => ("ended", None, Some(reason.as_str())),
    };
    json!({
        "id": account.id, "organisation": account.organisation, "account": account.account,
        "server_url": account.server_url, "device_name": account.device_name,
        "state": state, "confirmation_code": code, "end_reason": reason,
    })
}

pub fn challenge(challenge: &Challenge) -> Value {
    let (policy, digits) = match challenge.policy {
        Policy::Tap {} => ("tap", None),
        Policy::Number { digits } => ("number", Some(digits)),
    };
    let context = &challenge.context;
    json!({
        "id": challenge.challenge_id, "account_id": challenge.enrolment_id,
        "relying_party": challenge.relying_party, "account": challenge.account,
        "question": Sentence::for_question(challenge.purpose).key(), "policy": policy, "digits": digits,
        "binding_message": challenge.binding_message,
        "details": challenge.details,
        "context": {
            "ip": context.ip, "place": context.place, "browser": context.browser, "system": context.system,
        },
    })
}

pub fn prompt(prompt: &Prompt) -> Value {
    json!({
        "account": account(&prompt.account), "challenge": challenge(&prompt.challenge),
        "seconds_left": prompt.time_left.as_secs(), "answering": prompt.answering,
    })
}

pub fn past(past: &Past) -> Value {
    json!({ "challenge": challenge(&past.challenge), "outcome": past.outcome.as_str() })
}

pub fn received(received: Received) -> Value {
    let (word, challenge) = match received {
        Received::New(id) => ("new", id),
        Received::Known(id) => ("known", id),
        Received::Changed(id) => ("changed", id),
        Received::Retracted(id) => ("retracted", id),
    };
    json!({ "received": word, "challenge": challenge })
}

pub const fn enrolment_state(state: EnrolmentState) -> &'static str {
    match state {
        EnrolmentState::Proposed => "proposed",
        EnrolmentState::Confirmed => "confirmed",
        EnrolmentState::Void => "void",
    }
}

pub fn pulled(pulled: &Pulled) -> Value {
    let push = pulled.push.map(|push| match push {
        PushStatus::Registered => "registered",
        PushStatus::Gone => "gone",
        PushStatus::Outdated => "outdated",
        PushStatus::None => "none",
    });
    let refused: Vec<&str> =
        pulled.received.iter().filter_map(|one| one.err().map(|refusal| refusal.code().as_str())).collect();
    let came: Vec<Value> = pulled.received.iter().filter_map(|one| one.ok().map(received)).collect();
    json!({
        "state": enrolment_state(pulled.state), "received": came, "refused": refused, "push": push,
        "ended": pulled.ended.map(EndReason::as_str),
    })
}

pub fn notification(opened: &Opened) -> Value {
    match opened {
        Opened::Challenge { challenge: asked, .. } => json!({ "ask": challenge(asked) }),
        Opened::Retraction(retraction) => json!({ "withdraw": retraction.challenge_id }),
    }
}
