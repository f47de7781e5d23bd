//! Which steps of RFC 6238 an authenticator has used, each by itself, and the last one, up to which no code is
//! accepted.
//!
//! The last step alone would do while the server's clock is right. Once it was set back, a step that was accepted ahead
//! of the time would refuse every right code until that time comes. It is put back then, and what keeps a code from
//! being spent twice are the single steps.

use super::StoreError;
use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::journal::Entry;
use crate::domain::actor::Actor;
use crate::domain::code_steps::{self, Known, REMEMBERED, UsedStep};
use crate::domain::fact::Fact;
use crate::domain::rows::AuthenticatorRow;
use countersign_protocol::handle::AuthenticatorId;
use countersign_protocol::time::Timestamp;

/// The authenticator whose steps they are.
#[derive(Clone, Copy)]
pub(super) struct Of {
    /// Its row.
    pub row_id: AuthenticatorRow,
    /// Names it in the log.
    pub id: AuthenticatorId,
    /// Seconds of a step.
    pub period: u16,
}

/// Adds to what is known of an authenticator which steps it has used around the present, and puts its last step back
/// where that is ahead of the time.
pub(super) fn complete(
    transaction: &dyn Transaction,
    now: Timestamp,
    of: Of,
    known: &mut Known,
) -> Result<(), StoreError> {
    let current = code_steps::step_at(now, of.period);
    if let Some(last) = known.last_step.filter(|last| *last > code_steps::furthest(current)) {
        known.last_step = ahead(transaction, now, of, current, last)?;
    }
    let around = code_steps::looked_at(current, of.period);
    let sql = "SELECT step, use = 'accepted' AS accepted FROM used_step
               WHERE authenticator = $1 AND step BETWEEN $2 AND $3 ORDER BY step";
    let used = transaction.rows("used_step", sql, values![of.row_id, *around.start(), *around.end()])?;
    let read = |row: &Row| Ok(UsedStep { step: row.get("step")?, accepted: row.get("accepted")? });
    known.used = used.iter().map(read).collect::<Result<_, StoreError>>()?;
    Ok(())
}

/// A code was accepted for a step that no code could be accepted for now: the server's clock was wrong then, or is now.
/// Gives the last step that counts from here on. The operator is told once.
fn ahead(
    transaction: &dyn Transaction,
    now: Timestamp,
    of: Of,
    current: u64,
    last: u64,
) -> Result<Option<u64>, StoreError> {
    let Of { row_id, id, period } = of;
    let seconds = (last - current).saturating_mul(period.into());
    let tell = |reason| {
        let entry = Entry::new(now, &Actor::SERVER, Fact::CodesAhead).because(reason);
        entry.of_authenticator(transaction, row_id)
    };
    if last - current <= code_steps::steps_in(REMEMBERED, period) {
        tracing::warn!(
            authenticator = %id, seconds,
            "a one-time code was accepted for a time that is still to come, so the server's clock was wrong then or is \
             now; codes of the present are taken again, and those that were used stay used. Check the clock"
        );
        tell("put_back")?;
        return put_back(transaction, row_id, current);
    }
    let sql = "UPDATE code_authenticator SET told_step = $2 WHERE row_id = $1 AND told_step IS DISTINCT FROM $2";
    if transaction.changes_one(sql, values![row_id, last])? {
        tracing::error!(
            authenticator = %id, seconds,
            "a one-time code was accepted for a time that is still to come, so the server's clock was wrong then or is \
             now; every code is refused until then. Check the clock, then: countersign admin user unlock"
        );
        tell("refused")?;
    }
    Ok(Some(last))
}

/// Makes the last step the last that was accepted and could be at this one, and gives it.
pub(super) fn put_back(
    transaction: &dyn Transaction,
    row_id: AuthenticatorRow,
    current: u64,
) -> Result<Option<u64>, StoreError> {
    let sql = "UPDATE code_authenticator SET told_step = NULL, last_step =
                   (SELECT max(u.step) FROM used_step u
                    WHERE u.authenticator = $1 AND u.use = 'accepted' AND u.step <= $2)
               WHERE row_id = $1 RETURNING last_step";
    transaction.one_row("code_authenticator", sql, values![row_id, code_steps::furthest(current)])?.get("last_step")
}

/// A step whose code was accepted.
pub(super) fn accept(transaction: &dyn Transaction, row_id: AuthenticatorRow, step: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO used_step (authenticator, step, use) VALUES ($1, $2, 'accepted')
               ON CONFLICT (authenticator, step) DO UPDATE SET use = 'accepted'";
    transaction.execute(sql, values![row_id, step]).map(drop)
}

/// A step whose code was told of at another time than its own.
pub(super) fn use_up(transaction: &dyn Transaction, row_id: AuthenticatorRow, step: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO used_step (authenticator, step, use) VALUES ($1, $2, 'hinted')
               ON CONFLICT (authenticator, step) DO NOTHING";
    transaction.execute(sql, values![row_id, step]).map(drop)
}

/// Forgets the steps that are long over, by the last accepted one and by the one that is to be accepted now: of two
/// clocks of which one was wrong, the earlier counts.
pub(super) fn forget_old(
    transaction: &dyn Transaction,
    of: Of,
    last_step: Option<u64>,
    step: u64,
) -> Result<(), StoreError> {
    let earlier = last_step.map_or(step, |last| last.min(step));
    let oldest = earlier.saturating_sub(code_steps::steps_in(REMEMBERED, of.period));
    let sql = "DELETE FROM used_step WHERE authenticator = $1 AND step < $2";
    transaction.execute(sql, values![of.row_id, oldest]).map(drop)
}

/// Makes every code up to this step a spent one, also when the last step is put back later.
pub(super) fn spend_up_to(
    transaction: &dyn Transaction,
    row_id: AuthenticatorRow,
    step: u64,
) -> Result<(), StoreError> {
    let sql = "UPDATE code_authenticator SET last_step = $2
               WHERE row_id = $1 AND (last_step IS NULL OR last_step < $2)";
    transaction.execute(sql, values![row_id, step])?;
    accept(transaction, row_id, step)
}

/// Forgets all steps of an authenticator that has ended.
pub(super) fn forget(transaction: &dyn Transaction, row_id: AuthenticatorRow) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM used_step WHERE authenticator = $1", values![row_id]).map(drop)
}
