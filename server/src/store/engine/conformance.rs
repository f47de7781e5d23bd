//! What every engine must do, whichever database is behind it. Each test runs on each of [`ENGINES`].

#![cfg(test)]

use super::Transaction;
use super::value::values;
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::store::journal::Entry;
use crate::store::{ENGINES, EngineKind, Store, StoreError};
use countersign_protocol::handle::AccountId;
use countersign_protocol::time::{Clock, Timestamp};
use std::sync::Arc;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// A store over one engine, and what that engine needs to be kept.
struct Case {
    store: Store,
    _kept: TempDir,
}

impl Case {
    async fn count(&self, sql: &'static str) -> i64 {
        self.store.read(move |tx| tx.one_row("count", sql, values![])?.get("count")).await.unwrap()
    }
}

/// A fresh database on each engine.
fn engines() -> Vec<Case> {
    let case = |kind: EngineKind| {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&(kind.place)(folder.path()), Arc::new(FixedClock)).unwrap();
        Case { store, _kept: folder }
    };
    ENGINES.map(case).into()
}

const ORGANISATIONS: &str = "SELECT count(*) AS count FROM organisation";

fn insert(tx: &dyn Transaction, name: &str) -> Result<usize, StoreError> {
    let sql = "INSERT INTO organisation (handle, name, created_at) VALUES ($2, $1, $3)";
    tx.execute(sql, values![name, format!("handle of {name}"), NOW])
}

#[tokio::test]
async fn what_was_written_is_read_and_parameters_go_by_their_numbers() {
    for case in engines() {
        case.store.write(|tx, now| insert(tx, "Meridian").map(|_| assert_eq!(now, NOW))).await.unwrap();
        let sql = "SELECT row_id, name, handle, created_at FROM organisation WHERE handle = $2 AND name = $1";
        let row = case.store.read(move |tx| {
            let row = tx.row("organisation", sql, values!["Meridian", "handle of Meridian"])?;
            row.map(|row| Ok((row.get::<String>("name")?, row.get::<Timestamp>("created_at")?))).transpose()
        });
        assert_eq!(row.await.unwrap(), Some(("Meridian".to_owned(), NOW)));
    }
}

#[tokio::test]
async fn work_that_fails_takes_back_itself_and_nothing_else() {
    for case in engines() {
        let kept = case.store.write(|tx, _| insert(tx, "kept"));
        let failed = case.store.write(|tx, _| {
            insert(tx, "taken back")?;
            Err::<(), _>(StoreError::Unreadable("on purpose".into()))
        });
        let also_kept = case.store.write(|tx, _| insert(tx, "kept too"));
        let (kept, failed, also_kept) = tokio::join!(kept, failed, also_kept);
        assert!(kept.is_ok() && also_kept.is_ok() && matches!(failed, Err(StoreError::Unreadable(_))));
        assert_eq!(case.count(ORGANISATIONS).await, 2);
    }
}

#[tokio::test]
async fn a_statement_that_breaks_a_rule_of_the_schema_is_an_error_and_not_a_loss() {
    for case in engines() {
        case.store.write(|tx, _| insert(tx, "Meridian")).await.unwrap();
        let again = case.store.write(|tx, _| insert(tx, "Meridian"));
        assert!(again.await.is_err(), "the name is unique");
        let conflict = "INSERT INTO organisation (handle, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let changed = case.store.write(move |tx, now| tx.execute(conflict, values!["other", "Meridian", now]));
        assert_eq!(changed.await.unwrap(), 0);
        let word = "INSERT INTO relying_party (handle, organisation, name, created_at) VALUES ('r', 999, 'r', 0)";
        assert!(case.store.write(move |tx, _| tx.execute(word, values![])).await.is_err(), "a key leads somewhere");
        assert_eq!(case.count(ORGANISATIONS).await, 1);
    }
}

#[tokio::test]
async fn a_parameter_may_stand_twice_and_nothing_is_null() {
    for case in engines() {
        let sql = "SELECT CASE WHEN $2 = 'b' AND $1 IS NULL AND $2 IS DISTINCT FROM $3 THEN 7 ELSE 0 END AS count";
        let look = case
            .store
            .read(move |tx| tx.one_row("count", sql, values![None::<i64>, "b", None::<String>])?.get::<u32>("count"));
        assert_eq!(look.await.unwrap(), 7);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_a_write_keeps_what_was_there_and_is_over_when_there_is_room() {
    for case in engines() {
        case.store.write(|tx, _| insert(tx, "before")).await.unwrap();
        case.store.simulate_full_disk(true).await.unwrap();
        let large = case.store.write(|tx, _| insert(tx, &"x".repeat(100_000)));
        assert!(matches!(large.await, Err(StoreError::Unwritable(_))));
        assert_eq!(case.count(ORGANISATIONS).await, 1);
        case.store.simulate_full_disk(false).await.unwrap();
        case.store.write(|tx, _| insert(tx, "afterwards")).await.unwrap();
        assert_eq!(case.count(ORGANISATIONS).await, 2);
    }
}

#[tokio::test]
async fn nothing_is_taken_after_the_close() {
    for case in engines() {
        case.store.close().await;
        assert!(matches!(case.store.write(|tx, _| insert(tx, "late")).await, Err(StoreError::Closed)));
    }
}

#[tokio::test]
async fn a_line_of_the_journal_says_who_what_and_of_whom_and_is_never_changed_or_removed() {
    for case in engines() {
        let store = &case.store;
        let made = store.create_organisation(Actor::OPERATOR, "org".into(), "Meridian".into()).await.unwrap();
        let organisation = made.unwrap().row_id;
        let account = AccountId::from_bytes([7; 16]);
        let by = Actor::relying_party("site", Some("198.51.100.7".parse().unwrap()));
        store.create_account(by, organisation, account, "maya".into()).await.unwrap();
        let line = store.read(move |tx| {
            let sql = "SELECT * FROM journal WHERE fact = $1";
            let row = tx.one_row("journal", sql, values![Fact::AccountCreated])?;
            let text = |column: &str| row.get::<Option<String>>(column);
            Ok([text("actor_kind")?, text("actor")?, text("address")?, text("organisation")?, text("account")?])
        });
        let account = account.to_string();
        let expected = ["relying_party", "site", "198.51.100.7", "org", account.as_str()];
        assert_eq!(line.await.unwrap().map(Option::unwrap), expected);
        for sql in ["UPDATE journal SET actor = 'nobody'", "DELETE FROM journal"] {
            assert!(store.write(move |tx, _| tx.execute(sql, values![])).await.is_err(), "{sql}");
        }
        assert_eq!(case.count("SELECT count(*) AS count FROM journal").await, 2);
    }
}

#[tokio::test]
async fn a_line_stands_and_falls_with_what_it_tells() {
    for case in engines() {
        let failed = case.store.write(|tx, now| {
            Entry::new(now, &Actor::SERVER, Fact::SigningKeyMade).of_server(tx)?;
            Err::<(), _>(StoreError::Unreadable("on purpose".into()))
        });
        assert!(failed.await.is_err());
        assert_eq!(case.count("SELECT count(*) AS count FROM journal").await, 0);
    }
}
