//! Removal that is cut in the middle, and a clock that jumps.

use super::{DAY, House};
use countersign_server::store::{Ages, Removed};
use rusqlite::Connection;
use std::path::Path;

/// The database as a power cut would leave it, opened.
fn after_a_power_cut(database: &Path, folder: &Path) -> Connection {
    for end in ["", "-wal"] {
        let name = format!("countersign.db{end}");
        std::fs::copy(database.with_file_name(&name), folder.join(name)).unwrap();
    }
    Connection::open(folder.join("countersign.db")).unwrap()
}

/// What does not belong together, of everything that removal touches.
fn broken(database: &Connection) -> Vec<String> {
    let mut statement = database
        .prepare(
            "SELECT 'leads nowhere: ' || \"table\" FROM pragma_foreign_key_check
             UNION ALL SELECT 'not asked of any device: ' || row_id FROM challenge
                       WHERE NOT EXISTS (SELECT 1 FROM challenge_device WHERE challenge = challenge.row_id)
             UNION ALL SELECT 'a gap in the journal: ' || count(*) FROM journal
                       HAVING max(row_id) - min(row_id) + 1 <> count(*)
             UNION ALL SELECT 'cut elsewhere: ' || journal_cut_at FROM retention
                       WHERE journal_cut_at <> (SELECT min(row_id) - 1 FROM journal)",
        )
        .unwrap();
    let found = statement.query_map([], |row| row.get(0)).unwrap();
    found.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_two_pieces_leaves_a_whole_database_and_the_rest_goes_afterwards() {
    let mut house = House::new().await;
    // The operator's lines are the oldest, and the journal is never empty.
    for _ in 0..120 {
        house.logs_in().await;
    }
    house.scene.clock.advance(DAY * 366);
    let now = house.asks().await;
    let (store, at) = (&house.scene.server.service().store, house.scene.server.service().now());
    let mut pieces = 0;
    loop {
        let mut removed = 0;
        for what in Removed::ALL {
            let piece = store.remove_piece(what, &Ages::default(), at).await.unwrap();
            if piece > 0 {
                let folder = tempfile::tempdir().unwrap();
                let copy = after_a_power_cut(&house.scene.server.database(), folder.path());
                assert_eq!(broken(&copy), [""; 0], "after {piece} of the {}", what.name());
                pieces += 1;
            }
            removed += piece;
        }
        if removed == 0 {
            break;
        }
    }
    assert!(pieces > 8, "it went in pieces: {pieces}");
    let House { scene, site, .. } = house;
    let server = scene.server.restart().await;
    assert_eq!(site.state(&now).await, "pending");
    let left: u32 = server.sqlite().query_row("SELECT count(*) FROM challenge", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_ahead_by_years_removes_nothing_and_set_right_all_is_as_before() {
    let mut house = House::new().await;
    let id = house.logs_in().await;
    let mut pruner = house.pruner(Ages::default());
    assert_eq!(pruner.flush().await.unwrap(), 0);
    house.scene.clock.advance(DAY * 3650);
    house.logs_in().await;
    for _ in 0..10 {
        // Five minutes and more between two looks are no time in which the server ran; a restart is none either.
        assert_eq!(pruner.flush().await.unwrap(), 0);
        assert_eq!(house.pruner(Ages::default()).flush().await.unwrap(), 0);
    }
    house.scene.clock.set_back(DAY * 3650);
    assert_eq!(pruner.flush().await.unwrap(), 0);
    assert_eq!(house.site.state(&id).await, "claimed");
    assert!(house.site.read(&id).await["receipt"].is_object());
    house.logs_in().await;
}
