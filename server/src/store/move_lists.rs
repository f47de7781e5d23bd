//! Lists of moves, for whoever sees to it that none is forgotten.

use super::engine::value::values;
use super::move_rows::{MOVES, MoveRecord};
use super::{Store, StoreError};
use crate::domain::rows::{AccountRow, OrganisationRow};
use countersign_protocol::handle::MoveId;
use countersign_protocol::relying_party_api::MoveState;
use countersign_protocol::time::Timestamp;

/// Which moves of an organisation are asked for.
#[derive(Debug, Clone, Default)]
pub struct MoveFilter {
    /// Those of this account.
    pub account: Option<AccountRow>,
    /// Those in this state.
    pub state: Option<MoveState>,
    /// Those that go on, and can be made at this moment or before it.
    pub due: Option<Timestamp>,
    /// Those that were made before this one.
    pub before: Option<MoveId>,
}

impl Store {
    /// The move of an account that was made with this key.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn move_of_key(&self, account: AccountRow, key: String) -> Result<Option<MoveRecord>, StoreError> {
        self.read(move |tx| {
            let sql = format!("{MOVES} WHERE m.account = $1 AND m.idempotency_key = $2");
            tx.row("move", &sql, values![account, &key])?.as_ref().map(MoveRecord::read).transpose()
        })
        .await
    }

    /// Moves of an organisation, the newest first, so many at most. One whose time went by counts as expired at `now`.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn moves_of(
        &self,
        organisation: OrganisationRow,
        filter: MoveFilter,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<MoveRecord>, StoreError> {
        self.read(move |tx| {
            let MoveFilter { account, state, due, before } = filter;
            // One person's moves have an index of their own.
            let of_account = if account.is_some() { "m.account = $2 AND" } else { "$2 IS NULL AND" };
            let sql = format!(
                "{MOVES} WHERE {of_account} a.organisation = $1
                   AND ($3 IS NULL OR $3 = CASE WHEN m.state IN ('armed', 'offered', 'rehearsing')
                                                 AND m.valid_until <= $6 THEN 'expired' ELSE m.state END)
                   AND ($4 IS NULL OR (m.state IN ('armed', 'offered', 'rehearsing') AND m.valid_from <= $4
                                       AND m.valid_until > $6))
                   AND ($5 IS NULL OR m.row_id < (SELECT row_id FROM move WHERE handle = $5))
                 ORDER BY m.row_id DESC LIMIT $7"
            );
            let parameters = values![organisation, account, state, due, before, now, most];
            tx.rows("move", &sql, parameters)?.iter().map(MoveRecord::read).collect()
        })
        .await
    }
}
