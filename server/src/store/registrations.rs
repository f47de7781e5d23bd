//! Where devices are reached: the push registrations of each, and the VAPID keys that Web Push subscriptions were made with.

use super::{Store, StoreError};
use countersign_protocol::device_api::PushStatus;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

/// A place where a device is to be reached from now on.
#[derive(Debug, Clone)]
pub struct NewRegistration {
    /// The registration, sealed.
    pub sealed: Vec<u8>,
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

/// How things stand with the registrations of the device `e`, in one word: see [`status`].
pub(super) const STATUS: &str = "(SELECT CASE WHEN count(*) = 0 THEN 'none' WHEN count(sealed) < count(*) THEN 'gone'
    WHEN min(vapid_key) < (SELECT max(sequence) FROM vapid_key) THEN 'outdated' ELSE 'registered' END
    FROM push_registration WHERE enrolment = e.row_id)";

/// Reads a word of [`STATUS`].
pub(super) fn status(word: &str) -> rusqlite::Result<PushStatus> {
    Ok(match word {
        "none" => PushStatus::None,
        "gone" => PushStatus::Gone,
        "outdated" => PushStatus::Outdated,
        "registered" => PushStatus::Registered,
        _ => return Err(rusqlite::Error::InvalidQuery),
    })
}

/// Forgets where a device is reached.
pub(super) fn remove(connection: &Connection, now: Timestamp, device: i64) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM push_registration WHERE enrolment = ?1")?.execute([device])?;
    drop_unused_keys(connection, now)
}

/// Forgets a registration that its network does not know. Its row stays, so that the device hears of it.
pub(super) fn mark_gone(connection: &Connection, now: Timestamp, registration: i64) -> Result<(), StoreError> {
    let sql = "UPDATE push_registration SET sealed = NULL, vapid_key = NULL WHERE row_id = ?1";
    connection.prepare_cached(sql)?.execute([registration])?;
    drop_unused_keys(connection, now)
}

/// Drops the earlier VAPID keys that no registration was made with any more. A device that was never confirmed needs none once
/// its time is over.
fn drop_unused_keys(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let sql = "DELETE FROM push_registration WHERE vapid_key < (SELECT max(sequence) FROM vapid_key)
               AND enrolment IN (SELECT row_id FROM enrolment WHERE state = 'proposed' AND expires_at <= ?1)";
    connection.prepare_cached(sql)?.execute([now.millis()])?;
    let sql = "DELETE FROM vapid_key WHERE sequence < (SELECT max(sequence) FROM vapid_key)
               AND NOT EXISTS (SELECT 1 FROM push_registration r WHERE r.vapid_key = vapid_key.sequence)";
    connection.prepare_cached(sql)?.execute(())?;
    Ok(())
}

/// The VAPID key of a registration; an error in the place of one that the server does not hold.
fn key_of(connection: &Connection, made_with: &MadeWith) -> Result<Result<Option<i64>, Registered>, StoreError> {
    let found: Option<i64> = match made_with {
        MadeWith::None => return Ok(Ok(None)),
        MadeWith::Current => connection.query_row("SELECT max(sequence) FROM vapid_key", (), |row| row.get(0))?,
        MadeWith::Key(public_key) => {
            let sql = "SELECT sequence FROM vapid_key WHERE public_key = ?1";
            connection.prepare_cached(sql)?.query_row([public_key], |row| row.get(0)).optional()?
        }
    };
    Ok(found.map(Some).ok_or(Registered::UnknownKey))
}

/// What waits for a device goes to its new places, to each once, and no more to the earlier ones.
fn redirect(connection: &Connection, device: i64) -> Result<(), StoreError> {
    const EARLIER: &str = "enrolment = ?1 AND state = 'queued' AND (registration IS NULL
                           OR registration NOT IN (SELECT row_id FROM push_registration WHERE enrolment = ?1))";
    let sql = format!(
        "INSERT INTO push (challenge, enrolment, registration, lane, kind, state, attempts, due_at, expires_at)
         SELECT p.challenge, p.enrolment, r.row_id, r.lane, p.kind, 'queued', max(p.attempts), min(p.due_at), p.expires_at
         FROM (SELECT * FROM push WHERE {EARLIER}) p JOIN push_registration r ON r.enrolment = p.enrolment
         GROUP BY p.challenge, p.kind, r.row_id"
    );
    connection.prepare_cached(&sql)?.execute([device])?;
    // Not deleted: one that is in flight arrives, and is then followed by a retraction.
    let sql = format!("UPDATE push SET state = 'dropped', registration = NULL WHERE {EARLIER}");
    connection.prepare_cached(&sql)?.execute([device])?;
    Ok(())
}

impl Store {
    /// Replaces all places where a device is reached.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replace_push_registrations(
        &self,
        device: i64,
        registrations: Vec<NewRegistration>,
    ) -> Result<Registered, StoreError> {
        self.write(move |connection, now| {
            let sql = "SELECT state <> 'void' FROM enrolment WHERE row_id = ?1";
            if !connection.prepare_cached(sql)?.query_row([device], |row| row.get(0))? {
                return Ok(Registered::NotInUse);
            }
            let mut keys = Vec::with_capacity(registrations.len());
            for registration in &registrations {
                match key_of(connection, &registration.made_with)? {
                    Ok(key) => keys.push(key),
                    Err(refused) => return Ok(refused),
                }
            }
            connection.prepare_cached("DELETE FROM push_registration WHERE enrolment = ?1")?.execute([device])?;
            let sql = "INSERT INTO push_registration (enrolment, sealed, lane, registered_at, vapid_key)
                       VALUES (?1, ?2, ?3, ?4, ?5)";
            for (NewRegistration { sealed, lane, .. }, key) in registrations.into_iter().zip(keys) {
                connection.prepare_cached(sql)?.execute((device, sealed, lane, now.millis(), key))?;
            }
            redirect(connection, device)?;
            drop_unused_keys(connection, now)?;
            Ok(Registered::Done)
        })
        .await
    }

    /// Where a device is reached, without what its networks do not know any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn push_registrations(&self, device: i64) -> Result<Vec<StoredRegistration>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT r.sealed, r.registered_at, k.public_key FROM push_registration r
                       LEFT JOIN vapid_key k ON k.sequence = r.vapid_key
                       WHERE r.enrolment = ?1 AND r.sealed IS NOT NULL ORDER BY r.row_id";
            let read = |row: &rusqlite::Row<'_>| {
                let registered_at = Timestamp::from_millis(row.get(1)?);
                Ok(StoredRegistration { sealed: row.get(0)?, registered_at, vapid_key: row.get(2)? })
            };
            Ok(connection.prepare_cached(sql)?.query_map([device], read)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// All VAPID keys, the current one last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn vapid_keys(&self) -> Result<Vec<StoredVapidKey>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT sequence, public_key, private_key FROM vapid_key ORDER BY sequence";
            let read = |row: &rusqlite::Row<'_>| {
                let sequence: i64 = row.get(0)?;
                let (public_key, private_key) = (row.get(1)?, row.get(2)?);
                Ok(StoredVapidKey { sequence: sequence.unsigned_abs(), public_key, private_key })
            };
            Ok(connection.prepare_cached(sql)?.query_map((), read)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The public half of the current VAPID key, in base64url.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webpush_public_key(&self) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT public_key FROM vapid_key ORDER BY sequence DESC LIMIT 1";
            Ok(connection.prepare_cached(sql)?.query_row((), |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Adds the first VAPID key; one that is there stays. With it, the registrations of a database from before there could
    /// be a second one name it, and the setting that held it goes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_first_vapid_key(&self, key: StoredVapidKey) -> Result<(), StoreError> {
        self.write(move |connection, now| {
            if connection.query_row("SELECT EXISTS (SELECT 1 FROM vapid_key)", (), |row| row.get(0))? {
                return Ok(());
            }
            insert_key(connection, &key, now)?;
            connection.execute("DELETE FROM setting WHERE name = 'vapid_key'", ())?;
            let sql = "UPDATE push_registration SET vapid_key = (SELECT max(sequence) FROM vapid_key)
                       WHERE sealed IS NOT NULL AND lane LIKE 'webpush%'";
            connection.execute(sql, ())?;
            Ok(())
        })
        .await
    }

    /// Makes a VAPID key the current one.
    ///
    /// # Errors
    /// [`StoreError`], also when the sequence is taken.
    pub async fn put_vapid_key(&self, key: StoredVapidKey) -> Result<(), StoreError> {
        self.write(move |connection, now| {
            insert_key(connection, &key, now)?;
            drop_unused_keys(connection, now)
        })
        .await
    }
}

fn insert_key(connection: &Connection, key: &StoredVapidKey, now: Timestamp) -> Result<(), StoreError> {
    let sequence = i64::try_from(key.sequence).unwrap_or(i64::MAX);
    let sql = "INSERT INTO vapid_key (sequence, public_key, private_key, created_at) VALUES (?1, ?2, ?3, ?4)";
    connection.execute(sql, (sequence, &key.public_key, &key.private_key, now.millis()))?;
    Ok(())
}
