//! What a challenge's state means to whoever reads it now, and that what was told as over stays so.

use super::StoreError;
use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::rules::{AHEAD, CLAIM_WINDOW};
use crate::domain::rows::ChallengeRow;
use crate::domain::states::ChallengeStage;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;

/// What a challenge's row means at this moment: an overdue pending challenge is expired, an overdue approval lapsed,
/// and so is what began by a clock that was ahead. It reads the columns `state`, `created_at`, `expires_at`,
/// `settled_at` and `told_over_at`.
pub(super) fn state_of(row: &Row, now: Timestamp) -> Result<ChallengeState, StoreError> {
    let (created_at, expires_at): (Timestamp, Timestamp) = (row.get("created_at")?, row.get("expires_at")?);
    let settled_at: Option<Timestamp> = row.get("settled_at")?;
    let told = row.get::<Option<Timestamp>>("told_over_at")?.is_some();
    let over = |began: Timestamp, ends: Timestamp| told || ends <= now || began > now + AHEAD;
    Ok(match row.get("state")? {
        ChallengeStage::Pending if over(created_at, expires_at) => ChallengeState::Expired,
        ChallengeStage::Pending => ChallengeState::Pending,
        ChallengeStage::Approved if settled_at.is_none_or(|at| over(at, at + CLAIM_WINDOW)) => ChallengeState::Lapsed,
        ChallengeStage::Approved => ChallengeState::Approved,
        ChallengeStage::Denied => ChallengeState::Denied,
        ChallengeStage::Reported => ChallengeState::Reported,
        ChallengeStage::Cancelled => ChallengeState::Cancelled,
        ChallengeStage::Claimed => ChallengeState::Claimed,
        ChallengeStage::Revoked => ChallengeState::Revoked,
    })
}

/// True for the states that only the clock has made.
pub(super) const fn is_over(state: ChallengeState) -> bool {
    matches!(state, ChallengeState::Expired | ChallengeState::Lapsed)
}

/// What [`state_of`] says, to be told to somebody: from then on it stays, also when the clock goes back.
pub(super) fn state_to_tell(
    tx: &dyn Transaction,
    row: &Row,
    now: Timestamp,
    challenge: ChallengeRow,
) -> Result<ChallengeState, StoreError> {
    let state = state_of(row, now)?;
    if is_over(state) {
        let sql = "UPDATE challenge SET told_over_at = $2 WHERE row_id = $1 AND told_over_at IS NULL";
        tx.execute(sql, values![challenge, now])?;
    }
    Ok(state)
}
