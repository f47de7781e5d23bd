//! A year of logins in compressed form: each table levels off at what its age allows, and so does the file.

use super::{DAY, House};
use countersign_server::store::Ages;
use std::collections::BTreeMap;
use std::time::Duration;

/// Ages that a year holds several times.
const AGES: Ages = Ages {
    challenges: DAY.saturating_mul(30),
    idempotency_keys: DAY.saturating_mul(3),
    pushes: DAY.saturating_mul(10),
    proofs: Duration::from_secs(3600),
    events: DAY.saturating_mul(10),
    journal: DAY.saturating_mul(60),
    addresses: DAY.saturating_mul(5),
    links: DAY.saturating_mul(2),
    ended: DAY.saturating_mul(30),
};

const TABLES: [&str; 9] = [
    "challenge",
    "challenge WHERE idempotency_key IS NOT NULL",
    "challenge_device",
    "push",
    "webhook_event",
    "journal",
    "journal WHERE address IS NOT NULL",
    "accepted_proof",
    "enrolment",
];

impl House {
    /// A day: one login that is taken, one question that nobody answers, one link that nobody uses.
    async fn lives_a_day(&mut self) {
        self.logs_in().await;
        self.scene.clock.advance(Duration::from_secs(3600));
        let asked = self.asks().await;
        self.site.until(&asked, "push", "sent").await;
        self.site.link(&self.user).await;
        self.scene.clock.advance(DAY - Duration::from_secs(3600));
    }

    fn counts(&self) -> BTreeMap<&'static str, u32> {
        TABLES.into_iter().map(|table| (table, self.rows(table))).collect()
    }

    fn pages(&self) -> u32 {
        self.scene.server.sqlite().query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_year_every_table_levels_off_and_so_does_the_file() {
    let mut house = House::new().await;
    let mut pruner = house.pruner(AGES);
    let mut level = None;
    for day in 0..365 {
        house.lives_a_day().await;
        pruner.flush().await.unwrap();
        if day == 180 {
            level = Some((house.counts(), house.pages()));
        }
    }
    let (counts, pages) = (house.counts(), house.pages());
    let (counts_before, pages_before) = level.unwrap();
    assert_eq!(counts, counts_before, "nothing grows in the second half");
    assert!(pages <= pages_before + pages_before / 20, "pages that are free are used again: {pages_before} to {pages}");

    // Two challenges a day, of which one has gone its whole way: created, approved, claimed; the last two are told.
    let days = |age: Duration| u32::try_from(age.as_secs() / DAY.as_secs()).unwrap();
    let expected = [
        ("challenge", 2 * days(AGES.challenges)),
        ("challenge WHERE idempotency_key IS NOT NULL", 2 * days(AGES.idempotency_keys)),
        ("challenge_device", 2 * days(AGES.challenges)),
        ("push", 2 * days(AGES.pushes)),
        ("webhook_event", 2 * days(AGES.events)),
        // And the link.
        ("journal", 5 * days(AGES.journal)),
        ("accepted_proof", 0),
        // And the phone that is in use.
        ("enrolment", days(AGES.links) + 1),
    ];
    for (table, expected) in expected {
        let found = counts[table];
        let a_day = 5;
        assert!(found.abs_diff(expected) <= a_day, "{table}: {found} rows, {expected} expected: {counts:?}");
    }
    let (first, last): (u32, u32) = house
        .scene
        .server
        .sqlite()
        .query_row("SELECT min(row_id), max(row_id) FROM journal", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(last - first + 1, counts["journal"], "what is left of the journal is whole");
    house.logs_in().await;
}
