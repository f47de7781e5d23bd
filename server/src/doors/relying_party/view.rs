//! What relying parties read, made of what the use cases give.

use crate::domain::methods::amr;
use crate::domain::moment::rfc3339;
use crate::domain::states::{CodeKind, Prompt, PushStage};
use crate::service::Service;
use crate::store::{AttestationRecord, AuthenticatorRecord, ChallengeRecord, DeviceRecord, EnrolmentRecord, Person};
use countersign_protocol::attestation::DeviceAttestation;
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::link::ChallengeLink;
use countersign_protocol::relying_party_api::{
    Authenticator, AuthenticatorKind, Challenge, ChallengeState, Enrolment, PolicyMode, PolicyRequest, PushState,
    UserDetails, UserDevice,
};

fn push_state(record: &ChallengeRecord) -> PushState {
    let has = |stage: PushStage| record.pushes.iter().any(|(one, _)| *one == stage);
    match record.prompt {
        Prompt::Limited => PushState::Limited,
        Prompt::Stopped => PushState::Stopped,
        _ if record.pushes.is_empty() => PushState::None,
        _ if has(PushStage::Sent) => PushState::Sent,
        _ if has(PushStage::Queued) || has(PushStage::Dropped) => PushState::Queued,
        _ if has(PushStage::Failed) => PushState::Failed,
        _ => PushState::Gone,
    }
}

/// A challenge as its relying party reads it.
pub(super) fn challenge(service: &Service, record: ChallengeRecord) -> Challenge {
    let push = push_state(&record);
    let push_reason = match push {
        PushState::Sent => None,
        _ => record.pushes.iter().rev().find_map(|(_, reason)| reason.clone()),
    };
    let amr = amr(record.state, record.settled_method);
    let pending = record.state == ChallengeState::Pending;
    let link = ChallengeLink {
        server_url: service.settings.public_url.clone(),
        challenge_id: record.id,
        fingerprint: service.keys.server_id.clone(),
    };
    Challenge {
        id: record.id,
        state: record.state,
        policy: PolicyRequest {
            mode: if record.digits.is_some() { PolicyMode::Number } else { PolicyMode::Tap },
            digits: record.digits,
        },
        number: record.number.filter(|_| pending),
        link: (pending && record.methods.push).then(|| link.to_text()),
        reported: record.reported,
        created_at: rfc3339(record.created_at),
        expires_at: rfc3339(record.expires_at),
        push,
        push_reason,
        methods: record.methods.list(),
        amr: amr.iter().map(|&word| word.to_owned()).collect(),
        receipt: record.receipt,
    }
}

/// An enrolment as its relying party reads it.
pub(super) fn enrolment(id: EnrolmentId, record: EnrolmentRecord) -> Enrolment {
    let EnrolmentRecord { state, void_reason, device_name, statement, expires_at } = record;
    Enrolment { id, state, void_reason, device_name, statement, expires_at: rfc3339(expires_at) }
}

/// A person, as a relying party reads it.
pub(super) fn user(person: Person) -> UserDetails {
    let Person { account, created_at, prompts_stopped_at } = person;
    let prompts_stopped = prompts_stopped_at.is_some();
    UserDetails { id: account.id, name: account.name, created_at: rfc3339(created_at), prompts_stopped }
}

/// A device, as a relying party reads it.
pub(super) fn device(record: DeviceRecord) -> UserDevice {
    let DeviceRecord {
        id,
        name,
        state,
        end_reason,
        enrolled_at,
        last_contact_at,
        ended_at,
        attestation: found,
        push: _,
    } = record;
    UserDevice {
        id,
        name: name.unwrap_or_default(),
        state,
        end_reason,
        enrolled_at: rfc3339(enrolled_at),
        last_contact_at: last_contact_at.map(rfc3339),
        ended_at: ended_at.map(rfc3339),
        attestation: found.map(attestation),
    }
}

fn attestation(record: AttestationRecord) -> DeviceAttestation {
    let AttestationRecord { found, at } = record;
    let (attested, doubt) = (found.ok(), found.err());
    DeviceAttestation {
        attested: attested.is_some(),
        level: attested.map(|attested| attested.level.as_str().into()),
        gated: attested.map(|attested| attested.gated),
        boot: attested.map(|attested| attested.boot.as_str().into()),
        reason: doubt.map(|doubt| doubt.as_str().into()),
        at: rfc3339(at),
    }
}

/// What makes codes, as a relying party reads it.
pub(super) fn authenticator(record: AuthenticatorRecord) -> Authenticator {
    let AuthenticatorRecord { id, name, state, kind, device, left, locked } = record;
    let kind = match (kind, &device) {
        (CodeKind::Totp, Some(_)) => AuthenticatorKind::Phone,
        (CodeKind::Totp, None) => AuthenticatorKind::Application,
        (CodeKind::BackupCodes, _) => AuthenticatorKind::BackupCodes,
    };
    Authenticator { id, name, state, kind, locked, device, left }
}
