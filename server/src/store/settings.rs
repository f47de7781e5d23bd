//! The server's own settings and signing keys.

use super::engine::value::values;
use super::journal::Entry;
use super::{Store, StoreError};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;

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
    /// [`StoreError`], when the database gives no answer.
    pub async fn setting(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |transaction| {
            let sql = "SELECT value FROM setting WHERE name = $1";
            transaction.row("setting", sql, values![name])?.map(|row| row.get("value")).transpose()
        })
        .await
    }

    /// Makes a setting; an existing one stays.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn put_setting(&self, name: &'static str, value: Vec<u8>) -> Result<(), StoreError> {
        self.write(move |transaction, _| {
            let sql = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            transaction.execute(sql, values![name, value])?;
            Ok(())
        })
        .await
    }

    /// Keeps the root of a new server, its public half and its sealed private one, both or neither; one that is
    /// there stays.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn begin_root(&self, public: Vec<u8>, sealed: Vec<u8>) -> Result<(), StoreError> {
        self.write(move |transaction, _| {
            let sql = "INSERT INTO setting (name, value) VALUES ('root', $1) ON CONFLICT DO NOTHING";
            if transaction.changes_one(sql, values![&public])? {
                let sql = "INSERT INTO setting (name, value) VALUES ('new_root', $1)";
                transaction.execute(sql, values![&sealed])?;
            }
            Ok(())
        })
        .await
    }

    /// Forgets the root's private half, which is in its file by now.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn end_root(&self) -> Result<(), StoreError> {
        self.write(move |transaction, _| {
            transaction.execute("DELETE FROM setting WHERE name = 'new_root'", values![])?;
            Ok(())
        })
        .await
    }

    /// The latest signing key.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn signing_key(&self) -> Result<Option<StoredSigningKey>, StoreError> {
        self.read(|transaction| {
            let sql = "SELECT sequence, private_key, certificate FROM signing_key ORDER BY sequence DESC LIMIT 1";
            let Some(row) = transaction.row("signing_key", sql, values![])? else { return Ok(None) };
            let (private_key, certificate) = (row.get("private_key")?, row.get("certificate")?);
            Ok(Some(StoredSigningKey { sequence: row.get("sequence")?, private_key, certificate }))
        })
        .await
    }

    /// Adds a signing key.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer or the sequence is taken.
    pub async fn put_signing_key(&self, by: Actor, key: StoredSigningKey) -> Result<(), StoreError> {
        self.write(move |transaction, now| {
            let sql =
                "INSERT INTO signing_key (sequence, private_key, certificate, created_at) VALUES ($1, $2, $3, $4)";
            transaction.execute(sql, values![key.sequence, key.private_key, key.certificate, now])?;
            Entry::new(now, &by, Fact::SigningKeyMade).of_server(transaction)?;
            Ok(())
        })
        .await
    }

    /// Checks that the database takes a write.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.write(|transaction, now| {
            let sql = "INSERT INTO setting (name, value) VALUES ('last_probe', $1)
                       ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            transaction.execute(sql, values![&now.millis().to_be_bytes()])?;
            Ok(())
        })
        .await
    }
}
