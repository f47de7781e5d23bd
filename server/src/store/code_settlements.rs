//! A challenge that a typed code settles.

use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::rules::condition;
use super::{Rules, StoreError, challenge_state, pushes, webhooks};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::rows::{AccountRow, AuthenticatorRow, ChallengeRow, RelyingPartyRow};
use crate::domain::states::{CodeKind, SettledMethod};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;

/// The challenge that a code is to settle.
#[derive(Debug, Clone, Copy)]
pub struct ToSettle {
    /// The challenge.
    pub id: ChallengeId,
    /// Who asks.
    pub relying_party: RelyingPartyRow,
}

/// The challenge that a code is to settle: its row, its methods, and what tells its state.
pub(super) fn find(
    transaction: &dyn Transaction,
    account: AccountRow,
    wanted: ToSettle,
) -> Result<Option<Row>, StoreError> {
    let sql = "SELECT row_id, methods, state, created_at, expires_at, settled_at, told_over_at FROM challenge
               WHERE handle = $1 AND relying_party = $2 AND account = $3";
    transaction.row("challenge", sql, values![wanted.id, wanted.relying_party, account])
}

/// Settles the challenge that a code was entered for, in the transaction that spends the code, and takes its prompt
/// from every device. When it does not wait any more, the error undoes both.
pub(super) fn settle(
    transaction: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    challenge: ChallengeRow,
    (authenticator, kind): (AuthenticatorRow, CodeKind),
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE challenge SET state = 'approved', settled_at = $1, settled_method = $2, settled_code = $3
         WHERE row_id = $4 AND {}",
        condition(rules.may_settle, &[("now", 1)])
    );
    let method = match kind {
        CodeKind::Totp => SettledMethod::Code,
        CodeKind::BackupCodes => SettledMethod::BackupCode,
    };
    if !transaction.changes_one(&sql, values![now, method, authenticator, challenge])? {
        return Err(StoreError::Unreadable("a challenge is pending and cannot be settled".into()));
    }
    webhooks::tell(transaction, now, by, challenge, Fact::ChallengeApproved)?;
    pushes::retract(transaction, now, challenge, None)
}

pub(super) fn state_now(
    transaction: &dyn Transaction,
    now: Timestamp,
    challenge: ChallengeRow,
) -> Result<ChallengeState, StoreError> {
    let sql = "SELECT row_id, state, created_at, expires_at, settled_at, told_over_at FROM challenge
               WHERE row_id = $1";
    let row = transaction.one_row("challenge", sql, values![challenge])?;
    challenge_state::state_to_tell(transaction, &row, now, challenge)
}
