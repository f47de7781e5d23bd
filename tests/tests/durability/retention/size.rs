//! What a login leaves, measured, and what that makes of ten thousand people: docs/data-model.md says it, and must be
//! true.

use super::House;
use countersign_server::store::{Ages, Removed};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many people the documentation counts with, and how often a day each signs in.
const PEOPLE: u64 = 10_000;
const LOGINS_A_DAY: u64 = 3;
/// How far the measured size may be from the documented one, in percent. Whole pages are measured, and a page is rarely
/// full.
const TOLERANCE: u64 = 15;

/// What a login leaves in one table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Left {
    table: String,
    rows: u64,
    bytes: u64,
    age: Duration,
}

/// The rows of the table in docs/data-model.md whose header begins with these words.
fn documented() -> (Vec<Left>, String) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/data-model.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("| table | rows a login | bytes a login | age |").expect("the table is there");
    let lines = section.lines().skip(2).take_while(|line| line.starts_with('|'));
    let left = lines.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let number = |cell: &str| cell.replace(',', "").parse().unwrap_or_else(|_| panic!("{line}"));
        let (number_of, unit) = cells[3].split_at(cells[3].len() - 1);
        let seconds = match unit {
            "d" => 24 * 3600,
            "h" => 3600,
            _ => panic!("{line}"),
        };
        let age = Duration::from_secs(number(number_of) * seconds);
        Left { table: cells[0].trim_matches('`').into(), rows: number(cells[1]), bytes: number(cells[2]), age }
    });
    (left.collect(), section.to_owned())
}

/// The bytes of each table's pages, with its indices'.
fn bytes(house: &House) -> BTreeMap<String, u64> {
    let database = house.scene.server.sqlite();
    let sql = "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name GROUP BY 1";
    let mut statement = database.prepare(sql).unwrap();
    let sizes = statement.query_map([], |row| Ok((row.get(0)?, u64::from(row.get::<_, u32>(1)?)))).unwrap();
    sizes.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_leaves_what_the_documentation_says() {
    const LOGINS: u64 = 300;
    let mut house = House::new().await;
    let (documented, _) = documented();
    for _ in 0..20 {
        house.logs_in().await;
    }
    let tables: Vec<&str> = documented.iter().map(|left| left.table.as_str()).collect();
    let rows_before: Vec<u32> = tables.iter().map(|table| house.rows(table)).collect();
    let bytes_before = bytes(&house);
    for _ in 0..LOGINS {
        // Prompts of one hour are limited, but for those that end in approval.
        house.logs_in().await;
    }
    let bytes_after = bytes(&house);
    let grown = |table: &str| (bytes_after[table] - bytes_before[table]) / LOGINS;
    let measured: Vec<(&str, u64, u64)> = tables
        .iter()
        .zip(rows_before)
        .map(|(table, before)| (*table, u64::from(house.rows(table) - before) / LOGINS, grown(table)))
        .collect();
    for (left, (table, rows, bytes)) in documented.iter().zip(&measured) {
        assert_eq!((left.table.as_str(), left.rows), (*table, *rows), "{measured:?}");
        let off = left.bytes.abs_diff(*bytes);
        assert!(off * 100 <= left.bytes * TOLERANCE + 100 * 20, "{table}: {bytes} bytes a login: {measured:?}");
    }
    // No other table grows with logins.
    let others: Vec<_> = bytes_after.iter().filter(|(table, _)| !tables.contains(&table.as_str())).collect();
    let grown: u64 = others.iter().map(|(table, after)| *after - bytes_before.get(*table).unwrap_or(&0)).sum();
    assert_eq!(grown, 0, "{others:?}");
}

#[test]
fn a_year_of_ten_thousand_people_is_bounded_and_the_documentation_adds_it_up() {
    let (documented, section) = documented();
    let ages = Ages::default();
    for left in &documented {
        let kind = match left.table.as_str() {
            "challenge" | "challenge_device" => Removed::Challenges,
            "push" => Removed::Pushes,
            "webhook_event" => Removed::Events,
            "accepted_proof" => Removed::Proofs,
            "journal" => Removed::Journal,
            other => panic!("{other} has no age"),
        };
        assert_eq!(left.age, ages.of(kind), "{}", left.table);
    }
    let logins_a_second = |age: Duration| PEOPLE * LOGINS_A_DAY * age.as_secs() / (24 * 3600);
    let at_most = |days: u64| -> u64 {
        let kept = |left: &Left| logins_a_second(left.age.min(Duration::from_secs(days * 24 * 3600)));
        documented.iter().map(|left| kept(left) * left.bytes).sum()
    };
    let (year, ten_years) = (at_most(365), at_most(3650));
    assert_eq!(year, ten_years, "after a year nothing grows any more");
    let gigabytes = |bytes: u64| format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10);
    let a_login: u64 = documented.iter().map(|left| left.bytes).sum();
    let without = PEOPLE * LOGINS_A_DAY * 3650 * a_login;
    for stated in [gigabytes(year), gigabytes(without), format!("{a_login} bytes")] {
        assert!(section.contains(&stated), "docs/data-model.md does not say {stated}");
    }
}
