//! The journal: every fact that matters for security, written in the transaction that makes it true. Who, what, to
//! whom, why, when, from where; in handles, so that a line can be read when the rows that it speaks of are long gone.
//!
//! Lines are only ever added: this file has no statement that changes or removes one, and the database refuses it. At
//! their ages, from the old end alone, their addresses go, and later they do (`retention/journal_end.rs`). A line takes
//! nothing that other writers hold: its number is the database's own.

use super::StoreError;
use super::challenge_state;
use super::engine::Transaction;
use super::engine::row::{FromValue, stored_words};
use super::engine::value::{Value, values};
use crate::domain::actor::{Actor, ActorKind};
use crate::domain::fact::Fact;
use crate::domain::methods::amr;
use crate::domain::rows::{
    AccountRow, AuthenticatorRow, ChallengeRow, DeviceRow, JournalRow, MoveRow, OrganisationRow, RelyingPartyRow,
};
use countersign_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

stored_words!(ActorKind {
    RelyingParty = "relying_party",
    Device = "device",
    Operator = "operator",
    Server = "server",
});

impl From<Fact> for Value<'_> {
    fn from(fact: Fact) -> Self {
        Self::from(fact.as_str())
    }
}

impl FromValue for Fact {
    fn from_value(value: &Value<'static>) -> Option<Self> {
        Self::of_word(&String::from_value(value)?)
    }
}

/// When the latest line was written, by the clock of that time; none in a new database.
pub(super) fn last_line_at(tx: &dyn Transaction) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT row_id, at FROM journal ORDER BY row_id DESC LIMIT 1";
    tx.row("journal", sql, &[])?.map(|line| line.get("at")).transpose()
}

/// What a line says of a challenge beside the fact: how it stood at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChallengeDetail {
    /// Its state.
    pub state: String,
    /// True once the person has said "this was not me".
    pub reported: bool,
    /// How the person was authenticated (RFC 8176); empty unless approved.
    pub amr: Vec<String>,
}

/// Where a line begins: who did what, and when.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    /// When.
    pub at: Timestamp,
    /// Who, and from where.
    pub by: &'a Actor,
    /// What.
    pub fact: Fact,
    /// Why, where there is more to say.
    pub reason: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// A line without a reason.
    pub const fn new(at: Timestamp, by: &'a Actor, fact: Fact) -> Self {
        Self { at, by, fact, reason: None }
    }

    /// A line with a reason.
    #[must_use]
    pub const fn because(self, reason: &'a str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// Adds a line. `subject` gives the handles of organisation, relying party, account, device, challenge and
    /// authenticator, in this order, of what stands in the row `$1`.
    fn add(
        self,
        transaction: &dyn Transaction,
        subject: &str,
        row: Value<'_>,
        detail: Option<String>,
    ) -> Result<JournalRow, StoreError> {
        let sql = format!(
            "INSERT INTO journal (at, actor_kind, actor, address, fact, reason, detail,
                                  organisation, relying_party, account, device, challenge, authenticator)
             SELECT $2, $3, $4, $5, $6, $7, $8, {subject} RETURNING row_id"
        );
        let address = self.by.address().map(|address| address.to_string());
        // What the store has to say stays the first word: programs look for it.
        let reason = match (self.reason, self.by.reason()) {
            (Some(of_fact), Some(of_actor)) => Some(format!("{of_fact}: {of_actor}")),
            (one, other) => one.or(other).map(str::to_owned),
        };
        let values = [
            row,
            self.at.into(),
            self.by.kind().into(),
            self.by.handle().into(),
            address.into(),
            self.fact.into(),
            reason.into(),
            detail.into(),
        ];
        transaction.one_row("journal", &sql, &values)?.get("row_id")
    }

    /// A line about the server itself.
    pub fn of_server(self, transaction: &dyn Transaction) -> Result<JournalRow, StoreError> {
        self.add(transaction, "NULL, NULL, NULL, NULL, NULL, NULL WHERE $1 IS NULL", Value::Null, None)
    }

    /// A line about an organisation.
    pub fn of_organisation(
        self,
        transaction: &dyn Transaction,
        organisation: OrganisationRow,
    ) -> Result<JournalRow, StoreError> {
        let subject = "o.handle, NULL, NULL, NULL, NULL, NULL FROM organisation o WHERE o.row_id = $1";
        self.add(transaction, subject, organisation.into(), None)
    }

    /// A line about a relying party.
    pub fn of_relying_party(
        self,
        transaction: &dyn Transaction,
        relying_party: RelyingPartyRow,
    ) -> Result<JournalRow, StoreError> {
        let subject = "o.handle, p.handle, NULL, NULL, NULL, NULL FROM relying_party p
                       JOIN organisation o ON o.row_id = p.organisation WHERE p.row_id = $1";
        self.add(transaction, subject, relying_party.into(), None)
    }

    /// A line about an account.
    pub fn of_account(self, transaction: &dyn Transaction, account: AccountRow) -> Result<JournalRow, StoreError> {
        let subject = "o.handle, NULL, a.handle, NULL, NULL, NULL FROM account a
                       JOIN organisation o ON o.row_id = a.organisation WHERE a.row_id = $1";
        self.add(transaction, subject, account.into(), None)
    }

    /// A line about an enrolment, and its device.
    pub fn of_device(self, transaction: &dyn Transaction, device: DeviceRow) -> Result<JournalRow, StoreError> {
        let subject = "o.handle, NULL, a.handle, e.handle, NULL, NULL FROM enrolment e
                       JOIN account a ON a.row_id = e.account JOIN organisation o ON o.row_id = a.organisation
                       WHERE e.row_id = $1";
        self.add(transaction, subject, device.into(), None)
    }

    /// A line about what makes codes.
    pub fn of_authenticator(
        self,
        transaction: &dyn Transaction,
        authenticator: AuthenticatorRow,
    ) -> Result<JournalRow, StoreError> {
        let subject = "o.handle, NULL, a.handle, NULL, NULL, c.handle FROM code_authenticator c
                       JOIN account a ON a.row_id = c.account JOIN organisation o ON o.row_id = a.organisation
                       WHERE c.row_id = $1";
        self.add(transaction, subject, authenticator.into(), None)
    }

    /// A line about a move; its device is the one that is replaced.
    pub fn of_move(self, transaction: &dyn Transaction, moving: MoveRow) -> Result<JournalRow, StoreError> {
        let subject = "o.handle, p.handle, a.handle, e.handle, NULL, NULL FROM move m
                       JOIN enrolment e ON e.row_id = m.old_device
                       LEFT JOIN relying_party p ON p.row_id = m.relying_party
                       JOIN account a ON a.row_id = m.account JOIN organisation o ON o.row_id = a.organisation
                       WHERE m.row_id = $1";
        self.add(transaction, subject, moving.into(), None)
    }

    /// A line about a challenge, which also says how that stands now. Its relying party is told, where it has a
    /// webhook: use [`super::webhooks::tell`], which calls this.
    pub(super) fn of_challenge(
        self,
        transaction: &dyn Transaction,
        challenge: ChallengeRow,
    ) -> Result<JournalRow, StoreError> {
        let sql = "SELECT row_id, state, created_at, expires_at, settled_at, told_over_at, settled_method,
                          report IS NOT NULL AS reported
                   FROM challenge WHERE row_id = $1";
        let row = transaction.one_row("challenge", sql, values![challenge])?;
        let state = challenge_state::state_to_tell(transaction, &row, self.at, challenge)?;
        let detail = ChallengeDetail {
            state: state.as_str().into(),
            reported: row.get("reported")?,
            amr: amr(state, row.get("settled_method")?).iter().map(|&word| word.to_owned()).collect(),
        };
        let detail = serde_json::to_string(&detail).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        let subject = "o.handle, p.handle, a.handle, NULL, c.handle, NULL FROM challenge c
                       JOIN account a ON a.row_id = c.account JOIN relying_party p ON p.row_id = c.relying_party
                       JOIN organisation o ON o.row_id = p.organisation WHERE c.row_id = $1";
        self.add(transaction, subject, challenge.into(), Some(detail))
    }
}
