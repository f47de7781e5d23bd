//! The device's store: accounts, requests and their outcomes, in SQLite; secrets in it are sealed.

use crate::error::{Error, StoreError};
use countersign_protocol::decision::Answer;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};

use countersign_protocol::revocation::EndReason;
use countersign_protocol::time::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, named_params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Every schema step, in order. A shipped one is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_device.sql"),
    include_str!("../migrations/0002_codes.sql"),
    include_str!("../migrations/0003_challenge_life.sql"),
    include_str!("../migrations/0004_history.sql"),
    include_str!("../migrations/0005_foreign_codes.sql"),
    include_str!("../migrations/0006_code_order.sql"),
];

/// How long to wait for another process on the same store.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// This device approved it.
    Approved,
    /// This device denied it.
    Denied,
    /// This device reported it: "this was not me".
    Reported,
    /// This device typed a number that the page did not show, and the sign-in was stopped.
    WrongNumber,
    /// Another device was faster.
    AlreadyAnswered,
    /// A one-time code was typed for it.
    AnsweredByCode,
    /// Nobody answered in time.
    Expired,
    /// The relying party, or the server, took it back.
    Cancelled,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Approved,
        Self::Denied,
        Self::Reported,
        Self::WrongNumber,
        Self::AlreadyAnswered,
        Self::AnsweredByCode,
        Self::Expired,
        Self::Cancelled,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Reported => "reported",
            Self::WrongNumber => "wrong_number",
            Self::AlreadyAnswered => "already_answered",
            Self::AnsweredByCode => "answered_by_code",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FromSql for Outcome {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word).ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for Outcome {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

/// A request as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredChallenge {
    pub challenge_id: ChallengeId,
    pub enrolment_id: EnrolmentId,
    pub compact: String,
    pub received_at: Timestamp,
    pub progress: Progress,
}

/// How far a request has come on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nobody has answered.
    Pending,
    /// Signed here; the server has not been heard since.
    Answering { answer: Answer, decision: String },
    /// Over.
    Finished { outcome: Outcome, at: Timestamp },
}

/// An account as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredEnrolment {
    pub enrolment_id: EnrolmentId,
    pub server_url: String,
    pub organisation: String,
    pub account: String,
    pub device_name: String,
    pub confirmation_code: Option<String>,
    pub ended: Option<EndReason>,
    pub enrolled_at: Timestamp,
    pub keys: StoredKeys,
    /// Sealed; none where the server gave none.
    pub code_seed: Option<Vec<u8>>,
}

/// The two signing keys as they are kept: sealed PKCS#8, or nothing for a hardware key.
#[derive(Debug, Clone)]
pub(crate) struct StoredKeys {
    pub key_name: String,
    pub request_key: Option<Vec<u8>>,
    pub approval_key: Option<Vec<u8>>,
}

/// A redemption that was sent and not yet answered.
#[derive(Debug, Clone)]
pub(crate) struct StoredEnrolling {
    pub keys: StoredKeys,
    pub sealing_key: Vec<u8>,
    pub transcript: String,
    pub possession: String,
}

mod foreign_codes;
mod history;
mod received;

pub(crate) use foreign_codes::StoredForeignCode;
pub(crate) use received::Kept;

pub(crate) struct Store(Mutex<Connection>);

impl Store {
    /// Opens the store in `directory`, makes it where there is none, and brings an older one up to date.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let path = directory.join("authenticator.db");
        private_file::create_folder(directory)
            .and_then(|()| private_file::touch(&path))
            .map_err(|error| StoreError::Unwritable(error.to_string()))?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Before the first change: a newer one is left as it is.
        let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let steps = (1_u32..).zip(MIGRATIONS);
        if steps.clone().last().is_some_and(|(newest, _)| version > newest) {
            return Err(StoreError::Newer.into());
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "secure_delete", true)?;
        for (step, migration) in steps.filter(|(step, _)| *step > version) {
            let transaction = connection.transaction()?;
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", step)?;
            transaction.commit()?;
        }
        Ok(Self(Mutex::new(connection)))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere leaves no half-done transaction: SQLite rolled it back when it was dropped.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn enrolling(&self, ticket_sha256: &str) -> Result<Option<StoredEnrolling>, Error> {
        let sql = "SELECT * FROM enrolling WHERE ticket_sha256 = ?1";
        let read = |row: &Row<'_>| {
            Ok(StoredEnrolling {
                keys: read_keys(row)?,
                sealing_key: row.get("sealing_key")?,
                transcript: row.get("transcript")?,
                possession: row.get("possession")?,
            })
        };
        Ok(self.connection().query_row(sql, [ticket_sha256], read).optional()?)
    }

    /// The account that came of this ticket, if one did.
    pub fn enrolment_of_ticket(&self, ticket_sha256: &str) -> Result<Option<StoredEnrolment>, Error> {
        let sql = "SELECT * FROM enrolment WHERE ticket_sha256 = ?1";
        Ok(self.connection().query_row(sql, [ticket_sha256], read_enrolment).optional()?)
    }

    /// Keeps a redemption before it is sent; the first one for a ticket stays.
    pub fn put_enrolling(&self, ticket_sha256: &str, enrolling: &StoredEnrolling) -> Result<(), Error> {
        self.connection().execute(
            "INSERT INTO enrolling VALUES (:ticket, :key_name, :request_key, :approval_key, :sealing_key, :transcript,
                 :possession)
             ON CONFLICT DO NOTHING",
            named_params! {
                ":ticket": ticket_sha256,
                ":key_name": enrolling.keys.key_name,
                ":request_key": enrolling.keys.request_key,
                ":approval_key": enrolling.keys.approval_key,
                ":sealing_key": enrolling.sealing_key,
                ":transcript": enrolling.transcript,
                ":possession": enrolling.possession,
            },
        )?;
        Ok(())
    }

    /// The enrolment takes the place of the redemption it came from.
    pub fn finish_enrolling(&self, ticket_sha256: &str, enrolment: &StoredEnrolment) -> Result<(), Error> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO enrolment (enrolment_id, server_url, organisation, account, device_name, confirmation_code,
                 enrolled_at, key_name, request_key, approval_key, ticket_sha256, code_seed)
             VALUES (:id, :url, :organisation, :account, :device_name, :code,
                 :at, :key_name, :request_key, :approval_key, :ticket, :code_seed)
             ON CONFLICT DO NOTHING",
            named_params! {
                ":id": enrolment.enrolment_id.to_string(),
                ":url": enrolment.server_url,
                ":organisation": enrolment.organisation,
                ":account": enrolment.account,
                ":device_name": enrolment.device_name,
                ":code": enrolment.confirmation_code,
                ":at": enrolment.enrolled_at.millis(),
                ":key_name": enrolment.keys.key_name,
                ":request_key": enrolment.keys.request_key,
                ":approval_key": enrolment.keys.approval_key,
                ":ticket": ticket_sha256,
                ":code_seed": enrolment.code_seed,
            },
        )?;
        transaction.execute("DELETE FROM enrolling WHERE ticket_sha256 = ?1", [ticket_sha256])?;
        Ok(transaction.commit()?)
    }

    pub fn drop_enrolling(&self, ticket_sha256: &str) -> Result<(), Error> {
        self.connection().execute("DELETE FROM enrolling WHERE ticket_sha256 = ?1", [ticket_sha256])?;
        Ok(())
    }

    pub fn enrolments(&self) -> Result<Vec<StoredEnrolment>, Error> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT * FROM enrolment ORDER BY enrolled_at, enrolment_id")?;
        let rows = statement.query_map([], read_enrolment)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn enrolment(&self, id: EnrolmentId) -> Result<StoredEnrolment, Error> {
        let sql = "SELECT * FROM enrolment WHERE enrolment_id = ?1";
        self.connection().query_row(sql, [id.to_string()], read_enrolment).optional()?.ok_or(Error::UnknownAccount)
    }

    pub fn set_confirmed(&self, id: EnrolmentId) -> Result<(), Error> {
        let sql = "UPDATE enrolment SET confirmation_code = NULL
                   WHERE enrolment_id = ?1 AND confirmation_code IS NOT NULL";
        self.connection().execute(sql, [id.to_string()])?;
        Ok(())
    }

    pub fn set_server_url(&self, id: EnrolmentId, url: &str) -> Result<(), Error> {
        let sql = "UPDATE enrolment SET server_url = ?2 WHERE enrolment_id = ?1";
        self.connection().execute(sql, [&id.to_string(), url])?;
        Ok(())
    }

    pub fn delete_enrolment(&self, id: EnrolmentId) -> Result<(), Error> {
        self.connection().execute("DELETE FROM enrolment WHERE enrolment_id = ?1", [id.to_string()])?;
        Ok(())
    }

    /// Takes the keys from an account that is over, and keeps why for the person to read.
    pub fn end_enrolment(&self, id: EnrolmentId, reason: EndReason) -> Result<(), Error> {
        let sql = "UPDATE enrolment SET ended_reason = ?2, confirmation_code = NULL, request_key = NULL,
                       approval_key = NULL, code_seed = NULL
                   WHERE enrolment_id = ?1";
        self.connection().execute(sql, [&id.to_string(), reason.as_str()])?;
        Ok(())
    }

    pub fn challenge(&self, id: ChallengeId) -> Result<StoredChallenge, Error> {
        let sql = "SELECT * FROM challenge WHERE challenge_id = ?1";
        self.connection().query_row(sql, [id.to_string()], read_challenge).optional()?.ok_or(Error::UnknownChallenge)
    }

    /// Those that wait for the person, and those whose answer the server has not acknowledged.
    pub fn unfinished_challenges(&self) -> Result<Vec<StoredChallenge>, Error> {
        // The words of the partial index, which serves this query alone.
        let unfinished = "(outcome IS NULL OR (answer = 'report' AND outcome <> 'reported'))";
        self.challenges(&format!("{unfinished} ORDER BY received_at, challenge_id"), 1000)
    }

    /// The latest first.
    pub fn finished_challenges(&self, most: u32) -> Result<Vec<StoredChallenge>, Error> {
        self.challenges("outcome IS NOT NULL ORDER BY received_at DESC, challenge_id", most)
    }

    fn challenges(&self, condition: &str, most: u32) -> Result<Vec<StoredChallenge>, Error> {
        let connection = self.connection();
        let mut statement = connection.prepare(&format!("SELECT * FROM challenge WHERE {condition} LIMIT ?1"))?;
        let rows = statement.query_map([most], read_challenge)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps a signed answer before it is sent, unless one that is as strong is kept: NO takes the place of YES, and a
    /// report that of both and stands beside an outcome; never the other way round, whatever was read before.
    pub fn keep_answer(&self, id: ChallengeId, answer: Answer, decision: &str) -> Result<(), Error> {
        let sql = "UPDATE challenge SET answer = ?2, decision = ?3
                   WHERE challenge_id = ?1 AND (outcome IS NULL OR (?2 = 'report' AND outcome <> 'reported'))
                     AND CASE answer WHEN 'report' THEN 3 WHEN 'deny' THEN 2 WHEN 'approve' THEN 1 ELSE 0 END
                       < CASE ?2 WHEN 'report' THEN 3 WHEN 'deny' THEN 2 ELSE 1 END";
        self.connection().execute(sql, [&id.to_string(), answer.as_str(), decision])?;
        Ok(())
    }

    /// Puts the same answer, signed again, in the place of this one; false when another has taken it.
    pub fn renew_answer(&self, id: ChallengeId, earlier: &str, decision: &str) -> Result<bool, Error> {
        let sql = "UPDATE challenge SET decision = ?3 WHERE challenge_id = ?1 AND decision = ?2
                   AND (outcome IS NULL OR (answer = 'report' AND outcome <> 'reported'))";
        Ok(self.connection().execute(sql, [&id.to_string(), earlier, decision])? == 1)
    }

    /// Drops this approval, which can no longer count since the question has changed: it waits for the person again.
    pub fn forget_approval(&self, id: ChallengeId, decision: &str) -> Result<(), Error> {
        let sql = "UPDATE challenge SET answer = NULL, decision = NULL
                   WHERE challenge_id = ?1 AND outcome IS NULL AND answer = 'approve' AND decision = ?2";
        self.connection().execute(sql, [&id.to_string(), decision])?;
        Ok(())
    }

    /// Keeps how a request ended; the first end stays, but for a report, which may come after it.
    pub fn finish_challenge(&self, id: ChallengeId, outcome: Outcome, at: Timestamp) -> Result<(), Error> {
        self.connection().execute(
            "UPDATE challenge SET outcome = ?2, finished_at = ?3 WHERE challenge_id = ?1
             AND (outcome IS NULL OR (?2 = 'reported' AND answer = 'report'))",
            (id.to_string(), outcome, at.millis()),
        )?;
        Ok(())
    }
}

fn read_handle<T: std::str::FromStr>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| rusqlite::Error::InvalidQuery)
}

fn read_keys(row: &Row<'_>) -> rusqlite::Result<StoredKeys> {
    Ok(StoredKeys {
        key_name: row.get("key_name")?,
        request_key: row.get("request_key")?,
        approval_key: row.get("approval_key")?,
    })
}

fn read_enrolment(row: &Row<'_>) -> rusqlite::Result<StoredEnrolment> {
    let ended: Option<String> = row.get("ended_reason")?;
    Ok(StoredEnrolment {
        enrolment_id: read_handle(row, "enrolment_id")?,
        server_url: row.get("server_url")?,
        organisation: row.get("organisation")?,
        account: row.get("account")?,
        device_name: row.get("device_name")?,
        confirmation_code: row.get("confirmation_code")?,
        ended: ended.and_then(|word| word.parse().ok()),
        enrolled_at: Timestamp::from_millis(row.get("enrolled_at")?),
        keys: read_keys(row)?,
        code_seed: row.get("code_seed")?,
    })
}

fn read_challenge(row: &Row<'_>) -> rusqlite::Result<StoredChallenge> {
    let answer: Option<String> = row.get("answer")?;
    let answer = answer.and_then(|word| Answer::ALL.into_iter().find(|answer| answer.as_str() == word));
    let outcome: Option<Outcome> = row.get("outcome")?;
    let progress = match (outcome, answer, row.get("decision")?) {
        (Some(outcome), Some(Answer::Report), Some(decision)) if outcome != Outcome::Reported => {
            Progress::Answering { answer: Answer::Report, decision }
        }
        (Some(outcome), _, _) => Progress::Finished { outcome, at: Timestamp::from_millis(row.get("finished_at")?) },
        (None, Some(answer), Some(decision)) => Progress::Answering { answer, decision },
        _ => Progress::Pending,
    };
    Ok(StoredChallenge {
        challenge_id: read_handle(row, "challenge_id")?,
        enrolment_id: read_handle(row, "enrolment_id")?,
        compact: row.get("compact")?,
        received_at: Timestamp::from_millis(row.get("received_at")?),
        progress,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every version has kept, written as the first one did.
    const FIRST_ROWS: &str = "
        INSERT INTO enrolment (enrolment_id, server_url, organisation, account, device_name, enrolled_at, key_name,
            ticket_sha256)
        VALUES ('AAAAAAAAAAAAAAAAAAAAAA', 'https://login.example', 'Meridian', 'maya', 'Phone', 7, 'key', 'ticket');
        INSERT INTO challenge (challenge_id, enrolment_id, compact, received_at, answer, decision, outcome, finished_at)
        VALUES ('BBBBBBBBBBBBBBBBBBBBBA', 'AAAAAAAAAAAAAAAAAAAAAA', 'a.b.c', 8, 'deny', 'd.e.f', 'denied', 9);";

    #[test]
    fn a_store_of_every_earlier_version_is_brought_up_to_date_and_keeps_what_it_holds() {
        for version in 1..=MIGRATIONS.len() {
            let directory = tempfile::tempdir().unwrap();
            let old = Connection::open(directory.path().join("authenticator.db")).unwrap();
            MIGRATIONS[..version].iter().for_each(|step| old.execute_batch(step).unwrap());
            old.execute_batch(FIRST_ROWS).unwrap();
            old.pragma_update(None, "user_version", u32::try_from(version).unwrap()).unwrap();
            drop(old);
            let store = Store::open(directory.path()).unwrap();
            let enrolment = store.enrolments().unwrap().remove(0);
            assert_eq!((enrolment.account.as_str(), enrolment.ended, enrolment.code_seed), ("maya", None, None));
            let denied = Progress::Finished { outcome: Outcome::Denied, at: Timestamp::from_millis(9) };
            assert_eq!(store.finished_challenges(5).unwrap()[0].progress, denied, "from version {version}");
        }
    }

    #[test]
    fn a_weaker_answer_never_takes_the_place_of_a_stronger_one() {
        use Answer::{Approve, Deny, Report};
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        store.connection().execute_batch(FIRST_ROWS).unwrap();
        let id: ChallengeId = "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap();
        let kept = |given: &[Answer]| {
            let anew = "UPDATE challenge SET answer = NULL, decision = NULL, outcome = NULL, finished_at = NULL";
            store.connection().execute(anew, []).unwrap();
            for (place, answer) in given.iter().enumerate() {
                store.keep_answer(id, *answer, &format!("{place}")).unwrap();
            }
            let Progress::Answering { answer, decision } = store.challenge(id).unwrap().progress else { panic!() };
            (answer, decision)
        };
        for (given, expected) in [
            (&[Approve, Approve][..], (Approve, "0")),
            (&[Approve, Deny, Approve], (Deny, "1")),
            (&[Deny, Report, Deny, Approve], (Report, "1")),
            (&[Approve, Report, Report], (Report, "1")),
        ] {
            assert_eq!(kept(given), (expected.0, expected.1.to_owned()), "{given:?}");
        }
        kept(&[Approve, Deny]);
        assert!(
            !store.renew_answer(id, "0", "again").unwrap(),
            "the YES that was read is no longer the one that is kept"
        );
        assert!(store.renew_answer(id, "1", "again").unwrap());
        store.forget_approval(id, "again").unwrap();
        assert!(matches!(store.challenge(id).unwrap().progress, Progress::Answering { answer: Deny, .. }));
        store.finish_challenge(id, Outcome::Denied, Timestamp::from_millis(1)).unwrap();
        store.keep_answer(id, Approve, "late").unwrap();
        store.keep_answer(id, Report, "report").unwrap();
        assert!(matches!(store.challenge(id).unwrap().progress, Progress::Answering { answer: Report, .. }));
    }

    #[test]
    fn the_unfinished_are_found_without_reading_the_history() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let sql = "EXPLAIN QUERY PLAN SELECT * FROM challenge
                   WHERE (outcome IS NULL OR (answer = 'report' AND outcome <> 'reported'))
                   ORDER BY received_at, challenge_id LIMIT 1000";
        let plan: String = store.connection().query_row(sql, [], |row| row.get("detail")).unwrap();
        assert!(plan.contains("challenge_unfinished"), "{plan}");
    }

    #[test]
    fn a_store_of_a_later_version_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("authenticator.db");
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", u32::try_from(MIGRATIONS.len() + 1).unwrap())
            .unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(Store::open(directory.path()), Err(Error::Store(StoreError::Newer))));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
