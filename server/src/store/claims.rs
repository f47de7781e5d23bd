//! Who takes an approval, and who takes a question back: the relying party that asked, and at most once.

use super::challenges::read_challenge;
use super::rules::CLAIM_WINDOW;
use super::webhooks::{self, Happened};
use super::{Rules, Store, StoreError, pushes};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The approval is the caller's; also for the same claim sent again.
    Now,
    /// It was claimed before.
    AlreadyClaimed,
    /// There is no approval to claim in this state.
    NotApproved(ChallengeState),
    /// There is no such challenge of this relying party.
    NotFound,
}

/// What became of a question that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled {
    /// The state afterwards.
    pub state: ChallengeState,
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
                ChallengeState::Claimed => Claimed::AlreadyClaimed,
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
            cancel(connection, &rules, now, "row_id = :row", row_id)?;
            revoke(connection, &rules, now, "row_id = :row", row_id)?;
            let record = read_challenge(connection, &rules, relying_party, id, now)?;
            Ok(record.map(|record| Cancelled { state: record.state, account }))
        })
        .await
    }
}

/// Takes back each question that still waits and fits the condition on `:row`: it leaves the phones, and its relying party
/// hears of it.
pub(super) fn cancel(
    connection: &Connection,
    rules: &Rules,
    now: Timestamp,
    condition: &'static str,
    row: i64,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE challenge SET state = 'cancelled', settled_at = :now WHERE {condition} AND {} RETURNING row_id",
        rules.may_cancel
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let cancelled = statement.query_map(named_params! { ":row": row, ":now": now.millis() }, |row| row.get(0))?;
    for challenge in cancelled.collect::<Result<Vec<i64>, _>>()? {
        pushes::retract(connection, now, challenge, None)?;
        webhooks::emit(connection, now, challenge, Happened::Cancelled)?;
    }
    Ok(())
}

/// Takes back each approval that nobody has claimed and that fits the condition on `:row`, so that it signs nobody in any
/// more; true when there was one.
pub(super) fn revoke(
    connection: &Connection,
    rules: &Rules,
    now: Timestamp,
    condition: &'static str,
    row: i64,
) -> Result<bool, StoreError> {
    let sql =
        format!("UPDATE challenge SET state = 'revoked' WHERE {condition} AND {} RETURNING row_id", rules.may_revoke);
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = named_params! { ":row": row, ":oldest": (now - CLAIM_WINDOW).millis() };
    let revoked = statement.query_map(parameters, |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
    revoked.iter().try_for_each(|challenge| webhooks::emit(connection, now, *challenge, Happened::Revoked))?;
    Ok(!revoked.is_empty())
}
