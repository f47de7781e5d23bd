//! The operator's part in moves: one is made before the phone change, and a person who has neither the old phone nor a
//! code is given one by hand. The rest goes on as in every move, on a page where the person is signed in: the operator
//! never sees a link.

use super::moves::{self, MovesAsked};
use super::names;
use super::operator::Operator;
use crate::domain::opening_code::{self, OpeningCode};
use crate::domain::refused::Refused;
use crate::keys::sealed;
use crate::store::{CreatedMove, MoveRecord, NewMove};
use countersign_protocol::at_rest::AtRestKey;
use countersign_protocol::device_api::Device;
use countersign_protocol::handle::{AccountId, EnrolmentId, MoveId};
use countersign_protocol::time::Timestamp;

/// A move that the operator wishes for.
#[derive(Debug, Clone)]
pub struct WishedMove {
    /// Whose phone changes.
    pub user: AccountId,
    /// The phone that is replaced; none where the person has one in use, which is meant then.
    pub device: Option<EnrolmentId>,
    /// From when on it can be made; now, where none.
    pub valid_from: Option<Timestamp>,
    /// Until when; seven days after, where none.
    pub valid_until: Option<Timestamp>,
    /// Made with the same one before, it is not made again.
    pub idempotency_key: Option<String>,
}

/// How a wish for a move stands, before anything is done about it.
#[derive(Debug, Clone)]
pub enum Readiness {
    /// It can be made, for this phone.
    Ready(EnrolmentId),
    /// It was made before, with the same key.
    Known(MoveRecord),
    /// Another move of the person goes on.
    AlreadyMoving(MoveRecord),
    /// The person has no phone in use, or not the one that was named.
    NoDevice,
    /// The person has several phones in use, and none was named.
    SeveralDevices(usize),
}

/// What became of the wish for a move.
#[derive(Debug, Clone)]
pub enum Moving {
    /// It is made.
    Made(MoveRecord),
    /// It was made before, with the same key.
    Known(MoveRecord),
}

impl Operator<'_> {
    /// How a wish stands: nothing is written.
    ///
    /// # Errors
    /// `not_found` for the organisation or the person; `unavailable`.
    pub async fn move_readiness(&self, organisation: &str, wish: &WishedMove) -> Result<Readiness, Refused> {
        let account = self.user(organisation, wish.user).await?;
        let now = self.clock.now();
        if let Some(key) = &wish.idempotency_key
            && let Some(known) = self.store.move_of_key(account.row_id, key.clone()).await?
        {
            return Ok(Readiness::Known(known));
        }
        let all = self.store.moves(account.row_id).await?;
        if let Some(living) = all.into_iter().find(|one| one.is_living() && !one.is_overdue(now)) {
            return Ok(Readiness::AlreadyMoving(living));
        }
        let in_use: Vec<Device> = self.devices(organisation, wish.user).await?;
        Ok(match (wish.device, &*in_use) {
            (Some(named), all) if all.iter().any(|one| one.id == named) => Readiness::Ready(named),
            (None, [one]) => Readiness::Ready(one.id),
            (None, [_, _, ..]) => Readiness::SeveralDevices(in_use.len()),
            (Some(_), _) | (None, []) => Readiness::NoDevice,
        })
    }

    /// Makes a move, for the reason under which the operator acts.
    ///
    /// # Errors
    /// `malformed` without a reason, for times that are over or too far apart, and where no phone was named of several;
    /// `not_found` for the organisation, the person or the phone; `already_moving`; `unavailable`.
    pub async fn create_move(&self, organisation: &str, wish: WishedMove) -> Result<Moving, Refused> {
        let reason = self.actor().reason().map(str::to_owned);
        let reason = names::typed(&reason.ok_or_else(|| Refused::malformed("A move has a reason: --reason."))?)?;
        let account = self.user(organisation, wish.user).await?;
        let old_device = match self.move_readiness(organisation, &wish).await? {
            Readiness::Ready(device) => device,
            Readiness::Known(known) => return Ok(Moving::Known(known)),
            Readiness::AlreadyMoving(_) => return Err(Refused::AlreadyMoving),
            Readiness::NoDevice => return Err(Refused::NotFound("device")),
            Readiness::SeveralDevices(_) => {
                return Err(Refused::malformed("The user has several phones in use: name the one that is replaced."));
            }
        };
        let (valid_from, valid_until) = moves::between(self.clock.now(), [wish.valid_from, wish.valid_until])?;
        let new = NewMove {
            id: MoveId::random(self.randomness),
            relying_party: None,
            account: account.row_id,
            old_device,
            reason,
            valid_from,
            valid_until,
            idempotency_key: wish.idempotency_key,
        };
        let id = new.id;
        match self.store.create_move(self.actor(), new).await? {
            CreatedMove::Yes => Ok(Moving::Made(self.move_of(organisation, id).await?)),
            CreatedMove::Known(id) => Ok(Moving::Known(self.move_of(organisation, id).await?)),
            CreatedMove::NoDevice => Err(Refused::NotFound("device")),
            CreatedMove::AlreadyMoving => Err(Refused::AlreadyMoving),
            CreatedMove::NoAccount => Err(Refused::NotFound("user")),
        }
    }

    /// A move of an organisation.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn move_of(&self, organisation: &str, id: MoveId) -> Result<MoveRecord, Refused> {
        let organisation = self.organisation(organisation).await?;
        let found = self.store.moving(organisation.row_id, id, self.clock.now()).await?;
        found.ok_or(Refused::NotFound("move"))
    }

    /// Moves of an organisation, the newest first, [`moves::PAGE`] at most; true where there are more.
    ///
    /// # Errors
    /// `not_found` for the organisation or the person; `unavailable`.
    pub async fn moves(&self, organisation: &str, asked: MovesAsked) -> Result<(Vec<MoveRecord>, bool), Refused> {
        let organisation = self.organisation(organisation).await?;
        moves::page(self.store, organisation.row_id, asked, self.clock.now()).await
    }

    /// Takes a move back: the old phone goes on.
    ///
    /// # Errors
    /// `move_not_now` when it is over; `not_found`; `unavailable`.
    pub async fn cancel_move(&self, organisation: &str, id: MoveId) -> Result<MoveRecord, Refused> {
        let found = self.move_of(organisation, id).await?;
        let state = found.state;
        if !self.store.cancel_move(self.actor(), found).await? {
            return Err(Refused::MoveNotNow(state));
        }
        self.heed().await?;
        self.move_of(organisation, id).await
    }

    /// A fresh opening code for a move, to be handed to the person by hand, and until when it is good. The one before
    /// ends.
    ///
    /// # Errors
    /// `move_not_now` when the move is over or its time has not come; `not_found`; `unavailable`.
    pub async fn give_opening_code(
        &self,
        organisation: &str,
        id: MoveId,
        at_rest: &AtRestKey,
    ) -> Result<(OpeningCode, Timestamp), Refused> {
        let found = self.move_of(organisation, id).await?;
        let state = found.state;
        let code = OpeningCode::random(self.randomness);
        let kept = sealed::seal_opening_code(at_rest, id, &code, self.randomness);
        let given_at = self.store.give_opening_code(self.actor(), found, kept).await?;
        let given_at = given_at.ok_or(Refused::MoveNotNow(state))?;
        Ok((code, given_at + opening_code::LIFETIME))
    }
}
