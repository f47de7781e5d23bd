//! What a challenge's state means to whoever reads it now.

use super::StoreError;
use super::engine::row::Row;
use super::rules::CLAIM_WINDOW;
use crate::domain::states::ChallengeStage;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;

/// What a challenge's row means at this moment: an overdue pending challenge is expired, an overdue approval lapsed. It
/// reads the columns `state`, `expires_at` and `settled_at`.
pub(super) fn state_of(row: &Row, now: Timestamp) -> Result<ChallengeState, StoreError> {
    let expires_at: Timestamp = row.get("expires_at")?;
    let settled_at: Option<Timestamp> = row.get("settled_at")?;
    Ok(match row.get("state")? {
        ChallengeStage::Pending if expires_at <= now => ChallengeState::Expired,
        ChallengeStage::Pending => ChallengeState::Pending,
        ChallengeStage::Approved if settled_at.is_none_or(|at| at + CLAIM_WINDOW <= now) => ChallengeState::Lapsed,
        ChallengeStage::Approved => ChallengeState::Approved,
        ChallengeStage::Denied => ChallengeState::Denied,
        ChallengeStage::Reported => ChallengeState::Reported,
        ChallengeStage::Cancelled => ChallengeState::Cancelled,
        ChallengeStage::Claimed => ChallengeState::Claimed,
        ChallengeStage::Revoked => ChallengeState::Revoked,
    })
}
