//! How long the history is kept. It goes from its old end, a few requests at a time, and what waits for the person or
//! for the server is no part of it.

use super::{Outcome, Store};
use crate::error::Error;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use std::time::Duration;

/// How long a request stays in the history.
const AGE: Duration = Duration::from_secs(90 * 24 * 3600);
/// How many requests stay in it at the most.
const MOST: u32 = 500;
/// How many stay whatever their age: a clock that jumps ahead does not empty the history.
const LEAST: u32 = 50;
/// How many accounts that are over stay for the person to read why: those that were enrolled last.
const MOST_ENDED: u32 = 20;
/// How many rows go at one time.
const PIECE: u32 = 50;

/// Which requests are the history. The words of the partial index, which serves these statements alone.
const FINISHED: &str = "outcome IS NOT NULL AND (answer IS NOT 'report' OR outcome = 'reported')";

impl Store {
    /// Removes a few of the requests that are past their time in the history, and of the accounts that have long been
    /// over; gives how many rows that were. An account takes its requests with it.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read or written. Nothing is removed then.
    pub fn forget_old(&self, now: Timestamp) -> Result<usize, Error> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        // What is kept by number begins with the request of this place, from the newest.
        let beyond_most = received_at(&transaction, MOST)?;
        let beyond_least = received_at(&transaction, LEAST)?;
        let too_old = beyond_least.map(|least| least.min((now - AGE).millis()));
        let mut removed = 0;
        if let Some(before) = beyond_most.max(too_old) {
            let sql = format!(
                "DELETE FROM challenge WHERE challenge_id IN (SELECT challenge_id FROM challenge
                 WHERE {FINISHED} AND received_at < ?1 ORDER BY received_at LIMIT {PIECE})"
            );
            removed += transaction.execute(&sql, [before])?;
        }
        let sql = format!(
            "DELETE FROM enrolment WHERE enrolment_id IN (SELECT enrolment_id FROM enrolment
             WHERE ended_reason IS NOT NULL ORDER BY enrolled_at DESC LIMIT {PIECE} OFFSET {MOST_ENDED})"
        );
        removed += transaction.execute(&sql, [])?;
        transaction.commit()?;
        Ok(removed)
    }

    /// Gives up an answer that the server will never take: the request is over, and a report of it is not sent again.
    pub fn give_up_answer(&self, id: ChallengeId, at: Timestamp) -> Result<(), Error> {
        self.finish_challenge(id, Outcome::Expired, at)?;
        let sql = "UPDATE challenge SET answer = NULL, decision = NULL
                   WHERE challenge_id = ?1 AND answer = 'report' AND outcome <> 'reported'";
        self.connection().execute(sql, [id.to_string()])?;
        Ok(())
    }
}

/// When the request of this place in the history came, the newest being the first; none where the history is shorter.
fn received_at(connection: &Connection, place: u32) -> Result<Option<i64>, Error> {
    let sql = format!(
        "SELECT received_at FROM challenge WHERE {FINISHED} ORDER BY received_at DESC LIMIT 1 OFFSET {}",
        place - 1
    );
    Ok(connection.query_row(&sql, [], |row| row.get(0)).optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    const ACCOUNT: &str = "
        INSERT INTO enrolment (enrolment_id, server_url, organisation, account, device_name, enrolled_at, key_name,
            ticket_sha256)
        VALUES ('e', 'https://login.example', 'Meridian', 'maya', 'Phone', 7, 'key', 'ticket')";

    fn store() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.connection().execute(ACCOUNT, []).unwrap();
        (folder, store)
    }

    /// Requests that came on each of these days before now.
    fn receive(store: &Store, name: &str, days: std::ops::Range<u32>, answer: Option<&str>, outcome: Option<&str>) {
        for day in days {
            let sql =
                "INSERT INTO challenge (challenge_id, enrolment_id, compact, received_at, answer, decision, outcome)
                       VALUES (?1, 'e', 'a.b.c', ?2, ?3, ?3, ?4)";
            let at = (NOW - DAY * day).millis();
            store.connection().execute(sql, (format!("{name}{day}"), at, answer, outcome)).unwrap();
        }
    }

    fn left(store: &Store) -> (u32, Option<i64>) {
        let sql = "SELECT count(*), min(received_at) FROM challenge";
        store.connection().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    /// Removes until nothing more is past its time, and gives how often something was.
    fn forget(store: &Store, now: Timestamp) -> usize {
        std::iter::repeat_with(|| store.forget_old(now).unwrap()).take_while(|removed| *removed > 0).count()
    }

    #[test]
    fn a_request_stays_for_ninety_days_and_goes_in_pieces() {
        let (_folder, store) = store();
        receive(&store, "past", 0..300, Some("approve"), Some("approved"));
        assert_eq!(store.forget_old(NOW).unwrap(), 50);
        assert_eq!(forget(&store, NOW), 4);
        assert_eq!(left(&store), (91, Some((NOW - DAY * 90).millis())));
    }

    #[test]
    fn the_history_has_at_most_five_hundred_and_a_clock_that_jumps_leaves_fifty() {
        let (_folder, store) = store();
        (0..7).for_each(|day| receive(&store, &"x".repeat(day + 1), 0..90, Some("deny"), Some("denied")));
        forget(&store, NOW);
        let (count, _) = left(&store);
        assert!((500..507).contains(&count), "those of one moment stay together: {count}");
        forget(&store, NOW + DAY * 4000);
        let (count, _) = left(&store);
        assert!((50..57).contains(&count), "{count}");
    }

    #[test]
    fn what_waits_for_the_person_or_the_server_is_never_removed() {
        let (_folder, store) = store();
        receive(&store, "waits", 400..430, None, None);
        receive(&store, "kept yes", 400..430, Some("approve"), None);
        receive(&store, "kept report", 400..430, Some("report"), Some("expired"));
        receive(&store, "past", 0..600, Some("approve"), Some("approved"));
        receive(&store, "heard report", 300..310, Some("report"), Some("reported"));
        forget(&store, NOW);
        assert_eq!(left(&store).0, 90 + 91);
    }

    #[test]
    fn an_answer_that_the_server_will_never_take_is_not_sent_for_ever() {
        let (_folder, store) = store();
        for (id, outcome, ends) in
            [("AAAAAAAAAAAAAAAAAAAAAA", Some("denied"), "denied"), ("BBBBBBBBBBBBBBBBBBBBBA", None, "expired")]
        {
            let sql =
                "INSERT INTO challenge (challenge_id, enrolment_id, compact, received_at, answer, decision, outcome)
                       VALUES (?1, 'e', 'a.b.c', 7, 'report', 'd.e.f', ?2)";
            store.connection().execute(sql, (id, outcome)).unwrap();
            store.give_up_answer(id.parse().unwrap(), NOW).unwrap();
            let sql = "SELECT outcome FROM challenge WHERE challenge_id = ?1 AND answer IS NULL AND decision IS NULL";
            let kept: String = store.connection().query_row(sql, [id], |row| row.get(0)).unwrap();
            assert_eq!(kept, ends);
        }
        let waits =
            "SELECT count(*) FROM challenge WHERE outcome IS NULL OR (answer = 'report' AND outcome <> 'reported')";
        assert_eq!(store.connection().query_row(waits, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
    }

    #[test]
    fn of_the_accounts_that_are_over_the_latest_stay_to_be_read() {
        let (_folder, store) = store();
        receive(&store, "past", 0..3, None, Some("expired"));
        for number in 0..30 {
            let sql =
                "INSERT INTO enrolment (enrolment_id, server_url, organisation, account, device_name, enrolled_at,
                           key_name, ticket_sha256, ended_reason)
                       VALUES (?1, '', '', '', '', ?1, '', ?1, 'revoked')";
            store.connection().execute(sql, [number]).unwrap();
        }
        forget(&store, NOW);
        let sql = "SELECT count(*), count(ended_reason), min(CAST(enrolled_at AS INTEGER)) FROM enrolment";
        let kept: (u32, u32, i64) =
            store.connection().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        assert_eq!(kept, (21, 20, 7), "the one in use, and twenty");
        assert_eq!(left(&store).0, 3);
    }

    #[test]
    fn the_old_end_is_found_without_reading_the_history() {
        let (_folder, store) = store();
        let sql =
            format!("EXPLAIN QUERY PLAN SELECT received_at FROM challenge WHERE {FINISHED} ORDER BY received_at DESC");
        let plan: String = store.connection().query_row(&sql, [], |row| row.get("detail")).unwrap();
        assert!(plan.contains("COVERING INDEX challenge_finished"), "{plan}");
        let sql = "SELECT count(*) FROM sqlite_schema t, pragma_foreign_key_list(t.name) k
                   WHERE t.type = 'table' AND NOT EXISTS (
                       SELECT 1 FROM pragma_index_list(t.name) i, pragma_index_info(i.name) c
                       WHERE i.partial = 0 AND c.seqno = 0 AND c.name = k.\"from\")";
        let without: u32 = store.connection().query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(without, 0, "each foreign key has an index");
    }
}
