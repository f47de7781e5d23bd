//! What was found of the place where a device's approval key lives: columns of its enrolment.

use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::journal::Entry;
use super::{Store, StoreError};
use crate::domain::actor::Actor;
use crate::domain::attestation::{Attested, Doubt, Found};
use crate::domain::fact::Fact;
use crate::domain::rows::DeviceRow;
use countersign_protocol::time::Timestamp;

/// The columns that [`read`] reads.
pub(super) const COLUMNS: &str =
    "e.attested_at, e.attestation_doubt, e.attestation_level, e.attestation_boot, e.attestation_gated";

/// What was found of a device's key, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttestationRecord {
    /// What was found.
    pub found: Found,
    /// When it was looked at.
    pub at: Timestamp,
}

/// Reads the columns; none where nobody has looked.
pub(super) fn read(row: &Row) -> Result<Option<AttestationRecord>, StoreError> {
    let Some(at) = row.get("attested_at")? else { return Ok(None) };
    let found = match (row.get("attestation_level")?, row.get("attestation_boot")?) {
        (Some(level), Some(boot)) => Ok(Attested { level, boot, gated: row.get("attestation_gated")? }),
        _ => Err(row.get::<Option<Doubt>>("attestation_doubt")?.unwrap_or(Doubt::Absent)),
    };
    Ok(Some(AttestationRecord { found, at }))
}

/// Keeps what was found of a device that has just come, and adds a line; none for a phone that sent nothing, as most
/// do.
pub(super) fn keep(
    tx: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    device: DeviceRow,
    found: Found,
) -> Result<(), StoreError> {
    let (attested, doubt) = (found.ok(), found.err());
    let sql = "UPDATE enrolment SET attested_at = $2, attestation_doubt = $3, attestation_level = $4,
                   attestation_boot = $5, attestation_gated = $6 WHERE row_id = $1";
    let gated = attested.is_some_and(|attested| attested.gated);
    let (level, boot) = (attested.map(|attested| attested.level), attested.map(|attested| attested.boot));
    tx.execute(sql, values![device, now, doubt, level, boot, gated])?;
    match found {
        Ok(attested) => {
            Entry::new(now, by, Fact::DeviceAttested).because(attested.level.as_str()).of_device(tx, device).map(drop)
        }
        Err(Doubt::Absent) => Ok(()),
        Err(doubt) => {
            Entry::new(now, by, Fact::DeviceNotAttested).because(doubt.as_str()).of_device(tx, device).map(drop)
        }
    }
}

impl Store {
    /// Keeps why a device was not enrolled, with a line, the first time that its link is refused so: whoever has a link
    /// must not fill the journal.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn not_attested(&self, by: Actor, ticket_sha256: [u8; 32], doubt: Doubt) -> Result<(), StoreError> {
        self.write(move |tx, now| {
            let sql = "UPDATE enrolment SET attested_at = $2, attestation_doubt = $3
                       WHERE ticket_sha256 = $1 AND state = 'open' AND attested_at IS NULL RETURNING row_id";
            let Some(refused) = tx.row("enrolment", sql, values![&ticket_sha256, now, doubt])? else { return Ok(()) };
            let line = Entry::new(now, &by, Fact::DeviceNotAttested).because(doubt.as_str());
            line.of_device(tx, refused.get("row_id")?).map(drop)
        })
        .await
    }
}
