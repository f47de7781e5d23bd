//! Which rows are old enough to go, and what goes with each.

use super::{Store, StoreError};
use crate::store::engine::Transaction;
use crate::store::engine::row::Row;
use crate::store::engine::value::values;
use crate::store::proofs;
use countersign_protocol::time::Timestamp;

/// A kind of row that is removed when it is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// Request proofs that were used.
    Proofs,
    /// The keys by which requests are told to be the same; their challenges stay.
    IdempotencyKeys,
    /// Pushes that were sent or given up.
    Pushes,
    /// Events that were delivered or given up.
    Events,
    /// Challenges that are over.
    Challenges,
    /// Moves to a new phone that are over.
    Moves,
    /// Enrolment links that no phone redeemed.
    Links,
    /// Devices that are no longer in use.
    Devices,
    /// Code applications that were never confirmed, or removed.
    Applications,
    /// Accounts that were deleted, once nothing refers to them.
    Accounts,
    /// Lines of the journal.
    Journal,
    /// The addresses in lines of the journal; the lines stay.
    Addresses,
}

impl Removed {
    /// Every kind, what refers to others first: a challenge goes after its events, a device after its challenges.
    pub const ALL: [Self; 12] = [
        Self::Proofs,
        Self::IdempotencyKeys,
        Self::Pushes,
        Self::Events,
        Self::Challenges,
        Self::Moves,
        Self::Links,
        Self::Devices,
        Self::Applications,
        Self::Accounts,
        Self::Journal,
        Self::Addresses,
    ];

    /// The most rows that one piece removes: so few that the writer is busy with them for a few milliseconds. What lies
    /// by random handles dirties several pages a row; proofs and lines lie side by side.
    pub const fn piece(self) -> usize {
        match self {
            Self::Proofs | Self::Journal | Self::Addresses => 100,
            _ => 25,
        }
    }

    /// What it is called in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proofs => "proofs",
            Self::IdempotencyKeys => "idempotency keys",
            Self::Pushes => "pushes",
            Self::Events => "events",
            Self::Challenges => "challenges",
            Self::Moves => "moves",
            Self::Links => "enrolment links",
            Self::Devices => "devices",
            Self::Applications => "code applications",
            Self::Accounts => "deleted accounts",
            Self::Journal => "journal lines",
            Self::Addresses => "lines with addresses",
        }
    }

    /// How rows with a number of their own are removed; none of proofs and journal lines, which have statements apart.
    pub(super) const fn removal(self) -> Option<&'static Removal> {
        match self {
            Self::Proofs | Self::Journal | Self::Addresses => None,
            Self::IdempotencyKeys => Some(&IDEMPOTENCY_KEYS),
            Self::Pushes => Some(&PUSHES),
            Self::Events => Some(&EVENTS),
            Self::Challenges => Some(&CHALLENGES),
            Self::Moves => Some(&MOVES),
            Self::Links => Some(&LINKS),
            Self::Devices => Some(&DEVICES),
            Self::Applications => Some(&APPLICATIONS),
            Self::Accounts => Some(&ACCOUNTS),
        }
    }
}

/// How one kind of row is removed.
pub(super) struct Removal {
    /// The table.
    pub table: &'static str,
    /// The columns by which an index gives the oldest first.
    pub oldest: &'static str,
    /// Which row is over, and was so before `$1`. It holds all that keeps a row from going.
    pub over: &'static str,
    /// What removes the row `$1`: first what belongs to it.
    pub remove: &'static [&'static str],
}

impl Removal {
    /// The statement that finds the rows of a piece: `$2` at most.
    pub fn find(&self) -> String {
        let Self { table, oldest, over, .. } = self;
        format!("SELECT row_id FROM {table} WHERE {over} ORDER BY {oldest} LIMIT $2")
    }

    /// The statement that gives the row `$2` if it may still go.
    pub fn still(&self) -> String {
        let Self { table, over, .. } = self;
        format!("SELECT row_id FROM {table} WHERE row_id = $2 AND {over}")
    }
}

const IDEMPOTENCY_KEYS: Removal = Removal {
    table: "challenge",
    oldest: "created_at",
    // The words of the partial index, which holds only those that still have a key.
    over: "created_at < $1 AND (idempotency_key IS NOT NULL OR claim_key IS NOT NULL)
           AND (claimed_at IS NULL OR claimed_at < $1)",
    remove: &["UPDATE challenge SET idempotency_key = NULL, claim_key = NULL WHERE row_id = $1"],
};

const PUSHES: Removal = Removal {
    table: "push",
    oldest: "expires_at",
    over: "state <> 'queued' AND expires_at < $1",
    remove: &["DELETE FROM push WHERE row_id = $1"],
};

const EVENTS: Removal = Removal {
    table: "webhook_event",
    oldest: "due_at",
    over: "state <> 'queued' AND due_at < $1",
    remove: &["DELETE FROM webhook_event WHERE row_id = $1"],
};

/// A question that waits ends later than any moment that has passed, and an approval that waits was given later than
/// any that an age allows: neither is over.
const CHALLENGES: Removal = Removal {
    table: "challenge",
    oldest: "created_at",
    over: "created_at < $1 AND expires_at < $1 AND (settled_at IS NULL OR settled_at < $1)
           AND (claimed_at IS NULL OR claimed_at < $1) AND (reported_at IS NULL OR reported_at < $1)
           AND NOT EXISTS (SELECT 1 FROM webhook_event e WHERE e.challenge = challenge.row_id)
           AND NOT EXISTS (SELECT 1 FROM push p WHERE p.challenge = challenge.row_id AND p.state = 'queued')",
    remove: &[
        "DELETE FROM push WHERE challenge = $1",
        "DELETE FROM challenge_device WHERE challenge = $1",
        "DELETE FROM challenge WHERE row_id = $1",
    ],
};

/// What a move has asked refers to it, and is kept for its receipts.
const MOVES: Removal = Removal {
    table: "move",
    oldest: "ended_at",
    over: "ended_at < $1 AND NOT EXISTS (SELECT 1 FROM challenge c WHERE c.move = move.row_id)",
    remove: &["DELETE FROM move WHERE row_id = $1"],
};

/// Nobody holds anything of a link that was not redeemed.
const LINKS: Removal = Removal {
    table: "enrolment",
    oldest: "state, expires_at",
    over: "state <> 'confirmed' AND state IN ('open', 'void') AND expires_at < $1 AND proposed_at IS NULL
           AND (voided_at IS NULL OR voided_at < $1)
           AND NOT EXISTS (SELECT 1 FROM move m WHERE m.new_device = enrolment.row_id)",
    remove: &["DELETE FROM enrolment WHERE row_id = $1"],
};

/// A phone hears from its row, by the server's signed word, that its account is over; and the receipts of what it
/// answered hold its enrolment statement. So it stays until both are long past.
const DEVICES: Removal = Removal {
    table: "enrolment",
    oldest: "state, expires_at",
    over: "state <> 'confirmed' AND state IN ('proposed', 'void') AND expires_at < $1 AND proposed_at IS NOT NULL
           AND (voided_at IS NULL OR voided_at < $1)
           AND NOT EXISTS (SELECT 1 FROM challenge c WHERE c.settled_by = enrolment.row_id)
           AND NOT EXISTS (SELECT 1 FROM challenge c WHERE c.reported_by = enrolment.row_id)
           AND NOT EXISTS (SELECT 1 FROM challenge_device d WHERE d.enrolment = enrolment.row_id)
           AND NOT EXISTS (SELECT 1 FROM push p WHERE p.enrolment = enrolment.row_id)
           AND NOT EXISTS (SELECT 1 FROM move m WHERE m.old_device = enrolment.row_id)
           AND NOT EXISTS (SELECT 1 FROM move m WHERE m.new_device = enrolment.row_id)
           AND NOT EXISTS (SELECT 1 FROM code_authenticator a JOIN challenge c ON c.settled_code = a.row_id
                           WHERE a.enrolment = enrolment.row_id)",
    remove: &[
        "DELETE FROM accepted_proof WHERE enrolment = $1",
        "DELETE FROM push_registration WHERE enrolment = $1",
        "DELETE FROM code_authenticator WHERE enrolment = $1",
        "DELETE FROM enrolment WHERE row_id = $1",
    ],
};

/// When an application was removed is in the journal alone; what it settled last keeps it.
const APPLICATIONS: Removal = Removal {
    table: "code_authenticator",
    oldest: "created_at",
    // Not IS NULL: SQLite would look all of them up by the index of enrolments, instead of the old ones by their age.
    over: "state <> 'confirmed' AND coalesce(enrolment, 0) = 0 AND created_at < $1
           AND NOT EXISTS (SELECT 1 FROM challenge c WHERE c.settled_code = code_authenticator.row_id)",
    remove: &["DELETE FROM code_authenticator WHERE row_id = $1"],
};

/// The name went when the person was deleted; the row, which receipts need, goes with the last of them.
const ACCOUNTS: Removal = Removal {
    table: "account",
    oldest: "deleted_at",
    over: "deleted_at < $1
           AND NOT EXISTS (SELECT 1 FROM challenge c WHERE c.account = account.row_id)
           AND NOT EXISTS (SELECT 1 FROM move m WHERE m.account = account.row_id)
           AND NOT EXISTS (SELECT 1 FROM enrolment e WHERE e.account = account.row_id)
           AND NOT EXISTS (SELECT 1 FROM code_authenticator a WHERE a.account = account.row_id)",
    remove: &["DELETE FROM account WHERE row_id = $1"],
};

impl Store {
    pub(super) async fn remove_proofs(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.write(move |tx, now| proofs::forget(tx, now, before, Removed::Proofs.piece())).await
    }

    pub(super) async fn remove_rows(&self, what: Removed, before: Timestamp) -> Result<usize, StoreError> {
        let Some(removal) = what.removal() else { return Ok(0) };
        let find = move |tx: &dyn Transaction| {
            let found = tx.rows(removal.table, &removal.find(), values![before, what.piece()])?;
            found.iter().map(|row: &Row| row.get("row_id")).collect::<Result<Vec<i64>, StoreError>>()
        };
        let found = self.read(find).await?;
        if found.is_empty() {
            return Ok(0);
        }
        self.write(move |tx, _| {
            let still = removal.still();
            let mut removed = 0;
            for row_id in found {
                if tx.row(removal.table, &still, values![before, row_id])?.is_none() {
                    continue;
                }
                for statement in removal.remove {
                    tx.execute(statement, values![row_id])?;
                }
                removed += 1;
            }
            Ok(removed)
        })
        .await
    }
}
