//! Organisations, their relying parties, and the keys with which those call.

use super::{Store, StoreError, changed_one, claims};
use rusqlite::{Connection, OptionalExtension, Row};

/// An organisation: owns its accounts and its relying parties.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// The row.
    pub row_id: i64,
    /// The external handle.
    pub handle: String,
    /// The name that people see.
    pub name: String,
}

/// A relying party: a site or a program that asks.
#[derive(Debug, Clone)]
pub struct RelyingParty {
    /// The row.
    pub row_id: i64,
    /// The external handle.
    pub handle: String,
    /// The registered name that people see when it asks.
    pub name: String,
    /// Whose it is.
    pub organisation: Organisation,
    /// True once it may no longer call.
    pub revoked: bool,
}

const RELYING_PARTY: &str = "SELECT p.row_id, p.handle, p.name, p.revoked_at, o.row_id, o.handle, o.name
     FROM relying_party p JOIN organisation o ON o.row_id = p.organisation";

fn read_relying_party(row: &Row<'_>) -> rusqlite::Result<RelyingParty> {
    let revoked_at: Option<i64> = row.get(3)?;
    Ok(RelyingParty {
        row_id: row.get(0)?,
        handle: row.get(1)?,
        name: row.get(2)?,
        revoked: revoked_at.is_some(),
        organisation: Organisation { row_id: row.get(4)?, handle: row.get(5)?, name: row.get(6)? },
    })
}

fn insert_key(connection: &Connection, relying_party: i64, sha256: &[u8; 32], now: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO api_key (sha256, relying_party, created_at) VALUES (?1, ?2, ?3)";
    connection.execute(sql, (sha256, relying_party, now)).map(drop)
}

impl Store {
    /// Makes an organisation; `None` when the name is taken.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_organisation(&self, handle: String, name: String) -> Result<Option<Organisation>, StoreError> {
        self.write(move |connection, now| {
            let sql = "INSERT INTO organisation (handle, name, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            let made = changed_one(connection.execute(sql, (&handle, &name, now.millis()))?);
            Ok(made.then(|| Organisation { row_id: connection.last_insert_rowid(), handle, name }))
        })
        .await
    }

    /// Every organisation, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn organisations(&self) -> Result<Vec<Organisation>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT row_id, handle, name FROM organisation ORDER BY name")?;
            let read = |row: &Row<'_>| Ok(Organisation { row_id: row.get(0)?, handle: row.get(1)?, name: row.get(2)? });
            Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Makes a relying party of an organisation, with its first key; `None` when the name is taken there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_relying_party(
        &self,
        organisation: Organisation,
        handle: String,
        name: String,
        key_sha256: [u8; 32],
    ) -> Result<Option<RelyingParty>, StoreError> {
        self.write(move |connection, now| {
            let made = connection.execute(
                "INSERT INTO relying_party (handle, organisation, name, created_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                (&handle, organisation.row_id, &name, now.millis()),
            )?;
            if !changed_one(made) {
                return Ok(None);
            }
            let row_id = connection.last_insert_rowid();
            insert_key(connection, row_id, &key_sha256, now.millis())?;
            Ok(Some(RelyingParty { row_id, handle, name, organisation, revoked: false }))
        })
        .await
    }

    /// Every relying party, by organisation and name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn relying_parties(&self) -> Result<Vec<RelyingParty>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{RELYING_PARTY} ORDER BY o.name, p.name"))?;
            Ok(statement.query_map([], read_relying_party)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The relying party that calls with this key, unless the key or the relying party is revoked. Read afresh at each
    /// call, so that a revocation by `countersign admin` counts at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn relying_party_by_key(&self, sha256: [u8; 32]) -> Result<Option<RelyingParty>, StoreError> {
        self.read(move |connection| {
            let sql = format!(
                "{RELYING_PARTY} JOIN api_key k ON k.relying_party = p.row_id
                 WHERE k.sha256 = ?1 AND k.revoked_at IS NULL AND p.revoked_at IS NULL"
            );
            Ok(connection.prepare_cached(&sql)?.query_row([sha256], read_relying_party).optional()?)
        })
        .await
    }

    /// Gives a relying party a new key and ends the ones before; false when there is no such relying party.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rotate_api_key(&self, handle: String, key_sha256: [u8; 32]) -> Result<bool, StoreError> {
        self.write(move |connection, now| {
            let sql = "SELECT row_id FROM relying_party WHERE handle = ?1 AND revoked_at IS NULL";
            let Some(row_id) = connection.query_row(sql, [handle], |row| row.get(0)).optional()? else {
                return Ok(false);
            };
            let end = "UPDATE api_key SET revoked_at = ?2 WHERE relying_party = ?1 AND revoked_at IS NULL";
            connection.execute(end, (row_id, now.millis()))?;
            insert_key(connection, row_id, &key_sha256, now.millis())?;
            Ok(true)
        })
        .await
    }

    /// Ends a relying party and takes back what it has asked; false when there is none of this handle in use.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_relying_party(&self, handle: String) -> Result<bool, StoreError> {
        let rules = self.rules;
        self.write(move |connection, now| {
            let sql = "SELECT row_id FROM relying_party WHERE handle = ?1 AND revoked_at IS NULL";
            let Some(row_id) = connection.query_row(sql, [&handle], |row| row.get(0)).optional()? else {
                return Ok(false);
            };
            claims::cancel(connection, &rules, now, "relying_party = :row", row_id)?;
            // Afterwards: it hears of what was taken back, and of nothing later.
            let sql = "UPDATE relying_party SET revoked_at = ?2 WHERE row_id = ?1";
            Ok(changed_one(connection.execute(sql, (row_id, now.millis()))?))
        })
        .await
    }
}
