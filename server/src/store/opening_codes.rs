//! Opening codes: the second half of a move that the operator gives to a person by hand.

use super::engine::value::values;
use super::journal::Entry;
use super::move_rows::{self, MoveRecord};
use super::{Store, StoreError, moves};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::opening_code::ATTEMPTS;
use crate::domain::rows::MoveRow;
use countersign_protocol::relying_party_api::MoveProof;
use countersign_protocol::time::Timestamp;

/// What became of a typed opening code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpeningCodeTried {
    /// It is used up, and the move has its second half.
    Right,
    /// It is not the one, or none is good; so many wrong ones are still taken.
    Wrong(u32),
    /// The move is over, its time has not come, or it has its second half.
    NotNow,
}

impl Store {
    /// Keeps a fresh code of a move, and ends the one before; when it was kept, or none when nothing can be done about
    /// the move now.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn give_opening_code(
        &self,
        by: Actor,
        moving: MoveRecord,
        sealed: Vec<u8>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| {
            let found = moves::living(tx, &rules, now, moving.account)?;
            if !found.is_some_and(|found| found.row_id == moving.row_id && found.is_due(now)) {
                return Ok(None);
            }
            let sql = "UPDATE move SET opening_code = $2, opening_code_given_at = $3, opening_code_failures = 0
                       WHERE row_id = $1";
            tx.execute(sql, values![moving.row_id, &sealed, now])?;
            Entry::new(now, &by, Fact::MoveCodeGiven).of_move(tx, moving.row_id)?;
            Ok(Some(now))
        })
        .await
    }

    /// Counts that an opening code was typed, and uses the move's up where these are the sealed digits that it
    /// `agrees_with`, by the one who has the key. All of it in one transaction, so that of many guesses at once no more
    /// than those allowed learn anything.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn try_opening_code(
        &self,
        by: Actor,
        moving: MoveRow,
        agrees_with: Option<Vec<u8>>,
    ) -> Result<OpeningCodeTried, StoreError> {
        self.write(move |tx, now| {
            let found = move_rows::of_row(tx, moving)?;
            if !found.is_due(now) || found.fresh_proof(now).is_some() {
                return Ok(OpeningCodeTried::NotNow);
            }
            let Some(kept) = found.good_opening_code(now) else { return Ok(OpeningCodeTried::Wrong(0)) };
            if agrees_with.as_ref() == Some(&kept.sealed) {
                let proven = moves::prove(tx, now, &by, moving, MoveProof::OpeningCode, None)?;
                return Ok(if proven { OpeningCodeTried::Right } else { OpeningCodeTried::NotNow });
            }
            let failures = kept.failures + 1;
            tx.execute("UPDATE move SET opening_code_failures = $2 WHERE row_id = $1", values![moving, failures])?;
            Entry::new(now, &by, Fact::MoveCodeRefused).of_move(tx, moving)?;
            Ok(OpeningCodeTried::Wrong(ATTEMPTS.saturating_sub(failures)))
        })
        .await
    }
}
