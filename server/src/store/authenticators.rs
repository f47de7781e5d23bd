//! What makes one-time codes for an account: proposed, confirmed by a code, listed, removed.

use super::accounts::parse;
use super::codes::{Begun, Candidate, Counted, StoredCodes, count, read_candidate, read_codes, spend};
use super::{Rules, Store, StoreError, changed_one, claims};
use countersign_protocol::handle::{AuthenticatorId, EnrolmentId};
use countersign_protocol::relying_party_api::AuthenticatorState;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::time::Duration;

/// How long another application may take to show its first code.
pub const PROPOSAL_LIFETIME: Duration = Duration::from_secs(600);

/// An authenticator as its relying party sees it.
#[derive(Debug, Clone)]
pub struct AuthenticatorRecord {
    /// Names it.
    pub id: AuthenticatorId,
    /// Its name.
    pub name: String,
    /// Whether its codes are accepted.
    pub state: AuthenticatorState,
    /// The phone whose codes these are; none for any other application.
    pub device: Option<EnrolmentId>,
    /// True when too many wrong codes have locked it.
    pub locked: bool,
}

/// What became of the wish to confirm an application.
#[derive(Debug, Clone)]
pub enum Confirming {
    /// The attempt is counted: compare.
    Counted(Counted),
    /// It must rest, or is locked.
    Refused(Begun),
    /// It was confirmed before, or its time is over.
    NotProposed,
    /// There is no such application here.
    NotFound,
}

/// Keeps what makes codes; with an enrolment, those of its phone.
pub(super) fn insert(
    connection: &Connection,
    account: i64,
    enrolment: Option<i64>,
    name: &str,
    codes: &StoredCodes,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO code_authenticator (handle, account, enrolment, name, secret, algorithm, digits, period, state, created_at)
               VALUES (:handle, :account, :enrolment, :name, :secret, :algorithm, :digits, :period,
                       iif(:enrolment IS NULL, 'proposed', 'confirmed'), :created_at)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":handle": codes.id.to_string(),
        ":account": account,
        ":enrolment": enrolment,
        ":name": name,
        ":secret": codes.secret,
        ":algorithm": codes.algorithm,
        ":digits": codes.digits,
        ":period": codes.period,
        ":created_at": codes.created_at.millis(),
    })?;
    Ok(())
}

/// The codes of an enrolment's phone; none when it was enrolled before there were codes.
pub(super) fn of_enrolment(connection: &Connection, enrolment: i64) -> Result<Option<StoredCodes>, StoreError> {
    let sql = "SELECT * FROM code_authenticator WHERE enrolment = ?1 AND state <> 'void'";
    Ok(connection.prepare_cached(sql)?.query_row([enrolment], read_codes).optional()?)
}

/// Ends a code authenticator: its secret goes, and so does an approval that nobody has claimed.
fn void(connection: &Connection, rules: &Rules, now: Timestamp, row_id: i64) -> Result<bool, StoreError> {
    claims::revoke(connection, rules, now, "settled_code = :row", row_id)?;
    let sql = "UPDATE code_authenticator SET state = 'void', secret = x'' WHERE row_id = ?1 AND state <> 'void'";
    Ok(changed_one(connection.execute(sql, [row_id])?))
}

/// Ends the codes of a phone whose enrolment has ended.
pub(super) fn void_of_enrolment(
    connection: &Connection,
    rules: &Rules,
    now: Timestamp,
    enrolment: i64,
) -> Result<(), StoreError> {
    let sql = "SELECT row_id FROM code_authenticator WHERE enrolment = ?1";
    let found = connection.prepare_cached(sql)?.query_row([enrolment], |row| row.get(0)).optional()?;
    found.map_or(Ok(()), |row_id| void(connection, rules, now, row_id).map(|_| ()))
}

/// The row, the state and the creation of an application of this organisation.
fn application(
    connection: &Connection,
    organisation: i64,
    id: AuthenticatorId,
) -> Result<Option<(i64, String, Timestamp)>, StoreError> {
    let sql = "SELECT c.row_id, c.state, c.created_at FROM code_authenticator c JOIN account a ON a.row_id = c.account
               WHERE c.handle = ?1 AND a.organisation = ?2 AND c.enrolment IS NULL AND c.state <> 'void'";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, Timestamp::from_millis(row.get(2)?)));
    Ok(connection.prepare_cached(sql)?.query_row((id.to_string(), organisation), read).optional()?)
}

fn shown(word: &str) -> rusqlite::Result<AuthenticatorState> {
    Ok(match word {
        "proposed" => AuthenticatorState::Proposed,
        "confirmed" => AuthenticatorState::Confirmed,
        _ => return Err(rusqlite::Error::InvalidQuery),
    })
}

fn read_record(row: &Row<'_>) -> rusqlite::Result<AuthenticatorRecord> {
    let Candidate { counted, locked, .. } = read_candidate(row)?;
    let device: Option<String> = row.get("device")?;
    let device = device.map(|id| parse(&id)).transpose()?;
    Ok(AuthenticatorRecord {
        id: counted.codes.id,
        name: row.get("name")?,
        state: shown(&row.get::<_, String>("shown")?)?,
        device,
        locked,
    })
}

const RECORDS: &str = "SELECT c.*, e.handle AS device, coalesce(e.state, c.state) AS shown FROM code_authenticator c
    JOIN account a ON a.row_id = c.account LEFT JOIN enrolment e ON e.row_id = c.enrolment WHERE c.state <> 'void'";

impl Store {
    /// Proposes an application for an account. Earlier proposals whose time is over are forgotten.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn propose_application(&self, account: i64, name: String, codes: StoredCodes) -> Result<(), StoreError> {
        self.write(move |connection, now| {
            let sql =
                "UPDATE code_authenticator SET state = 'void', secret = x'' WHERE account = ?1 AND enrolment IS NULL
                       AND state = 'proposed' AND created_at <= ?2";
            connection.execute(sql, (account, (now - PROPOSAL_LIFETIME).millis()))?;
            insert(connection, account, None, &name, &codes)
        })
        .await
    }

    /// Counts an attempt to confirm an application, before it is compared.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_confirmation(&self, organisation: i64, id: AuthenticatorId) -> Result<Confirming, StoreError> {
        self.write(move |connection, now| {
            let Some((row_id, state, created_at)) = application(connection, organisation, id)? else {
                return Ok(Confirming::NotFound);
            };
            if state != "proposed" || created_at + PROPOSAL_LIFETIME <= now {
                return Ok(Confirming::NotProposed);
            }
            let sql = "SELECT * FROM code_authenticator WHERE row_id = ?1";
            let candidate = connection.prepare_cached(sql)?.query_row([row_id], read_candidate)?;
            Ok(match count(connection, now, vec![candidate])? {
                Ok(mut counted) => counted.pop().map_or(Confirming::NotFound, Confirming::Counted),
                Err(refused) => Confirming::Refused(refused),
            })
        })
        .await
    }

    /// Confirms an application with a code of this step, which is spent by it; false when it has gone meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn confirm_application(&self, row_id: i64, step: u64) -> Result<bool, StoreError> {
        let rules = self.rules;
        self.write(move |connection, _| spend(connection, &rules, row_id, step)).await
    }

    /// What makes codes for an account, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn authenticators(&self, account: i64, now: Timestamp) -> Result<Vec<AuthenticatorRecord>, StoreError> {
        self.read(move |connection| {
            // Those whose proposal is over are as if they had never been.
            let sql = format!(
                "{RECORDS} AND c.account = ?1 AND (shown = 'confirmed' OR
                     (shown = 'proposed' AND coalesce(e.expires_at, c.created_at + ?3) > ?2)) ORDER BY c.row_id"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let lifetime = i64::try_from(PROPOSAL_LIFETIME.as_millis()).unwrap_or(i64::MAX);
            Ok(statement.query_map((account, now.millis(), lifetime), read_record)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// An authenticator of this organisation.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn authenticator(
        &self,
        organisation: i64,
        id: AuthenticatorId,
    ) -> Result<Option<AuthenticatorRecord>, StoreError> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached(&format!("{RECORDS} AND a.organisation = ?1 AND c.handle = ?2"))?;
            Ok(statement.query_row((organisation, id.to_string()), read_record).optional()?)
        })
        .await
    }

    /// Removes an application; false when the organisation has no such application.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_application(&self, organisation: i64, id: AuthenticatorId) -> Result<bool, StoreError> {
        let rules = self.rules;
        self.write(move |connection, now| {
            let found = application(connection, organisation, id)?;
            found.map_or(Ok(false), |(row_id, _, _)| void(connection, &rules, now, row_id))
        })
        .await
    }
}
