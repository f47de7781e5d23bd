//! A migration that was shipped is never edited: somewhere it has run as it was, and the database that it left there
//! would differ from the one that a new server makes.

use super::{read, root};
use ring::digest::{SHA256, digest};
use std::collections::BTreeMap;

/// The migrations, by folder.
const FOLDERS: [&str; 2] = ["server/migrations", "core/device/migrations"];
/// The digest of each that was shipped, as `sha256sum` writes it.
const SHIPPED: &str = "tests/shipped-migrations.sha256";

/// Name and digest of every migration.
fn present() -> BTreeMap<String, String> {
    let files = FOLDERS.iter().flat_map(|folder| {
        let entries = std::fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        entries.map(move |entry| format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()))
    });
    files
        .filter(|name| name.ends_with(".sql"))
        .map(|name| {
            let sum = digest(&SHA256, read(&root().join(&name)).as_bytes());
            (name, data_encoding::HEXLOWER.encode(sum.as_ref()))
        })
        .collect()
}

fn shipped() -> BTreeMap<String, String> {
    let list = read(&root().join(SHIPPED));
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split_once("  ").unwrap_or_else(|| panic!("{SHIPPED}: {line}")))
        .map(|(sum, name)| (name.into(), sum.into()))
        .collect()
}

/// What is wrong with the migrations that are there, beside those that were shipped.
fn wrong(shipped: &BTreeMap<String, String>, present: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, sum) in shipped {
        match present.get(name) {
            None => found.push(format!("{name} is gone. Bring it back: databases that stopped before it need it.")),
            Some(now) if now != sum => found.push(format!(
                "{name} was edited, though databases exist in which it has run as it was. Take the edit back \
                 (git checkout), and say what you want to change in a new file with the next number."
            )),
            Some(_) => {}
        }
    }
    let last = |folder: &str| shipped.keys().filter(|name| name.starts_with(folder)).max();
    for name in present.keys().filter(|name| !shipped.contains_key(*name)) {
        let folder = &name[..=name.rfind('/').unwrap_or(0)];
        if last(folder).is_some_and(|last| name < last) {
            found.push(format!(
                "{name} comes before a migration that was shipped, and would never run: number it higher."
            ));
        }
    }
    for folder in FOLDERS {
        let numbers = present.keys().filter_map(|name| name.strip_prefix(folder)?.get(1..5));
        for (expected, number) in (1..).map(|number| format!("{number:04}")).zip(numbers) {
            if number != expected {
                found.push(format!("{folder}: {expected} is expected where {number} stands; numbers leave no gap."));
                break;
            }
        }
    }
    found
}

#[test]
fn no_shipped_migration_was_edited() {
    let (shipped, present) = (shipped(), present());
    assert!(shipped.len() >= 9, "the list was found: {shipped:?}");
    let found = wrong(&shipped, &present);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn an_edited_a_lost_and_a_late_migration_are_found_and_a_new_one_is_free() {
    let (shipped, right) = (shipped(), present());
    let name = "server/migrations/0002_codes.sql";
    let wrong_when = |change: fn(&mut BTreeMap<String, String>)| {
        let mut present = right.clone();
        change(&mut present);
        wrong(&shipped, &present).join("\n")
    };
    assert_eq!(wrong_when(|_| ()), "");
    let edited = wrong_when(|present| _ = present.insert("server/migrations/0002_codes.sql".into(), "0".repeat(64)));
    assert!(edited.contains(name) && edited.contains("a new file with the next number"), "{edited}");
    assert!(wrong_when(|present| _ = present.remove("server/migrations/0002_codes.sql")).contains("is gone"));
    let late = wrong_when(|present| _ = present.insert("server/migrations/0003_a.sql".into(), String::new()));
    assert!(late.contains("number it higher"), "{late}");
    let gap = wrong_when(|present| _ = present.insert("core/device/migrations/0099_later.sql".into(), String::new()));
    assert!(gap.contains("no gap"), "{gap}");
    let next = wrong_when(|present| {
        let number = present.keys().filter(|name| name.starts_with("server/")).count() + 1;
        present.insert(format!("server/migrations/{number:04}_new.sql"), String::new());
    });
    assert_eq!(next, "");
}
