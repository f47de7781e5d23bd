//! Where devices are reached: the push registrations of each, and the VAPID keys that Web Push subscriptions were made
//! with.

use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::journal::Entry;
use super::{Store, StoreError};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::rows::{DeviceRow, RegistrationRow};
use countersign_protocol::device_api::PushFailure;
use countersign_protocol::relying_party_api::EnrolmentStage;
use countersign_protocol::time::Timestamp;

/// A place where a device is to be reached from now on.
#[derive(Debug, Clone)]
pub struct NewRegistration {
    /// The registration, sealed.
    pub sealed: Vec<u8>,
    /// The keyed digest of the place: the same for the same endpoint or token, and worth nothing without the key.
    pub place: Vec<u8>,
    /// The lane in which its pushes wait.
    pub lane: String,
    /// Which key its subscription was made with.
    pub made_with: MadeWith,
}

/// Which of the server's VAPID keys a registration is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MadeWith {
    /// None: it is no Web Push subscription.
    None,
    /// The one that is current when it is registered.
    Current,
    /// The one with this public half, in base64url.
    Key(String),
}

/// What became of the replacement of a device's registrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// They are those that were given.
    Done,
    /// The device is void; nothing was changed.
    NotInUse,
    /// One names a VAPID key that the server does not hold; nothing was changed.
    UnknownKey,
}

/// A place where a device is reached.
#[derive(Debug, Clone)]
pub struct StoredRegistration {
    /// The registration, sealed.
    pub sealed: Vec<u8>,
    /// When the device registered it.
    pub registered_at: Timestamp,
    /// The public half of the VAPID key that it was made with, in base64url.
    pub vapid_key: Option<String>,
}

/// What a push that was not taken says of the place to which it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// Nothing.
    None,
    /// It failed there.
    Failed,
    /// It was not taken at this moment, and perhaps none is to be sent there before this one.
    NotNow(Option<Timestamp>),
}

/// A VAPID key as it is kept.
#[derive(Debug, Clone)]
pub struct StoredVapidKey {
    /// Its place among those of this server: the last one is current.
    pub sequence: u64,
    /// The public half, in base64url.
    pub public_key: String,
    /// Sealed PKCS#8.
    pub private_key: Vec<u8>,
}

/// How things stand with the registrations of the device `e`, in one word:
/// [`PushStatus`](countersign_protocol::device_api::PushStatus).
///
/// A place that moved to a newer enrolment of the account is no loss: the person is reached there.
pub(super) const STATUS: &str = "(SELECT CASE WHEN count(*) = 0 THEN 'none'
    WHEN count(sealed) + count(moved_to) < count(*) THEN 'gone'
    WHEN min(vapid_key) < (SELECT max(sequence) FROM vapid_key) THEN 'outdated' ELSE 'registered' END
    FROM push_registration WHERE enrolment = e.row_id)";

const FORGET: &str = "DELETE FROM push_registration WHERE enrolment = $1";

/// Forgets that places have moved to a device, so that the earlier one registers again at its next contact.
const FORGET_MOVES: &str = "DELETE FROM push_registration WHERE moved_to = $1";

/// Forgets where a device is reached.
pub(super) fn remove(transaction: &dyn Transaction, now: Timestamp, device: DeviceRow) -> Result<(), StoreError> {
    transaction.execute(FORGET, values![device])?;
    transaction.execute(FORGET_MOVES, values![device])?;
    drop_unused_keys(transaction, now)
}

/// Forgets a registration that its network does not know. Its row stays, emptied, so that the device learns that it
/// must register again.
pub(super) fn mark_gone(
    transaction: &dyn Transaction,
    now: Timestamp,
    registration: RegistrationRow,
) -> Result<(), StoreError> {
    let sql = "UPDATE push_registration SET sealed = NULL, vapid_key = NULL WHERE row_id = $1 AND sealed IS NOT NULL
               RETURNING row_id, enrolment";
    if let Some(row) = transaction.row("push_registration", sql, values![registration])? {
        Entry::new(now, &Actor::SERVER, Fact::PushGone).of_device(transaction, row.get("enrolment")?)?;
    }
    drop_unused_keys(transaction, now)
}

/// Gives each place to the newest confirmed enrolment of an account. An app that was installed anew enrols again with
/// the endpoint or token that it had: a push to the earlier enrolment would ring the same phone a second time, with
/// what it cannot open any more.
///
/// Never across accounts: one app holds many accounts with one token, and whoever gives the server somebody else's
/// token would take pushes away from them. And not before the enrolment is confirmed, for the same reason.
pub(super) fn settle_places(
    transaction: &dyn Transaction,
    now: Timestamp,
    device: DeviceRow,
) -> Result<(), StoreError> {
    let sql = "SELECT r.row_id, r.enrolment, max(n.enrolment) AS newest FROM push_registration n
               JOIN enrolment e ON e.row_id = n.enrolment AND e.state = 'confirmed'
               JOIN enrolment o ON o.account = e.account AND o.row_id < e.row_id
               JOIN push_registration r ON r.enrolment = o.row_id AND r.place = n.place AND r.sealed IS NOT NULL
               WHERE n.sealed IS NOT NULL AND e.account = (SELECT account FROM enrolment WHERE row_id = $1)
               GROUP BY r.row_id, r.enrolment";
    for moved in transaction.rows("push_registration", sql, values![device])? {
        let (row, newest) = (moved.get::<RegistrationRow>("row_id")?, moved.get::<DeviceRow>("newest")?);
        let sql = "UPDATE push_registration SET sealed = NULL, vapid_key = NULL, moved_to = $2 WHERE row_id = $1";
        transaction.execute(sql, values![row, newest])?;
        Entry::new(now, &Actor::SERVER, Fact::PushMoved).of_device(transaction, moved.get("enrolment")?)?;
    }
    drop_unused_keys(transaction, now)
}

/// Keeps what the latest push says of the place to which it went; none when it was taken.
pub(super) fn trace(
    transaction: &dyn Transaction,
    now: Timestamp,
    registration: RegistrationRow,
    trace: Option<Trace>,
) -> Result<(), StoreError> {
    match trace {
        // Where all is well, this writes nothing.
        None => {
            let sql = "UPDATE push_registration SET worked_at = coalesce(worked_at, $2), failed_at = NULL,
                           failures = 0, rests_until = NULL
                       WHERE row_id = $1 AND (worked_at IS NULL OR failed_at IS NOT NULL)";
            transaction.execute(sql, values![registration, now])?;
        }
        Some(Trace::None) => {}
        Some(Trace::Failed) => {
            let sql = "UPDATE push_registration SET failed_at = $2 WHERE row_id = $1";
            transaction.execute(sql, values![registration, now])?;
        }
        Some(Trace::NotNow(until)) => {
            let sql = "UPDATE push_registration SET failed_at = $2, failures = failures + 1, rests_until = $3
                       WHERE row_id = $1";
            transaction.execute(sql, values![registration, now, until])?;
            let sql = "UPDATE push SET due_at = $2, cause = coalesce(cause, $3)
                       WHERE registration = $1 AND state = 'queued' AND due_at < $2";
            transaction.execute(sql, values![registration, until, PushFailure::NotNow])?;
        }
    }
    Ok(())
}

/// Drops the earlier VAPID keys that no registration was made with any more. An enrolment that ran out unconfirmed
/// loses its registrations first: they would otherwise keep a key for ever.
fn drop_unused_keys(transaction: &dyn Transaction, now: Timestamp) -> Result<(), StoreError> {
    // The search starts from the few registrations with an earlier key and not from all enrolments, because every other
    // write waits until this one is done.
    let sql = "DELETE FROM push_registration WHERE vapid_key < (SELECT max(sequence) FROM vapid_key)
               AND EXISTS (SELECT 1 FROM enrolment e WHERE e.row_id = push_registration.enrolment
                           AND e.state = 'proposed' AND e.expires_at <= $1)";
    transaction.execute(sql, values![now])?;
    let sql = "DELETE FROM vapid_key WHERE sequence < (SELECT max(sequence) FROM vapid_key)
               AND NOT EXISTS (SELECT 1 FROM push_registration r WHERE r.vapid_key = vapid_key.sequence)";
    transaction.execute(sql, values![])?;
    Ok(())
}

/// The VAPID key that a registration is bound to. The inner result is an error when the server does not hold that key.
fn key_of(transaction: &dyn Transaction, made_with: &MadeWith) -> Result<Result<Option<u64>, Registered>, StoreError> {
    let found = match made_with {
        MadeWith::None => return Ok(Ok(None)),
        MadeWith::Current => {
            let sql = "SELECT sequence FROM vapid_key ORDER BY sequence DESC LIMIT 1";
            transaction.row("vapid_key", sql, values![])?
        }
        MadeWith::Key(public_key) => {
            let sql = "SELECT sequence FROM vapid_key WHERE public_key = $1";
            transaction.row("vapid_key", sql, values![public_key])?
        }
    };
    let sequence = found.map(|row| row.get("sequence")).transpose()?;
    Ok(sequence.map(Some).ok_or(Registered::UnknownKey))
}

/// Moves the pushes that wait for a device from its earlier registrations to its new ones, so that a question that was
/// asked just before is not lost. Each new registration gets a push once, however many earlier ones had it.
fn redirect(transaction: &dyn Transaction, device: DeviceRow) -> Result<(), StoreError> {
    const EARLIER: &str = "enrolment = $1 AND state = 'queued' AND (registration IS NULL
                           OR registration NOT IN (SELECT row_id FROM push_registration WHERE enrolment = $1))";
    let sql = format!(
        "INSERT INTO push (challenge, enrolment, registration, lane, kind, state, attempts, due_at, expires_at)
         SELECT p.challenge, p.enrolment, r.row_id, r.lane, p.kind, 'queued', max(p.attempts), min(p.due_at),
                max(p.expires_at)
         FROM (SELECT challenge, enrolment, kind, attempts, due_at, expires_at FROM push WHERE {EARLIER}) p
         JOIN push_registration r ON r.enrolment = p.enrolment AND r.sealed IS NOT NULL
         GROUP BY p.challenge, p.enrolment, p.kind, r.row_id, r.lane"
    );
    transaction.execute(&sql, values![device])?;
    // The rows are not deleted: a push that is on its way still arrives, and a retraction can follow it only while its
    // row is there.
    let sql = format!("UPDATE push SET state = 'dropped', registration = NULL WHERE {EARLIER}");
    transaction.execute(&sql, values![device])?;
    Ok(())
}

fn read_registration(row: &Row) -> Result<StoredRegistration, StoreError> {
    let (sealed, registered_at) = (row.get("sealed")?, row.get("registered_at")?);
    Ok(StoredRegistration { sealed, registered_at, vapid_key: row.get("public_key")? })
}

fn read_vapid_key(row: &Row) -> Result<StoredVapidKey, StoreError> {
    let (public_key, private_key) = (row.get("public_key")?, row.get("private_key")?);
    Ok(StoredVapidKey { sequence: row.get("sequence")?, public_key, private_key })
}

impl Store {
    /// Replaces all places where a device is reached.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn replace_push_registrations(
        &self,
        by: Actor,
        device: DeviceRow,
        registrations: Vec<NewRegistration>,
    ) -> Result<Registered, StoreError> {
        self.write(move |transaction, now| {
            let sql = "SELECT row_id, state FROM enrolment WHERE row_id = $1";
            if transaction.one_row("enrolment", sql, values![device])?.get::<EnrolmentStage>("state")?
                == EnrolmentStage::Void
            {
                return Ok(Registered::NotInUse);
            }
            let mut keys = Vec::with_capacity(registrations.len());
            for registration in &registrations {
                match key_of(transaction, &registration.made_with)? {
                    Ok(key) => keys.push(key),
                    Err(refused) => return Ok(refused),
                }
            }
            let forgotten = transaction.execute(FORGET, values![device])?;
            if forgotten > 0 || !registrations.is_empty() {
                Entry::new(now, &by, Fact::PushRegistered).of_device(transaction, device)?;
            }
            transaction.execute(FORGET_MOVES, values![device])?;
            let sql = "INSERT INTO push_registration (enrolment, sealed, lane, registered_at, vapid_key, place)
                       VALUES ($1, $2, $3, $4, $5, $6)";
            for (NewRegistration { sealed, lane, place, .. }, key) in registrations.into_iter().zip(keys) {
                transaction.execute(sql, values![device, sealed, lane, now, key, place])?;
            }
            settle_places(transaction, now, device)?;
            redirect(transaction, device)?;
            Ok(Registered::Done)
        })
        .await
    }

    /// Keeps the digest of a place that was registered before there were digests.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn name_place(&self, registration: RegistrationRow, place: Vec<u8>) -> Result<(), StoreError> {
        self.write(move |transaction, _| {
            let sql = "UPDATE push_registration SET place = $2 WHERE row_id = $1 AND sealed IS NOT NULL";
            transaction.execute(sql, values![registration, place])?;
            Ok(())
        })
        .await
    }

    /// The places where a device is reached, without those that their networks no longer know.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn push_registrations(&self, device: DeviceRow) -> Result<Vec<StoredRegistration>, StoreError> {
        self.read(move |transaction| {
            let sql = "SELECT r.row_id, r.sealed, r.registered_at, k.public_key FROM push_registration r
                       LEFT JOIN vapid_key k ON k.sequence = r.vapid_key
                       WHERE r.enrolment = $1 AND r.sealed IS NOT NULL ORDER BY r.row_id";
            transaction.rows("push_registration", sql, values![device])?.iter().map(read_registration).collect()
        })
        .await
    }

    /// All VAPID keys, the current one last.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn vapid_keys(&self) -> Result<Vec<StoredVapidKey>, StoreError> {
        self.read(|transaction| {
            let sql = "SELECT sequence, public_key, private_key FROM vapid_key ORDER BY sequence";
            transaction.rows("vapid_key", sql, values![])?.iter().map(read_vapid_key).collect()
        })
        .await
    }

    /// The public half of the current VAPID key, in base64url.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn webpush_public_key(&self) -> Result<Option<String>, StoreError> {
        self.read(|transaction| {
            let sql = "SELECT public_key FROM vapid_key ORDER BY sequence DESC LIMIT 1";
            transaction.row("vapid_key", sql, values![])?.map(|row| row.get("public_key")).transpose()
        })
        .await
    }

    /// Adds the first VAPID key; when there is one already, nothing happens. In a database from before there could be
    /// several keys, the registrations then name this key, and the setting that used to hold it is deleted.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn put_first_vapid_key(&self, by: Actor, key: StoredVapidKey) -> Result<(), StoreError> {
        self.write(move |transaction, now| {
            let sql = "SELECT EXISTS (SELECT 1 FROM vapid_key) AS held";
            if transaction.one_row("vapid_key", sql, values![])?.get("held")? {
                return Ok(());
            }
            insert_key(transaction, now, &by, &key)?;
            transaction.execute("DELETE FROM setting WHERE name = 'vapid_key'", values![])?;
            let sql = "UPDATE push_registration SET vapid_key = (SELECT max(sequence) FROM vapid_key)
                       WHERE sealed IS NOT NULL AND lane LIKE 'webpush%'";
            transaction.execute(sql, values![])?;
            Ok(())
        })
        .await
    }

    /// Makes a VAPID key the current one.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer or the sequence is taken.
    pub async fn put_vapid_key(&self, by: Actor, key: StoredVapidKey) -> Result<(), StoreError> {
        self.write(move |transaction, now| {
            insert_key(transaction, now, &by, &key)?;
            drop_unused_keys(transaction, now)
        })
        .await
    }
}

fn insert_key(
    transaction: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    key: &StoredVapidKey,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO vapid_key (sequence, public_key, private_key, created_at) VALUES ($1, $2, $3, $4)";
    transaction.execute(sql, values![key.sequence, &key.public_key, &key.private_key, now])?;
    Entry::new(now, by, Fact::VapidKeyMade).of_server(transaction)?;
    Ok(())
}
