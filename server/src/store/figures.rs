//! What the database says of itself in figures: what has become true since somebody last looked, and what waits.
//!
//! The journal is counted, and not the calls: a line is there after COMMIT and not before, whoever wrote it, also
//! `countersign admin` in a process of its own.

use super::engine::value::values;
use super::rules::CLAIM_WINDOW;
use super::{Store, StoreError};
use crate::domain::fact::Fact;
use crate::domain::measure::Commits;
use crate::domain::rows::JournalRow;
use countersign_protocol::challenge::MAX_LIFETIME;
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// Up to where the figures were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The last line of the journal that was counted.
    pub line: JournalRow,
    /// The moment up to which what the clock ends was counted.
    pub at: Timestamp,
}

/// What has become true since, and what waits now.
#[derive(Debug, Clone)]
pub struct StoreFigures {
    /// Up to where this was read.
    pub seen: Seen,
    /// How many lines of each fact the journal has more.
    pub facts: Vec<(Fact, u64)>,
    /// How many questions the clock has ended.
    pub expired: u64,
    /// How many approvals the clock has ended.
    pub lapsed: u64,
    /// How many questions wait for an answer.
    pub open: u64,
    /// How many pushes are due, and not taken by their network yet, by lane.
    pub due_pushes: Vec<(String, u64)>,
    /// How many webhook events are due.
    pub due_events: u64,
}

/// How much longer than it lives a challenge can be of interest: until its approval has lapsed.
const AFTERWARDS: Duration = CLAIM_WINDOW.saturating_mul(2);

impl Store {
    /// The figures since an earlier look.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn figures(&self, since: Seen, now: Timestamp) -> Result<StoreFigures, StoreError> {
        self.read(move |tx| {
            let sql =
                "SELECT fact, count(*) AS times, max(row_id) AS newest FROM journal WHERE row_id > $1 GROUP BY fact";
            let (mut line, mut facts) = (since.line, Vec::new());
            for row in tx.rows("journal", sql, values![since.line])? {
                line = line.max(row.get("newest")?);
                // A fact of a newer version, written by its `admin`, is nobody's here.
                if let Some(fact) = Fact::of_word(&row.get::<String>("fact")?) {
                    facts.push((fact, row.get("times")?));
                }
            }
            // A clock that went back has ended nothing.
            let from = since.at.min(now);
            let sql = "SELECT
                    count(*) FILTER (WHERE state = 'pending' AND told_over_at IS NULL AND expires_at > $2) AS open,
                    count(*) FILTER (WHERE state = 'pending' AND expires_at > $1 AND expires_at <= $2) AS expired,
                    count(*) FILTER (WHERE state = 'approved' AND settled_at > $4 AND settled_at <= $5) AS lapsed
                FROM challenge WHERE created_at > $3";
            let oldest = from - (MAX_LIFETIME + AFTERWARDS);
            let challenges =
                tx.one_row("challenge", sql, values![from, now, oldest, from - CLAIM_WINDOW, now - CLAIM_WINDOW])?;
            let sql = "SELECT lane, count(*) AS due FROM push WHERE state = 'queued' AND due_at <= $1 GROUP BY lane";
            let due_pushes = tx.rows("push", sql, values![now])?;
            let due_pushes = due_pushes.iter().map(|row| Ok((row.get("lane")?, row.get("due")?)));
            let sql = "SELECT count(*) AS due FROM webhook_event WHERE state = 'queued' AND due_at <= $1";
            Ok(StoreFigures {
                seen: Seen { line, at: now },
                facts,
                expired: challenges.get("expired")?,
                lapsed: challenges.get("lapsed")?,
                open: challenges.get("open")?,
                due_pushes: due_pushes.collect::<Result<_, StoreError>>()?,
                due_events: tx.one_row("webhook_event", sql, values![now])?.get("due")?,
            })
        })
        .await
    }

    /// What the writer measures of its commits.
    pub fn commits(&self) -> &Commits {
        self.engine.commits()
    }

    /// How many pieces of work wait for the writer.
    pub fn queued_writes(&self) -> usize {
        self.engine.queued()
    }
}
