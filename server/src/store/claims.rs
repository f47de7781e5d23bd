//! Who takes an approval, and who takes a question back: the relying party that asked, and at most once.

use super::challenge_state::is_over;
use super::challenges::read_challenge;
use super::engine::Transaction;
use super::engine::value::{Value, values};
use super::rules::{CLAIM_WINDOW, condition};
use super::{Rules, Store, StoreError, pushes, webhooks};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::rows::{AccountRow, AuthenticatorRow, ChallengeRow, DeviceRow, MoveRow, RelyingPartyRow};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;

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
    pub account: AccountRow,
}

/// Which challenges are taken back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    /// This one.
    Challenge(ChallengeRow),
    /// What this device has settled.
    SettledBy(DeviceRow),
    /// What a code of this authenticator has settled.
    SettledWith(AuthenticatorRow),
    /// What this relying party has asked.
    RelyingParty(RelyingPartyRow),
    /// All there are: after a restore.
    All,
    /// What this account was asked.
    Account(AccountRow),
    /// What this move has asked.
    Move(MoveRow),
}

impl Of {
    /// The condition on a row of `challenge`, with its value as `$1`.
    fn which(self) -> (&'static str, Value<'static>) {
        match self {
            Self::Challenge(row) => ("row_id = $1", row.into()),
            Self::Move(row) => ("move = $1", row.into()),
            Self::SettledBy(row) => ("settled_by = $1", row.into()),
            Self::SettledWith(row) => ("settled_code = $1", row.into()),
            Self::RelyingParty(row) => ("relying_party = $1", row.into()),
            Self::All => ("$1 IS NULL", Value::Null),
            Self::Account(row) => ("account = $1", row.into()),
        }
    }
}

impl Store {
    /// Step 6's write: the approval goes to the first claim, and to every repetition of that claim.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn claim(
        &self,
        by: Actor,
        relying_party: RelyingPartyRow,
        id: ChallengeId,
        key: Option<String>,
    ) -> Result<Claimed, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| {
            let sql = format!(
                "UPDATE challenge SET state = 'claimed', claimed_at = $1, claim_key = $2
                 WHERE handle = $3 AND {} AND {} RETURNING row_id",
                condition(rules.own, &[("relying_party", 4)]),
                condition(rules.may_claim, &[("oldest", 5)])
            );
            let values = values![now, key.as_deref(), id, relying_party, now - CLAIM_WINDOW];
            if let Some(claimed) = tx.row("challenge", &sql, values)? {
                webhooks::tell(tx, now, &by, claimed.get("row_id")?, Fact::ChallengeClaimed)?;
                return Ok(Claimed::Now);
            }
            let Some(record) = read_challenge(tx, &rules, relying_party, id, now)? else {
                return Ok(Claimed::NotFound);
            };
            let sql = format!(
                "SELECT row_id, ({}) AS same FROM challenge WHERE handle = $1",
                condition(rules.same_claim, &[("key", 2)])
            );
            let found = tx.one_row("challenge", &sql, values![id, key.as_deref()])?;
            let same: Option<bool> = found.get("same")?;
            Ok(match record.state {
                _ if same == Some(true) => Claimed::Now,
                ChallengeState::Claimed => Claimed::AlreadyClaimed,
                state => {
                    if is_over(state) {
                        stay_over(tx, now, Of::Challenge(found.get("row_id")?), "state IN ('pending', 'approved')")?;
                    }
                    Claimed::NotApproved(state)
                }
            })
        })
        .await
    }

    /// Takes a pending question, or an approval that nobody claimed, back; none when there is no such challenge here.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn cancel(
        &self,
        by: Actor,
        relying_party: RelyingPartyRow,
        id: ChallengeId,
    ) -> Result<Option<Cancelled>, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| {
            let sql = format!(
                "SELECT row_id, account FROM challenge WHERE handle = $1 AND {}",
                condition(rules.own, &[("relying_party", 2)])
            );
            let Some(found) = tx.row("challenge", &sql, values![id, relying_party])? else { return Ok(None) };
            let of = Of::Challenge(found.get("row_id")?);
            cancel(tx, &rules, now, &by, of)?;
            revoke(tx, &rules, now, &by, of)?;
            let account = found.get("account")?;
            let record = read_challenge(tx, &rules, relying_party, id, now)?;
            Ok(record.map(|record| Cancelled { state: record.state, account }))
        })
        .await
    }
}

/// Takes back each of these questions that still waits: it leaves the phones, and its relying party hears of it. Gives
/// how many there were.
pub(super) fn cancel(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    of: Of,
) -> Result<usize, StoreError> {
    let (which, row) = of.which();
    let sql = format!(
        "UPDATE challenge SET state = 'cancelled', settled_at = $2 WHERE {which} AND {} RETURNING row_id",
        condition(rules.may_cancel, &[("now", 2)])
    );
    let waiting = tx.rows("challenge", &sql, &[row, now.into()])?;
    for cancelled in &waiting {
        let challenge = cancelled.get("row_id")?;
        pushes::retract(tx, now, challenge, None)?;
        webhooks::tell(tx, now, by, challenge, Fact::ChallengeCancelled)?;
    }
    stay_over(tx, now, of, "state = 'pending'")?;
    Ok(waiting.len())
}

/// Keeps what the clock has ended from coming back with a clock that goes back: it was told, or whoever could answer it
/// is gone. `which` is a further condition on a row of `challenge`.
fn stay_over(tx: &dyn Transaction, now: Timestamp, of: Of, which: &str) -> Result<(), StoreError> {
    let (rows, row) = of.which();
    let sql = format!("UPDATE challenge SET told_over_at = $2 WHERE {rows} AND told_over_at IS NULL AND {which}");
    tx.execute(&sql, &[row, now.into()])?;
    Ok(())
}

/// Takes back each of these approvals that nobody has claimed, so that it signs nobody in any more; true when there
/// was one.
pub(super) fn revoke(
    tx: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    of: Of,
) -> Result<bool, StoreError> {
    let (which, row) = of.which();
    let sql = format!(
        "UPDATE challenge SET state = 'revoked' WHERE {which} AND {} RETURNING row_id",
        condition(rules.may_revoke, &[("oldest", 2)])
    );
    let revoked = tx.rows("challenge", &sql, &[row, (now - CLAIM_WINDOW).into()])?;
    for challenge in &revoked {
        webhooks::tell(tx, now, by, challenge.get("row_id")?, Fact::ChallengeRevoked)?;
    }
    stay_over(tx, now, of, "state = 'approved'")?;
    Ok(!revoked.is_empty())
}
