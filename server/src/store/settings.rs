//! The server's own settings and signing keys.

use super::{Store, StoreError};
use rusqlite::OptionalExtension;

/// A signing key as it is kept.
#[derive(Debug, Clone)]
pub struct StoredSigningKey {
    /// The sequence of its certificate.
    pub sequence: u64,
    /// Sealed PKCS#8.
    pub private_key: Vec<u8>,
    /// The root's certificate of it.
    pub certificate: String,
}

impl Store {
    /// A setting, if it has been made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn setting(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT value FROM setting WHERE name = ?1";
            Ok(connection.query_row(sql, [name], |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Makes a setting; an existing one stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_setting(&self, name: &'static str, value: Vec<u8>) -> Result<(), StoreError> {
        self.write(move |connection, _| {
            connection.execute("INSERT INTO setting VALUES (?1, ?2) ON CONFLICT DO NOTHING", (name, value))?;
            Ok(())
        })
        .await
    }

    /// The latest signing key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn signing_key(&self) -> Result<Option<StoredSigningKey>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT sequence, private_key, certificate FROM signing_key ORDER BY sequence DESC LIMIT 1";
            let read = |row: &rusqlite::Row<'_>| {
                let sequence: i64 = row.get(0)?;
                Ok(StoredSigningKey {
                    sequence: sequence.unsigned_abs(),
                    private_key: row.get(1)?,
                    certificate: row.get(2)?,
                })
            };
            Ok(connection.query_row(sql, [], read).optional()?)
        })
        .await
    }

    /// Adds a signing key.
    ///
    /// # Errors
    /// [`StoreError`], also when the sequence is taken.
    pub async fn put_signing_key(&self, key: StoredSigningKey) -> Result<(), StoreError> {
        self.write(move |connection, now| {
            let sequence = i64::try_from(key.sequence).unwrap_or(i64::MAX);
            connection.execute(
                "INSERT INTO signing_key VALUES (?1, ?2, ?3, ?4)",
                (sequence, key.private_key, key.certificate, now.millis()),
            )?;
            Ok(())
        })
        .await
    }

    /// Checks that the database takes a write.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.write(|connection, now| {
            let sql =
                "INSERT INTO setting VALUES ('last_probe', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            connection.execute(sql, [now.millis().to_be_bytes()])?;
            Ok(())
        })
        .await
    }
}
