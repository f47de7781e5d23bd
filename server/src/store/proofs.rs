//! Request proofs that were accepted, so that none is accepted twice.
//!
//! A proof is remembered for longer than its nonce could serve. A clock that goes back would make old nonces serve
//! again whose proofs were forgotten long ago. So nonces belong to an era, which ends for good when the clock goes back
//! behind the moment at which proofs were last forgotten.

use super::engine::Transaction;
use super::engine::value::values;
use super::rules::AHEAD;
use super::{Store, StoreError, devices};
use crate::domain::rows::DeviceRow;
use countersign_protocol::time::Timestamp;

/// The setting that holds the era and the latest moment at which proofs were forgotten.
const SETTING: &str = "proof_era";

/// Proofs have no number of their own, and nothing keeps one that is old.
pub(super) const FORGET: &str = "DELETE FROM accepted_proof WHERE (enrolment, jti) IN
     (SELECT enrolment, jti FROM accepted_proof WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";

/// What became of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is used up now.
    Now,
    /// It was accepted before.
    Before,
    /// Its nonce is of another era than this, the present one.
    OtherEra(u64),
}

/// The present era, and the latest moment at which proofs were forgotten in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Era {
    number: u64,
    latest: Timestamp,
}

impl Era {
    fn read(tx: &dyn Transaction) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT value FROM setting WHERE name = $1";
        let Some(row) = tx.row("setting", sql, values![SETTING])? else { return Ok(None) };
        let value: Vec<u8> = row.get("value")?;
        let unreadable = || row.unreadable("value", "is no era");
        let (number, rest) = value.split_first_chunk().ok_or_else(unreadable)?;
        let (latest, _) = rest.split_first_chunk().ok_or_else(unreadable)?;
        let latest = Timestamp::from_millis(i64::from_be_bytes(*latest));
        Ok(Some(Self { number: u64::from_be_bytes(*number), latest }))
    }

    fn write(self, tx: &dyn Transaction) -> Result<(), StoreError> {
        let value = [self.number.to_be_bytes(), self.latest.millis().to_be_bytes()].concat();
        let sql = "INSERT INTO setting (name, value) VALUES ($1, $2)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        tx.execute(sql, values![SETTING, &value])?;
        Ok(())
    }
}

/// The era of this moment. A new one begins when the clock has gone back since proofs were last forgotten, by more than
/// clocks differ. By less, what was forgotten is refused for its age all the same: a proof is remembered for longer
/// than its nonce serves, by far more than [`AHEAD`].
fn present_era(tx: &dyn Transaction, now: Timestamp) -> Result<Era, StoreError> {
    let known = Era::read(tx)?.unwrap_or(Era { number: 0, latest: now });
    if now + AHEAD >= known.latest {
        return Ok(known);
    }
    let next = Era { number: known.number + 1, latest: now };
    next.write(tx)?;
    Ok(next)
}

/// Begins an era that was never before, so that no nonce serves which was handed out until now, and forgets all proofs.
/// Nobody knows how far the eras had come: `step` is a chance number.
pub(super) fn begin_era(tx: &dyn Transaction, now: Timestamp, step: u64) -> Result<(), StoreError> {
    let known = Era::read(tx)?.map_or(0, |era| era.number);
    Era { number: known.saturating_add(1).saturating_add(step), latest: now }.write(tx)?;
    tx.execute("DELETE FROM accepted_proof", values![]).map(drop)
}

/// Forgets the proofs that end before this moment, `most` at most, and gives how many there were. That they were
/// forgotten is written down with it: a later clock that is behind the present one begins another era.
pub(super) fn forget(
    tx: &dyn Transaction,
    now: Timestamp,
    before: Timestamp,
    most: usize,
) -> Result<usize, StoreError> {
    let Era { number, latest } = present_era(tx, now)?;
    Era { number, latest: latest.max(now) }.write(tx)?;
    tx.execute(FORGET, values![before.min(now), most])
}

impl Store {
    /// Remembers that a proof was accepted whose nonce is of this era. Durable, so that a restart forgets none.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn accept_proof(
        &self,
        device: DeviceRow,
        jti: String,
        era: u64,
        expires_at: Timestamp,
    ) -> Result<Accepted, StoreError> {
        self.write(move |tx, now| {
            let Era { number: present, .. } = present_era(tx, now)?;
            if present != era {
                return Ok(Accepted::OtherEra(present));
            }
            let sql =
                "INSERT INTO accepted_proof (enrolment, jti, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            let new = tx.changes_one(sql, values![device, &jti, expires_at])?;
            if new {
                devices::heard_of(tx, now, device)?;
            }
            Ok(if new { Accepted::Now } else { Accepted::Before })
        })
        .await
    }

    /// The era of the nonces that are handed out at this moment. It is a new one when the clock has gone back.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn proof_era(&self, now: Timestamp) -> Result<u64, StoreError> {
        match self.read(Era::read).await? {
            Some(era) if now + AHEAD >= era.latest => Ok(era.number),
            Some(_) => self.write(|tx, now| Ok(present_era(tx, now)?.number)).await,
            None => Ok(0),
        }
    }
}
