//! Every statement of the store finds its rows by an index. The statements are read out of the sources: what is found
//! here is what runs.

use super::schema;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// The tables that grow with logins, or with people.
const LARGE: [&str; 8] =
    ["challenge", "challenge_device", "push", "webhook_event", "journal", "accepted_proof", "enrolment", "account"];
/// Partial indices that hold what waits to be sent, and nothing else: they may be read whole.
const QUEUES: [&str; 2] = ["push_due", "webhook_event_due"];
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().into_string().unwrap();
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs") && !["tests.rs", "conformance.rs", "plans.rs", "schema.rs"].contains(&&*name) {
            found.push(path);
        }
    }
}

/// The string literals of a source, up to its tests. What `format!` puts in is a condition, and any
/// stands in its place.
fn literals(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let (mut found, mut inside, mut escaped, mut braces) = (Vec::new(), None::<String>, false, 0);
    for letter in code.join("\n").chars() {
        match (&mut inside, letter) {
            (None, '"') => inside = Some(String::new()),
            (None, _) => {}
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(text), '"') => {
                found.push(std::mem::take(text));
                inside = None;
            }
            (Some(text), '{') => {
                braces += 1;
                text.push_str(if text.ends_with('.') { "row_id" } else { "1" });
            }
            (Some(_), '}') => braces -= 1,
            (Some(text), _) if braces == 0 => text.push(letter),
            (Some(_), _) => {}
        }
    }
    found
}

/// A step of a statement's plan that reads more and more as the server lives on.
fn is_slow(step: &str, statement: &str) -> bool {
    let words: Vec<&str> = step.split_whitespace().collect();
    let is_called = |table: &&str, name: &str| *table == name || statement.contains(&format!(" {table} {name} "));
    let is_large = |name: &str| LARGE.iter().any(|table| is_called(table, name));
    let queue = QUEUES.iter().any(|queue| words.contains(queue));
    let whole = words[0] == "SCAN" && words.get(1).is_some_and(|name| is_large(name)) && !queue;
    // Nearly all are in one state.
    whole || (step.ends_with("(state=?)") && !queue)
}

/// The slow steps of a statement; none of what is no statement by itself.
fn slow_steps(database: &Connection, statement: &str) -> Option<Vec<String>> {
    let mut explained = database.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).ok()?;
    let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ") + " ";
    let mut rows = explained.raw_query();
    let mut slow = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let step: String = row.get("detail").unwrap();
        if is_slow(&step, &statement) {
            slow.push(step);
        }
    }
    Some(slow)
}

#[test]
fn every_statement_of_the_store_finds_its_rows_by_an_index() {
    let mut database = Connection::open_in_memory().unwrap();
    schema::migrate(&mut database).unwrap();
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store"), &mut files);
    let mut read = 0;
    for file in files {
        for statement in literals(&std::fs::read_to_string(&file).unwrap()) {
            let verb = statement.split_whitespace().next().unwrap_or_default();
            let is_statement = ["SELECT", "UPDATE", "DELETE", "INSERT", "WITH"].contains(&verb);
            // Without a condition of its own it is the beginning of several, or reads the last row of all.
            if !is_statement || !statement.contains("WHERE") || statement.contains("WHERE 1") {
                continue;
            }
            if let Some(slow) = slow_steps(&database, &statement) {
                assert_eq!(slow, [""; 0], "{}: {statement}", file.display());
                read += 1;
            }
        }
    }
    assert!(read > 80, "the statements were found: {read}");
}

#[test]
fn a_statement_that_reads_a_large_table_is_noticed() {
    let mut database = Connection::open_in_memory().unwrap();
    schema::migrate(&mut database).unwrap();
    for statement in [
        "SELECT row_id FROM challenge WHERE decision = $1",
        "SELECT count(*) FROM journal",
        "UPDATE push SET state = 'dropped' WHERE attempts > 9",
        "DELETE FROM accepted_proof WHERE jti = $1",
    ] {
        assert_ne!(slow_steps(&database, statement).unwrap(), [""; 0], "{statement}");
    }
    database.execute_batch("CREATE INDEX enrolment_by_state ON enrolment (state)").unwrap();
    let by_state = "SELECT row_id FROM enrolment WHERE state = 'confirmed'";
    assert_ne!(slow_steps(&database, by_state).unwrap(), [""; 0], "nearly all are confirmed");
}
