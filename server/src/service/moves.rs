//! A move: a person's new phone takes over from the old one, on a page where they are signed in.
//!
//! Being signed in is the first half. The second is the old phone's YES, or a code that the person holds. Only then is
//! there a link; the new phone that takes it shows its six digits, and then that it can answer. That answer is the
//! switch: until then the old phone goes on, from then on it is ended.

use super::authenticate::RelyingParty;
use super::codes::{self, Came, Checked};
use super::create;
use super::{Service, enrol, names};
use crate::domain::moment::from_rfc3339;
use crate::domain::opening_code::OpeningCode;
use crate::domain::refused::Refused;
use crate::domain::rows::OrganisationRow;
use crate::domain::states::CodeKind;
use crate::keys::sealed;
use crate::store::{CreatedMove, MoveFilter, MoveRecord, NewMove, Offered, OpeningCodeTried, Store};
use countersign_protocol::challenge::Purpose;
use countersign_protocol::handle::AccountId;
use countersign_protocol::handle::{ChallengeId, MoveId};
use countersign_protocol::relying_party_api::{MoveProof, MoveRequest, MoveState};
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// The longest that a move may be made, in time.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long it may be where nobody says.
const USUAL: Duration = Duration::from_secs(7 * 24 * 3600);
/// The most that one list has.
pub const PAGE: usize = 100;
/// Digits of the number that the page shows and the person types on the old phone: nobody else sees the page.
const DIGITS: u8 = 6;

/// Between which times a move can be made, where these were asked for.
///
/// # Errors
/// `malformed` for times that are over, or too far apart.
pub(super) fn between(
    now: Timestamp,
    [from, until]: [Option<Timestamp>; 2],
) -> Result<(Timestamp, Timestamp), Refused> {
    let valid_from = from.unwrap_or(now);
    let valid_until = until.unwrap_or(valid_from + USUAL);
    if valid_until <= valid_from.max(now) || valid_until > valid_from + LONGEST {
        return Err(Refused::malformed("valid_until is later than now and valid_from, and 30 days after it at most."));
    }
    Ok((valid_from, valid_until))
}

/// Makes a move.
///
/// # Errors
/// `malformed` for a reason that no line would show and for times that are none, over, or too far apart; `not_found`
/// for a person or a phone in use that is not here; `already_moving`; `unavailable`.
pub async fn create(service: &Service, by: &RelyingParty, request: MoveRequest) -> Result<MoveRecord, Refused> {
    let account = service.store.account(by.organisation(), request.user_id).await?.ok_or(Refused::NotFound("user"))?;
    let now = service.now();
    let read = |text: &str| from_rfc3339(text).ok_or_else(|| Refused::malformed("A time is written as in RFC 3339."));
    let asked =
        [request.valid_from.as_deref().map(read).transpose()?, request.valid_until.as_deref().map(read).transpose()?];
    let (valid_from, valid_until) = between(now, asked)?;
    let id = MoveId::random(&*service.randomness);
    let new = NewMove {
        id,
        relying_party: Some(by.row()),
        account: account.row_id,
        old_device: request.device_id,
        reason: names::typed(&request.reason)?,
        valid_from,
        valid_until,
        idempotency_key: None,
    };
    match service.store.create_move(by.actor(), new).await? {
        CreatedMove::Yes => read_move(service, by, id).await,
        CreatedMove::NoDevice => Err(Refused::NotFound("device")),
        CreatedMove::AlreadyMoving | CreatedMove::Known(_) => Err(Refused::AlreadyMoving),
        CreatedMove::NoAccount => Err(Refused::NotFound("user")),
    }
}

/// A move as it stands now.
///
/// # Errors
/// `not_found`, `unavailable`.
pub async fn read_move(service: &Service, by: &RelyingParty, id: MoveId) -> Result<MoveRecord, Refused> {
    service.store.moving(by.organisation(), id, service.now()).await?.ok_or(Refused::NotFound("move"))
}

/// Which moves of an organisation are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct MovesAsked {
    /// Those of this person.
    pub user: Option<AccountId>,
    /// Those in this state.
    pub state: Option<MoveState>,
    /// Those that go on, and can be made at this moment or before it.
    pub due: Option<Timestamp>,
    /// Those that were made before this one.
    pub before: Option<MoveId>,
}

/// Moves of an organisation, the newest first, [`PAGE`] at most; true where there are more.
///
/// # Errors
/// `not_found` for a person who is not here; `unavailable`.
pub(super) async fn page(
    store: &Store,
    organisation: OrganisationRow,
    asked: MovesAsked,
    now: Timestamp,
) -> Result<(Vec<MoveRecord>, bool), Refused> {
    let MovesAsked { user, state, due, before } = asked;
    let account = match user {
        Some(user) => Some(store.account(organisation, user).await?.ok_or(Refused::NotFound("user"))?.row_id),
        None => None,
    };
    let filter = MoveFilter { account, state, due, before };
    let mut found = store.moves_of(organisation, filter, now, PAGE + 1).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    Ok((found, more))
}

/// Moves of a relying party's organisation, as [`page`].
///
/// # Errors
/// As there.
pub async fn list(service: &Service, by: &RelyingParty, asked: MovesAsked) -> Result<(Vec<MoveRecord>, bool), Refused> {
    page(&service.store, by.organisation(), asked, service.now()).await
}

/// A move of the relying party about which something can be done now.
async fn due(service: &Service, by: &RelyingParty, id: MoveId) -> Result<MoveRecord, Refused> {
    let found = read_move(service, by, id).await?;
    if found.is_due(service.now()) { Ok(found) } else { Err(Refused::MoveNotNow(found.state)) }
}

/// Asks the old phone whether another one may take over.
///
/// # Errors
/// `move_not_now` when the move is over, has its second half, or its time has not come; `no_device` when the old phone
/// is not in use any more; those of a question.
pub async fn ask_old_phone(service: &Service, by: &RelyingParty, id: MoveId) -> Result<ChallengeId, Refused> {
    let found = due(service, by, id).await?;
    let question = create::OfMove { moving: found.row_id, purpose: Purpose::Move, digits: Some(DIGITS) };
    create::ask_one(service, by, (found.account_id, found.old_device), question).await
}

/// Takes a code in the place of the old phone's YES. It is spent by it.
///
/// # Errors
/// As for any code; `move_not_now`.
pub async fn prove(service: &Service, by: &RelyingParty, id: MoveId, typed_code: &str) -> Result<Checked, Refused> {
    let found = due(service, by, id).await?;
    if found.fresh_proof(service.now()).is_some() {
        return Err(Refused::MoveNotNow(found.state));
    }
    let checked = codes::verify(service, by, found.account_id, typed_code, None).await?;
    if checked.came == Came::Right {
        let proof = match checked.kind {
            CodeKind::Totp => MoveProof::Code,
            CodeKind::BackupCodes => MoveProof::BackupCode,
        };
        // The old phone may have said YES meanwhile; then the code is spent for nothing, and nothing is lost.
        service.store.prove_move(by.actor(), found.row_id, proof).await?;
    }
    Ok(checked)
}

/// Takes the opening code that the operator has given to the person in the place of the old phone's YES. It is used up
/// by it. True when it is right, and how many wrong ones are still taken.
///
/// # Errors
/// `malformed` for what is not six digits; `move_not_now`; `not_found`; `unavailable`; `internal`.
pub async fn open(service: &Service, by: &RelyingParty, id: MoveId, code: &str) -> Result<(bool, u32), Refused> {
    let typed = OpeningCode::typed(code).ok_or_else(|| Refused::malformed("An opening code is six digits."))?;
    let found = due(service, by, id).await?;
    let is_typed = |sealed: &Vec<u8>| {
        sealed::is_opening_code(&service.keys.at_rest, id, &typed, sealed).map_err(|error| {
            tracing::error!(moving = %id, %error, "the opening code cannot be read");
            Refused::Internal
        })
    };
    let agrees_with = match found.good_opening_code(service.now()) {
        Some(kept) if is_typed(&kept.sealed)? => Some(kept.sealed.clone()),
        _ => None,
    };
    match service.store.try_opening_code(by.actor(), found.row_id, agrees_with).await? {
        OpeningCodeTried::Right => Ok((true, 0)),
        OpeningCodeTried::Wrong(left) => Ok((false, left)),
        OpeningCodeTried::NotNow => Err(Refused::MoveNotNow(found.state)),
    }
}

/// Opens the link for the new phone. One that was opened before ends.
///
/// # Errors
/// `not_proven` until the second half has come; `move_not_now`; `too_many_enrolments`; `not_found`; `unavailable`.
pub async fn offer(service: &Service, by: &RelyingParty, id: MoveId) -> Result<enrol::Opened, Refused> {
    by.take(service, &service.rates.enrolments, Refused::TooManyEnrolments).await?;
    let found = due(service, by, id).await?;
    let (account, state, before) = (found.account, found.state, found.new_device_id);
    let ticket = enrol::Ticket::new(service);
    let parts = (ticket.id(), ticket.digest(), service.settings.limits.enrolments_per_person);
    let offered = service.store.offer_move(by.actor(), found, parts).await?;
    // A phone that had taken the link before hears that it is over.
    before.into_iter().for_each(|before| service.wake.enrolments.wake(before));
    service.wake.account_changed(account);
    match offered {
        Offered::Opened(expires_at) => Ok(ticket.opened(service, expires_at)),
        Offered::NotProven => Err(Refused::MoveNotProven),
        Offered::NotNow => Err(Refused::MoveNotNow(state)),
        Offered::TooManyOpen(pause) => Err(Refused::TooManyEnrolments(pause)),
    }
}

/// Asks the new phone whether it works: with its YES it takes over. Asked anew when nobody answered in time.
///
/// # Errors
/// `move_not_now` when the new phone's digits were not typed, or the move is over; those of a question.
pub async fn rehearse(service: &Service, by: &RelyingParty, id: MoveId) -> Result<ChallengeId, Refused> {
    let found = due(service, by, id).await?;
    let new_device = found.new_device.ok_or(Refused::MoveNotNow(found.state))?;
    let question = create::OfMove { moving: found.row_id, purpose: Purpose::Rehearsal, digits: None };
    create::ask_one(service, by, (found.account_id, new_device), question).await
}

/// Takes a move back: the old phone goes on.
///
/// # Errors
/// `move_not_now` when it is over; `not_found`; `unavailable`.
pub async fn cancel(service: &Service, by: &RelyingParty, id: MoveId) -> Result<MoveRecord, Refused> {
    let found = read_move(service, by, id).await?;
    let (account, state) = (found.account, found.state);
    if !service.store.cancel_move(by.actor(), found).await? {
        return Err(Refused::MoveNotNow(state));
    }
    service.wake.account_changed(account);
    read_move(service, by, id).await
}
