//! Who takes an approval, and who takes a question back: the relying party that asked, and at most once.

use super::challenges::{State, read_challenge};
use super::rules::CLAIM_WINDOW;
use super::webhooks::{self, Happened};
use super::{Store, StoreError, changed_one, pushes};
use countersign_core::handle::ChallengeId;
use rusqlite::{OptionalExtension, named_params};

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The approval is the caller's; also for the same claim sent again.
    Now,
    /// It was claimed before.
    AlreadyClaimed,
    /// There is no approval to claim in this state.
    NotApproved(State),
    /// There is no such challenge of this relying party.
    NotFound,
}

/// What became of a question that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled {
    /// The state afterwards.
    pub state: State,
    /// The account's row.
    pub account: i64,
}

impl Store {
    /// Step 6's write: the approval goes to the first claim, and to every repetition of that claim.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim(&self, relying_party: i64, id: ChallengeId, key: Option<String>) -> Result<Claimed, StoreError> {
        let rules = self.rules;
        self.write(move |connection, now| {
            let sql = format!(
                "UPDATE challenge SET state = 'claimed', claimed_at = :now, claim_key = :key
                 WHERE handle = :id AND {} AND {} RETURNING row_id",
                rules.own, rules.may_claim
            );
            let oldest = (now - CLAIM_WINDOW).millis();
            let parameters = named_params! {
                ":now": now.millis(),
                ":key": key,
                ":id": id.to_string(),
                ":relying_party": relying_party,
                ":oldest": oldest,
            };
            let claimed = connection.prepare_cached(&sql)?.query_row(parameters, |row| row.get(0)).optional()?;
            if let Some(challenge) = claimed {
                webhooks::emit(connection, now, challenge, Happened::Claimed)?;
                return Ok(Claimed::Now);
            }
            let Some(record) = read_challenge(connection, &rules, relying_party, id, now)? else {
                return Ok(Claimed::NotFound);
            };
            let sql = format!("SELECT {} FROM challenge WHERE handle = :id", rules.same_claim);
            let parameters = named_params! { ":id": id.to_string(), ":key": key };
            let same: Option<bool> = connection.prepare_cached(&sql)?.query_row(parameters, |row| row.get(0))?;
            Ok(match record.state {
                _ if same == Some(true) => Claimed::Now,
                State::Claimed => Claimed::AlreadyClaimed,
                state => Claimed::NotApproved(state),
            })
        })
        .await
    }

    /// Takes a pending question, or an approval that nobody claimed, back; none when there is no such challenge here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel(&self, relying_party: i64, id: ChallengeId) -> Result<Option<Cancelled>, StoreError> {
        let rules = self.rules;
        self.write(move |connection, now| {
            let sql = format!("SELECT row_id, account FROM challenge WHERE handle = :id AND {}", rules.own);
            let parameters = named_params! { ":id": id.to_string(), ":relying_party": relying_party };
            let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
            let Some((row_id, account)) = connection.prepare_cached(&sql)?.query_row(parameters, read).optional()?
            else {
                return Ok(None);
            };
            let sql = format!(
                "UPDATE challenge SET state = 'cancelled', settled_at = :now WHERE row_id = :row_id AND {}",
                rules.may_cancel
            );
            let parameters = named_params! { ":now": now.millis(), ":row_id": row_id };
            if changed_one(connection.prepare_cached(&sql)?.execute(parameters)?) {
                pushes::retract(connection, now, row_id, None)?;
                webhooks::emit(connection, now, row_id, Happened::Cancelled)?;
            }
            let sql = format!("UPDATE challenge SET state = 'revoked' WHERE row_id = :row_id AND {}", rules.may_revoke);
            let parameters = named_params! { ":row_id": row_id, ":oldest": (now - CLAIM_WINDOW).millis() };
            if changed_one(connection.prepare_cached(&sql)?.execute(parameters)?) {
                webhooks::emit(connection, now, row_id, Happened::Revoked)?;
            }
            let record = read_challenge(connection, &rules, relying_party, id, now)?;
            Ok(record.map(|record| Cancelled { state: record.state, account }))
        })
        .await
    }
}
