use super::journal_end::{BLANK, CUT, OLDEST};
use super::removals::Removal;
use super::{Ages, Removed};
use crate::store::engine::value::values;
use crate::store::proofs::FORGET;
use crate::store::{Place, Store, StoreError};
use countersign_protocol::time::{Clock, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Who asks, whom, and three phones: the first is in use, the second has ended long ago, the third just now.
const PEOPLE: &str = "
    INSERT INTO signing_key VALUES (1, x'00', 'certificate', 0);
    INSERT INTO organisation VALUES (1, 'o', 'Meridian', 0);
    INSERT INTO relying_party VALUES (1, 'r', 1, 'Customer area', 0, NULL);
    INSERT INTO account (row_id, handle, organisation, name, created_at) VALUES (1, 'a', 1, 'maya', 0);
    INSERT INTO enrolment (row_id, handle, account, state, created_at, expires_at, ticket_sha256, request_key_id,
                           request_key, approval_key, statement, certificate, proposed_at, voided_at)
    VALUES (1, 'e1', 1, 'confirmed', 0, 0, x'01', 'k1', x'11', x'21', 's', 1, 0, NULL),
           (2, 'e2', 1, 'void', 0, 0, x'02', 'k2', x'12', x'22', 's', 1, 0, 0),
           (3, 'e3', 1, 'void', 0, 0, x'03', 'k3', x'13', x'23', 's', 1, 0, :now);";

struct World {
    store: Store,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("retention.db"));
        let world = Self { store: Store::open(&place, Arc::new(FixedClock)).unwrap(), _folder: folder };
        world.run(PEOPLE).await;
        world
    }

    /// Runs statements in one transaction; `:now` and `:old` are moments in them.
    async fn run(&self, statements: &str) {
        let old = NOW - DAY * 1000;
        let text = statements.replace(":now", &NOW.millis().to_string()).replace(":old", &old.millis().to_string());
        let work = self.store.write(move |tx, _| {
            for statement in text.split(';').filter(|statement| !statement.trim().is_empty()) {
                tx.execute(statement, values![])?;
            }
            Ok(())
        });
        work.await.unwrap();
    }

    /// Removes all that is old enough of one kind, and gives how many rows each piece removed.
    async fn remove(&self, what: Removed) -> Vec<usize> {
        let mut pieces = Vec::new();
        loop {
            let removed = self.store.remove_piece(what, &Ages::default(), NOW).await.unwrap();
            pieces.push(removed);
            if removed < what.piece() {
                return pieces;
            }
        }
    }

    /// The first column of a statement, as text.
    async fn read(&self, sql: &'static str) -> Vec<String> {
        let look = move |tx: &dyn crate::store::engine::Transaction| {
            tx.rows("found", sql, values![])?.iter().map(|row| row.get("found")).collect::<Result<_, StoreError>>()
        };
        self.store.read(look).await.unwrap()
    }
}

/// A challenge row: handle, state, and when it was created, ends, was settled, was claimed, was reported.
fn challenge(row: u32, state: &str, created: &str, ends: &str, [settled, claimed, reported]: [&str; 3]) -> String {
    format!(
        "INSERT INTO challenge (row_id, handle, relying_party, account, state, created_at, expires_at, certificate,
             request_sha256, settled_at, claimed_at, reported_at, idempotency_key, claim_key)
         VALUES ({row}, 'c{row}', 1, 1, '{state}', {created}, {ends}, 1, 'd', {settled}, {claimed}, {reported},
             'key{row}', 'claim{row}');"
    )
}

#[tokio::test]
async fn every_statement_of_a_removal_finds_its_rows_by_an_index() {
    let world = World::new().await;
    let mut statements: Vec<String> =
        [FORGET, OLDEST].iter().chain(&CUT).chain(&BLANK).map(|&sql| sql.to_owned()).collect();
    for Removal { remove, .. } in Removed::ALL.iter().filter_map(|what| what.removal()) {
        statements.extend(remove.iter().map(|&sql| sql.to_owned()));
    }
    for removal in Removed::ALL.iter().filter_map(|what| what.removal()) {
        statements.extend([removal.find(), removal.still()]);
    }
    for statement in statements {
        let explained = format!("EXPLAIN QUERY PLAN {statement}");
        let plan = world.store.read(move |tx| {
            let steps = tx.rows("plan", &explained, values![])?;
            steps.iter().map(|step| step.get::<String>("detail")).collect::<Result<Vec<_>, _>>()
        });
        let plan = plan.await.unwrap();
        // The one row of `retention` is read without an index.
        let slow = |step: &&String| {
            (step.contains("SCAN") && !step.ends_with("SCAN retention")) || step.contains("TEMP B-TREE FOR ORDER BY")
        };
        assert_eq!(plan.iter().find(slow), None, "{statement}: {plan:?}");
        assert!(!plan.is_empty(), "{statement}");
    }
}

#[tokio::test]
async fn what_is_over_goes_in_pieces_and_what_still_plays_a_part_stays_whatever_its_age() {
    let world = World::new().await;
    let never = ["NULL"; 3];
    let mut rows: String =
        (100..350).map(|row| challenge(row, "claimed", ":old", ":old", [":old", ":old", "NULL"])).collect();
    // One for each way to be still of use.
    rows += &challenge(1, "pending", ":old", ":now", never);
    rows += &challenge(2, "approved", ":old", ":old", [":now", "NULL", "NULL"]);
    rows += &challenge(3, "claimed", ":old", ":old", [":old", ":now", "NULL"]);
    rows += &challenge(4, "denied", ":old", ":old", [":old", "NULL", ":now"]);
    rows += &challenge(5, "denied", ":now", ":old", never);
    rows += &challenge(6, "denied", ":old", ":old", never);
    rows += &challenge(7, "denied", ":old", ":old", never);
    // And what is over, though its state says that it waits.
    rows += &challenge(8, "pending", ":old", ":old", never);
    rows += &challenge(9, "approved", ":old", ":old", [":old", "NULL", "NULL"]);
    rows += "INSERT INTO push (challenge, enrolment, state, due_at, expires_at) VALUES (6, 1, 'queued', :old, :old);
             INSERT INTO journal (row_id, at, actor_kind, fact) VALUES (1, :old, 'server', 'f');
             INSERT INTO webhook_event (handle, relying_party, challenge, journal, state, due_at, expires_at)
             VALUES ('v', 1, 7, 1, 'queued', :old, :old);
             INSERT INTO challenge_device SELECT row_id, 1, 'a.b.c', NULL FROM challenge;
             INSERT INTO push (challenge, enrolment, state, due_at, expires_at)
             SELECT row_id, 1, 'sent', :old, :old FROM challenge WHERE row_id >= 100";
    world.run(&rows).await;
    assert_eq!(world.remove(Removed::Events).await, [0], "it is still told");
    let pieces = world.remove(Removed::Challenges).await;
    assert_eq!((pieces.len(), pieces.iter().max(), pieces.last()), (11, Some(&25), Some(&2)), "{pieces:?}");
    let left = world.read("SELECT handle AS found FROM challenge ORDER BY row_id").await;
    assert_eq!(left, ["c1", "c2", "c3", "c4", "c5", "c6", "c7"]);
    let left = world.read("SELECT 'c' || challenge AS found FROM challenge_device ORDER BY challenge").await;
    assert_eq!(left.len(), 7, "what belonged to the others went with them: {left:?}");
    assert_eq!(world.read("SELECT 'c' || challenge AS found FROM push").await, ["c6"]);
}

#[tokio::test]
async fn keys_of_requests_are_forgotten_before_their_challenge() {
    let world = World::new().await;
    let rows = challenge(1, "claimed", ":old", ":old", [":old", ":old", "NULL"])
        + &challenge(2, "claimed", ":now", ":now", [":now", ":now", "NULL"])
        + &challenge(3, "claimed", ":old", ":old", [":now", ":now", "NULL"]);
    world.run(&rows).await;
    assert_eq!(world.remove(Removed::IdempotencyKeys).await, [1]);
    let sql =
        "SELECT coalesce(idempotency_key, '-') || coalesce(claim_key, '-') AS found FROM challenge ORDER BY row_id";
    assert_eq!(world.read(sql).await, ["--", "key2claim2", "key3claim3"]);
    assert_eq!(world.remove(Removed::IdempotencyKeys).await, [0], "what has none is not found again");
}

#[tokio::test]
async fn an_ended_device_stays_for_its_receipts_and_goes_with_all_that_is_its_own() {
    let world = World::new().await;
    let rows = challenge(1, "claimed", ":old", ":old", [":old", ":old", "NULL"])
        + "INSERT INTO code_authenticator (row_id, handle, account, enrolment, name, secret, algorithm, digits, period,
           state, created_at) VALUES (1, 'n', 1, 2, 'phone', x'', 'SHA1', 6, 30, 'void', 0);
           INSERT INTO accepted_proof VALUES (2, 'j', :now);
           INSERT INTO push_registration (enrolment, sealed, lane, registered_at) VALUES (2, x'00', 'l', 0)";
    world.run(&rows).await;
    for refers in ["settled_by = 2", "reported_by = 2", "settled_code = 1"] {
        world.run(&format!("UPDATE challenge SET {refers}")).await;
        assert_eq!(world.remove(Removed::Devices).await, [0], "{refers}");
        world.run("UPDATE challenge SET settled_by = NULL, reported_by = NULL, settled_code = NULL").await;
    }
    world.run("INSERT INTO challenge_device VALUES (1, 2, 'a.b.c', NULL)").await;
    assert_eq!(world.remove(Removed::Devices).await, [0], "it was asked");
    assert_eq!(world.remove(Removed::Challenges).await, [1]);
    assert_eq!(world.remove(Removed::Devices).await, [1]);
    assert_eq!(
        world.read("SELECT handle AS found FROM enrolment ORDER BY row_id").await,
        ["e1", "e3"],
        "in use, and just ended"
    );
}

#[tokio::test]
async fn links_and_applications_that_came_to_nothing_go() {
    let world = World::new().await;
    world
        .run(
            "INSERT INTO enrolment (handle, account, state, created_at, expires_at, ticket_sha256)
             VALUES ('unused', 1, 'open', :old, :old, x'04'), ('fresh', 1, 'open', :now, :now, x'05');
             INSERT INTO code_authenticator
                 (handle, account, name, secret, algorithm, digits, period, state, created_at)
             VALUES ('removed', 1, 'n', x'', 'SHA1', 6, 30, 'void', :old),
                    ('used', 1, 'n', x'00', 'SHA1', 6, 30, 'confirmed', :old),
                    ('begun', 1, 'n', x'00', 'SHA1', 6, 30, 'proposed', :now)",
        )
        .await;
    assert_eq!((world.remove(Removed::Links).await, world.remove(Removed::Applications).await), (vec![1], vec![1]));
    assert_eq!(world.read("SELECT handle AS found FROM enrolment WHERE state = 'open'").await, ["fresh"]);
    assert_eq!(world.read("SELECT handle AS found FROM code_authenticator ORDER BY row_id").await, ["used", "begun"]);
}

#[tokio::test]
async fn a_proof_is_remembered_for_its_age() {
    let world = World::new().await;
    let (age, remembered) = (Ages::default().proofs, super::PROOF_REMEMBERED);
    for (jti, accepted_at) in [("old", NOW - age - Duration::from_millis(1)), ("young", NOW - age)] {
        let ends = (accepted_at + remembered).millis();
        world.run(&format!("INSERT INTO accepted_proof VALUES (1, '{jti}', {ends})")).await;
    }
    assert_eq!(world.remove(Removed::Proofs).await, [1]);
    assert_eq!(world.read("SELECT jti AS found FROM accepted_proof").await, ["young"]);
}

#[tokio::test]
async fn the_journal_is_shortened_at_its_old_end_and_nowhere_else() {
    let world = World::new().await;
    let ahead = (NOW + DAY * 4000).millis();
    let line = |at: &str| format!("INSERT INTO journal (at, actor_kind, fact) VALUES ({at}, 'server', 'f');");
    // Written while the clock was ahead, and before a line that is old.
    let old: String = (0..150).map(|number| line(if number == 149 { ":old" } else { ":old + 1" })).collect();
    let wrong: String = (0..120).map(|_| line(&ahead.to_string())).collect();
    world.run(&(old + &wrong + &line(":old") + &line(":now") + &line(":old") + &line(&ahead.to_string()))).await;
    assert_eq!(world.remove(Removed::Journal).await, [100, 100, 71], "a line that is young keeps those after it");
    assert_eq!(world.read("SELECT '' || row_id AS found FROM journal").await, ["272", "273", "274"]);
    assert_eq!(world.store.retention_progress().await.unwrap().journal_cut_at, 271);
    for sql in [
        "DELETE FROM journal WHERE row_id = 273",
        "DELETE FROM journal",
        "UPDATE journal SET at = 0",
        "UPDATE retention SET journal_cut_at = 270",
        "DELETE FROM retention",
    ] {
        assert!(world.store.write(move |tx, _| tx.execute(sql, values![])).await.is_err(), "{sql}");
    }
    world.run(&line(":now")).await;
    assert_eq!(world.read("SELECT '' || max(row_id) AS found FROM journal").await, ["275"], "no number comes twice");
}

#[tokio::test]
async fn an_address_goes_before_its_line_and_nothing_else_of_a_line_ever_changes() {
    let world = World::new().await;
    let line = |at: &str| {
        format!("INSERT INTO journal (at, actor_kind, address, fact) VALUES ({at}, 'device', '198.51.100.7', 'f');")
    };
    // The first is still told to a relying party, which keeps the line and not the address.
    let event = "INSERT INTO webhook_event (handle, relying_party, challenge, journal, state, due_at, expires_at)
                 VALUES ('v', 1, 1, 1, 'queued', :old, :old);";
    let lines: String = (0..130).map(|_| line(":old")).collect();
    world.run(&(challenge(1, "denied", ":now", ":now", ["NULL"; 3]) + &lines + event + &line(":now"))).await;
    assert_eq!(world.remove(Removed::Addresses).await, [100, 30]);
    let left = "SELECT '' || row_id AS found FROM journal WHERE address IS NOT NULL";
    assert_eq!(world.read(left).await, ["131"]);
    assert_eq!(world.read("SELECT '' || count(*) AS found FROM journal").await, ["131"], "the lines stay");
    assert_eq!(world.remove(Removed::Addresses).await, [0], "once is enough");
    for sql in [
        "UPDATE journal SET address = '203.0.113.9'",
        "UPDATE journal SET address = '203.0.113.9' WHERE row_id = 131",
        "UPDATE journal SET address = NULL, fact = 'g' WHERE row_id = 131",
        "UPDATE journal SET reason = 'none'",
    ] {
        assert!(world.store.write(move |tx, _| tx.execute(sql, values![])).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn a_line_that_is_still_told_keeps_itself_and_what_follows() {
    let world = World::new().await;
    let lines = "INSERT INTO journal (at, actor_kind, fact) VALUES (:old, 'server', 'f'), (:old, 'server', 'f'),
                 (:old, 'server', 'f');";
    let event = "INSERT INTO webhook_event (handle, relying_party, challenge, journal, state, due_at, expires_at)
                 VALUES ('v', 1, 1, 2, 'queued', :old, :old)";
    world.run(&(challenge(1, "denied", ":now", ":now", ["NULL"; 3]) + lines + event)).await;
    assert_eq!(world.remove(Removed::Journal).await, [1]);
    world.run("UPDATE webhook_event SET state = 'dead'").await;
    assert_eq!((world.remove(Removed::Events).await, world.remove(Removed::Journal).await), (vec![1], vec![2]));
}
