//! A database as an earlier version would have left it: of its schema, with whatever of the present rows that schema
//! knows.
//!
//! There are no releases from which real ones could be kept. What this shows is that each schema with rows in it is
//! opened and brought up to date, and that what was enrolled then still works; it does not show what an earlier version
//! wrote otherwise than the present one does.

use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Every step of the schema, in order.
pub fn steps() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/migrations");
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// The version of the schema in this data folder.
pub fn version(database: &Path) -> usize {
    let database = Connection::open(database).unwrap();
    database.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap().try_into().unwrap()
}

/// Puts a database of an earlier schema in the place of the present one in this data folder, whose server is stopped.
pub fn take_back_to(version: usize, data: &Path) {
    let (path, newer) = (data.join("countersign.db"), data.join("newer.db"));
    Connection::open(&path).unwrap().execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    std::fs::rename(&path, &newer).unwrap();
    let database = Connection::open(&path).unwrap();
    for step in &steps()[..version] {
        database.execute_batch(&std::fs::read_to_string(step).unwrap()).unwrap();
    }
    database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    database.pragma_update(None, "user_version", i64::try_from(version).unwrap()).unwrap();
    database.execute("ATTACH ?1 AS newer", [newer.to_str().unwrap()]).unwrap();
    // A word that the CHECK of those days did not know.
    if version < 16 {
        let known = "UPDATE newer.challenge SET methods = replace(methods, ' backup_code', '')";
        database.execute(known, []).unwrap();
    }
    let shared = "SELECT t.name, group_concat(c.name) FROM main.sqlite_schema t
                  JOIN pragma_table_info(t.name, 'main') c JOIN pragma_table_info(t.name, 'newer') n ON n.name = c.name
                  WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' GROUP BY t.name";
    let shared: Vec<(String, String)> = {
        let mut statement = database.prepare(shared).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    for (table, columns) in shared {
        let copy = format!("INSERT OR REPLACE INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}");
        database.execute(&copy, []).unwrap_or_else(|error| panic!("{table} of version {version}: {error}"));
    }
    database.close().unwrap();
    std::fs::remove_file(newer).unwrap();
}
