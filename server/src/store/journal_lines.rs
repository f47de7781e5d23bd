//! Reading the journal: page by page, so that a long one is never in memory as a whole.

use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::{Store, StoreError};
use crate::domain::actor::ActorKind;
use crate::domain::rows::JournalRow;
use countersign_protocol::time::Timestamp;

/// A line of the journal, as it was written.
#[derive(Debug, Clone)]
pub struct JournalLine {
    /// Its number; the newest line has the greatest.
    pub number: JournalRow,
    /// When, by the clock of that time.
    pub at: Timestamp,
    /// What kind of actor it was.
    pub actor_kind: ActorKind,
    /// The actor's handle, or an operator's name.
    pub actor: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// What became true, in the word of its fact. A word that this version does not know is kept as it is.
    pub fact: String,
    /// Why.
    pub reason: Option<String>,
    /// The organisation's handle.
    pub organisation: Option<String>,
    /// The relying party's handle.
    pub relying_party: Option<String>,
    /// The account's handle.
    pub account: Option<String>,
    /// The device's handle.
    pub device: Option<String>,
    /// The challenge's handle.
    pub challenge: Option<String>,
    /// The handle of what makes codes.
    pub authenticator: Option<String>,
}

/// Which lines are read. What is none does not matter.
#[derive(Debug, Clone, Default)]
pub struct JournalFilter {
    /// Written at this moment or later.
    pub since: Option<Timestamp>,
    /// Written before this moment.
    pub until: Option<Timestamp>,
    /// About this account.
    pub account: Option<String>,
    /// About, or by, this relying party.
    pub relying_party: Option<String>,
    /// Of this fact, or of all whose words begin so: `device` means every fact of devices.
    pub fact: Option<String>,
}

fn read_line(row: &Row) -> Result<JournalLine, StoreError> {
    Ok(JournalLine {
        number: row.get("row_id")?,
        at: row.get("at")?,
        actor_kind: row.get("actor_kind")?,
        actor: row.get("actor")?,
        address: row.get("address")?,
        fact: row.get("fact")?,
        reason: row.get("reason")?,
        organisation: row.get("organisation")?,
        relying_party: row.get("relying_party")?,
        account: row.get("account")?,
        device: row.get("device")?,
        challenge: row.get("challenge")?,
        authenticator: row.get("authenticator")?,
    })
}

/// What a page asks for beside its place: `$3` to `$7`.
const FILTER: &str = "($3 IS NULL OR at >= $3) AND ($4 IS NULL OR at < $4) AND ($5 IS NULL OR account = $5)
    AND ($6 IS NULL OR relying_party = $6 OR actor = $6)
    AND ($7 IS NULL OR fact = $7 OR fact LIKE $7 || '.%')";

/// How many lines before the one that a search by time has found are looked at too: a clock that was set leaves lines
/// that are not in the order of their times.
const OUT_OF_ORDER: i64 = 10_000;

/// The number of a line before which none was written at this moment or later: found by halving, since times have no
/// index.
fn first_since(tx: &dyn Transaction, since: Timestamp) -> Result<i64, StoreError> {
    let newest = tx.row("journal", "SELECT row_id FROM journal ORDER BY row_id DESC LIMIT 1", &[])?;
    let (mut low, mut high) = (0, newest.map_or(Ok(0), |row| row.get::<i64>("row_id"))?);
    while low < high {
        let middle = low + (high - low) / 2;
        let sql = "SELECT row_id, at FROM journal WHERE row_id >= $1 ORDER BY row_id LIMIT 1";
        let found = tx.row("journal", sql, values![middle])?;
        match found.map(|row| row.get::<Timestamp>("at")).transpose()? {
            Some(at) if at < since => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low.saturating_sub(OUT_OF_ORDER))
}

impl Store {
    /// The lines before the one of this number, or the newest ones; the newest first, so many at most.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn journal_before(
        &self,
        filter: JournalFilter,
        number: Option<JournalRow>,
        most: usize,
    ) -> Result<Vec<JournalLine>, StoreError> {
        self.read(move |tx| {
            // One person's lines have an index of their own; of the others, a page is what is read on the way.
            let account = if filter.account.is_some() { "account = $5 AND " } else { "" };
            let sql = format!(
                "SELECT * FROM journal WHERE {account}row_id < $1 AND row_id >= $8 AND {FILTER}
                 ORDER BY row_id DESC LIMIT $2"
            );
            let JournalFilter { since, until, account, relying_party, fact } = filter;
            let before = number.map_or(i64::MAX, JournalRow::number);
            let first = since.map_or(Ok(0), |since| first_since(tx, since))?;
            let parameters = values![before, most, since, until, account, relying_party, fact, first];
            tx.rows("journal", &sql, parameters)?.iter().map(read_line).collect()
        })
        .await
    }

    /// The lines after the one of this number, oldest first, so many at most.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn journal_after(
        &self,
        filter: JournalFilter,
        number: JournalRow,
        most: usize,
    ) -> Result<Vec<JournalLine>, StoreError> {
        self.read(move |tx| {
            let sql = format!("SELECT * FROM journal WHERE row_id > $1 AND {FILTER} ORDER BY row_id LIMIT $2");
            let JournalFilter { since, until, account, relying_party, fact } = filter;
            let parameters = values![number, most, since, until, account, relying_party, fact];
            tx.rows("journal", &sql, parameters)?.iter().map(read_line).collect()
        })
        .await
    }

    /// The number of the newest line; 0 before the first.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn newest_journal_line(&self) -> Result<JournalRow, StoreError> {
        self.read(|tx| {
            let newest = tx.row("journal", "SELECT row_id FROM journal ORDER BY row_id DESC LIMIT 1", &[])?;
            newest.map_or_else(|| Ok(JournalRow::new(0)), |row| row.get("row_id"))
        })
        .await
    }
}
