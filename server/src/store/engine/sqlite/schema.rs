//! The numbered steps that bring a database up to date, and what is not to be touched.

use crate::store::StoreError;
use rusqlite::Connection;

/// Every schema step, in order. A shipped one is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../../migrations/0001_spine.sql"),
    include_str!("../../../../migrations/0002_codes.sql"),
    include_str!("../../../../migrations/0003_challenge_life.sql"),
    include_str!("../../../../migrations/0004_push_lanes.sql"),
    include_str!("../../../../migrations/0005_webhooks.sql"),
    include_str!("../../../../migrations/0006_push_registrations.sql"),
    include_str!("../../../../migrations/0007_journal.sql"),
    include_str!("../../../../migrations/0008_attempts.sql"),
    include_str!("../../../../migrations/0009_retention.sql"),
    include_str!("../../../../migrations/0010_push_causes.sql"),
    include_str!("../../../../migrations/0011_code_steps.sql"),
    include_str!("../../../../migrations/0012_told_over.sql"),
    include_str!("../../../../migrations/0013_people.sql"),
    include_str!("../../../../migrations/0014_addresses.sql"),
    include_str!("../../../../migrations/0015_attestation.sql"),
    include_str!("../../../../migrations/0016_backup_codes.sql"),
    include_str!("../../../../migrations/0017_moves.sql"),
];

/// The version of a database that has taken every step.
#[expect(clippy::cast_possible_truncation, reason = "there are not four thousand million steps")]
pub(super) const NEWEST: u32 = MIGRATIONS.len() as u32;

/// The last step that this database has taken; 0 for one in which nothing was ever made.
pub(super) fn version(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// True for a file in which nothing was ever made.
pub(super) fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    Ok(version(connection)? == 0)
}

/// Refuses a database of a later version, and one of another program.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    let version = version(connection)?;
    if version > NEWEST {
        return Err(StoreError::Newer);
    }
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if version == 0 && tables > 0 {
        return Err(StoreError::Unreadable("it is the database of another program".into()));
    }
    Ok(())
}

/// Fails when another process has brought the database up to date for a later version than this one: what this one
/// would write there, and read, is no longer what it thinks.
pub(super) fn check_unchanged(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("PRAGMA user_version")?;
    let version: u32 = statement.query_row((), |row| row.get(0))?;
    if version == NEWEST {
        return Ok(());
    }
    Err(StoreError::Lost(format!(
        "another version of countersign has changed its schema from {} to {version}. Start that version in this one's \
         place",
        NEWEST
    )))
}

/// Brings an older database up to date, each step in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let version = version(connection)?;
    for (step, migration) in (1_u32..).zip(MIGRATIONS).filter(|(step, _)| *step > version) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", step)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::connection::open;
    use super::*;

    /// What every version has kept, written as the first one did.
    const FIRST_ROWS: &str = "
        INSERT INTO signing_key VALUES (1, x'00', 'certificate', 7);
        INSERT INTO organisation VALUES (1, 'o', 'Meridian', 7);
        INSERT INTO relying_party VALUES (1, 'r', 1, 'Customer area', 7, NULL);
        INSERT INTO account (row_id, handle, organisation, name, created_at) VALUES (1, 'a', 1, 'maya', 7);
        INSERT INTO challenge (handle, relying_party, account, state, created_at, expires_at, certificate, \
                               request_sha256)
        VALUES ('c', 1, 1, 'approved', 7, 8, 1, 'd');";

    #[test]
    fn a_database_of_every_earlier_version_is_brought_up_to_date_and_keeps_what_it_holds() {
        for from in 1..=MIGRATIONS.len() {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("countersign.db");
            let old = Connection::open(&path).unwrap();
            MIGRATIONS[..from].iter().for_each(|step| old.execute_batch(step).unwrap());
            old.execute_batch(FIRST_ROWS).unwrap();
            old.pragma_update(None, "user_version", u32::try_from(from).unwrap()).unwrap();
            drop(old);
            let mut connection = open(&path).unwrap();
            migrate(&mut connection).unwrap();
            assert_eq!(usize::try_from(version(&connection).unwrap()).unwrap(), MIGRATIONS.len());
            let sql = "SELECT state, prompt, methods, digits IS NULL FROM challenge WHERE handle = 'c'";
            let kept: (String, String, String, bool) =
                connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
            assert_eq!(kept, ("approved".into(), "pulled".into(), "push code".into(), true), "from version {from}");
        }
    }

    /// The foreign keys of which no index has the column first, as `table.column`: for each row that is removed from
    /// the other table, SQLite reads all of this one.
    fn without_index(database: &Connection) -> Vec<String> {
        let sql = "SELECT t.name || '.' || k.\"from\" FROM sqlite_schema t, pragma_foreign_key_list(t.name) k
                   WHERE t.type = 'table' AND NOT EXISTS (
                       SELECT 1 FROM pragma_index_list(t.name) i, pragma_index_info(i.name) c, sqlite_schema s
                       WHERE c.seqno = 0 AND c.name = k.\"from\"
                         AND (i.partial = 0
                              OR (s.name = i.name AND s.sql LIKE '%) WHERE ' || k.\"from\" || ' IS NOT NULL')))
                     AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name) p
                                     WHERE p.name = k.\"from\" AND p.pk = 1 AND p.type = 'INTEGER')
                   ORDER BY 1";
        let mut statement = database.prepare(sql).unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        found.map(Result::unwrap).collect()
    }

    #[test]
    fn every_foreign_key_has_an_index() {
        let database = Connection::open_in_memory().unwrap();
        let (last, earlier) = MIGRATIONS.split_last().unwrap();
        earlier.iter().take(7).for_each(|step| database.execute_batch(step).unwrap());
        let before = without_index(&database);
        for known in ["challenge.account", "challenge_device.enrolment", "webhook_event.journal"] {
            assert!(before.iter().any(|one| one == known), "it would be noticed: {before:?}");
        }
        earlier.iter().skip(7).chain([last]).for_each(|step| database.execute_batch(step).unwrap());
        assert_eq!(without_index(&database), [""; 0]);
    }

    /// An event of a database in which events were kept apart from what had happened.
    const EARLIER_EVENT: &str = "
        INSERT INTO webhook VALUES (1, 'https://site.example', x'00', NULL, NULL, 7, NULL);
        INSERT INTO webhook_event (handle, relying_party, challenge, type, payload, created_at, state, due_at, \
                                   expires_at)
        VALUES ('evt_1', 1, 1, 'challenge.approved', \
                '{\"id\":\"c\",\"state\":\"approved\",\"user_id\":\"a\",\"reported\":false,\
                \"amr\":[\"otp\"],\"at\":\"1970-01-01T00:00:00.007Z\"}', 7, 'queued', 8, 9);";

    #[test]
    fn an_event_that_waits_becomes_a_line_of_the_journal_on_its_way() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("countersign.db");
        let old = Connection::open(&path).unwrap();
        MIGRATIONS[..6].iter().for_each(|step| old.execute_batch(step).unwrap());
        old.execute_batch(FIRST_ROWS).unwrap();
        old.execute_batch(EARLIER_EVENT).unwrap();
        old.pragma_update(None, "user_version", 6).unwrap();
        drop(old);
        let mut connection = open(&path).unwrap();
        migrate(&mut connection).unwrap();
        let sql = "SELECT e.handle, e.state, e.due_at, j.fact, j.at, j.challenge, j.account, j.detail
                   FROM webhook_event e JOIN journal j ON j.row_id = e.journal";
        let kept: (String, String, i64, String, i64, String, String, String) = connection
            .query_row(sql, [], |row| {
                let whom = (row.get(5)?, row.get(6)?, row.get(7)?);
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, whom.0, whom.1, whom.2))
            })
            .unwrap();
        let text = |text: &str| text.to_owned();
        let detail = text(r#"{"state":"approved","reported":false,"amr":["otp"]}"#);
        let line = (text("challenge.approved"), 7, text("c"), text("a"), detail);
        let expected = (text("evt_1"), text("queued"), 8, line.0, line.1, line.2, line.3, line.4);
        assert_eq!(kept, expected);
    }
}
