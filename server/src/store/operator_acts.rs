//! What the operator did, as the journal has it: `countersign admin` is another process, and its lines are how this one
//! hears of it.

use super::engine::row::Row;
use super::engine::value::values;
use super::{Store, StoreError};
use crate::domain::rows::{AccountRow, JournalRow, RelyingPartyRow};
use countersign_protocol::handle::{ChallengeId, EnrolmentId};

/// Whom an act of the operator concerns; none where it concerns nobody of that kind, or one that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatorAct {
    /// The relying party.
    pub relying_party: Option<RelyingPartyRow>,
    /// The account.
    pub account: Option<AccountRow>,
    /// The challenge.
    pub challenge: Option<ChallengeId>,
    /// The enrolment.
    pub enrolment: Option<EnrolmentId>,
}

impl Store {
    /// What the operator did after this line of the journal, from whichever process, and the line at which the journal
    /// ends now. Without a line to begin at, nothing.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn operator_acts(&self, after: Option<JournalRow>) -> Result<(Vec<OperatorAct>, JournalRow), StoreError> {
        self.read(move |tx| {
            let sql = "SELECT row_id FROM journal ORDER BY row_id DESC LIMIT 1";
            let end = tx.row("journal", sql, &[])?.map(|line| line.get("row_id")).transpose()?;
            let end = end.unwrap_or(JournalRow::new(0));
            let Some(after) = after else { return Ok((Vec::new(), end)) };
            let sql = "SELECT p.row_id AS relying_party, a.row_id AS account, j.challenge, j.device AS enrolment
                       FROM journal j LEFT JOIN relying_party p ON p.handle = j.relying_party
                       LEFT JOIN account a ON a.handle = j.account
                       WHERE j.row_id > $1 AND j.row_id <= $2
                         AND (j.actor_kind = 'operator'
                              OR j.fact IN ('challenge.cancelled', 'device.confirmed', 'device.ended'))
                       ORDER BY j.row_id";
            let read = |line: &Row| {
                Ok(OperatorAct {
                    relying_party: line.get("relying_party")?,
                    account: line.get("account")?,
                    challenge: line.get("challenge")?,
                    enrolment: line.get("enrolment")?,
                })
            };
            let acts =
                tx.rows("journal", sql, values![after, end])?.iter().map(read).collect::<Result<_, StoreError>>()?;
            Ok((acts, end))
        })
        .await
    }
}
