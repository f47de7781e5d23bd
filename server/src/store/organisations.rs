//! Organisations, their relying parties, and the keys with which those call.

use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::journal::Entry;
use super::{Rules, Store, StoreError, claims};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::rows::{OrganisationRow, RelyingPartyRow};
use countersign_protocol::time::Timestamp;

/// An organisation: owns its accounts and its relying parties.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// The row.
    pub row_id: OrganisationRow,
    /// The external handle.
    pub handle: String,
    /// The name that people see.
    pub name: String,
}

/// A relying party: a site or a program that asks.
#[derive(Debug, Clone)]
pub struct RelyingParty {
    /// The row.
    pub row_id: RelyingPartyRow,
    /// The external handle.
    pub handle: String,
    /// The registered name that people see when it asks.
    pub name: String,
    /// Whose it is.
    pub organisation: Organisation,
    /// True once it may no longer call.
    pub revoked: bool,
}

/// What became of a new name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renamed {
    /// It is its name now.
    Now,
    /// Another one of the organisation has this name.
    Taken,
    /// There is no such thing here.
    NotFound,
}

const RELYING_PARTY: &str = "SELECT p.row_id, p.handle, p.name, p.revoked_at, o.row_id AS organisation,
            o.handle AS organisation_handle, o.name AS organisation_name
     FROM relying_party p JOIN organisation o ON o.row_id = p.organisation";

fn read_relying_party(row: &Row) -> Result<RelyingParty, StoreError> {
    Ok(RelyingParty {
        row_id: row.get("row_id")?,
        handle: row.get("handle")?,
        name: row.get("name")?,
        revoked: row.get::<Option<Timestamp>>("revoked_at")?.is_some(),
        organisation: Organisation {
            row_id: row.get("organisation")?,
            handle: row.get("organisation_handle")?,
            name: row.get("organisation_name")?,
        },
    })
}

fn read_organisation(row: &Row) -> Result<Organisation, StoreError> {
    Ok(Organisation { row_id: row.get("row_id")?, handle: row.get("handle")?, name: row.get("name")? })
}

/// The relying party of this handle, unless it is revoked.
fn in_use(transaction: &dyn Transaction, handle: &str) -> Result<Option<RelyingPartyRow>, StoreError> {
    let sql = "SELECT row_id FROM relying_party WHERE handle = $1 AND revoked_at IS NULL";
    transaction.row("relying_party", sql, values![handle])?.map(|row| row.get("row_id")).transpose()
}

fn insert_key(
    transaction: &dyn Transaction,
    relying_party: RelyingPartyRow,
    sha256: &[u8; 32],
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO api_key (sha256, relying_party, created_at) VALUES ($1, $2, $3)";
    transaction.execute(sql, values![sha256, relying_party, now]).map(drop)
}

impl Store {
    /// Makes an organisation; `None` when the name is taken.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn create_organisation(
        &self,
        by: Actor,
        handle: String,
        name: String,
    ) -> Result<Option<Organisation>, StoreError> {
        self.write(move |transaction, now| {
            let sql = "INSERT INTO organisation (handle, name, created_at) VALUES ($1, $2, $3)
                       ON CONFLICT DO NOTHING RETURNING row_id";
            let made = transaction.row("organisation", sql, values![&handle, &name, now])?;
            let Some(row_id) = made.map(|row| row.get("row_id")).transpose()? else { return Ok(None) };
            Entry::new(now, &by, Fact::OrganisationCreated).of_organisation(transaction, row_id)?;
            Ok(Some(Organisation { row_id, handle, name }))
        })
        .await
    }

    /// Every organisation, by name.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn organisations(&self) -> Result<Vec<Organisation>, StoreError> {
        self.read(|transaction| {
            let sql = "SELECT row_id, handle, name FROM organisation ORDER BY name";
            transaction.rows("organisation", sql, values![])?.iter().map(read_organisation).collect()
        })
        .await
    }

    /// Makes a relying party of an organisation, with its first key; `None` when the name is taken there.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn create_relying_party(
        &self,
        by: Actor,
        organisation: Organisation,
        handle: String,
        name: String,
        key_sha256: [u8; 32],
    ) -> Result<Option<RelyingParty>, StoreError> {
        self.write(move |transaction, now| {
            let sql = "INSERT INTO relying_party (handle, organisation, name, created_at) VALUES ($1, $2, $3, $4)
                       ON CONFLICT DO NOTHING RETURNING row_id";
            let made = transaction.row("relying_party", sql, values![&handle, organisation.row_id, &name, now])?;
            let Some(row_id) = made.map(|row| row.get("row_id")).transpose()? else { return Ok(None) };
            insert_key(transaction, row_id, &key_sha256, now)?;
            Entry::new(now, &by, Fact::RelyingPartyCreated).of_relying_party(transaction, row_id)?;
            Ok(Some(RelyingParty { row_id, handle, name, organisation, revoked: false }))
        })
        .await
    }

    /// Every relying party, by organisation and name.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn relying_parties(&self) -> Result<Vec<RelyingParty>, StoreError> {
        self.read(|transaction| {
            let sql = format!("{RELYING_PARTY} ORDER BY o.name, p.name");
            transaction.rows("relying_party", &sql, values![])?.iter().map(read_relying_party).collect()
        })
        .await
    }

    /// The relying party that calls with this key, unless the key or the relying party is revoked. Read afresh at each
    /// call, so that a revocation by `countersign admin` counts at once.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn relying_party_by_key(&self, sha256: [u8; 32]) -> Result<Option<RelyingParty>, StoreError> {
        self.read(move |transaction| {
            let sql = format!(
                "{RELYING_PARTY} JOIN api_key k ON k.relying_party = p.row_id
                 WHERE k.sha256 = $1 AND k.revoked_at IS NULL AND p.revoked_at IS NULL"
            );
            transaction.row("relying_party", &sql, values![&sha256])?.as_ref().map(read_relying_party).transpose()
        })
        .await
    }

    /// Gives a relying party a new key and ends the ones before; false when there is no such relying party.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn rotate_api_key(&self, by: Actor, handle: String, key_sha256: [u8; 32]) -> Result<bool, StoreError> {
        self.write(move |transaction, now| {
            let Some(row_id) = in_use(transaction, &handle)? else { return Ok(false) };
            let end = "UPDATE api_key SET revoked_at = $2 WHERE relying_party = $1 AND revoked_at IS NULL";
            transaction.execute(end, values![row_id, now])?;
            insert_key(transaction, row_id, &key_sha256, now)?;
            Entry::new(now, &by, Fact::ApiKeyRotated).of_relying_party(transaction, row_id)?;
            Ok(true)
        })
        .await
    }

    /// Ends a relying party and takes back what it has asked; false when there is none of this handle in use.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn revoke_relying_party(&self, by: Actor, handle: String) -> Result<bool, StoreError> {
        let rules = self.rules;
        self.write(move |transaction, now| revoke(transaction, &rules, now, &by, Some(&handle))).await
    }

    /// Gives an organisation another name; false when another one has it.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn rename_organisation(
        &self,
        by: Actor,
        organisation: OrganisationRow,
        name: String,
    ) -> Result<bool, StoreError> {
        self.write(move |transaction, now| {
            let sql = "UPDATE organisation SET name = $2 WHERE row_id = $1
                       AND NOT EXISTS (SELECT 1 FROM organisation other WHERE other.name = $2 AND other.row_id <> $1)";
            let renamed = transaction.changes_one(sql, values![organisation, &name])?;
            if renamed {
                Entry::new(now, &by, Fact::OrganisationRenamed).of_organisation(transaction, organisation)?;
            }
            Ok(renamed)
        })
        .await
    }

    /// Gives a relying party another name.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn rename_relying_party(&self, by: Actor, handle: String, name: String) -> Result<Renamed, StoreError> {
        self.write(move |transaction, now| {
            let Some(row_id) = in_use(transaction, &handle)? else { return Ok(Renamed::NotFound) };
            let sql = "UPDATE relying_party SET name = $2 WHERE row_id = $1
                       AND NOT EXISTS (SELECT 1 FROM relying_party other WHERE other.name = $2
                                       AND other.organisation = relying_party.organisation AND other.row_id <> $1)";
            if !transaction.changes_one(sql, values![row_id, &name])? {
                return Ok(Renamed::Taken);
            }
            Entry::new(now, &by, Fact::RelyingPartyRenamed).of_relying_party(transaction, row_id)?;
            Ok(Renamed::Now)
        })
        .await
    }
}

/// Ends a relying party and takes back what it has asked; false when there is none of this handle in use.
pub(super) fn revoke(
    transaction: &dyn Transaction,
    rules: &Rules,
    now: Timestamp,
    by: &Actor,
    handle: Option<&str>,
) -> Result<bool, StoreError> {
    let Some(row_id) = in_use(transaction, handle.unwrap_or_default())? else { return Ok(false) };
    claims::cancel(transaction, rules, now, by, claims::Of::RelyingParty(row_id))?;
    // Afterwards: it hears of what was taken back, and of nothing later.
    let sql = "UPDATE relying_party SET revoked_at = $2 WHERE row_id = $1 AND revoked_at IS NULL";
    let revoked = transaction.changes_one(sql, values![row_id, now])?;
    if revoked {
        Entry::new(now, by, Fact::RelyingPartyRevoked).of_relying_party(transaction, row_id)?;
    }
    Ok(revoked)
}

/// Ends every key of a relying party but the one of this digest, and makes that one good; false when nothing was ended.
pub(super) fn replace_key(
    transaction: &dyn Transaction,
    now: Timestamp,
    by: &Actor,
    handle: Option<&str>,
    sha256: Option<&[u8]>,
) -> Result<bool, StoreError> {
    let Some(row_id) = in_use(transaction, handle.unwrap_or_default())? else { return Ok(false) };
    let sql = "UPDATE api_key SET revoked_at = $2
               WHERE relying_party = $1 AND revoked_at IS NULL AND sha256 IS DISTINCT FROM $3";
    let ended = transaction.execute(sql, values![row_id, now, sha256])? > 0;
    if let Some(digest) = sha256.and_then(|digest| <&[u8; 32]>::try_from(digest).ok()) {
        let sql = "SELECT EXISTS (SELECT 1 FROM api_key WHERE sha256 = $1) AS known";
        if !transaction.one_row("api_key", sql, values![digest])?.get::<bool>("known")? {
            insert_key(transaction, row_id, digest, now)?;
        }
    }
    if ended {
        Entry::new(now, by, Fact::ApiKeyRotated).of_relying_party(transaction, row_id)?;
    }
    Ok(ended)
}
